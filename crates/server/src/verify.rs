//! `server verify`: every chain judged again from its first byte, and everything that is kept beside the
//! chains compared with it. Reads only.

mod strays;

use std::path::Path;

use withheld_core::{Code, Refusal};
use withheld_team::api::{EnvHead, Heads, Part};
use withheld_team::chain::Chain;
use withheld_team::commit::{Entry, EnvChain};
use withheld_team::id::WorkspaceId;
use withheld_team::record::Record;
use withheld_team::slot::Slot;

use strays::strays;

use crate::ledger::{Ws, entry, read_ws};
use crate::note::Log;
use crate::office::Fault;
use crate::runtime;
use crate::store::{Caches, DeviceRow, Sqlite, Store as _, StoredRecord};

/// Things that are read at once.
const PAGE: u32 = 500;
/// Looks at a workspace that a running server changes meanwhile.
const LOOKS: usize = 5;

/// What was found in one workspace.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The workspace.
    pub ws: WorkspaceId,
    /// Links of its membership chain.
    pub links: u64,
    /// Its environments.
    pub environments: u64,
    /// Commits of all of them.
    pub commits: u64,
    /// Live secrets of all of them.
    pub secrets: u64,
    /// What is not as it must be, one sentence each.
    pub differences: Vec<String>,
}

/// Verifies every workspace of a database.
///
/// # Errors
/// `not_found` when there is no such file, `store_unavailable` when it cannot be read or is not a
/// database of this version, `store_corrupt` when the file itself is damaged.
pub fn verify(database: &Path, log: &Log) -> Result<Vec<Verified>, Refusal> {
    if !database.is_file() {
        return Err(Refusal::new(
            Code::NotFound,
            "there is no database yet",
            "name it: --database sqlite:PATH, or start the server first: withheld server",
        ));
    }
    runtime()?.block_on(async {
        let store = Sqlite::open_to_look(database).await.map_err(|why| {
            crate::failed(log, &why);
            Refusal::new(
                Code::StoreUnavailable,
                "that is not a database of this version of the server",
                "name the right file: --database sqlite:PATH; a newer server brings an older one up to date: withheld server",
            )
        })?;
        let all = everything(&store).await;
        store.close().await;
        all.map_err(|fault| match fault {
            Fault::Ours(why) => {
                crate::failed(log, &why);
                damaged()
            }
            Fault::Refused(_) => damaged(),
        })
    })
}

fn damaged() -> Refusal {
    Refusal::new(
        Code::StoreCorrupt,
        "the file of the database is damaged",
        "stop the server and put back a backup from before",
    )
}

