//! Two secrets that belong together, changed again and again: a request that uses both says by what arrives
//! which generation is in force, and that it is one.

use std::collections::HashMap;

use withheld_testkit::serde_json::{Value, json};
use withheld_testkit::{Agent, World};

use super::two::{Two, accept_all, asked, named};

const NAMES: [&str; 2] = ["KEY", "OTHER"];

/// Two people, the secrets that both have, and the generation that each value is of.
pub(super) struct Pair {
    pub(super) two: Two,
    /// Of the second member.
    pub(super) agent: Agent,
    /// Values of the first generation are version 1.
    pub(super) newest: u32,
    of: HashMap<String, u32>,
}

impl Pair {
    pub(super) fn of(mut two: Two) -> Self {
        let other = two.value();
        two.lead.set("OTHER", &other);
        let place = ["--inject", "header:X-Other"];
        two.lead.bind("OTHER", "api.test/v1", &place);
        two.push();
        asked(&two.newdev, &["pull"]);
        assert_eq!(accept_all(&two.newdev), 1);
        let words = ["--grant", "*", "--rate", "1000000/m"];
        let agent = two.newdev.agent_named("busy", &words);
        let of = [&two.key, &other].map(|value| (value.text().to_owned(), 0));
        Self {
            of: of.into_iter().collect(),
            newest: 0,
            agent,
            two,
        }
    }

    /// A new generation, stored by the founder.
    pub(super) fn next(&mut self) {
        self.newest += 1;
        for name in NAMES {
            let value = self.two.value();
            self.two.lead.set(name, &value);
            self.of.insert(value.text().to_owned(), self.newest);
        }
    }

    /// Uses both in one request.
    pub(super) fn call(&self) -> std::io::Result<()> {
        let url = self.two.lead.url("api.test/v1/x");
        let call = self.agent.call("GET", &url).inject("bearer=KEY");
        let reply = call.inject("header:X-Other=OTHER").try_send()?;
        if reply.status == 200 {
            Ok(())
        } else {
            Err(std::io::Error::other(reply.shown()))
        }
    }

    /// The generation that is in force at the second member.
    #[track_caller]
    pub(super) fn in_force(&self) -> u32 {
        let before = self.arrived().len();
        self.call().unwrap();
        let arrived = self.arrived();
        assert_eq!(arrived.len(), before + 1);
        arrived[before]
    }

    /// The generation of every request that arrived; both values of each are of the same one.
    #[track_caller]
    pub(super) fn arrived(&self) -> Vec<u32> {
        let of = |text: &str| self.of[text];
        let pairs = self.two.lead.api.seen().into_iter().map(|seen| {
            let bearer = seen.header("authorization").unwrap();
            let key = of(bearer.strip_prefix("Bearer ").unwrap());
            let other = of(seen.header("x-other").unwrap());
            assert_eq!(key, other, "a mix of two generations");
            key
        });
        pairs.collect()
    }

    /// The broker of the second member runs again, at a port of its own choice.
    pub(super) fn found_again(&mut self) {
        let listen = self.two.newdev.status()["broker"]["listen"].clone();
        listen.as_str().unwrap().clone_into(&mut self.agent.broker);
    }

    /// How both stand here, which is the same.
    #[track_caller]
    pub(super) fn stand(&self, world: &World) -> String {
        let diff = asked(world, &["diff"]);
        let [state, other] = NAMES.map(|name| named(&diff["secrets"], name)["state"].clone());
        assert_eq!(state, other, "{diff}");
        state.as_str().unwrap().to_owned()
    }

    /// Both secrets are the team's newest here, and were pushed once a generation.
    #[track_caller]
    pub(super) fn are_in_sync(&self, world: &World) {
        let diff = asked(world, &["diff"]);
        for name in NAMES {
            let row = named(&diff["secrets"], name);
            let version = json!(self.newest + 1);
            let found = (&row["state"], &row["version"], &row["remote_version"]);
            assert_eq!(found, (&json!("in-sync"), &version, &version), "{row}");
        }
    }

    /// What a pull or a push brings that brings a whole generation.
    pub(super) fn whole(&self) -> Value {
        let version = self.newest + 1;
        json!(NAMES.map(|name| json!({"name": name, "version": version})))
    }
}
