//! From the words of a command line to [`Arguments`], or to a refusal that repeats none of them.

use std::ffi::{OsStr, OsString};

use clap::FromArgMatches as _;
use clap::error::ErrorKind;
use withheld_core::{Code, Refusal, Text, text};

use super::{Arguments, usage};

/// What a command line turned out to be.
#[derive(Debug)]
pub(crate) enum Read {
    /// A command.
    Command(Box<Arguments>),
    /// Help or the version: only to be shown.
    Shown(String),
}

/// Whether these words run the broker in the foreground. Asked before anything else is done, so
/// it knows no more than which of our options have a word behind them.
pub(crate) fn is_broker(words: &[OsString]) -> bool {
    let mut verbs = words
        .iter()
        .skip(1)
        .scan(false, |is_value, word| {
            let skipped = std::mem::replace(is_value, is_option_with_value(word));
            Some((!skipped && !word.to_string_lossy().starts_with('-')).then_some(word))
        })
        .flatten();
    verbs.next().is_some_and(|verb| verb == "daemon") && verbs.next().is_none()
}

fn is_option_with_value(word: &OsStr) -> bool {
    ["--home", "-e", "--environment"]
        .iter()
        .any(|option| word == *option)
}

/// Whether a program reads the answer, also where the words could not be read.
pub(crate) fn wants_json(read: &Result<Read, Refusal>, words: &[OsString]) -> bool {
    match read {
        Ok(Read::Command(arguments)) => arguments.global.json,
        Ok(Read::Shown(_)) | Err(_) => seems_to_want_json(words),
    }
}

/// Whether `--json` stands among the words, and not as the value of an option.
fn seems_to_want_json(words: &[OsString]) -> bool {
    let greedy = greedy_options(&usage::command());
    let mut is_value = false;
    words.iter().take_while(|word| *word != "--").any(|word| {
        let is_option = !is_value && word == "--json";
        is_value = !is_value && greedy.iter().any(|option| word == option.as_str());
        is_option
    })
}

/// Every option, of any verb, that takes the next word whatever it looks like; as it is typed.
fn greedy_options(command: &clap::Command) -> Vec<String> {
    let own = command
        .get_opts()
        .filter(|option| option.is_allow_hyphen_values_set())
        .flat_map(|option| {
            let long = option.get_long().map(|long| format!("--{long}"));
            let short = option.get_short().map(|short| format!("-{short}"));
            long.into_iter().chain(short)
        });
    let verbs = command.get_subcommands().flat_map(greedy_options);
    own.chain(verbs).collect()
}

/// Reads a command line.
///
/// # Errors
/// `usage`, in words that are ours alone.
pub(crate) fn parse(words: &[OsString]) -> Result<Read, Refusal> {
    let read = usage::command()
        .try_get_matches_from(words)
        .and_then(|matches| Arguments::from_arg_matches(&matches));
    match read {
        Ok(arguments) => Ok(Read::Command(Box::new(arguments))),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(Read::Shown(
                error.render().to_string().trim_end().to_owned(),
            )),
            kind => Err(refusal(kind, verb_of(words))),
        },
    }
}

/// The first word that is one of our verbs, and the first behind it that is a part of that verb, from
/// our own lists: what was typed is never shown.
fn verb_of(words: &[OsString]) -> Option<Text> {
    let mut words = words.iter().skip(1);
    let verb = words.find_map(|word| known(VERBS, word))?;
    let parts = PARTS.iter().find(|(of, _)| *of == verb);
    let parts = parts.map_or(&[][..], |(_, parts)| parts);
    Some(match words.find_map(|word| known(parts, word)) {
        Some(part) => text!("{} {}", verb, part),
        None => verb.into(),
    })
}

fn known(list: &[&'static str], word: &OsStr) -> Option<&'static str> {
    list.iter().find(|known| word == **known).copied()
}

/// The verbs that have parts, with those.
pub(super) const PARTS: &[(&str, &[&str])] = &[
    ("agent", &["add", "ls", "rm"]),
    ("audit", &["verify", "export"]),
    ("proxy", &["env"]),
    (
        "team",
        &[
            "create", "invite", "join", "members", "set", "remove", "log",
        ],
    ),
    ("server", &["verify"]),
];

/// Our verbs, as they are typed.
pub(super) const VERBS: &[&str] = &[
    "init",
    "set",
    "bind",
    "rm",
    "ls",
    "allow",
    "agent",
    "unlock",
    "lock",
    "config",
    "daemon",
    "status",
    "pending",
    "approve",
    "deny",
    "diff",
    "pull",
    "push",
    "call",
    "audit",
    "why",
    "doctor",
    "proxy",
    "team",
    "server",
    "demo",
    "completions",
    "help",
];

fn refusal(kind: ErrorKind, verb: Option<Text>) -> Refusal {
    let what = match kind {
        ErrorKind::InvalidSubcommand if verb.is_none() => "there is no such verb",
        ErrorKind::InvalidSubcommand => "this verb has no such part",
        ErrorKind::UnknownArgument => "there is an argument that is not known",
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            "an argument is none of those that stand to choose from"
        }
        ErrorKind::ArgumentConflict => "two arguments exclude each other",
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | ErrorKind::TooFewValues => "an argument is missing",
        ErrorKind::NoEquals => "an option needs its value behind `=`",
        ErrorKind::TooManyValues | ErrorKind::WrongNumberOfValues => {
            "an option has not the right number of values"
        }
        ErrorKind::InvalidUtf8 => "an argument is not UTF-8",
        _ => "this command line cannot be read",
    };
    match verb {
        Some(verb) => Refusal::new(
            Code::Usage,
            text!("{} (in `{}`)", what, verb),
            text!("see how it is used: withheld help {}", verb),
        ),
        None => Refusal::new(Code::Usage, what, "see the verbs: withheld help --all"),
    }
}
