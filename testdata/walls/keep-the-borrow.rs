// crate: vault
// error: lifetime may not live long enough
// why: a look ends with its closure

use withheld_secret::{Expose as _, SecretValue};

pub fn keep(value: &SecretValue) {
    let _kept = value.expose(|bytes| bytes); //~
    //= let _kept = value.expose(|bytes| bytes.len());
}
