//! End to end: the binary `aegis` as a process, real clients before it, a mock provider behind it.

mod matrix;
mod sdk;
