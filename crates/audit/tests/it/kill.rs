//! A08: the process is killed, and nothing that it acknowledged is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

use withheld_audit::read::{Entry, Filter, records};
use withheld_audit::{Act, Durability, Log, Outcome, OwnerAct, Paper, verify_folder};
use withheld_core::Moment;
use withheld_core::name::RequestId;
use withheld_testkit::Temp;

use crate::common::{Hands, NOON_MS, Vault, delivered, open, permit, who};

/// Names the folder to the process that is to be killed.
const FOLDER: &str = "WITHHELD_TEST_KILL_FOLDER";
const ROUNDS: u64 = 100;
/// Rounds that share a folder.
const ROUNDS_A_FOLDER: u64 = 5;
const THREADS: u64 = 2;
/// Each look at the clock: so that segments end, and more than one is open in a round.
const STEP_MS: i64 = 120_000;

#[test]
fn a08_nothing_acknowledged_is_lost_to_a_kill() {
    let mut temp = Temp::new();
    let mut told = Told::default();
    for round in 0..ROUNDS {
        if round.is_multiple_of(ROUNDS_A_FOLDER) {
            temp = Temp::new();
            told = Told::default();
        }
        let folder = temp.path().join("audit");
        told.of_a_life(&folder, round, random(250));
        check(&folder, &told);
    }
}

/// What the process said it had done, before it was killed.
#[derive(Default)]
struct Told {
    intents: BTreeSet<RequestId>,
    outcomes: BTreeSet<RequestId>,
    acts: usize,
}

impl Told {
    /// Lets a process live until it has said so many things.
    fn of_a_life(&mut self, folder: &Path, round: u64, sayings: usize) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::the_process_that_is_killed", "--nocapture"])
            .env(FOLDER, format!("{round} {}", folder.display()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let mut heard = 0;
        for line in said.lines() {
            let line = line.unwrap();
            if self.hear(&line) {
                if heard == sayings {
                    child.kill().unwrap();
                }
                heard += 1;
            }
        }
        assert!(!child.wait().unwrap().success());
        assert!(heard > sayings, "it ended by itself");
    }

    fn hear(&mut self, line: &str) -> bool {
        let Some((what, request)) = line
            .strip_prefix("did ")
            .and_then(|line| line.split_once(' '))
        else {
            return false;
        };
        match what {
            "open" => {}
            "intent" => {
                self.intents.insert(RequestId::parse(request).unwrap());
            }
            "outcome" => {
                self.outcomes.insert(RequestId::parse(request).unwrap());
            }
            "act" => self.acts += 1,
            _ => return false,
        }
        true
    }
}

/// Opens what a killed process left, and looks for everything it had said.
fn check(folder: &Path, told: &Told) {
    let vault = Vault::new(true);
    let log = open(folder, &vault, &Hands::at(NOON_MS)).unwrap();
    log.shutdown();
    verify_folder(folder, Some(&vault.public()), None).unwrap();
    let shown = records(folder, &Filter::default()).unwrap();
    let mut outcomes = BTreeMap::new();
    let mut acts = 0;
    for record in shown {
        match record.entry {
            Entry::Request(record) => {
                outcomes.insert(record.request, record.outcome);
            }
            Entry::Owner(_) => acts += 1,
            _ => {}
        }
    }
    for intent in &told.intents {
        assert!(
            outcomes.contains_key(intent),
            "the intent of {intent} is lost"
        );
    }
    for outcome in &told.outcomes {
        assert_eq!(
            outcomes.get(outcome),
            Some(&Outcome::Delivered),
            "of {outcome}"
        );
    }
    for (request, outcome) in &outcomes {
        let expected = if *outcome == Outcome::Delivered {
            Outcome::Delivered
        } else {
            Outcome::UnknownOutcome
        };
        assert_eq!(*outcome, expected, "of {request}");
    }
    assert!(acts >= told.acts, "an act of the owner is lost");
}

/// Not a test of its own: what [`a08_nothing_acknowledged_is_lost_to_a_kill`] starts and kills.
#[test]
fn the_process_that_is_killed() {
    let Some(work) = std::env::var_os(FOLDER) else {
        return;
    };
    let work = work.into_string().unwrap();
    let (round, folder) = work.split_once(' ').unwrap();
    live(round.parse().unwrap(), &PathBuf::from(folder));
}

fn live(round: u64, folder: &Path) -> ! {
    let vault = Vault::new(true);
    let now = AtomicI64::new(NOON_MS);
    let clock = Arc::new(move || Moment::from_ms(now.fetch_add(STEP_MS, Ordering::SeqCst)));
    let key = vault.public();
    let log = Log::open(folder, vault, Durability::Process, clock, Some(&key), None).unwrap();
    say("open", "-");
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let log = &log;
            scope.spawn(move || {
                for number in 0.. {
                    call(log, (round * THREADS + thread) << 32 | number);
                }
            });
        }
    });
    unreachable!("killed before")
}

fn call(log: &Log, number: u64) {
    let (receipt, closing) = log
        .intend(&who(), Paper::Permit(&permit(number)), &[7])
        .unwrap();
    let request = receipt.request().to_string();
    say("intent", &request);
    receipt.spend();
    closing.close(delivered()).unwrap();
    say("outcome", &request);
    if number.is_multiple_of(16) {
        log.owner(OwnerAct::of(Act::Lock)).unwrap();
        say("act", "-");
    }
}

/// One write, so that a line is whole or not there.
fn say(what: &str, request: &str) {
    let line = format!("did {what} {request}\n");
    // The listener may have stopped listening: then this process is about to be killed.
    let _ = std::io::stdout().lock().write_all(line.as_bytes());
}

fn random(below: usize) -> usize {
    let mut bytes = [0; 2];
    getrandom::fill(&mut bytes).unwrap();
    usize::from(u16::from_ne_bytes(bytes)) % below
}
