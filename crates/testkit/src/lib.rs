//! Development only: what the tests, the demo and the benchmarks stand on.
//!
//! Real parts are real (PostgreSQL is started, not imitated); only what can't be installed is
//! played: LLM providers ([`provider`]) and an identity provider ([`idp`]), both written from
//! their public API.

#![forbid(unsafe_code)]

pub mod client;
pub mod idp;
pub mod net;
pub mod postgres;
pub mod provider;
