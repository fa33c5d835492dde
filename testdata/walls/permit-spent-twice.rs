// crate: broker
// error: E0382
// why: one decision, one request

use withheld_core::Permit;

pub fn spend(permit: Permit) -> usize {
    let (_, uses) = permit.into_parts();
    permit.into_parts().1.len() + uses.len() //~
    //= uses.len()
}
