// crate: vault
// error: E0599
// why: a copy is a second thing to wipe

use withheld_secret::SecretValue;


pub fn copy(value: SecretValue) -> SecretValue {
    value.clone() //~
    //= value
}
