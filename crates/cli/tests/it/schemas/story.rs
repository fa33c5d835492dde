//! The story of the schemas: two people who share keys, and their agents, until one of them is removed.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use withheld_testkit::serde_json::json;
use withheld_testkit::{Agent, Canaries, Canary, TeamServer, World};

use super::Book;
use crate::common::BINARY;

/// Tells it; `false` where this machine cannot.
pub(super) fn told(book: &mut Book) -> bool {
    let (Some(lead), Some(newdev)) = (World::new(BINARY), World::new(BINARY)) else {
        return false;
    };
    let mut story = Story {
        lead,
        newdev,
        server: TeamServer::start(BINARY),
    };
    story.alone(book);
    story.founded(book);
    story.joined(book);
    story.apart(book);
    story.removed(book);
    story.lead.finish();
    story.newdev.finish();
    true
}

struct Story {
    lead: World,
    newdev: World,
    server: TeamServer,
}

impl Story {
    /// A value that is in neither world's output.
    fn value(&mut self) -> Canary {
        let value = Canaries::fresh().plain;
        self.lead.also_hide(&value);
        self.newdev.also_hide(&value);
        value
    }

    /// A new value of `KEY`, which the team has then.
    fn rotate(&mut self) {
        let value = self.value();
        self.lead.set("KEY", &value);
        self.lead.user_runs(&["push"]).succeeds();
    }

    /// Before there is a team: a key, where it may go, and calls.
    fn alone(&mut self, book: &mut Book) {
        let lead = &self.lead;
        let stopped = book.ran("status", 0, lead.user_runs(&["status"]));
        assert_eq!(stopped["broker"]["state"], "stopped");
        let value = lead.canaries.plain.clone();
        let set = lead.owner(&["set", "KEY", "--stdin", "--no-input"]);
        let set = book.ran("set", 0, set.typing(value.bytes()));
        assert_eq!(set["stored"][0]["name"], "KEY");
        let only_get = ["--inject", "bearer", "--method", "GET"];
        let bound = book.ran("bind", 0, lead.binding("KEY", "api.test/v1", &only_get));
        assert_eq!(bound["bindings"][0]["methods"], json!(["GET"]));
        book.ran("bind", 0, lead.binding("KEY", "gone.test", &[]));
        let host = lead.host_port("gone.test");
        let unbind = ["bind", "KEY", "--remove", &host, "--no-input"];
        book.ran("bind", 0, lead.owner(&unbind));
        self.called(book);
        self.stopped_and_killed(book);
        self.agents_of(book);
    }

    /// What an agent does: it looks, calls, and is refused.
    fn called(&self, book: &mut Book) {
        let agent = self.lead.agent();
        book.ran("status", 0, agent.withheld(&["status"]));
        let url = self.lead.url("api.test/v1/x");
        let call = ["call", &url, "--secret", "KEY"];
        book.ran("call", 0, agent.withheld(&call));
        let file = self.lead.folder().join("body");
        let into = [&call[..], &["-o", file.to_str().unwrap()]].concat();
        book.ran("call", 0, agent.withheld(&into));
        let post = ["call", "POST", &url, "--secret", "KEY"];
        let refused = book.ran("error", 4, agent.withheld(&post));
        assert_eq!(refused["code"], "binding_violation");
        self.asked_why(book, &agent, &url);
        // The same refusal once more, and a client that says who it is.
        agent.withheld(&post).fails(4);
        let named = agent.call("GET", &url).at("/proxy").without("Withheld-Url");
        let named = named.without("Withheld-Session");
        let named = named.field("X-AS-Target-URL", &url);
        let named = named.field("X-AS-Agent-Token", &agent.token);
        named.field("X-AS-Agent-ID", "claude").send().is(200);
        agent.get(&url, &[]).is(200);
    }

    /// The broker ends as it should, and as it should not; and a folder asks for a key that is not here.
    fn stopped_and_killed(&self, book: &mut Book) {
        let lead = &self.lead;
        book.ran("daemon", 0, lead.owner(&["daemon", "stop"]));
        let stopped = book.ran("status", 0, lead.user_runs(&["status"]));
        assert_eq!(stopped["secrets"][0]["name"], "KEY");
        self.looked_over(book);
        lead.owner(&["unlock", "--no-input"]).succeeds();
        lead.kill_broker();
        half_a_record(&lead.home().join("audit"));
        book.ran("daemon", 0, lead.owner(&["daemon", "start"]));
        book.ran("unlock", 0, lead.owner(&["unlock", "--no-input"]));
        let folder = lead.folder().join("repository");
        fs::create_dir_all(folder.join(".git")).unwrap();
        fs::write(folder.join("withheld.toml"), "secrets = [\"OTHER_KEY\"]\n").unwrap();
        let asks = lead.user_runs(&["status"]).within(&folder);
        let asks = book.ran("status", 0, asks);
        assert_eq!(asks["secrets"][1]["state"], "missing");
        book.ran("lock", 0, lead.owner(&["lock"]));
        lead.owner(&["unlock", "--no-input"]).succeeds();
    }

