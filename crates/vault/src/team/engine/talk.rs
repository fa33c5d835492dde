//! Requests to the team's server, signed, and its answers, read with limits. An answer that is no answer
//! is a fault of the way there; only what the server shows can be a fault of the server.

mod problems;

use serde::Serialize;
use serde::de::DeserializeOwned;
use withheld_core::{Code, Moment, Refusal};
use withheld_team::api::{Heads, ProblemCode};
use withheld_team::http_signature::{
    self, CONTENT_DIGEST, Fields, KeyId, Request, SIGNATURE, SIGNATURE_INPUT, Stamp,
};
use withheld_team::id::DeviceId;

use super::reached::Reached;
use crate::fault;
use crate::team::invitation::Server;
use crate::team::keys::{DeviceSeed, InviteKey};
use crate::team::post::{Answer, Outgoing, Post};
use crate::vault::Unlocked;

pub(super) use problems::problem;
use problems::{is_judged, not_the_server, refused_for, unreadable};

/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 32 << 20;

/// Who asks.
pub(super) enum By<'a> {
    /// A device of the workspace.
    Device(&'a DeviceSeed, DeviceId),
    /// Who holds an invitation that is still open.
    Invite(&'a InviteKey),
    /// Nobody yet: what is sent speaks for itself.
    Nobody,
}

/// A conversation with the server.
pub(super) struct Line<'a> {
    pub(super) post: &'a mut dyn Post,
    pub(super) server: &'a Server,
    pub(super) by: By<'a>,
    pub(super) now: Moment,
    /// The vault that speaks: locked, it says no more.
    vault: Option<&'a Unlocked>,
    /// The last answer, in case it is evidence.
    last: Vec<u8>,
    /// How many changes the server counted when it last stored something.
    pub(super) rev: u64,
}

/// What became of something that was sent to be stored.
#[derive(Debug)]
pub(super) enum Sent {
    Stored,
    /// The chains have moved on meanwhile.
    Moved,
    /// It is not stored and never will be.
    Refused(Refusal),
}

impl<'a> Line<'a> {
    pub(super) fn new(
        post: &'a mut dyn Post,
        server: &'a Server,
        by: By<'a>,
        now: Moment,
        vault: Option<&'a Unlocked>,
    ) -> Self {
        Self {
            vault,
            post,
            server,
            by,
            now,
            last: Vec::new(),
            rev: 0,
        }
    }

