// crate: vault
// error: E0277
// why: a value that can be shown is in the next error

use withheld_secret::SecretValue;


pub fn show(value: &SecretValue) -> String {
    format!("{value}") //~
    //= format!("{}", value.len())
}
