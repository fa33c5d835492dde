#![allow(clippy::unwrap_used, reason = "tests")]
use std::ffi::OsString;

use clap::CommandFactory as _;

use super::read::{PARTS, Read, VERBS};
use super::*;

fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}

fn command(line: &str) -> Arguments {
    match parse(&words(line)).unwrap() {
        Read::Command(arguments) => *arguments,
        Read::Shown(text) => panic!("shown: {text}"),
    }
}

#[test]
fn the_command_is_sound() {
    Arguments::command().debug_assert();
}

#[test]
fn the_list_of_verbs_is_the_command() {
    let command = Arguments::command();
    let verbs: Vec<&str> = command
        .get_subcommands()
        .map(|verb| verb.get_name())
        .collect();
    assert_eq!(verbs, VERBS);
    let parts = command
        .get_subcommands()
        .filter(|verb| verb.has_subcommands());
    let parts: Vec<(&str, Vec<&str>)> = parts
        .map(|verb| {
            let parts = verb.get_subcommands().map(clap::Command::get_name);
            (verb.get_name(), parts.collect())
        })
        .collect();
    let known: Vec<_> = PARTS
        .iter()
        .map(|(verb, parts)| (*verb, parts.to_vec()))
        .collect();
    assert_eq!(parts, known);
}

#[test]
fn every_verb_has_an_example_that_parses() {
    fn visit(command: &clap::Command, seen: &mut usize) {
        for verb in command.get_subcommands() {
            let help = verb.get_after_help().map(ToString::to_string);
            let help = help.unwrap_or_else(|| panic!("{} has no example", verb.get_name()));
            let line = help.rsplit('\n').next().unwrap();
            let line = line
                .trim()
                .trim_start_matches("eval \"$(")
                .trim_end_matches(")\"");
            let line = line.replace('\'', "");
            assert!(
                matches!(parse(&words(&line)), Ok(Read::Command(_))),
                "{line}"
            );
            *seen += 1;
            visit(verb, seen);
        }
    }
    let mut seen = 0;
    visit(&Arguments::command(), &mut seen);
    assert_eq!(seen, VERBS.len() + 14);
}

#[test]
fn wrong_lines_are_answered_without_being_repeated() {
    for (line, message) in [
        ("withheld whCANARY", "there is no such verb"),
        (
            "withheld agent whCANARY",
            "this verb has no such part (in `agent`)",
        ),
        (
            "withheld set A --whCANARY",
            "there is an argument that is not known (in `set`)",
        ),
        (
            "withheld set A --value=whCANARY",
            "there is an argument that is not known (in `set`)",
        ),
        (
            "withheld init --vault whCANARY",
            "an argument is none of those that stand to choose from (in `init`)",
        ),
        ("withheld set", "an argument is missing (in `set`)"),
        ("withheld why", "an argument is missing (in `why`)"),
        ("withheld why GET", "an argument is missing (in `why`)"),
        ("withheld agent", "an argument is missing (in `agent`)"),
        (
            "withheld bind A --remove h --host whCANARY",
            "two arguments exclude each other (in `bind`)",
        ),
        (
            "withheld set A --stdin --from-file whCANARY",
            "two arguments exclude each other (in `set`)",
        ),
        (
            "withheld team join whCANARY",
            "there is an argument that is not known (in `team join`)",
        ),
        (
            "withheld team create acme --token whCANARY",
            "there is an argument that is not known (in `team create`)",
        ),
        (
            "withheld team invite newdev",
            "an argument is missing (in `team invite`)",
        ),
        (
            "withheld pull --take local",
            "an argument is none of those that stand to choose from (in `pull`)",
        ),
        (
            "withheld push --take remote",
            "an argument is none of those that stand to choose from (in `push`)",
        ),
        ("withheld approve", "an argument is missing (in `approve`)"),
        (
            "withheld status --follow --short",
            "two arguments exclude each other (in `status`)",
        ),
        ("withheld get STRIPE_KEY", "there is no such verb"),
        (
            "withheld lock whCANARY",
            "there is an argument that is not known (in `lock`)",
        ),
    ] {
        let refusal = parse(&words(line)).unwrap_err();
        assert_eq!(refusal.message.as_str(), message, "{line}");
        assert_eq!(refusal.code, withheld_core::Code::Usage);
        assert!(!refusal.to_string().contains("whCANARY"), "{line}");
    }
}

