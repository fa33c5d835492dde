#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::VecDeque;
use std::sync::Mutex;

use http::HeaderMap;
use http_body_util::BodyExt as _;

use super::*;

/// What happened, in order.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<Vec<&'static str>>>);

impl Book {
    fn note(&self, what: &'static str) {
        self.0.lock().unwrap().push(what);
    }

    fn read(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().clone()
    }
}

struct Scribe {
    book: Book,
    writes: bool,
    looks: u32,
    ended: bool,
}

impl Scribe {
    fn new(book: &Book) -> Self {
        Self {
            book: book.clone(),
            writes: true,
            looks: u32::MAX,
            ended: false,
        }
    }
}

impl Follow for Scribe {
    fn look(&mut self) -> Result<(), Cut> {
        self.looks = self.looks.checked_sub(1).ok_or(Cut)?;
        Ok(())
    }

    fn end(&mut self, outcome: Outcome) -> Result<(), Cut> {
        self.ended = true;
        self.book.note(match outcome {
            Outcome::Delivered => "delivered",
            _ => "other",
        });
        if self.writes { Ok(()) } else { Err(Cut) }
    }

    fn broken(&mut self, fault: ReplyFault) {
        assert_eq!(fault, ReplyFault::Cut);
        self.ended = true;
        self.book.note("broken");
    }
}

impl Drop for Scribe {
    fn drop(&mut self) {
        if !self.ended {
            self.book.note("dropped");
        }
    }
}

enum Step {
    Data(&'static [u8]),
    Trailers,
    Fault,
}

/// A body that plays its steps, and says beforehand what hyper may ask it.
struct Script {
    steps: VecDeque<Step>,
    length: Option<u64>,
    shows_end: bool,
}

impl Body for Script {
    type Data = Bytes;
    type Error = ReplyFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReplyFault>>> {
        Poll::Ready(self.steps.pop_front().map(|step| match step {
            Step::Data(bytes) => Ok(Frame::data(Bytes::from_static(bytes))),
            Step::Trailers => Ok(Frame::trailers(HeaderMap::new())),
            Step::Fault => Err(ReplyFault::Cut),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.shows_end && self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.length
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn script(length: Option<u64>, steps: impl Into<VecDeque<Step>>) -> Script {
    Script {
        steps: steps.into(),
        length,
        shows_end: false,
    }
}

/// Takes frames until the end, noting each as the agent gets it.
async fn drain(book: &Book, mut body: Followed<Script, Scribe>) -> Option<Cut> {
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(_) => book.note("frame"),
            Err(cut) => return Some(cut),
        }
    }
    book.note("end");
    None
}

#[tokio::test]
async fn with_a_known_length_it_is_recorded_before_the_last_frame() {
    let book = Book::default();
    let body = script(
        Some(5),
        [Step::Data(b"abc"), Step::Data(b""), Step::Data(b"de")],
    );
    let cut = drain(&book, Followed::new(body, Scribe::new(&book))).await;
    assert!(cut.is_none());
    assert_eq!(book.read(), ["frame", "frame", "delivered", "frame", "end"]);
}

#[tokio::test]
async fn without_a_length_the_end_waits_for_the_record() {
    let book = Book::default();
    let body = script(None, [Step::Data(b"abc"), Step::Data(b"de")]);
    let cut = drain(&book, Followed::new(body, Scribe::new(&book))).await;
    assert!(cut.is_none());
    assert_eq!(book.read(), ["frame", "frame", "delivered", "end"]);
}

#[tokio::test]
async fn a_body_that_shows_its_end_and_trailers_are_last_frames() {
    let book = Book::default();
    let mut body = script(None, [Step::Data(b"abc")]);
    body.shows_end = true;
    drain(&book, Followed::new(body, Scribe::new(&book))).await;
    assert_eq!(book.read(), ["delivered", "frame", "end"]);

    let book = Book::default();
    let body = script(None, [Step::Data(b"abc"), Step::Trailers]);
    drain(&book, Followed::new(body, Scribe::new(&book))).await;
    assert_eq!(book.read(), ["frame", "delivered", "frame", "end"]);
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_delivered_to_its_end() {
    let book = Book::default();
    let mut scribe = Scribe::new(&book);
    scribe.writes = false;
    let body = script(Some(5), [Step::Data(b"abc"), Step::Data(b"de")]);
    assert!(drain(&book, Followed::new(body, scribe)).await.is_some());
    assert_eq!(book.read(), ["frame", "delivered"]);

    let book = Book::default();
    let mut scribe = Scribe::new(&book);
    scribe.writes = false;
    let body = script(None, [Step::Data(b"abc")]);
    assert!(drain(&book, Followed::new(body, scribe)).await.is_some());
    assert_eq!(book.read(), ["frame", "delivered"]);
}

#[tokio::test]
async fn a_fault_of_the_upstream_cuts_and_is_recorded() {
    let book = Book::default();
    let body = script(Some(9), [Step::Data(b"abc"), Step::Fault]);
    assert!(
        drain(&book, Followed::new(body, Scribe::new(&book)))
            .await
            .is_some()
    );
    assert_eq!(book.read(), ["frame", "broken"]);
}

#[tokio::test]
async fn a_session_that_ends_cuts_its_streams() {
    let book = Book::default();
    let mut scribe = Scribe::new(&book);
    scribe.looks = 1;
    let body = script(None, [Step::Data(b"abc"), Step::Data(b"de")]);
    assert!(drain(&book, Followed::new(body, scribe)).await.is_some());
    assert_eq!(book.read(), ["frame", "dropped"]);
}

#[tokio::test]
async fn an_agent_that_goes_away_drops_the_follower() {
    let book = Book::default();
    let mut body = Followed::new(script(None, [Step::Data(b"abc")]), Scribe::new(&book));
    body.frame().await.unwrap().unwrap();
    drop(body);
    assert_eq!(book.read(), ["dropped"]);
}
