//! The invitation: one line, `wh0.SERVER.CODE`, good for one join. It says which workspace, and the
//! least of its history that must be shown, so that the guest cannot be shown another one; and it holds
//! the secret of the key that must sign the join, so that the server cannot invent a guest.
//!
//! The code is 72 bytes in base64url without padding: workspace 32, position of the head 4 (big-endian),
//! beginning of its hash 16, secret 16, check 4. The check covers the server too.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use withheld_core::destination::{Host, Scheme, authority};
use withheld_core::{Code, Refusal};
use withheld_secret::{Expose as _, SecretValue};
use withheld_team::Verdict;
use withheld_team::chain::{Chain, Head};
use withheld_team::id::WorkspaceId;
use withheld_team::label::Label;

use super::keys::InviteKey;
use crate::fault;

const BEGINNING: &str = "wh0.";
/// Before a server that is spoken to in clear text, on this machine only.
const PLAIN: &str = "http+";
const CODE_BYTES: usize = 72;
/// The code as it is written.
const CODE_CHARS: usize = 96;
/// What the check is made of.
const CHECKED: usize = 68;
const HEAD_BYTES: usize = 16;
const SECRET: std::ops::Range<usize> = 52..68;

/// Where a team's server is: `HOST`, `HOST:PORT`, or `http+127.0.0.1:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) scheme: Scheme,
    pub(crate) host: Host,
    pub(crate) port: u16,
}

impl Server {
    /// Reads the written form; `None` for any other, so that one server is written in one way.
    pub(crate) fn parse(written: &str) -> Option<Self> {
        let (scheme, rest) = match written.strip_prefix(PLAIN) {
            Some(rest) => (Scheme::Http, rest),
            None => (Scheme::Https, written),
        };
        let (host, port) = authority(rest).ok()?;
        let server = Self {
            scheme,
            host,
            port: port.unwrap_or(scheme.default_port()),
        };
        let here = scheme == Scheme::Https || server.host.as_str() == "127.0.0.1";
        (here && server.to_string() == written).then_some(server)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scheme == Scheme::Http {
            f.write_str(PLAIN)?;
        }
        let host = self.host.as_str();
        if host.contains(':') {
            write!(f, "[{host}]")?;
        } else {
            f.write_str(host)?;
        }
        if self.scheme == Scheme::Https && self.port == Scheme::Https.default_port() {
            return Ok(());
        }
        write!(f, ":{}", self.port)
    }
}

/// What an invitation says.
pub(crate) struct Invitation {
    pub(crate) server: Server,
    pub(crate) workspace: WorkspaceId,
    /// The least position that the chain must reach.
    pub(crate) head_seq: u32,
    /// How the hash there begins.
    pub(crate) head_prefix: [u8; HEAD_BYTES],
    /// Signs the join.
    pub(crate) key: InviteKey,
}

impl Invitation {
    /// A new line for the guest, and the key whose public half goes on the chain.
    ///
    /// # Errors
    /// `internal` without randomness, `store_unavailable` without locked memory.
    pub(crate) fn issue(
        server: &Server,
        workspace: WorkspaceId,
        head: Head,
    ) -> Result<(SecretValue, InviteKey), Refusal> {
        let server = server.to_string();
        let code = SecretValue::with_len(CODE_BYTES, |room| {
            getrandom::fill(room).map_err(|_| fault::no_randomness())?;
            write_code(room, &server, workspace, head)?;
            Ok(CODE_BYTES)
        })
        .map_err(fault::unfilled)?;
        written(&server, &code)
    }

    /// Reads a line.
    ///
    /// # Errors
    /// `usage` for one that is cut short, mistyped, of another version, or no invitation.
    #[expect(
        clippy::disallowed_methods,
        reason = "reads the invitation where it lies; of its secret only the derived key is kept"
    )]
    pub(crate) fn read(line: &SecretValue) -> Result<Self, Refusal> {
        line.expose(|line| {
            let line = str::from_utf8(line.trim_ascii()).map_err(|_| no_invitation())?;
            let (server, written) = split(line)?;
            let code = SecretValue::with_len(CODE_BYTES, |room| {
                let read = URL_SAFE_NO_PAD.decode_slice(written, room);
                read.map_err(|_| mistyped())
            })
            .map_err(fault::unfilled)?;
            code.expose(|code| Self::of_code(server, code))
        })
    }

    fn of_code(server: &str, code: &[u8]) -> Result<Self, Refusal> {
        let fields = fields(code).filter(|fields| *fields.check == check(server, code));
        let fields = fields.ok_or_else(mistyped)?;
        Ok(Self {
            server: Server::parse(server).ok_or_else(mistyped)?,
            workspace: WorkspaceId::of(*fields.workspace),
            head_seq: u32::from_be_bytes(*fields.head_seq),
            head_prefix: *fields.head_prefix,
            key: InviteKey::of_secret(fields.secret)?,
        })
    }

    /// Whether a chain is what the guest was promised, or more.
    ///
    /// # Errors
    /// `Fork` for another history, `Rollback` for less of it.
    pub(crate) fn is_kept_by(&self, chain: &Chain) -> Result<(), Verdict> {
        if chain.ws() != self.workspace {
            return Err(Verdict::Fork);
        }
        let hash = chain
            .hash_at(u64::from(self.head_seq))
            .ok_or(Verdict::Rollback)?;
        if hash.first_half() == self.head_prefix {
            Ok(())
        } else {
            Err(Verdict::Fork)
        }
    }
}

