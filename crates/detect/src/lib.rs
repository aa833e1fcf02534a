//! Scanners: text in, findings out; synchronous, sans-I/O.
//!
//! Input goes through [`normalize`] (one canonical form, with an offset map back) and [`views`]
//! (what an encoding hides), and is then searched by the rules of [`pattern`].

#![forbid(unsafe_code)]

pub mod normalize;
pub mod pattern;
pub mod views;
