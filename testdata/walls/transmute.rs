// crate: broker
// error: unsafe_code
// why: no type holds against unsafe code, so there is none

pub fn read(number: u32) -> [u8; 4] {
    unsafe { std::mem::transmute(number) } //~
    //= number.to_ne_bytes()
}
