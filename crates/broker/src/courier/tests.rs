#![allow(clippy::unwrap_used, reason = "tests")]

use withheld_core::Code;

use super::*;
use crate::test_team::Founder;

fn courier(founder: &Founder) -> Result<Courier, Refusal> {
    let server = ServerAddress::parse(&founder.server.url()).unwrap();
    founder.inside(|| Courier::to(&founder.case.house, &server))
}

fn carry(courier: &mut Courier) -> Result<u16, Refusal> {
    carry_to(courier, "/v1/server")
}

fn carry_to(courier: &mut Courier, path: &str) -> Result<u16, Refusal> {
    let request = Outgoing {
        method: "GET",
        path: path.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    courier.carry(request).map(|answer| answer.status)
}

#[test]
fn exchanges_share_one_time() {
    let founder = Founder::new();
    let mut courier = courier(&founder).unwrap();
    assert_eq!(carry(&mut courier), Ok(200));
    founder.server.asked();
    // What is left ends an exchange that is under way, and then there is no other.
    founder.server.hang(true);
    courier.left = Duration::from_millis(1);
    assert_eq!(carry(&mut courier), Err(slow()));
    assert_eq!(courier.left, Duration::ZERO);
    founder.server.hang(false);
    assert_eq!(carry_to(&mut courier, "/v1/never"), Err(slow()));
    // The server may see the one that was ended only now, or not at all.
    let mut another = self::courier(&founder).unwrap();
    assert_eq!(carry_to(&mut another, "/v1/last"), Ok(200));
    let seen = std::iter::from_fn(|| Some(founder.server.asked()));
    let mut seen = seen.take_while(|line| !line.ends_with("/v1/last"));
    assert!(seen.all(|line| line.ends_with("/v1/server")));
}

#[test]
fn a_lock_ends_what_began_before_it() {
    let founder = Founder::new();
    let code = |result: Result<u16, Refusal>| result.unwrap_err().code;
    let mut before = courier(&founder).unwrap();
    founder.case.lock().unwrap();
    let refused = courier(&founder).err().unwrap();
    assert_eq!(refused.code, Code::VaultLocked);
    assert_eq!(code(carry(&mut before)), Code::VaultLocked);
    founder.case.unlock().unwrap();
    assert_eq!(code(carry(&mut before)), Code::VaultLocked);
    assert!(!founder.server.was_asked());
    assert_eq!(carry(&mut courier(&founder).unwrap()), Ok(200));
}

/// However slow the way is, as long as it brings 64 kB a second.
#[test]
fn time_is_given_back_for_what_was_carried() {
    let second = Duration::from_secs(1);
    let page = |left, seconds, bytes| left_after(left, second * seconds, bytes);
    let mut left = ALL_EXCHANGES;
    for _ in 0..1_000 {
        left = page(left, 16, 1 << 20);
        assert!(!left.is_zero());
    }
    // A server that only keeps somebody waiting gains nothing, and none is waited for longer than this.
    let mut left = ALL_EXCHANGES;
    for _ in 0..60 {
        left = page(left, 1, 40);
    }
    assert_eq!(left, Duration::ZERO);
    assert_eq!(page(ALL_EXCHANGES, 0, usize::MAX), MOST);
    assert_eq!(page(second, 2, 0), Duration::ZERO);
}
