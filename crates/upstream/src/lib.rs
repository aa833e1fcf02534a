//! Stage 4: [`Recorded`](aegis_core::Recorded) → [`Reply`](aegis_core::Reply).
//!
//! The only part of the gateway that talks to providers: connections and TLS (`connect`), which
//! headers cross (`headers`), what a provider's errors become (`refused`), the circuit breaker
//! (`circuit`), the reply's body under watch (`body`), and the whole in order (`dispatch`).
//!
//! Does not inspect replies: the output stage does.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use aegis_core::{Catalog, Secret};
//! use aegis_upstream::{Dispatch, ProviderSpec, Upstream};
//!
//! let spec: ProviderSpec = serde_json::from_str(
//!     r#"{
//!         "name": "local", "api": "openai", "base_url": "http://127.0.0.1:9000",
//!         "credential": "${secret:LOCAL_KEY}"
//!     }"#,
//! )?;
//! let provider = spec.build(&|name| match name {
//!     "LOCAL_KEY" => Ok(Secret::new("sesame")),
//!     _ => Err(format!("secret `{name}` is not set")),
//! })?;
//! let upstream = Upstream::new(vec![provider], Arc::new(Catalog::default()))?;
//! let _leaf = Dispatch::new(Arc::new(upstream));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod address;
mod body;
mod circuit;
mod connect;
mod dispatch;
pub mod fetch;
mod headers;
mod models;
mod provider;
mod refused;
#[cfg(test)]
mod tests;

pub use aegis_core::BuildError;
pub use circuit::{CircuitSpec, FAILURES_MAX};
pub use connect::Http2;
pub use dispatch::{Dispatch, REPLY_BYTES_MAX, Upstream};
pub use headers::UPSTREAM_REQUEST_ID;
pub use provider::{Provider, ProviderSpec};