async fn everything(store: &Sqlite) -> Result<Vec<Verified>, Fault> {
    if !store.is_whole().await? {
        return Err(Fault::ours("what SQLite checks of a file does not hold"));
    }
    let mut all: Vec<Verified> = Vec::new();
    loop {
        let after = all.last().map(|last| last.ws);
        let page = store.workspaces(after.as_ref(), PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        for ws in page {
            all.push(workspace(store, ws).await?);
        }
    }
}

/// One workspace. What differs may only have been changed while it was read: then it is read again.
async fn workspace(store: &Sqlite, ws: WorkspaceId) -> Result<Verified, Fault> {
    let mut looks = LOOKS;
    loop {
        let heads = store.heads(&ws).await?;
        let heads = heads.ok_or_else(|| Fault::ours("a workspace without heads"))?;
        let mut found = Verified {
            ws,
            links: heads.w.seq,
            environments: heads.envs.len() as u64,
            commits: heads.envs.iter().map(|head| head.seq).sum(),
            secrets: 0,
            differences: Vec::new(),
        };
        look(store, &heads, &mut found).await?;
        looks -= 1;
        let is_same = store.heads(&ws).await?.as_ref() == Some(&heads);
        if found.differences.is_empty() || is_same || looks == 0 {
            return Ok(found);
        }
    }
}

async fn look(store: &Sqlite, heads: &Heads, found: &mut Verified) -> Result<(), Fault> {
    let known = match read_ws(store, &found.ws, heads.w.seq).await {
        Ok(known) => known,
        Err(Fault::Ours(why)) => {
            found.differences.push(why);
            return Ok(());
        }
        Err(refused) => return Err(refused),
    };
    let mut differs = |is_same: bool, what: &str| {
        if !is_same {
            found.differences.push(what.to_owned());
        }
    };
    differs(known.is_at(&heads.w), "the head is not the last link");
    let named = heads.envs.iter().map(|head| head.env);
    differs(named.eq(known.chain.envs()), "the list of environments");
    let kept = store.caches(&found.ws).await?;
    let computed = caches(&known);
    differs(kept.devices == computed.devices, "the list of devices");
    differs(kept.epochs == computed.epochs, "the list of epochs");
    for head in &heads.envs {
        environment(store, &known.chain, head, found).await?;
    }
    strays(store, &known.chain, heads, found).await
}

/// What the database keeps beside the links, computed from them.
fn caches(ws: &Ws) -> Caches {
    let envs = ws.chain.envs();
    let newest = |env| {
        let epochs = ws.chain.env(&env).map(|env| &env.epochs);
        epochs.and_then(|epochs| epochs.last()).map_or(0, |it| it.n)
    };
    Caches {
        epochs: envs.map(|env| (env, newest(env))).collect(),
        devices: ws
            .chain
            .devices()
            .map(|device| DeviceRow {
                device: device.id,
                ops: device.public.ops,
                live: device.until.is_none(),
            })
            .collect(),
    }
}

async fn environment(
    store: &Sqlite,
    ws: &Chain,
    head: &EnvHead,
    found: &mut Verified,
) -> Result<(), Fault> {
    let mut env = EnvChain::begin(&ws.ws(), &head.env);
    let mut from = 1;
    loop {
        let page = store.commits(&ws.ws(), &head.env, from, PAGE).await?;
        for commit in page.items.iter().take(left(&env, head)) {
            if let Err(rule) = env.apply(ws, commit) {
                let seq = env.head().seq + 1;
                let what = format!("environment {}, commit {seq}: {rule}", head.env);
                found.differences.push(what);
                return Ok(());
            }
        }
        match page.next {
            Some(next) => from = next,
            None => break,
        }
    }
    let own = env.head();
    let mut differs = |what: &str| {
        let what = format!("environment {}: {what}", head.env);
        found.differences.push(what);
    };
    if (own.seq, own.hash) != (head.seq, head.hash) {
        differs("the head is not the last commit");
    }
    if let Err(rule) = env.holds_cuts(ws) {
        differs(&rule.to_string());
    }
    let live = env.entries().filter(|entry| !entry.is_deleted()).count();
    let (kept, bad) = contents(store, ws, &env).await?;
    if !kept.iter().eq(env.entries()) {
        differs("the state is not that of the last commit");
    }
    for what in bad {
        differs(what);
    }
    found.secrets += live as u64;
    Ok(())
}

/// How many commits there are up to the head.
fn left(env: &EnvChain, head: &EnvHead) -> usize {
    usize::try_from(head.seq.saturating_sub(env.head().seq)).unwrap_or(usize::MAX)
}

/// The stored state, and what is wrong with the records and slots that it names.
async fn contents(
    store: &Sqlite,
    ws: &Chain,
    env: &EnvChain,
) -> Result<(Vec<Entry>, Vec<&'static str>), Fault> {
    let (id, name) = (ws.ws(), env.env());
    let (mut kept, mut bad, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let page = store.snapshot(&id, &name, after.as_ref(), PAGE).await?;
        let Some(page) = page else {
            return Ok((kept, vec!["there is no state"]));
        };
        for row in &page.entries {
            let ids = [(row.rid, row.ver)];
            let parts = [Part::Meta, Part::Value, Part::Slot];
            let read = store.records(&id, &name, &ids, &parts).await?;
            let entry = entry(row);
            bad.extend(fault(ws, env, &entry, read.first()));
            kept.push(entry);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok((kept, bad)),
        }
    }
}

/// What is wrong with the record and the slot of an entry.
fn fault(
    ws: &Chain,
    env: &EnvChain,
    entry: &Entry,
    stored: Option<&StoredRecord>,
) -> Option<&'static str> {
    let Some(stored) = stored else {
        return Some("a record is missing");
    };
    let (meta, value) = (stored.meta.as_deref(), stored.value.as_deref());
    let record = Record::read(&stored.signed).and_then(|record| {
        record.stands(ws, &env.env(), entry)?;
        record.parts(meta, value)
    });
    if record.is_err() {
        return Some("a record is not the one in the state");
    }
    if entry.is_deleted() {
        return None;
    }
    if meta.is_none() || value.is_none() {
        return Some("a part of a record is missing");
    }
    let slot = stored.slot.as_deref().map(Slot::read);
    let stands = slot.map(|slot| slot.and_then(|it| it.stands(entry, &env.env(), env.epoch())));
    match stands {
        Some(Ok(())) => None,
        Some(Err(_)) => Some("a slot is not the one in the state"),
        None => Some("a slot is missing"),
    }
}
