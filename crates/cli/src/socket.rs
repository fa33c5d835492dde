//! The client of the broker's two sockets. Nothing is sent before the other end is known to be a
//! process of this user; nothing waits longer than a limit, and the error says what was waited for.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde_json::Value;
use tokio::runtime::Runtime;
use withheld_core::api::{API_PATH, ERROR_HEADER, SESSION_HEADER};
use withheld_core::{Code, Refusal, SessionToken, text};
use withheld_system::socket::{Client, connect, is_own};
use withheld_vault::home::Home;

use crate::environment::Token;
use crate::failure::{Failure, Refused};
use crate::output::Outcome;

/// How long the broker may take to accept, and to answer what needs nothing but its memory.
pub(crate) const ANSWER: Duration = Duration::from_secs(5);
/// How long an act of the owner may take: a passphrase is opened and a keychain is waited for,
/// each with a limit of its own below this one.
pub(crate) const ACT: Duration = Duration::from_secs(60);
/// The largest answer, in bytes.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// One of the two sockets.
pub(crate) struct Socket {
    path: PathBuf,
    /// What to type where no broker answers.
    when_down: &'static str,
    session: Option<SessionToken>,
    runtime: Runtime,
}

impl Socket {
    /// The owner's socket.
    ///
    /// # Errors
    /// `internal` where the runtime cannot be made.
    pub(crate) fn owner(home: &Home) -> Outcome<Self> {
        Self::at(home.owner_sock(), "start it: withheld unlock", None)
    }

    /// The agents' socket; with the session's token, where there is one.
    ///
    /// # Errors
    /// `unknown_caller` where that is no token; `internal` where the runtime cannot be made.
    pub(crate) fn agent(home: &Home, session: Option<&Token>) -> Outcome<Self> {
        let read = |token: &Token| SessionToken::parse(token.as_str()).ok_or_else(no_token);
        Self::at(
            home.agent_sock(),
            "the owner starts it: withheld unlock",
            session.map(read).transpose()?,
        )
    }

    fn at(path: PathBuf, when_down: &'static str, session: Option<SessionToken>) -> Outcome<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|_| {
                Refusal::new(
                    Code::Internal,
                    "the command could not make what it waits with",
                    "see what this user may open: ulimit -n",
                )
            })?;
        Ok(Self {
            path,
            when_down,
            session,
            runtime,
        })
    }

    /// Whether anything listens there. What does may still be silent, or not ours.
    pub(crate) fn is_there(&self) -> bool {
        match self.run(connect(&self.path)) {
            Ok(_) => true,
            Err(error) => !is_nobody(&error),
        }
    }

    /// Asks one thing and returns the `data` of the answer.
    ///
    /// # Errors
    /// What the broker refused, `broker_down`, or `config_invalid` for a socket that is not ours.
    pub(crate) fn ask(&self, request: &impl Serialize, limit: Duration) -> Outcome<Value> {
        self.ask_if_there(request, limit)?
            .ok_or_else(|| self.nobody())
    }

    /// As [`Socket::ask`], with `None` where no broker runs. One that is stopped or busy is no
    /// such case: it may hold an open vault.
    ///
    /// # Errors
    /// As [`Socket::ask`]; `broker_down` where a broker listens and does not answer.
    pub(crate) fn ask_if_there(
        &self,
        request: &impl Serialize,
        limit: Duration,
    ) -> Outcome<Option<Value>> {
        let body = serde_json::to_vec(request).map_err(|_| unreadable())?;
        let request = self
            .request("POST", API_PATH)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| unreadable())?;
        self.run(self.answer(request, limit))
    }

    async fn answer(
        &self,
        request: http::Request<Full<Bytes>>,
        limit: Duration,
    ) -> Outcome<Option<Value>> {
        let answer = async {
            match self.connected().await? {
                None => Ok(None),
                Some(stream) => read(self.over(stream, request).await?).await.map(Some),
            }
        };
        match tokio::time::timeout(limit, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(Self::silent(limit)),
        }
    }

    /// A request that carries the session's token, where there is one.
    pub(crate) fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let mut request = http::Request::builder()
            .method(method)
            .uri(path)
            .header(http::header::HOST, "localhost");
        if let Some(token) = &self.session {
            request = request.header(SESSION_HEADER, token.as_str());
        }
        request
    }

    /// Runs what waits.
    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Sends a request over a connection of its own and returns the head of the answer.
    ///
    /// # Errors
    /// `broker_down`, or `config_invalid` for a socket that is not ours.
    pub(crate) async fn send(
        &self,
        request: http::Request<Full<Bytes>>,
    ) -> Outcome<http::Response<Incoming>> {
        let stream = self.connected().await?.ok_or_else(|| self.nobody())?;
        self.over(stream, request).await
    }

    /// A connection; `None` where nobody listens.
    async fn connected(&self) -> Outcome<Option<Client>> {
        match tokio::time::timeout(ANSWER, connect(&self.path)).await {
            Ok(Ok(stream)) => Ok(Some(stream)),
            Ok(Err(error)) if is_nobody(&error) => Ok(None),
            Ok(Err(error)) => Err(unconnected(&error)),
            Err(_) => Err(Self::silent(ANSWER)),
        }
    }

    async fn over(
        &self,
        stream: Client,
        request: http::Request<Full<Bytes>>,
    ) -> Outcome<http::Response<Incoming>> {
        if !is_own(&stream) {
            return Err(foreign());
        }
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|_| self.broke_off())?;
        tokio::spawn(connection);
        sender
            .send_request(request)
            .await
            .map_err(|_| self.broke_off())
    }

    fn nobody(&self) -> Failure {
        Failure::refuse(
            Code::BrokerDown,
            "no broker runs for this home",
            self.when_down,
        )
    }

    fn silent(limit: Duration) -> Failure {
        Refusal::new(
            Code::BrokerDown,
            text!("the broker did not answer within {} s", limit.as_secs()),
            "see what holds it up, or end its process and run: withheld unlock",
        )
        .into()
    }

    fn broke_off(&self) -> Failure {
        Failure::refuse(
            Code::BrokerDown,
            "the broker ended before it answered",
            self.when_down,
        )
    }
}

