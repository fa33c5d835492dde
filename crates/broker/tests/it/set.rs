//! What most tests begin with.

use serde_json::{Value, json};
use withheld_testkit::{Answer, Authority, Temp, Upstream};

use crate::broker::{Broker, bindings};

/// A broker with a bound key, a session, and the upstream that the key is for.
pub(crate) struct Set {
    pub(crate) broker: Broker,
    pub(crate) upstream: Upstream,
    pub(crate) authority: Authority,
    pub(crate) token: String,
    pub(crate) placeholder: String,
    pub(crate) to: String,
}

impl Set {
    pub(crate) fn up() -> Self {
        let broker = Broker::start(Temp::new());
        broker.init();
        let authority = Authority::new();
        let upstream = Upstream::start(&authority, &["localhost"]);
        broker.store(&bindings(&upstream, &authority));
        let env = broker.agent(&json!({"do": "proxy_env"}), "");
        Self {
            token: env["token"].as_str().unwrap().to_owned(),
            placeholder: env["vars"]["API_KEY"].as_str().unwrap().to_owned(),
            to: format!("localhost:{}", upstream.port()),
            broker,
            upstream,
            authority,
        }
    }

    pub(crate) fn get(&self, fields: &str) -> String {
        format!(
            "GET /v1/x HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer {}\r\n{fields}\r\n",
            self.to, self.placeholder
        )
    }

    pub(crate) fn outcomes(&self) -> Vec<Value> {
        let audit = json!({"do": "audit", "secret": null, "host": null, "denied": false, "since_ms": null, "last": null});
        let records = self.broker.agent(&audit, "");
        let records = records["records"].as_array().unwrap().clone();
        let requests = records.into_iter().filter(|one| one["kind"] == "request");
        requests.map(|one| one["outcome"].clone()).collect()
    }

    /// Makes the upstream say what it was sent.
    pub(crate) fn echo(&self) {
        self.upstream
            .answer(|seen| Answer::ok(seen.header("authorization").unwrap_or("none")));
    }
}
