//! How sessions rest: the file `sessions`, which outlives the broker. It holds digests and
//! placeholders, and nothing that opens anything. Its first line is the vault's word for the rest: a
//! digest that somebody else wrote into it would be a session that the owner never gave.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use withheld_core::name::{AgentId, Environment, SessionId};
use withheld_core::placeholder::Placeholders;
use withheld_core::{Code, Moment, Refusal};

use super::{Session, Sessions, Token, lock, random};

const FIRST_LINE: &str = "withheld-sessions/1 ";

/// The file as it was read, until the vault is open and can say whether it is its own.
pub(crate) struct Rest {
    /// What the vault has to vouch for.
    pub(crate) json: Vec<u8>,
    /// Its word.
    pub(crate) vouched: Vec<u8>,
}

impl Rest {
    /// Takes the file apart.
    ///
    /// # Errors
    /// `store_corrupt` where it is no such file.
    pub(crate) fn read(file: &[u8]) -> Result<Self, Refusal> {
        let end = file
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or_else(corrupt)?;
        let line = std::str::from_utf8(&file[..end]).map_err(|_| corrupt())?;
        let vouched = line
            .strip_prefix(FIRST_LINE)
            .and_then(|word| STANDARD.decode(word).ok());
        Ok(Self {
            json: file[end + 1..].to_vec(),
            vouched: vouched.ok_or_else(corrupt)?,
        })
    }

    /// The bytes of the file.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let line = format!("{FIRST_LINE}{}\n", STANDARD.encode(&self.vouched));
        [line.as_bytes(), &self.json].concat()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rested {
    id: SessionId,
    agent: AgentId,
    environment: Environment,
    placeholders: Placeholders,
    /// Echoes that were cut short.
    partial: u32,
    tokens: Vec<RestedToken>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RestedToken {
    digest: String,
    expires_at: Moment,
}

impl Sessions {
    /// Reads what the file holds. What has expired is left out. The standing session of `local` begins anew,
    /// with the tokens and placeholders that programs still hold.
    ///
    /// # Errors
    /// `store_corrupt` where it is no such file; `internal` without randomness.
    pub(crate) fn load(json: Option<&[u8]>, now: Moment) -> Result<Self, Refusal> {
        let rested = json.map(read).transpose()?.unwrap_or_default();
        let local_known = rested
            .iter()
            .find(|one| one.agent == AgentId::local())
            .map(|one| one.placeholders.clone())
            .unwrap_or_default();
        let local = Arc::new(Session::new(
            SessionId::from_bytes(random()?),
            AgentId::local(),
            Environment::dev(),
            local_known,
        ));
        let mut tokens = Vec::new();
        for one in rested {
            let session = if one.agent == AgentId::local() {
                Arc::clone(&local)
            } else {
                let session = Session::new(one.id, one.agent, one.environment, one.placeholders);
                session.note_partial(one.partial);
                Arc::new(session)
            };
            for token in one.tokens {
                if now < token.expires_at {
                    tokens.push(token.wake(&session, now)?);
                }
            }
        }
        Ok(Self {
            tokens: Mutex::new(tokens),
            local,
        })
    }

    /// What the file is to hold. Ended and expired sessions are left out.
    ///
    /// # Errors
    /// `internal` where it cannot be written as JSON, which its types rule out.
    pub(crate) fn to_json(&self, now: Moment) -> Result<Vec<u8>, Refusal> {
        let sessions: Vec<Rested> = self
            .active(now)
            .into_iter()
            .map(|session| self.rested(&session, now))
            .collect();
        serde_json::to_vec(&sessions).map_err(|_| {
            Refusal::new(
                Code::Internal,
                "the sessions cannot be written",
                "report this, with: withheld doctor --json",
            )
        })
    }

    fn rested(&self, session: &Arc<Session>, now: Moment) -> Rested {
        let tokens = lock(&self.tokens)
            .iter()
            .filter(|token| Arc::ptr_eq(&token.session, session) && now < token.expires)
            .map(|token| RestedToken {
                digest: STANDARD.encode(token.digest),
                expires_at: token.expires,
            })
            .collect();
        Rested {
            id: session.id,
            agent: session.agent.clone(),
            environment: session.environment.clone(),
            placeholders: Placeholders::clone(&session.placeholders.load()),
            partial: session.partial.load(Ordering::Relaxed),
            tokens,
        }
    }
}

impl RestedToken {
    fn wake(self, session: &Arc<Session>, now: Moment) -> Result<Token, Refusal> {
        let digest = STANDARD.decode(&self.digest).ok();
        let digest = digest.and_then(|bytes| bytes.try_into().ok());
        let left = self.expires_at.as_ms().saturating_sub(now.as_ms());
        let left = Duration::from_millis(u64::try_from(left).unwrap_or_default());
        Ok(Token {
            digest: digest.ok_or_else(corrupt)?,
            session: Arc::clone(session),
            expires: self.expires_at,
            deadline: Instant::now().checked_add(left),
        })
    }
}

fn read(json: &[u8]) -> Result<Vec<Rested>, Refusal> {
    serde_json::from_slice(json).map_err(|_| corrupt())
}

fn corrupt() -> Refusal {
    Refusal::new(
        Code::StoreCorrupt,
        "the file `sessions` is not one that Withheld wrote",
        "remove it: its sessions end, and nothing else is lost",
    )
}
