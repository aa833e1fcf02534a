//! Tests of the whole stage: an identity provider's keys, tokens to order, a clock that stands
//! still, and a network that answers what a test says.

/// Rows of a table, one line each, which the formatter would break.
macro_rules! rows {
    ($($name:literal: $value:expr => $expected:expr;)+) => { vec![$(($name, $value, $expected)),+] };
    ($($value:expr => $expected:expr;)+) => { vec![$(($value, $expected)),+] };
}

mod attacks;
mod caching;
mod claims;
mod development;
mod jwks;
mod policy;
mod properties;
mod refreshing;
mod stage;
mod support;
mod throttling;
