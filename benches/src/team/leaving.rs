//! Somebody leaves: every key that they had is replaced, and every colleague takes the new ones.

use super::crypto::Crypto;
use super::exchange::has_all;
use super::figures::{Act, Figures, Measure, Side, Size, ms};
use super::people::Member;
use super::server::Server;
use crate::Outcome;

/// Removes a member; a colleague, who was away meanwhile, comes back and takes the new key.
///
/// # Errors
/// What the program said, or that not every secret was named.
pub(super) fn leave(
    leaver: &Member,
    founder: &Member,
    colleague: &mut Member,
    devices: usize,
    server: &Server,
    figures: &mut Figures,
) -> Outcome {
    colleague.stop()?;
    let words = ["team", "remove", &leaver.name];
    let removed = founder.acts(Act::Remove, &words, server, figures)?;
    // And the first one, which came before the others.
    has_all(&removed["rotate"], figures.plan.secrets() + 1)?;
    let rekeying = Crypto::new()?.rekey(devices, figures.plan.secrets())?;
    figures.take(Measure::Of(Act::Remove, Side::Floor), ms(rekeying));
    figures.take(Measure::Unlock(Size::All), colleague.unlock()?);
    // Nothing has come but the key; `status` would wait no longer than two seconds for it.
    let pulled = colleague.home.asks(&["pull"])?;
    has_all(&pulled.data["pulled"], 0)?;
    figures.take(Measure::Of(Act::Absorb, Side::Wait), ms(pulled.took));
    Ok(())
}
