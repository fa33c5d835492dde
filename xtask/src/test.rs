//! Every test. The certificate and proxy variables of this machine are cleared for the tests, not
//! for the build: what a test trusts is what the test says.

use std::process::Command;

use crate::run::{Outcome, cargo, has, run};

/// Variables that would change what clients under test trust, or where they connect.
const CLEARED: &[&str] = &[
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "AWS_CA_BUNDLE",
    "PIP_CERT",
    "NIX_SSL_CERT_FILE",
    "HTTPLIB2_CA_CERTS",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
];

/// Builds with the environment as it is, then runs the tests with it cleared.
///
/// # Errors
/// When a test does not build or does not pass.
pub(crate) fn test(filter: &[&str]) -> Outcome {
    let nextest = has("cargo-nextest");
    let verb: &[&str] = if nextest {
        &["nextest", "run"]
    } else {
        &["test"]
    };
    let arguments = [verb, &["--release", "--workspace"]].concat();
    run(cargo(&arguments).arg("--no-run"))?;
    run(without_roots(cargo(&arguments).args(filter)))
}

fn without_roots(command: &mut Command) -> &mut Command {
    for name in CLEARED {
        command.env_remove(name);
    }
    command
}
