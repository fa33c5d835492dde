//! What this process knows of itself, for `status` and `doctor`.

use withheld_core::endpoint_path::EndpointPath;
use withheld_core::plain;
use withheld_system::process;
use withheld_vault::SecretMemory;

plain! {
    /// Who started the broker, and what that means for what it holds.
    #[derive(Clone, Debug)]
    pub(crate) struct Process {
        pub(crate) pid: u32,
        pub(crate) version: &'static str,
        /// The name of the program that started it, as the system has it.
        pub(crate) started_by: Option<EndpointPath>,
        /// A process that watches this one; 0 where none does.
        pub(crate) tracer_pid: Option<u32>,
        /// Whose the executable is. Whoever may write it is the broker tomorrow.
        pub(crate) executable_uid: Option<u32>,
        pub(crate) executable_mode: Option<u32>,
        /// What kind of memory holds values.
        pub(crate) secret_memory: Option<&'static str>,
    }
}

/// Asked once at the start: later, whoever started us may have ended.
pub(crate) fn started_by() -> Option<EndpointPath> {
    let parent = status_field("PPid:")?;
    let name = std::fs::read_to_string(format!("/proc/{parent}/comm")).ok()?;
    EndpointPath::parse(name.trim()).ok()
}

impl Process {
    pub(crate) fn now(started_by: Option<&EndpointPath>) -> Self {
        let executable = process::executable_owner();
        Self {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION"),
            started_by: started_by.cloned(),
            tracer_pid: status_field("TracerPid:"),
            executable_uid: executable.map(|(uid, _)| uid),
            executable_mode: executable.map(|(_, mode)| mode),
            secret_memory: withheld_vault::secret_memory().map(|memory| match memory {
                SecretMemory::MemfdSecret => "memfd_secret",
                SecretMemory::LockedPages => "locked_pages",
            }),
        }
    }
}

/// A number of the system's own page about this process.
fn status_field(name: &str) -> Option<u32> {
    // Elsewhere the path is nobody's, and could be made by anybody.
    if !cfg!(target_os = "linux") {
        return None;
    }
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().parse().ok()
}
