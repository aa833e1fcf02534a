//! End to end: the binary `aegis` as a process, real clients before it, a mock provider behind it.

mod audit;
mod failures;
mod hostile;
mod identity;
mod limits;
mod matrix;
mod operations;
mod sdk;
mod semantic;
mod speculative;
mod upstream;
