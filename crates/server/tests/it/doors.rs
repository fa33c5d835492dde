//! The listeners.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use withheld_core::Code;
use withheld_server::{Config, Server, TlsFiles};

use crate::client::{Client, Reply, exchange};
use crate::running::Ground;
use crate::team::{Device, Team};

/// The name in the certificate.
const NAME: &str = "team.test";

struct Certificate {
    files: TlsFiles,
    roots: RootCertStore,
}

fn certificate(ground: &Ground) -> Certificate {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    let made = params.self_signed(&key).unwrap();
    let files = TlsFiles {
        cert: ground.folder.path().join("tls.pem"),
        key: ground.folder.path().join("tls.key"),
    };
    std::fs::write(&files.cert, made.pem()).unwrap();
    std::fs::write(&files.key, key.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.der().clone()).unwrap();
    Certificate { files, roots }
}

/// A connection on which both sides have agreed on keys.
fn shaken(
    client: &Client,
    roots: &RootCertStore,
) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots.clone())
        .with_no_client_auth();
    let name = ServerName::try_from(NAME).unwrap();
    let tls = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(tls, client.connect());
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

fn over_tls(
    client: &Client,
    roots: &RootCertStore,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    let mut stream = shaken(client, roots).unwrap();
    exchange(
        &mut stream,
        &client.authority,
        method,
        target,
        headers,
        body,
    )
}

#[test]
fn with_a_certificate_it_speaks_tls_only() {
    let ground = Ground::new();
    let made = certificate(&ground);
    let files = made.files.clone();
    let running = ground.start_with(|config| config.tls = Some(files));
    assert_eq!(running.facts.certificate, Some(made.files.cert.clone()));
    let mut client = running.client();
    client.authority = format!("{NAME}:{}", running.facts.api.port());
    let (team, bundle) = Team::found(Device::new(1));
    let bearer = format!("Bearer {}", ground.token());
    let body = serde_json::to_vec(&bundle).unwrap();
    let headers = [("Authorization", bearer.as_str())];
    let made_ws = over_tls(&client, &made.roots, "POST", "/v1/ws", &headers, &body);
    assert_eq!(made_ws.status, 201, "{made_ws:?}");

    let path = team.path("/heads");
    let signed = client.draft("GET", &path, b"").sign(&team.owner);
    let headers: Vec<_> = signed
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let heads = over_tls(&client, &made.roots, "GET", &path, &headers, b"");
    assert_eq!(heads.status, 200, "{heads:?}");

    let mut plain = client.connect();
    plain
        .write_all(b"GET /v1/server HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut bytes = Vec::new();
    // The end of the connection, however it comes, without an answer in HTTP.
    let _ = std::io::Read::read_to_end(&mut plain, &mut bytes);
    assert!(Reply::read(&bytes).is_none());
}

/// Over TLS nobody stands between, so nobody is believed who says so.
#[test]
fn with_a_certificate_the_address_is_the_connections() {
    let ground = Ground::new();
    let made = certificate(&ground);
    let files = made.files.clone();
    let running = ground.start_with(|config| config.tls = Some(files));
    let client = running.client();
    let ask = |address: &str| {
        let headers = [("X-Forwarded-For", address)];
        over_tls(&client, &made.roots, "POST", "/v1/ws", &headers, b"{}").status
    };
    for at in 0..20 {
        assert_eq!(ask(&format!("192.0.2.{at}")), 401);
    }
    assert_eq!(ask("192.0.2.250"), 429);
}

/// Who holds connections and says nothing does not fill the house.
#[test]
fn one_address_has_not_all_connections() {
    let ground = Ground::new();
    let made = certificate(&ground);
    let files = made.files.clone();
    let running = ground.start_with(|config| config.tls = Some(files));
    let client = running.client();
    let silent: Vec<_> = (0..128).map(|_| client.connect()).collect();
    assert!(shaken(&client, &made.roots).is_err());
    drop(silent);
    while shaken(&client, &made.roots).is_err() {}
}

#[test]
fn health_has_a_door_of_its_own() {
    let ground = Ground::new();
    let running = ground.start();
    let health = Client::new(running.health());
    for path in ["/healthz", "/readyz"] {
        let reply = health.send("GET", path, &[], b"");
        assert_eq!((reply.status, &reply.body[..]), (200, &b"ok\n"[..]));
        assert_eq!(running.client().send("GET", path, &[], b"").status, 404);
    }
    assert_eq!(health.send("GET", "/v1/server", &[], b"").status, 404);
}

#[test]
fn what_it_cannot_run_on_is_said_at_the_start() {
    let ground = Ground::new();
    let made = certificate(&ground);
    let missing = PathBuf::from("missing.pem");
    let other = KeyPair::generate().unwrap().serialize_pem();
    let other_key = ground.folder.path().join("other.key");
    std::fs::write(&other_key, other).unwrap();
    let running = ground.start();
    let start = |edit: &dyn Fn(&mut Config)| {
        let mut config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            tls: Some(made.files.clone()),
            database: ground.folder.path().join("second.db"),
            health: None,
            limits: Default::default(),
        };
        edit(&mut config);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let opened = runtime.block_on(Server::open(&config, Arc::new(|| 0), Arc::new(|_| ())));
        opened
            .err()
            .map(|refusal| (refusal.code, refusal.message.as_str().to_owned()))
    };
    let tls =
        |config: &mut Config, edit: &dyn Fn(&mut TlsFiles)| edit(config.tls.as_mut().unwrap());
    for (edit, code, message) in [
        (
            &(|it: &mut Config| tls(it, &|files| files.cert = missing.clone()))
                as &dyn Fn(&mut Config),
            Code::ConfigInvalid,
            "the TLS certificate cannot be read",
        ),
        (
            &|it| tls(it, &|files| files.key = missing.clone()),
            Code::ConfigInvalid,
            "the key of the TLS certificate cannot be read",
        ),
        (
            &|it| tls(it, &|files| files.key = other_key.clone()),
            Code::ConfigInvalid,
            "the TLS certificate and its key do not belong together",
        ),
        (
            &|it| it.listen = running.facts.api,
            Code::ConfigInvalid,
            "the address to listen on is taken, or not this machine's",
        ),
        (
            &|it| it.database = ground.folder.path().join("none/withheld.db"),
            Code::StoreUnavailable,
            "the database cannot be opened",
        ),
    ] {
        assert_eq!(start(edit), Some((code, message.to_owned())));
    }
    assert_eq!(start(&|_| ()), None);
}
