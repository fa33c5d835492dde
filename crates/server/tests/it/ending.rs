//! How a server ends: told to, or killed. What was acknowledged is there afterwards.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use withheld_server::{Asked, Config};
use withheld_team::api::{Blob, Bundle, Commits, Heads};
use withheld_team::links::Right;

use crate::client::Client;
use crate::content::{Env, of_commits};
use crate::running::Ground;
use crate::team::{Device, NOW, Team};

/// Clients that write at once, each an environment of its own.
const CLIENTS: u8 = 4;
/// Commits of all of them together.
const COMMITS: usize = 100;

/// One commit that the server said it had stored.
type Acknowledged = (Env, Blob);

/// A team with a device and an environment for each client.
fn crew(team: &mut Team) -> (Vec<(Device, Env)>, Vec<Bundle>) {
    let (mut writers, mut bundles) = (Vec::new(), Vec::new());
    for number in 0..CLIENTS {
        let device = Device::new(10 + number);
        let (env, mut made) = team.environment(100 + number);
        let admitted = team.admit(&device, &[(env.id, Right::Write)]);
        made.links.extend(admitted.links);
        made.links.push(Blob(team.epoch(&env.id)));
        bundles.push(made);
        writers.push((device, env));
    }
    (writers, bundles)
}

/// Writes until there are enough commits or the server is gone; `enough` is told after each.
fn write(
    client: &Client,
    team: &Team,
    (by, mut env): (Device, Env),
    enough: &(dyn Fn() -> bool + Sync),
) -> Vec<Acknowledged> {
    let mut stored = Vec::new();
    for at in 0_u64.. {
        let value = at.to_be_bytes();
        let number = u8::try_from(at % 50).unwrap();
        let parts = team.set(&mut env, &by, &[(number, &value)]);
        let body = serde_json::to_vec(&of_commits(vec![parts.clone()])).unwrap();
        let path = team.path("/links");
        let sent = std::panic::catch_unwind(|| client.signed(&by, "POST", &path, &body));
        // Gone, or going: nothing was promised of this one.
        let Ok(reply) = sent else { break };
        assert_eq!(reply.status, 200, "{reply:?}");
        stored.push((env.clone(), parts.commit));
        if enough() {
            break;
        }
    }
    stored
}

/// Lets all clients write until `end` is called by the one whose commit is the last that counts.
fn write_all(
    client: &Client,
    team: &Team,
    writers: Vec<(Device, Env)>,
    end: impl Fn() + Sync,
) -> Vec<Acknowledged> {
    let count = AtomicUsize::new(0);
    let enough = || {
        let so_far = count.fetch_add(1, Ordering::SeqCst) + 1;
        if so_far == COMMITS {
            end();
        }
        // The others write on: what is under way when the server ends is what this is about.
        so_far > 2 * COMMITS
    };
    let enough: &(dyn Fn() -> bool + Sync) = &enough;
    std::thread::scope(|scope| {
        let threads: Vec<_> = writers
            .into_iter()
            .map(|writer| scope.spawn(move || write(client, team, writer, enough)))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    })
}

/// Asserts that a server over this database has every commit that was acknowledged.
fn all_there(ground: &Ground, team: &Team, stored: &[Acknowledged]) {
    ground.is_sound();
    let running = ground.start();
    let heads: Heads = running.heads(team, &team.owner);
    assert!(stored.len() >= COMMITS, "{}", stored.len());
    for (env, commit) in stored {
        let seq = env.chain.head().seq;
        let head = heads.envs.iter().find(|head| head.env == env.id).unwrap();
        assert!(head.seq >= seq);
        let path = team.env_path(&env.id, &format!("/commits?from={seq}&limit=1"));
        // By the environment's writer: one device alone would be slowed down.
        let number = env.id.as_bytes()[0] - 100;
        let by = Device::new(10 + number);
        let commits: Commits = running.client().signed(&by, "GET", &path, b"").json();
        assert_eq!(commits.commits, std::slice::from_ref(commit));
    }
}

#[test]
fn told_to_stop_it_loses_nothing_acknowledged() {
    let ground = Ground::new();
    let (running, mut team) = ground.with_team(|_| ());
    let (writers, bundles) = crew(&mut team);
    for bundle in &bundles {
        running.append(&team, &team.owner, bundle);
    }
    let client = running.client();
    let running = std::sync::Mutex::new(running);
    let stored = write_all(&client, &team, writers, || {
        running.lock().unwrap().tell_to_stop()
    });
    running.into_inner().unwrap().stop();
    assert_eq!(ground.log().last().map(String::as_str), Some("stopped"));
    all_there(&ground, &team, &stored);
}

#[test]
fn killed_it_loses_nothing_acknowledged() {
    let ground = Ground::new();
    let (mut child, client) = spawn(&ground);
    let (mut team, founded) = Team::found(Device::new(1));
    assert_eq!(client.create(&ground.token(), &founded).status, 201);
    let (writers, bundles) = crew(&mut team);
    for bundle in &bundles {
        let body = serde_json::to_vec(bundle).unwrap();
        let reply = client.signed(&team.owner, "POST", &team.path("/links"), &body);
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    let process = std::sync::Mutex::new(&mut child);
    let stored = write_all(&client, &team, writers, || {
        process.lock().unwrap().kill().unwrap()
    });
    child.wait().unwrap();
    all_there(&ground, &team, &stored);
}

/// Names the database to the test that is the child of [`killed_it_loses_nothing_acknowledged`].
const CHILD: &str = "WITHHELD_TEST_SERVER_DATABASE";

/// This test binary again, as a server in a process of its own.
fn spawn(ground: &Ground) -> (Child, Client) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ending::as_a_child_it_serves", "--nocapture"])
        .env(CHILD, ground.database())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.map_while(Result::ok).find_map(|line| {
        let (_, address) = line.split_once("ready ")?;
        address.parse().ok()
    });
    (child, Client::new(ready.expect("a server")))
}

/// Serves until it is killed when it is such a child; of itself it has nothing to say.
#[test]
#[expect(clippy::print_stdout, reason = "how the child says where it listens")]
fn as_a_child_it_serves() {
    let Some(database) = std::env::var_os(CHILD) else {
        return;
    };
    let config = Config::read(&Asked {
        listen: Some("127.0.0.1:0".to_owned()),
        database: Some(format!("sqlite:{}", database.display())),
        ..Asked::default()
    });
    let log = Arc::new(|_: &str| ());
    let ready = |facts: &withheld_server::Facts| println!("\nready {}", facts.api);
    withheld_server::serve(&config.unwrap(), Arc::new(|| NOW), log, ready).unwrap();
}
