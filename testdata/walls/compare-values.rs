// crate: vault
// error: E0369
// why: comparing stops at the first byte that differs, and its time can be measured

use withheld_secret::SecretValue;


pub fn same(left: &SecretValue, right: &SecretValue) -> bool {
    left == right //~
    //= left.len() == right.len()
}
