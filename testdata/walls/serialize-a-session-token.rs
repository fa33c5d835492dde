// crate: broker
// error: E0277
// why: a token is printed once, by hand, and in no document

use withheld_core::SessionToken;

pub fn write(token: &SessionToken) -> Option<String> {
    let _ = token;
    serde_json::to_string(token).ok() //~
    //= None
}
