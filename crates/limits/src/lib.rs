//! Stage 2: [`Authenticated`](aegis_core::Authenticated) → [`Admitted`](aegis_core::Admitted).
//!
//! Everything that bounds what one client can make the gateway, or a provider, do: requests at
//! once, requests and tokens per time, the size, speed and coding of bodies, the length of
//! answers. See `admission` for the order and its reasons.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use aegis_core::{Admitted, Catalog, Reason, Rejection};
//! use aegis_limits::{AdmitLayer, LimitSpec, MemoryStore, RequestSpec};
//! use tower::Layer;
//!
//! let limits: Vec<LimitSpec> =
//!     serde_json::from_str(r#"[{ "per": "principal", "requests": "60/m", "concurrency": 16 }]"#)?;
//! let admission = RequestSpec::default().build(
//!     &limits,
//!     Arc::new(Catalog::default()),
//!     Arc::new(MemoryStore::default()),
//! )?;
//! let next = tower::service_fn(|_: Admitted| async {
//!     Err::<(), _>(Rejection::new(Reason::Internal, "nobody there"))
//! });
//! let _stage = AdmitLayer::new(Arc::new(admission)).layer(next);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod admission;
mod body;
mod guard;
mod layer;
mod limits;
mod offload;
mod party;
mod quota;
mod refusal;
mod rewrite;
mod spec;
mod standing;
mod store;
mod target;
#[cfg(test)]
mod tests;
mod tokens;

pub use admission::Admission;
pub use aegis_core::BuildError;
pub use layer::{Admit, AdmitLayer};
pub use quota::{COUNT_MAX, Quota, Shortage, Standing, Ticks};
pub use spec::{LIMITS_MAX, LimitSpec, RequestSpec};
pub use store::{
    Amount, Charge, Charged, Clock, KEYS_MAX, Key, MemoryStore, OPEN_MAX, Per, Refusal,
    RuntimeClock, Settlement, StateStore, StoreError, Subject, Ticket,
};
pub use target::MODEL_HEADER;
pub use tokens::OUTPUT_TOKENS_DEFAULT;
