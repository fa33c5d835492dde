//! Who sends a request: signed requests, and what an address that is a stranger's may do.
//!
//! A [`Member`] or a [`Reader`] is the proof that the signature was judged. It is judged before the body
//! is read, so that only devices can make the server take in large ones.

use std::net::IpAddr;
use std::sync::Arc;

use axum::RequestExt as _;
use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{FromRequest, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Uri, header};
use withheld_team::api::ProblemCode;
use withheld_team::http_signature::{
    self, CONTENT_DIGEST, KeyId, SIGNATURE, SIGNATURE_INPUT, Signed,
};
use withheld_team::id::{DeviceId, EnvId, VerifyKey, WorkspaceId};

use crate::bodies::{self, Room};
use crate::limits::stranger;
use crate::office::Office;
use crate::problem::{Answer, Refused};
use crate::store::Store as _;

/// How far the time in a signature may be from ours, in milliseconds.
const SKEW_MS: u64 = 60_000;

/// Who signed a request, for which workspace.
pub(crate) type Caller = (WorkspaceId, KeyId);

/// Where the connection comes from.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// A live device of the workspace sent this.
pub(crate) struct Member {
    pub(crate) ws: WorkspaceId,
    pub(crate) device: DeviceId,
    /// The environment in the path; zeros, which is the directory, where the path has none.
    pub(crate) env: EnvId,
    pub(crate) uri: Uri,
    pub(crate) body: Bytes,
    /// Held while the body is in memory.
    _room: Room,
}

/// A live device of the workspace, or the holder of an open invitation, asks for something.
pub(crate) struct Reader {
    pub(crate) ws: WorkspaceId,
    key: KeyId,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
}

/// Somebody whose request is not signed.
pub(crate) struct Stranger {
    /// The workspace in the path, if there is one.
    pub(crate) ws: Option<WorkspaceId>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Member {
    /// Who counts as one.
    pub(crate) fn caller(&self) -> Caller {
        (self.ws, KeyId::Device(self.device))
    }
}

impl Reader {
    /// Who counts as one.
    pub(crate) fn caller(&self) -> Caller {
        (self.ws, self.key)
    }
}

impl FromRequest<Arc<Office>> for Member {
    type Rejection = Refused;

    async fn from_request(request: Request, office: &Arc<Office>) -> Answer<Self> {
        let (asked, body) = authenticated(request, office).await?;
        // Before the body is read: the holder of an invitation has nothing to send here.
        let KeyId::Device(device) = asked.key else {
            return Err(Refused::of(ProblemCode::Forbidden));
        };
        let room = office.bodies.room(body.size_hint().upper()).await?;
        let limit = usize::try_from(office.limits.body).unwrap_or(usize::MAX);
        let body = asked.signed_body(body, limit).await?;
        Ok(Self {
            ws: asked.ws,
            device,
            env: asked.env.unwrap_or(EnvId::DIRECTORY),
            uri: asked.parts.uri,
            body,
            _room: room,
        })
    }
}

impl FromRequest<Arc<Office>> for Reader {
    type Rejection = Refused;

    async fn from_request(request: Request, office: &Arc<Office>) -> Answer<Self> {
        let (asked, body) = authenticated(request, office).await?;
        asked.signed_body(body, bodies::SMALL).await?;
        Ok(Self {
            ws: asked.ws,
            key: asked.key,
            uri: asked.parts.uri,
            headers: asked.parts.headers,
        })
    }
}

impl FromRequest<Arc<Office>> for Stranger {
    type Rejection = Refused;

