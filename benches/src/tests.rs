//! The yardsticks against the origin, and the arithmetic.

use hyper::header::HeaderValue;
use tokio::runtime::Runtime;

use crate::child::{address_in, runtime};
use crate::figures::{Figures, Measure, Who, delayed_percent, median, throughput};
use crate::floor::Floor;
use crate::load::{self, Length, Route, Tally, Work};
use crate::ours::variable;
use crate::targets::{TARGETS, Verdict};
use crate::tls::{self, Authority, HOST, Resume};
use crate::upstream::{Page, Upstream};
use crate::{Options, connect, options, procstat, shuffle, tunnel};

const CREDENTIAL: &str = "the-credential-of-the-origin";

struct Stand {
    origin: Authority,
    floor: Authority,
    upstream: Upstream,
    _runtime: Runtime,
    tunnel: std::net::SocketAddr,
    floor_at: std::net::SocketAddr,
}

impl Stand {
    fn new() -> Self {
        let (origin, floor) = (Authority::new("o").unwrap(), Authority::new("f").unwrap());
        let upstream = Upstream::start(&origin.leaf().unwrap(), CREDENTIAL).unwrap();
        let runtime = runtime().unwrap();
        let bind = || runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
        let (tunnel_l, floor_l) = (bind().unwrap(), bind().unwrap());
        let (tunnel, floor_at) = (
            tunnel_l.local_addr().unwrap(),
            floor_l.local_addr().unwrap(),
        );
        runtime.spawn(tunnel::accept(tunnel_l));
        let proxy = Floor::new(&floor.leaf().unwrap(), origin.pem(), CREDENTIAL).unwrap();
        runtime.spawn(proxy.accept(floor_l));
        Self {
            origin,
            floor,
            upstream,
            _runtime: runtime,
            tunnel,
            floor_at,
        }
    }

    fn route(&self, who: Who, bearer: &str) -> Route {
        let authority = format!("{HOST}:{}", self.upstream.address().port());
        let (address, roots) = match who {
            Who::Tunnel => (self.tunnel, self.origin.pem()),
            Who::Floor => (self.floor_at, self.floor.pem()),
            Who::Direct | Who::Ours | Who::Power => (self.upstream.address(), self.origin.pem()),
        };
        Route {
            address,
            connect: (who != Who::Direct).then(|| connect::head(&authority, None)),
            authority,
            tls: tls::client(roots, Resume::No).unwrap(),
            authorization: HeaderValue::from_str(&format!("Bearer {bearer}")).unwrap(),
        }
    }
}

fn work(page: Page, clients: usize, fresh: bool, answers: u64) -> Work {
    Work {
        page,
        clients,
        fresh,
        length: Length::Answers(answers),
    }
}

#[test]
fn every_way_answers_and_the_floor_pools() {
    let stand = Stand::new();
    for (who, bearer) in [
        (Who::Direct, CREDENTIAL),
        (Who::Tunnel, CREDENTIAL),
        (Who::Floor, "stands for it"),
    ] {
        let before = stand.upstream.counts().handshakes();
        let route = stand.route(who, bearer);
        let tally = load::run(&route, work(Page::Small, 16, false, 1000), None);
        assert_eq!(tally.first_error, None, "{who:?}");
        assert_eq!((tally.answers, tally.nanos.len()), (1000, 1000), "{who:?}");
        let handshakes = stand.upstream.counts().handshakes() - before;
        assert!((1..=16).contains(&handshakes), "{who:?}: {handshakes}");
        load::first(&route).unwrap();
        let tally = load::run(&route, work(Page::TenMib, 2, false, 4), None);
        assert_eq!((tally.answers, tally.errors), (4, 0), "{who:?}");
    }
}

#[test]
fn new_connections_share_the_floors_pool() {
    let stand = Stand::new();
    let route = stand.route(Who::Floor, "stands for it");
    let tally = load::run(&route, work(Page::Small, 4, true, 100), None);
    assert_eq!((tally.answers, tally.errors), (100, 0));
    assert!(stand.upstream.counts().handshakes() <= 4);
    let before = stand.upstream.counts().handshakes();
    load::run(
        &stand.route(Who::Direct, CREDENTIAL),
        work(Page::Small, 4, true, 100),
        None,
    );
    assert_eq!(stand.upstream.counts().handshakes() - before, 100);
}

#[test]
fn a_credential_that_does_not_arrive_is_an_error_and_no_answer() {
    let stand = Stand::new();
    let route = stand.route(Who::Tunnel, "stands for it");
    let tally = load::run(&route, work(Page::Small, 2, false, 10), None);
    assert_eq!((tally.answers, tally.errors), (0, 10));
    assert!(tally.first_error.unwrap().contains("401"));
    assert_eq!(stand.upstream.counts().proven(), 0);
}

#[test]
fn nobody_there_is_an_error() {
    let stand = Stand::new();
    let mut route = stand.route(Who::Direct, CREDENTIAL);
    route.address = {
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        gone.local_addr().unwrap()
    };
    let tally = load::run(&route, work(Page::Small, 1, false, 10), None);
    assert_eq!((tally.answers, tally.errors), (0, 1));
    assert!(load::first(&route).is_err());
}

