use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::address::class;

/// Answers every name with the same addresses, and counts.
struct Fixed {
    answer: Vec<SocketAddr>,
    asked: AtomicUsize,
}

impl Resolver for Fixed {
    fn resolve<'a>(&'a self, _: &'a str, port: u16) -> Resolving<'a> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self
            .answer
            .iter()
            .map(|one| SocketAddr::new(one.ip(), if one.port() == 0 { port } else { one.port() }));
        let answer = answer.collect();
        Box::pin(async move { Ok(answer) })
    }
}

/// Never answers.
struct Mute;

impl Resolver for Mute {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> Resolving<'a> {
        Box::pin(std::future::pending())
    }
}

fn answering(addresses: &[&str]) -> Arc<Fixed> {
    let answer = addresses.iter().map(|one| match one.parse::<IpAddr>() {
        Ok(ip) => SocketAddr::new(ip, 0),
        Err(_) => one.parse().expect("an address"),
    });
    Arc::new(Fixed {
        answer: answer.collect(),
        asked: AtomicUsize::new(0),
    })
}

fn dialler(resolver: Arc<dyn Resolver>) -> Dialler {
    Dialler::new(
        resolver,
        class,
        Arc::new(|_| false),
        Duration::from_secs(10),
    )
}

fn host(written: &str) -> Host {
    Host::parse(written).expect("a host")
}

/// A listener that nobody may have dialled.
fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    listener.set_nonblocking(true).expect("nonblocking");
    let port = listener.local_addr().expect("an address").port();
    (listener, port)
}

fn was_dialled(listener: &TcpListener) -> bool {
    listener.accept().is_ok()
}

async fn code(dialler: &Dialler, name: &str, port: u16, reach: Reach) -> Option<Code> {
    dialler
        .dial(&host(name), port, reach)
        .await
        .err()
        .map(|refusal| refusal.code)
}

#[tokio::test]
async fn h10_a_name_that_leads_here_is_refused_before_it_is_dialled() {
    let (listener, port) = listener();
    for answer in [
        "127.0.0.1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "::1",
        "10.0.0.1",
    ] {
        let refused = code(
            &dialler(answering(&[answer])),
            "localtest.me",
            port,
            Reach::Public,
        )
        .await;
        assert_eq!(refused, Some(Code::UpstreamAddressRefused), "{answer}");
    }
    for name in [
        "localhost",
        "foo.localhost",
        "127.0.0.1",
        "[::1]",
        "[::ffff:7f00:1]",
    ] {
        let refused = code(
            &dialler(answering(&["127.0.0.1"])),
            name,
            port,
            Reach::Public,
        )
        .await;
        assert_eq!(refused, Some(Code::UpstreamAddressRefused), "{name}");
    }
    assert!(!was_dialled(&listener));
}

#[tokio::test]
async fn h12_one_bad_address_among_good_ones_refuses_the_name() {
    let (listener, port) = listener();
    for answer in [
        ["1.1.1.1", "127.0.0.1"],
        ["127.0.0.1", "1.1.1.1"],
        ["fd00::1", "1.1.1.1"],
    ] {
        let resolver = answering(&answer);
        let refused = code(&dialler(resolver.clone()), "api.test", port, Reach::Public).await;
        assert_eq!(refused, Some(Code::UpstreamAddressRefused), "{answer:?}");
        assert_eq!(resolver.asked.load(Ordering::SeqCst), 1);
    }
    assert!(!was_dialled(&listener));
}

#[tokio::test]
async fn private_reaches_loopback_by_one_resolution_and_without_delay() {
    let (listener, port) = listener();
    let resolver = answering(&["127.0.0.1"]);
    let stream = dialler(resolver.clone())
        .dial(&host("api.test"), port, Reach::Private)
        .await
        .expect("connects");
    assert!(stream.nodelay().expect("a socket"));
    assert!(was_dialled(&listener));
    assert_eq!(resolver.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn h11_metadata_is_never_dialled_and_its_name_never_asked_for() {
    let resolver = answering(&["127.0.0.1"]);
    let refused = code(
        &dialler(resolver.clone()),
        "metadata.google.internal",
        80,
        Reach::Private,
    )
    .await;
    assert_eq!(refused, Some(Code::UpstreamAddressRefused));
    assert_eq!(resolver.asked.load(Ordering::SeqCst), 0);
    for answer in ["169.254.169.254", "fd00:ec2::254", "64:ff9b::a9fe:a9fe"] {
        let refused = code(
            &dialler(answering(&[answer])),
            "api.test",
            80,
            Reach::Private,
        )
        .await;
        assert_eq!(refused, Some(Code::UpstreamAddressRefused), "{answer}");
    }
}

#[tokio::test]
async fn h26_the_brokers_own_listeners_are_never_dialled() {
    let (listener, port) = listener();
    let own = listener.local_addr().expect("an address");
    for answer in ["127.0.0.1", "::ffff:127.0.0.1"] {
        let dialler = Dialler::new(
            answering(&[answer]),
            class,
            Arc::new(move |to| to == own),
            Duration::from_secs(10),
        );
        let refused = code(&dialler, "api.test", port, Reach::Private).await;
        assert_eq!(refused, Some(Code::UpstreamAddressRefused), "{answer}");
    }
    assert!(!was_dialled(&listener));
}

#[tokio::test]
async fn the_next_address_is_tried_and_none_is_unreachable() {
    let (listener, port) = listener();
    // Nothing listens at the first port of all.
    let (gone, open) = ("127.0.0.1:1".to_owned(), format!("127.0.0.1:{port}"));
    let stream = dialler(answering(&[&gone, &open]))
        .dial(&host("api.test"), 443, Reach::Private)
        .await;
    assert!(stream.is_ok() && was_dialled(&listener));
    let refused = code(
        &dialler(answering(&[&gone])),
        "api.test",
        443,
        Reach::Private,
    )
    .await;
    assert_eq!(refused, Some(Code::UpstreamUnreachable));
    let refused = code(&dialler(answering(&[])), "api.test", 443, Reach::Private).await;
    assert_eq!(refused, Some(Code::UpstreamUnreachable));
}

#[tokio::test]
async fn a_resolver_that_never_answers_is_a_timeout() {
    let dialler = Dialler::new(
        Arc::new(Mute),
        class,
        Arc::new(|_| false),
        Duration::from_millis(20),
    );
    assert_eq!(
        code(&dialler, "api.test", 443, Reach::Public).await,
        Some(Code::UpstreamTimeout)
    );
}