    async fn from_request(mut request: Request, office: &Arc<Office>) -> Answer<Self> {
        let (ws, _) = path_of(&mut request).await?;
        let (parts, body) = request.into_parts();
        let address = stranger(address(&parts, office));
        let taken = office.rates.strangers.take(address, office.now());
        taken.map_err(Refused::rate)?;
        Ok(Self {
            ws,
            headers: parts.headers,
            body: bodies::read(body, bodies::SMALL).await?,
        })
    }
}

/// A request whose signature was judged, without its body.
struct Asked {
    ws: WorkspaceId,
    env: Option<EnvId>,
    key: KeyId,
    parts: Parts,
}

impl Asked {
    /// The body, if it is the one that was signed.
    async fn signed_body(&self, body: Body, limit: usize) -> Answer<Bytes> {
        let body = bodies::read(body, limit).await?;
        let digest = one(&self.parts.headers, CONTENT_DIGEST)?;
        if http_signature::content_digest(&body) == digest {
            Ok(body)
        } else {
            Err(unsigned())
        }
    }
}

/// Judges the signature before anything is counted: whoever is known has buckets of their own, and is
/// never shut out by strangers at the same address.
async fn authenticated(mut request: Request, office: &Arc<Office>) -> Answer<(Asked, Body)> {
    let path = path_of(&mut request).await;
    let (parts, body) = request.into_parts();
    let (ws, env, key) = match judged(&parts, path, office).await {
        Ok(known) => known,
        Err(refused) => return Err(counted(&parts, office, refused)),
    };
    let taken = match key {
        KeyId::Device(device) => office.rates.devices.take((ws, device), office.now()),
        KeyId::Invite(invite) => office.rates.invites.take((ws, invite), office.now()),
    };
    taken.map_err(Refused::rate)?;
    let asked = Asked {
        ws,
        env,
        key,
        parts,
    };
    Ok((asked, body))
}

/// What a request that failed learns: why, until too many from its address did. A fault of ours does
/// not count, and neither does the wrong clock of somebody who is known.
fn counted(parts: &Parts, office: &Office, refused: Refused) -> Refused {
    if matches!(
        refused.code(),
        ProblemCode::Unavailable | ProblemCode::Clock
    ) {
        return refused;
    }
    let address = stranger(address(parts, office));
    let taken = office.rates.strangers.take(address, office.now());
    taken.map_or_else(Refused::rate, |()| refused)
}

type Place = (Option<WorkspaceId>, Option<EnvId>);

/// Who signed, for which workspace. All who are not of it learn the same.
async fn judged(
    parts: &Parts,
    path: Answer<Place>,
    office: &Office,
) -> Answer<(WorkspaceId, Option<EnvId>, KeyId)> {
    let signed = signed(&parts.headers)?;
    let now = office.now();
    let not_found = || Refused::of(ProblemCode::NotFound);
    let (ws, env) = path?;
    let ws = ws.ok_or_else(not_found)?;
    let signer = match signed.stamp.key {
        KeyId::Device(id) => {
            let row = office.ledger.store().device(&ws, &id).await;
            let row = row.map_err(|it| office.failed(it))?;
            row.map(|row| (row.ops, row.live))
        }
        KeyId::Invite(id) => {
            let known = office.ledger.ws(&ws).await.map_err(|it| office.fault(it))?;
            let invite = known.chain.invite(&id);
            invite.map(|invite| (invite.key, known.chain.is_open(&id, now)))
        }
    };
    let (key, counts) = signer.ok_or_else(not_found)?;
    is_signed_by(&signed, &key, parts)?;
    if !counts {
        return Err(unsigned());
    }
    // Last, so that only who is known here learns it, and no stranger's count is touched.
    if signed.stamp.created.saturating_mul(1000).abs_diff(now) > SKEW_MS {
        return Err(Refused::clock(now));
    }
    Ok((ws, env, signed.stamp.key))
}

fn signed(headers: &HeaderMap) -> Answer<Signed> {
    let [digest, input, signature] =
        [CONTENT_DIGEST, SIGNATURE_INPUT, SIGNATURE].map(|name| one(headers, name));
    http_signature::parse(digest?, input?, signature?).map_err(|_| unsigned())
}

fn is_signed_by(signed: &Signed, key: &VerifyKey, parts: &Parts) -> Answer<()> {
    let request = http_signature::Request {
        method: parts.method.as_str(),
        authority: one(&parts.headers, header::HOST.as_str())?,
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        digest: one(&parts.headers, CONTENT_DIGEST)?,
    };
    signed.verify(key, &request).map_err(|_| unsigned())
}

fn unsigned() -> Refused {
    Refused::of(ProblemCode::Unsigned)
}

/// The value of a field that the request has exactly once.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Answer<&'a str> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(unsigned());
    };
    value.to_str().map_err(|_| unsigned())
}

/// The workspace and the environment in the path.
async fn path_of(request: &mut Request) -> Answer<Place> {
    let not_found = || Refused::of(ProblemCode::NotFound);
    let path = request.extract_parts::<Path<Vec<(String, String)>>>().await;
    let Path(path) = path.unwrap_or(Path(Vec::new()));
    let part = |name: &str| {
        let found = path.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    let ws = part("ws").map(str::parse).transpose();
    let env = part("env").map(str::parse).transpose();
    Ok((ws.map_err(|_| not_found())?, env.map_err(|_| not_found())?))
}

/// Who counts for the rates. Behind a proxy it is whom the proxy names last: what stands before that
/// the caller wrote.
fn address(parts: &Parts, office: &Office) -> IpAddr {
    const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
    let peer = parts.extensions.get::<Peer>();
    let peer = peer.map_or(IpAddr::from([0; 4]), |peer| peer.0);
    if !office.is_behind_proxy {
        return peer;
    }
    let named = parts.headers.get_all(FORWARDED_FOR).iter().next_back();
    let last = named.and_then(|named| named.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    last.unwrap_or(peer)
}
