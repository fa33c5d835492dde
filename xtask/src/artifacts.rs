//! What a release build of the workspace left behind, and who depends on what.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::json::Json;
use crate::run::{Outcome, cargo, output};

/// The metadata of every library in the build.
pub(crate) struct Artifacts {
    folder: PathBuf,
    /// By package id: the file that another crate is compiled against.
    libraries: BTreeMap<String, PathBuf>,
    /// By package name: what it depends on, under the name its code uses.
    arrows: BTreeMap<String, Vec<(String, String)>>,
}

impl Artifacts {
    /// Builds the workspace as `cargo xtask test` does, and reads what came of it.
    ///
    /// # Errors
    /// When it does not build.
    pub(crate) fn build() -> Outcome<Self> {
        let mut build = cargo(&[
            "build",
            "--release",
            "--workspace",
            "--quiet",
            "--message-format=json",
        ]);
        let built = output(build.stderr(Stdio::inherit()))?;
        let host = host()?;
        let metadata = output(&mut cargo(&[
            "metadata",
            "--format-version=1",
            "--filter-platform",
            &host,
        ]))?;
        let metadata = Json::parse(&metadata).ok_or("cargo metadata is no JSON")?;
        let folder = metadata
            .at(&["target_directory"])
            .text()
            .ok_or("cargo metadata names no target folder")?;
        Ok(Self {
            folder: PathBuf::from(folder),
            libraries: built
                .lines()
                .filter_map(Json::parse)
                .filter_map(|message| library(&message))
                .collect(),
            arrows: arrows(&metadata),
        })
    }

    /// Cargo's target folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where rustc finds the dependencies of dependencies.
    pub(crate) fn dependencies(&self) -> PathBuf {
        self.libraries
            .values()
            .next()
            .and_then(|path| path.parent())
            .map(Path::to_path_buf)
            .unwrap_or_default()
    }

    /// What code in `crates/HOUSE` may name.
    ///
    /// # Errors
    /// When there is no such crate, or one of its dependencies was not built.
    pub(crate) fn externs(&self, house: &str) -> Outcome<Vec<(String, PathBuf)>> {
        let package = if house == "cli" {
            "withheld".to_owned()
        } else {
            format!("withheld-{house}")
        };
        self.arrows
            .get(&package)
            .ok_or_else(|| format!("there is no crate {package}"))?
            .iter()
            .map(|(name, id)| {
                self.libraries
                    .get(id)
                    .map(|path| (name.clone(), path.clone()))
                    .ok_or_else(|| format!("{name} was not built for {package}"))
            })
            .collect()
    }
}

/// The platform that rustc builds for where it is not told otherwise.
fn host() -> Outcome<String> {
    let facts = output(std::process::Command::new("rustc").arg("-vV"))?;
    facts
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or_else(|| "rustc names no host".to_owned())
}

/// The package and the metadata file that a compiler message tells of.
fn library(message: &Json) -> Option<(String, PathBuf)> {
    if message.at(&["reason"]).text() != Some("compiler-artifact") {
        return None;
    }
    let kinds = message.at(&["target", "kind"]).list();
    let is = |kind: &str| kinds.iter().any(|known| known.text() == Some(kind));
    let ending = if is("proc-macro") {
        "so"
    } else if (is("lib") || is("rlib")) && !is_of_a_build_script(message) {
        "rmeta"
    } else {
        return None;
    };
    let file = message
        .at(&["filenames"])
        .list()
        .iter()
        .filter_map(Json::text)
        .map(PathBuf::from)
        .find(|path| path.extension().is_some_and(|kind| kind == ending))?;
    Some((message.at(&["package_id"]).text()?.to_owned(), file))
}

/// Whether a library was built for a build script or a macro: then not as our crates link it.
fn is_of_a_build_script(message: &Json) -> bool {
    message.at(&["profile", "opt_level"]).text() == Some("0")
}

/// The ordinary dependencies of each of our crates, on this platform.
fn arrows(metadata: &Json) -> BTreeMap<String, Vec<(String, String)>> {
    let names: BTreeMap<&str, &str> = metadata
        .at(&["packages"])
        .list()
        .iter()
        .filter_map(|package| Some((package.at(&["id"]).text()?, package.at(&["name"]).text()?)))
        .collect();
    metadata
        .at(&["resolve", "nodes"])
        .list()
        .iter()
        .filter_map(|node| {
            let name = *names.get(node.at(&["id"]).text()?)?;
            let ours = name == "withheld" || name.starts_with("withheld-");
            ours.then(|| {
                let deps = node.at(&["deps"]).list().iter();
                (name.to_owned(), deps.filter_map(arrow).collect())
            })
        })
        .collect()
}

fn arrow(dep: &Json) -> Option<(String, String)> {
    let kinds = dep.at(&["dep_kinds"]).list();
    let ordinary = kinds.iter().any(|kind| kind.at(&["kind"]) == &Json::Null);
    ordinary.then_some(())?;
    Some((
        dep.at(&["name"]).text()?.to_owned(),
        dep.at(&["pkg"]).text()?.to_owned(),
    ))
}
