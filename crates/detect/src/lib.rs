//! Scanners: text in, findings out; synchronous, sans-I/O.
//!
//! Input goes through [`normalize`] (one canonical form, with an offset map back) and [`views`]
//! (what an encoding hides), and is then searched by the rules of [`pattern`]. Output goes through
//! [`redact`], whole or as it streams, with the detectors of [`entity`].

#![forbid(unsafe_code)]

pub mod entity;
pub mod normalize;
pub mod pattern;
pub mod redact;
pub mod views;
