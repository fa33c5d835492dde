//! `withheld daemon [start|stop]`.

use std::fs::File;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};
use withheld_core::Code;
use withheld_core::api::{OwnerCall, OwnerRequest};
#[cfg(test)]
use withheld_core::schema::{Document, JsonSchema};
use withheld_system::process;
use withheld_vault::home::Home;

use crate::cli::{Daemon, DaemonAct};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Outcome;
use crate::socket::{ANSWER, Socket};
use crate::start::{self, Port};

/// How long running requests may take to end.
const DRAIN: Duration = Duration::from_secs(20);
/// Between two looks whether the broker is gone.
const LOOK: Duration = Duration::from_millis(20);

#[derive(Default, Serialize)]
#[cfg_attr(
    test,
    derive(JsonSchema),
    schemars(crate = "withheld_core::schema::schemars")
)]
struct Said {
    /// ADDRESS:PORT of the broker's token port; not there after `stop`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(required))]
    listen: Option<String>,
    /// Whether this command started it, or it ran already; only there after `start`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(required))]
    started: Option<bool>,
    /// Whether there was one to stop; only there after `stop`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(required))]
    stopped: Option<bool>,
}

/// The document of which a program may rely on the schema.
#[cfg(test)]
pub(super) fn documents() -> Vec<Document> {
    vec![Document::of::<Said>(
        "daemon",
        "`withheld daemon --json`: the broker that was started or stopped",
    )]
}

pub(super) fn run(context: &Context, arguments: &Daemon) -> Outcome {
    match arguments.act {
        None => serve(context, arguments),
        Some(DaemonAct::Start) => start(context),
        Some(DaemonAct::Stop) => stop(context),
    }
}

/// The broker itself, until it is stopped. Its first line says where it listens: whoever started
/// it waits for that.
fn serve(context: &Context, arguments: &Daemon) -> Outcome {
    let home = context.owner_home()?;
    if arguments.detached {
        process::leave_terminal();
    }
    let output = context.output;
    withheld_broker::serve(home, arguments.any_port, move |listen| {
        // The one who waited may be gone; the broker serves whoever comes next.
        let _ = output.result(
            "withheld.daemon/1",
            json!(Said {
                listen: Some(listen.to_string()),
                ..Said::default()
            }),
            &format!("ready {listen}"),
        );
    })?;
    Ok(())
}

fn start(context: &Context) -> Outcome {
    let home = context.owner_home()?;
    home.check()?;
    let socket = Socket::owner(&home)?;
    let is_running = socket.is_there();
    let listen = if is_running {
        let status = socket.ask(&OwnerCall::plain(OwnerRequest::Status), ANSWER)?;
        let listen = status.pointer("/broker/listen").and_then(Value::as_str);
        listen.unwrap_or_default().to_owned()
    } else {
        home.create()?;
        start::broker(&home, &context.variables, Port::AsSet)?
    };
    let text = if !is_running {
        format!("The broker runs at {listen}.")
    } else {
        format!("The broker runs already, at {listen}.")
    };
    let said = Said {
        listen: Some(listen),
        started: Some(!is_running),
        ..Said::default()
    };
    context
        .output
        .result("withheld.daemon/1", json!(said), &text)
}

fn stop(context: &Context) -> Outcome {
    let home = context.owner_home()?;
    let socket = Socket::owner(&home)?;
    let stop = OwnerCall::plain(OwnerRequest::Stop);
    let stopped = socket.ask_if_there(&stop, ANSWER)?.is_some();
    if stopped {
        wait_until_gone(&home)?;
    }
    let text = if stopped {
        "The broker has ended."
    } else {
        "No broker runs for this home."
    };
    let said = Said {
        stopped: Some(stopped),
        ..Said::default()
    };
    context
        .output
        .result("withheld.daemon/1", json!(said), text)
}

/// Gone is when nobody holds the lock of the home: the system gives it back when the process ends.
///
/// # Errors
/// `broker_down` where its requests do not end.
pub(super) fn wait_until_gone(home: &Home) -> Outcome {
    let deadline = Instant::now() + DRAIN;
    while is_held(home) {
        if Instant::now() >= deadline {
            return Err(Failure::refuse(
                Code::BrokerDown,
                "requests of the broker did not end within 20 s",
                "see which ones run: withheld audit --last 20",
            ));
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

fn is_held(home: &Home) -> bool {
    File::open(home.lock_file()).is_ok_and(|file| file.try_lock_shared().is_err())
}
