//! The context check: who may say what, and where.
//!
//! 1. [`order`]: the turns of the conversation follow each other as an honest client sends them.
//! 2. [`forged`]: no untrusted text holds chat-template tokens or turns of another role.
//! 3. [`dialogue`]: no untrusted text holds a long made-up dialogue (many-shot jailbreaking).
//!
//! Tool results and documents are read like user text unless the policy says otherwise; the
//! pattern check reads them with the rules for their role.
//!
//! Not caught: what needs memory of earlier requests (assistant turns the gateway never emitted,
//! slow escalation over many turns).

mod dialogue;
mod forged;
mod order;

use std::sync::Arc;

use aegis_core::{Check as CheckName, Document, Role, UNSAFE_SCORE};
use aegis_detect::normalize::normalize;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

pub use self::forged::CompileError;
pub(crate) use self::forged::Forgeries;
use crate::cache::{Finding, VerdictCache};
use crate::check::{Check, CheckOutcome, InputContext};
use crate::offload::{Interrupted, Offload, Pace};
use crate::place::Threats;
use crate::units::{Unit, units};

/// How sure the check is of a document in which it found nothing.
const SAFE_CONFIDENCE: f32 = 0.8;

/// What the check looks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Role order and forged turns.
    pub(crate) roles: bool,
    /// Tool results and documents.
    pub(crate) tool_results: bool,
    /// Turns of a dialogue inside one text that make it an attack; 0 is off.
    pub(crate) many_shot: u32,
}

/// Checks roles and turns.
pub(crate) struct ContextCheck {
    inner: Arc<Inner>,
    offload: Arc<Offload>,
}

struct Inner {
    rules: Rules,
    forgeries: Forgeries,
    cache: VerdictCache,
}

/// A finding before it has a digest: rule and matched range of the normalised text.
#[derive(Debug, Clone, PartialEq)]
struct Hit {
    rule: &'static str,
    category: aegis_core::Category,
    score: f32,
    range: std::ops::Range<usize>,
}

// === impl ContextCheck ===

impl ContextCheck {
    pub(crate) fn new(
        rules: Rules,
        forgeries: Forgeries,
        cache: VerdictCache,
        offload: Arc<Offload>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                rules,
                forgeries,
                cache,
            }),
            offload,
        }
    }
}

impl Check for ContextCheck {
    fn name(&self) -> CheckName {
        CheckName::Context
    }

    fn run(&self, input: Arc<Document>, context: InputContext) -> BoxFuture<'static, CheckOutcome> {
        let (inner, offload) = (self.inner.clone(), self.offload.clone());
        async move {
            let work = move |pace: &Pace| inner.check(&input, context, pace);
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
    fn check(
        &self,
        document: &Document,
        context: InputContext,
        pace: &Pace,
    ) -> Result<CheckOutcome, Interrupted> {
        let mut threats = Threats::new(document, CheckName::Context);
        for unit in self.units(document) {
            let scan = || self.scan(&unit.text, unit.role);
            let findings = self.cache.findings(&unit.text, unit.role, pace, scan)?;
            threats.extend(unit.segment, &findings);
        }
        let mut threats = threats.finish();
        if self.rules.roles && order::is_worth_reading(document) {
            pace.parse(document.raw.len())?;
            threats.extend(order::check(document, context.operation));
        }
        Ok(CheckOutcome::found(threats, SAFE_CONFIDENCE))
    }

    /// The texts to read; none where nothing is looked for in them.
    fn units<'a>(&self, document: &'a Document) -> Vec<Unit<'a>> {
        if self.rules.roles || self.rules.many_shot > 0 {
            units(document, self.rules.tool_results)
        } else {
            Vec::new()
        }
    }

    fn scan(&self, text: &str, role: Role) -> Vec<Finding> {
        let normal = normalize(text);
        let mut hits = Vec::new();
        if self.rules.roles {
            self.forgeries.find(&normal.text, role, &mut hits);
        }
        hits.extend(dialogue::find(&normal.text, self.rules.many_shot));
        let findings = hits.into_iter().map(|hit| Finding {
            category: hit.category,
            rule: hit.rule.into(),
            score: hit.score,
            grave: hit.score >= UNSAFE_SCORE,
            digest: self
                .cache
                .digest(normal.text.get(hit.range).unwrap_or_default()),
        });
        findings.collect()
    }
}
