// crate: broker
// error: E0451
// why: a policy is what the owner signed

use withheld_core::{Policy, PolicyContent};

pub fn forge(content: PolicyContent) -> Option<Policy> {
    Some(Policy { content, bindings: Vec::new(), of: Default::default() }) //~
    //= Policy::verify(&content.to_json().ok()?, &[0; 32], 0).ok()
}
