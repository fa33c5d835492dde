// crate: broker
// error: E0451
// why: the body of a reply comes out of the wash only

use std::sync::Arc;
use withheld_wire::{Meter, ReplyBody};

pub fn forge(meter: Arc<Meter>, other: ReplyBody) -> ReplyBody {
    ReplyBody { meter, ..other } //~
    //= { drop(meter); other }
}
