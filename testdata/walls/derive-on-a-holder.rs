// crate: vault
// error: E0277
// why: a struct that holds a value takes its traits from it

use withheld_secret::SecretValue;


#[derive(Debug)]
pub struct Holder {
    pub value: SecretValue, //~
    //= pub value: Option<u8>,
}

pub fn hold(_: &SecretValue) {}
