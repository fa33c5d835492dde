//! The attacks of the design that need somebody's key: a member whose keys the test holds signs what it
//! likes, the server shows it, and the built client is to refuse it by name and apply nothing of it. One
//! table names every attack; `docs/attacks.md` names the vectors and these rows.

/// Rows: number, name, verdict, the honest server, and the lie.
macro_rules! rows {
    ($($number:literal $name:literal $verdict:ident $server:ident $(($code:literal))? $lie:ident;)*) => {
        rows! { Member $($number $name $verdict $server $(($code))? $lie;)* }
    };
    ($to:ident $($number:literal $name:literal $verdict:ident $server:ident $(($code:literal))? $lie:ident;)*) => {
        &[$(super::Row {
            number: $number,
            name: $name,
            verdict: super::$verdict,
            server: super::Server::$server $(($code))?,
            lie: super::LieOf::$to($lie),
        }),*]
    };
}

mod contact;
mod environment;
mod invitations;
mod keys;
mod membership;
mod page;
mod stage;

use withheld_testkit::Reply;
use withheld_testkit::rogue::Shown;
use withheld_testkit::serde_json::json;

use super::liar::{FORK, INVALID, ROLLBACK, UNVERIFIED, seen_as};
use super::two::is;
use stage::Stage;

/// One attack.
struct Row {
    /// Its number in the design.
    number: u32,
    name: &'static str,
    /// What the client says: exit status and code.
    verdict: (i32, &'static str),
    /// What an honest server says to whoever sends it the same.
    server: Server,
    lie: LieOf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Server {
    /// It refuses that too, with this code.
    Refuses(&'static str),
    /// It takes it: only holders of the key can see what is wrong.
    Blind,
    /// It takes a server that lies: there is nothing to send to an honest one.
    Liar,
}

#[derive(Clone, Copy)]
enum LieOf {
    /// To a member who is in sync.
    Member(fn(&mut Stage) -> Lie),
    /// To somebody who has just been invited.
    Guest(fn(&contact::Guest) -> contact::Lie),
}

/// What is shown, and what the honest server said to it.
struct Lie {
    shown: Option<Shown>,
    reply: Option<Reply>,
    /// The version of the other secret that is good, and is to be taken all the same.
    beside: Option<u64>,
}

const TABLE: [&[Row]; 5] = [
    membership::ROWS,
    invitations::ROWS,
    environment::ROWS,
    keys::ROWS,
    contact::ROWS,
];

fn play(rows: &[Row]) {
    let Some(mut stage) = Stage::new() else {
        return;
    };
    for (at, row) in rows.iter().enumerate() {
        let LieOf::Member(lie) = row.lie else {
            panic!("{} is played elsewhere", row.number)
        };
        eprintln!("attack {}: {}", row.number, row.name);
        stage.still();
        let lie = lie(&mut stage);
        row.is_answered(lie.reply.as_ref());
        let tap = &stage.liar.two.post.tap;
        match lie.shown {
            Some(shown) => tap.script(move |exchange| shown.answer(exchange)),
            None => tap.honest(),
        }
        stage.liar.refuses(row.verdict, seen_as(row.verdict));
        if let Some(version) = lie.beside {
            let version = json!(version);
            let other = &stage.liar.two.newdev;
            is(other, "OTHER_KEY", "in-sync", version.clone(), version);
        }
        let next = stage.writes();
        stage.liar.two.post.tap.honest();
        stage.liar.goes_on(next);
        if at % 4 == 3 {
            // A server that was started again has forgotten how much it was asked.
            let post = &mut stage.liar.two.post;
            post.server.stop();
            post.again();
            stage.boss.goes_to(post.server.address());
        }
    }
    stage.liar.two.finish();
}

impl Row {
    /// What the honest server says is what it should.
    #[track_caller]
    fn is_answered(&self, reply: Option<&Reply>) {
        match (self.server, reply) {
            (Server::Refuses(code), Some(reply)) => {
                assert_eq!(reply.json()["code"], code, "{}", reply.shown());
            }
            (Server::Blind, Some(reply)) => drop(reply.is(200)),
            (Server::Liar, None) => {}
            other => panic!("attack {}: {other:?}", self.number),
        }
    }
}

#[test]
fn z05_cli_attacks_on_membership() {
    play(membership::ROWS);
}

#[test]
fn z04_cli_attacks_on_invitations() {
    play(invitations::ROWS);
}

#[test]
fn z02_cli_attacks_on_an_environment() {
    play(environment::ROWS);
}

#[test]
fn z09_cli_attacks_on_keys() {
    play(keys::ROWS);
}

/// The list of the issue.
#[test]
fn every_attack_has_its_row() {
    let listed = [
        1..=5,
        9..=17,
        19..=22,
        26..=34,
        36..=46,
        49..=58,
        64..=68,
        89..=89,
        109..=110,
    ];
    let listed: Vec<u32> = listed.into_iter().flatten().collect();
    assert_eq!(listed.len(), 56);
    let mut there: Vec<u32> = TABLE
        .iter()
        .flat_map(|rows| rows.iter())
        .map(|row| row.number)
        .collect();
    there.sort_unstable();
    assert_eq!(there, listed);
}
