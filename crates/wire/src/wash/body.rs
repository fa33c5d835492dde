//! The body of a reply, washed as it is read.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};

use super::decode::{Decoder, Undecodable};
use super::fresh::Fresh;
use super::head::Washing;
use super::meter::Meter;
use super::needles::Needles;
use super::range::Trim;
use super::stream::Washer;

/// Why a washed body ends early.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault<E> {
    /// The body that is washed does.
    Incoming(E),
    /// It cannot be searched.
    Undecodable,
    /// The session's values changed while it came: it was searched for those of before.
    Stale,
}

impl<E> From<Undecodable> for Fault<E> {
    fn from(_: Undecodable) -> Self {
        Self::Undecodable
    }
}

/// Steps of decoding in one poll. A coded body may be made to decode to next to nothing, in many
/// steps; others have to run in between.
const STEPS: usize = 16;

enum State {
    Reading,
    /// All data is in `ready`; then the trailers.
    Ending(Option<HeaderMap>),
    Over,
}

type Next<E> = Poll<Option<Result<Frame<Bytes>, Fault<E>>>>;

/// A body on its way to the agent. An error of the incoming body is passed on as an error, and what
/// was held back then is dropped.
pub(crate) struct Washed<B> {
    incoming: B,
    decoder: Decoder,
    washer: Washer,
    trim: Option<Trim>,
    fresh: Fresh,
    needles: Arc<Needles>,
    meter: Arc<Meter>,
    ready: VecDeque<Bytes>,
    state: State,
}

/// What a [`Washed`] is made of.
pub(super) struct Parts {
    pub(super) decoder: Decoder,
    pub(super) washer: Washer,
    pub(super) trim: Option<Trim>,
    pub(super) fresh: Fresh,
    pub(super) needles: Arc<Needles>,
    pub(super) meter: Arc<Meter>,
}

impl<B> Washed<B> {
    pub(super) fn new(incoming: B, parts: Parts) -> Self {
        Self {
            incoming,
            decoder: parts.decoder,
            washer: parts.washer,
            trim: parts.trim,
            fresh: parts.fresh,
            needles: parts.needles,
            meter: parts.meter,
            ready: VecDeque::new(),
            state: State::Reading,
        }
    }

    /// Washes a little of what came. Returns whether there was something.
    fn take(&mut self) -> Result<bool, Undecodable> {
        let Some(decoded) = self.decoder.read()? else {
            return Ok(false);
        };
        let mut out = Vec::new();
        self.washer.push(&decoded, &mut out);
        self.queue(out);
        Ok(true)
    }

    /// Bytes that wait, coded or decoded.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.decoder.held() + self.ready.iter().map(Bytes::len).sum::<usize>()
    }

    #[cfg(test)]
    pub(super) fn incoming(&self) -> &B {
        &self.incoming
    }

    fn end(&mut self, mut trailers: Option<HeaderMap>) -> Result<(), Undecodable> {
        self.decoder.finish()?;
        let mut out = Vec::new();
        self.washer.finish(&mut out);
        self.queue(out);
        if let Some(trailers) = &mut trailers {
            let washing = Washing {
                needles: &self.needles,
                meter: &self.meter,
            };
            washing.trailers(trailers);
        }
        self.state = State::Ending(trailers);
        Ok(())
    }

    fn queue(&mut self, out: Vec<Bytes>) {
        for mut bytes in out {
            if let Some(trim) = &mut self.trim {
                bytes = trim.cut(bytes);
            }
            if !bytes.is_empty() {
                self.ready.push_back(bytes);
            }
        }
    }
}

impl<B> Washed<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    /// The next frame. More is read only when nothing that was decoded or washed waits.
    fn step(&mut self, cx: &mut Context<'_>) -> Next<B::Error> {
        let mut steps = 0;
        loop {
            if matches!(self.state, State::Over) {
                return Poll::Ready(None);
            }
            // After everything that came, and before anything goes.
            if self.fresh.is_stale() {
                return Poll::Ready(Some(Err(Fault::Stale)));
            }
            if let Some(bytes) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            if let State::Ending(trailers) = &mut self.state {
                let trailers = trailers.take().filter(|trailers| !trailers.is_empty());
                self.state = State::Over;
                return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
            }
            if steps == STEPS {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            steps += 1;
            match self.take() {
                Ok(true) => continue,
                Ok(false) => {}
                Err(fault) => return Poll::Ready(Some(Err(fault.into()))),
            }
            let done = match ready!(Pin::new(&mut self.incoming).poll_frame(cx)) {
                None => self.end(None),
                Some(Err(fault)) => return Poll::Ready(Some(Err(Fault::Incoming(fault)))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        self.decoder.push(data);
                        Ok(())
                    }
                    Err(frame) => self.end(frame.into_trailers().ok()),
                },
            };
            if let Err(fault) = done {
                return Poll::Ready(Some(Err(fault.into())));
            }
        }
    }
}

impl<B> Body for Washed<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    type Data = Bytes;
    type Error = Fault<B::Error>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = ready!(self.step(cx));
        if let Some(Err(_)) = &frame {
            self.ready.clear();
            self.state = State::Over;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Over)
    }
}
