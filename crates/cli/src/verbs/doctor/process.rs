//! What can be seen of the broker's process: what holds its values, who could read them, and who
//! could be the broker tomorrow.

#[cfg(target_os = "linux")]
use std::fs;
#[cfg(target_os = "linux")]
use std::io::ErrorKind;

use serde_json::Value;
use withheld_system::process as system;

use super::Promise;

const MEMORY: &str = "secret_memory";
const CLOSED: &str = "not_dumpable";
const EXECUTABLE: &str = "started_by";
/// Bits of a mode that let others than its owner write a file.
const OTHERS_WRITE: u64 = 0o022;

/// Every promise about the process; without one nothing is known, and `unseen` says why.
pub(super) fn promises(broker: Option<&Value>, unseen: &'static str) -> Vec<Promise> {
    let Some(process) = broker.map(|broker| &broker["broker"]) else {
        return [MEMORY, CLOSED, EXECUTABLE]
            .map(|name| Promise::unknown(name, unseen).command("withheld unlock"))
            .into();
    };
    vec![memory(process), closed(process), executable(process)]
}

fn memory(process: &Value) -> Promise {
    match process["secret_memory"].as_str() {
        Some("memfd_secret") => Promise::holds(
            MEMORY,
            "values lie in memory that even root's debugger cannot read (memfd_secret)",
        ),
        Some("locked_pages") => Promise::holds(
            MEMORY,
            "values lie in locked pages: never in swap or core files; root can read them",
        ),
        Some(_) => Promise::holds_not(MEMORY, "values lie in a kind of memory that is not known"),
        None => Promise::unknown(MEMORY, "the broker holds no value yet"),
    }
}

/// Looked at from outside, as another program of this user would.
fn closed(process: &Value) -> Promise {
    if process["tracer_pid"]
        .as_u64()
        .is_some_and(|tracer| tracer != 0)
    {
        return Promise::holds_not(CLOSED, "a debugger is attached to the broker")
            .command("withheld daemon stop");
    }
    let Some(pid) = process["pid"].as_u64() else {
        return Promise::unknown(CLOSED, "the broker does not say which process it is");
    };
    seen_from_outside(pid)
}

#[cfg(not(target_os = "linux"))]
fn seen_from_outside(_: u64) -> Promise {
    Promise::unknown(
        CLOSED,
        "this system does not show from outside what the broker closed at its start",
    )
}

#[cfg(target_os = "linux")]
fn seen_from_outside(pid: u64) -> Promise {
    if !has_no_core(pid) {
        return Promise::holds_not(CLOSED, "the broker could leave a core file")
            .command("withheld daemon stop");
    }
    let is_root = system::account_number() == Some(0);
    match fs::read(format!("/proc/{pid}/environ")) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Promise::holds(
            CLOSED,
            "the broker's memory cannot be read by this user, and it leaves no core file",
        ),
        Ok(_) if is_root => Promise::holds(
            CLOSED,
            "the broker leaves no core file; you are root, who may read any process",
        ),
        Ok(_) => Promise::holds_not(CLOSED, "the broker's memory can be read by this user")
            .command("withheld daemon stop"),
        Err(_) => Promise::unknown(CLOSED, "the system does not show the broker's process"),
    }
}

#[cfg(target_os = "linux")]
fn has_no_core(pid: u64) -> bool {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
    core_limit(&limits) == Some("0")
}

/// The hard limit on the size of core files, as the system writes it.
#[cfg(target_os = "linux")]
fn core_limit(limits: &str) -> Option<&str> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max core file size"))?;
    line.split_whitespace().nth(1)
}

/// Whoever may write the executable decides what the next broker does.
fn executable(process: &Value) -> Promise {
    let starter = process["started_by"]
        .as_str()
        .unwrap_or("a program that has ended");
    let (Some(uid), Some(mode)) = (
        process["executable_uid"].as_u64(),
        process["executable_mode"].as_u64(),
    ) else {
        return Promise::unknown(
            EXECUTABLE,
            "the broker does not say whose its executable is",
        );
    };
    let own = system::account_number().map(u64::from);
    if mode & OTHERS_WRITE != 0 || (Some(uid) != own && uid != 0) {
        return Promise::holds_not(
            EXECUTABLE,
            format!("others may write the broker's executable (mode {mode:04o})"),
        )
        .hint("close it with chmod go-w, then start the broker anew: withheld daemon stop");
    }
    Promise::holds(
        EXECUTABLE,
        format!(
            "started by {starter}; its executable may be written by its owner alone (mode {mode:04o})"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_hard_limit_is_read() {
        let limits =
            "Limit                     Soft Limit           Hard Limit           Units     
Max stack size            8388608              unlimited            bytes     
Max core file size        0                    unlimited            bytes     
";
        assert_eq!(core_limit(limits), Some("unlimited"));
        assert_eq!(core_limit(""), None);
    }

    #[test]
    fn an_executable_that_others_may_write_breaks_the_promise() {
        for (uid, mode, holds) in [
            (0, 0o755, true),
            (0, 0o775, false),
            (0, 0o757, false),
            (u64::from(u32::MAX) - 1, 0o755, false),
        ] {
            let process =
                json!({"executable_uid": uid, "executable_mode": mode, "started_by": "withheld"});
            assert_eq!(executable(&process).holds, Some(holds), "{uid} {mode:o}");
        }
    }

    #[test]
    fn a_tracer_breaks_the_promise_and_nothing_is_known_without_a_broker() {
        assert_eq!(
            closed(&json!({"tracer_pid": 7, "pid": 1})).holds,
            Some(false)
        );
        assert!(promises(None, "x").iter().all(|one| one.holds.is_none()));
        assert_eq!(memory(&json!({"secret_memory": "heap"})).holds, Some(false));
    }
}