#[test]
fn figures_are_medians() {
    assert_eq!(median(&[]), None);
    assert_eq!(median(&[3.0]), Some(3.0));
    assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
    assert_eq!(median(&[4.0, 1.0, 2.0, 9.0]), Some(3.0));
    let mut figures = Figures::default();
    for (who, values) in [
        (Who::Floor, [10.0, 30.0, 20.0]),
        (Who::Ours, [19.0, 18.0, 1.0]),
    ] {
        for value in values {
            figures.take(who, Measure::Rate(1), Some(value));
        }
    }
    assert_eq!(
        figures.ratio(Who::Ours, Measure::Rate(1), Who::Floor),
        Some(0.9)
    );
    assert_eq!(
        figures.added(Who::Ours, Measure::Rate(1), Who::Floor),
        Some(-2.0)
    );
    assert_eq!(figures.spread(Who::Floor, Measure::Rate(1)), Some(1.0));
    assert_eq!(
        figures.ratio(Who::Ours, Measure::Rate(1), Who::Tunnel),
        None
    );
}

#[test]
fn a_tally_knows_its_quantiles() {
    let tally = Tally {
        nanos: (1..=101).map(|micros| micros * 1000).collect(),
        ..Tally::default()
    };
    assert_eq!(tally.quantile_us(0.5), Some(51.0));
    assert_eq!(tally.quantile_us(0.99), Some(100.0));
    assert_eq!(Tally::default().quantile_us(0.5), None);
    let slow = Tally {
        nanos: vec![1_000_000, 37_999_999, 40_000_000, 48_000_000],
        ..Tally::default()
    };
    assert_eq!(delayed_percent(&slow), Some(25.0));
    let second = Tally {
        nanos: vec![500_000_000, 500_000_000],
        ..Tally::default()
    };
    assert_eq!(throughput(&second, Page::TenMib), Some(20.97152));
}

#[test]
fn a_target_can_be_met_missed_and_out_of_the_floors_reach() {
    let tunnel = TARGETS
        .iter()
        .find(|target| target.what == "keep-alive, c=16" && target.unit == "× tunnel")
        .unwrap();
    let verdict = |ours, floor| {
        let mut figures = Figures::default();
        let rates = [
            (Who::Tunnel, Some(100.0)),
            (Who::Floor, floor),
            (Who::Ours, ours),
        ];
        for (who, rate) in rates {
            figures.take(who, Measure::Rate(16), rate);
        }
        tunnel.verdict(&figures)
    };
    assert_eq!(verdict(Some(60.0), Some(70.0)), Verdict::Met(0.6));
    assert_eq!(verdict(Some(59.0), Some(60.0)), Verdict::NotMet(0.59));
    assert_eq!(verdict(Some(55.0), Some(59.0)), Verdict::FloorToo(0.55));
    assert_eq!(verdict(None, Some(59.0)), Verdict::NotMeasured);
    let start = TARGETS
        .iter()
        .find(|target| target.what == "start to first answer")
        .unwrap();
    let mut figures = Figures::default();
    figures.take(Who::Ours, Measure::Start, Some(51.0));
    assert_eq!(start.verdict(&figures), Verdict::NotMet(51.0));
}

#[test]
fn proc_is_read_behind_a_name_with_spaces() {
    let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 10 0 0 0 250 50 0 0 20 0 3 0 100";
    assert_eq!(procstat::ticks(stat), Some(300));
    assert_eq!(procstat::ticks("7 (x) S 1"), None);
    assert_eq!(
        procstat::resident("VmPeak:\t9 kB\nVmRSS:\t  2048 kB\n"),
        Some(2048)
    );
    assert_eq!(procstat::resident("Threads:\t1\n"), None);
    assert!(procstat::rss_kib(std::process::id()).unwrap() > 100);
    assert!(procstat::cpu(std::process::id()).is_some());
}

#[test]
fn an_order_is_drawn_and_loses_nothing() {
    let mut seed = 7;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let mut items = [1, 2, 3, 4];
        shuffle::shuffle(&mut items, &mut seed);
        let mut sorted = items;
        sorted.sort_unstable();
        assert_eq!(sorted, [1, 2, 3, 4]);
        seen.insert(items);
    }
    assert_eq!(seen.len(), 24);
}

#[test]
fn lines_of_others_are_read() {
    let at = "127.0.0.1:7717".parse().ok();
    assert_eq!(address_in("ready 127.0.0.1:7717\n"), at);
    assert_eq!(address_in(r#"{"data":{"listen":"127.0.0.1:7717"}}"#), at);
    assert_eq!(
        address_in("  api       http://127.0.0.1:7717  plain HTTP\n"),
        at
    );
    assert_eq!(address_in(""), None);
    let lines = "export A='1'\nexport KEY='it'\\''s'\nexport KEY_B='2'\n";
    assert_eq!(variable(lines, "KEY").unwrap(), "it's");
    assert!(variable(lines, "B").is_err());
    assert_eq!(
        connect::head("h:1", Some("t")),
        "CONNECT h:1 HTTP/1.1\r\nhost: h:1\r\nproxy-authorization: Basic d2l0aGhlbGQ6dA==\r\n\r\n"
    );
}

#[test]
fn options_are_known_or_refused() {
    assert_eq!(options(&[]), Some(Options::default()));
    let both = options(&["--withheld", "w", "--quick"]).unwrap();
    assert!(both.quick);
    assert_eq!(both.withheld, Some("w".into()));
    assert!(!both.team);
    assert!(options(&["team", "--quick"]).unwrap().team);
    assert_eq!(options(&["--withheld"]), None);
    assert_eq!(options(&["--slow"]), None);
}
