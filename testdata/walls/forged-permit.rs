// crate: broker
// error: E0451
// why: leave to send comes from `decide` only

use withheld_core::Permit;
use withheld_core::ask::Ask;
use withheld_core::name::{Environment, RequestId};

pub fn forge(id: RequestId, environment: Environment, ask: Ask) -> Permit {
    let _ = (&id, &environment, &ask);
    Permit { id, environment, ask, uses: Vec::new() } //~
    //= loop {}
}
