//! The story, command by command. Each step says itself whether it went as it should.

use withheld_core::Code;

use super::Step;
use super::api::HOST;
use super::stage::{Ran, Side, Stage};
use crate::output::Outcome;

const NAME: &str = "DEMO_KEY";
/// A host that the key is not bound to. Nothing reaches it: both requests to it are refused here.
const ELSEWHERE: &str = "https://example.com/";

/// Tells the story step by step. A step that went wrong is told and the story goes on, for what is
/// right and what is not can only be seen from all of it; without a vault it ends.
pub(super) fn tell(stage: &Stage, each: &mut dyn FnMut(Step) -> Outcome) -> Outcome {
    let made = init(stage)?;
    let has_vault = made.ok;
    each(made)?;
    if !has_vault {
        return Ok(());
    }
    for step in [
        set,
        bind,
        proxy_env,
        call,
        curl,
        wrong_host,
        echo,
        placeholder_elsewhere,
        audit,
        verify,
        remove,
        stop,
    ] {
        if let Some(step) = step(stage)? {
            each(step)?;
        }
    }
    Ok(())
}

/// The keychain if one answers, else the file.
fn init(stage: &Stage) -> Outcome<Step> {
    let mut kind = "keychain";
    let mut ran = stage.withheld(Side::Owner, &["init", "--vault", kind], "")?;
    if ran.ended(Code::KeychainUnavailable.exit()) {
        kind = "file";
        ran = stage.withheld(Side::Owner, &["init", "--vault", kind], "")?;
    }
    stage.note_vault(kind);
    Ok(Step {
        said: Some(first_line(&ran)),
        ..step(
            "init",
            "The owner makes a vault",
            format!("withheld init --vault {kind}"),
            ran.ended(0),
        )
    })
}

fn set(stage: &Stage) -> Outcome<Option<Step>> {
    let words = ["set", NAME, "--stdin"];
    let ran = stage.withheld(Side::Owner, &words, &stage.key)?;
    let ok = ran.ended(0) && !ran.shows(&stage.key);
    Ok(Some(Step {
        said: Some(first_line(&ran)),
        ..step(
            "set",
            "and stores a key, which is never shown again",
            command(&words),
            ok,
        )
    }))
}

fn bind(stage: &Stage) -> Outcome<Option<Step>> {
    let host = format!("{HOST}:{}", stage.api.port);
    let ca = stage.api_ca();
    let ca = ca.to_string_lossy();
    let words = ["bind", NAME, "--host", &host, "--ca", &ca, "--private"];
    let ran = stage.withheld(Side::Owner, &words, "")?;
    let shown = [
        "bind",
        NAME,
        "--host",
        &host,
        "--ca",
        "api-ca.pem",
        "--private",
    ];
    Ok(Some(Step {
        said: Some(first_line(&ran)),
        ..step(
            "bind",
            "It may go to one API, and nowhere else",
            command(&shown),
            ran.ended(0),
        )
    }))
}

fn proxy_env(stage: &Stage) -> Outcome<Option<Step>> {
    let ran = stage.withheld(Side::Agent, &["proxy", "env", "--json"], "")?;
    let document = ran.json();
    let variables = document["data"].as_object().cloned().unwrap_or_default();
    let variables: Vec<(String, String)> = variables
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
        .collect();
    *stage.agent.borrow_mut() = variables;
    let placeholder = stage.agent_variable(NAME);
    let ok = ran.ended(0) && !placeholder.is_empty() && !ran.shows(&stage.key);
    Ok(Some(Step {
        agent_saw: Some(format!("{NAME}={placeholder}")),
        ..step(
            "proxy_env",
            "An agent gets a placeholder in the key's place",
            "withheld proxy env".to_owned(),
            ok,
        )
    }))
}

fn call(stage: &Stage) -> Outcome<Option<Step>> {
    let url = url(stage, "/v1/balance");
    let words = ["call", &url, "--bearer", NAME];
    let ran = stage.withheld(Side::Agent, &words, "")?;
    Ok(Some(answered(
        stage,
        &ran,
        step(
            "call",
            "The agent calls the API with the key's name",
            command(&words),
            false,
        ),
    )))
}

fn curl(stage: &Stage) -> Outcome<Option<Step>> {
    let url = url(stage, "/v1/balance");
    let header = format!("Authorization: Bearer {}", stage.agent_variable(NAME));
    let ran = stage.curl(&[
        "--silent",
        "--show-error",
        "--max-time",
        "20",
        "-H",
        &header,
        &url,
    ])?;
    Ok(ran.map(|ran| {
        answered(
            stage,
            &ran,
            step(
                "curl",
                "An unmodified client sends the placeholder through the broker",
                format!("curl -H \"Authorization: Bearer ${NAME}\" {url}"),
                false,
            ),
        )
    }))
}

