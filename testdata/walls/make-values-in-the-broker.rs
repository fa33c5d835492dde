// crate: broker
// error: E0433
// why: values come from the vault only

pub fn values() {
    let _ = withheld_secret::Values::new([0; 16], Vec::new()); //~
    //= let _ = withheld_core::Placeholders::default();
}
