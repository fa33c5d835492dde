// crate: broker
// error: E0423
// why: a receipt comes from the log only: it says that the intent is written

use withheld_audit::Receipt;
use std::sync::Arc;

pub fn forge(receipt: Receipt) -> Receipt {
    Receipt(Arc::new(receipt)) //~
    //= receipt
}
