//! What a reader is shown of a log that is being written.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use withheld_testkit::Temp;

use super::*;
use crate::common::{Hands, NOON_MS, Vault, delivered, open, pass, permit, refused, who};
use crate::log::Log;
use crate::paper::Paper;
use crate::record::{Act, OwnerAct, SessionAct, Who};

struct House {
    temp: Temp,
    vault: Arc<Vault>,
    hands: Hands,
}

impl House {
    fn new() -> Self {
        Self {
            temp: Temp::new(),
            vault: Vault::new(true),
            hands: Hands::at(NOON_MS),
        }
    }

    fn folder(&self) -> PathBuf {
        self.temp.path().join("audit")
    }

    fn open(&self) -> Log {
        open(&self.folder(), &self.vault, &self.hands).unwrap()
    }

    fn found(&self, filter: &Filter) -> Vec<String> {
        let records = records(&self.folder(), filter).unwrap();
        records.iter().map(|shown| told(&shown.entry)).collect()
    }
}

/// A record in a few words.
fn told(entry: &Entry) -> String {
    match entry {
        Entry::Request(record) => {
            let number = record.request.as_bytes()[15];
            let outcome = serde_json::to_value(record.outcome).unwrap();
            format!("{number} {}", outcome.as_str().unwrap())
        }
        Entry::Tunnel(record) => format!("tunnel {}", record.host),
        Entry::Session(_) => "session".to_owned(),
        Entry::Sync(_) => "sync".to_owned(),
        Entry::Owner(record) => serde_json::to_value(record.act)
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned(),
        Entry::Resumed(_) => "resumed".to_owned(),
    }
}

fn other() -> Who {
    Who {
        agent: AgentId::parse("codex").unwrap(),
        session: SessionId::from_bytes([2; 9]),
        ..who()
    }
}

fn secret() -> SecretName {
    SecretName::parse("STRIPE_KEY").unwrap()
}

fn host(name: &str) -> Host {
    Host::parse(name).unwrap()
}

/// A session, a call of each agent, a refusal, a tunnel, a call that goes on, and a binding.
fn lived_in(house: &House) -> (Log, (crate::Receipt, crate::Closing)) {
    let log = house.open();
    log.session(&who(), SessionAct::Started).unwrap();
    for (number, who) in [(1, who()), (2, other())] {
        let (receipt, closing) = log
            .intend(&who, Paper::Permit(&permit(number)), &[7])
            .unwrap();
        receipt.spend();
        closing.close(delivered()).unwrap();
    }
    house.hands.turn(1000);
    log.refused(&who(), &refused(3, "https://evil.test/", None))
        .unwrap();
    log.tunnel(&other(), &host("open.test"), 443, None).unwrap();
    let open = log.intend(&other(), Paper::Pass(&pass(4)), &[]).unwrap();
    let bind = OwnerAct {
        secrets: vec![secret()],
        hosts: vec![withheld_core::destination::HostPattern::parse("*.api.test").unwrap()],
        ..OwnerAct::of(Act::Bind)
    };
    log.owner(bind).unwrap();
    (log, open)
}

#[test]
fn a_request_is_shown_as_one_record_and_filters_narrow() {
    let house = House::new();
    let (_log, _open) = lived_in(&house);
    let all = [
        "session",
        "1 delivered",
        "2 delivered",
        "3 refused",
        "tunnel open.test",
        "4 intended",
        "bind",
    ];
    assert_eq!(house.found(&Filter::default()), all);
    let by = |filter: Filter| house.found(&filter);
    assert_eq!(
        by(Filter {
            agent: Some(other().agent),
            ..Filter::default()
        }),
        ["2 delivered", "tunnel open.test", "4 intended"]
    );
    assert_eq!(
        by(Filter {
            session: Some(who().session),
            ..Filter::default()
        }),
        ["session", "1 delivered", "3 refused"]
    );
    assert_eq!(
        by(Filter {
            secret: Some(secret()),
            ..Filter::default()
        }),
        ["1 delivered", "2 delivered", "bind"]
    );
    assert_eq!(
        by(Filter {
            host: Some(host("open.test")),
            ..Filter::default()
        }),
        ["tunnel open.test", "4 intended"]
    );
    assert_eq!(
        by(Filter {
            host: Some(host("eu.api.test")),
            ..Filter::default()
        }),
        ["bind"]
    );
    assert_eq!(
        by(Filter {
            without_owner: true,
            ..Filter::default()
        }),
        all[..all.len() - 1]
    );
    assert_eq!(
        by(Filter {
            denied: true,
            ..Filter::default()
        }),
        ["3 refused"]
    );
    assert_eq!(
        by(Filter {
            since: Some(Moment::from_ms(NOON_MS + 1)),
            ..Filter::default()
        }),
        all[3..]
    );
    assert_eq!(
        by(Filter {
            last: Some(2),
            ..Filter::default()
        }),
        ["4 intended", "bind"]
    );
    assert!(
        by(Filter {
            last: Some(0),
            ..Filter::default()
        })
        .is_empty()
    );
}

