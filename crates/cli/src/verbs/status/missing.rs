//! What the folder needs and is not here. An agent gets the same answer for a name that it may not
//! know of as for one that does not exist: the comparison is with what the broker told it.

use serde_json::{Value, json};
use withheld_core::name::SecretName;

use crate::project::Wish;

/// Adds the missing names to the secrets, and to what comes next.
pub(super) fn add(wish: &Wish, said: &mut Value) {
    let secrets = said["secrets"].as_array().cloned().unwrap_or_default();
    let of = |name: &SecretName| secrets.iter().find(|one| one["name"] == name.as_str());
    let is_missing = |name: &SecretName| of(name).is_none_or(|one| one["state"] == "missing");
    let steps: Vec<Value> = wish
        .secrets()
        .filter(|name| is_missing(name))
        .map(|name| step(wish, said, name))
        .collect();
    let unknown: Vec<Value> = wish
        .secrets()
        .filter(|name| of(name).is_none())
        .map(row)
        .collect();
    if let Some(secrets) = said["secrets"].as_array_mut() {
        secrets.extend(unknown);
        secrets.sort_by(|one, other| one["name"].as_str().cmp(&other["name"].as_str()));
    }
    // A locked vault tells of what is bound alone: whether the rest is here, nobody knows.
    let is_known = said["vault"] != "locked";
    if let Some(next) = said["next"].as_array_mut().filter(|_| is_known) {
        next.extend(steps);
    }
}

fn row(name: &SecretName) -> Value {
    json!({
        "name": name,
        "state": "missing",
        "version": null,
        "remote_version": null,
        "usable": false,
        "use": [],
        "vars": [name],
        "flags": [],
    })
}

/// Typed in this folder, it stores the key where it is missed.
fn step(wish: &Wish, said: &Value, name: &SecretName) -> Value {
    let part = |part: &str| said["project"][part].as_str().unwrap_or_default();
    let full = format!("{}/{}", part("project"), part("environment"));
    let is_default = wish
        .environment("dev")
        .is_ok_and(|default| default.as_str() == full);
    let mut argv = vec!["withheld", "set", name.as_str()];
    if !is_default {
        argv.extend(["-e", &full]);
    }
    json!({ "who": "owner", "argv": argv, "why": "secret_missing" })
}
