//! `withheld server [verify]`.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use withheld_core::{Code, Moment};
use withheld_server::{Asked, Clock, Config, Facts, Log, Note, Verified};

use crate::cli::{Database, Server, ServerAct};
use crate::clock;
use crate::context::Context;
use crate::exit;
use crate::failure::Failure;
use crate::output::{Outcome, Output, clean};

pub(super) fn run(context: &Context, arguments: &Server) -> Outcome {
    match &arguments.act {
        None => serve(context.output, arguments),
        Some(ServerAct::Verify(database)) => verify(context.output, database),
    }
}

/// The server itself, until it is told to stop. Its last line at the start says that it answers.
fn serve(output: Output, arguments: &Server) -> Outcome {
    let config = Config::read(&Asked {
        listen: arguments.listen.clone(),
        tls_cert: arguments.tls_cert.clone(),
        tls_key: arguments.tls_key.clone(),
        health: arguments.health.clone(),
        ..asked(&arguments.database)
    })?;
    let clock: Clock = Arc::new(|| u64::try_from(clock::now().as_ms()).unwrap_or_default());
    let tail = Arc::new(Tail::of(output));
    let log: Log = {
        let tail = Arc::clone(&tail);
        Arc::new(move |note| tail.log(note))
    };
    withheld_server::serve(&config, clock, log, |facts| {
        // Whoever read the start may be gone; clients come anyway.
        let _ = output.result("withheld.server/1", document(facts), &text(facts));
        tail.follow();
    })?;
    Ok(())
}

/// The log of a server that runs: lines on stderr; with `--json` records on stdout, which follow the
/// document of the start and wait for it.
struct Tail {
    output: Output,
    waiting: Mutex<Option<Vec<Value>>>,
}

impl Tail {
    fn of(output: Output) -> Self {
        Self {
            output,
            waiting: Mutex::new(Some(Vec::new())),
        }
    }

    fn log(&self, note: &Note<'_>) {
        if !self.output.is_json() {
            return say(self.output, note);
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let record = record(note);
        match &mut *waiting {
            Some(waiting) => waiting.push(record),
            None => self.write(&record),
        }
    }

    fn follow(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for record in waiting.take().into_iter().flatten() {
            self.write(&record);
        }
    }

    fn write(&self, record: &Value) {
        // As for the start.
        let _ = self.output.record(record);
    }
}

fn record(note: &Note<'_>) -> Value {
    let mut record = json!(note);
    record["at"] = json!(clock::now());
    record
}

fn say(output: Output, note: &Note<'_>) {
    output.note(&format!("{}  {}", clock::now(), clean(&note.to_string())));
}

fn asked(database: &Database) -> Asked {
    Asked {
        database: database.database.clone(),
        database_file: database.database_file.clone(),
        ..Asked::default()
    }
}

fn document(facts: &Facts) -> Value {
    json!({
        "api": url(facts),
        "health": facts.health.map(|address| format!("http://{address}")),
        "database": facts.database.to_string_lossy(),
        "bootstrap_token_file": facts.bootstrap.as_deref().map(|file| file.to_string_lossy()),
    })
}

fn text(facts: &Facts) -> String {
    let how = match &facts.certificate {
        Some(file) => {
            let until = until(file).map(|day| format!(" until {day}"));
            format!("certificate {}{}", file.display(), until.unwrap_or_default())
        }
        None => {
            "plain HTTP, for a proxy on this machine that does TLS, hands on Host and sets X-Forwarded-For".to_owned()
        }
    };
    let mut lines = vec![
        format!(
            "withheld server {} · SQLite at {}",
            env!("CARGO_PKG_VERSION"),
            facts.database.display()
        ),
        format!("  api       {}      {how}", url(facts)),
    ];
    if let Some(address) = facts.health {
        lines.push(format!("  health    http://{address}/healthz   /readyz"));
    }
    if let Some(file) = &facts.bootstrap {
        let file = file.display();
        lines.push(format!("  start     bootstrap token, once, 24 h: {file}"));
    }
    lines.push("Holds ciphertext only. It cannot read names or values.".to_owned());
    lines.push("ready".to_owned());
    let lines: Vec<_> = lines.iter().map(|line| clean(line)).collect();
    lines.join("\n")
}

/// The last day of a certificate.
fn until(file: &Path) -> Option<String> {
    let certificate = CertificateDer::from_pem_file(file).ok()?;
    let (_, read) = x509_parser::parse_x509_certificate(&certificate).ok()?;
    let at = read.validity().not_after.timestamp().checked_mul(1000)?;
    let at = Moment::from_ms(at).to_string();
    at.split_once('T').map(|(day, _)| day.to_owned())
}

fn url(facts: &Facts) -> String {
    let scheme = match facts.certificate {
        Some(_) => "https",
        None => "http",
    };
    format!("{scheme}://{}", facts.api)
}

fn verify(output: Output, database: &Database) -> Outcome {
    let file = withheld_server::database(&asked(database))?;
    let log: Log = Arc::new(move |note| say(output, note));
    let all = withheld_server::verify(&file, &log)?;
    let broken = all.iter().filter(|ws| !ws.differences.is_empty()).count();
    if broken > 0 {
        if !output.is_json() {
            output.line(&report(&all))?;
        }
        return Err(Failure::refuse(
            Code::StoreCorrupt,
            "the database is not what its chains say",
            "stop the server and put back a backup from before; clients that saw more say rollback_detected",
        ));
    }
    let data = json!({ "workspaces": all.iter().map(found).collect::<Vec<_>>() });
    output.result("withheld.server_verify/1", data, &report(&all))?;
    if all.is_empty() {
        // Nothing was verified: that is no yes.
        return Err(Failure::Answered(exit::NO));
    }
    Ok(())
}

fn found(ws: &Verified) -> Value {
    json!({
        "workspace": ws.ws.to_string(),
        "links": ws.links,
        "environments": ws.environments,
        "commits": ws.commits,
        "secrets": ws.secrets,
    })
}

fn report(all: &[Verified]) -> String {
    if all.is_empty() {
        return "There is no workspace yet.".to_owned();
    }
    let lines = all.iter().flat_map(|ws| {
        let sum = format!(
            "workspace {}: {} links, {} environments, {} commits, {} secrets",
            ws.ws, ws.links, ws.environments, ws.commits, ws.secrets
        );
        let state = match ws.differences.is_empty() {
            true => "ok     ",
            false => "BROKEN ",
        };
        let differences = ws
            .differences
            .iter()
            .map(|what| format!("          {what}"));
        std::iter::once(format!("{state}{sum}"))
            .chain(differences)
            .collect::<Vec<_>>()
    });
    lines.collect::<Vec<_>>().join("\n")
}
