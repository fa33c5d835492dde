// crate: broker
// error: E0308
// why: what was allowed without a credential gets none

use withheld_audit::Receipt;
use withheld_core::{Pass, Permit};
use withheld_core::name::SessionId;
use withheld_vault::Unlocked;
use withheld_wire::{Upload, Wire};

pub fn send(wire: &Wire, vault: &Unlocked, session: &SessionId, permit: Permit, pass: Pass, receipt: Receipt, body: Upload) {
    let Ok((values, _)) = vault.fetch(&permit) else { return };
    let _ = (&pass, &permit);
    drop(wire.send(session, pass, receipt, values, body, &|| Ok(()))); //~
    //= drop(wire.send(session, permit, receipt, values, body, &|| Ok(())));
}
