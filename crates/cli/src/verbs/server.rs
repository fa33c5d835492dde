//! `withheld server [verify]`.

use std::sync::Arc;

use serde_json::{Value, json};
use withheld_core::Code;
use withheld_server::{Asked, Clock, Config, Facts, Log, Verified};

use crate::cli::{Database, Server, ServerAct};
use crate::clock;
use crate::context::Context;
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
    withheld_server::serve(&config, clock, log(output), |facts| {
        // Whoever read the start may be gone; clients come anyway.
        let _ = output.result("withheld.server/1", document(facts), &text(facts));
    })?;
    Ok(())
}

fn asked(database: &Database) -> Asked {
    Asked {
        database: database.database.clone(),
        database_file: database.database_file.clone(),
        ..Asked::default()
    }
}

/// Lines on stderr; none with `--json`.
fn log(output: Output) -> Log {
    Arc::new(move |line| output.note(&format!("{}  {}", clock::now(), clean(line))))
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
        Some(file) => format!("certificate {}", file.display()),
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

fn url(facts: &Facts) -> String {
    let scheme = match facts.certificate {
        Some(_) => "https",
        None => "http",
    };
    format!("{scheme}://{}", facts.api)
}

fn verify(output: Output, database: &Database) -> Outcome {
    let file = withheld_server::database(&asked(database))?;
    let all = withheld_server::verify(&file, &log(output))?;
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
    output.result("withheld.server_verify/1", data, &report(&all))
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
