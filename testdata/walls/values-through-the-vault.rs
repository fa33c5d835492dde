// crate: broker
// error: E0432
// why: nothing of withheld-secret is exported again by who may use it

pub use withheld_vault::SecretValue; //~
//= pub use withheld_vault::Unlocked;
