// crate: broker
// error: E0277
// why: a policy is read with its signature or not at all

use withheld_core::Policy;

pub fn read(json: &[u8]) -> Option<Policy> {
    serde_json::from_slice(json).ok() //~
    //= Policy::verify(json, &[0; 32], 0).ok()
}
