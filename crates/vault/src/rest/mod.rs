//! Where envelopes rest: an item of the keychain each, or a file each.

pub(crate) mod file;
pub(crate) mod keychain;

use withheld_core::Refusal;

/// A place for envelopes. Nothing that is put here can be read without the vault key.
pub(crate) trait Rest: Send + Sync {
    /// The address for something new. `path` is what it is: where the address may say so it does,
    /// so that a person finds it; a file's name says nothing.
    fn address(&self, path: &str) -> Result<String, Refusal>;

    /// The address of something there is one of.
    fn fixed(&self, what: &str) -> String;

    /// Whether it can be used at all, tried with something of no worth.
    fn ready(&self) -> Result<(), Refusal>;

    /// Puts an envelope, or replaces the one at this address. Afterwards it is durable.
    fn put(&self, address: &str, envelope: &[u8]) -> Result<(), Refusal>;

    /// Puts envelopes at addresses that are new. Afterwards all of them are durable; refused, none of them
    /// is there, as far as that can be done.
    fn put_all(&self, envelopes: &[(String, Vec<u8>)]) -> Result<(), Refusal> {
        for (number, (address, envelope)) in envelopes.iter().enumerate() {
            if let Err(refusal) = self.put(address, envelope) {
                for (address, _) in &envelopes[..number] {
                    // What stays is sealed, named by nothing, and cleared away at the next unlock.
                    let _ = self.delete(address);
                }
                return Err(refusal);
            }
        }
        Ok(())
    }

    /// The envelope; `None` where there is none.
    fn get(&self, address: &str) -> Result<Option<Vec<u8>>, Refusal>;

    /// Removes it; what is not there is removed already.
    fn delete(&self, address: &str) -> Result<(), Refusal>;

    /// Every address there is, for finding what a killed process left behind.
    fn list(&self) -> Result<Vec<String>, Refusal>;
}
