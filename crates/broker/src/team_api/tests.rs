#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::test_team::Founder;

#[test]
fn an_answer_to_what_waits_is_not_given_for_another_vault() {
    let founder = Founder::with_team();
    let (case, house) = (&founder.case, &founder.case.house);
    let old = case.unlock_in_turn();
    case.lock().unwrap();
    let own = case.unlock_in_turn();
    let before = house.policy().unwrap().content().counter;
    for refused in [
        waiting::approve(house, &old, &[]),
        waiting::deny(house, &old, &[]),
    ] {
        assert_eq!(refused.err().unwrap().code, Code::VaultLocked);
    }
    assert_eq!(house.policy().unwrap().content().counter, before);
    waiting::deny(house, &own, &[]).unwrap();
}
