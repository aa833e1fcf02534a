//! The harness of the end-to-end tests: a gateway process between real clients and a mock provider.

#![forbid(unsafe_code)]

mod policy;
mod setup;

pub use policy::PolicyText;
pub use setup::{Setup, binary, python};
