//! What answers at the token port: the forward proxy and the call endpoint.

use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use withheld_core::ask::{Terms, Way};
use withheld_core::destination::Host;
use withheld_core::{Code, Refusal};

use super::call::{self, Shown};
use super::gate::{GateRefusal, Report};
use super::request::{Sorted, sort};
use super::upload::upload;
use crate::body::AgentBody;
use crate::drain::Guest;
use crate::house::House;
use crate::intercept;
use crate::refusal_reply::{self, Form, bare};
use crate::visitor::Visitor;
use crate::walk::{Arrival, walk};

/// One connection to the token port.
pub(crate) struct Connection {
    pub(crate) house: Arc<House>,
    pub(crate) guest: Guest,
    /// The port it came to.
    pub(crate) port: u16,
    /// Who was identified on it last: a head that cannot be read shows nothing else.
    last: Mutex<Option<Visitor>>,
}

impl Connection {
    pub(crate) fn new(house: Arc<House>, guest: Guest, port: u16) -> Self {
        Self {
            house,
            guest,
            port,
            last: Mutex::default(),
        }
    }

    /// Answers one request.
    pub(crate) async fn answer(
        &self,
        request: Request<Incoming>,
        report: Report,
    ) -> Response<AgentBody> {
        if let Some(why) = report.take(request.headers()) {
            let last = self
                .last
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            return unreadable(&self.house, last.as_ref(), why);
        }
        let is_connect = *request.method() == Method::CONNECT;
        let reply = self.sorted(request, &report).await;
        if is_connect && reply.status() != StatusCode::OK {
            report.connect_refused();
        }
        reply
    }

    async fn sorted(&self, request: Request<Incoming>, report: &Report) -> Response<AgentBody> {
        match sort(&request, Some(self.port)) {
            Sorted::Connect(host, port) => self.connect(request, host, port).await,
            Sorted::Forward => self.forward(request, report).await,
            sorted @ (Sorted::Call | Sorted::AgentSecrets) => {
                let shown = call::call_token(request.headers());
                match self
                    .identify(shown, request.headers(), StatusCode::UNAUTHORIZED)
                    .await
                {
                    Ok(visitor) => called(&self.house, visitor, request, report, sorted).await,
                    Err(status) => bare(status),
                }
            }
            Sorted::Misdirected => bare(StatusCode::MISDIRECTED_REQUEST),
            Sorted::Unreadable => bare(StatusCode::BAD_REQUEST),
            Sorted::Nowhere | Sorted::Api => bare(StatusCode::NOT_FOUND),
        }
    }

    async fn connect(
        &self,
        request: Request<Incoming>,
        host: Host,
        port: u16,
    ) -> Response<AgentBody> {
        let (form, method) = (Form::of(request.headers()), request.method().clone());
        let visitor = match self.by_proxy(request.headers()).await {
            Ok(visitor) => visitor,
            Err(status) => return bare(status),
        };
        match self.house.admit_tunnel(&visitor, &host, port) {
            Ok(()) => {
                let tunnel = intercept::Tunnel::new(&self.house, visitor, host, port);
                intercept::open(tunnel, request, self.guest.clone())
            }
            Err(refusal) => refusal_reply::reply(&refusal.into(), form, &method),
        }
    }

    async fn forward(&self, request: Request<Incoming>, report: &Report) -> Response<AgentBody> {
        let visitor = match self.by_proxy(request.headers()).await {
            Ok(visitor) => visitor,
            Err(status) => return bare(status),
        };
        let terms = Terms {
            way: Way::Proxy,
            tunnel: None,
            target: None,
            named: Vec::new(),
        };
        let arrival = arrival(request, terms, report);
        walk(&self.house, &visitor, arrival).await
    }

    async fn by_proxy(&self, headers: &HeaderMap) -> Result<Visitor, StatusCode> {
        let shown = call::proxy_token(headers);
        self.identify(shown, headers, StatusCode::PROXY_AUTHENTICATION_REQUIRED)
            .await
    }

    /// Who shows this; the status for whoever is not known.
    async fn identify(
        &self,
        shown: Shown,
        headers: &HeaderMap,
        unknown: StatusCode,
    ) -> Result<Visitor, StatusCode> {
        let caller = identify(&self.house, shown).await.ok_or(unknown)?;
        let claimed = call::claimed(headers);
        let visitor = Visitor { caller, claimed };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(visitor.clone());
        Ok(visitor)
    }
}

/// Who shows this token. Whoever guesses waits.
pub(crate) async fn identify(house: &House, shown: Shown) -> Option<crate::session::Caller> {
    let known = match shown {
        Shown::Nothing => return None,
        Shown::Token(token) => house.sessions.identify(&token),
        Shown::Wrong => None,
    };
    if known.is_none() {
        let delay = house.wrong_token();
        tokio::time::sleep(delay).await;
    }
    known
}

/// The call endpoint, under either of its names.
pub(crate) async fn called(
    house: &Arc<House>,
    visitor: Visitor,
    request: Request<Incoming>,
    report: &Report,
    sorted: Sorted,
) -> Response<AgentBody> {
    let is_alias = sorted == Sorted::AgentSecrets;
    let (mut parts, body) = request.into_parts();
    let form = if is_alias {
        Form::AgentSecrets
    } else {
        Form::of(&parts.headers)
    };
    let terms = if is_alias {
        call::read_agent_secrets(&mut parts)
    } else {
        call::read(&parts)
    };
    let reply = match terms {
        Ok(terms) => {
            let request = Request::from_parts(parts, body);
            let arrival = Arrival {
                form,
                ..arrival(request, terms, report)
            };
            walk(house, &visitor, arrival).await
        }
        Err(refusal) => {
            let refusal = house.refuse_unread(&visitor, None, refusal);
            refusal_reply::reply(&refusal.into(), form, &parts.method)
        }
    };
    unauthorized(reply)
}

/// On the call endpoint an ended session is a 401: the caller is no proxy's client.
fn unauthorized(mut reply: Response<AgentBody>) -> Response<AgentBody> {
    if reply.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED
        && reply.headers().contains_key("withheld-error")
    {
        refusal_reply::as_unauthorized(&mut reply);
    }
    reply
}

/// A request as it goes on its walk: without what was said to us.
pub(crate) fn arrival(request: Request<Incoming>, terms: Terms, report: &Report) -> Arrival {
    let (mut parts, body) = request.into_parts();
    let form = Form::of(&parts.headers);
    call::take_ours(&mut parts.headers);
    Arrival {
        parts,
        terms,
        body: upload(body, report.clone()),
        form,
    }
}

/// The answer to a head that the Gate did not let through.
pub(crate) fn unreadable(
    house: &House,
    visitor: Option<&Visitor>,
    why: GateRefusal,
) -> Response<AgentBody> {
    let refusal = match why {
        GateRefusal::Ambiguous(why) => Refusal::new(
            Code::AmbiguousRequest,
            why,
            "send the request in its plain form, as RFC 9112 writes it",
        ),
        GateRefusal::HeadTooLarge => Refusal::new(
            Code::TooLarge,
            "its head is over 64 KiB, or has more than 100 fields",
            "send fewer or shorter fields",
        )
        .with_status(431),
        GateRefusal::TargetTooLarge => Refusal::new(
            Code::TooLarge,
            "its target is over 32 KiB",
            "send a shorter URL, and what is long in the body",
        )
        .with_status(414),
    };
    let refusal = match visitor {
        Some(visitor) => house.refuse_unread(visitor, None, refusal),
        None => refusal,
    };
    refusal_reply::reply(&refusal.into(), Form::Document, &Method::GET)
}
