//! A vault that signs, a clock that is turned by hand, and decisions of the real policy.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use ed25519_dalek::{Signer as _, SigningKey};
use withheld_audit::chain::certificate_message;
use withheld_audit::{
    Anchor, Anchored, Clock, Closed, Durability, LocalKey, Log, Outcome, Sealer, SegmentKey, Who,
};
use withheld_core::ask::{Named, Terms, Way};
use withheld_core::binding::{Binding, BindingDraft};
use withheld_core::destination::{HostPattern, Methods};
use withheld_core::name::{AgentId, BindingId, Environment, RequestId, SecretName, SessionId};
use withheld_core::path::Paths;
use withheld_core::policy::{Decision, Pass, Permit, Refused, View, decide};
use withheld_core::policy_doc::PolicyContent;
use withheld_core::record::AllowedHost;
use withheld_core::{AgentRecord, Ask, Moment, Placeholders, Policy, Refusal};

/// 2026-11-24T17:00:00.123Z.
pub(crate) const NOON_MS: i64 = 1_795_539_600_123;

/// The vault's audit key, and whether the vault is open.
pub(crate) struct Vault {
    audit: SigningKey,
    pub(crate) open: AtomicBool,
    /// How many segment keys are alive.
    pub(crate) keys: Arc<AtomicI64>,
}

struct Counted(LocalKey, Arc<AtomicI64>);

impl Vault {
    pub(crate) fn new(open: bool) -> Arc<Self> {
        Arc::new(Self {
            audit: SigningKey::from_bytes(&[9; 32]),
            open: AtomicBool::new(open),
            keys: Arc::default(),
        })
    }

    pub(crate) fn public(&self) -> [u8; 32] {
        self.audit.verifying_key().to_bytes()
    }
}

impl Sealer for Vault {
    fn segment_key(&self) -> Option<Box<dyn SegmentKey>> {
        self.keys.fetch_add(1, Ordering::SeqCst);
        let key = LocalKey::generate().ok()?;
        Some(Box::new(Counted(key, Arc::clone(&self.keys))))
    }

    fn certify(&self, segment: u64, public: &[u8; 32]) -> Option<[u8; 64]> {
        self.open.load(Ordering::SeqCst).then(|| {
            self.audit
                .sign(&certificate_message(segment, public))
                .to_bytes()
        })
    }
}

impl SegmentKey for Counted {
    fn public(&self) -> [u8; 32] {
        self.0.public()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A clock that stands still until it is turned.
pub(crate) struct Hands(Arc<AtomicI64>);

impl Hands {
    pub(crate) fn at(ms: i64) -> Self {
        Self(Arc::new(AtomicI64::new(ms)))
    }

    pub(crate) fn turn(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> Clock {
        let now = Arc::clone(&self.0);
        Arc::new(move || Moment::from_ms(now.load(Ordering::SeqCst)))
    }
}

/// The copy of the anchor, in memory.
#[derive(Default)]
pub(crate) struct Elsewhere(pub(crate) Mutex<Option<Anchored>>);

impl Anchor for Elsewhere {
    fn load(&self) -> Option<Anchored> {
        *self.0.lock().unwrap()
    }

    fn store(&self, anchored: &Anchored) -> bool {
        *self.0.lock().unwrap() = Some(*anchored);
        true
    }
}

pub(crate) fn open(folder: &Path, vault: &Arc<Vault>, hands: &Hands) -> Result<Log, Refusal> {
    open_with_copy(folder, vault, hands, None)
}

pub(crate) fn open_with_copy(
    folder: &Path,
    vault: &Arc<Vault>,
    hands: &Hands,
    copy: Option<Arc<dyn Anchor>>,
) -> Result<Log, Refusal> {
    let sealer = Arc::clone(vault);
    let key = vault.public();
    Log::open(
        folder,
        sealer,
        Durability::Process,
        hands.clock(),
        Some(&key),
        copy,
    )
}

pub(crate) fn who() -> Who {
    Who {
        agent: AgentId::parse("claude").unwrap(),
        session: SessionId::from_bytes([1; 9]),
        environment: Environment::dev(),
        claimed: None,
    }
}

pub(crate) fn request(number: u64) -> RequestId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    RequestId::from_bytes(bytes)
}

pub(crate) fn delivered() -> Closed {
    Closed {
        outcome: Outcome::Delivered,
        status: Some(200),
        bytes_up: 3,
        bytes_down: 412,
        redactions: 1,
        refusal: None,
    }
}

/// What the policy says to GET of `url`: `api.test` is bound to STRIPE_KEY, `open.test` is allowed.
pub(crate) fn decision(number: u64, url: &str, secret: Option<&str>) -> Decision {
    let (parts, ()) = http::Request::get("/call").body(()).unwrap().into_parts();
    let named = secret.map(|name| Named {
        secret: SecretName::parse(name).unwrap(),
        place: None,
    });
    let terms = Terms {
        way: Way::Call,
        tunnel: None,
        target: Some(url.to_owned()),
        named: named.into_iter().collect(),
    };
    let view = View {
        record: &AgentRecord::local(),
        placeholders: &Placeholders::default(),
        elsewhere: &|_| false,
        known: &|_| true,
    };
    let ask = Ask::read(parts, terms).unwrap();
    decide(&view, &policy(), ask, request(number))
}

pub(crate) fn permit(number: u64) -> Permit {
    match decision(
        number,
        "https://api.test/v1/balance?expand=1",
        Some("STRIPE_KEY"),
    ) {
        Decision::Permit(permit) => permit,
        _ => unreachable!("bound and granted"),
    }
}

pub(crate) fn pass(number: u64) -> Pass {
    match decision(number, "https://open.test/v1/status", None) {
        Decision::Pass(pass) => pass,
        _ => unreachable!("allowed"),
    }
}

pub(crate) fn refused(number: u64, url: &str, secret: Option<&str>) -> Box<Refused> {
    match decision(number, url, secret) {
        Decision::Refuse(refused) => refused,
        _ => unreachable!("neither bound nor allowed"),
    }
}

fn policy() -> Policy {
    let mut content = PolicyContent::first();
    content.bindings = vec![Binding {
        id: BindingId::from_bytes([1; 6]),
        environment: Environment::dev(),
        secret: SecretName::parse("STRIPE_KEY").unwrap(),
        terms: BindingDraft {
            host: HostPattern::parse("api.test").unwrap(),
            port: 443,
            paths: Paths::default(),
            methods: Methods::default(),
            place: "bearer".parse().unwrap(),
            format: None,
            vars: Vec::new(),
            prefix: None,
            auto: false,
            private: false,
            foreign: false,
            ca: None,
        },
    }];
    content.allowed = vec![AllowedHost {
        host: HostPattern::parse("open.test").unwrap(),
        port: None,
        foreign: false,
    }];
    let owner = SigningKey::from_bytes(&[5; 32]);
    let json = content.to_json().unwrap();
    let signature = owner.sign(&PolicyContent::signed_message(&json));
    let file = PolicyContent::file(&json, &signature.to_bytes());
    Policy::verify(&file, &owner.verifying_key().to_bytes(), 0).unwrap()
}
