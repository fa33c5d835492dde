//! What changes while a request is on its way or its reply is open.

use std::sync::{Arc, OnceLock};

use http_body_util::BodyExt as _;
use withheld_core::Code;
use withheld_core::destination::HostPattern;

use super::house::{Bound, House, bound, get, house, open_house, placeholder, strict_house};
use super::upstream::{Answer, Authority, Seen, Upstream};
use crate::Reply;
use crate::reply::ReplyFault;

const VALUE: &str = "whCANARY4f6a1c0b9d8e7f65";
const NEWER: &str = "whCANARYnewer5Yt8Wq1Zx6Vb";

fn key(port: u16, authority: &Authority) -> Bound {
    bound(
        "API_KEY",
        VALUE,
        ("api.test", port),
        "bearer",
        Some(authority.pem()),
    )
}

/// A house, and what happens in it between a request and its reply.
async fn meanwhile(
    change: impl Fn(&House) + Send + Sync + 'static,
    answer: Answer,
) -> (Upstream, Arc<House>, String) {
    let authority = Authority::new();
    let place: Arc<OnceLock<Arc<House>>> = Arc::default();
    let there = Arc::clone(&place);
    let upstream = Upstream::start(
        Some(authority.server("api.test", |_| {})),
        move |_: &Seen| {
            change(there.get().expect("a house"));
            answer.clone()
        },
    )
    .await;
    let port = upstream.address.port();
    let house = Arc::new(house(vec![key(port, &authority)]));
    assert!(place.set(Arc::clone(&house)).is_ok());
    (upstream, house, format!("https://api.test:{port}/"))
}

async fn reply(house: &House, url: &str) -> Reply {
    house
        .send(get(url).named("API_KEY"))
        .await
        .map_err(|failed| failed.refusal)
        .expect("a reply")
}

/// More than is collected.
fn long(text: &str) -> Answer {
    let pad = "x".repeat(100_000);
    Answer::ok(&format!("{pad} {text} {pad}"))
}

async fn text(reply: Reply) -> Result<String, ReplyFault> {
    let whole = reply.body.collect().await?.to_bytes();
    Ok(String::from_utf8(whole.to_vec()).expect("text"))
}

#[tokio::test]
async fn what_is_given_while_a_reply_is_waited_for_is_washed_out_of_it() {
    for answer in [
        Answer::ok(&format!("{VALUE} {NEWER}")),
        long(&format!("{VALUE} {NEWER}")),
    ] {
        let change = |house: &House| house.arm_with(&[("NEW_KEY", NEWER)]);
        let (_, house, url) = meanwhile(change, answer).await;
        let text = text(reply(&house, &url).await).await.expect("a body");
        let expected = format!("{} [withheld:NEW_KEY]", placeholder("API_KEY"));
        assert_eq!(text.trim_matches(['x', ' ']), expected);
    }
}

#[tokio::test]
async fn a_reply_for_which_there_are_no_longer_all_needles_is_not_handed_on() {
    let change = |house: &House| {
        house.wire.arm(house.session, Vec::new());
    };
    let (_, house, url) = meanwhile(change, long(VALUE)).await;
    // Less is no reason: what the request was sent under looks for everything.
    let washed = text(reply(&house, &url).await).await.expect("a body");
    assert!(!washed.contains(VALUE) && washed.contains(&placeholder("API_KEY")));

    let change = |house: &House| house.arm_others(&[("NEW_KEY", NEWER)]);
    let (_, house, url) = meanwhile(change, long(VALUE)).await;
    let fails = house.fails(get(&url).named("API_KEY")).await;
    assert_eq!(fails, (Code::Conflict, true));
}

#[tokio::test]
async fn a_lock_lets_a_reply_that_is_waited_for_come() {
    let change = |house: &House| house.wire.disarm(&house.session);
    let (_, house, url) = meanwhile(change, long(VALUE)).await;
    let washed = text(reply(&house, &url).await).await.expect("a body");
    assert!(!washed.contains(VALUE) && washed.contains(&placeholder("API_KEY")));
}

#[tokio::test]
async fn an_open_reply_is_cut_when_its_session_is_given_more() {
    let (_, house, url) = meanwhile(|_| (), long(NEWER)).await;
    let mut open = reply(&house, &url).await;
    open.body.frame().await.expect("a frame").expect("data");
    house.arm_with(&[("NEW_KEY", NEWER)]);
    assert_eq!(text(open).await, Err(ReplyFault::Stale));
    // Also where the vault was locked in between.
    let open = reply(&house, &url).await;
    house.wire.disarm(&house.session);
    house.arm_with(&[("NEW_KEY", NEWER), ("NEXT_KEY", "whCANARYnextX1c4Vb7")]);
    assert_eq!(text(open).await, Err(ReplyFault::Stale));
}

#[tokio::test]
async fn an_open_reply_goes_on_when_nothing_or_less_is_given() {
    let (_, house, url) = meanwhile(|_| (), long("quiet")).await;
    house.arm_with(&[("NEW_KEY", NEWER)]);
    for change in [
        (|house: &House| house.arm_with(&[("NEW_KEY", NEWER)])) as fn(&House),
        House::arm,
        |house| house.wire.disarm(&house.session),
    ] {
        house.arm_with(&[("NEW_KEY", NEWER)]);
        let mut open = reply(&house, &url).await;
        open.body.frame().await.expect("a frame").expect("data");
        change(&house);
        assert!(text(open).await.expect("a body").contains("quiet"));
    }
}