/// The server and the written code.
fn split(line: &str) -> Result<(&str, &str), Refusal> {
    let Some(rest) = line.strip_prefix(BEGINNING) else {
        return Err(
            match line
                .strip_prefix("wh")
                .and_then(|rest| rest.split_once('.'))
            {
                Some((version, _)) if is_number(version) => another_version(),
                _ => no_invitation(),
            },
        );
    };
    let (server, code) = rest.rsplit_once('.').ok_or_else(cut_short)?;
    match code.len() {
        CODE_CHARS => Ok((server, code)),
        less if less < CODE_CHARS => Err(cut_short()),
        _ => Err(mistyped()),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

struct Fields<'a> {
    workspace: &'a [u8; 32],
    head_seq: &'a [u8; 4],
    head_prefix: &'a [u8; HEAD_BYTES],
    secret: &'a [u8; 16],
    check: &'a [u8; 4],
}

fn fields(code: &[u8]) -> Option<Fields<'_>> {
    let (workspace, rest) = code.split_first_chunk()?;
    let (head_seq, rest) = rest.split_first_chunk()?;
    let (head_prefix, rest) = rest.split_first_chunk()?;
    let (secret, rest) = rest.split_first_chunk()?;
    Some(Fields {
        workspace,
        head_seq,
        head_prefix,
        secret,
        check: rest.try_into().ok()?,
    })
}

/// Writes all but the secret, which is there already.
fn write_code(
    room: &mut [u8],
    server: &str,
    workspace: WorkspaceId,
    head: Head,
) -> Result<(), Refusal> {
    let seq = u32::try_from(head.seq)
        .map_err(|_| fault::internal("the chain is too long for an invitation"))?;
    room[..32].copy_from_slice(workspace.as_bytes());
    room[32..36].copy_from_slice(&seq.to_be_bytes());
    room[36..SECRET.start].copy_from_slice(&head.hash.first_half());
    let check = check(server, room);
    room[CHECKED..].copy_from_slice(&check);
    Ok(())
}

/// As `Label::hash`, without a copy of the secret.
fn check(server: &str, code: &[u8]) -> [u8; 4] {
    let hash = Sha256::new()
        .chain_update(Label::INVITE_CHECK.before(server.as_bytes()))
        .chain_update([0])
        .chain_update(&code[..CHECKED])
        .finalize();
    [hash[0], hash[1], hash[2], hash[3]]
}

#[expect(
    clippy::disallowed_methods,
    reason = "writes the invitation from locked memory to locked memory, and derives its key"
)]
fn written(server: &str, code: &SecretValue) -> Result<(SecretValue, InviteKey), Refusal> {
    code.expose(|code| {
        let head = format!("{BEGINNING}{server}.");
        let line = SecretValue::with_len(head.len() + CODE_CHARS, |room| {
            let (start, rest) = room.split_at_mut(head.len());
            start.copy_from_slice(head.as_bytes());
            (URL_SAFE_NO_PAD.encode_slice(code, rest))
                .map_err(|_| fault::internal("an invitation cannot be written"))?;
            Ok(room.len())
        })
        .map_err(fault::unfilled)?;
        Ok((line, InviteKey::of_secret(&code[SECRET])?))
    })
}

fn cut_short() -> Refusal {
    Refusal::new(
        Code::Usage,
        "the invitation is cut short",
        "copy the whole line, to its very end, and run the command again",
    )
}

fn mistyped() -> Refusal {
    Refusal::new(
        Code::Usage,
        "the invitation has a mistake in it",
        "paste the line instead of typing it; if that does not help, ask for a new invitation",
    )
}

fn another_version() -> Refusal {
    Refusal::new(
        Code::Usage,
        "the invitation was made by another version of Withheld",
        "update Withheld on this machine, or ask for an invitation by the version that is here",
    )
}

fn no_invitation() -> Refusal {
    Refusal::new(
        Code::Usage,
        "this is no invitation",
        "paste the line that begins with `wh0.`, from its first letter to its last",
    )
}

#[cfg(test)]
#[path = "invitation_tests.rs"]
mod tests;
