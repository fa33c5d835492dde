// crate: wire
// error: E0382
// why: one record, one request

use withheld_audit::Receipt;

pub fn spend(receipt: Receipt) {
    receipt.spend();
    receipt.spend(); //~
    //= drop(());
}