    /// An agent comes and goes, and a secret too.
    fn agents_of(&mut self, book: &mut Book) {
        let value = self.value();
        let lead = &self.lead;
        let add = ["agent", "add", "codex", "--grant", "KEY", "--no-input"];
        let added = book.ran("agent_add", 0, lead.owner(&add));
        assert!(added["token"].is_string());
        let rm = ["agent", "rm", "codex", "--no-input"];
        book.ran("agent_rm", 0, lead.owner(&rm));
        lead.set("OLD_KEY", &value);
        book.ran("rm", 0, lead.owner(&["rm", "OLD_KEY", "--no-input"]));
    }

    /// A home that others may look into, and one that is closed.
    fn looked_over(&self, book: &mut Book) {
        let home = self.lead.home();
        let mode = |mode| fs::set_permissions(&home, Permissions::from_mode(mode)).unwrap();
        mode(0o755);
        let open = book.ran("doctor", 1, self.lead.user_runs(&["doctor"]));
        assert_eq!(open["promises"][0]["holds"], false);
        mode(0o700);
        let closed = book.ran("doctor", 0, self.lead.user_runs(&["doctor"]));
        assert_eq!(closed["promises"][0]["holds"], true);
    }

    /// What would become of a request, and what became of the last one.
    fn asked_why(&self, book: &mut Book, agent: &Agent, url: &str) {
        let last = book.ran("why_last", 1, agent.withheld(&["why", "--last"]));
        assert_eq!(last["last"]["code"], "binding_violation");
        let why = ["why", "GET", url, "--secret", "KEY"];
        let passes = book.ran("why", 0, agent.withheld(&why));
        assert_eq!(passes["uses"][0]["secret"], "KEY");
        let why = ["why", "POST", url, "--secret", "KEY"];
        let refused = book.ran("why", 1, agent.withheld(&why));
        assert_eq!(refused["code"], "binding_violation");
        book.ran("call", 0, agent.withheld(&["call", url]));
        let last = book.ran("why_last", 0, agent.withheld(&["why", "--last"]));
        assert_eq!(last["last"]["without"], "named_only");
        let listed = book.ran("ls", 0, agent.withheld(&["ls"]));
        assert!(listed["secrets"][0]["last_used"].is_string());
    }

    fn founded(&mut self, book: &mut Book) {
        let lead = &self.lead;
        let server = format!("http://{}", self.server.address());
        let create = lead.owner(&["team", "create", "acme", "--as", "lead", "--no-input"]);
        let create = create.args(&["--server", &server, "--token-file"]);
        book.ran("team_create", 0, create.arg(self.server.token_file()));
        self.bound_in_full(book);
        let lead = &self.lead;
        let pushed = book.ran("push", 0, lead.user_runs(&["push"]));
        assert_eq!(pushed["pushed"][0]["name"], "KEY");
        let invite = ["team", "invite", "newdev", "--to", "dev:write"];
        let said = lead.owner(&invite).arg("--no-input");
        let said = book.ran("team_invite", 0, said);
        let line = format!("{}\n", said["invitation"].as_str().unwrap());
        fs::write(self.newdev.folder().join("line"), line).unwrap();
        let members = book.ran("team_members", 0, lead.owner(&["team", "members"]));
        assert!(members["members"][1]["invited_until"].is_string());
    }

    /// A key whose shape is known, and one more of its bindings has text round it.
    fn bound_in_full(&mut self, book: &mut Book) {
        let random = Canaries::fresh().plain;
        let letters = &random.text()[random.public()..];
        let value = Canary::new(format!("sk_live_{letters}"), "sk_live_".len());
        self.lead.also_hide(&value);
        self.newdev.also_hide(&value);
        let host = self.lead.host_port("api.test");
        let set = ["set", "LIVE_KEY", "--stdin", "--no-input", "--host", &host];
        let set = self.lead.owner(&set).typing(value.bytes());
        set.succeeds();
        let format = ["--inject", "header:X-Bot", "--format", "Bot {}"];
        self.lead.bind("LIVE_KEY", "other.test", &format);
        let listed = book.ran("ls", 0, self.lead.user_runs(&["ls"]));
        assert_eq!(listed["secrets"][1]["name"], "LIVE_KEY");
    }

