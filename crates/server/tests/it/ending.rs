//! How a server ends: told to, or killed. What was acknowledged is there afterwards.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use withheld_server::{Asked, Config};
use withheld_team::api::{Blob, Bundle, Commits, Heads};
use withheld_team::links::Right;

use crate::client::Client;
use crate::content::{Env, of_commits};
use crate::running::Ground;
use crate::team::{Device, NOW, Team};

/// Clients that write at once, each an environment of its own.
const CLIENTS: u8 = 4;
/// Commits of all of them together, after which the server ends.
const COMMITS: usize = 100;
/// The most that one of them writes: a fast one goes on while the server ends, and a slow one finds
/// enough to do. No more than a device may ask for at once, because the clock stands still.
const EACH: u64 = 50;

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

/// Writes its part, or until the server is gone; `done` is told after each.
fn write(
    client: &Client,
    team: &Team,
    (by, mut env): (Device, Env),
    is_ending: &AtomicBool,
    done: &(dyn Fn() + Sync),
) -> Vec<Acknowledged> {
    let mut stored = Vec::new();
    for at in 0..EACH {
        let value = at.to_be_bytes();
        let number = u8::try_from(at % 50).unwrap();
        let parts = team.set(&mut env, &by, &[(number, &value)]);
        let body = serde_json::to_vec(&of_commits(vec![parts.clone()])).unwrap();
        let path = team.path("/links");
        let sent = std::panic::catch_unwind(|| client.signed(&by, "POST", &path, &body));
        // Gone, or going: nothing was promised of this one.
        let Ok(reply) = sent else { break };
        if reply.status == 503 && is_ending.load(Ordering::SeqCst) {
            break;
        }
        assert_eq!(reply.status, 200, "{reply:?}");
        stored.push((env.clone(), parts.commit));
        done();
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
    let (count, is_ending) = (AtomicUsize::new(0), &AtomicBool::new(false));
    let done = || {
        // The others write on: what is under way when the server ends is what this is about.
        if count.fetch_add(1, Ordering::SeqCst) + 1 == COMMITS {
            is_ending.store(true, Ordering::SeqCst);
            end();
        }
    };
    let done: &(dyn Fn() + Sync) = &done;
    std::thread::scope(|scope| {
        let threads: Vec<_> = writers
            .into_iter()
            .map(|writer| scope.spawn(move || write(client, team, writer, is_ending, done)))
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
        process.lock().unwrap().0.kill().unwrap()
    });
    child.0.wait().unwrap();
    all_there(&ground, &team, &stored);
}

/// Names the database to the test that is the child of [`killed_it_loses_nothing_acknowledged`].
const CHILD: &str = "WITHHELD_TEST_SERVER_DATABASE";

/// A process that does not outlive the test, however that ends.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// This test binary again, as a server in a process of its own.
fn spawn(ground: &Ground) -> (Served, Client) {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ending::as_a_child_it_serves", "--nocapture"])
        .env(CHILD, ground.database())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut child = Served(child);
    let lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
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
    let log: withheld_server::Log = Arc::new(|_| ());
    let ready = |facts: &withheld_server::Facts| println!("\nready {}", facts.api);
    withheld_server::serve(&config.unwrap(), Arc::new(|| NOW), log, ready).unwrap();
}
