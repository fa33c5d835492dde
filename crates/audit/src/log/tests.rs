//! The log against a real folder, a clock that is turned by hand and a disk that can fail.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::sync::{Mutex, mpsc};
use std::thread;

use withheld_testkit::Temp;

use super::*;
use crate::common::{
    Elsewhere, Hands, NOON_MS, Vault, delivered, open, open_with_copy, pass, permit, refused,
    request, who,
};
use crate::read::{self, Entry, Filter, Shown};
use crate::record::{Act, Closed, Outcome};
use crate::verify::verify_folder;

/// A folder, a vault and a clock.
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

    /// With a disk whose syncs fail while `broken` says so.
    fn open_on(&self, broken: &Arc<AtomicBool>, durability: Durability) -> Log {
        let broken = Arc::clone(broken);
        let setting = Setting {
            folder: self.folder(),
            sealer: Arc::clone(&self.vault) as Arc<dyn Sealer>,
            clock: self.hands.clock(),
            sync: Arc::new(move |file| {
                if broken.load(Ordering::SeqCst) {
                    return Err(io::Error::other("the disk said no"));
                }
                file.sync_data()
            }),
            rest: Duration::ZERO,
        };
        Log::open_with(setting, durability, Some(&self.vault.public()), None).unwrap()
    }

    fn verify(&self) -> Result<crate::Report, Refusal> {
        verify_folder(&self.folder(), Some(&self.vault.public()), None)
    }

    fn records(&self) -> Vec<Shown> {
        read::records(&self.folder(), &Filter::default()).unwrap()
    }

    /// The requests, with how they ended.
    fn outcomes(&self) -> Vec<(RequestId, Outcome)> {
        self.records()
            .into_iter()
            .filter_map(|shown| match shown.entry {
                Entry::Request(record) => Some((record.request, record.outcome)),
                _ => None,
            })
            .collect()
    }

    /// The folder as the death of the process at this moment would leave it.
    fn as_if_killed(&self) -> Self {
        let house = Self::new();
        fs::create_dir(house.folder()).unwrap();
        // The anchor first: the log goes on meanwhile, and its anchor is never ahead of its records.
        let anchor = self.folder().join("anchor");
        if anchor.exists() {
            fs::copy(anchor, house.folder().join("anchor")).unwrap();
        }
        for number in (1..).take_while(|number| self.segment(*number).exists()) {
            fs::copy(self.segment(number), house.segment(number)).unwrap();
        }
        house
    }

    fn segment(&self, number: u64) -> PathBuf {
        self.folder().join(format!("{number:08}.jsonl"))
    }
}

fn owner_act() -> OwnerAct {
    OwnerAct::of(Act::Lock)
}

