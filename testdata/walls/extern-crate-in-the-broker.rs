// crate: broker
// error: E0463
// why: a crate that is not a dependency cannot be named either way

extern crate withheld_secret; //~
//= extern crate withheld_core;