/// The API accepted the key, and no one on the agent's side saw it.
fn answered(stage: &Stage, ran: &Ran, step: Step) -> Step {
    let received = stage.api.take_received();
    let is_the_key = received
        .iter()
        .any(|one| one.authorization == format!("Bearer {}", stage.key));
    let api_received = received
        .last()
        .map(|one| format!("{}  Authorization: {}", one.path, one.authorization));
    Step {
        ok: ran.ended(0) && is_the_key && !ran.shows(&stage.key),
        agent_saw: Some(output(ran)),
        api_received: Some(api_received.unwrap_or_else(|| "nothing".to_owned())),
        ..step
    }
}

fn wrong_host(stage: &Stage) -> Outcome<Option<Step>> {
    let words = ["call", ELSEWHERE, "--bearer", NAME, "--json"];
    let ran = stage.withheld(Side::Agent, &words, "")?;
    let step = step(
        "wrong_host",
        "Another host does not get the key",
        command(&words),
        false,
    );
    Ok(Some(refused(stage, &ran, Code::BindingViolation, step)))
}

fn echo(stage: &Stage) -> Outcome<Option<Step>> {
    let url = url(stage, "/v1/echo");
    let words = ["call", &url, "--bearer", NAME];
    let ran = stage.withheld(Side::Agent, &words, "")?;
    let step = step(
        "echo",
        "An API that repeats the key: the echo is washed",
        command(&words),
        false,
    );
    let step = answered(stage, &ran, step);
    let is_washed = ran.shows(&stage.agent_variable(NAME));
    Ok(Some(Step {
        ok: step.ok && is_washed,
        ..step
    }))
}

fn placeholder_elsewhere(stage: &Stage) -> Outcome<Option<Step>> {
    let header = format!("Authorization: Bearer {}", stage.agent_variable(NAME));
    let ran = stage.withheld(
        Side::Agent,
        &["call", ELSEWHERE, "-H", &header, "--json"],
        "",
    )?;
    let step = step(
        "placeholder_elsewhere",
        "A placeholder sent to another host is a tripwire",
        format!("withheld call {ELSEWHERE} -H \"Authorization: Bearer ${NAME}\" --json"),
        false,
    );
    Ok(Some(refused(stage, &ran, Code::Tripwire, step)))
}

/// Refused with this code, and nothing arrived anywhere.
fn refused(stage: &Stage, ran: &Ran, code: Code, step: Step) -> Step {
    let document = ran.json();
    let error = &document["error"];
    let message = error["message"].as_str().unwrap_or_default();
    let arrived = stage.api.take_received();
    Step {
        ok: ran.ended(code.exit())
            && error["code"] == code.as_str()
            && arrived.is_empty()
            && !ran.shows(&stage.key),
        agent_saw: Some(format!(
            "{}: {message}",
            error["code"].as_str().unwrap_or("no refusal")
        )),
        api_received: Some("nothing".to_owned()),
        ..step
    }
}

fn audit(stage: &Stage) -> Outcome<Option<Step>> {
    let words = ["audit", "--last", "12"];
    let ran = stage.withheld(Side::Owner, &words, "")?;
    let ok =
        ran.ended(0) && ran.shows("/v1/echo") && ran.shows("tripwire") && !ran.shows(&stage.key);
    Ok(Some(Step {
        said: Some(output(&ran)),
        ..step(
            "audit",
            "All of it is in the log, which has no field for a key",
            command(&words),
            ok,
        )
    }))
}

fn verify(stage: &Stage) -> Outcome<Option<Step>> {
    let words = ["audit", "verify"];
    let ran = stage.withheld(Side::Owner, &words, "")?;
    Ok(Some(Step {
        said: Some(output(&ran)),
        ..step(
            "audit_verify",
            "and whoever changes the log is seen",
            command(&words),
            ran.ended(0),
        )
    }))
}

fn remove(stage: &Stage) -> Outcome<Option<Step>> {
    let words = ["rm", NAME];
    let ran = stage.withheld(Side::Owner, &words, "")?;
    Ok(Some(Step {
        said: Some(first_line(&ran)),
        ..step(
            "rm",
            "The owner removes the key",
            command(&words),
            ran.ended(0),
        )
    }))
}

fn stop(stage: &Stage) -> Outcome<Option<Step>> {
    let words = ["daemon", "stop"];
    let ran = stage.withheld(Side::Owner, &words, "")?;
    Ok(Some(Step {
        said: Some(first_line(&ran)),
        ..step(
            "daemon_stop",
            "and ends the broker",
            command(&words),
            ran.ended(0),
        )
    }))
}

fn step(name: &'static str, title: &'static str, command: String, ok: bool) -> Step {
    Step {
        name,
        title,
        command,
        ok,
        said: None,
        agent_saw: None,
        api_received: None,
    }
}

fn command(words: &[&str]) -> String {
    format!("withheld {}", words.join(" "))
}

fn url(stage: &Stage, path: &str) -> String {
    format!("https://{HOST}:{}{path}", stage.api.port)
}

fn first_line(ran: &Ran) -> String {
    output(ran).lines().next().unwrap_or_default().to_owned()
}

/// What stood on the terminal: the result, or why there is none.
fn output(ran: &Ran) -> String {
    let text = if ran.stdout.trim().is_empty() {
        &ran.stderr
    } else {
        &ran.stdout
    };
    text.trim_end().to_owned()
}
