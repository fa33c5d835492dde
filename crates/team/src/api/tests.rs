use serde_json::{from_str, from_value, json, to_value};

use super::{
    Blob, Bundle, CommitParts, EntryJson, EnvHead, Get, Heads, Limits, Part, Position, Problem,
    ProblemCode, RecordParts, Snapshot,
};
use crate::id::{EnvId, Hash, RecordId};

const ENV: EnvId = EnvId::of([0x0a; 16]);
const RID: RecordId = RecordId::of([0x0b; 16]);
const HASH: Hash = Hash::of([0x0c; 32]);

#[test]
fn bytes_are_base64url_without_padding() {
    let blob = Blob(vec![0xfb, 0xff, 0x00, 0x01]);
    assert_eq!(to_value(&blob).expect("JSON"), json!("-_8AAQ"));
    assert_eq!(from_str::<Blob>("\"-_8AAQ\"").expect("a blob"), blob);
    assert_eq!(from_str::<Blob>("\"\"").expect("empty"), Blob(vec![]));
    // The other alphabet, padding, a space, and bits after the end.
    for other in ["+/8AAQ", "-_8AAQ==", "-_8A AQ", "-_8AAR"] {
        assert!(
            from_str::<Blob>(&format!("\"{other}\"")).is_err(),
            "{other}"
        );
    }
}

#[test]
fn a_bundle_as_it_travels() {
    let bundle = Bundle {
        links: vec![Blob(vec![1])],
        envelopes: vec![Blob(vec![2])],
        commits: vec![CommitParts {
            env: ENV,
            commit: Blob(vec![3]),
            records: vec![RecordParts {
                record: Blob(vec![4]),
                meta: Some(Blob(vec![5])),
                value: None,
            }],
            slots: vec![Blob(vec![6])],
        }],
    };
    let expected = json!({
        "links": ["AQ"],
        "envelopes": ["Ag"],
        "commits": [{
            "env": "0a".repeat(16),
            "commit": "Aw",
            "records": [{"record": "BA", "meta": "BQ"}],
            "slots": ["Bg"],
        }],
    });
    assert_eq!(to_value(&bundle).expect("JSON"), expected);
    assert_eq!(from_value::<Bundle>(expected).expect("a bundle"), bundle);
    assert_eq!(
        from_value::<Bundle>(json!({})).expect("empty"),
        Bundle::default()
    );
}

#[test]
fn what_is_read_as_it_travels() {
    let heads = Heads {
        w: Position { seq: 2, hash: HASH },
        envs: vec![EnvHead {
            env: ENV,
            seq: 0,
            hash: HASH,
        }],
        rev: 7,
    };
    let expected = json!({
        "w": {"seq": 2, "hash": "0c".repeat(32)},
        "envs": [{"env": "0a".repeat(16), "seq": 0, "hash": "0c".repeat(32)}],
        "rev": 7,
    });
    assert_eq!(to_value(&heads).expect("JSON"), expected);

    let get = Get {
        ids: vec![(RID, 3)],
        parts: vec![Part::Meta, Part::Value, Part::Slot],
    };
    let expected = json!({"ids": [["0b".repeat(16), 3]], "parts": ["meta", "value", "slot"]});
    assert_eq!(
        from_value::<Get>(expected.clone()).expect("a question"),
        get
    );
    assert_eq!(to_value(&get).expect("JSON"), expected);

    let snapshot = Snapshot {
        commit: None,
        entries: vec![EntryJson {
            rid: RID,
            ver: 1,
            record: HASH,
            slot: None,
        }],
        next: Some(RID),
    };
    let expected = json!({
        "commit": null,
        "entries": [{"rid": "0b".repeat(16), "ver": 1, "record": "0c".repeat(32), "slot": null}],
        "next": "0b".repeat(16),
    });
    assert_eq!(to_value(&snapshot).expect("JSON"), expected);
}

#[test]
fn a_problem_as_it_travels() {
    let problem = Problem {
        kind: "about:blank".into(),
        title: "Conflict".into(),
        status: 409,
        code: ProblemCode::Conflict,
        detail: "fetch and try again".into(),
        heads: None,
        seq: None,
    };
    let expected = json!({
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "code": "conflict",
        "detail": "fetch and try again",
    });
    assert_eq!(to_value(&problem).expect("JSON"), expected);
    assert_eq!(from_value::<Problem>(expected).expect("a problem"), problem);
}

#[test]
fn a_code_is_written_as_it_says() {
    for code in ProblemCode::ALL {
        assert_eq!(to_value(code).expect("JSON"), json!(code.as_str()));
        assert!((400..600).contains(&code.status()));
    }
    assert_eq!(ProblemCode::Leased.status(), 423);
    assert_eq!(ProblemCode::NotFound.as_str(), "not_found");
}

/// The figures of the protocol's page.
#[test]
fn a_server_accepts_this_much_unless_told_otherwise() {
    let limits = Limits::default();
    assert_eq!(limits.body, 8_388_608);
    assert_eq!((limits.link, limits.record), (65_536, 65_536));
    assert_eq!((limits.changes, limits.secrets), (1_000, 20_000));
    assert_eq!(limits.entries, 80_000);
    assert_eq!(
        (limits.environments, limits.devices, limits.invites),
        (500, 2_000, 20)
    );
}
