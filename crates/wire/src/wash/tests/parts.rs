//! What of a value is looked for on its own.

use crate::wash::parts::of;

fn parts(value: &str, public: usize) -> Vec<(String, usize)> {
    of(value.as_bytes(), public)
        .into_iter()
        .map(|part| (String::from_utf8(part.bytes.to_vec()).unwrap(), part.public))
        .collect()
}

fn names(value: &str) -> Vec<String> {
    parts(value, 0).into_iter().map(|(text, _)| text).collect()
}

#[test]
fn a_plain_value_is_one_part_with_its_prefix() {
    assert_eq!(
        parts("sk_live_0123456789abcdef", 8),
        [("sk_live_0123456789abcdef".into(), 8)]
    );
}

#[test]
fn a_pair_is_looked_for_whole_and_in_halves() {
    assert_eq!(
        names("operator:s3cret-pass"),
        ["operator:s3cret-pass", "operator", "s3cret-pass"]
    );
    assert_eq!(
        names("user:s3cret-pass"),
        ["user:s3cret-pass", "s3cret-pass"]
    );
}

#[test]
fn an_address_gives_its_password_and_not_its_scheme() {
    assert_eq!(
        names("postgres://u:s3cret-pass@db.example.com/x"),
        ["postgres://u:s3cret-pass@db.example.com/x", "s3cret-pass"]
    );
}

#[test]
fn json_gives_its_strings_written_and_read() {
    assert_eq!(
        names(
            r#"{"key_name_long": "val\"ue-one", "n": 3, "uri": "https://example.com/token", "l": ["value-two"]}"#
        ),
        ["val\\\"ue-one", "val\"ue-one", "value-two"]
    );
}

#[test]
fn json_without_a_long_string_is_one_part() {
    assert_eq!(
        names(r#"{"a":"b","c":12345}"#).first().unwrap(),
        r#"{"a":"b","c":12345}"#
    );
}

#[test]
fn pem_gives_its_body_and_its_lines_without_armour() {
    let pem =
        "-----BEGIN PRIVATE KEY-----\nAAAABBBBCCCCDDDDEEEE\nFFFF\n-----END PRIVATE KEY-----\n";
    assert_eq!(
        names(pem),
        ["AAAABBBBCCCCDDDDEEEE\nFFFF", "AAAABBBBCCCCDDDDEEEE"]
    );
    let one_line = pem.replace('\n', "\\n");
    assert_eq!(
        names(&one_line),
        ["AAAABBBBCCCCDDDDEEEE\\nFFFF", "AAAABBBBCCCCDDDDEEEE"]
    );
}

#[test]
fn the_head_of_a_web_token_is_public() {
    assert_eq!(parts("eyJhbGciOiJ9.payload.signature", 0)[0].1, 13);
}

#[test]
fn a_prefix_with_little_behind_it_is_looked_for_with_the_rest() {
    assert_eq!(parts("sk_live_q7ZpR4vN1xW8dT", 8)[0].1, 0);
    assert_eq!(parts("sk_live_q7ZpR4vN1xW8dTj", 8)[0].1, 8);
    assert_eq!(parts("sk_q7ZpR4vN1", 3)[0].1, 3, "whole or not at all");
}

#[test]
fn an_address_in_json_is_public_up_to_a_key_in_its_path() {
    let hook = "https://hooks.slack.com/services/T01234567/B01234567/q7ZpR4vN1xW8dTjH2mLs0FyB";
    let key = hook.rfind('/').unwrap() + 1;
    assert_eq!(
        parts(&format!(r#"{{"hook": "{hook}"}}"#), 0),
        [(hook.into(), key)]
    );
    let written = hook.replace('/', "\\/");
    assert_eq!(
        parts(&format!(r#"{{"hook": "{written}"}}"#), 0)[1],
        (hook.into(), key)
    );
    assert_eq!(
        names(r#"["https://example.com/x#token=q7ZpR4vN1xW8dTjH2mLs0FyB", "a-long-string"]"#).len(),
        2
    );
}

#[test]
fn json_gives_its_long_numbers() {
    assert_eq!(
        names(
            r#"{"a": -12345678, "b": [1234567, 90123456.5], "c": "a-long-string", "d": 4111111111111111}"#
        ),
        [
            "12345678",
            "90123456.5",
            "a-long-string",
            "4111111111111111"
        ]
    );
}

#[test]
fn pem_gives_the_text_round_its_blocks() {
    let pem =
        "-----BEGIN RSA PRIVATE KEY-----\nAAAABBBBCCCCDDDDEEEE\n-----END RSA PRIVATE KEY-----";
    let cert = "-----BEGIN CERTIFICATE-----\nPPPPQQQQRRRRSSSSTTTT\n-----END CERTIFICATE-----";
    assert_eq!(
        names(&format!(
            "passphrase: one two\n{pem}\nbetween them\n{cert}\nshort\nbehind it\n"
        )),
        [
            "AAAABBBBCCCCDDDDEEEE",
            "passphrase: one two",
            "between them",
            "short\nbehind it",
            "behind it",
        ]
    );
}
