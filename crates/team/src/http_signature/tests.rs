use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};

use super::{
    KeyId, Request, Stamp, base, content_digest, fields, general_base, parse, verify_base,
};
use crate::Verdict;
use crate::id::{DeviceId, InviteId, Signature, VerifyKey};

/// RFC 9421, appendix B.1.4: the private and the public half of `test-key-ed25519`.
const RFC_PRIVATE: &str = "n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU";
const RFC_PUBLIC: &str = "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs";

fn key(text: &str) -> [u8; 32] {
    let bytes = URL_SAFE_NO_PAD.decode(text).expect("base64url");
    bytes.try_into().expect("32 bytes")
}

/// Their profile covers other things than ours, so only the builder and the signature are shared.
#[test]
fn the_example_of_rfc_9421_b_2_6() {
    let components = [
        ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("@method", "POST"),
        ("@path", "/foo"),
        ("@authority", "example.com"),
        ("content-type", "application/json"),
        ("content-length", "18"),
    ];
    let parameters = r#";created=1618884473;keyid="test-key-ed25519""#;
    let expected = r#""date": Tue, 20 Apr 2021 02:07:55 GMT
"@method": POST
"@path": /foo
"@authority": example.com
"content-type": application/json
"content-length": 18
"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519""#;
    let base = general_base(components, parameters);
    assert_eq!(base, expected);

    let theirs =
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==";
    let ours = SigningKey::from_bytes(&key(RFC_PRIVATE)).sign(base.as_bytes());
    assert_eq!(STANDARD.encode(ours.to_bytes()), theirs);

    let public = VerifyKey::of(key(RFC_PUBLIC));
    let signature = Signature::of(ours.to_bytes());
    assert_eq!(verify_base(&public, &base, &signature), Ok(()));
    let other = base.replace("/foo", "/fop");
    assert!(verify_base(&public, &other, &signature).is_err());
}

#[test]
fn the_digest_of_a_body_and_of_an_empty_one() {
    // Also what `openssl dgst -sha256 -binary | base64` says.
    assert_eq!(
        content_digest(br#"{"hello": "world"}"#),
        "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
    );
    assert_eq!(
        content_digest(b""),
        "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
    );
}

const INPUT: &str = r#"withheld=("@method" "@authority" "@path" "@query" "content-digest");created=1618884473;keyid="d:30313233343536373839616263646566";alg="ed25519";tag="withheld-v0""#;

fn device() -> KeyId {
    KeyId::Device(DeviceId::of(*b"0123456789abcdef"))
}

fn stamp() -> Stamp {
    Stamp {
        created: 1_618_884_473,
        key: device(),
    }
}

const DIGEST: &str = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";

fn request() -> Request<'static> {
    Request {
        method: "GET",
        authority: "post.example.com:8443",
        path: "/v1/server",
        query: "from=1&limit=2",
        digest: DIGEST,
    }
}

#[test]
fn what_is_signed_is_written_out_here() {
    let expected = r#""@method": GET
"@authority": post.example.com:8443
"@path": /v1/server
"@query": ?from=1&limit=2
"content-digest": sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:
"@signature-params": ("@method" "@authority" "@path" "@query" "content-digest");created=1618884473;keyid="d:30313233343536373839616263646566";alg="ed25519";tag="withheld-v0""#;
    assert_eq!(base(&request(), &stamp()), expected);
    let bare = Request {
        query: "",
        ..request()
    };
    assert!(
        base(&bare, &stamp()).contains("\"@query\": ?\n"),
        "RFC 9421, 2.2.7"
    );
}

/// Signs as a client does, and gives the client's key with the fields.
fn signed() -> (VerifyKey, super::Fields) {
    let key = SigningKey::from_bytes(&key(RFC_PRIVATE));
    let signature = key.sign(base(&request(), &stamp()).as_bytes());
    let fields = fields(&request(), &stamp(), &Signature::of(signature.to_bytes()));
    (VerifyKey::of(key.verifying_key().to_bytes()), fields)
}

#[test]
fn the_fields_are_read_back_and_verify() {
    let (key, fields) = signed();
    assert_eq!(fields.signature_input, INPUT);
    assert_eq!(fields.content_digest, DIGEST);
    let signed = parse(
        &fields.content_digest,
        &fields.signature_input,
        &fields.signature,
    )
    .expect("our own profile");
    assert_eq!(signed.stamp, stamp());
    assert_eq!(signed.verify(&key, &request()), Ok(()));
}

