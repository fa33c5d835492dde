//! Stage 10: a reply is followed to its end. The outcome is in the log before the agent has the
//! last byte.

#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{TE, TRAILER};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use withheld_audit::{Closed, Closing, Outcome};
use withheld_core::Refusal;
use withheld_core::ask::{Ask, Terms, Way};
use withheld_core::destination::Host;
use withheld_core::name::SecretName;
use withheld_wire::{Failed, Meter, Reply, ReplyBody, ReplyFault};

use crate::body::{AgentBody, Cut};
use crate::house::{House, locked_meanwhile};
use crate::injected::{self, Note};
use crate::refusal_reply::Stop;
use crate::sent;
use crate::visitor::Visitor;

/// What follows a reply to its end.
pub(crate) trait Follow: Send + Unpin {
    /// Looks at what is known so far.
    ///
    /// # Errors
    /// When nothing more may go to the agent.
    fn look(&mut self) -> Result<(), Cut>;

    /// Records how it ended; asked at most once. Dropped without it, the agent went away.
    ///
    /// # Errors
    /// When the log did not take it, so that the last byte must not go out.
    fn end(&mut self, outcome: Outcome) -> Result<(), Cut>;

    /// The same where the reply broke: the cut is all that the agent sees, so what it was is kept for
    /// when it asks. It is cut whether the log takes it or not.
    fn broken(&mut self, fault: ReplyFault);

    /// What there is to say behind the last byte.
    fn trailers(&self) -> Option<HeaderMap> {
        None
    }
}

/// The body of a washed reply, and the record that waits for its end.
pub(crate) type FollowedReply = Followed<Pin<Box<ReplyBody>>, Exchange>;

/// A body, with whoever follows it.
pub(crate) struct Followed<B, F> {
    body: B,
    /// Bytes still to come, where that is known: hyper asks for no frame after the last of them.
    left: Option<u64>,
    follower: F,
    is_over: bool,
}

impl<B: Body<Data = Bytes> + Unpin, F: Follow> Followed<B, F> {
    pub(crate) fn new(body: B, follower: F) -> Self {
        Self {
            left: body.size_hint().exact(),
            body,
            follower,
            is_over: false,
        }
    }

    fn end(&mut self, outcome: Outcome) -> Result<(), Cut> {
        if std::mem::replace(&mut self.is_over, true) {
            return Ok(());
        }
        self.follower.end(outcome)
    }

    /// Trailers of the upstream's own leave room for ours.
    fn completed(&self, mut frame: Frame<Bytes>) -> Frame<Bytes> {
        if let Some(fields) = frame.trailers_mut() {
            fields.extend(self.follower.trailers().unwrap_or_default());
        }
        frame
    }

    /// Whether this frame is the last that anybody asks for.
    fn is_last(&mut self, frame: &Frame<Bytes>) -> bool {
        let Some(data) = frame.data_ref() else {
            return true;
        };
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(data.len() as u64);
            return *left == 0;
        }
        // Where something is to be said behind it, the end is waited for.
        self.body.is_end_stream() && self.follower.trailers().is_none()
    }
}

