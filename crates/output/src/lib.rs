//! Stage 5, `Reply` → `Released`: the output filter.
//!
//! [`OutputFilter::filter_output`] filters a whole text; the [`OutputLayer`] does the same to every
//! text of every reply, whole or streamed, before the client sees it. The [`OutputSpec`] is the
//! policy's `output` section.

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
