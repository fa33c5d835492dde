// crate: broker
// error: E0061
// why: what is not in the log does not go out

use withheld_core::Permit;
use withheld_core::name::SessionId;
use withheld_audit::Receipt;
use withheld_vault::Unlocked;
use withheld_wire::{Upload, Wire};

pub fn send(wire: &Wire, vault: &Unlocked, session: &SessionId, permit: Permit, receipt: Receipt, body: Upload) {
    let Ok((values, _)) = vault.fetch(&permit) else { return };
    let _ = &receipt;
    drop(wire.send(session, permit, values, body, &|| Ok(()))); //~
    //= drop(wire.send(session, permit, receipt, values, body, &|| Ok(())));
}
