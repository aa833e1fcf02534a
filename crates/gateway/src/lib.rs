//! The gateway: policy, stack, listeners, command line.
//!
//! A request comes in through [`serve`], finds its route in [`router`], and passes the stages in
//! the order written in [`stack`]. What a stage refuses becomes a response in [`rescue`]. The
//! [`policy`] says what every stage does; [`assemble`] builds them from it; [`reload`] swaps a new
//! policy in while requests under way finish on the old one.

#![forbid(unsafe_code)]

pub mod admin;
pub mod app;
pub mod assemble;
pub mod cli;
pub mod logging;
pub mod metrics;
pub mod policy;
pub mod reload;
pub mod rescue;
pub mod router;
pub mod serve;
pub mod stack;
