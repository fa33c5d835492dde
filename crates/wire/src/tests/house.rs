//! A wire with real papers: a signed policy, a log in a folder of its own, values in locked memory.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use ed25519_dalek::{Signer as _, SigningKey};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Empty, Full};
use withheld_audit::{Clock, Durability, LocalKey, Log, Paper, Sealer, SegmentKey, Who};
use withheld_core::ask::{Ask, Named, Terms, Way};
use withheld_core::binding::{Binding, BindingDraft, Format};
use withheld_core::destination::{HostPattern, Methods};
use withheld_core::name::{AgentId, BindingId, Environment, RequestId, SecretName, SessionId};
use withheld_core::path::Paths;
use withheld_core::placeholder::Placeholders;
use withheld_core::policy::{Decision, View, decide};
use withheld_core::policy_doc::{Policy, PolicyContent};
use withheld_core::record::{AgentRecord, AllowedHost};
use withheld_core::{Code, Moment};
use withheld_secret::{SecretValue, Values};

use crate::address::{Class, class};
use crate::dial::{Judge, Resolver, Resolving};
use crate::upload::{Upload, UploadFault};
use crate::{Armed, Arming, Failed, LIMITS, Limits, Reply, Still, Wire, WireConfig};

/// Every name is here.
pub(crate) struct Here;

impl Resolver for Here {
    fn resolve<'a>(&'a self, _: &'a str, port: u16) -> Resolving<'a> {
        Box::pin(async move { Ok(vec![([127, 0, 0, 1], port).into()]) })
    }
}

/// Seals with keys of its own making.
struct Seals;

impl Sealer for Seals {
    fn segment_key(&self) -> Option<Box<dyn SegmentKey>> {
        LocalKey::generate()
            .ok()
            .map(|key| Box::new(key) as Box<dyn SegmentKey>)
    }

    fn certify(&self, _: u64, _: &[u8; 32]) -> Option<[u8; 64]> {
        None
    }
}

/// A secret of the vault, and where it may go.
#[derive(Clone)]
pub(crate) struct Bound {
    pub(crate) name: &'static str,
    pub(crate) value: Vec<u8>,
    pub(crate) binding: Binding,
}

/// A binding of a secret to a host, private, at a place.
pub(crate) fn bound(
    name: &'static str,
    value: &str,
    to: (&str, u16),
    place: &str,
    ca: Option<String>,
) -> Bound {
    let id = u8::try_from(name.len()).expect("short") ^ name.as_bytes()[name.len() - 1];
    let binding = Binding {
        id: BindingId::from_bytes([id; 6]),
        environment: Environment::dev(),
        secret: secret(name),
        terms: BindingDraft {
            host: HostPattern::parse(to.0).expect("a host"),
            port: to.1,
            paths: Paths::default(),
            methods: Methods::default(),
            place: place.parse().expect("a place"),
            format: None,
            prefix: None,
            vars: Vec::new(),
            auto: false,
            private: true,
            foreign: false,
            ca,
        },
    };
    Bound {
        name,
        value: value.as_bytes().to_vec(),
        binding,
    }
}

impl Bound {
    pub(crate) fn with(mut self, change: impl FnOnce(&mut BindingDraft)) -> Self {
        change(&mut self.binding.terms);
        self
    }

    pub(crate) fn formatted(self, format: &str) -> Self {
        self.with(|terms| terms.format = Some(Format::parse(format).expect("a format")))
    }
}

