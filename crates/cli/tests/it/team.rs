//! A team, end to end: real homes, the real server, and a tap on the wire between them. Where the server
//! is malicious, it is the honest one behind a tap with a script.

mod agents;
mod attacks;
mod bad_input;
mod drift;
mod guests;
mod hostile;
mod hostile_records;
mod kill;
mod liar;
mod next;
mod one_get;
mod pair;
mod process;
mod restored;
mod script;
mod steps;
mod story;
mod two;
mod wire;