#[tokio::test]
async fn what_is_given_beside_what_there_is_is_washed_out_with_it() {
    let (_, house, url) = meanwhile(|_| (), long(&format!("{VALUE} {NEWER}"))).await;
    let had = house.armed();
    let mut open = reply(&house, &url).await;
    open.body.frame().await.expect("a frame").expect("data");
    let has = house.arm_more(had, &[("NEW_KEY", NEWER)]).expect("it had");
    assert_eq!((had.values(), has.values()), (1, 2));
    assert_eq!(text(open).await, Err(ReplyFault::Stale));

    let mut open = reply(&house, &url).await;
    open.body.frame().await.expect("a frame").expect("data");
    // It has that already.
    assert_eq!(house.arm_more(has, &[("NEW_KEY", NEWER)]), Some(has));
    let washed = text(open).await.expect("a body");
    assert!(!washed.contains(NEWER) && !washed.contains(VALUE));
    let clean = format!("{} [withheld:NEW_KEY]", placeholder("API_KEY"));
    assert!(washed.contains(&clean));
}

#[tokio::test]
async fn nothing_is_given_beside_what_a_session_does_not_have_any_more() {
    let (_, house, url) = meanwhile(|_| (), Answer::ok(VALUE)).await;
    let more = [("NEW_KEY", NEWER)];
    let first = house.armed();
    let second = house.armed();
    assert_eq!(house.arm_more(first, &more), None);
    let third = house.arm_more(second, &more).expect("it had");
    assert_eq!(house.arm_more(second, &more), None);
    house.wire.disarm(&house.session);
    assert_eq!(house.arm_more(third, &more), None);
    let fails = house.fails(get(&url).named("API_KEY")).await;
    assert_eq!(fails, (Code::VaultLocked, false));
}

#[tokio::test]
async fn a_secret_that_replies_are_not_searched_for_is_not_sent() {
    let (upstream, house, url) = meanwhile(|_| (), Answer::ok("never")).await;
    house.arm_others(&[("NEW_KEY", NEWER)]);
    let fails = house.fails(get(&url).named("API_KEY")).await;
    assert_eq!(fails, (Code::Internal, false));
    assert_eq!(upstream.record.lock().expect("a lock").accepted, 0);
}

/// A house that reaches `free.test` without a secret, whose upstream says the value of one.
async fn free() -> (Upstream, House, String) {
    let upstream = Upstream::start(None, |_| long(VALUE)).await;
    let port = upstream.address.port();
    let house = open_house(
        vec![bound("API_KEY", VALUE, ("api.test", 443), "bearer", None)],
        &[("free.test", port)],
    );
    (upstream, house, format!("http://free.test:{port}/"))
}

async fn pass(house: &House, url: &str) -> Reply {
    let sent = house.send(get(url)).await;
    sent.map_err(|failed| failed.refusal).expect("a reply")
}

#[tokio::test]
async fn a_host_that_was_bound_once_is_washed_from_then_on() {
    let (upstream, house, url) = free().await;
    let before = text(pass(&house, &url).await).await.expect("a body");
    assert!(before.contains(VALUE));
    let host = |written| HostPattern::parse(written).expect("a pattern");
    house.wire.bound([&host("free.test"), &host("other.test")]);
    house.wire.bound([&host("another.test")]);
    let after = text(pass(&house, &url).await).await.expect("a body");
    assert!(!after.contains(VALUE) && after.contains(&placeholder("API_KEY")));
    let seen = upstream.seen();
    assert_eq!(seen[1].field("accept-encoding"), ["identity"]);
}

#[tokio::test]
async fn an_unwashed_reply_is_cut_when_its_host_is_bound() {
    let (_, house, url) = free().await;
    let mut open = pass(&house, &url).await;
    open.body.frame().await.expect("a frame").expect("data");
    let host = |written| HostPattern::parse(written).expect("a pattern");
    house.wire.bound([&host("other.test")]);
    open.body.frame().await.expect("a frame").expect("data");
    house.wire.bound([&host("free.test")]);
    assert_eq!(text(open).await, Err(ReplyFault::Stale));
}

#[tokio::test]
async fn a_connection_to_a_private_address_serves_only_who_may_reach_it() {
    let authority = Authority::new();
    let upstream = Upstream::start(Some(authority.server("api.test", |_| {})), |_| {
        Answer::ok("open")
    })
    .await;
    let port = upstream.address.port();
    let url = format!("https://api.test:{port}/");
    let mut house = strict_house(vec![key(port, &authority)], &[]);
    assert_eq!(house.whole(get(&url)).await.0, 200);
    house.rebind(&[key(port, &authority).with(|terms| terms.private = false)]);
    let fails = house.fails(get(&url)).await;
    assert_eq!(fails, (Code::UpstreamAddressRefused, false));
}