/// What a test sends.
pub(crate) struct Try {
    method: &'static str,
    url: String,
    fields: Vec<(&'static str, String)>,
    named: Vec<&'static str>,
    body: Upload,
}

pub(crate) fn get(url: impl Into<String>) -> Try {
    Try {
        method: "GET",
        url: url.into(),
        fields: Vec::new(),
        named: Vec::new(),
        body: empty(),
    }
}

impl Try {
    pub(crate) fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    pub(crate) fn field(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    pub(crate) fn named(mut self, name: &'static str) -> Self {
        self.named.push(name);
        self
    }

    pub(crate) fn post(mut self, body: Upload) -> Self {
        self.method = "POST";
        self.body = body;
        self
    }
}

/// The parts of a house that a request passes.
pub(crate) struct House {
    pub(crate) wire: Wire,
    pub(crate) session: SessionId,
    policy: Policy,
    record: AgentRecord,
    placeholders: Placeholders,
    values: HashMap<SecretName, Vec<u8>>,
    log: Log,
    folder: PathBuf,
    next: AtomicU8,
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn house(secrets: Vec<Bound>) -> House {
    house_with(secrets, LIMITS)
}

pub(crate) fn house_with(secrets: Vec<Bound>, limits: Limits) -> House {
    build(secrets, &[], class, limits)
}

/// A house that may reach these hosts without a secret, and takes loopback for the internet.
pub(crate) fn open_house(secrets: Vec<Bound>, allowed: &[(&str, u16)]) -> House {
    build(secrets, allowed, |_| Class::Public, LIMITS)
}

/// As [`open_house`], with addresses judged as they are.
pub(crate) fn strict_house(secrets: Vec<Bound>, allowed: &[(&str, u16)]) -> House {
    build(secrets, allowed, class, LIMITS)
}

fn build(secrets: Vec<Bound>, allowed: &[(&str, u16)], judge: Judge, limits: Limits) -> House {
    let config = WireConfig {
        own: Arc::new(|_| false),
        via: "withheld-test".to_owned(),
    };
    let wire = Wire::with(config, Arc::new(Here), judge, limits).expect("a wire");
    let folder = folder();
    let clock: Clock = Arc::new(|| Moment::from_ms(1_764_000_000_000));
    let log = Log::open(
        &folder,
        Arc::new(Seals),
        Durability::Process,
        clock,
        None,
        None,
    )
    .expect("a log");
    let mut placeholders = Placeholders::default();
    for one in &secrets {
        placeholders.insert(secret(one.name), placeholder(one.name));
    }
    let house = House {
        wire,
        session: SessionId::from_bytes([1; 9]),
        policy: policy(&secrets, allowed),
        record: AgentRecord::local(),
        placeholders,
        values: secrets
            .into_iter()
            .map(|one| (secret(one.name), one.value))
            .collect(),
        log,
        folder,
        next: AtomicU8::new(0),
    };
    house.arm();
    house
}

pub(crate) fn placeholder(name: &str) -> String {
    format!("withheld{name}0123456789abcdef01234567")
}

fn policy(secrets: &[Bound], allowed: &[(&str, u16)]) -> Policy {
    let mut content = PolicyContent::first();
    content.bindings = secrets.iter().map(|one| one.binding.clone()).collect();
    content.allowed = allowed
        .iter()
        .map(|(host, port)| AllowedHost {
            host: HostPattern::parse(host).expect("a host"),
            port: Some(*port),
            foreign: true,
        })
        .collect();
    let key = SigningKey::from_bytes(&[5; 32]);
    let json = content.to_json().expect("json");
    let signature = key.sign(&PolicyContent::signed_message(&json)).to_bytes();
    let file = PolicyContent::file(&json, &signature);
    Policy::verify(&file, &key.verifying_key().to_bytes(), 0).expect("a policy")
}

impl House {
    /// Arms the session with every value.
    pub(crate) fn arm(&self) {
        self.arm_with(&[]);
    }

    /// The same, and with further values, which have no placeholder.
    pub(crate) fn arm_with(&self, more: &[(&str, &str)]) {
        let own = self.own();
        self.wire
            .arm(self.session, own.chain(others(more)).collect());
    }

    /// Arms the session with every value; what by.
    pub(crate) fn armed(&self) -> Arming {
        self.wire.arm(self.session, self.own().collect())
    }

    /// Gives it further values beside those that it was given by `had`.
    pub(crate) fn arm_more(&self, had: Arming, more: &[(&str, &str)]) -> Option<Arming> {
        self.wire
            .arm_more(self.session, had, others(more).collect())
    }

    /// Arms it with these values alone.
    pub(crate) fn arm_others(&self, all: &[(&str, &str)]) {
        self.wire.arm(self.session, others(all).collect());
    }

    fn own(&self) -> impl Iterator<Item = Armed> {
        self.values.iter().map(|(name, bytes)| Armed {
            name: name.clone(),
            replacement: self
                .placeholders
                .of(name)
                .expect("a placeholder")
                .to_owned(),
            value: value(bytes),
            prefix: String::new(),
        })
    }

    /// Lets another policy decide, with the values and placeholders as they are.
    pub(crate) fn rebind(&mut self, secrets: &[Bound]) {
        self.policy = policy(secrets, &[]);
    }

    fn decide(
        &self,
        method: &str,
        url: &str,
        fields: &[(&str, String)],
        named: &[&str],
    ) -> Decision {
        let mut builder = http::Request::builder().method(method).uri("/call");
        for (name, value) in fields {
            builder = builder.header(*name, value);
        }
        let (parts, ()) = builder.body(()).expect("a request").into_parts();
        let named = named
            .iter()
            .map(|name| Named {
                secret: secret(name),
                place: None,
            })
            .collect();
        let terms = Terms {
            way: Way::Call,
            tunnel: None,
            target: Some(url.to_owned()),
            named,
        };
        let ask = Ask::read(parts, terms).expect("readable");
        let view = View {
            record: &self.record,
            placeholders: &self.placeholders,
            elsewhere: &|_| false,
            known: &|_| true,
        };
        decide(&view, &self.policy, ask, self.id())
    }

    fn id(&self) -> RequestId {
        RequestId::from_bytes([self.next.fetch_add(1, Ordering::SeqCst); 16])
    }

    fn who(&self) -> Who {
        Who {
            agent: AgentId::local(),
            session: self.session,
            environment: Environment::dev(),
            claimed: None,
        }
    }

    /// Takes a request through policy, log and wire.
    pub(crate) async fn send(&self, what: Try) -> Result<Reply, Failed> {
        self.send_while(what, &|| Ok(())).await
    }

