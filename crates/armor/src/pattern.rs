//! The pattern check: known attacks, as rule packs describe them.
//!
//! 1. Every text of the document ([`units`](crate::units)) goes through the packs' rules in its
//!    role; the scanner normalises it and looks into its decoded views.
//! 2. What was found in a text is remembered ([`VerdictCache`]); a resent text costs a digest.
//! 3. Injection found in a tool result or a document is reported as *indirect* injection.
//!
//! Not caught: attacks in words that no rule knows.

use std::sync::Arc;

use aegis_core::{Category, Check as CheckName, Document, Role, UNSAFE_SCORE};
use aegis_detect::pattern::Patterns;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::cache::{Finding, VerdictCache};
use crate::check::{Check, CheckOutcome, InputContext};
use crate::offload::{Interrupted, Offload, Pace};
use crate::place::Threats;
use crate::units::units;

/// How sure the check is of a text in which no rule matched: rules know only what is known.
const SAFE_CONFIDENCE: f32 = 0.8;

/// Runs rule packs over every text of a document.
pub(crate) struct PatternCheck {
    inner: Arc<Inner>,
    offload: Arc<Offload>,
}

struct Inner {
    patterns: Patterns,
    cache: VerdictCache,
    tool_results: bool,
}

// === impl PatternCheck ===

impl PatternCheck {
    pub(crate) fn new(
        patterns: Patterns,
        cache: VerdictCache,
        tool_results: bool,
        offload: Arc<Offload>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                patterns,
                cache,
                tool_results,
            }),
            offload,
        }
    }
}

impl Check for PatternCheck {
    fn name(&self) -> CheckName {
        CheckName::Pattern
    }

    fn run(&self, input: Arc<Document>, context: InputContext) -> BoxFuture<'static, CheckOutcome> {
        let (inner, offload) = (self.inner.clone(), self.offload.clone());
        async move {
            let work = move |pace: &Pace| inner.check(&input, pace);
            match offload.run(context.deadline, work).await {
                Ok(outcome) => outcome,
                Err(cause) => CheckOutcome::Unavailable(cause),
            }
        }
        .boxed()
    }
}

// === impl Inner ===

impl Inner {
    fn check(&self, document: &Document, pace: &Pace) -> Result<CheckOutcome, Interrupted> {
        let mut threats = Threats::new(document, CheckName::Pattern);
        for unit in units(document, self.tool_results) {
            let scan = || self.scan(&unit.text, unit.role);
            let findings = self.cache.findings(&unit.text, unit.role, pace, scan)?;
            threats.extend(unit.segment, &findings);
        }
        Ok(CheckOutcome::found(threats.finish(), SAFE_CONFIDENCE))
    }

    fn scan(&self, text: &str, role: Role) -> Vec<Finding> {
        let matches = self.patterns.scan(text, role).into_iter();
        let findings = matches.map(|found| Finding {
            category: category(found.rule.category, role),
            rule: found.rule.id.to_string().into(),
            score: found.rule.score(),
            grave: found.rule.score() >= UNSAFE_SCORE,
            digest: self.cache.digest(text.get(found.range).unwrap_or_default()),
        });
        findings.collect()
    }
}

/// An injection that comes by way of a tool or a document is an indirect one.
const fn category(category: Category, role: Role) -> Category {
    match (category, role) {
        (Category::Injection, Role::Tool | Role::Document) => Category::IndirectInjection,
        (other, _) => other,
    }
}

#[cfg(test)]
mod tests;