#[test]
fn nothing_that_is_covered_can_change() {
    let (key, fields) = signed();
    let read = |digest: &str, input: &str| parse(digest, input, &fields.signature);
    let signed = read(DIGEST, INPUT).expect("our own profile");
    let (sent, other) = (request(), content_digest(b"x"));
    let changed = [
        Request {
            method: "POST",
            ..sent
        },
        Request {
            authority: "post.example.com",
            ..sent
        },
        Request {
            path: "/v1/serve",
            ..sent
        },
        Request {
            query: "from=1&limit=3",
            ..sent
        },
        Request {
            digest: &other,
            ..sent
        },
    ];
    for request in changed {
        assert!(signed.verify(&key, &request).is_err(), "{request:?}");
    }
    // The digest that was sent, and the body that came, are both another than was signed.
    let replaced = read(&other, INPUT).expect("the form is right");
    let request = Request {
        digest: &other,
        ..sent
    };
    assert!(replaced.verify(&key, &request).is_err());

    for (old, new) in [
        ("=1618884473", "=1618884474"),
        ("d:30", "d:31"),
        ("d:", "i:"),
    ] {
        let signed = read(DIGEST, &INPUT.replace(old, new)).expect("the form is right");
        assert!(signed.verify(&key, &sent).is_err(), "{new}");
    }
    let stranger = VerifyKey::of(SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes());
    assert!(signed.verify(&stranger, &sent).is_err());
}

#[test]
fn there_is_one_way_to_write_it() {
    let (_, fields) = signed();
    let refused = [
        ("withheld=", "sig1="),
        ("withheld=", " withheld="),
        ("\"@method\" \"@authority\"", "\"@authority\" \"@method\""),
        (" \"content-digest\"", ""),
        ("\"content-digest\"", "\"content-digest\" \"date\""),
        ("(\"@method\"", "(\"@method\";req"),
        ("=1618884473", "=01618884473"),
        ("=1618884473", "=+1618884473"),
        ("=1618884473", "=-1"),
        ("=1618884473", "="),
        ("=1618884473", "=99999999999999999999"),
        (";created=", "; created="),
        ("created=1618884473;", ""),
        ("d:30", "d:3"),
        ("66\"", "6F\""),
        ("d:", "x:"),
        ("d:", ""),
        (";alg=\"ed25519\"", ""),
        ("ed25519", "hmac-sha256"),
        ("withheld-v0", "withheld-v1"),
        (
            ";alg=\"ed25519\";tag=\"withheld-v0\"",
            ";tag=\"withheld-v0\";alg=\"ed25519\"",
        ),
        ("\"withheld-v0\"", "\"withheld-v0\";nonce=\"x\""),
        ("\"withheld-v0\"", "\"withheld-v0\", other=()"),
    ];
    for (old, new) in refused {
        let input = INPUT.replacen(old, new, 1);
        assert_ne!(input, INPUT, "{old}");
        let verdict = parse(DIGEST, &input, &fields.signature);
        assert!(matches!(verdict, Err(Verdict::Invalid(_))), "{input}");
    }

    let value = fields
        .signature
        .strip_prefix("withheld=:")
        .and_then(|rest| rest.strip_suffix(":"))
        .expect("its form");
    assert!(parse(DIGEST, INPUT, &format!("withheld=:{value}:")).is_ok());
    let unpadded = value.trim_end_matches('=');
    for signature in [
        format!("sig1=:{value}:"),
        format!("withheld={value}"),
        format!("withheld=:{unpadded}:"),
        format!("withheld=:{}:", &value[4..]),
        format!("withheld=:{value}:;x"),
        format!("withheld=:{value}:, other=:{value}:"),
        "withheld=::".to_owned(),
    ] {
        assert!(parse(DIGEST, INPUT, &signature).is_err(), "{signature}");
    }
}

#[test]
fn a_key_id_says_whose_key_it_is() {
    let invite = KeyId::Invite(InviteId::of([0xab; 16]));
    assert_eq!(invite.to_string(), format!("i:{}", "ab".repeat(16)));
    assert_eq!(invite.to_string().parse(), Ok(invite));
    assert_eq!(device().to_string().parse(), Ok(device()));
    assert!("d:".parse::<KeyId>().is_err());
    assert!("".parse::<KeyId>().is_err());
}

/// A key of small order signs everything; `verify_strict` takes none.
#[test]
fn a_key_of_small_order_signs_nothing() {
    let (mut identity, mut signature) = ([0; 32], [0; 64]);
    identity[0] = 1;
    signature[0] = 1;
    let verdict = verify_base(&VerifyKey::of(identity), "any", &Signature::of(signature));
    assert!(verdict.is_err());
    // The lenient equation holds: without strictness this would be a signature under every text.
    let key = ed25519_dalek::VerifyingKey::from_bytes(&identity).expect("a point");
    let lenient = ed25519_dalek::Verifier::verify(
        &key,
        b"any",
        &ed25519_dalek::Signature::from_bytes(&signature),
    );
    assert!(lenient.is_ok());
}
