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
        /// A host name, or `*.` (one label) or `**.` (any number) before one.
        host: HostPattern,
        /// The port.
        port: u16,
        /// `*` alone: any method.
        methods: Vec<Text>,
        /// Prefixes by whole segments; `/*` alone: the whole host.
        paths: Vec<Text>,
        /// The place in the request, as in `--inject`.
        inject: Place,
        /// What stands round the value in its header, `{}` in its place; null: nothing.
        format: Option<Format>,
        /// Variables that would hold the placeholder; none: the one of the secret's own name.
        vars: Vec<VarName>,
        /// The public beginning of such a key; null where none is known.
        prefix: Option<KeyPrefix>,
        /// Added to requests that do not ask for it.
        auto: bool,
        /// May reach private and loopback addresses.
        private: bool,
        /// The client may send credentials of its own there.
        foreign: bool,
        /// SHA-256, in hex, of each certificate that would be trusted instead of the system's; null: the
        /// system's are.
        ca: Option<Vec<Text>>,
        /// In which of these it differs from the binding here whose place (host, port, paths) it would
        /// take; null where it would take none's.
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

impl Use {
    /// Whether it asks for nothing but a place to go: no trust of its own or other than accepted here, no
    /// way into this machine or round the owner.
    pub(super) fn is_plain(&self) -> bool {
        let has_other_trust = self.differs.iter().flatten().any(|field| *field == "ca");
        !(self.auto || self.private || self.foreign || self.ca.is_some() || has_other_trust)
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
