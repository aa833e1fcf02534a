//! A mock LLM provider: OpenAI, Anthropic and TGI on one loopback port, whole and streaming,
//! with faults to order. What it answers is a [`Script`]; what it was asked is kept.

mod anthropic;
mod openai;
mod reply;
mod script;
mod server;
mod tgi;

pub use script::{Fault, Script};
pub use server::{MockProvider, SeenRequest, serve_json};
