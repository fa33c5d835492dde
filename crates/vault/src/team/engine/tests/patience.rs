//! Who does not wait for others that talk to the server.

use super::acts::*;
use super::busy::Meanwhile;
use super::*;
use crate::team::post::{Answer, Outgoing};
use std::time::Duration;

/// A way to the server for somebody who waits for nobody.
struct Hasty<'a>(&'a mut Carrier);

impl Post for Hasty<'_> {
    fn carry(&mut self, request: Outgoing) -> Result<Answer, Refusal> {
        self.0.carry(request)
    }

    fn patience(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }
}

#[test]
fn who_has_no_patience_is_told_that_somebody_talks_to_the_server() {
    let (mut anna, _bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    let mut other = Carrier::to(&anna.post.shelf);
    let Person { team, post, .. } = &mut anna;
    let team = team.as_ref().unwrap();
    let dev = environment("dev");
    let act = || {
        let mut hasty = Hasty(&mut other);
        let fetched = team.fetch(&mut hasty, &dev, None, false, now());
        let refusal = fetched.err().unwrap();
        assert_eq!(refusal.code, Code::Conflict, "{refusal}");
        let names = secrets(&["DB_URL"]);
        let pushed = team.push_known(&mut hasty, &dev, &names, now());
        assert_eq!(code(pushed), Some(Code::Conflict));
        assert_eq!(code(team.sync(&mut hasty, now())), Some(Code::Conflict));
        assert_eq!(other.seen, [], "nothing was sent");
    };
    let mut meanwhile = Meanwhile {
        post: &mut *post,
        at: "/heads",
        act: Some(Box::new(act)),
    };
    team.sync(&mut meanwhile, now()).unwrap();
    assert!(meanwhile.act.is_none());
    drop(meanwhile);
    // Nobody talks any more.
    let mut hasty = Hasty(post);
    team.sync(&mut hasty, now()).unwrap();
}
