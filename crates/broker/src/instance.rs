//! One broker a home: the lock, and sockets that are ours alone.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, Mode};
use tokio::net::UnixListener;
use withheld_core::{Code, Refusal};

/// Between two looks whether the lock is free.
const LOOK: Duration = Duration::from_millis(10);

/// Connections that wait to be accepted; the system may allow fewer.
#[cfg(target_os = "linux")]
const BACKLOG: i32 = 1024;

/// Holds the lock of a home. The system gives it back when the process ends, however that happens.
pub(crate) struct Instance(#[expect(dead_code, reason = "held, not read")] File);

impl Instance {
    /// Takes the lock. Where another broker has it, waits so long for that one to end: a broker that
    /// was told to stop holds it a moment longer than it answers.
    ///
    /// # Errors
    /// `conflict` where another broker keeps it; `config_invalid` where the file is not ours alone;
    /// `store_unavailable` where it cannot be opened.
    pub(crate) fn take(lock_file: &Path, patience: Duration) -> Result<Self, Refusal> {
        let deadline = Instant::now() + patience;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(no_follow())
            .open(lock_file)
            .map_err(|_| unavailable())?;
        let found = file.metadata().map_err(|_| unavailable())?;
        if !found.is_file() || !is_ours(&found, 0o600) {
            return Err(not_ours());
        }
        while rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            if Instant::now() >= deadline {
                return Err(Refusal::new(
                    Code::Conflict,
                    "another broker serves this home",
                    "use that one, or stop it first: withheld daemon stop",
                ));
            }
            std::thread::sleep(LOOK);
        }
        Ok(Self(file))
    }
}

fn no_follow() -> i32 {
    i32::try_from((rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::CLOEXEC).bits())
        .unwrap_or_default()
}

/// A bound socket; removed from its folder when dropped.
pub(crate) struct Socket {
    pub(crate) listener: UnixListener,
    path: PathBuf,
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Only the broker that holds the lock gets here, so the name is its own.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Binds a socket of mode 0600. One that a dead broker left behind is replaced at once: the new one
/// is bound under another name and renamed over it. Call it with the lock held.
///
/// # Errors
/// `config_invalid` where the folder or what stands at the path is not ours alone or no socket;
/// `store_unavailable` where it cannot be bound.
pub(crate) fn bind(path: &Path) -> Result<Socket, Refusal> {
    let folder = path.parent().ok_or_else(unavailable)?;
    let found = std::fs::symlink_metadata(folder).map_err(|_| unavailable())?;
    if !found.is_dir() || !is_ours(&found, 0o700) {
        return Err(not_ours());
    }
    match std::fs::symlink_metadata(path) {
        Ok(found) if !is_socket(&found) || found.uid() != own_uid() => return Err(not_ours()),
        Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => return Err(unavailable()),
        _ => {}
    }
    let fresh = path.with_extension("sock.new");
    match std::fs::remove_file(&fresh) {
        Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => return Err(unavailable()),
        _ => {}
    }
    let listener = bind_private(&fresh)?;
    std::fs::rename(&fresh, path).map_err(|_| unavailable())?;
    Ok(Socket {
        listener,
        path: path.to_owned(),
    })
}

/// The mode is that of its creation, not of a later chmod: Linux gives a socket's file the mode of the
/// socket, so no other thread's files meet another umask meanwhile.
#[cfg(target_os = "linux")]
fn bind_private(path: &Path) -> Result<UnixListener, Refusal> {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
    let bound = || {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket =
            rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        rustix::fs::fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
        rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
        rustix::net::listen(&socket, BACKLOG)?;
        UnixListener::from_std(socket.into())
    };
    bound().map_err(|_: std::io::Error| unavailable())
}

/// Elsewhere the mode is the umask's, and that is the process's: call it before other threads make
/// files.
#[cfg(not(target_os = "linux"))]
fn bind_private(path: &Path) -> Result<UnixListener, Refusal> {
    let before = rustix::process::umask(Mode::from_raw_mode(0o177));
    let bound = UnixListener::bind(path);
    rustix::process::umask(before);
    bound.map_err(|_| unavailable())
}

/// Whether the other end of a connection runs as this user.
pub(crate) fn is_own_peer(stream: &tokio::net::UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own_uid())
}

fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn is_ours(found: &std::fs::Metadata, widest: u32) -> bool {
    found.uid() == own_uid() && found.mode() & 0o777 & !widest == 0
}

fn is_socket(found: &std::fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_socket(&found.file_type())
}

fn not_ours() -> Refusal {
    Refusal::new(
        Code::ConfigInvalid,
        "the folder `run` of the home, or a file in it, is not this user's alone",
        "look at it, then remove it: the folder `run` holds nothing that must stay",
    )
}

fn unavailable() -> Refusal {
    Refusal::new(
        Code::StoreUnavailable,
        "the folder `run` of the home cannot be written",
        "see what is full or read-only: withheld doctor",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
