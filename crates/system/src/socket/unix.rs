//! Unix sockets.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use tokio::net::{UnixListener, UnixStream};

use super::Unbound;

/// Connections that wait to be accepted; the system may allow fewer.
#[cfg(target_os = "linux")]
const BACKLOG: i32 = 1024;

/// The client's end. [`is_own`] says whose the other one is.
pub type Client = UnixStream;
/// The server's end of a connection that came from this account.
pub type Server = UnixStream;

/// A bound socket; removed from its folder when dropped.
pub struct Listener {
    listener: UnixListener,
    path: PathBuf,
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Only the process that holds the lock gets here, so the name is its own.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Listener {
    /// Binds a socket of mode 0600. One that a dead process left behind is replaced at once: the new one
    /// is bound under another name and renamed over it. Call it with a lock held.
    ///
    /// # Errors
    /// `NotOurs` where the folder or what stands at the path is not ours alone or no socket;
    /// `Unavailable` where it cannot be bound.
    pub fn bind(path: &Path) -> Result<Self, Unbound> {
        let folder = path.parent().ok_or(Unbound::Unavailable)?;
        let found = std::fs::symlink_metadata(folder).map_err(|_| Unbound::Unavailable)?;
        if !found.is_dir() || !is_ours(&found, 0o700) {
            return Err(Unbound::NotOurs);
        }
        match std::fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() || found.uid() != own_uid() => {
                return Err(Unbound::NotOurs);
            }
            Err(fault) if fault.kind() != io::ErrorKind::NotFound => {
                return Err(Unbound::Unavailable);
            }
            _ => {}
        }
        let fresh = path.with_extension("sock.new");
        match std::fs::remove_file(&fresh) {
            Err(fault) if fault.kind() != io::ErrorKind::NotFound => {
                return Err(Unbound::Unavailable);
            }
            _ => {}
        }
        let listener = bind_private(&fresh).map_err(|_| Unbound::Unavailable)?;
        std::fs::rename(&fresh, path).map_err(|_| Unbound::Unavailable)?;
        Ok(Self {
            listener,
            path: path.to_owned(),
        })
    }

    /// The next connection; `None` where it came from another account.
    ///
    /// # Errors
    /// The system's; most often there is no free descriptor.
    pub async fn accept(&mut self) -> io::Result<Option<Server>> {
        let (stream, _) = self.listener.accept().await?;
        Ok(is_own(&stream).then_some(stream))
    }
}

/// The mode is that of its creation, not of a later chmod: Linux gives a socket's file the mode of the
/// socket, so no other thread's files meet another umask meanwhile.
#[cfg(target_os = "linux")]
fn bind_private(path: &Path) -> io::Result<UnixListener> {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::fs::fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    rustix::net::listen(&socket, BACKLOG)?;
    UnixListener::from_std(socket.into())
}

/// Elsewhere the mode is the umask's, and that is the process's. The folder is closed to others as well.
#[cfg(not(target_os = "linux"))]
fn bind_private(path: &Path) -> io::Result<UnixListener> {
    let before = rustix::process::umask(Mode::from_raw_mode(0o177));
    let bound = UnixListener::bind(path);
    rustix::process::umask(before);
    bound
}

/// Connects, without waiting for more than a free place.
///
/// # Errors
/// The system's: `NotFound` or `ConnectionRefused` where nobody listens.
pub async fn connect(path: &Path) -> io::Result<Client> {
    UnixStream::connect(path).await
}

/// Whether the other end of a connection runs as this account, by the credentials that the system keeps of it.
#[must_use]
pub fn is_own(stream: &Client) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own_uid())
}

fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn is_ours(found: &Metadata, widest: u32) -> bool {
    found.uid() == own_uid() && found.mode() & 0o777 & !widest == 0
}
