//! What every hash, signature and derived key is for: a label, then a zero byte, then the bytes. No two
//! labels are alike, so bytes that were signed as one thing are never taken for another.

use sha2::{Digest as _, Sha256};

use crate::id::Hash;

/// The purpose of a hash, a signature, a derived key, or associated data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(&'static str);

macro_rules! labels {
    ($( $(#[$meta:meta])* $name:ident $text:literal; )*) => {
        impl Label {
            $( $(#[$meta])* pub const $name: Self = Self(concat!("withheld/v0/", $text)); )*

            /// Every label.
            pub const ALL: &[Self] = &[$( Self::$name, )*];
        }
    };
}

labels! {
    /// Hash of a link of the membership chain.
    WLINK "wlink";
    /// Hash of a commit of an environment's chain.
    COMMIT "commit";
    /// Hash of a record.
    RECORD "record";
    /// Hash of a slot.
    SLOT "slot";
    /// Hash of an environment's state: its root.
    STATE "state";
    /// What stands before the first commit of an environment.
    ENV_GENESIS "env-genesis";
    /// Hash of a device's public keys; its id is the beginning.
    DEVICE_ID "device-id";
    /// Hash of a set of recipients.
    RECIPIENTS "recipients";
    /// Hash of an invitation's public key; its id is the beginning.
    INVITE_ID "invite-id";
    /// The last bytes of an invitation line, so that a cut one is seen before anything is sent.
    INVITE_CHECK "invite-check";

    /// Signature under a link.
    SIG_WLINK "sig/wlink";
    /// Signature under a commit.
    SIG_COMMIT "sig/commit";
    /// Signature under a record.
    SIG_RECORD "sig/record";
    /// Signature under an envelope.
    SIG_ENVELOPE "sig/envelope";
    /// Signature of an owner key under what a secret may be used for.
    SIG_BINDINGS "sig/bindings";

    /// The ops key of a device.
    DEVICE_OPS "device/ed25519";
    /// The key that envelopes are sealed to.
    DEVICE_KEM "device/x-wing";
    /// The key that vouches for the local copy.
    DEVICE_STATE "device/state-mac";
    /// The signing key in an invitation.
    INVITE "invite";
    /// The key of the names in an invitation; also their associated data.
    INVITE_CARD "invite/card";
    /// The public commitment to an epoch's key.
    EPOCH_COMMIT_ROOT "epoch/commit-root";
    /// The public commitment to an epoch's key for names.
    EPOCH_COMMIT_META "epoch/commit-meta";
    /// An epoch's key for names.
    EPOCH_META "epoch/meta";
    /// An epoch's key for values.
    EPOCH_VALUE "epoch/value";
    /// An epoch's key for comparing values.
    EPOCH_COMPARE "epoch/compare";
    /// An epoch's key for the epoch before.
    EPOCH_PREV "epoch/prev-wrap";
    /// The key that one part of a record is sealed with.
    DEK_KEY "dek/key";
    /// The public commitment to that key.
    DEK_COMMIT "dek/commit";

    /// HPKE info of an envelope.
    ENVELOPE "envelope";
    /// Associated data of a record's names.
    AAD_META "aad/meta";
    /// Associated data of a record's value.
    AAD_VALUE "aad/value";
    /// Associated data of a wrapped key for names.
    AAD_SLOT_META "aad/slot-meta";
    /// Associated data of a wrapped key for values.
    AAD_SLOT_VALUE "aad/slot-value";
    /// Associated data of the wrapped key of the epoch before.
    AAD_SLOT_PREV "aad/slot-prev";
    /// MAC that compares values.
    VALUE_TAG "value-tag";
    /// MAC over the local copy.
    LOCAL_STATE "local-state";
}

impl Label {
    /// The label's text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// The label, a zero byte, and the bytes: what is signed, or given as info or associated data.
    #[must_use]
    pub fn before(self, bytes: &[u8]) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.0.len() + 1 + bytes.len());
        all.extend_from_slice(self.0.as_bytes());
        all.push(0);
        all.extend_from_slice(bytes);
        all
    }

    /// SHA-256 over the label, a zero byte, and the bytes.
    #[must_use]
    pub fn hash(self, bytes: &[u8]) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(self.0.as_bytes());
        hasher.update([0]);
        hasher.update(bytes);
        Hash::of(hasher.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::Label;

    #[test]
    fn no_label_is_another_or_begins_like_one() {
        for (at, one) in Label::ALL.iter().enumerate() {
            assert!(!one.as_str().contains('\0'));
            for other in &Label::ALL[at + 1..] {
                assert_ne!(one.as_str(), other.as_str());
                let (one, other) = (one.before(b""), other.before(b""));
                assert!(!one.starts_with(&other) && !other.starts_with(&one));
            }
        }
    }

    #[test]
    fn a_hash_is_sha256_of_label_zero_and_bytes() {
        // printf 'withheld/v0/wlink\0abc' | sha256sum
        let expected = "30e50857588b90358f557a19ba642488e2d51df6987873b4c171f523fb5f66a9";
        assert_eq!(Label::WLINK.hash(b"abc").to_string(), expected);
    }
}