    /// The same, where what was decided may no longer hold.
    pub(crate) async fn send_while(&self, what: Try, still: &Still<'_>) -> Result<Reply, Failed> {
        match self.decide(what.method, &what.url, &what.fields, &what.named) {
            Decision::Permit(permit) => {
                let values = permit
                    .uses()
                    .iter()
                    .map(|used| value(&self.values[&used.binding.secret]))
                    .collect();
                let values = Values::new(*permit.id().as_bytes(), values);
                let (receipt, _) = self
                    .log
                    .intend(&self.who(), Paper::Permit(&permit), &[1])
                    .expect("an intent");
                self.wire
                    .send(&self.session, permit, receipt, values, what.body, still)
                    .await
            }
            Decision::Pass(pass) => {
                let (receipt, _) = self
                    .log
                    .intend(&self.who(), Paper::Pass(&pass), &[])
                    .expect("an intent");
                self.wire
                    .pass(&self.session, pass, receipt, what.body)
                    .await
            }
            Decision::Refuse(refused) => panic!("refused by policy: {}", refused.refusal),
        }
    }

    /// Sends two requests' papers as if they were one's.
    pub(crate) async fn send_mixed(
        &self,
        url: &str,
        name: &'static str,
        mix: Mix,
    ) -> Result<Reply, Failed> {
        let (Decision::Permit(one), Decision::Permit(two)) = (
            self.decide("GET", url, &[], &[name]),
            self.decide("GET", url, &[], &[name]),
        ) else {
            panic!("two permits");
        };
        let values = |of: RequestId, count: usize| {
            Values::new(
                *of.as_bytes(),
                (0..count).map(|_| value(b"whCANARY0123456789")).collect(),
            )
        };
        let (paper, values) = match mix {
            Mix::Receipt => (&two, values(one.id(), 1)),
            Mix::Values => (&one, values(two.id(), 1)),
            Mix::Count => (&one, values(one.id(), 2)),
        };
        let (receipt, _) = self
            .log
            .intend(&self.who(), Paper::Permit(paper), &[1])
            .expect("an intent");
        self.wire
            .send(&self.session, one, receipt, values, empty(), &|| Ok(()))
            .await
    }

    /// The reply's status and its whole body.
    pub(crate) async fn whole(&self, what: Try) -> (u16, String) {
        let reply = self
            .send(what)
            .await
            .map_err(|failed| failed.refusal)
            .expect("a reply");
        let body = reply.body.collect().await.expect("a body").to_bytes();
        (
            reply.status.as_u16(),
            String::from_utf8(body.to_vec()).expect("text"),
        )
    }

    /// The code of the failure, and whether the request may have arrived.
    pub(crate) async fn fails(&self, what: Try) -> (Code, bool) {
        match self.send(what).await {
            Ok(reply) => panic!("answered {}", reply.status),
            Err(failed) => (failed.refusal.code, failed.sent),
        }
    }
}

/// Values without a placeholder.
fn others(all: &[(&str, &str)]) -> impl Iterator<Item = Armed> {
    all.iter().map(|(name, text)| Armed {
        name: secret(name),
        replacement: String::new(),
        value: value(text.as_bytes()),
        prefix: String::new(),
    })
}

/// Which paper is another request's.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mix {
    Receipt,
    Values,
    Count,
}

pub(crate) fn secret(name: &str) -> SecretName {
    SecretName::parse(name).expect("a name")
}

pub(crate) fn value(bytes: &[u8]) -> SecretValue {
    SecretValue::with_len::<()>(bytes.len(), |room| {
        room.copy_from_slice(bytes);
        Ok(bytes.len())
    })
    .expect("room")
}

/// A path of its own, where nothing is yet.
pub(crate) fn folder() -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let folder =
        std::env::temp_dir().join(format!("withheld-wire-{}-{number}", std::process::id()));
    // The process of an earlier run may have had the same number.
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

pub(crate) fn empty() -> Upload {
    Empty::new().map_err(|never| match never {}).boxed()
}

pub(crate) fn full(text: &str) -> Upload {
    Full::new(Bytes::copy_from_slice(text.as_bytes()))
        .map_err(|never| match never {})
        .boxed()
}

/// A body in steps, of unknown length.
pub(crate) enum Step {
    Data(&'static str),
    Fault(UploadFault),
    /// Time for what was said to go out.
    Yield,
    /// Nothing more, and no end.
    Hang,
}

pub(crate) fn steps(steps: impl IntoIterator<Item = Step>) -> Upload {
    Steps(steps.into_iter().collect()).boxed()
}

struct Steps(VecDeque<Step>);

impl Body for Steps {
    type Data = Bytes;
    type Error = UploadFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadFault>>> {
        match self.0.pop_front() {
            Some(Step::Data(text)) => {
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(text.as_bytes())))))
            }
            Some(Step::Fault(fault)) => Poll::Ready(Some(Err(fault))),
            Some(Step::Yield) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Step::Hang) => {
                self.0.push_front(Step::Hang);
                Poll::Pending
            }
            None => Poll::Ready(None),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
