//! `withheld server`, as a process: what it refuses, what it prints, how it ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use withheld_testkit::Temp;
use withheld_testkit::serde_json::Value;

use crate::common::BINARY;

fn server(folder: &Temp, arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command
        .arg("server")
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(folder: &Temp, arguments: &[&str]) -> Output {
    server(folder, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What a server answers to somebody who asks what it is, in words that are none of its own.
#[expect(
    clippy::disallowed_methods,
    reason = "a client of the server under test"
)]
fn asked(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = "GET /v1/server?whCANARY HTTP/1.1\r\nHost: whCANARY\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

fn terminate(child: &Child) {
    let pid = Pid::from_child(child);
    kill_process(pid, Signal::TERM).unwrap();
}

#[test]
fn t9_a_password_in_the_url_is_refused_first() {
    let folder = Temp::new();
    let url = "postgres://withheld:whCANARY@db/withheld";
    let ran = run(&folder, &["--database", url, "--listen", "nonsense"]);
    assert_eq!(ran.status.code(), Some(2));
    assert_eq!(
        text(&ran.stderr),
        "error: the database URL holds a password, and a command line can be read by other programs\n  \
         hint: put it into ~/.pgpass, or the whole URL into a file: --database-file /run/secrets/db\n"
    );
    assert_eq!(text(&ran.stdout), "");
}

#[test]
fn t9_wrong_arguments_are_named() {
    let folder = Temp::new();
    std::fs::write(folder.path().join("tls.pem"), "nothing").unwrap();
    for (arguments, exit, message, hint) in [
        (
            &["--database", "postgres://db/withheld"][..],
            2,
            "PostgreSQL is not built into this version",
            "--database sqlite:",
        ),
        (
            &["--listen", "0.0.0.0:0"],
            2,
            "without TLS the server listens on a loopback address only",
            "--tls-cert FILE --tls-key FILE",
        ),
        (
            &["--tls-cert", "tls.pem"],
            2,
            "TLS needs the certificate and its key",
            "--tls-cert FILE --tls-key FILE",
        ),
        (
            &["--tls-cert", "tls.pem", "--tls-key", "missing.key"],
            2,
            "the TLS certificate cannot be read",
            "--tls-cert",
        ),
        (
            &["--database", "sqlite:a.db", "--database-file", "b"],
            2,
            "the database is named twice",
            "--database or --database-file",
        ),
        (
            &["--database", "sqlite:none/a.db", "--listen", "127.0.0.1:0"],
            6,
            "the database cannot be opened",
            "--database",
        ),
        (
            &["verify", "--database", "sqlite:none.db"],
            3,
            "there is no database yet",
            "withheld server",
        ),
        (
            &["whCANARY"],
            2,
            "this verb has no such part",
            "withheld help server",
        ),
    ] {
        let ran = run(&folder, arguments);
        let said = text(&ran.stderr);
        assert_eq!(ran.status.code(), Some(exit), "{arguments:?} {said}");
        let (error, advice) = said.split_once("\n  hint: ").unwrap();
        assert!(error.contains(message) && advice.contains(hint), "{said}");
        assert!(!said.contains("whCANARY"));
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn t9_the_start_says_where_and_never_the_token() {
    let folder = Temp::new();
    let arguments = ["--listen", "127.0.0.1:0", "--health", "127.0.0.1:0"];
    let mut child = server(&folder, &arguments).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut lines = Vec::new();
    while lines.last().map(String::as_str) != Some("ready") {
        let mut line = String::new();
        assert!(stdout.read_line(&mut line).unwrap() > 0, "{lines:?}");
        lines.push(line.trim_end().to_owned());
    }
    let token = std::fs::read_to_string(folder.path().join("bootstrap-token")).unwrap();
    terminate(&child);
    assert_eq!(child.wait().unwrap().code(), Some(0));

    let file = folder.path().join("bootstrap-token");
    assert!(lines[0].contains("SQLite at "), "{lines:?}");
    assert!(
        lines[1].contains("  api       http://127.0.0.1:"),
        "{lines:?}"
    );
    assert!(lines[2].contains("/healthz   /readyz"), "{lines:?}");
    let start = format!(
        "  start     bootstrap token, once, 24 h: {}",
        file.display()
    );
    assert_eq!(lines[3], start);
    assert_eq!(
        lines[4],
        "Holds ciphertext only. It cannot read names or values."
    );
    let mut all = lines.join("\n");
    stdout.read_to_string(&mut all).unwrap();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut all)
        .unwrap();
    assert!(!all.contains(token.trim_end()));

    // Nothing was verified: that is no yes.
    let verified = run(&folder, &["verify"]);
    assert_eq!(verified.status.code(), Some(1));
    assert_eq!(text(&verified.stdout), "There is no workspace yet.\n");
}

#[test]
fn with_json_the_start_is_one_line_and_the_log_follows() {
    let folder = Temp::new();
    let mut child = server(&folder, &["--json", "--listen", "127.0.0.1:0"])
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let document: Value = withheld_testkit::serde_json::from_str(&line).unwrap();
    assert_eq!(document["schema"], "withheld.server/1");
    let api = document["data"]["api"].as_str().unwrap();
    assert!(api.starts_with("http://127.0.0.1:"), "{api}");
    assert_eq!(document["data"]["health"], Value::Null);
    let file = document["data"]["bootstrap_token_file"].as_str().unwrap();
    assert!(std::path::Path::new(file).is_file());
    let reply = asked(api.strip_prefix("http://").unwrap());
    assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
    terminate(&child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut stderr = String::new();
    let mut printed = child.stderr.take().unwrap();
    printed.read_to_string(&mut stderr).unwrap();
    assert_eq!(stderr, "");
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(!rest.contains("CANARY"), "{rest}");
    let records: Vec<Value> = rest
        .lines()
        .map(|line| withheld_testkit::serde_json::from_str(line).unwrap())
        .collect();
    assert!(records.iter().all(|record| record["at"].is_string()));
    let kinds: Vec<_> = records.iter().map(|record| &record["kind"]).collect();
    assert_eq!(kinds, ["start", "request", "stop", "stopped"]);
    let request = &records[1];
    for (field, expected) in [
        ("method", Value::from("GET")),
        ("route", "/v1/server".into()),
        ("status", 200.into()),
    ] {
        assert_eq!(request[field], expected, "{request}");
    }
    assert!(request["ms"].is_u64(), "{request}");
    let fields = request.as_object().unwrap().len();
    assert_eq!(fields, 6, "nothing else: {request}");
}
