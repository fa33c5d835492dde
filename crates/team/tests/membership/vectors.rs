//! The vectors as files: written by one test, read and judged by another that builds nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use withheld_team::Verdict;
use withheld_team::chain::Chain;
use withheld_team::id::WorkspaceId;

use crate::attacks;
use crate::common::Book;
use crate::story::story;

/// The honest chain that the vectors begin with.
#[derive(Serialize, Deserialize)]
struct Story {
    ws: WorkspaceId,
    links: Vec<Blob>,
}

/// One attack.
#[derive(Serialize, Deserialize)]
pub(crate) struct Vector {
    /// Its number in the design, with a letter for each further way.
    id: String,
    name: String,
    /// The workspace that a genesis is shown for; absent for every other link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ws: Option<WorkspaceId>,
    /// How many links of the story come first.
    after: usize,
    /// Further honest links.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    before: Vec<Blob>,
    /// What is refused.
    link: Blob,
    refused: Refused,
    /// What is accepted in the same place; a genesis, for the workspace that is its hash.
    twin: Blob,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    twin_ws: Option<WorkspaceId>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Refused {
    Invalid(String),
    Unknown(String),
    Rollback,
    Fork,
    Unverified(String),
}

impl From<Verdict> for Refused {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Invalid(rule) => Self::Invalid(rule.to_owned()),
            Verdict::Unknown(what) => Self::Unknown(what.to_owned()),
            Verdict::Unverified(what) => Self::Unverified(what.to_owned()),
            Verdict::Rollback => Self::Rollback,
            Verdict::Fork => Self::Fork,
        }
    }
}

/// Bytes as base64url.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
struct Blob(Vec<u8>);

impl From<Blob> for String {
    fn from(blob: Blob) -> Self {
        URL_SAFE_NO_PAD.encode(blob.0)
    }
}

impl TryFrom<String> for Blob {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        URL_SAFE_NO_PAD.decode(text).map(Self)
    }
}

/// The vectors of one file.
pub(crate) struct Group {
    story: Book,
    vectors: Vec<Vector>,
}

impl Group {
    pub(crate) fn of(story: &Book) -> Self {
        let story = story.clone();
        Self {
            story,
            vectors: Vec::new(),
        }
    }

    /// After this chain, `link` is refused and `twin` is accepted.
    pub(crate) fn add(
        &mut self,
        what: (&str, &str),
        book: &Book,
        link: Vec<u8>,
        refused: Verdict,
        twin: Vec<u8>,
    ) {
        let both = book.links.iter().zip(&self.story.links);
        let after = both.take_while(|(one, other)| one == other).count();
        self.vectors.push(Vector {
            id: what.0.to_owned(),
            name: what.1.to_owned(),
            ws: None,
            after,
            before: book.links[after..].iter().cloned().map(Blob).collect(),
            link: Blob(link),
            refused: refused.into(),
            twin: Blob(twin),
            twin_ws: None,
        });
    }

    /// As the genesis of `ws`, `link` is refused, and the story's is accepted.
    pub(crate) fn add_genesis(
        &mut self,
        what: (&str, &str),
        ws: WorkspaceId,
        link: Vec<u8>,
        refused: Verdict,
    ) {
        self.vectors.push(Vector {
            id: what.0.to_owned(),
            name: what.1.to_owned(),
            ws: Some(ws),
            after: 0,
            before: Vec::new(),
            link: Blob(link),
            refused: refused.into(),
            twin: Blob(self.story.links[0].clone()),
            twin_ws: Some(self.story.ws),
        });
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/membership")
}

fn read<T: DeserializeOwned>(path: &Path) -> T {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn the_files_are_what_the_builder_makes() {
    let (who, book) = story();
    let told = Story {
        ws: book.ws,
        links: book.links.iter().cloned().map(Blob).collect(),
    };
    let mut files = BTreeMap::from([("story", serde_json::to_string_pretty(&told).unwrap())]);
    for (name, group) in attacks::all(&who, &book) {
        let text = serde_json::to_string_pretty(&group.vectors).unwrap();
        files.insert(name, text);
    }
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("membership");
    fs::create_dir_all(&made).unwrap();
    let mut others = Vec::new();
    for (name, text) in &files {
        let file = format!("{name}.json");
        let text = format!("{text}\n");
        if fs::read_to_string(folder().join(&file)).ok().as_ref() != Some(&text) {
            fs::write(made.join(&file), text).unwrap();
            others.push(file);
        }
    }
    assert!(
        others.is_empty(),
        "{others:?} are others now; they lie in {}",
        made.display()
    );
    let there = fs::read_dir(folder()).unwrap().count();
    assert_eq!(there, files.len(), "a file that nothing makes");
}

#[test]
fn z04_z05_z10_every_attack_in_the_files_is_refused_by_its_rule_and_its_twin_accepted() {
    let story: Story = read(&folder().join("story.json"));
    let mut judged = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("story.json") {
            continue;
        }
        for vector in read::<Vec<Vector>>(&path) {
            judge(&story, &vector);
            judged += 1;
        }
    }
    assert!(judged >= 60, "only {judged} vectors were there");
}

fn judge(story: &Story, vector: &Vector) {
    let Vector { id, name, .. } = vector;
    if let (Some(ws), Some(twin_ws)) = (vector.ws, vector.twin_ws) {
        let refused = Chain::begin(ws, &vector.link.0)
            .map(|_| ())
            .map_err(Refused::from);
        assert_eq!(refused.as_ref(), Err(&vector.refused), "{id} {name}");
        assert!(
            Chain::begin(twin_ws, &vector.twin.0).is_ok(),
            "twin of {id} {name}"
        );
        return;
    }
    let mut chain = Chain::begin(story.ws, &story.links[0].0).unwrap();
    let links = story.links[1..vector.after].iter().chain(&vector.before);
    for link in links {
        assert_eq!(chain.apply(&link.0), Ok(()), "on the way to {id} {name}");
    }
    let before = format!("{chain:?}");
    let refused = chain.apply(&vector.link.0).map_err(Refused::from);
    assert_eq!(refused.as_ref(), Err(&vector.refused), "{id} {name}");
    assert_eq!(
        format!("{chain:?}"),
        before,
        "{id} {name} changed something"
    );
    assert_eq!(chain.apply(&vector.twin.0), Ok(()), "twin of {id} {name}");
}
