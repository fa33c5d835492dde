//! The whole story, the second member's values in a real Secret Service.

use withheld_testkit::serde_json::{Value, json};
use withheld_testkit::{Agent, Canary, Command, Keyring, Mood, World};

use super::two::{
    Post, accept_all, asked, away, back, found, fresh, invite, join_words, named, told,
};
use crate::common::BINARY;

const ENVIRONMENT: &str = "billing/dev";
const NAME: &str = "STRIPE_KEY";

/// Who joins, with a keyring in place of files.
struct Joiner {
    world: World,
    keyring: Keyring,
}

impl Joiner {
    /// A command that finds the keyring: the one that starts the broker has to.
    fn owner(&self, arguments: &[&str]) -> Command {
        let variables = self.keyring.variables().into_iter();
        variables.fold(self.world.owner(arguments), |command, (name, value)| {
            command.env(name, value)
        })
    }

    /// How many items of ours rest in the keyring. None of them shows a value.
    fn items(&self, when: &str) -> usize {
        let search = ["search", "--all", "service", "withheld"];
        let found = self.keyring.secret_tool(&search).unwrap();
        self.world
            .saw(format!("secret-tool, {when}"), found.clone());
        let found = String::from_utf8_lossy(&found).into_owned();
        found.lines().filter(|line| line.starts_with('[')).count()
    }
}

fn set(world: &World, value: &Canary) {
    world
        .owner(&["set", NAME, "--stdin", "--no-input", "-e", ENVIRONMENT])
        .typing(value.bytes())
        .succeeds();
}

#[track_caller]
fn push(world: &World) -> Value {
    asked(world, &["push", "-e", ENVIRONMENT])["pushed"].clone()
}

/// What arrives when the agent calls with the key.
#[track_caller]
fn arrives(lead: &World, agent: &Agent, value: &Canary) {
    let url = lead.url("api.test/v1/balance");
    agent
        .withheld(&["call", &url, "--secret", NAME, "--json"])
        .succeeds();
    let expected = format!("Bearer {}", value.text());
    assert_eq!(lead.api.last().all("authorization"), [expected]);
}

