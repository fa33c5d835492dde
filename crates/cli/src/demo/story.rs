//! The story, command by command. Each step says itself whether it went as it should.

use withheld_core::Code;

use super::api::HOST;
use super::stage::{API_CA, Side, Stage};
use super::step::{Step, answered, command, first_line, output, placeholder, refused, step, url};
use crate::output::Outcome;

const NAME: &str = "DEMO_KEY";
/// A host that the key is not bound to. Nothing reaches it: both requests to it are refused here.
const ELSEWHERE: &str = "https://example.com/";

/// Tells the story step by step. A step that went wrong is told and the story goes on, for what is
/// right and what is not can only be seen from all of it; without a vault it ends. Whether there is one.
pub(super) fn tell(stage: &Stage, each: &mut dyn FnMut(Step) -> Outcome) -> Outcome<bool> {
    let made = init(stage)?;
    let has_vault = made.ok;
    each(made)?;
    if !has_vault {
        return Ok(false);
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
    Ok(true)
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
    let ok = ran.ended(0) && !ran.shows_a_key();
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
    let words = ["bind", NAME, "--host", &host, "--ca", API_CA, "--private"];
    let ran = stage.withheld(Side::Owner, &words, "")?;
    Ok(Some(Step {
        said: Some(first_line(&ran)),
        ..step(
            "bind",
            "It may go to one API, and nowhere else",
            command(&words),
            ran.ended(0),
        )
    }))
}

fn proxy_env(stage: &Stage) -> Outcome<Option<Step>> {
    let step = step(
        "proxy_env",
        "An agent gets a placeholder in the key's place",
        "withheld proxy env".to_owned(),
        false,
    );
    placeholder(stage, Side::Agent, NAME, step).map(Some)
}

fn call(stage: &Stage) -> Outcome<Option<Step>> {
    let url = url(stage, "/v1/balance");
    let words = ["call", &url, "--bearer", NAME];
    let ran = stage.withheld(Side::Agent, &words, "")?;
    Ok(Some(answered(
        stage,
        &ran,
        &stage.key,
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
    let header = format!(
        "Authorization: Bearer {}",
        stage.agent_variable(Side::Agent, NAME)
    );
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
            &stage.key,
            step(
                "curl",
                "An unmodified client sends the placeholder through the broker",
                format!("curl -H \"Authorization: Bearer ${NAME}\" {url}"),
                false,
            ),
        )
    }))
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
    let step = answered(stage, &ran, &stage.key, step);
    let is_washed = ran.shows(&stage.agent_variable(Side::Agent, NAME));
    Ok(Some(Step {
        ok: step.ok && is_washed,
        ..step
    }))
}

fn placeholder_elsewhere(stage: &Stage) -> Outcome<Option<Step>> {
    let header = format!(
        "Authorization: Bearer {}",
        stage.agent_variable(Side::Agent, NAME)
    );
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

fn audit(stage: &Stage) -> Outcome<Option<Step>> {
    let words = ["audit", "--last", "12"];
    let ran = stage.withheld(Side::Owner, &words, "")?;
    let ok = ran.ended(0) && ran.shows("/v1/echo") && ran.shows("tripwire") && !ran.shows_a_key();
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
