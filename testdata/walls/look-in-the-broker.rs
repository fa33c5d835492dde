// crate: broker
// error: E0599
// why: without the trait in scope there is no method to call

use withheld_core::api::Deposit;
use withheld_vault::intake::{IntakeKey, Purpose};

pub fn look(key: &IntakeKey, deposit: &Deposit) -> usize {
    match key.open(deposit, Purpose::Value) {
        Ok(value) => value.expose(|bytes| bytes.len()), //~
        //= Ok(value) => value.len(),
        Err(_) => 0,
    }
}
