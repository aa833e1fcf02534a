//! What a check is: it reads a document and gives one of three outcomes.

use std::sync::Arc;

use aegis_core::{Document, Operation, Scores, Threat};
use futures_util::future::BoxFuture;
use tokio::time::Instant;

/// One of the checks that [`PromptArmorGuard`](crate::PromptArmorGuard) runs side by side.
///
/// A check that panics, is late, or says so itself is *unavailable*; it is never taken for safe.
pub trait Check: Send + Sync {
    /// Its name in threats, events and metrics.
    fn name(&self) -> aegis_core::Check;

    /// Reads `input`. The future must not hold a reactor thread for more than about 100 µs.
    fn run(&self, input: Arc<Document>, context: InputContext) -> BoxFuture<'static, CheckOutcome>;
}

/// What is known of a request besides its text.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct InputContext {
    /// Which grammar the document was read by: role order differs between them.
    pub operation: Operation,
    /// When the checks must be done; set by the guard from the policy's budget.
    pub deadline: Option<Instant>,
}

/// What a check says of a document.
#[derive(Debug, Clone, PartialEq)]
pub enum CheckOutcome {
    /// Nothing found.
    Safe {
        /// How sure, 0 to 1.
        confidence: f32,
        /// What a model said, if the check asked one.
        scores: Option<Scores>,
    },
    /// Something found, be it only a hint.
    Threats {
        /// Everything found.
        threats: Vec<Threat>,
        /// How sure, 0 to 1.
        confidence: f32,
        /// What a model said, if the check asked one.
        scores: Option<Scores>,
    },
    /// Neither safe nor unsafe; its confidence is 0.
    Unavailable(Unavailable),
}

/// Why a check gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// It panicked.
    #[error("the check panicked")]
    Panicked,
    /// It was not done within the policy's `budget.time_max`.
    #[error("the check was not done in time")]
    TimedOut,
    /// Too many large requests are being checked already.
    #[error("the check has no room")]
    Saturated,
    /// Its model failed.
    #[error("the check's model failed")]
    Failed,
    /// The request holds more text than the policy's `budget.text_max`, or one text more than the
    /// check reads.
    #[error("the request holds more text than is checked")]
    TooLong,
}

// === impl InputContext ===

impl InputContext {
    /// The context of a request of `operation`.
    #[must_use]
    pub const fn new(operation: Operation) -> Self {
        Self {
            operation,
            deadline: None,
        }
    }
}

// === impl CheckOutcome ===

impl CheckOutcome {
    /// The outcome of a check that found `threats`: as sure as its surest threat, or
    /// `safe_confidence` where there is none.
    #[must_use]
    pub fn found(threats: Vec<Threat>, safe_confidence: f32) -> Self {
        if threats.is_empty() {
            return Self::Safe {
                confidence: safe_confidence,
                scores: None,
            };
        }
        let confidence = threats
            .iter()
            .map(|threat| threat.score)
            .fold(0.0, f32::max);
        Self::Threats {
            threats,
            confidence,
            scores: None,
        }
    }

    /// The same outcome, with what a model said.
    #[must_use]
    pub fn with_scores(mut self, said: Option<Scores>) -> Self {
        match &mut self {
            Self::Safe { scores, .. } | Self::Threats { scores, .. } => *scores = said,
            Self::Unavailable(_) => {}
        }
        self
    }

    /// What a model said, if the check asked one.
    #[must_use]
    pub const fn scores(&self) -> Option<Scores> {
        match self {
            Self::Safe { scores, .. } | Self::Threats { scores, .. } => *scores,
            Self::Unavailable(_) => None,
        }
    }

    /// Whether nothing grave was found; an unavailable check is not safe.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        match self {
            Self::Safe { .. } => true,
            Self::Threats { threats, .. } => !threats.iter().any(|threat| threat.grave),
            Self::Unavailable(_) => false,
        }
    }

    /// How sure, 0 to 1.
    #[must_use]
    pub const fn confidence(&self) -> f32 {
        match self {
            Self::Safe { confidence, .. } | Self::Threats { confidence, .. } => *confidence,
            Self::Unavailable(_) => 0.0,
        }
    }
}
