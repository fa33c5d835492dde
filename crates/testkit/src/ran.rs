//! A command under test, and what came of it. Everything it prints is kept for the oracle.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

/// Captured bytes, and where they came from.
#[derive(Default)]
pub(crate) struct Notes(Mutex<Vec<(String, Vec<u8>)>>);

impl Notes {
    pub(crate) fn saw(&self, place: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        let bytes = bytes.into();
        if !bytes.is_empty() {
            self.0.lock().unwrap().push((place.into(), bytes));
        }
    }

    pub(crate) fn take(&self) -> Vec<(String, Vec<u8>)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A command that is not started yet.
pub struct Command {
    inner: std::process::Command,
    shown: String,
    stdin: Vec<u8>,
    notes: Arc<Notes>,
}

impl Command {
    pub(crate) fn new(inner: std::process::Command, shown: String, notes: Arc<Notes>) -> Self {
        Self {
            inner,
            shown,
            stdin: Vec::new(),
            notes,
        }
    }

    /// What stands on its standard input.
    #[must_use]
    pub fn typing(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// One more variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.inner.env(name, value);
        self
    }

    /// One variable less.
    #[must_use]
    pub fn without(mut self, name: impl AsRef<OsStr>) -> Self {
        self.inner.env_remove(name);
        self
    }

    /// The folder it runs in.
    #[must_use]
    pub fn within(mut self, folder: &Path) -> Self {
        self.inner.current_dir(folder);
        self
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.shown.push(' ');
        self.shown.push_str(&argument.as_ref().to_string_lossy());
        self.inner.arg(argument);
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args(self, arguments: &[&str]) -> Self {
        arguments.iter().fold(self, Self::arg)
    }

    /// Starts it, and leaves it running with its streams as pipes.
    ///
    /// # Panics
    /// When it does not start.
    pub fn spawn(mut self) -> Child {
        self.inner
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("`{}` did not start: {error}", self.shown))
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When it does not start.
    pub fn run(mut self) -> Ran {
        let (shown, notes) = (self.shown.clone(), Arc::clone(&self.notes));
        let stdin = std::mem::take(&mut self.stdin);
        let mut child = self.spawn();
        let mut pipe = child.stdin.take().expect("a pipe");
        let writer = std::thread::spawn(move || {
            // A command need not read what it is given.
            drop(pipe.write_all(&stdin));
        });
        let output = child.wait_with_output().expect("its output");
        writer.join().expect("the writer ends");
        notes.saw(format!("stdout of `{shown}`"), output.stdout.clone());
        notes.saw(format!("stderr of `{shown}`"), output.stderr.clone());
        Ran {
            shown,
            code: output.status.code(),
            stdout: output.stdout,
            stderr: output.stderr,
        }
    }

    /// Runs it, and asserts that it exits with 0.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn succeeds(self) -> Ran {
        self.run().exits(0)
    }

    /// Runs it, and asserts its exit status and the form of its failure.
    ///
    /// # Panics
    /// When it ends otherwise, or says no `error:` and `hint:`, in text or as a document.
    #[track_caller]
    pub fn fails(self, code: i32) -> Ran {
        let ran = self.run().exits(code);
        if ran.stderr.is_empty() {
            let error = &ran.document()["error"];
            assert!(error["code"].is_string(), "{ran}");
            assert!(error["message"].is_string(), "{ran}");
            assert!(error["hint"].is_string(), "{ran}");
        } else {
            let text = ran.errors();
            assert!(
                text.lines().any(|line| line.starts_with("error: ")),
                "{ran}"
            );
            assert!(
                text.lines().any(|line| line.starts_with("  hint: ")),
                "{ran}"
            );
        }
        ran
    }
}

/// A command that has ended.
#[derive(Debug, Clone)]
pub struct Ran {
    shown: String,
    /// Its exit status; none where a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

impl Ran {
    /// Asserts the exit status.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    pub fn errors(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// The one JSON document on standard output.
    ///
    /// # Panics
    /// When there is none, or more.
    #[track_caller]
    pub fn document(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The `data` of its document.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn data(&self) -> serde_json::Value {
        let document = self.document();
        assert!(document["data"].is_object(), "{self}");
        document["data"].clone()
    }

    /// Asserts the code of the failure that was printed with `--json`.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    pub fn says(self, code: &str) -> Self {
        assert_eq!(self.document()["error"]["code"], code, "{self}");
        assert!(self.stderr.is_empty(), "{self}");
        self
    }

    /// Asserts that it printed this, on either stream.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn prints(self, text: &str) -> Self {
        assert!(
            self.text().contains(text) || self.errors().contains(text),
            "no [{text}] in {self}"
        );
        self
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "`{}` ended with {:?}\nstdout: {}\nstderr: {}",
            self.shown,
            self.code,
            self.text(),
            self.errors()
        )
    }
}
