// crate: vault
// error: E0277
// why: what can be serialised is in the next reply

use withheld_secret::SecretValue;


pub fn write(value: &SecretValue) -> Option<String> {
    serde_json::to_string(value).ok() //~
    //= serde_json::to_string(&value.len()).ok()
}
