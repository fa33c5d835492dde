//! What the tests of every theme share.

use withheld_testkit::{Agent, Canary, Reply, World};

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_withheld");

/// A world with an empty vault; the test ends, and is noted as skipped, where this machine cannot hold one.
macro_rules! world {
    () => {
        match withheld_testkit::World::new(crate::common::BINARY) {
            Some(world) => world,
            None => return,
        }
    };
}
pub(crate) use world;

/// The ways in by which an abuse case is tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    Proxy,
    Call,
}

impl Way {
    /// A request that asks for `KEY` as this way does: by its placeholder, or by its name.
    #[track_caller]
    pub(crate) fn send(self, agent: &Agent, method: &str, url: &str) -> Reply {
        self.with(agent, method, url, &[], b"")
    }

    /// The same, with fields and a body.
    #[track_caller]
    pub(crate) fn with(
        self,
        agent: &Agent,
        method: &str,
        url: &str,
        fields: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        match self {
            Self::Proxy => {
                let bearer = bearer(agent);
                let mut all = vec![("Authorization", bearer.as_str())];
                all.extend_from_slice(fields);
                agent.send(method, url, &all, body)
            }
            Self::Call => fields
                .iter()
                .fold(
                    agent.call(method, url).secret("KEY"),
                    |call, (name, value)| call.field(name, value),
                )
                .body(body)
                .send(),
        }
    }

    /// A request that asks for no credential.
    #[track_caller]
    pub(crate) fn bare(
        self,
        agent: &Agent,
        method: &str,
        url: &str,
        fields: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        match self {
            Self::Proxy => agent.send(method, url, fields, body),
            Self::Call => fields
                .iter()
                .fold(agent.call(method, url), |call, (name, value)| {
                    call.field(name, value)
                })
                .body(body)
                .send(),
        }
    }

    /// What stands where the agent asks for `KEY` at another host: a placeholder sent astray is a tripwire, a
    /// name is checked against its binding.
    pub(crate) fn astray(self) -> &'static str {
        match self {
            Self::Proxy => "tripwire",
            Self::Call => "binding_violation",
        }
    }
}

/// The value of an `Authorization` field with the placeholder of `KEY`.
pub(crate) fn bearer(agent: &Agent) -> String {
    format!("Bearer {}", agent.placeholder("KEY"))
}

/// Asserts that the last request at the API carried the plain canary as its only bearer token.
#[track_caller]
pub(crate) fn arrived_once(world: &World) {
    let seen = world.api.last();
    let expected = format!("Bearer {}", world.canaries.plain.text());
    assert_eq!(seen.all("authorization"), [expected.as_str()]);
    let head = String::from_utf8_lossy(&seen.head).into_owned();
    assert_eq!(head.matches(world.canaries.plain.text()).count(), 1);
}

/// Asserts that nothing arrived anywhere.
#[track_caller]
pub(crate) fn nothing_arrived(world: &World) {
    assert!(world.api.seen().is_empty(), "{:?}", world.api.seen());
    assert!(world.evil.seen().is_empty(), "{:?}", world.evil.seen());
}

/// An agent that may do everything, as often as it likes.
pub(crate) fn busy(world: &World) -> Agent {
    world.agent_named("busy", &["--grant", "*", "--rate", "100000/m"])
}

/// The value in a request's `Authorization`, without its scheme word.
pub(crate) fn key_in(seen: &withheld_testkit::Seen) -> String {
    seen.header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default()
        .to_owned()
}

/// A canary of these bytes that is secret from its first one.
pub(crate) fn value(bytes: impl Into<Vec<u8>>) -> Canary {
    Canary::new(bytes, 0)
}
