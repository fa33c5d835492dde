//! `withheld audit verify`: the chain and its seals, by public bytes alone.

use serde_json::json;
use withheld_audit::{Report, verify_folder};
use withheld_vault::home::Home;

use crate::context::Context;
use crate::exit;
use crate::failure::Failure;
use crate::output::Outcome;

/// Bytes of the head's hash that are shown to people: enough to compare two screens.
const SHOWN_BYTES: usize = 8;

pub(super) fn run(context: &Context) -> Outcome {
    let home = context.agent_home()?;
    home.check()?;
    let report = checked(&home)?;
    let head = hex(&report.head.hash);
    let data = json!({
        "records": report.head.seq,
        "head": head,
        "sealed": report.sealed,
        "torn_bytes": report.torn_bytes,
        "uncertified": report.uncertified,
        "clock_back": report.clock_back,
    });
    context
        .output
        .result("withheld.audit_verify/1", data, &text(&report, &head))?;
    if report.head.seq == 0 {
        return Err(Failure::Answered(exit::NO));
    }
    Ok(())
}

/// Verifies the log of a home with the vault's public audit key, where there is a vault.
///
/// # Errors
/// Where and why the log cannot be trusted.
pub(in crate::verbs) fn checked(home: &Home) -> Outcome<Report> {
    let vault = withheld_vault::vault::Vault::open(home)?;
    let key = vault.map(|locked| locked.facts().audit_public);
    Ok(verify_folder(&home.audit(), key.as_ref(), None)?)
}

/// What a sound log says of itself, in words.
pub(in crate::verbs) fn text(report: &Report, head: &str) -> String {
    if report.head.seq == 0 {
        return "There is no record yet.".to_owned();
    }
    let mut text = format!(
        "The log is whole: {} records, sealed up to {}. Head {}.",
        report.head.seq,
        report.sealed,
        &head[..(2 * SHOWN_BYTES).min(head.len())]
    );
    if !report.uncertified.is_empty() {
        text.push_str(&format!(
            "\nNot certified yet: {} segments; the vault does it at the next unlock.",
            report.uncertified.len()
        ));
    }
    if report.torn_bytes > 0 {
        text.push_str(&format!(
            "\nA record was cut short at the end: {} bytes, which the next start of the broker notes.",
            report.torn_bytes
        ));
    }
    if let Some(seq) = report.clock_back {
        text.push_str(&format!(
            "\nThe clock was set back before record {seq}; the numbers decide, not the clock."
        ));
    }
    text
}

/// A hash as it is written.
pub(in crate::verbs) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
