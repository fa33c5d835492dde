//! `withheld` alone: what to type next.

use serde_json::{Value, json};

use crate::context::Context;
use crate::output::Outcome;
use crate::owner;

/// The least width of the column of commands.
const WIDTH: usize = 33;

/// A command, and what it does.
type Step = (&'static [&'static str], &'static str);

const FIRST: [Step; 3] = [
    (&["withheld", "init"], "make the vault"),
    (&["withheld", "demo"], "see the whole way first"),
    (&["withheld", "doctor"], "see which promise holds here"),
];
/// After `init`.
pub(super) const OWNER: [Step; 3] = [
    (&["withheld", "set", "STRIPE_KEY"], "store a key"),
    (&["withheld", "status"], "one look at everything"),
    (
        &["withheld", "proxy", "env"],
        "point a program at the broker",
    ),
];
const AGENT: [Step; 3] = [
    (
        &["withheld", "status", "--json"],
        "what you may use now, and where",
    ),
    (
        &["withheld", "call", "https://HOST/PATH", "--secret", "NAME"],
        "call an API with a key by its name",
    ),
    (
        &["withheld", "why", "--last"],
        "which rule refused the last request",
    ),
];

pub(super) fn run(context: &Context) -> Outcome {
    let home = context.agent_home()?;
    let (who, steps) = if context.variables.session.is_some() {
        ("agent", AGENT)
    } else if owner::has_vault(&home)? {
        ("owner", OWNER)
    } else {
        ("owner", FIRST)
    };
    let next: Vec<Value> = steps
        .iter()
        .map(|(argv, why)| json!({ "who": who, "argv": argv, "why": why }))
        .collect();
    context
        .output
        .result("withheld.next/1", json!({ "next": next }), &lines(&steps))
}

/// `Next`, and the commands below each other.
pub(super) fn lines(steps: &[Step]) -> String {
    let commands: Vec<String> = steps.iter().map(|(argv, _)| argv.join(" ")).collect();
    let widest = commands.iter().map(String::len).max().unwrap_or(0);
    let width = WIDTH.max(widest);
    let mut text = String::from("Next");
    for (command, (_, why)) in commands.iter().zip(steps) {
        text.push_str(&format!("\n  {command:<width$} {why}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_stand_below_each_other() {
        assert_eq!(
            lines(&OWNER[..1]),
            "Next\n  withheld set STRIPE_KEY           store a key"
        );
    }
}
