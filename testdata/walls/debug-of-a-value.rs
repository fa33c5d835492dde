// crate: vault
// error: E0277
// why: a value that can be shown with {:?} is in the next log line

use withheld_secret::SecretValue;


pub fn show(value: &SecretValue) -> String {
    format!("{value:?}") //~
    //= format!("{}", value.len())
}
