// crate: audit
// error: E0277
// why: a byte vector in a record can hold a body

withheld_core::plain! {
    pub struct Record {
        pub body: Vec<Box<[u8]>>, //~
        //= pub body: Vec<u64>,
    }
}
