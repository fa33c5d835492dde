//! For the tests of this crate: a house without its doors, its owner, and what rests of it.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http_body_util::{BodyExt as _, Empty};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use withheld_audit::Paper;
use withheld_core::api::{AgentRequest, Deposit, OwnerCall, OwnerRequest};
use withheld_core::ask::{Ask, Named, Terms, Way};
use withheld_core::name::{RequestId, SecretName};
use withheld_core::policy::Decision;
use withheld_core::session::SessionToken;
use withheld_core::{Code, Refusal};
use withheld_testkit::Temp;
use withheld_vault::Home;
use withheld_vault::intake::{How, from_file, passphrase_file};

use crate::answer::{self, Answer};
use crate::house::House;
use crate::owner_api::proof::{Proven, Seal, proven};
use crate::session::{Caller, random};
use crate::stages::record_of;
use crate::visitor::Visitor;
use crate::{agent_api, owner_api};

/// A house, and its owner.
pub(crate) struct Case {
    pub(crate) house: Arc<House>,
    temp: Temp,
}

impl Case {
    /// A house without a vault.
    pub(crate) fn new() -> Self {
        let temp = Temp::new();
        let house = House::build(home(&temp)).unwrap();
        Self { house, temp }
    }

    /// A house with an open vault.
    pub(crate) fn open() -> Self {
        let case = Self::new();
        let init = json!({"do": "init", "vault": "file", "auto_unlock": false});
        case.ask(init, "passphrase").unwrap();
        case
    }

    /// Ends the house as a broker does that is told to stop.
    pub(crate) fn stop(self) -> Temp {
        self.house.close();
        self.temp
    }

    /// Another house on what was left there.
    pub(crate) fn start(temp: Temp) -> Self {
        let house = House::build(home(&temp)).unwrap();
        Self { house, temp }
    }

    /// A broker that was stopped, and started, and whose owner unlocked it.
    pub(crate) fn restarted(self) -> Self {
        let case = Self::start(self.stop());
        case.unlock().unwrap();
        case
    }

    pub(crate) fn unlock(&self) -> Result<Value, Refusal> {
        self.ask(json!({"do": "unlock"}), "proof")
    }

    pub(crate) fn lock(&self) -> Result<Value, Refusal> {
        self.call(&json!({"do": "lock"}), None)
    }

    /// Asks this, with the owner's passphrase at its place.
    pub(crate) fn ask(&self, request: Value, place: &str) -> Result<Value, Refusal> {
        self.call(&request, Some(place))
    }

    /// Unlocks as a command does that has the owner's turn already.
    pub(crate) fn unlock_in_turn(&self) -> Proven {
        let call = self.sealed(json!({"do": "unlock"}), "proof");
        let seal = Seal::of(&self.house, &call).unwrap();
        let OwnerRequest::Unlock { proof } = call.request else {
            panic!("another request");
        };
        proven(&self.house, seal.on(&proof)).unwrap()
    }

    fn call(&self, request: &Value, place: Option<&str>) -> Result<Value, Refusal> {
        let request = request.clone();
        let call = match place {
            Some(place) => self.sealed(request, place),
            None => OwnerCall {
                nonce: None,
                request: serde_json::from_value(request).unwrap(),
            },
        };
        owner_api::answer(&self.house, call).map(said)
    }

    fn sealed(&self, mut request: Value, place: &str) -> OwnerCall {
        request[place] = json!("AAAA");
        let asked: OwnerRequest = serde_json::from_value(request).unwrap();
        let nonce = self.house.nonces.give().unwrap();
        let context = asked.proof_context(&nonce).unwrap();
        let passphrase = passphrase_file(&self.typed("correct horse battery")).unwrap();
        let proof = passphrase.seal(self.house.intake.public(), &context);
        OwnerCall {
            nonce: Some(nonce),
            request: asked.with_proof(proof.unwrap()),
        }
    }

    /// Asks at the agents' socket, without a token.
    pub(crate) fn agent(&self, request: AgentRequest) -> Result<Value, Refusal> {
        agent_api::answer(&self.house, &self.house.sessions.local(), false, request).map(said)
    }

    /// The same, as the agent of a session.
    pub(crate) fn agent_as(
        &self,
        caller: &Caller,
        request: AgentRequest,
    ) -> Result<Value, Refusal> {
        agent_api::answer(&self.house, caller, true, request).map(said)
    }