#[test]
fn the_written_form_of_a_request() {
    let house = House::new();
    let log = house.open();
    let (receipt, closing) = log.intend(&who(), Paper::Permit(&permit(1)), &[7]).unwrap();
    receipt.spend();
    house.hands.turn(245);
    closing.close(delivered()).unwrap();
    let file = fs::read_to_string(house.segment(1)).unwrap();
    let lines: Vec<_> = file
        .lines()
        .filter(|line| line.contains(r#""kind":"request""#))
        .map(|line| line.split_once(r#","prev":"#).unwrap().0)
        .map(|line| line.split_once(',').unwrap().1)
        .collect();
    assert_eq!(
        lines,
        [
            r#""request":"q_AAAAAAAAAAAAAAAAAAAAAQ","at":"2026-11-24T17:00:00.123Z","kind":"request","agent":"claude","session":"s_AQEBAQEBAQEB","environment":"default/dev","secrets":["STRIPE_KEY"],"method":"GET","scheme":"https","host":"api.test","port":443,"path":"/v1/balance","status":null,"outcome":"intended","refusal":null,"ms":null,"bytes_up":null,"bytes_down":null,"redactions":null,"versions":[7]"#,
            r#""request":"q_AAAAAAAAAAAAAAAAAAAAAQ","at":"2026-11-24T17:00:00.368Z","kind":"request","agent":"claude","session":"s_AQEBAQEBAQEB","environment":"default/dev","secrets":["STRIPE_KEY"],"method":"GET","scheme":"https","host":"api.test","port":443,"path":"/v1/balance","status":200,"outcome":"delivered","refusal":null,"ms":245,"bytes_up":3,"bytes_down":412,"redactions":1,"versions":[7]"#,
        ]
    );
}

#[test]
fn whatever_happens_to_the_papers_a_request_has_one_outcome() {
    let house = House::new();
    let log = house.open();
    let papers = |number| log.intend(&who(), Paper::Pass(&pass(number)), &[]).unwrap();

    let (receipt, closing) = papers(1);
    assert_eq!(
        (receipt.request(), closing.request()),
        (request(1), request(1))
    );
    drop((receipt, closing));

    let (receipt, closing) = papers(2);
    drop(receipt);
    let failed = Closed {
        outcome: Outcome::UpstreamFailed,
        refusal: Some(Code::UpstreamUnreachable),
        ..delivered()
    };
    closing.close(failed).unwrap();

    let (receipt, closing) = papers(3);
    receipt.spend();
    drop(closing);

    let (receipt, closing) = papers(4);
    drop(closing);
    receipt.spend();

    let (receipt, closing) = papers(5);
    closing.close(delivered()).unwrap();
    receipt.spend();

    let (receipt, closing) = papers(6);
    receipt.spend();
    closing.close(failed).unwrap();

    assert_eq!(
        house.outcomes(),
        [
            (request(1), Outcome::NotSent),
            (request(2), Outcome::NotSent),
            (request(3), Outcome::UnknownOutcome),
            (request(4), Outcome::UnknownOutcome),
            (request(5), Outcome::UnknownOutcome),
            (request(6), Outcome::UpstreamFailed),
        ]
    );
    let Entry::Request(second) = &house.records()[1].entry else {
        panic!("a request");
    };
    assert_eq!(
        (second.status, second.refusal),
        (None, Some(Code::UpstreamUnreachable))
    );
}

#[test]
fn a_clean_end_leaves_nothing_to_resume() {
    let house = House::new();
    for _ in 0..3 {
        let log = house.open();
        log.owner(owner_act()).unwrap();
        log.shutdown();
        assert_eq!(
            log.owner(owner_act()).unwrap_err().code,
            Code::AuditUnavailable
        );
    }
    let report = house.verify().unwrap();
    assert_eq!(report.sealed, report.head.seq);
    assert!(report.uncertified.is_empty());
    let kinds: Vec<_> = house
        .records()
        .into_iter()
        .map(|shown| shown.entry)
        .collect();
    assert_eq!(kinds.len(), 3, "{kinds:?}");
    assert!(kinds.iter().all(|entry| matches!(entry, Entry::Owner(_))));
}

#[test]
fn a08_a_start_after_a_crash_tells_what_nobody_saw_end() {
    let house = House::new();
    let log = house.open();
    let (receipt, closing) = log.intend(&who(), Paper::Permit(&permit(1)), &[7]).unwrap();
    let done = log.intend(&who(), Paper::Permit(&permit(2)), &[7]).unwrap();
    done.0.spend();
    done.1.close(delivered()).unwrap();

    let found = house.as_if_killed();
    // A record that the crash cut short.
    let mut file = fs::read(found.segment(1)).unwrap();
    let after = file.iter().filter(|byte| **byte == b'\n').count() as u64;
    file.extend_from_slice(br#"{"seq":9,"#);
    fs::write(found.segment(1), file).unwrap();
    let log = found.open();
    let resumed: Vec<_> = found
        .records()
        .into_iter()
        .filter_map(|shown| match shown.entry {
            Entry::Resumed(record) => Some((record.after, record.cut_bytes)),
            _ => None,
        })
        .collect();
    assert_eq!(resumed, [(after, 9)]);
    assert_eq!(
        found.outcomes(),
        [
            (request(2), Outcome::Delivered),
            (request(1), Outcome::UnknownOutcome)
        ]
    );
    log.shutdown();
    found.verify().unwrap();
    drop((receipt, closing));
}

#[test]
fn an_open_request_is_found_however_many_segments_ago_it_began() {
    let house = House::new();
    let log = house.open();
    let papers = log.intend(&who(), Paper::Permit(&permit(1)), &[7]).unwrap();
    for _ in 0..3 {
        house.hands.turn(24 * 60 * 60 * 1000);
        log.owner(owner_act()).unwrap();
    }
    log.raise_policy_counter(1).unwrap();
    assert!(house.segment(4).exists());
    assert_eq!(log.anchor().unwrap().from, 1);
    let found = house.as_if_killed();
    found.open().shutdown();
    assert_eq!(found.outcomes(), [(request(1), Outcome::UnknownOutcome)]);
    drop(papers);
    // Answered, it no longer holds the next start back.
    log.raise_policy_counter(2).unwrap();
    assert_eq!(log.anchor().unwrap().from, 4);
}

#[test]
fn a_segment_ends_with_its_day_and_its_key_with_it() {
    let house = House::new();
    let log = house.open();
    log.owner(owner_act()).unwrap();
    assert_eq!(house.vault.keys.load(Ordering::SeqCst), 1);
    house.hands.turn(24 * 60 * 60 * 1000);
    log.owner(owner_act()).unwrap();
    assert_eq!(house.vault.keys.load(Ordering::SeqCst), 1);
    log.shutdown();
    assert_eq!(house.vault.keys.load(Ordering::SeqCst), 0);
    assert!(house.segment(2).exists());
    house.verify().unwrap();
}

#[test]
fn a_segment_ends_with_its_records() {
    let house = House::new();
    let log = house.open();
    for _ in 0..=segment::MAX_RECORDS {
        log.tunnel(&who(), &Host::parse("api.test").unwrap(), 443, None)
            .unwrap();
    }
    log.shutdown();
    assert!(house.segment(2).exists());
    assert!(!house.segment(3).exists());
    let first = fs::read(house.segment(1)).unwrap();
    let records = first.iter().filter(|byte| **byte == b'\n').count() as u64;
    // The last one is the seal over the others.
    assert!(
        (segment::MAX_RECORDS..=segment::MAX_RECORDS + 1).contains(&records),
        "{records}"
    );
    house.verify().unwrap();
}

#[test]
fn a_locked_vault_certifies_later() {
    let house = House::new();
    house.vault.open.store(false, Ordering::SeqCst);
    let log = house.open();
    log.shutdown();
    let log = house.open();
    assert_eq!(house.verify().unwrap().uncertified, [1, 2]);
    log.certify().unwrap();
    assert_eq!(house.verify().unwrap().uncertified, [1, 2]);
    house.vault.open.store(true, Ordering::SeqCst);
    log.certify().unwrap();
    assert!(house.verify().unwrap().uncertified.is_empty());
    log.shutdown();
    assert_eq!(Anchored::of(&house.folder()).unwrap().unwrap().from, 2);
    house.open().shutdown();
    house.verify().unwrap();
}

#[test]
fn a07_a_sync_that_fails_is_not_tried_again_on_that_file() {
    let house = House::new();
    let broken = Arc::new(AtomicBool::new(false));
    let log = house.open_on(&broken, Durability::Process);
    log.owner(owner_act()).unwrap();
    log.raise_policy_counter(1).unwrap();
    let anchored = Anchored::of(&house.folder()).unwrap().unwrap();

    broken.store(true, Ordering::SeqCst);
    assert_eq!(
        log.owner(owner_act()).unwrap_err().code,
        Code::AuditUnavailable
    );
    assert_eq!(
        log.raise_policy_counter(2).unwrap_err().code,
        Code::AuditUnavailable
    );
    let refused = log.intend(&who(), Paper::Permit(&permit(1)), &[7]);
    assert_eq!(refused.err().unwrap().code, Code::AuditUnavailable);
    assert_eq!(Anchored::of(&house.folder()).unwrap().unwrap(), anchored);
    assert!(!house.segment(2).exists());

    let before = fs::metadata(house.segment(1)).unwrap();
    broken.store(false, Ordering::SeqCst);
    log.owner(owner_act()).unwrap();
    assert!(house.segment(2).exists());
    let after = fs::metadata(house.segment(1)).unwrap();
    assert_ne!(
        std::os::unix::fs::MetadataExt::ino(&before),
        std::os::unix::fs::MetadataExt::ino(&after)
    );
    log.shutdown();
    house.verify().unwrap();
    // The act whose sync failed is told too: it was in the file before the disk said no.
    assert_eq!(house.records().len(), 3);
}

#[test]
fn an_outcome_that_could_not_be_written_is_owed() {
    let house = House::new();
    let broken = Arc::new(AtomicBool::new(false));
    let log = house.open_on(&broken, Durability::Process);
    let papers = |number| {
        log.intend(&who(), Paper::Permit(&permit(number)), &[7])
            .unwrap()
    };
    let (first, second) = (papers(1), papers(2));
    broken.store(true, Ordering::SeqCst);
    log.owner(owner_act()).unwrap_err();
    first.0.spend();
    assert_eq!(
        first.1.close(delivered()).unwrap_err().code,
        Code::AuditUnavailable
    );
    drop(second);
    broken.store(false, Ordering::SeqCst);
    log.owner(owner_act()).unwrap();
    let mut outcomes = house.outcomes();
    outcomes.sort_by_key(|(request, _)| *request);
    assert_eq!(
        outcomes,
        [
            (request(1), Outcome::UnknownOutcome),
            (request(2), Outcome::NotSent)
        ]
    );
}

#[test]
fn power_waits_for_the_disk() {
    let house = House::new();
    let broken = Arc::new(AtomicBool::new(false));
    let log = house.open_on(&broken, Durability::Power);
    let papers = log.intend(&who(), Paper::Permit(&permit(1)), &[7]).unwrap();
    let (head, synced) = {
        let writer = log.0.shared.lock();
        (writer.head.seq, writer.synced)
    };
    assert_eq!(head, synced);
    drop(papers);
    broken.store(true, Ordering::SeqCst);
    let refused = log.intend(&who(), Paper::Permit(&permit(2)), &[7]);
    assert_eq!(refused.err().unwrap().code, Code::AuditUnavailable);
    broken.store(false, Ordering::SeqCst);
    log.owner(owner_act()).unwrap();
    assert!(house.outcomes().contains(&(request(2), Outcome::NotSent)));
}

#[test]
fn a_task_waits_without_its_thread() {
    struct Bell(Mutex<u64>, std::sync::Condvar);
    impl std::task::Wake for Bell {
        fn wake(self: Arc<Self>) {
            *self.0.lock().unwrap() += 1;
            self.1.notify_one();
        }
    }
    let house = House::new();
    let log = house.open_on(&Arc::default(), Durability::Power);
    let bell = Arc::new(Bell(Mutex::new(0), std::sync::Condvar::new()));
    let (who, permit) = (who(), permit(1));
    let mut intent = Box::pin(log.intend_async(&who, Paper::Permit(&permit), &[7]));
    let waker = Arc::clone(&bell).into();
    let mut task = std::task::Context::from_waker(&waker);
    let mut heard = 0;
    let papers = loop {
        if let Poll::Ready(papers) = intent.as_mut().poll(&mut task) {
            break papers;
        }
        let mut rings = bell.0.lock().unwrap();
        while *rings == heard {
            rings = bell.1.wait(rings).unwrap();
        }
        heard = *rings;
    };
    assert_eq!(papers.unwrap().0.request(), request(1));
}

#[test]
fn refusals_of_a_minute_are_one_record() {
    let house = House::new();
    let log = house.open();
    let refuse = |number| {
        let refused = refused(number, "https://evil.test/leak?x=1", None);
        log.refused(&who(), &refused).unwrap();
    };
    (1..=5).for_each(refuse);
    log.refused_unread(&who(), request(6), Code::AmbiguousRequest, None)
        .unwrap();
    house.hands.turn(60_000);
    refuse(7);
    log.settle();
    let told: Vec<_> = house
        .records()
        .into_iter()
        .filter_map(|shown| match shown.entry {
            Entry::Request(record) => Some((
                record.request,
                record.refusal.unwrap(),
                record.count.unwrap(),
                record.path.to_string(),
            )),
            _ => None,
        })
        .collect();
    let hidden = || "*".to_owned();
    assert_eq!(
        told,
        [
            (request(6), Code::AmbiguousRequest, 1, hidden()),
            (request(1), Code::HostDenied, 5, hidden()),
            (request(7), Code::HostDenied, 1, hidden()),
        ]
    );
}

#[test]
fn a_refused_path_is_shown_where_a_binding_matched() {
    let house = House::new();
    let log = house.open();
    let refused = refused(1, "https://api.test/v1/balance", Some("NEVER_BOUND"));
    log.refused(&who(), &refused).unwrap();
    let records = house.records();
    let Entry::Request(record) = &records[0].entry else {
        panic!("a request");
    };
    assert_eq!(record.outcome, Outcome::Refused);
    assert_eq!(record.path.as_str(), "/v1/balance");
}

#[test]
fn the_policy_counter_is_in_the_anchor_and_only_rises() {
    let house = House::new();
    let log = house.open();
    assert_eq!(log.policy_counter(), 0);
    log.raise_policy_counter(4).unwrap();
    log.raise_policy_counter(3).unwrap();
    assert_eq!(Anchored::of(&house.folder()).unwrap().unwrap().policy, 4);
    log.shutdown();
    assert_eq!(house.open().policy_counter(), 4);
}

#[test]
fn a04_an_end_that_was_taken_away_stops_the_start() {
    let house = House::new();
    let copy = Arc::new(Elsewhere::default());
    let open = |house: &House| {
        let copy = Arc::clone(&copy) as Arc<dyn Anchor>;
        open_with_copy(&house.folder(), &house.vault, &house.hands, Some(copy))
    };
    let log = open(&house).unwrap();
    log.owner(owner_act()).unwrap();
    log.shutdown();
    let kept = copy.0.lock().unwrap().unwrap();
    assert_eq!(Some(kept), Anchored::of(&house.folder()).unwrap());

    let shortened = house.as_if_killed();
    let whole = fs::read_to_string(shortened.segment(1)).unwrap();
    let mut lines: Vec<_> = whole.split_inclusive('\n').collect();
    lines.pop();
    fs::write(shortened.segment(1), lines.concat()).unwrap();
    let found = open(&shortened).err().unwrap();
    assert_eq!(found.code, Code::RollbackDetected);
    let named = format!(
        "from record {} on, in `audit/00000001.jsonl`",
        kept.head.seq
    );
    assert!(found.message.as_str().contains(&named), "{found}");

    // Begun anew, anchor and all: only the copy knows.
    let reset = House::new();
    assert_eq!(open(&reset).err().unwrap().code, Code::RollbackDetected);
    *copy.0.lock().unwrap() = None;
    let log = open(&reset).unwrap();
    log.owner(owner_act()).unwrap();
    *copy.0.lock().unwrap() = Some(kept);
    let late = log.certify().err().unwrap();
    assert!(
        matches!(late.code, Code::LogBroken | Code::RollbackDetected),
        "{late}"
    );
}

#[test]
fn a06_a_clock_set_back_is_told() {
    let house = House::new();
    let log = house.open();
    log.owner(owner_act()).unwrap();
    house.hands.turn(-3_600_000);
    log.owner(owner_act()).unwrap();
    log.shutdown();
    let report = house.verify().unwrap();
    let second = house.records()[1].seq;
    // The seal between the two may have met the new time first.
    assert!(
        report
            .clock_back
            .is_some_and(|seq| (second - 1..=second).contains(&seq))
    );
}

#[test]
fn a_copy_that_cannot_be_put_is_tried_again() {
    struct Stubborn(mpsc::Sender<()>, AtomicBool, Elsewhere);
    impl Anchor for Stubborn {
        fn load(&self) -> Option<Anchored> {
            self.2.load()
        }
        fn store(&self, anchored: &Anchored) -> bool {
            self.0.send(()).unwrap();
            self.1.swap(true, Ordering::SeqCst) && self.2.store(anchored)
        }
    }
    let house = House::new();
    let (tried, tries) = mpsc::channel();
    let copy = Arc::new(Stubborn(
        tried,
        AtomicBool::new(false),
        Elsewhere::default(),
    ));
    let place = Arc::clone(&copy) as Arc<dyn Anchor>;
    let log = open_with_copy(&house.folder(), &house.vault, &house.hands, Some(place)).unwrap();
    tries.recv().unwrap();
    log.shutdown();
    assert_eq!(copy.2.load(), Anchored::of(&house.folder()).unwrap());
}

#[test]
fn dates_rise_as_the_numbers_do_whoever_writes() {
    let house = House::new();
    let now = AtomicI64::new(NOON_MS);
    // Every look at the clock is a minute later, so segments end and counts run out too.
    let clock = Arc::new(move || Moment::from_ms(now.fetch_add(60_000, Ordering::SeqCst)));
    let sealer = Arc::clone(&house.vault) as Arc<dyn Sealer>;
    let process = Durability::Process;
    let log = Log::open(&house.folder(), sealer, process, clock, None, None).unwrap();
    thread::scope(|scope| {
        for writer in 0..4 {
            let log = &log;
            scope.spawn(move || {
                for number in 0..500 {
                    let number = writer << 32 | number;
                    let (receipt, closing) = log
                        .intend(&who(), Paper::Permit(&permit(number)), &[7])
                        .unwrap();
                    receipt.spend();
                    closing.close(delivered()).unwrap();
                    log.refused(
                        &who(),
                        &refused(number | 1 << 16, "https://evil.test/", None),
                    )
                    .unwrap();
                }
            });
        }
    });
    log.shutdown();
    let report = house.verify().unwrap();
    assert_eq!(report.clock_back, None);
    assert!(report.segments > 1);
}

/// A log whose anchor stands before its last records, as a power cut leaves it.
fn behind_the_anchor() -> (House, Anchored) {
    let house = House::new();
    let log = house.open();
    log.raise_policy_counter(1).unwrap();
    let anchor = house.folder().join("anchor");
    let before = fs::read(&anchor).unwrap();
    for number in 1..=3 {
        drop(
            log.intend(&who(), Paper::Permit(&permit(number)), &[7])
                .unwrap(),
        );
    }
    log.shutdown();
    fs::write(&anchor, &before).unwrap();
    (house, Anchored::from_bytes(&before).unwrap())
}

#[test]
fn behind_the_anchor_a_hole_is_cut_and_a_change_is_an_alarm() {
    let (house, anchored) = behind_the_anchor();
    let sound = fs::read(house.segment(1)).unwrap();
    let mut lines: Vec<_> = sound
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let at = usize::try_from(anchored.head.seq).unwrap() + 2;
    let hole = lines[at].len();
    lines[at][..hole - 1].fill(0);
    let cut: usize = lines[at..].iter().map(Vec::len).sum();
    fs::write(house.segment(1), lines.concat()).unwrap();
    house.open().shutdown();
    house.verify().unwrap();
    let resumed = house
        .records()
        .into_iter()
        .find_map(|shown| match shown.entry {
            Entry::Resumed(record) => Some((record.after, record.cut_bytes)),
            _ => None,
        });
    assert_eq!(resumed, Some((at as u64, cut as u64)));

    let (house, anchored) = behind_the_anchor();
    let changed = fs::read_to_string(house.segment(1))
        .unwrap()
        .replacen("api.test", "api.tesu", 1);
    fs::write(house.segment(1), changed).unwrap();
    let refusal = open(&house.folder(), &house.vault, &house.hands)
        .err()
        .unwrap();
    assert_eq!(refusal.code, Code::LogBroken);
    let named = format!(
        "from record {} on, in `audit/00000001.jsonl`",
        anchored.head.seq + 1
    );
    assert!(refusal.message.as_str().contains(&named), "{refusal}");

    // Before the anchor nothing is cut: it was on disk.
    let (house, anchored) = behind_the_anchor();
    let mut sound = fs::read(house.segment(1)).unwrap();
    let first = sound.iter().position(|byte| *byte == b'\n').unwrap();
    assert!(anchored.head.seq > 1);
    sound[first + 1..first + 20].fill(0);
    fs::write(house.segment(1), sound).unwrap();
    let refusal = open(&house.folder(), &house.vault, &house.hands)
        .err()
        .unwrap();
    assert_eq!(refusal.code, Code::LogBroken);
}

#[test]
fn files_are_made_for_this_account_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let house = House::new();
    let log = house.open();
    log.raise_policy_counter(1).unwrap();
    let mode = |path: PathBuf| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(house.folder()), 0o700);
    for name in ["00000001.jsonl", "anchor", "reserve"] {
        assert_eq!(mode(house.folder().join(name)), 0o600, "{name}");
    }
}

#[test]
fn a_link_in_the_place_of_a_file_is_not_followed() {
    let house = House::new();
    house.open().shutdown();
    let elsewhere = house.temp.path().join("elsewhere");
    fs::rename(house.segment(1), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, house.segment(1)).unwrap();
    assert_eq!(house.verify().unwrap_err().code, Code::StoreUnavailable);
    let refusal = open(&house.folder(), &house.vault, &house.hands)
        .err()
        .unwrap();
    assert_eq!(refusal.code, Code::StoreUnavailable);
}
