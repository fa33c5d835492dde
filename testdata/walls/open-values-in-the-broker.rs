// crate: broker
// error: E0599
// why: the broker moves the values of a request and cannot take them apart

use withheld_core::Permit;
use withheld_vault::Unlocked;

pub fn look(vault: &Unlocked, permit: &Permit) {
    if let Ok((values, _)) = vault.fetch(permit) {
        values.spend(); //~
        //= let _ = values.request();
    }
}
