//! By the calls that every Unix has.

use std::io;
use std::path::PathBuf;
use std::process::{Child, Command};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};

#[cfg(target_os = "linux")]
pub(super) fn executable() -> io::Result<PathBuf> {
    Ok(PathBuf::from("/proc/self/exe"))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn executable() -> io::Result<PathBuf> {
    std::env::current_exe()
}

pub(super) fn executable_owner() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt as _;
    let found = std::fs::metadata(executable().ok()?).ok()?;
    Some((found.uid(), found.mode() & 0o7777))
}

#[allow(
    clippy::unnecessary_wraps,
    reason = "there are systems without such numbers"
)]
pub(super) fn account_number() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}

#[allow(
    clippy::unnecessary_wraps,
    reason = "there are systems that do not say"
)]
pub(super) fn alone(command: &mut Command) -> io::Result<()> {
    command.env_clear().current_dir("/");
    Ok(())
}

pub(super) fn leave_terminal() {
    // Fails only for the leader of a group, which whoever starts us this way does not make.
    let _ = rustix::process::setsid();
}

pub(super) fn ask_to_end(child: &Child) -> io::Result<()> {
    Ok(kill_process(Pid::from_child(child), Signal::TERM)?)
}

pub(super) fn raise_descriptors(most: u64) -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(most).min(most);
    let current = limit.current.unwrap_or(most);
    let raised = Rlimit {
        current: Some(most.max(current)),
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => most.max(current),
        Err(_) => current,
    }
}

pub(super) fn columns() -> Option<usize> {
    let said = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(said.ws_col)).filter(|columns| *columns > 0)
}
