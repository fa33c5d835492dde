//! One call on the owner's socket, and what binds a passphrase to it: sealed for one call, it is good
//! for no other and for no second time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{ApiFault, Deposit, OwnerRequest};
use crate::plain::word;

/// The bytes of a [`Nonce`].
pub const NONCE_BYTES: usize = 16;
/// What a proof is made for stands behind this, so that it is never taken for anything else.
const LABEL: &[u8] = b"withheld/owner-proof/1";

word! {
    /// What the broker gives out for one proof: 16 random bytes, in base64.
    Nonce, ApiFault, nonce
}

fn nonce(written: &str) -> Result<String, ApiFault> {
    match STANDARD.decode(written) {
        Ok(bytes) if bytes.len() == NONCE_BYTES => Ok(written.to_owned()),
        _ => Err(ApiFault("this is no nonce of the broker")),
    }
}

impl Nonce {
    /// From bytes that the caller drew at random.
    #[must_use]
    pub fn from_bytes(random: &[u8; NONCE_BYTES]) -> Self {
        Self(STANDARD.encode(random).into())
    }
}

/// What is sent to the owner's socket.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerCall {
    /// What its passphrases were sealed with; none where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
    /// What is asked.
    pub request: OwnerRequest,
}

impl OwnerCall {
    /// A call without a passphrase.
    #[must_use]
    pub fn plain(request: OwnerRequest) -> Self {
        Self {
            nonce: None,
            request,
        }
    }
}

impl Deposit {
    /// Stands in a request where a passphrase will be. No deposit that is read is equal to it.
    #[must_use]
    pub fn to_come() -> Self {
        Self("".into())
    }
}

impl OwnerRequest {
    /// The same request with [`Deposit::to_come`] in the place of each passphrase.
    #[must_use]
    pub fn without_proof(&self) -> Self {
        let mut request = self.clone();
        for passphrase in request.passphrases().into_iter().flatten() {
            *passphrase = Deposit::to_come();
        }
        request
    }

    /// The same request with this proof; for `init`, with this first passphrase.
    #[must_use]
    pub fn with_proof(mut self, proof: Deposit) -> Self {
        if let [Some(place), _] = self.passphrases() {
            *place = proof;
        }
        self
    }

    /// What a passphrase of this request is sealed with beside the key (HPKE's `aad`): a label, the
    /// nonce, and the SHA-256 of everything else that is asked, as JSON.
    ///
    /// # Errors
    /// Where the request cannot be written as JSON, which its types rule out.
    pub fn proof_context(&self, nonce: &Nonce) -> Result<Vec<u8>, ApiFault> {
        let asked = serde_json::to_vec(&self.without_proof())
            .map_err(|_| ApiFault("this request cannot be written"))?;
        let mut context = LABEL.to_vec();
        context.extend_from_slice(nonce.as_str().as_bytes());
        context.extend_from_slice(&Sha256::digest(asked));
        Ok(context)
    }

