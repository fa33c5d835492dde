// crate: audit
// error: E0277
// why: a JSON value in a record can hold a reply

withheld_core::plain! {
    pub struct Record {
        pub reply: serde_json::Value, //~
        //= pub reply: withheld_core::Text,
    }
}