#[test]
fn options_stand_before_and_behind_the_verb() {
    for line in [
        "withheld --json --home /h -e prod status",
        "withheld status --json --home /h --environment prod",
    ] {
        let global = command(line).global;
        assert!(global.json && !global.no_input);
        assert_eq!(global.environment.as_deref(), Some("prod"));
        assert_eq!(global.home, Some(PathBuf::from("/h")));
    }
}

#[test]
fn call_reads_like_curl() {
    let Some(Verb::Call(call)) =
        command("withheld call POST https://a.test/x -d -1 -d @f -H A:b -o out -if").verb
    else {
        panic!("call");
    };
    assert_eq!(call.target, ["POST", "https://a.test/x"]);
    assert_eq!(call.data, ["-1", "@f"]);
    assert_eq!(call.headers, ["A:b"]);
    assert!(call.include && call.fail && call.output.is_some());
    assert!(parse(&words("withheld call -X POST https://a.test/")).is_err());
}

#[test]
fn what_the_team_is_asked_reads_as_it_is_typed() {
    let line = "withheld team invite newdev --to billing/dev:write --to dev:read --role admin --expires 2h";
    let Some(Verb::Team(Team {
        verb: TeamVerb::Invite(invite),
    })) = command(line).verb
    else {
        panic!("invite");
    };
    assert_eq!(invite.member, "newdev");
    assert_eq!(invite.to, ["billing/dev:write", "dev:read"]);
    assert_eq!(invite.role.as_deref(), Some("admin"));
    assert_eq!(invite.expires.as_deref(), Some("2h"));
    let Some(Verb::Pull(pull)) = command("withheld pull A_KEY B_KEY --take remote -e prod").verb
    else {
        panic!("pull");
    };
    assert_eq!(pull.names, ["A_KEY", "B_KEY"]);
    assert_eq!(pull.take.as_deref(), Some("remote"));
}

#[test]
fn the_broker_is_known_by_its_words() {
    for line in [
        "withheld daemon",
        "withheld daemon --home /h --detached --json",
        "withheld --home /h -e dev daemon",
    ] {
        assert!(is_broker(&words(line)), "{line}");
    }
    for line in [
        "withheld",
        "withheld daemon start",
        "withheld --home daemon status",
        "withheld daemon stop --home /h",
        "withheld help daemon",
    ] {
        assert!(!is_broker(&words(line)), "{line}");
    }
}

#[test]
fn json_is_wanted_also_where_the_rest_is_wrong() {
    let wants = |line: &str| wants_json(&parse(&words(line)), &words(line));
    for line in [
        "withheld whatever --json",
        "withheld --json --help",
        "withheld call --json https://a.test/",
        "withheld call --nothing -d x --json",
        "withheld ls --home --json",
    ] {
        assert!(wants(line), "{line}");
    }
    for line in [
        "withheld call -- --json",
        "withheld call -d --json https://a.test/",
        "withheld call --data --json https://a.test/",
        "withheld call -d --json --nothing https://a.test/",
        "withheld call https://a.test/ -- --json",
    ] {
        assert!(!wants(line), "{line}");
    }
}

#[test]
fn help_has_a_short_and_a_whole_list() {
    let Read::Shown(short) = parse(&words("withheld --help")).unwrap() else {
        panic!("help");
    };
    assert!(short.contains("  init ") && !short.contains("  proxy "));
    assert!(usage::all().contains("  proxy "));
    assert!(usage::of(&["agent", "add"]).unwrap().contains("--grant"));
    assert!(usage::of(&["whCANARY"]).is_none());
}
