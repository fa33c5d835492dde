// crate: vault
// error: E0616
// why: the memory under a value belongs to withheld-secret

use withheld_secret::SecretValue;


pub fn inside(value: &SecretValue) {
    let _ = &value.slot; //~
    //= let _ = &value.len();
}
