// crate: vault
// error: E0614
// why: a value is not its bytes

use withheld_secret::SecretValue;


pub fn length(value: SecretValue) -> usize {
    (*value).len() //~
    //= value.len()
}
