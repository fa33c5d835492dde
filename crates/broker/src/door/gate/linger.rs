//! Closing so that the last reply arrives: a socket that is closed with bytes unread is reset, and a
//! reset throws away what the client has not read yet. So what still comes is read and thrown away for
//! a moment (RFC 9112, section 9.6).

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long, and how many bytes.
const PATIENCE: Duration = Duration::from_secs(1);
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The end of one connection.
#[derive(Default)]
pub(super) struct Linger {
    is_shut: bool,
    read: usize,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Linger {
    /// Ends our half, then waits for the client's.
    pub(super) fn poll<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        io: &mut S,
        room: &mut [u8],
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.is_shut {
            ready!(Pin::new(&mut *io).poll_shutdown(cx))?;
            self.is_shut = true;
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        while self.read < MOST_BYTES && timer.as_mut().poll(cx).is_pending() {
            let mut read = ReadBuf::new(&mut *room);
            let came = ready!(Pin::new(&mut *io).poll_read(cx, &mut read));
            // How the client ends is its own affair.
            if came.is_err() || read.filled().is_empty() {
                break;
            }
            self.read += read.filled().len();
        }
        Poll::Ready(Ok(()))
    }
}
