//! The words of help: the short list, the whole list, one verb.

use clap::{Command, CommandFactory as _};

use super::Arguments;

/// What `withheld --help` shows: what a person needs.
const SHORT: &[&str] = &[
    "init", "set", "status", "pending", "approve", "audit", "why", "doctor", "team", "demo", "help",
];

/// The command with our short help in the place of the generated one.
pub(crate) fn command() -> Command {
    Arguments::command().override_help(short())
}

/// What a person needs.
pub(crate) fn short() -> String {
    overview(Some(SHORT))
}

/// Every verb.
pub(crate) fn all() -> String {
    overview(None)
}

/// The help of one verb (or of `agent add`); `None` where there is none.
pub(crate) fn of(path: &[&str]) -> Option<String> {
    found(path).map(|mut verb| verb.render_long_help().to_string())
}

/// One verb (or `agent add`), the whole program where none is named; `None` where there is none.
pub(crate) fn found(path: &[&str]) -> Option<Command> {
    let mut command = Arguments::command();
    command.build();
    let mut found = &mut command;
    for word in path {
        found = found.find_subcommand_mut(word)?;
    }
    Some(found.clone())
}

fn overview(only: Option<&[&str]>) -> String {
    let command = Arguments::command();
    let shown = |name: &str| only.is_none_or(|only| only.contains(&name));
    let mut text = String::from(
        "Agents use your credentials. They never hold them.\n\nUsage: withheld VERB [OPTIONS]\n\n",
    );
    for verb in command
        .get_subcommands()
        .filter(|verb| shown(verb.get_name()))
    {
        let about = verb
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default();
        text.push_str(&format!("  {:<12} {about}\n", verb.get_name()));
    }
    text.push_str(
        "\n  --json             One JSON document on stdout, also on failure\n  --no-input         Never ask\n  -e, --environment  dev (default), staging, prod, or PROJECT/NAME\n  --home DIR         The folder that holds everything\n",
    );
    text.push_str(match only {
        Some(_) => "\nOne verb: withheld help set    Every verb: withheld help --all",
        None => "\nOne verb: withheld help set",
    });
    text.push_str("\nExample:  withheld set STRIPE_KEY --host api.stripe.com");
    text
}