impl<B: Body<Data = Bytes, Error = ReplyFault> + Unpin, F: Follow> Body for Followed<B, F> {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let this = self.get_mut();
        if this.is_over {
            return Poll::Ready(None);
        }
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        let step = match frame {
            None => this
                .end(Outcome::Delivered)
                .map(|()| this.follower.trailers().map(Frame::trailers)),
            Some(Err(fault)) => {
                this.is_over = true;
                this.follower.broken(fault);
                Err(Cut)
            }
            Some(Ok(frame)) => this.follower.look().and_then(|()| {
                let frame = this.completed(frame);
                if this.is_last(&frame) {
                    this.end(Outcome::Delivered)?;
                }
                Ok(Some(frame))
            }),
        };
        Poll::Ready(step.transpose())
    }

    fn is_end_stream(&self) -> bool {
        self.is_over
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What the client wants of the reply's form.
pub(crate) struct Wanted {
    is_head: bool,
    /// It is a call, and reads trailers: there the count of what was washed out can stand.
    trailers: bool,
}

impl Wanted {
    pub(crate) fn of(parts: &Parts, terms: &Terms) -> Self {
        let reads_trailers = |value: &HeaderValue| {
            let mut words = value.as_bytes().split(|byte| *byte == b',');
            words.any(|word| word.trim_ascii().eq_ignore_ascii_case(b"trailers"))
        };
        Self {
            is_head: parts.method == Method::HEAD,
            trailers: terms.way == Way::Call
                && parts.headers.get_all(TE).iter().any(reads_trailers),
        }
    }
}

/// One request that is in the log and has no outcome yet. Dropped, it says that the client went away.
pub(crate) struct Exchange {
    house: Arc<House>,
    visitor: Visitor,
    host: Host,
    method: Method,
    /// What was placed, and which versions.
    carried: Vec<(SecretName, u64)>,
    /// How often the vault had been locked when it began.
    locks: u64,
    closing: Option<Closing>,
    status: Option<u16>,
    meter: Option<Arc<Meter>>,
    /// Partial hits that the session was told of.
    told: u32,
    trailers: bool,
}

impl Exchange {
    pub(crate) fn new(house: &Arc<House>, visitor: &Visitor, ask: &Ask, closing: Closing) -> Self {
        Self {
            house: Arc::clone(house),
            visitor: visitor.clone(),
            host: ask.host().clone(),
            method: ask.method().clone(),
            carried: Vec::new(),
            locks: *house.locks.borrow(),
            closing: Some(closing),
            status: None,
            meter: None,
            told: 0,
            trailers: false,
        }
    }

    /// The same, with these versions of these secrets placed in the request.
    pub(crate) fn carrying(mut self, carried: Vec<(SecretName, u64)>) -> Self {
        self.carried = carried;
        self
    }

    /// Records that it was not sent.
    pub(crate) fn failed(mut self, refusal: Refusal) -> Stop {
        self.house.failed(&self.visitor, &refusal);
        match self.close(Outcome::UpstreamFailed, Some(&refusal)) {
            Ok(()) => refusal.into(),
            Err(unwritten) => unwritten.into(),
        }
    }

    /// Hands the reply on, followed to its end. One without a body is recorded here.
    ///
    /// # Errors
    /// What the wire refused; `audit_unavailable`; `session_expired` where what this reply held was
    /// the one hit too many.
    pub(crate) fn follow(
        mut self,
        sent: Result<Reply, Failed>,
        wanted: Wanted,
        note: Note,
    ) -> Result<Response<AgentBody>, Stop> {
        let Reply {
            status,
            mut headers,
            body,
            meter,
            ..
        } = match sent {
            Ok(reply) => reply,
            Err(failed) if failed.sent => {
                self.status = failed.status.map(|status| status.as_u16());
                return Err(Stop::sent(self.kept_back(&failed.refusal)));
            }
            Err(failed) => return Err(self.failed(failed.refusal)),
        };
        self.status = Some(status.as_u16());
        let environment = &self.visitor.caller.session.environment;
        for (secret, version) in &self.carried {
            let suspects = &self.house.suspects;
            suspects.note(environment, secret, *version, status.as_u16());
        }
        self.meter = Some(meter);
        if let Err(refusal) = self.allowed() {
            return Err(Stop::sent(self.kept_back(&refusal)));
        }
        note.write(&mut headers, self.redactions());
        let is_bodyless = wanted.is_head
            || status == StatusCode::NO_CONTENT
            || status == StatusCode::NOT_MODIFIED
            || body.is_end_stream();
        if is_bodyless {
            if let Err(unwritten) = self.close(Outcome::Delivered, None) {
                return Err(Stop::sent(self.kept_back(&unwritten)));
            }
            return Ok(response(status, headers, AgentBody::Empty));
        }
        if wanted.trailers && body.size_hint().exact().is_none() {
            headers.insert(TRAILER, HeaderValue::from_static(injected::REDACTIONS));
            self.trailers = true;
        }
        let followed = Box::new(Followed::new(Box::pin(body), self));
        Ok(response(status, headers, AgentBody::Reply(followed)))
    }

    /// Whether more of the reply may go to the agent, by what is known so far.
    fn allowed(&mut self) -> Result<(), Refusal> {
        let seen = self.meter.as_deref().map_or(0, Meter::partial);
        let new = u32::try_from(seen)
            .unwrap_or(u32::MAX)
            .saturating_sub(self.told);
        self.told = self.told.saturating_add(new);
        let session = &self.visitor.caller.session;
        if new > 0 && session.note_partial(new) {
            self.house.session_blocked(&self.visitor);
        }
        session.check()?;
        if self.is_locked_out() {
            return Err(locked_meanwhile());
        }
        Ok(())
    }

    /// Records that it was sent, and that its whole reply is not handed on. Returns what is said of that.
    fn kept_back(&mut self, refusal: &Refusal) -> Refusal {
        let told = sent::told(refusal, &self.method, self.status);
        self.house.failed(&self.visitor, &told);
        match self.close(sent::outcome(told.code), Some(&told)) {
            Ok(()) => told,
            Err(unwritten) => sent::told(&unwritten, &self.method, self.status),
        }
    }

    fn redactions(&self) -> u64 {
        self.meter.as_deref().map_or(0, Meter::redactions)
    }

    /// Whether it was sent with a key of a vault that was locked since: nobody gets anything more by it.
    fn is_locked_out(&self) -> bool {
        !self.carried.is_empty() && *self.house.locks.borrow() != self.locks
    }

    fn close(&mut self, outcome: Outcome, refusal: Option<&Refusal>) -> Result<(), Refusal> {
        let Some(closing) = self.closing.take() else {
            return Ok(());
        };
        let count = |read: fn(&Meter) -> u64| self.meter.as_deref().map_or(0, read);
        closing.close(Closed {
            outcome,
            status: self.status,
            bytes_up: count(Meter::bytes_up),
            bytes_down: count(Meter::bytes_down),
            redactions: self.redactions(),
            refusal: refusal.map(|refusal| refusal.code),
        })
    }
}

fn response(status: StatusCode, headers: HeaderMap, body: AgentBody) -> Response<AgentBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

impl Follow for Exchange {
    fn look(&mut self) -> Result<(), Cut> {
        self.allowed().map_err(|refusal| {
            self.kept_back(&refusal);
            Cut
        })
    }

    fn end(&mut self, outcome: Outcome) -> Result<(), Cut> {
        self.close(outcome, None).map_err(|_| Cut)
    }

    fn broken(&mut self, fault: ReplyFault) {
        self.kept_back(&fault.refusal(&self.host));
    }

    fn trailers(&self) -> Option<HeaderMap> {
        let count = HeaderValue::from(self.redactions());
        let name = HeaderName::from_static(injected::REDACTIONS);
        self.trailers.then(|| HeaderMap::from_iter([(name, count)]))
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        // Nobody is left to be told that it could not be written; the log then says so itself.
        let _ = self.close(Outcome::ClientCancelled, None);
    }
}