    /// Where its passphrases stand: what proves first, then a new one.
    fn passphrases(&mut self) -> [Option<&mut Deposit>; 2] {
        match self {
            Self::Init { passphrase, .. } => [Some(passphrase), None],
            Self::ChangePassphrase { proof, new } => [Some(proof), Some(new)],
            Self::Unlock { proof }
            | Self::Store { proof, .. }
            | Self::Bind { proof, .. }
            | Self::Unbind { proof, .. }
            | Self::Allow { proof, .. }
            | Self::AgentAdd { proof, .. }
            | Self::AgentRm { proof, .. }
            | Self::SessionNew { proof, .. }
            | Self::Remove { proof, .. } => [Some(proof), None],
            Self::Config { proof, .. } | Self::Team { proof, .. } => [proof.as_mut(), None],
            Self::Hello | Self::Lock | Self::List { .. } | Self::Status | Self::Stop => {
                [None, None]
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const UNLOCK: [u8; 32] = [
        0xf8, 0x00, 0x57, 0x95, 0xbb, 0xe6, 0x43, 0xf4, 0xbe, 0x6f, 0xc1, 0xbb, 0x3a, 0x59, 0x59,
        0x1c, 0xe7, 0xce, 0xd4, 0xfe, 0x19, 0x91, 0xa3, 0x8b, 0x86, 0x5c, 0x36, 0xb6, 0x3c, 0x04,
        0x7c, 0x4b,
    ];

    fn read(request: &Value) -> OwnerRequest {
        serde_json::from_value(request.clone()).unwrap()
    }

    /// One of each that carries a passphrase, and where.
    fn requests() -> Vec<(Value, &'static [&'static str])> {
        let draft = json!([{"host": "API.test", "port": 443, "place": "bearer", "methods": ["POST", "GET"]}]);
        let record = json!({
            "agent": "claude", "workspace": "local", "environment": "dev", "grants": ["A_*"],
            "hosts": [{"host": "pkg.test"}], "ttl_s": 60, "rate": "60/m",
        });
        let proof = &["proof"][..];
        vec![
            (
                json!({"do": "init", "vault": "file", "auto_unlock": false, "passphrase": "AAAA"}),
                &["passphrase"],
            ),
            (json!({"do": "unlock", "proof": "AAAA"}), proof),
            (
                json!({"do": "change_passphrase", "proof": "AAAA", "new": "BBBB"}),
                &["proof", "new"],
            ),
            (
                json!({"do": "store", "environment": "dev", "proof": "AAAA",
                "items": [{"name": "A_KEY", "value": "CCCC", "bindings": draft}]}),
                proof,
            ),
            (
                json!({"do": "bind", "environment": "dev", "names": ["A_KEY"], "bindings": draft, "proof": "AAAA"}),
                proof,
            ),
            (
                json!({"do": "unbind", "environment": "dev", "names": ["A_KEY"], "host": "api.test", "proof": "AAAA"}),
                proof,
            ),
            (
                json!({"do": "allow", "hosts": [{"host": "a.test"}], "agent": null, "remove": false, "proof": "AAAA"}),
                proof,
            ),
            (
                json!({"do": "agent_add", "record": record, "proof": "AAAA"}),
                proof,
            ),
            (
                json!({"do": "agent_rm", "agent": "claude", "proof": "AAAA"}),
                proof,
            ),
            (
                json!({"do": "session_new", "agent": "claude", "proof": "AAAA"}),
                proof,
            ),
            (
                json!({"do": "remove", "environment": "dev", "names": ["A_KEY"], "proof": "AAAA"}),
                proof,
            ),
            (
                json!({"do": "config", "key": "listen", "value": "127.0.0.1:1", "proof": "AAAA"}),
                proof,
            ),
        ]
    }

    #[test]
    fn only_the_passphrases_are_taken_out() {
        for (written, places) in requests() {
            let request = read(&written);
            let mut expected = json!(request);
            for place in places {
                assert!(expected[place].is_string(), "{written}");
                expected[place] = json!("");
            }
            assert_eq!(json!(request.without_proof()), expected);
        }
    }

    #[test]
    fn both_ends_see_the_same_context_whatever_the_proof_is() {
        let nonce = Nonce::from_bytes(&[7; NONCE_BYTES]);
        for (written, _) in requests() {
            let asked = read(&written).without_proof();
            let sent = asked.clone().with_proof(Deposit::parse("DDDD").unwrap());
            let line = serde_json::to_string(&OwnerCall {
                nonce: Some(nonce.clone()),
                request: sent,
            });
            // The new passphrase of a change is put in by whoever asks for it.
            let line = line.unwrap().replace("\"new\":\"\"", "\"new\":\"EEEE\"");
            let got: OwnerCall = serde_json::from_str(&line).unwrap();
            assert_eq!(
                got.request.proof_context(got.nonce.as_ref().unwrap()),
                asked.proof_context(&nonce),
                "{written}"
            );
        }
    }

    #[test]
    fn a_context_is_of_one_request_and_one_nonce() {
        let context = |request: &Value, nonce: &[u8; NONCE_BYTES]| {
            read(request)
                .proof_context(&Nonce::from_bytes(nonce))
                .unwrap()
        };
        let unlock = json!({"do": "unlock", "proof": "AAAA"});
        // Made with: printf '{"do":"unlock","proof":""}' | sha256sum
        let mut expected = b"withheld/owner-proof/1BwcHBwcHBwcHBwcHBwcHBw==".to_vec();
        expected.extend_from_slice(&UNLOCK);
        assert_eq!(context(&unlock, &[7; NONCE_BYTES]), expected);
        assert_ne!(context(&unlock, &[8; NONCE_BYTES]), expected);
        let mut all: Vec<_> = requests()
            .iter()
            .map(|(request, _)| context(request, &[7; NONCE_BYTES]))
            .collect();
        all.push(context(
            &json!({"do": "unbind", "environment": "dev", "names": ["A_KEY"], "host": "b.test", "proof": "AAAA"}),
            &[7; NONCE_BYTES],
        ));
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn a_call_has_nothing_else_beside_its_request() {
        let read = |call: Value| serde_json::from_value::<OwnerCall>(call).is_ok();
        let nonce = Nonce::from_bytes(&[7; NONCE_BYTES]);
        assert!(read(json!({"request": {"do": "hello"}})));
        assert!(read(json!({"nonce": nonce, "request": {"do": "hello"}})));
        assert!(!read(json!({"do": "hello"})));
        assert!(!read(json!({"request": {"do": "hello"}, "more": 1})));
        assert!(!read(json!({"nonce": "AAAA", "request": {"do": "hello"}})));
        assert!(!read(json!({"request": {"do": "unlock", "proof": ""}})));
        assert!(!read(
            json!({"request": {"do": "unlock", "proof": "AAAA", "more": 1}})
        ));
    }
}