/// Whether an error says that nobody listens: there is no socket, or its broker has ended.
fn is_nobody(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
    )
}

fn unconnected(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::PermissionDenied => foreign(),
        io::ErrorKind::InvalidInput => Failure::refuse(
            Code::ConfigInvalid,
            "the path of the home is too long for a socket in it",
            "use a home with a shorter path: --home DIR",
        ),
        // Its queue is full: it takes no connections, or not fast enough.
        _ => Failure::refuse(
            Code::BrokerDown,
            "the broker is there and takes no connection",
            "see what holds it up, or end its process and run: withheld unlock",
        ),
    }
}

/// Reads an answer in JSON: its `data`, or the refusal in it.
///
/// # Errors
/// The refusal; `internal` where it is neither.
pub(crate) async fn read(response: http::Response<Incoming>) -> Outcome<Value> {
    let refused = response.headers().contains_key(ERROR_HEADER);
    let body = Limited::new(response.into_body(), MAX_ANSWER)
        .collect()
        .await
        .map_err(|_| {
            Failure::refuse(
                Code::BrokerDown,
                "the broker ended before it answered",
                "look at it: withheld status",
            )
        })?
        .to_bytes();
    let mut document: Value = serde_json::from_slice(&body).map_err(|_| unreadable())?;
    if refused {
        return Err(Refused::read(&document).map_or_else(unreadable, Failure::from));
    }
    match document.get_mut("data") {
        Some(data) => Ok(data.take()),
        None => Err(unreadable()),
    }
}

fn unreadable() -> Failure {
    Failure::refuse(
        Code::Internal,
        "the answer of the broker cannot be read",
        "restart it, it may be of another version: withheld daemon stop",
    )
}

fn no_token() -> Failure {
    Failure::refuse(
        Code::UnknownCaller,
        "what `WITHHELD_SESSION` holds is no token of a session",
        "ask the owner for another session: withheld proxy env --as AGENT",
    )
}

fn foreign() -> Failure {
    Failure::refuse(
        Code::ConfigInvalid,
        "the broker's socket belongs to another user",
        "find out who made it, then remove the folder `run` of the home; nothing was sent",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::net::UnixListener;

    use serde_json::json;

    use super::*;
    use crate::folder_for_tests::Folder;

    const SOON: Duration = Duration::from_millis(50);

    fn socket(path: PathBuf) -> Socket {
        Socket::at(path, "start it: withheld unlock", None).unwrap()
    }

    fn down(outcome: Outcome<Option<Value>>) -> String {
        let Failure::Refused(refused) = outcome.unwrap_err() else {
            panic!("refused");
        };
        assert_eq!(refused.code(), Code::BrokerDown);
        refused.message().to_owned()
    }

    #[test]
    fn only_a_socket_that_is_missing_or_left_behind_means_that_no_broker_runs() {
        let folder = Folder::new();
        let socket = socket(folder.path().join("sock"));
        let asked = || socket.ask_if_there(&json!({}), SOON);
        assert_eq!(asked().unwrap(), None);
        assert!(!socket.is_there());

        let listener = UnixListener::bind(folder.path().join("sock")).unwrap();
        // It listens and never answers, as one that is stopped.
        assert_eq!(down(asked()), "the broker did not answer within 0 s");
        assert!(socket.is_there());

        // Its queue is full by and by.
        rustix::net::listen(&listener, 0).unwrap();
        let mut waiting = Vec::new();
        let said = loop {
            let said = down(asked());
            if !said.contains("within") {
                break said;
            }
            waiting.push(socket.run(connect(&socket.path)));
            assert!(waiting.len() < 8, "the queue has an end");
        };
        assert_eq!(said, "the broker is there and takes no connection");
        assert!(socket.is_there());

        drop(listener);
        assert_eq!(asked().unwrap(), None);
        assert!(!socket.is_there());
    }

    #[test]
    fn a_broker_that_ends_before_it_answers_is_down() {
        let folder = Folder::new();
        let path = folder.path().join("sock");
        let listener = UnixListener::bind(&path).unwrap();
        let ended = std::thread::spawn(move || drop(listener.accept()));
        let said = down(socket(path).ask_if_there(&json!({}), ANSWER));
        ended.join().unwrap();
        assert_eq!(said, "the broker ended before it answered");
    }

    #[test]
    fn what_is_no_token_belongs_to_nobody() {
        let folder = Folder::new();
        let home = Home::at(folder.path()).unwrap();
        for held in ["whs_x", "a\nb", "\u{fffd}"] {
            let outcome = Socket::agent(&home, Some(&Token::of_session(held)));
            let code = outcome.err().and_then(|failure| failure.code());
            assert_eq!(code, Some(Code::UnknownCaller), "{held}");
        }
        let token = format!("whs_{}", "A".repeat(43));
        assert!(Socket::agent(&home, Some(&Token::of_session(&token))).is_ok());
    }
}
