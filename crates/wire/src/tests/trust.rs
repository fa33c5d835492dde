//! H19, H20, H24: who is believed to be the upstream, and what reaches one that is not.

use std::time::Duration;

use rcgen::{CertificateParams, date_time_ymd};
use withheld_core::Code;

use super::house::{bound, folder, get, house, house_with, strict_house};
use super::upstream::{Answer, Authority, Upstream};
use crate::{LIMITS, Limits};

const VALUE: &str = "whCANARY4f6a1c0b9d8e7f65";

async fn code_for(
    ca: Option<String>,
    server: &Authority,
    name: &str,
    shape: impl FnOnce(&mut CertificateParams),
) -> (Option<Code>, usize) {
    let upstream = Upstream::start(Some(server.server(name, shape)), |_| Answer::ok("done")).await;
    let port = upstream.address.port();
    let house = house(vec![bound(
        "API_KEY",
        VALUE,
        ("api.test", port),
        "bearer",
        ca,
    )]);
    let sent = house
        .send(get(format!("https://api.test:{port}/")).named("API_KEY"))
        .await;
    (
        sent.err().map(|failed| failed.refusal.code),
        upstream.seen().len(),
    )
}

#[tokio::test]
async fn h24_only_a_good_certificate_of_the_bindings_authority_is_believed() {
    let (own, other) = (Authority::new(), Authority::new());
    let pem = Some(own.pem());
    let untrusted = (Some(Code::UpstreamUntrusted), 0);
    assert_eq!(
        code_for(pem.clone(), &own, "api.test", |_| {}).await,
        (None, 1)
    );
    assert_eq!(
        code_for(pem.clone(), &other, "api.test", |_| {}).await,
        untrusted
    );
    assert_eq!(
        code_for(pem.clone(), &own, "other.test", |_| {}).await,
        untrusted
    );
    let expired = |params: &mut CertificateParams| params.not_after = date_time_ymd(2001, 1, 1);
    assert_eq!(
        code_for(pem.clone(), &own, "api.test", expired).await,
        untrusted
    );
    let early = |params: &mut CertificateParams| params.not_before = date_time_ymd(2999, 1, 1);
    assert_eq!(code_for(pem, &own, "api.test", early).await, untrusted);
}

#[tokio::test]
async fn h19_without_a_ca_the_systems_roots_decide_and_none_knows_a_self_made_one() {
    let own = Authority::new();
    assert_eq!(
        code_for(None, &own, "api.test", |_| {}).await,
        (Some(Code::UpstreamUntrusted), 0)
    );
}

/// Runs itself in an environment that an agent could have made: a bundle that names our authority, a
/// key log, a proxy.
#[tokio::test]
async fn h20_the_environment_chooses_neither_roots_nor_proxy_nor_a_key_log() {
    let own = Authority::new();
    if let Some(bundle) = std::env::var_os("SSL_CERT_FILE")
        .filter(|path| path.to_string_lossy().contains("withheld-wire-"))
    {
        std::fs::write(bundle, own.pem()).expect("written");
        assert_eq!(
            code_for(None, &own, "api.test", |_| {}).await,
            (Some(Code::UpstreamUntrusted), 0)
        );
        assert_eq!(
            code_for(Some(own.pem()), &own, "api.test", |_| {}).await,
            (None, 1)
        );
        return;
    }
    let folder = folder();
    std::fs::create_dir(&folder).expect("made");
    let done = std::process::Command::new(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "tests::trust::h20_the_environment_chooses_neither_roots_nor_proxy_nor_a_key_log",
        ])
        .env("SSL_CERT_FILE", folder.join("bundle.pem"))
        .env("SSL_CERT_DIR", &folder)
        .env("SSLKEYLOGFILE", folder.join("keys"))
        .envs([
            ("HTTPS_PROXY", "http://127.0.0.1:9"),
            ("ALL_PROXY", "http://127.0.0.1:9"),
        ])
        .output()
        .expect("runs");
    let (bundle, keys) = (
        folder.join("bundle.pem").exists(),
        folder.join("keys").exists(),
    );
    std::fs::remove_dir_all(&folder).expect("removed");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stdout)
    );
    assert!(bundle && !keys);
}

#[tokio::test]
async fn certificates_that_cannot_be_read_are_trusted_by_nobody() {
    let own = Authority::new();
    for ca in [
        "",
        "nonsense",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        assert_eq!(
            code_for(Some(ca.to_owned()), &own, "api.test", |_| {}).await,
            (Some(Code::UpstreamUntrusted), 0)
        );
    }
}

#[tokio::test]
async fn bindings_of_one_request_must_trust_alike() {
    let own = Authority::new();
    let upstream =
        Upstream::start(Some(own.server("api.test", |_| {})), |_| Answer::ok("done")).await;
    let to = ("api.test", upstream.address.port());
    let house = house(vec![
        bound("KEY_A", VALUE, to, "bearer", Some(own.pem())),
        bound("KEY_B", VALUE, to, "header:X-B", None),
    ]);
    let fails = house
        .fails(
            get(format!("https://api.test:{}/", to.1))
                .named("KEY_A")
                .named("KEY_B"),
        )
        .await;
    assert_eq!(fails, (Code::UpstreamUntrusted, false));
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn a_port_that_does_not_speak_tls_gets_no_credential() {
    let upstream = Upstream::start(None, |_| Answer::ok("done")).await;
    let port = upstream.address.port();
    let own = Authority::new();
    let secret = bound(
        "API_KEY",
        VALUE,
        ("api.test", port),
        "bearer",
        Some(own.pem()),
    );
    // It waits for the end of a head in what is a handshake.
    let house = house_with(
        vec![secret],
        Limits {
            handshake: Duration::from_millis(50),
            ..LIMITS
        },
    );
    assert_eq!(
        house
            .fails(get(format!("https://api.test:{port}/")).named("API_KEY"))
            .await,
        (Code::UpstreamTimeout, false)
    );
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn a_binding_without_private_does_not_reach_this_machine() {
    let own = Authority::new();
    let upstream =
        Upstream::start(Some(own.server("api.test", |_| {})), |_| Answer::ok("done")).await;
    let port = upstream.address.port();
    let secret = bound(
        "API_KEY",
        VALUE,
        ("api.test", port),
        "bearer",
        Some(own.pem()),
    )
    .with(|terms| terms.private = false);
    let house = strict_house(vec![secret], &[("free.test", port)]);
    assert_eq!(
        house
            .fails(get(format!("https://api.test:{port}/")).named("API_KEY"))
            .await,
        (Code::UpstreamAddressRefused, false)
    );
    // Nor does a host that is only allowed.
    assert_eq!(
        house.fails(get(format!("https://free.test:{port}/"))).await,
        (Code::UpstreamAddressRefused, false)
    );
    assert_eq!(upstream.record.lock().expect("a lock").accepted, 0);
}
