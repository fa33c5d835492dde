//! The words and the decisions of Withheld: names, destinations, bindings, agent records, what a
//! request asks, what the policy answers, and every refusal there is.
//!
//! This crate must never know: files, sockets, clocks, async, values. Time comes in as an
//! argument; a secret is a name here and nothing else. That makes every decision a pure function
//! that a table can test.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

// Under this name `plain!` finds the schemas, in this crate as in the others.
#[cfg(feature = "schema")]
extern crate self as withheld_core;

pub mod api;
pub mod ask;
pub mod binding;
pub mod credential_fields;
pub mod destination;
pub mod endpoint_path;
pub mod entropy;
pub mod moment;
pub mod name;
pub mod path;
pub mod placeholder;
pub mod plain;
pub mod policy;
pub mod policy_doc;
pub mod record;
pub mod refusal;
#[cfg(feature = "schema")]
pub mod schema;
pub mod session;
pub mod team;

pub use ask::Ask;
pub use binding::{Binding, BindingDraft, Place};
pub use moment::Moment;
pub use placeholder::Placeholders;
pub use plain::{Plain, Text};
pub use policy::{Decision, Pass, Permit};
pub use policy_doc::{Policy, PolicyContent};
pub use record::AgentRecord;
pub use refusal::{Code, Refusal};
pub use session::SessionToken;
