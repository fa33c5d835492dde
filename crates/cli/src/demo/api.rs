//! The API of the demo: HTTPS on a loopback port, with a certificate authority of its own. It wants
//! a key, repeats the key on one route, and notes what arrived.
//!
//! It only listens. What goes out in the demo goes out of the broker.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use withheld_core::Code;

use crate::failure::Failure;
use crate::output::Outcome;

/// The name the API's certificate is for: every system resolves it to this machine.
pub(super) const HOST: &str = "localhost";

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) path: String,
    pub(super) authorization: String,
}

/// The running API; it ends when this is dropped.
pub(super) struct Api {
    pub(super) port: u16,
    /// What a client has to trust.
    pub(super) ca_pem: String,
    service: Arc<Service>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Api {
    /// Starts it; it accepts this key and no other.
    pub(super) fn start(key: String) -> Outcome<Self> {
        let (ca_pem, tls) = certificates().ok_or_else(unstarted)?;
        let service = Arc::new(Service {
            key: Mutex::new(key),
            received: Mutex::default(),
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|_| unstarted())?;
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = runtime
            .block_on(TcpListener::bind(any_port))
            .map_err(|_| unstarted())?;
        let port = listener.local_addr().map_err(|_| unstarted())?.port();
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&service);
        let thread = std::thread::spawn(move || {
            runtime.block_on(serve(listener, TlsAcceptor::from(tls), serving, stopped));
        });
        Ok(Self {
            port,
            ca_pem,
            service,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// It accepts this key from now on, and no other.
    pub(super) fn accept(&self, key: &str) {
        key.clone_into(&mut locked(&self.service.key));
    }

    /// What arrived since the last time this was asked.
    pub(super) fn take_received(&self) -> Vec<Received> {
        std::mem::take(&mut locked(&self.service.received))
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        // Dropping the sender is the signal.
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Service {
    key: Mutex<String>,
    received: Mutex<Vec<Received>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(
    listener: TcpListener,
    tls: TlsAcceptor,
    service: Arc<Service>,
    mut stopped: oneshot::Receiver<()>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stopped => return,
        };
        if let Ok((stream, _)) = accepted {
            tokio::spawn(connection(stream, tls.clone(), Arc::clone(&service)));
        }
    }
}

/// One connection, until its client closes it; a client that breaks off is no matter here.
async fn connection(stream: TcpStream, tls: TlsAcceptor, service: Arc<Service>) {
    let Ok(stream) = tls.accept(stream).await else {
        return;
    };
    let answer = service_fn(|request| {
        let response = service.answer(&request);
        async move { Ok::<_, Infallible>(response) }
    });
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), answer)
        .await;
}

impl Service {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let authorization = request
            .headers()
            .get(AUTHORIZATION)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .unwrap_or_default();
        let path = request.uri().path().to_owned();
        let is_right = authorization == format!("Bearer {}", locked(&self.key));
        locked(&self.received).push(Received {
            path: path.clone(),
            authorization: authorization.clone(),
        });
        let (status, body) = match (is_right, path.as_str()) {
            (false, _) => (
                StatusCode::UNAUTHORIZED,
                r#"{"error":"wrong key"}"#.to_owned(),
            ),
            (true, "/v1/balance") => (StatusCode::OK, r#"{"balance":4200}"#.to_owned()),
            (true, "/v1/echo") => {
                let echo = serde_json::json!({ "you_sent": authorization });
                (StatusCode::OK, echo.to_string())
            }
            (true, _) => (
                StatusCode::NOT_FOUND,
                r#"{"error":"no such route"}"#.to_owned(),
            ),
        };
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

/// A certificate authority, and a server's certificate by it. `None` where one could not be made.
fn certificates() -> Option<(String, Arc<ServerConfig>)> {
    let mut authority = CertificateParams::new(Vec::new()).ok()?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let authority_key = KeyPair::generate().ok()?;
    let ca_pem = authority.self_signed(&authority_key).ok()?.pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().ok()?;
    let leaf = CertificateParams::new(vec![HOST.to_owned()])
        .ok()?
        .signed_by(&key, &issuer)
        .ok()?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .ok()?;
    Some((ca_pem, Arc::new(config)))
}

fn unstarted() -> Failure {
    Failure::refuse(
        Code::Internal,
        "the demo could not start an API of its own",
        "see whether this machine gives out loopback ports: withheld doctor",
    )
}
