//! What it costs to look.

use super::drift::two;
use super::two::away;

#[test]
fn a_look_with_nothing_changed_is_one_request() {
    let two = two!();
    let agent = two.agent();
    away(&two.lead);
    for _ in 0..2 {
        two.newdev.status();
    }
    let who = [
        two.newdev.user_runs(&["status", "--json"]),
        two.newdev.user_runs(&["diff", "--json"]),
        agent.withheld(&["status", "--json"]),
    ];
    for command in who {
        two.post.tap.take();
        let ran = command.succeeds();
        let seen = two.post.tap.take();
        let asked: Vec<String> = seen
            .iter()
            .map(|one| format!("{} {:?}", one.method, one.status()))
            .collect();
        assert_eq!(asked, ["GET Some(304)"], "{ran}");
        assert!(seen[0].path.ends_with("/heads"), "{}", seen[0].path);
        assert_eq!(seen[0].query, "");
    }
    two.finish();
}
