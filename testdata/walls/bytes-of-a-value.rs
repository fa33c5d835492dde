// crate: vault
// error: E0599
// why: the only look is `Expose`, which is banned but where a reason stands

use withheld_secret::SecretValue;


pub fn bytes(value: &SecretValue) -> &[u8] {
    value.as_ref() //~
    //= if value.is_empty() { b"none" } else { b"some" }
}