    fn typed(&self, text: &str) -> PathBuf {
        let name = format!("typed-{}", RequestId::from_bytes(random().unwrap()));
        let file = self.temp.path().join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        file
    }

    /// Stores a value under this name, bound to a port of this machine where nothing answers.
    pub(crate) fn store(&self, name: &str) {
        self.store_value(name, "whCANARY7Qm2xV9tLk4RzP8sWn3B");
    }

    /// This value, sealed for the vault.
    pub(crate) fn deposit(&self, plain: &str) -> Deposit {
        let how = How {
            raw: false,
            shapes: &[],
        };
        let file = self.typed(plain);
        let key = self.house.unlocked().unwrap().facts().intake_public.clone();
        from_file(&file, &key, how).unwrap().deposit
    }

    /// The same with this value.
    pub(crate) fn store_value(&self, name: &str, plain: &str) {
        let value = self.deposit(plain);
        let store = json!({
            "do": "store", "environment": "dev",
            "items": [{"name": name, "value": value, "bindings": [
                {"host": "localhost", "port": 1, "place": "bearer", "private": true},
            ]}],
        });
        self.ask(store, "proof").unwrap();
    }

    /// Signs a record for an agent and starts a session of it; its token.
    pub(crate) fn add(&self, agent: &str) -> SessionToken {
        let add = json!({
            "do": "agent_add",
            "record": {
                "agent": agent, "workspace": "local", "environment": "dev", "grants": ["*"],
                "hosts": [], "ttl_s": 3600, "rate": "60/m",
            },
        });
        let begun = self.ask(add, "proof").unwrap();
        SessionToken::parse(begun["token"].as_str().unwrap()).unwrap()
    }

    /// How the wire answers a request with this secret, whose papers were made before `meanwhile`. One
    /// that it takes is `upstream_unreachable`.
    pub(crate) fn sent(&self, caller: Caller, secret: &str, meanwhile: impl FnOnce()) -> Code {
        let house = &self.house;
        let visitor = Visitor::of(caller);
        let session = &visitor.caller.session;
        let (parts, ()) = http::Request::new(()).into_parts();
        let terms = Terms {
            way: Way::Call,
            tunnel: None,
            target: Some("https://localhost:1/".to_owned()),
            named: vec![Named {
                secret: name(secret),
                place: None,
            }],
        };
        let (vault, policy) = (house.unlocked().unwrap(), house.policy().unwrap());
        let record = record_of(&policy, session).unwrap();
        let ask = Ask::read(parts, terms).unwrap();
        let id = RequestId::from_bytes(random().unwrap());
        let Decision::Permit(permit) = house.judge(session, record, &policy, &vault, ask, id)
        else {
            panic!("no permit");
        };
        let (values, versions) = vault.fetch(&permit).unwrap();
        let paper = Paper::Permit(&permit);
        let log = house.log().unwrap();
        let (receipt, _closing) = log.intend(&visitor.who(), paper, &versions).unwrap();
        drop(vault);
        meanwhile();
        let body = Empty::new().map_err(|never| match never {}).boxed();
        let sent = house
            .wire
            .send(&session.id, permit, receipt, values, body, &|| Ok(()));
        runtime().block_on(sent).err().unwrap().refusal.code
    }
}

/// Copies a home that nobody is in. What is changed in the copy is what a kill at that point left.
pub(crate) fn copy_of(temp: &Temp) -> Temp {
    let copy = Temp::new();
    copy_folder(home(temp).path(), home(&copy).path());
    copy
}

pub(crate) fn home(temp: &Temp) -> Home {
    let home = Home::at(&temp.path().join("home")).unwrap();
    home.create().unwrap();
    home
}

pub(crate) fn name(written: &str) -> SecretName {
    SecretName::parse(written).unwrap()
}

/// A runtime whose blocking work is done in the order in which it was given.
pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()
        .unwrap()
}

/// The data of an answer.
fn said(answer: Answer) -> Value {
    let body = answer::reply(Ok(answer)).into_body().collect();
    let Ok(whole) = runtime().block_on(body) else {
        panic!("an answer is whole");
    };
    let mut document: Value = serde_json::from_slice(&whole.to_bytes()).unwrap();
    document["data"].take()
}

fn copy_folder(from: &Path, to: &Path) {
    let mut folder = fs::DirBuilder::new();
    folder.mode(0o700).recursive(true).create(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