#[test]
fn what_is_shown_is_what_was_written_without_the_chain() {
    let house = House::new();
    let (log, _open) = lived_in(&house);
    log.shutdown();
    let file = fs::read_to_string(house.folder().join("00000001.jsonl")).unwrap();
    let shown = records(&house.folder(), &Filter::default()).unwrap();
    assert_eq!(shown.len(), 7);
    for record in shown {
        let written = serde_json::to_string(&record).unwrap();
        let line = format!("{},\"prev\":", written.strip_suffix('}').unwrap());
        assert_eq!(file.matches(&line).count(), 1, "{line}");
    }
}

#[test]
fn half_a_record_is_not_there_yet() {
    let house = House::new();
    let (log, _open) = lived_in(&house);
    log.shutdown();
    let before = house.found(&Filter::default());
    let mut file = OpenOptions::new()
        .append(true)
        .open(house.folder().join("00000001.jsonl"))
        .unwrap();
    file.write_all(br#"{"seq":99,"at":"2026-"#).unwrap();
    assert_eq!(house.found(&Filter::default()), before);
    let mut out = Vec::new();
    crate::export(&house.folder(), &mut out).unwrap();
    let whole = fs::read(house.folder().join("00000001.jsonl")).unwrap();
    assert_eq!(out, whole[..whole.len() - 21]);
}

#[test]
fn the_newest_are_found_over_several_segments() {
    let house = House::new();
    for number in 1..=3 {
        let log = house.open();
        let papers = log
            .intend(&who(), Paper::Permit(&permit(number)), &[7])
            .unwrap();
        drop(papers);
        log.owner(OwnerAct::of(Act::Lock)).unwrap();
        house.hands.turn(1000);
    }
    let all = [
        "1 not_sent",
        "lock",
        "2 not_sent",
        "lock",
        "3 not_sent",
        "lock",
    ];
    assert_eq!(house.found(&Filter::default()), all);
    assert_eq!(
        house.found(&Filter {
            last: Some(3),
            ..Filter::default()
        }),
        all[3..]
    );
    let since = Some(Moment::from_ms(NOON_MS + 1000));
    assert_eq!(
        house.found(&Filter {
            since,
            ..Filter::default()
        }),
        all[2..]
    );
}

#[test]
fn followers_see_each_record_once_and_whole() {
    let house = House::new();
    let (log, open) = lived_in(&house);
    let mut follow = Follow::from_end(&house.folder(), Filter::default()).unwrap();
    let news = |follow: &mut Follow| -> Vec<String> {
        let news = follow.poll().unwrap();
        news.iter().map(|shown| told(&shown.entry)).collect()
    };
    assert!(news(&mut follow).is_empty());
    drop(open);
    assert_eq!(news(&mut follow), ["4 not_sent"]);
    let papers = log.intend(&who(), Paper::Permit(&permit(5)), &[7]).unwrap();
    assert!(news(&mut follow).is_empty());
    // A new segment, with the end of what began in the old one.
    house.hands.turn(24 * 60 * 60 * 1000);
    log.owner(OwnerAct::of(Act::Lock)).unwrap();
    drop(papers);
    assert!(house.folder().join("00000002.jsonl").exists());
    assert_eq!(news(&mut follow), ["lock", "5 not_sent"]);
    log.refused(&who(), &refused(6, "https://evil.test/", None))
        .unwrap();
    assert_eq!(news(&mut follow), ["6 refused"]);
    log.refused(&who(), &refused(7, "https://evil.test/", None))
        .unwrap();
    assert!(news(&mut follow).is_empty());
    log.settle();
    assert_eq!(news(&mut follow), ["6 refused"]);
    let denied = Filter {
        denied: true,
        ..Filter::default()
    };
    let mut follow = Follow::from_end(&house.folder(), denied).unwrap();
    log.owner(OwnerAct::of(Act::Lock)).unwrap();
    assert!(news(&mut follow).is_empty());
}
