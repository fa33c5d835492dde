//! What tells a process to end.

use std::future::Future;
use std::io;

/// Ends when the process is told to: by SIGTERM or SIGINT, or by what a console or the system says instead.
///
/// # Errors
/// When the system lets nobody listen.
#[cfg(unix)]
pub fn asked() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// As [`asked`], and when the terminal is gone.
///
/// # Errors
/// As [`asked`].
#[cfg(unix)]
pub fn asked_or_left() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = signal(SignalKind::hangup())?;
    let asked = asked()?;
    Ok(async move {
        tokio::select! {
            () = asked => {}
            _ = hangup.recv() => {}
        }
    })
}

/// Ends when the process is told to: by SIGTERM or SIGINT, or by what a console or the system says instead.
///
/// # Errors
/// When the system lets nobody listen.
#[cfg(windows)]
pub fn asked() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
    let mut interrupt = ctrl_c()?;
    let mut stopped = ctrl_break()?;
    let mut closed = ctrl_close()?;
    let mut shutdown = ctrl_shutdown()?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = stopped.recv() => {}
            _ = closed.recv() => {}
            _ = shutdown.recv() => {}
        }
    })
}

/// As [`asked`]: a console that is closed says so.
///
/// # Errors
/// As [`asked`].
#[cfg(windows)]
pub fn asked_or_left() -> io::Result<impl Future<Output = ()>> {
    asked()
}
