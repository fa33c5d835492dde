//! The commands in a hint, for a program that follows it: `next` of the error document.

use super::{Actor, Next};
use crate::plain::Text;

const PROGRAM: &str = "withheld";
/// How a shell is given an empty word.
const EMPTY: &str = "''";
/// What an agent may type; every other verb is the owner's.
const AGENTS: &[&str] = &[
    "audit", "call", "diff", "doctor", "help", "ls", "pull", "push", "status", "why",
];
/// What gives somebody more than they had: a hint may say how, a document never offers it ready-made.
const WIDENING: &[&str] = &["allow", "bind"];
/// Words that stand for what only the reader knows: such a command does not run unchanged.
const METAVARIABLES: &[&str] = &[
    "AGENT", "DIR", "FILE", "HOST", "ID", "MEMBER", "NAME", "PATH", "PLACE", "TEXT", "URL",
    "VARIABLE",
];

/// The commands of a hint that run unchanged, in its order. What follows `like:` is an example of how
/// something is written, and no advice.
pub(super) fn of(hint: &Text) -> Vec<Next> {
    let hint = hint.as_str();
    let is_owners = hint.starts_with("the owner") || hint.starts_with("have the owner");
    hint.match_indices(PROGRAM)
        .filter(|(at, _)| stands_alone(&hint[..*at]))
        .filter_map(|(at, _)| command(&hint[at..], is_owners))
        .collect()
}

/// Whether a command can begin behind this.
fn stands_alone(before: &str) -> bool {
    let before = before.trim_end_matches('`');
    (before.is_empty() || before.ends_with(' ')) && !before.trim_end().ends_with("like:")
}

fn command(from: &str, is_owners: bool) -> Option<Next> {
    let mut argv = Vec::new();
    for word in from.split(' ') {
        let bare = word.trim_end_matches([',', ';', '.', ')', '`']);
        let plain = if bare == EMPTY { "" } else { bare };
        if plain == bare && !runs_unchanged(bare) {
            return None;
        }
        // A word of a text is as plain as the text.
        argv.push(Text::__new(plain.to_owned()));
        if bare != word {
            break;
        }
    }
    let verb = argv.get(1)?.as_str();
    let is_agents = AGENTS.contains(&verb) && !is_owners;
    (!WIDENING.contains(&verb)).then_some(Next {
        who: if is_agents {
            Actor::Agent
        } else {
            Actor::Owner
        },
        argv,
    })
}

fn runs_unchanged(word: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"._~/%:@+=*-".contains(&b);
    let is_open = |part: &str| METAVARIABLES.contains(&part);
    !word.is_empty() && word.bytes().all(fits) && !word.split(['=', '/', ':']).any(is_open)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(hint: &'static str) -> Vec<(Actor, String)> {
        let words = |next: &Next| {
            let words: Vec<_> = next.argv.iter().map(Text::as_str).collect();
            words.join(" ")
        };
        let found = of(&Text::from(hint));
        found.iter().map(|next| (next.who, words(next))).collect()
    }

    #[test]
    fn commands_come_out_as_they_are_typed() {
        for (hint, who, command) in [
            (
                "the owner runs: withheld unlock",
                Actor::Owner,
                "withheld unlock",
            ),
            (
                "have the owner store it again with `withheld set A_KEY`",
                Actor::Owner,
                "withheld set A_KEY",
            ),
            (
                "see what there is: withheld ls",
                Actor::Agent,
                "withheld ls",
            ),
            (
                "leave `--take` out; the owner looks first: withheld diff",
                Actor::Agent,
                "withheld diff",
            ),
            (
                "take the default: withheld config listen ''",
                Actor::Owner,
                "withheld config listen ",
            ),
            (
                "open it: withheld unlock; then run the command again",
                Actor::Owner,
                "withheld unlock",
            ),
        ] {
            assert_eq!(commands(hint), [(who, command.to_owned())], "{hint}");
        }
        assert_eq!(
            commands("decide: withheld pull A --take remote, or withheld push A --take local"),
            [
                (Actor::Agent, "withheld pull A --take remote".to_owned()),
                (Actor::Agent, "withheld push A --take local".to_owned()),
            ]
        );
    }

    #[test]
    fn what_does_not_run_unchanged_is_no_command() {
        for hint in [
            "send the request in its plain form",
            "store it: withheld set NAME",
            "name it: withheld call --inject PLACE=A_KEY",
            "write it first, like: withheld why GET https://api.example.com/x",
            "name some: withheld pull NAME…",
            "write it elsewhere: withheld audit export > FILE",
            "bind it: withheld bind A_KEY --host api.test",
            "let it in: withheld allow api.test",
        ] {
            assert_eq!(commands(hint), [], "{hint}");
        }
    }
}
