#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

use super::*;
use crate::test_values::Folder;

const NOW_S: i64 = 1_795_539_600; // 2026-11-24T17:00:00Z

fn now() -> Moment {
    Moment::from_ms(NOW_S * 1000)
}

/// What OpenSSL says of a leaf, at a time and for a name, trusting `authority` alone.
fn openssl_accepts(
    authority: &Authority,
    leaf: &CertifiedKey,
    flag: &str,
    host: &str,
    days: i64,
) -> bool {
    let folder = Folder::new();
    let (root, end) = (folder.path().join("root"), folder.path().join("leaf"));
    std::fs::write(&root, pem(authority.certificate())).unwrap();
    std::fs::write(&end, pem(&leaf.cert[0])).unwrap();
    let checked = Command::new("openssl")
        .args([
            "verify",
            "-x509_strict",
            "-purpose",
            "sslserver",
            flag,
            host,
        ])
        .args([
            "-attime",
            &(NOW_S + days * 86_400).to_string(),
            "-no-CApath",
            "-CAfile",
        ])
        .args([&root, &end])
        .output()
        .unwrap();
    checked.status.success()
}

fn host(written: &str) -> Host {
    Host::parse(written).unwrap()
}

#[test]
fn a_leaf_is_good_for_its_host_and_its_week() {
    let authority = Authority::generate(now()).unwrap();
    let leaf = authority.leaf(&host("api.stripe.com"), now()).unwrap();
    assert!(openssl_accepts(
        &authority,
        &leaf,
        "-verify_hostname",
        "api.stripe.com",
        0
    ));
    assert!(openssl_accepts(
        &authority,
        &leaf,
        "-verify_hostname",
        "api.stripe.com",
        6
    ));
    assert!(!openssl_accepts(
        &authority,
        &leaf,
        "-verify_hostname",
        "api.stripe.com",
        8
    ));
    assert!(!openssl_accepts(
        &authority,
        &leaf,
        "-verify_hostname",
        "api.stripe.com",
        -2
    ));
    assert!(!openssl_accepts(
        &authority,
        &leaf,
        "-verify_hostname",
        "stripe.com",
        0
    ));
    assert!(!openssl_accepts(
        &authority,
        &leaf,
        "-verify_hostname",
        "x.api.stripe.com",
        0
    ));
    let stranger = Authority::generate(now()).unwrap();
    assert!(!openssl_accepts(
        &stranger,
        &leaf,
        "-verify_hostname",
        "api.stripe.com",
        0
    ));
}

#[test]
fn addresses_and_long_names_have_leaves_too() {
    let authority = Authority::generate(now()).unwrap();
    for address in ["127.0.0.1", "::1"] {
        let leaf = authority.leaf(&host(address), now()).unwrap();
        assert!(
            openssl_accepts(&authority, &leaf, "-verify_ip", address, 0),
            "{address}"
        );
    }
    let long = format!("{}.{}.example.com", "a".repeat(60), "b".repeat(60));
    let leaf = authority.leaf(&host(&long), now()).unwrap();
    assert!(openssl_accepts(
        &authority,
        &leaf,
        "-verify_hostname",
        &long,
        0
    ));
}

#[test]
fn k09_the_authority_signs_no_authority_and_no_metadata_address() {
    let authority = Authority::generate(now()).unwrap();
    let metadata = authority.leaf(&host("169.254.169.254"), now()).unwrap();
    assert!(!openssl_accepts(
        &authority,
        &metadata,
        "-verify_ip",
        "169.254.169.254",
        0
    ));
    let folder = Folder::new();
    let file = folder.path().join("root");
    std::fs::write(&file, pem(authority.certificate())).unwrap();
    let shown = Command::new("openssl")
        .args(["x509", "-noout", "-text", "-in"])
        .arg(&file)
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("CA:TRUE, pathlen:0"), "{shown}");
    assert!(shown.contains("TLS Web Server Authentication"));
    assert!(shown.contains("Certificate Sign"));
}

#[test]
fn leaves_share_a_key_and_no_serial() {
    let authority = Authority::generate(now()).unwrap();
    let one = authority.leaf(&host("a.example.com"), now()).unwrap();
    let other = authority.leaf(&host("a.example.com"), now()).unwrap();
    assert_ne!(one.cert, other.cert);
    assert!(Arc::ptr_eq(&one.key, &other.key));
    one.keys_match().unwrap();
}

#[test]
fn a_leaf_does_not_outlive_its_authority() {
    let authority = Authority::generate(now()).unwrap();
    let late = after(now(), AUTHORITY_DAYS - 2);
    let leaf = authority.leaf(&host("a.example.com"), late).unwrap();
    assert!(openssl_accepts(
        &authority,
        &leaf,
        "-verify_hostname",
        "a.example.com",
        729
    ));
    assert!(!openssl_accepts(
        &authority,
        &leaf,
        "-verify_hostname",
        "a.example.com",
        731
    ));
    assert!(Authority::is_old(authority.ends(), after(now(), 701)));
    assert!(!Authority::is_old(authority.ends(), after(now(), 699)));
}

#[test]
fn it_comes_back_from_where_it_rests() {
    let authority = Authority::generate(now()).unwrap();
    let again = Authority::unpack(&authority.pack().unwrap(), authority.ends()).unwrap();
    assert_eq!(again.certificate(), authority.certificate());
    let leaf = again.leaf(&host("a.example.com"), now()).unwrap();
    assert!(openssl_accepts(
        &authority,
        &leaf,
        "-verify_hostname",
        "a.example.com",
        0
    ));
}
