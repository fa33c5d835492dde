// crate: broker
// error: E0603
// why: what the wire uses it keeps to itself

pub use withheld_wire::SecretValue; //~
//= pub use withheld_wire::Reply;
