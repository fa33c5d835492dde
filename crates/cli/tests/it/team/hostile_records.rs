//! A server that lies about what the chains name: records and their parts, keys; or sends anything at all.

use withheld_testkit::Changed;
use withheld_testkit::serde_json::{Value, json};

use super::drift::two;
use super::liar::{INVALID, Liar, UNVERIFIED};
use super::script::{flip, list, on};
use super::two::{asked, diff_exits, is, told};

#[test]
fn records() {
    let mut liar = Liar::new(two!());
    for (part, percent) in [
        ("record", 30),
        ("record", 97),
        ("meta", 50),
        ("slot", 50),
        ("slot", 97),
        ("value", 50),
    ] {
        let next = liar.writes(1);
        liar.meets(
            next,
            INVALID,
            on("POST", "/records:get", move |got| {
                let first = &mut got["records"][0];
                if first[part].is_string() {
                    flip(&mut first[part], percent);
                }
            }),
        );
    }
    // 28: the version before, in place of the new one.
    liar.two.post.tap.take();
    let next = liar.writes(1);
    asked(&liar.two.newdev, &["pull"]);
    let seen = liar.two.post.tap.take();
    let older = seen.into_iter().find(|one| one.is("POST", "/records:get"));
    let older = older.unwrap().json()["records"][0].clone();
    (liar.value, liar.version) = next;
    liar.lie(
        INVALID,
        on("POST", "/records:get", move |got| {
            let version = got["records"][0]["ver"].clone();
            for (name, part) in older.as_object().unwrap() {
                got["records"][0][name] = part.clone();
            }
            got["records"][0]["ver"] = version;
        }),
    );
    // What is only missing is no evidence.
    liar.lie(
        UNVERIFIED,
        on("POST", "/records:get", |got| list(got, "records").clear()),
    );
    liar.two.finish();
}

#[test]
fn z02_cli_two_secrets_are_not_exchanged() {
    let mut two = two!();
    let other = two.value();
    two.lead.set("OTHER_KEY", &other);
    two.push();
    asked(&two.newdev, &["pull"]);
    let mut liar = Liar::new(two);
    for part in ["record", "meta", "slot", "value"] {
        let value = liar.two.value();
        liar.two.lead.set("OTHER_KEY", &value);
        let next = liar.writes(1);
        liar.meets(
            next,
            INVALID,
            on("POST", "/records:get", move |got| {
                let records = list(got, "records");
                if records.len() == 2 {
                    let (one, two) = records.split_at_mut(1);
                    std::mem::swap(&mut one[0][part], &mut two[0][part]);
                }
            }),
        );
        is(
            &liar.two.newdev,
            "OTHER_KEY",
            "in-sync",
            json!(liar.version),
            json!(liar.version),
        );
    }
    liar.two.finish();
}

#[test]
fn envelopes() {
    let mut liar = Liar::new(two!());
    // 42 withheld, 39 written over; a bad one is like none.
    let lies: [fn(&mut Value); 3] = [
        |page| list(page, "envelopes").clear(),
        |page| {
            for envelope in list(page, "envelopes") {
                flip(envelope, 50);
            }
        },
        |page| {
            for envelope in list(page, "envelopes") {
                flip(envelope, 97);
            }
        },
    ];
    for lie in lies {
        for right in ["none", "write"] {
            let to = format!("dev:{right}");
            liar.two
                .lead
                .owner(&["team", "set", "newdev", "--no-input", "--to", &to])
                .succeeds();
        }
        let next = liar.writes(1);
        liar.two.post.tap.script(on("GET", "/envelopes", lie));
        told(&liar.two.newdev, &["pull"])
            .fails(6)
            .says("unverified");
        liar.holds("unverified");
        diff_exits(&liar.two.newdev, 6);
        liar.two.post.tap.honest();
        asked(&liar.two.newdev, &["pull"]);
        (liar.value, liar.version) = next;
        liar.holds("in-sync");
    }
    liar.two.finish();
}

#[test]
fn forged_bytes() {
    let mut liar = Liar::new(two!());
    let unreachable = (6, "server_unreachable");
    for (verdict, status, kind, body) in [
        (UNVERIFIED, 200, "text/html", "<html>welcome</html>"),
        (UNVERIFIED, 200, "application/json", "{\"w\":{\"seq\":1"),
        (UNVERIFIED, 200, "application/json", "{\"w\":null}"),
        (UNVERIFIED, 200, "application/json", ""),
        (unreachable, 502, "text/html", "<html>bad gateway</html>"),
        (unreachable, 302, "text/html", ""),
        (unreachable, 500, "application/json", "{}"),
    ] {
        liar.lie(verdict, move |_| Some(Changed::bytes(status, kind, body)));
    }
    let noise = "qL3".repeat(200);
    liar.lie(
        INVALID,
        on("GET", "/commits", move |page| {
            page["commits"][0] = json!(noise);
        }),
    );
    liar.two.finish();
}
