//! Prompt Armor: `validate_input(user_input, context) -> { is_safe, threats, confidence }`.
//!
//! 1. Every check runs at the same time as the others, each with the same deadline.
//! 2. `is_safe` is the conjunction of the checks, `threats` the union, `confidence` the minimum.
//! 3. The verdict is the policy's: a grave threat of a check whose action is `block` blocks; a check
//!    that panicked, was late or had no room is `Unavailable`, never safe; anything else found is
//!    flagged.
//!
//! Checks are seats in one list: a further check is one more seat, nothing else changes.
//!
//! Cancel safety: dropping the future stops the checks between two texts.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use aegis_core::{
    Action, Document, Kind, OnError, Operation, Role, Segment, Text, Threat, Trust,
    ValidationResult, Verdict,
};
use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::check::{Check, CheckOutcome, InputContext, Unavailable};
use crate::units::text_bytes;

/// What the policy makes of one check's outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CheckPolicy {
    /// What becomes of a request in which the check finds a grave threat.
    pub action: Action,
    /// What becomes of a request that the check can't judge.
    pub on_error: OnError,
}

/// What one request may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of text that are checked.
    pub text_max: usize,
    /// Time for all checks together.
    pub time_max: Duration,
}

/// Runs the checks and aggregates them.
pub struct PromptArmorGuard {
    seats: Vec<(Arc<dyn Check>, CheckPolicy)>,
    budget: Budget,
}

/// A result, and whether the policy refuses the request for it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Assessment {
    pub(crate) result: ValidationResult,
    pub(crate) refused: Option<Refused>,
}

/// Why the policy refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// A blocking check found a grave threat.
    Threat,
    /// A check gave no answer and its policy blocks then.
    Unavailable(aegis_core::Check, Unavailable),
}

// === impl PromptArmorGuard ===

impl PromptArmorGuard {
    /// A guard of these checks.
    #[must_use]
    pub fn new(seats: Vec<(Arc<dyn Check>, CheckPolicy)>, budget: Budget) -> Self {
        Self { seats, budget }
    }

    /// Runs every check on `input` and aggregates their outcomes.
    pub async fn validate_input(
        &self,
        input: &Arc<Document>,
        context: &InputContext,
    ) -> ValidationResult {
        self.assess(input, context).await.result
    }

    /// Judges one text in `role`, as `aegis scan` does; a system or developer text is trusted.
    pub async fn scan_text(&self, text: &str, role: Role) -> ValidationResult {
        let document = Arc::new(text_document(text, role));
        let context = InputContext::new(Operation::Generic);
        self.validate_input(&document, &context).await
    }

    /// As [`validate_input`](Self::validate_input), with the policy's decision.
    pub(crate) async fn assess(&self, input: &Arc<Document>, context: &InputContext) -> Assessment {
        if self.is_too_long(input) {
            let outcome = CheckOutcome::Unavailable(Unavailable::TooLong);
            let late = self.seats.iter();
            return aggregate(late.map(|(check, policy)| (check.name(), *policy, outcome.clone())));
        }
        let deadline = Instant::now() + self.budget.time_max;
        let context = InputContext {
            deadline: Some(deadline),
            ..*context
        };
        let runs = self.seats.iter().map(|(check, policy)| async move {
            let outcome = run(check, input.clone(), context, deadline).await;
            (check.name(), *policy, outcome)
        });
        aggregate(join_all(runs).await)
    }

    /// Whether `input` holds more text than is checked.
    pub(crate) fn is_too_long(&self, input: &Document) -> bool {
        text_bytes(input, true) > self.budget.text_max
    }
}

impl std::fmt::Debug for PromptArmorGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seats = self.seats.iter();
        let seats = seats.map(|(check, policy)| (check.name(), policy));
        f.debug_struct("PromptArmorGuard")
            .field("checks", &seats.collect::<Vec<_>>())
            .field("budget", &self.budget)
            .finish()
    }
}

/// Runs one check to its outcome, whatever happens in it.
async fn run(
    check: &Arc<dyn Check>,
    input: Arc<Document>,
    context: InputContext,
    deadline: Instant,
) -> CheckOutcome {
    let name = check.name().as_str();
    let guarded = AssertUnwindSafe(async { check.run(input, context).await }).catch_unwind();
    let unavailable = match tokio::time::timeout_at(deadline, guarded).await {
        Ok(Ok(outcome)) => return outcome,
        Ok(Err(_panic)) => Unavailable::Panicked,
        Err(_late) => Unavailable::TimedOut,
    };
    tracing::error!(check = name, cause = %unavailable, "check unavailable");
    CheckOutcome::Unavailable(unavailable)
}

/// All, union, minimum; and the verdict.
pub(crate) fn aggregate(
    outcomes: impl IntoIterator<Item = (aegis_core::Check, CheckPolicy, CheckOutcome)>,
) -> Assessment {
    let mut result = ValidationResult {
        is_safe: true,
        threats: Vec::new(),
        confidence: 1.0,
        verdict: Verdict::Allow,
        scores: None,
    };
    let mut refused = None;
    for (name, policy, outcome) in outcomes {
        result.is_safe &= outcome.is_safe();
        result.confidence = result.confidence.min(outcome.confidence());
        result.scores = match (result.scores, outcome.scores()) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
        match outcome {
            CheckOutcome::Safe { .. } => {}
            CheckOutcome::Threats { threats, .. } => {
                let blocks =
                    policy.action == Action::Block && threats.iter().any(|threat| threat.grave);
                if blocks {
                    refused = Some(Refused::Threat);
                }
                let verdict = if blocks {
                    Verdict::Block
                } else {
                    Verdict::Flag
                };
                result.verdict = result.verdict.max(verdict);
                result.threats.extend(threats);
            }
            CheckOutcome::Unavailable(cause) => {
                result.verdict = result.verdict.max(Verdict::Unavailable);
                if policy.on_error == OnError::Block {
                    // A threat found by another check says more than this one's failure.
                    refused = refused.or(Some(Refused::Unavailable(name, cause)));
                }
            }
        }
    }
    Assessment { result, refused }
}

/// A document that is nothing but `text`.
fn text_document(text: &str, role: Role) -> Document {
    let (trust, kind) = match role {
        Role::System | Role::Developer => (Trust::Trusted, Kind::Text),
        Role::User | Role::Assistant | Role::Unknown => (Trust::Untrusted, Kind::Text),
        Role::Tool => (Trust::Untrusted, Kind::ToolResult),
        Role::Document => (Trust::Untrusted, Kind::Document),
    };
    let mut document = Document::new(bytes::Bytes::copy_from_slice(text.as_bytes()));
    document.segments.push(Segment {
        role,
        trust,
        kind,
        message: 0,
        literal: 0..text.len(),
        text: Text::Plain(0..text.len()),
    });
    document
}

/// The names of the categories of `threats` that are grave, once each, for the client.
pub(crate) fn grave_categories(threats: &[Threat]) -> Vec<&'static str> {
    let mut names: Vec<_> = threats
        .iter()
        .filter(|threat| threat.grave)
        .map(|threat| threat.category.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests;
