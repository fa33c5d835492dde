//! Everything that a binding of a colleague would allow, to be read before it is accepted.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};
use withheld_core::binding::{Binding, BindingDraft, Format, KeyPrefix, Place};
use withheld_core::destination::HostPattern;
use withheld_core::name::{Environment, SecretName, VarName};
use withheld_core::path::PathPattern;
use withheld_core::policy_doc::PolicyContent;
use withheld_core::{Text, plain, text};

#[cfg(test)]
#[allow(clippy::expect_used, clippy::unwrap_used, reason = "tests")]
mod tests;

plain! {
    /// Where the secret would go, and how.
    #[derive(Clone, Debug)]
    pub(crate) struct Use {
        host: HostPattern,
        port: u16,
        methods: Vec<Text>,
        paths: Vec<Text>,
        inject: Place,
        format: Option<Format>,
        vars: Vec<VarName>,
        prefix: Option<KeyPrefix>,
        auto: bool,
        private: bool,
        foreign: bool,
        /// The SHA-256 of each certificate that would be trusted instead of the system's.
        ca: Option<Vec<Text>>,
        /// In which of the above it differs from the binding whose place it would take; `null` where it
        /// would take none's.
        differs: Option<Vec<&'static str>>,
    }
}

impl Use {
    pub(super) fn of(
        content: &PolicyContent,
        environment: &Environment,
        secret: &SecretName,
        draft: &BindingDraft,
    ) -> Self {
        let mut bound = content.bindings.iter();
        let before = bound.find(|one| one.is_replaced_by(environment, secret, draft));
        Self {
            host: draft.host.clone(),
            port: draft.port,
            methods: match draft.methods.method_names() {
                [] => vec!["*".into()],
                names => names.iter().map(|name| text!("{}", *name)).collect(),
            },
            paths: match draft.paths.patterns() {
                [] => vec!["/*".into()],
                patterns => patterns.iter().map(PathPattern::shown).collect(),
            },
            inject: draft.place.clone(),
            format: draft.format.clone(),
            vars: draft.vars.clone(),
            prefix: draft.prefix.clone(),
            auto: draft.auto,
            private: draft.private,
            foreign: draft.foreign,
            ca: draft.ca.as_deref().map(fingerprints),
            differs: before.map(|before| differing(before, draft)),
        }
    }
}

/// Host, port and paths are the same: by these the binding was found.
fn differing(before: &Binding, draft: &BindingDraft) -> Vec<&'static str> {
    let fields = [
        ("methods", before.methods == draft.methods),
        ("inject", before.place == draft.place),
        ("format", before.format == draft.format),
        ("vars", before.vars == draft.vars),
        ("prefix", before.prefix == draft.prefix),
        ("auto", before.auto == draft.auto),
        ("private", before.private == draft.private),
        ("foreign", before.foreign == draft.foreign),
        ("ca", before.ca == draft.ca),
    ];
    let differing = fields.into_iter().filter(|(_, is_same)| !is_same);
    differing.map(|(field, _)| field).collect()
}

/// As `openssl x509 -fingerprint -sha256` has them, without colons. Text in which no certificate can be
/// read lets nobody through; it is told by its own hash.
fn fingerprints(pem: &str) -> Vec<Text> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match read {
        Ok(all) if !all.is_empty() => all.iter().map(|one| fingerprint(one)).collect(),
        _ => vec![fingerprint(pem.as_bytes())],
    }
}

fn fingerprint(bytes: &[u8]) -> Text {
    let digest = Sha256::digest(bytes);
    digest
        .iter()
        .fold(Text::default(), |text, byte| text!("{}{:02x}", text, *byte))
}
