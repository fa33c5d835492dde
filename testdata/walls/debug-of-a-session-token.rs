// crate: broker
// error: E0277
// why: a token that can be shown is in the next log line

use withheld_core::SessionToken;

pub fn show(token: &SessionToken) -> String {
    let _ = token;
    format!("{token:?}") //~
    //= String::new()
}
