//! A server that lies about its chains: heads, links, commits.

use withheld_testkit::serde_json::{Value, json};

use super::drift::two;
use super::liar::{FORK, INVALID, Liar, ROLLBACK};
use super::script::{flip, list, on};

/// Changes what is said of the one environment that is not the directory.
fn environment(heads: &mut Value, change: impl Fn(&mut Value)) {
    let others = list(heads, "envs").iter_mut();
    others
        .filter(|one| one["env"] != json!("0".repeat(32)))
        .for_each(change);
}

fn less(number: &mut Value, by: u64) {
    *number = json!(number.as_u64().unwrap().saturating_sub(by));
}

#[test]
fn heads() {
    let mut liar = Liar::new(two!());
    // 5, 22: what was seen already is denied.
    liar.lie(
        ROLLBACK,
        on("GET", "/heads", |heads| {
            less(&mut heads["w"]["seq"], 1);
        }),
    );
    liar.lie(
        ROLLBACK,
        on("GET", "/heads", |heads| {
            environment(heads, |env| less(&mut env["seq"], 2));
        }),
    );
    liar.lie(
        ROLLBACK,
        on("GET", "/heads", |heads| {
            list(heads, "envs").retain(|env| env["env"] == json!("0".repeat(32)));
        }),
    );
    // Another history, of the links and of an environment.
    liar.lie(
        FORK,
        on("GET", "/heads", |heads| {
            heads["w"]["hash"] = json!("ab".repeat(32));
        }),
    );
    liar.lie(
        FORK,
        on("GET", "/heads", |heads| {
            environment(heads, |env| {
                less(&mut env["seq"], 1);
                env["hash"] = json!("ab".repeat(32));
            });
        }),
    );
    liar.two.finish();
}

#[test]
fn z05_cli_links() {
    let mut liar = Liar::new(two!());
    let mut lie = |verdict, change: fn(&mut Value)| {
        liar.invites();
        liar.lie(verdict, on("GET", "/links", change));
    };
    // 3 dropped, 4 reordered, 14 other bytes, 109 another signature, 17 one from elsewhere.
    lie(INVALID, |page| drop(list(page, "links").remove(0)));
    lie(ROLLBACK, |page| list(page, "links").clear());
    lie(INVALID, |page| list(page, "links").swap(0, 1));
    lie(INVALID, |page| flip(&mut page["links"][0], 40));
    lie(INVALID, |page| flip(&mut page["links"][1], 97));
    lie(INVALID, |page| {
        page["links"][1] = page["links"][0].clone();
    });
    lie(INVALID, |page| page["links"][0] = json!("AAAA"));
    liar.two.finish();
}

#[test]
fn commits() {
    let mut liar = Liar::new(two!());
    let mut lie = |verdict, change: fn(&mut Value)| {
        let next = liar.writes(2);
        liar.meets(next, verdict, on("GET", "/commits", change));
    };
    // 30 omitted, 26 and 31 changed, 29 the same one twice.
    lie(INVALID, |page| drop(list(page, "commits").remove(0)));
    lie(ROLLBACK, |page| list(page, "commits").clear());
    lie(INVALID, |page| list(page, "commits").swap(0, 1));
    lie(INVALID, |page| flip(&mut page["commits"][0], 30));
    lie(INVALID, |page| flip(&mut page["commits"][1], 97));
    lie(INVALID, |page| {
        page["commits"][1] = page["commits"][0].clone();
    });
    liar.two.finish();
}
