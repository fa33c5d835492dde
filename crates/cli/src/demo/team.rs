//! The second chapter: a team, from its founding to the day when somebody leaves.

mod change;
mod founding;

use std::cell::RefCell;

use super::server::{self, Server};
use super::stage::{Ran, Side, Stage, new_key};
use super::step::{Step, answered, command, first_line, step, url};
use crate::output::Outcome;

const NAME: &str = "TEAM_KEY";
/// What the team calls who joins.
const COLLEAGUE: &str = "newdev";

/// The team of the demo.
struct Team<'a> {
    stage: &'a Stage,
    /// What the key is before it is replaced, and after.
    values: [String; 2],
    /// Where the server answers.
    server: String,
    /// The ID of what waits for the colleague, once something does.
    waiting: RefCell<String>,
}

/// Tells it step by step, as the first chapter is told; without a server it ends.
pub(super) fn tell(stage: &Stage, each: &mut dyn FnMut(Step) -> Outcome) -> Outcome {
    let (started, answers) = start(stage)?;
    each(started)?;
    let Some(server) = answers else {
        return Ok(());
    };
    let team = Team {
        stage,
        values: [new_key()?, new_key()?],
        server,
        waiting: RefCell::default(),
    };
    for step in [
        Team::set,
        Team::bind,
        Team::create,
        Team::push,
        Team::invite,
        Team::init,
        Team::join,
        Team::pending,
        Team::approve,
        Team::proxy_env,
        Team::call,
        Team::replace,
        Team::push_again,
        Team::status,
        Team::pull,
        Team::call_again,
        Team::remove,
        Team::pull_refused,
        Team::search,
    ] {
        each(step(&team)?)?;
    }
    Ok(())
}

/// Starts the server; where it answers, if it does.
fn start(stage: &Stage) -> Outcome<(Step, Option<String>)> {
    let server = Server::start(&stage.folder)?;
    let answers = server.answers();
    *stage.server.borrow_mut() = Some(server);
    let said = match &answers {
        Some(url) => format!("It answers at {url}; all that it keeps is in one file."),
        None => "It did not start.".to_owned(),
    };
    let step = step(
        "team_server",
        "Somebody runs a server for the team",
        command(&server::WORDS),
        answers.is_some(),
    );
    Ok((
        Step {
            said: Some(said),
            ..step
        },
        answers,
    ))
}

impl Team<'_> {
    /// A command of somebody's own. It goes well where it ends well and shows no key.
    fn done(
        &self,
        side: Side,
        (name, title): (&'static str, &'static str),
        words: &[&str],
    ) -> Outcome<(Ran, Step)> {
        let ran = self.stage.withheld(side, words, "")?;
        let ok = ran.ended(0) && !ran.shows_a_key();
        let step = Step {
            said: Some(first_line(&ran)),
            ..step(name, title, command(words), ok)
        };
        Ok((ran, step))
    }

    /// A call by the colleague's agent; what arrives has to be this value.
    fn calls(&self, (name, title): (&'static str, &'static str), value: &str) -> Outcome<Step> {
        let url = url(self.stage, "/v1/balance");
        let words = ["call", &url, "--bearer", NAME];
        let ran = self.stage.withheld(Side::ColleaguesAgent, &words, "")?;
        let step = step(name, title, command(&words), false);
        Ok(answered(self.stage, &ran, value, step))
    }

    /// Stores what the API wants from now on.
    fn stores(&self, (name, title): (&'static str, &'static str), value: &str) -> Outcome<Step> {
        self.stage.api.accept(value);
        let words = ["set", NAME, "--stdin"];
        let ran = self.stage.withheld(Side::Owner, &words, value)?;
        Ok(Step {
            said: Some(first_line(&ran)),
            ..step(
                name,
                title,
                command(&words),
                ran.ended(0) && !ran.shows_a_key(),
            )
        })
    }
}
