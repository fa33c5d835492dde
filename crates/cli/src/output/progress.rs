//! That something is still under way: a line on stderr that goes again, on a terminal only.

use std::io::{IsTerminal as _, Write as _};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Output;

/// What is faster than this says nothing.
const QUIET: Duration = Duration::from_secs(1);

/// A line that stands while this lives.
pub(crate) struct Progress(Option<(Sender<()>, JoinHandle<()>)>);

impl Output {
    /// Says what is under way, and for how long, until what is returned is dropped.
    pub(crate) fn progress(self, what: &'static str) -> Progress {
        let is_seen = !self.json && std::io::stderr().is_terminal();
        Progress(is_seen.then(|| shown(what)))
    }
}

fn shown(what: &'static str) -> (Sender<()>, JoinHandle<()>) {
    let (over, is_over) = channel();
    let shown = std::thread::spawn(move || {
        let since = Instant::now();
        let mut stderr = std::io::stderr();
        let mut is_written = false;
        while is_over.recv_timeout(QUIET) == Err(RecvTimeoutError::Timeout) {
            // A stderr that is gone is no reason to stop.
            let _ = write!(stderr, "\r{}", line(what, since.elapsed()));
            let _ = stderr.flush();
            is_written = true;
        }
        if is_written {
            let _ = write!(stderr, "\r\u{1b}[K");
        }
    });
    (over, shown)
}

fn line(what: &str, since: Duration) -> String {
    format!("{what} … {} s", since.as_secs())
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((over, shown)) = self.0.take() {
            drop(over);
            // The line is gone before anything else is written.
            let _ = shown.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_and_for_how_long() {
        let line = line("Pulling from the team", Duration::from_millis(2_500));
        assert_eq!(line, "Pulling from the team … 2 s");
    }

    #[test]
    fn a_program_that_reads_sees_none() {
        assert!(Output::new(true, false).progress("x").0.is_none());
    }
}