    /// The last answer, with what was asked before it.
    pub(super) fn take_last(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.last)
    }

    /// Asks for something; the status is 200.
    ///
    /// # Errors
    /// What the server refuses, `server_unreachable`, `unverified` for an answer that cannot be read.
    pub(super) fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, Refusal> {
        let answer = self.carry("GET", path, Vec::new(), None)?;
        self.read(answer)
    }

    /// The same with a question that does not fit into a path.
    ///
    /// # Errors
    /// As [`Line::get`].
    pub(super) fn ask<T: DeserializeOwned>(
        &mut self,
        path: &str,
        question: &impl Serialize,
    ) -> Result<T, Refusal> {
        let answer = self.carry("POST", path, json(question)?, None)?;
        self.read(answer)
    }

    /// Asks for something that may be as it was; `None` where it is. Otherwise it, and its new tag.
    ///
    /// # Errors
    /// As [`Line::get`].
    pub(super) fn get_changed<T: DeserializeOwned>(
        &mut self,
        path: &str,
        etag: Option<&str>,
    ) -> Result<Option<(T, Option<String>)>, Refusal> {
        let mut answer = self.carry("GET", path, Vec::new(), etag)?;
        if answer.status == 304 && etag.is_some() {
            return Ok(None);
        }
        let tag = answer.etag.take();
        Ok(Some((self.read(answer)?, tag)))
    }

    /// Sends something to be stored. It is where the server says that it is as far as that.
    ///
    /// # Errors
    /// `server_unreachable`, `unknown_caller` for a clock: whether it is stored is not known. What is
    /// answered by somebody on the way, or by a server that has not judged it, says nothing of that.
    pub(super) fn store(
        &mut self,
        path: &str,
        body: Vec<u8>,
        reached: &Reached,
    ) -> Result<Sent, Refusal> {
        let answer = self.carry("POST", path, body, None)?;
        if matches!(answer.status, 200 | 201) {
            let heads = serde_json::from_slice::<Heads>(&answer.body).ok();
            let heads = heads.filter(|heads| reached.is_in(heads));
            self.rev = heads.ok_or_else(not_the_server)?.rev;
            return Ok(Sent::Stored);
        }
        match problem(&answer) {
            Some(ProblemCode::Conflict) => Ok(Sent::Moved),
            Some(code) if is_judged(code) => Ok(Sent::Refused(self.refused_for(code))),
            _ => Err(self.refused(&answer)),
        }
    }

    fn read<T: DeserializeOwned>(&self, answer: Answer) -> Result<T, Refusal> {
        match answer.status {
            200 => serde_json::from_slice(&answer.body).map_err(|_| unreadable()),
            _ => Err(self.refused(&answer)),
        }
    }

    /// What an answer that is not the one that was hoped for means.
    fn refused(&self, answer: &Answer) -> Refusal {
        match problem(answer) {
            Some(code) => self.refused_for(code),
            None => not_the_server(),
        }
    }

    fn refused_for(&self, code: ProblemCode) -> Refusal {
        match (&self.by, code) {
            (By::Invite(_), ProblemCode::Unsigned | ProblemCode::NotFound) => Refusal::new(
                Code::NotFound,
                "this invitation was used, has ended, or is for another server",
                "ask whoever sent it for a new one, and paste that: withheld team join",
            ),
            (By::Nobody, ProblemCode::Unsigned) => Refusal::new(
                Code::UnknownCaller,
                "the team's server does not accept this token",
                "give the token of its first start: withheld team create NAME --server URL --token-file FILE",
            ),
            _ => refused_for(code),
        }
    }

    fn carry(
        &mut self,
        method: &'static str,
        path: &str,
        body: Vec<u8>,
        etag: Option<&str>,
    ) -> Result<Answer, Refusal> {
        let mut headers = self.signed(method, path, &body)?;
        if !body.is_empty() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        if let Some(etag) = etag {
            headers.push(("if-none-match", etag.to_owned()));
        }
        if let Some(vault) = self.vault {
            vault.still_open()?;
        }
        let answer = self.post.carry(Outgoing {
            method,
            path: path.to_owned(),
            headers,
            body,
        })?;
        if answer.body.len() > MAX_ANSWER {
            return Err(unreadable());
        }
        self.last = [
            method.as_bytes(),
            b" ",
            path.as_bytes(),
            b"\n",
            &answer.body,
        ]
        .concat();
        Ok(answer)
    }

    fn signed(
        &self,
        method: &str,
        path: &str,
        body: &[u8],
    ) -> Result<Vec<(&'static str, String)>, Refusal> {
        let key = match &self.by {
            By::Device(_, device) => KeyId::Device(*device),
            By::Invite(key) => KeyId::Invite(key.id()),
            By::Nobody => return Ok(Vec::new()),
        };
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let digest = http_signature::content_digest(body);
        let request = Request {
            method,
            authority: &authority(self.server),
            path,
            query,
            digest: &digest,
        };
        let created = u64::try_from(self.now.as_ms() / 1000)
            .map_err(|_| fault::internal("the clock stands before 1970"))?;
        let stamp = Stamp { created, key };
        let base = http_signature::base(&request, &stamp);
        let signature = match &self.by {
            By::Device(seed, _) => seed.sign_request(base.as_bytes())?,
            By::Invite(key) => key.sign_request(base.as_bytes()),
            By::Nobody => return Ok(Vec::new()),
        };
        let Fields {
            content_digest,
            signature_input,
            signature,
        } = http_signature::fields(&request, &stamp, &signature);
        Ok(vec![
            (CONTENT_DIGEST, content_digest),
            (SIGNATURE_INPUT, signature_input),
            (SIGNATURE, signature),
        ])
    }
}

/// The bytes of something that is sent.
pub(super) fn json(thing: &impl Serialize) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(thing).map_err(|_| fault::internal("a request cannot be written"))
}

/// As the `Host` field has it.
fn authority(server: &Server) -> String {
    let host = server.host.as_str();
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    if server.port == server.scheme.default_port() {
        host
    } else {
        format!("{host}:{}", server.port)
    }
}
