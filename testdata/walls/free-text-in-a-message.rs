// crate: broker
// error: E0277
// why: a message is made of a literal and plain things

pub fn message(input: &String) -> withheld_core::Text {
    let _ = input;
    withheld_core::text!("no such host: {}", *input) //~
    //= withheld_core::text!("no such host: {}", 7u16)
}
