// crate: audit
// error: E0277
// why: a `String` in a record can hold anything

withheld_core::plain! {
    pub struct Record {
        pub note: String, //~
        //= pub note: withheld_core::name::Label,
    }
}
