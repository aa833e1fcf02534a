//! Stage 3, `Admitted` → `Cleared`: Prompt Armor.
//!
//! [`PromptArmorGuard::validate_input`] runs the checks side by side and aggregates them; the
//! [`ArmorLayer`] does so for every request, before anything is sent to a provider. The
//! [`ArmorSpec`] is the policy's `armor` section.

#![forbid(unsafe_code)]

mod cache;
mod check;
mod context;
mod guard;
mod layer;
mod offload;
mod pattern;
mod place;
mod spec;
mod units;

pub use cache::CACHE_BYTES_MAX;
pub use check::{Check, CheckOutcome, InputContext, UNSAFE_SCORE, Unavailable};
pub use context::CompileError;
pub use guard::{Budget, CheckPolicy, PromptArmorGuard};
pub use layer::{ArmorLayer, ArmorService};
pub use offload::{INLINE_BYTES_MAX, QUEUE_MAX};
pub use place::THREATS_MAX;
pub use spec::{
    Armor, ArmorSpec, BudgetSpec, BuildError, ContextSpec, MediaAction, MediaSpec, PACK_BYTES_MAX,
    PatternSpec, RolesMode, ToolResultsMode,
};
