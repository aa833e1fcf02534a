//! What the check asks of a model; the tests put a scripted one in its place.

use aegis_core::Scores;
use aegis_detect::views::Prepared;
use aegis_semantic::{Semantic, Source};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::check::Unavailable;

/// A cascade of two stages.
pub(crate) trait Scorer: Send + Sync + 'static {
    /// A text that waits for the second stage.
    type Pending: Send + 'static;

    /// The cheap stage, in the caller's thread.
    fn first(&self, prepared: &Prepared<'_>, source: Source) -> First<Self::Pending>;

    /// The dear stage, on threads of its own; dropping the future gives the work up.
    fn second(
        &self,
        pending: Self::Pending,
        deadline: Option<Instant>,
    ) -> BoxFuture<'_, Result<Scores, Unavailable>>;

    /// How many windows the second stage reads for `pending`.
    fn windows(pending: &Self::Pending) -> usize;
}

/// What the first stage says of a text.
pub(crate) enum First<P> {
    /// It is sure.
    Done(Scores),
    /// It is not.
    Uncertain(P),
    /// The text is longer than is read.
    TooLong,
}

// === impl Scorer ===

impl Scorer for Semantic {
    type Pending = aegis_semantic::Pending;

    fn first(&self, prepared: &Prepared<'_>, source: Source) -> First<Self::Pending> {
        match self.first_prepared(prepared, source) {
            aegis_semantic::First::Done(scores) => First::Done(scores),
            aegis_semantic::First::Uncertain(pending) => First::Uncertain(pending),
            aegis_semantic::First::TooLong => First::TooLong,
        }
    }

    fn second(
        &self,
        pending: Self::Pending,
        deadline: Option<Instant>,
    ) -> BoxFuture<'_, Result<Scores, Unavailable>> {
        let scores = Self::second(self, pending, deadline);
        scores.map(|scores| Ok(scores?)).boxed()
    }

    fn windows(pending: &Self::Pending) -> usize {
        pending.windows()
    }
}

// === impl Unavailable ===

impl From<aegis_semantic::Unavailable> for Unavailable {
    fn from(cause: aegis_semantic::Unavailable) -> Self {
        match cause {
            aegis_semantic::Unavailable::Saturated => Self::Saturated,
            aegis_semantic::Unavailable::TimedOut => Self::TimedOut,
            aegis_semantic::Unavailable::Failed => Self::Failed,
            aegis_semantic::Unavailable::TooLong => Self::TooLong,
        }
    }
}