#[test]
fn z09_cli_story_team() {
    let keyring = match Keyring::start(Mood::Open) {
        Ok(keyring) => keyring,
        Err(why) => return withheld_testkit::skip(&why),
    };
    let (Some(mut lead), Some(world)) = (World::new(BINARY), World::without_vault(BINARY)) else {
        return;
    };
    let mut newdev = Joiner { world, keyring };
    let values = [fresh(), fresh(), fresh()];
    for value in &values {
        lead.also_hide(value);
        newdev.world.also_hide(value);
    }
    let post = Post::start();

    // Create, set, push.
    set(&lead, &values[0]);
    lead.bind(
        NAME,
        "api.test/v1",
        &["--inject", "bearer", "-e", ENVIRONMENT],
    );
    let founded = found(&lead, &post);
    let environments = json!([ENVIRONMENT, "default/dev"]);
    let expected = json!({"workspace": "acme", "server": post.tap.url(), "founder": "lead", "environments": environments});
    assert_eq!(founded, expected);
    assert!(
        !post.server.token_file().exists(),
        "a bootstrap token is good once"
    );
    assert_eq!(push(&lead), json!([{"name": NAME, "version": 1}]));

    // Invite, join: one line, by a file; the vault is made on the way, in the keyring.
    let line = invite(&lead, "newdev", &["billing/dev:write"]);
    away(&lead);
    let words = join_words(&newdev.world, &line);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let joined = newdev.owner(&words).succeeds().data();
    assert_eq!(joined["environments"][0]["environment"], ENVIRONMENT);
    assert_eq!(joined["environments"][0]["right"], "write");
    // A device of the team hands the keys over, when it is there.
    assert_eq!(joined["environments"][0]["keys"], false);
    back(&lead);
    assert_eq!(lead.status()["project"]["workspace"], "acme");
    let members = asked(&lead, &["team", "members"])["members"].clone();
    assert_eq!(
        named(&members, "newdev")["to"],
        json!([{"environment": ENVIRONMENT, "right": "write"}])
    );

    // Pull, then approve: without that the value is here and is never injected.
    let pull = ["pull", "-e", ENVIRONMENT];
    let before = newdev.items("before the pull");
    let pulled = asked(&newdev.world, &pull);
    assert_eq!(pulled["pulled"], json!([{"name": NAME, "version": 1}]));
    assert!(
        newdev.items("pulled") > before,
        "the value rests in the keyring"
    );
    let items = newdev.world.home().join("vault/items");
    assert!(
        !items
            .read_dir()
            .is_ok_and(|mut items| items.next().is_some())
    );
    let agent = newdev
        .world
        .agent_named("claude", &["--grant", NAME, "-e", ENVIRONMENT]);
    let url = lead.url("api.test/v1/balance");
    agent
        .withheld(&["call", &url, "--secret", NAME, "--json"])
        .fails(4)
        .says("no_binding");
    assert_eq!(accept_all(&newdev.world), 1);
    arrives(&lead, &agent, &values[0]);

    // The first rotates; the second's agent sees it, and helps itself without a person.
    set(&lead, &values[1]);
    assert_eq!(push(&lead), json!([{"name": NAME, "version": 2}]));
    let look = || agent.withheld(&["status", "--json"]).succeeds().data();
    let status = look();
    assert_eq!(status["you"]["agent"], "claude");
    assert_eq!(
        status["project"],
        json!({"workspace": "acme", "project": "billing", "environment": "dev"})
    );
    let secret = named(&status["secrets"], NAME);
    assert_eq!(
        (
            &secret["state"],
            &secret["version"],
            &secret["remote_version"]
        ),
        (&json!("behind"), &json!(1), &json!(2))
    );
    assert_eq!(
        status["next"],
        json!([{"who": "agent", "argv": ["withheld", "pull"], "why": "secret_behind"}])
    );
    arrives(&lead, &agent, &values[0]);
    let pulled = agent.withheld(&["pull", "--json"]).succeeds().data();
    assert_eq!(pulled["pulled"], json!([{"name": NAME, "version": 2}]));
    let status = look();
    assert_eq!(named(&status["secrets"], NAME)["state"], "in-sync");
    assert_eq!(status["next"], json!([]));
    arrives(&lead, &agent, &values[1]);

    removed(&lead, &newdev, &agent, &values);

    post.verifies();
    lead.finish();
    newdev.world.finish();
}

/// The leaver keeps what was there, and gets nothing more; what has to be rotated is listed.
fn removed(lead: &World, newdev: &Joiner, agent: &Agent, values: &[Canary]) {
    let ran = lead
        .owner(&["team", "remove", "newdev", "--no-input"])
        .succeeds();
    let text = ran.text();
    assert!(text.contains(" 1 key to rotate:\n"), "{ran}");
    let row = text.lines().last().unwrap_or_default();
    assert!(row.starts_with(NAME), "{ran}");
    for word in [
        ENVIRONMENT,
        "newdev",
        "withheld set STRIPE_KEY -e billing/dev",
    ] {
        assert!(row.contains(word), "{word}: {ran}");
    }
    let flags = || {
        let diff = asked(lead, &["diff", "-e", ENVIRONMENT]);
        named(&diff["secrets"], NAME)["flags"].clone()
    };
    assert_eq!(flags(), json!(["needs-upstream-rotation:member-removed"]));
    set(lead, &values[2]);
    assert_eq!(push(lead), json!([{"name": NAME, "version": 3}]));
    assert_eq!(flags(), json!([]));

    agent
        .withheld(&["pull", "--json"])
        .fails(4)
        .says("unknown_caller");
    told(&newdev.world, &["pull", "-e", ENVIRONMENT])
        .fails(4)
        .says("unknown_caller");
    told(&newdev.world, &["push", "-e", ENVIRONMENT])
        .fails(4)
        .says("unknown_caller");
    let diff = told(&newdev.world, &["diff", "--exit-code", "-e", ENVIRONMENT]);
    let diff = diff.run().exits(6).data();
    let row = named(&diff["secrets"], NAME);
    assert_eq!(
        (&diff["verified"], &row["state"], &row["version"]),
        (&json!(false), &json!("unverified"), &json!(2))
    );
    arrives(lead, agent, &values[1]);
}
