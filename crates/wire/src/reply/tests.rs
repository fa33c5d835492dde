use std::slice;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Empty};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use withheld_core::Code;
use withheld_core::name::SessionId;
use withheld_secret::SecretValue;

use super::*;
use crate::address::Reach;
use crate::connection::Connection;
use crate::place::Head;
use crate::pool::{Key, Pool};
use crate::upload::Outgoing;
use crate::wash::Secret;

const LIMIT: Duration = Duration::from_secs(30);
const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n";
const CANARY: &str = "whCANARY4f6a1c0b9d8e7f65";

/// What an upstream answers with this head; and the upstream, of which no more was read.
async fn arrived(answer: &str, progress: &Arc<Progress>) -> (Arrived, DuplexStream) {
    let host = Host::parse("api.test").expect("a host");
    let (near, mut far) = tokio::io::duplex(1024);
    let mut connection = Connection::open(&host, near).await.expect("a stream");
    let upload = Empty::new().map_err(|never| match never {});
    let request = Request::new(Outgoing::new(upload.boxed(), Arc::clone(progress)));
    let answering = async {
        far.read_u8().await.expect("a request");
        far.write_all(answer.as_bytes()).await.expect("room");
    };
    let exchange = connection.exchange(&host, request, progress, LIMIT);
    let (response, ()) = tokio::join!(exchange, answering);
    let Ok(response) = response else {
        panic!("no reply");
    };
    let key = Key {
        session: SessionId::from_bytes([1; 9]),
        bindings: Vec::new(),
        host,
        port: 443,
        reach: Reach::Public,
        trust: None,
    };
    let pool = Arc::new(Pool::new(LIMIT));
    let lease = Lease::new(
        &pool,
        &Arc::new(key),
        connection,
        Arc::clone(progress),
        false,
    );
    let limit = LIMIT;
    let arrived = Arrived {
        response,
        lease,
        limit,
    };
    (arrived, far)
}

fn asked() -> Asked {
    Asked::of(&Head {
        method: Method::GET,
        target: Bytes::from_static(b"/"),
        headers: HeaderMap::new(),
        part: None,
    })
}

fn always(stale: bool) -> Stale {
    Arc::new(move || stale)
}

/// The owner replaces a key while a reply comes: the reply of a request that was sent is not kept back
/// for that, and nothing that it may hold by then goes through.
#[tokio::test]
async fn a_collected_body_is_searched_for_what_is_known_behind_its_last_byte() {
    let progress = Arc::new(Progress::default());
    let (arrived, mut far) = arrived(HEAD, &progress).await;
    let value = SecretValue::with_len::<()>(CANARY.len(), |room| {
        room.copy_from_slice(CANARY.as_bytes());
        Ok(room.len())
    });
    let secret = Secret {
        replacement: "[replaced]",
        value: &value.expect("room"),
        prefix: "",
    };
    let is_given = AtomicBool::new(false);
    let search = || {
        let given = is_given.load(Ordering::SeqCst);
        let known = if given { slice::from_ref(&secret) } else { &[] };
        // Whatever is given later is no matter of this reply.
        Some((Arc::new(Needles::new(known)), always(true)))
    };
    let asked = asked();
    let answering = async {
        is_given.store(true, Ordering::SeqCst);
        far.write_all(CANARY.as_bytes()).await.expect("room");
    };
    let (reply, ()) = tokio::join!(washed(arrived, search, &asked, &progress), answering);
    let body = reply.expect("a reply").body.collect().await;
    assert_eq!(body.expect("a body").to_bytes(), "[replaced]");
}

#[tokio::test]
async fn a_reply_for_which_no_needles_find_everything_is_not_handed_on() {
    let progress = Arc::new(Progress::default());
    let (arrived, mut far) = arrived(HEAD, &progress).await;
    far.write_all(CANARY.as_bytes()).await.expect("room");
    let asked = asked();
    let reply = washed(arrived, || None, &asked, &progress).await;
    assert_eq!(
        reply.err().map(|refusal| refusal.code),
        Some(Code::Conflict)
    );
}

#[tokio::test]
async fn an_unwashed_reply_is_not_handed_on_when_its_host_was_bound_meanwhile() {
    for (stale, code) in [(false, None), (true, Some(Code::Conflict))] {
        let progress = Arc::new(Progress::default());
        let (arrived, _far) = arrived(HEAD, &progress).await;
        let reply = untouched(arrived, &progress, always(stale));
        assert_eq!(reply.err().map(|refusal| refusal.code), code);
    }
}
