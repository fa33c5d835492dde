use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Empty};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use withheld_core::Code;
use withheld_core::name::SessionId;

use super::*;
use crate::address::Reach;
use crate::connection::Connection;
use crate::place::Head;
use crate::pool::{Key, Pool};
use crate::upload::Outgoing;

const LIMIT: Duration = Duration::from_secs(30);
const SHORT: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody";

/// What an upstream answers: its head was read, its body was not.
async fn arrived(answer: &str, progress: &Arc<Progress>) -> Arrived {
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
    Arrived {
        response,
        lease,
        limit: LIMIT,
    }
}

fn always(stale: bool) -> Stale {
    Arc::new(move || stale)
}

#[tokio::test]
async fn a_collected_body_is_not_handed_on_when_there_are_other_needles_by_then() {
    for (stale, code) in [(false, None), (true, Some(Code::Conflict))] {
        let progress = Arc::new(Progress::default());
        let arrived = arrived(SHORT, &progress).await;
        let needles = Arc::new(Needles::new(&[]));
        let asked = Asked::of(&Head {
            method: Method::GET,
            target: Bytes::from_static(b"/"),
            headers: HeaderMap::new(),
            part: None,
        });
        let reply = washed(arrived, needles, always(stale), &asked, &progress).await;
        assert_eq!(reply.err().map(|refusal| refusal.code), code);
    }
}

#[tokio::test]
async fn an_unwashed_reply_is_not_handed_on_when_its_host_was_bound_meanwhile() {
    for (stale, code) in [(false, None), (true, Some(Code::Conflict))] {
        let progress = Arc::new(Progress::default());
        let arrived = arrived(SHORT, &progress).await;
        let reply = untouched(arrived, &progress, always(stale));
        assert_eq!(reply.err().map(|refusal| refusal.code), code);
    }
}
