use super::*;
use crate::tests::Authority;
use crate::tests::folder;

#[test]
fn a_set_of_roots_is_made_into_one_configuration_once() {
    let (tls, one, two) = (
        Tls::default(),
        Authority::new().pem(),
        Authority::new().pem(),
    );
    let number = |ca: Option<&str>| tls.trust(ca).expect("trusted").number;
    let numbers = [
        number(Some(&one)),
        number(Some(&two)),
        number(Some(&one)),
        number(Some(&two)),
    ];
    assert_eq!(numbers, [0, 1, 0, 1]);
    let again = |ca: &str| Arc::as_ptr(&tls.trust(Some(ca)).expect("trusted").config);
    assert_eq!(again(&one), again(&one));
    assert_ne!(again(&one), again(&two));
}

#[test]
fn http_1_1_is_spoken_and_nothing_is_logged() {
    let trust = Tls::default()
        .trust(Some(&Authority::new().pem()))
        .expect("trusted");
    assert_eq!(trust.config.alpn_protocols, [b"http/1.1"]);
    assert!(!trust.config.key_log.will_log("CLIENT_RANDOM"));
}

#[cfg(target_os = "linux")]
#[test]
fn h20_the_first_bundle_that_holds_a_root_counts_and_none_is_a_refusal() {
    let folder = folder();
    std::fs::create_dir(&folder).expect("made");
    let path = |name: &str| folder.join(name).to_str().expect("text").to_owned();
    let (missing, blank, one, two) = (path("missing"), path("blank"), path("one"), path("two"));
    std::fs::write(&blank, "no certificate\n").expect("written");
    std::fs::write(&one, Authority::new().pem()).expect("written");
    std::fs::write(&two, Authority::new().pem() + &Authority::new().pem()).expect("written");
    let count = |paths: &[&str]| {
        system_roots(paths)
            .map(|roots| roots.len())
            .map_err(|refusal| refusal.code)
    };
    let counts = [
        count(&[&missing, &blank, &one, &two]),
        count(&[&two, &one]),
        count(&[&missing, &blank]),
    ];
    std::fs::remove_dir_all(&folder).expect("removed");
    assert_eq!(counts, [Ok(1), Ok(2), Err(Code::UpstreamUntrusted)]);
    assert!(BUNDLES.iter().all(|path| path.starts_with("/etc/")));
}
