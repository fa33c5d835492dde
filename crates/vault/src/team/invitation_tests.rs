#![allow(clippy::unwrap_used, reason = "tests")]

use withheld_team::id::Hash;
use withheld_team::links::Right;

use super::*;
use crate::team::test_team::{Person, Team};
use crate::test_values::{bytes, value};

fn issued(server: &str) -> (String, InviteKey) {
    let head = Head {
        seq: 412,
        hash: Hash::of([0xAB; 32]),
    };
    let server = Server::parse(server).unwrap();
    let (line, key) = Invitation::issue(&server, WorkspaceId::of([7; 32]), head).unwrap();
    (String::from_utf8(bytes(&line)).unwrap(), key)
}

fn read(line: &str) -> Result<Invitation, Refusal> {
    Invitation::read(&value(line.as_bytes()))
}

fn message(line: &str) -> String {
    let refusal = read(line).err().unwrap();
    assert_eq!((refusal.code, refusal.code.exit()), (Code::Usage, 2));
    refusal.message.as_str().to_owned()
}

const CUT_SHORT: &str = "the invitation is cut short";
const MISTYPED: &str = "the invitation has a mistake in it";
const ANOTHER_VERSION: &str = "the invitation was made by another version of Withheld";
const NO_INVITATION: &str = "this is no invitation";

#[test]
fn a_line_says_to_the_guest_what_it_was_issued_with() {
    for server in ["team.example.com", "[fd00::1]:8443", "http+127.0.0.1:8080"] {
        let (line, key) = issued(server);
        assert!(line.starts_with(&format!("wh0.{server}.")));
        assert_eq!(line.len(), 4 + server.len() + 1 + 96);
        for pasted in [line.clone(), format!("  {line}\r\n")] {
            let invitation = read(&pasted).unwrap();
            assert_eq!(invitation.server.to_string(), server);
            assert_eq!(invitation.workspace, WorkspaceId::of([7; 32]));
            assert_eq!(invitation.head_seq, 412);
            assert_eq!(invitation.head_prefix, [0xAB; 16]);
            assert_eq!(invitation.key.public(), key.public());
        }
    }
    assert_ne!(issued("a.test").1.public(), issued("a.test").1.public());
}

#[test]
fn a_line_that_is_cut_short_is_seen_wherever_it_was_cut() {
    let (line, _) = issued("team.example.com:8443");
    for len in 4..line.len() {
        assert_eq!(message(&line[..len]), CUT_SHORT, "{len}");
    }
    for len in 0..4 {
        assert_eq!(message(&line[..len]), NO_INVITATION, "{len}");
    }
}

#[test]
fn a_mistake_in_any_letter_is_seen() {
    let (line, _) = issued("team.example.com:8443");
    for at in 4..line.len() {
        let mut wrong = line.clone().into_bytes();
        wrong[at] = if wrong[at] == b'x' { b'y' } else { b'x' };
        let wrong = String::from_utf8(wrong).unwrap();
        assert_eq!(message(&wrong), MISTYPED, "{at}");
    }
    assert_eq!(message(&format!("{line}A")), MISTYPED);
    assert_eq!(message(&line.replace("example", "exampl€")), MISTYPED);
}

#[test]
fn other_things_are_named_for_what_they_are() {
    let (line, _) = issued("team.example.com");
    let rest = &line[4..];
    assert_eq!(message(&format!("wh1.{rest}")), ANOTHER_VERSION);
    assert_eq!(message(&format!("wh12.{rest}")), ANOTHER_VERSION);
    assert_eq!(message(&format!("whm0.{rest}")), NO_INVITATION);
    assert_eq!(message(&format!("wh.{rest}")), NO_INVITATION);
    assert_eq!(message("correct horse battery staple"), NO_INVITATION);
    let refusal = Invitation::read(&value(&[0xff, 0xfe])).err().unwrap();
    assert_eq!(refusal.message.as_str(), NO_INVITATION);
}

/// The check is no secret: a line may be made by hand, and still names no odd server.
#[test]
fn a_server_has_one_written_form_and_is_in_clear_text_only_here() {
    for good in [
        "team.example.com",
        "team.example.com:8443",
        "10.0.0.5:8443",
        "[fd00::1]",
        "http+127.0.0.1:8080",
    ] {
        assert_eq!(Server::parse(good).unwrap().to_string(), good);
    }
    for bad in [
        "",
        "team.example.com:443",
        "Team.example.com",
        "team.example.com.",
        "team.example.com/path",
        "user@team.example.com",
        "https://team.example.com",
        "127.1:8443",
        "http+127.0.0.1",
        "http+team.example.com:80",
        "http+localhost:8080",
        "http+10.0.0.5:8080",
        "http+http+127.0.0.1:8080",
    ] {
        assert_eq!(Server::parse(bad), None, "{bad}");
    }
    let mut code = [1; CODE_BYTES];
    let check = check("http+10.0.0.5:8080", &code);
    code[CHECKED..].copy_from_slice(&check);
    let line = format!("wh0.http+10.0.0.5:8080.{}", URL_SAFE_NO_PAD.encode(code));
    assert_eq!(message(&line), MISTYPED);
}

#[test]
fn the_guest_is_shown_what_was_promised_or_more() {
    let [alice, bob] = [1, 2].map(Person::new);
    let mut team = Team::found(&alice);
    let early = team.chain.clone();
    team.join(&alice, &bob, Right::Read);
    let server = Server::parse("team.example.com").unwrap();
    let (ws, head) = (team.chain.ws(), team.chain.head());
    let (line, _) = Invitation::issue(&server, ws, head).unwrap();
    let invitation = Invitation::read(&line).unwrap();
    assert_eq!(invitation.is_kept_by(&team.chain), Ok(()));
    assert_eq!(invitation.is_kept_by(&early), Err(Verdict::Rollback));
    let other = Team::found(&bob);
    assert_eq!(invitation.is_kept_by(&other.chain), Err(Verdict::Fork));
    let fork = Head {
        hash: Hash::of([1; 32]),
        ..head
    };
    let (line, _) = Invitation::issue(&server, ws, fork).unwrap();
    let invitation = Invitation::read(&line).unwrap();
    assert_eq!(invitation.is_kept_by(&team.chain), Err(Verdict::Fork));
    team.join(&alice, &Person::new(3), Right::Read);
    let (line, _) = Invitation::issue(&server, ws, head).unwrap();
    let invitation = Invitation::read(&line).unwrap();
    assert_eq!(invitation.is_kept_by(&team.chain), Ok(()));
}
