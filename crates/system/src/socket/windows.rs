//! Named pipes. All of them lie in one place that every account may make names in, so the name comes from the
//! path of the home, and either end knows the other by its owner, not by the name.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io;
use std::os::windows::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::net::windows::named_pipe::{
    ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions,
};
use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, ERROR_PIPE_BUSY};

use super::Unbound;
use crate::{private, windows};

/// Between two attempts while every instance of the pipe is taken, and how many there are.
const LOOK: Duration = Duration::from_millis(10);
const LOOKS: usize = 200;

/// The client's end. [`is_own`] says whose the other one is.
pub type Client = NamedPipeClient;
/// The server's end of a connection that came from this account.
pub type Server = NamedPipeServer;

/// A pipe, with one instance that waits for the next client.
pub struct Listener {
    name: OsString,
    next: NamedPipeServer,
}

impl Drop for Listener {
    fn drop(&mut self) {
        // The library may keep the instance until the process ends; nobody shall find it meanwhile.
        let _ = self.next.disconnect();
    }
}

impl Listener {
    /// Makes the pipe for this path, for this account alone. Call it with a lock held.
    ///
    /// # Errors
    /// `NotOurs` where the folder of the path is not this account's alone, or another process has a pipe of
    /// that name; `Unavailable` where the system does not let it.
    pub fn bind(path: &Path) -> Result<Self, Unbound> {
        let folder = path.parent().ok_or(Unbound::Unavailable)?;
        if !private::is_private_folder(folder) {
            return Err(Unbound::NotOurs);
        }
        let name = name(path).map_err(|_| Unbound::Unavailable)?;
        match instance(&name, true) {
            Ok(next) => Ok(Self { name, next }),
            Err(fault) if is(&fault, ERROR_ACCESS_DENIED) => Err(Unbound::NotOurs),
            Err(_) => Err(Unbound::Unavailable),
        }
    }

    /// The next connection. The pipe admits this account alone, so none comes from another.
    ///
    /// # Errors
    /// The system's.
    pub async fn accept(&mut self) -> io::Result<Option<Server>> {
        self.next.connect().await?;
        // Made before the other is handed out: there is always one to find.
        let fresh = instance(&self.name, false)?;
        Ok(Some(std::mem::replace(&mut self.next, fresh)))
    }
}

/// One end, owned by this account, for this account on this machine.
fn instance(name: &OsString, is_first: bool) -> io::Result<NamedPipeServer> {
    let me = windows::account()?;
    windows::with_attributes(&format!("O:{me}D:P(A;;FA;;;{me})"), |attributes| {
        let mut options = ServerOptions::new();
        options
            .first_pipe_instance(is_first)
            .reject_remote_clients(true);
        // SAFETY: the attributes are a valid SECURITY_ATTRIBUTES for the length of the call.
        unsafe { options.create_with_security_attributes_raw(name, attributes) }
    })
}

/// Connects, without waiting for more than a free place.
///
/// # Errors
/// The system's: `NotFound` where nobody listens.
pub async fn connect(path: &Path) -> io::Result<Client> {
    let name = name(path)?;
    let mut looks = LOOKS;
    loop {
        // The other end may ask who this is, and not act as it: that is what the options begin with.
        match ClientOptions::new().open(&name) {
            Err(fault) if is(&fault, ERROR_PIPE_BUSY) && looks > 0 => {
                looks -= 1;
                tokio::time::sleep(LOOK).await;
            }
            opened => return opened,
        }
    }
}

/// Whether the other end of a connection runs as this account, by the owner of the pipe: whoever made it first.
#[must_use]
pub fn is_own(stream: &Client) -> bool {
    let owner = windows::description(stream).ok().and_then(|text| {
        let (owner, _) = text.strip_prefix("O:")?.split_once("D:")?;
        Some(owner.to_owned())
    });
    owner.is_some_and(|owner| windows::account().is_ok_and(|me| me == owner))
}

/// From the folder as the system itself writes it, so that it does not matter how it was typed.
fn name(path: &Path) -> io::Result<OsString> {
    let (Some(folder), Some(file)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    };
    let folder = std::fs::canonicalize(folder)?;
    let mut name = String::from(r"\\.\pipe\withheld-");
    let mut digest = Sha256::new();
    for unit in folder.join(file).as_os_str().encode_wide() {
        digest.update(unit.to_le_bytes());
    }
    for byte in digest.finalize() {
        let _ = write!(name, "{byte:02x}");
    }
    Ok(name.into())
}

fn is(fault: &io::Error, code: u32) -> bool {
    fault.raw_os_error() == Some(code.cast_signed())
}