    /// What came with the secret waits; then both have the same.
    fn joined(&mut self, book: &mut Book) {
        self.newdev.owner(&["unlock", "--no-input"]).succeeds();
        let join = self.newdev.owner(&["team", "join", "--no-input"]);
        join.arg("--from-file")
            .arg(self.newdev.folder().join("line"))
            .succeeds();
        let newdev = &self.newdev;
        let waiting = book.ran("pending", 0, newdev.user_runs(&["pending"]));
        let id = waiting["waiting"][0]["id"].as_str().unwrap().to_owned();
        let status = book.ran("status", 0, newdev.user_runs(&["status"]));
        assert_eq!(status["waiting"][0]["id"], id.as_str());
        let approve = newdev.owner(&["approve", &id, "--no-input"]);
        book.ran("approve", 0, approve);
        self.lead
            .bind("KEY", "api.test/v1", &["--inject", "bearer"]);
        self.rotate();
        let newdev = &self.newdev;
        let diff = book.ran("diff", 0, newdev.user_runs(&["diff"]));
        assert_eq!(diff["secrets"][0]["state"], "behind");
        let agent = newdev.agent();
        book.ran("status", 0, agent.withheld(&["status"]));
        let pulled = book.ran("pull", 0, agent.withheld(&["pull"]));
        assert_eq!(pulled["pulled"], json!([{"name": "KEY", "version": 2}]));
        let waiting = book.ran("pending", 0, newdev.user_runs(&["pending"]));
        let wider = &waiting["waiting"][0]["use"][0];
        assert_eq!(wider["differs"], json!(["methods"]), "{waiting}");
        let id = waiting["waiting"][0]["id"].as_str().unwrap();
        book.ran("deny", 0, newdev.owner(&["deny", id, "--no-input"]));
    }

    /// Both changed it, and each has one more: what can be done is done, and the rest is said.
    fn apart(&mut self, book: &mut Book) {
        let (new, ours, own) = (self.value(), self.value(), self.value());
        self.lead.set("NEW_KEY", &new);
        self.rotate();
        let newdev = &self.newdev;
        newdev.set("KEY", &ours);
        newdev.set("OWN_KEY", &own);
        book.ran("diff", 0, newdev.user_runs(&["diff"]));
        book.ran("status", 0, newdev.user_runs(&["status"]));
        for verb in ["pull", "push"] {
            let conflict = book.ran("error", 7, newdev.user_runs(&[verb]));
            assert_eq!(conflict["facts"]["diverged"], json!(["KEY"]));
        }
    }

    fn removed(&mut self, book: &mut Book) {
        let set = ["team", "set", "newdev", "--role", "admin"];
        let set = self.lead.owner(&set);
        book.ran("team_set", 0, set.args(&["--to", "dev:read", "--no-input"]));
        let remove = ["team", "remove", "newdev", "--no-input"];
        book.ran("team_remove", 0, self.lead.owner(&remove));
        book.ran("team_log", 0, self.lead.owner(&["team", "log"]));
        book.ran("audit", 0, self.lead.user_runs(&["audit"]));
        let members = book.ran("team_members", 0, self.lead.owner(&["team", "members"]));
        assert!(members["members"][1]["removed_at"].is_string());
        let diff = book.ran("diff", 0, self.lead.user_runs(&["diff"]));
        assert!(!diff["secrets"][0]["flags"].as_array().unwrap().is_empty());
        book.ran("error", 4, self.newdev.user_runs(&["pull"]));
        // Who was removed is told why nothing is verified any more.
        for (name, words) in [
            ("diff", &["diff"][..]),
            ("status", &["status"]),
            ("team_members", &["team", "members"]),
        ] {
            let said = book.ran(name, 0, self.newdev.user_runs(words));
            assert_eq!(said["fault"]["code"], "unknown_caller", "{said}");
        }
    }
}

/// Leaves what a crash leaves of a record that was not finished.
fn half_a_record(log: &Path) {
    let entries = fs::read_dir(log)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let segments = entries.filter(|path| path.extension().is_some_and(|kind| kind == "jsonl"));
    let newest = segments.max().unwrap();
    let mut newest = fs::OpenOptions::new().append(true).open(newest).unwrap();
    newest.write_all(b"{\"seq\":").unwrap();
}
