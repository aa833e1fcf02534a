//! Stage 5, `Reply` → `Released`: the output filter.
//!
//! [`OutputFilter::filter_output`] filters a whole text; the [`OutputLayer`] does the same to every
//! text of every reply, whole or streamed, before the client sees it. The [`OutputSpec`] is the
//! policy's `output` section.
//!
//! ```
//! use std::sync::Arc;
//!
//! use aegis_core::{DigestKey, Exchange, Peer, Reason, Recorded, Rejection, Reply};
//! use aegis_output::{OutputLayer, OutputSpec, RequestContext};
//! use tower::Layer;
//!
//! let spec: OutputSpec = serde_json::from_str(r#"{ "pii": { "entities": ["email"] } }"#)?;
//! let filter = spec.build(&DigestKey::random()?)?;
//! let exchange = Exchange::new(Peer { address: None }, None, "policy".into());
//! let request = RequestContext { exchange: &exchange };
//! let text = filter.filter_output("Write to jane@example.com!", request);
//! assert_eq!(text, "Write to [EMAIL]!");
//!
//! let provider = tower::service_fn(|_: Recorded| async {
//!     Err::<Reply, _>(Rejection::new(Reason::Internal, "nobody there"))
//! });
//! let _stage = OutputLayer::new(Arc::new(filter)).layer(provider);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod arguments;
mod filter;
mod head;
mod layer;
mod refusal;
mod spec;
mod stream;
mod whole;

pub use filter::{OutputFilter, RequestContext};
pub use layer::{INLINE_BYTES_MAX, OutputLayer, OutputService};
pub use spec::{BuildError, EntityAction, KEEP_LAST_MAX, OutputSpec, PiiSpec, SecretsSpec};
