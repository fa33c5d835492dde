// crate: broker
// error: E0599
// why: one decision, one request

use withheld_core::Permit;

pub fn copy(permit: Permit) -> Permit {
    permit.clone() //~
    //= permit
}
