//! Who must have signed a link, and whether they did.

use super::Chain;
use crate::Verdict;
use crate::device::DevicePublic;
use crate::id::{DeviceId, VerifyKey};
use crate::label::Label;
use crate::links::{Body, Link, Op, Signer};

/// Verifies that a link is signed by exactly those who must sign it. Gives the device that signed a
/// grant beside its author, if one did.
pub(super) fn verify(chain: &Chain, link: &Link, body: &Body) -> Result<Option<DeviceId>, Verdict> {
    const UNKNOWN: Verdict = Verdict::Invalid("a signature by a key that nobody here has");
    let mut missing = demanded(body);
    let mut others = Vec::new();
    for (signer, signature) in &link.signatures {
        let key = key(chain, &body.op, signer).ok_or(UNKNOWN)?;
        key.verify(Label::SIG_WLINK, &link.body, signature)?;
        match missing.iter().position(|demanded| demanded == signer) {
            Some(at) => drop(missing.swap_remove(at)),
            None => others.push(*signer),
        }
    }
    if !missing.is_empty() {
        return Err(Verdict::Invalid(
            "a link without a signature that it must have",
        ));
    }
    match (others.as_slice(), &body.op) {
        ([], _) => Ok(None),
        ([Signer::Admin(device)], Op::Grant { .. }) => Ok(Some(*device)),
        _ => Err(Verdict::Invalid("a link with a signature too many")),
    }
}

/// Whose signatures an operation must have.
fn demanded(body: &Body) -> Vec<Signer> {
    let author = Signer::Admin(body.author);
    match &body.op {
        Op::Genesis { .. }
        | Op::EnvCreate { .. }
        | Op::Grant { .. }
        | Op::Invite { .. }
        | Op::MemberRemove { .. }
        | Op::RoleSet { .. } => vec![author],
        Op::Join { invite, device, .. } => {
            let new = device.id();
            vec![
                Signer::Ops(new),
                Signer::Admin(new),
                Signer::Invite(*invite),
            ]
        }
        Op::DeviceAdd { device, .. } => {
            let new = device.id();
            vec![author, Signer::Ops(new), Signer::Admin(new)]
        }
        // Unattended: any holder can and must begin an epoch after a removal.
        Op::Epoch { .. } => vec![Signer::Ops(body.author)],
    }
}

fn key(chain: &Chain, op: &Op, signer: &Signer) -> Option<VerifyKey> {
    match signer {
        Signer::Ops(device) => Some(public(chain, op, device)?.ops),
        Signer::Admin(device) => Some(public(chain, op, device)?.admin),
        Signer::Invite(invite) => Some(chain.invites.get(invite)?.key),
    }
}

/// The keys of a device of the chain, or of the one that the link brings.
fn public<'a>(chain: &'a Chain, op: &'a Op, id: &DeviceId) -> Option<&'a DevicePublic> {
    match op {
        Op::Genesis { device, .. } | Op::Join { device, .. } | Op::DeviceAdd { device, .. }
            if device.id() == *id =>
        {
            Some(device)
        }
        _ => chain.devices.get(id).map(|device| &device.public),
    }
}
