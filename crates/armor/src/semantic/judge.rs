//! From probabilities to findings: the thresholds of the model, or those of the policy.
//!
//! A score from its head's block threshold on is grave, whatever its number; from the flag
//! threshold on it is a hint. So a threat's `score` stays the calibrated probability.

use aegis_core::{Category, Scores, TextDigest};
use aegis_semantic::{Levels, Source, Thresholds};

use super::spec::{LevelsSpec, SemanticSpec};
use crate::cache::Finding;

/// The heads that say whether a text is an attack, with the names of their rules.
const ATTACKS: [(Category, &str); 4] = [
    (Category::Injection, "semantic.injection"),
    (Category::Jailbreak, "semantic.jailbreak"),
    (Category::Extraction, "semantic.extraction"),
    (Category::IndirectInjection, "semantic.indirect_injection"),
];

/// The name of the toxicity head's rule.
const TOXICITY: &str = "semantic.toxicity";

/// All thresholds of one policy.
#[derive(Debug, Clone)]
pub(crate) struct Judge {
    user: Vec<Bar>,
    untrusted: Vec<Bar>,
}

/// One head's thresholds.
#[derive(Debug, Clone, Copy)]
struct Bar {
    /// Which score.
    head: Category,
    /// What it is reported as.
    category: Category,
    rule: &'static str,
    block: f32,
    flag: f32,
}

// === impl Judge ===

impl Judge {
    /// The thresholds of `spec`, and the model's where it has none.
    pub(crate) fn new(spec: &SemanticSpec, shipped: &Thresholds) -> Self {
        let bars = |source, of_policy: Option<LevelsSpec>| {
            let shipped = shipped.of(source);
            let attacks = ATTACKS
                .into_iter()
                .filter_map(|(head, rule)| Bar::new(source, (head, rule), of_policy, shipped));
            let toxicity = spec.toxicity.and_then(|levels| {
                Bar::new(
                    source,
                    (Category::Toxicity, TOXICITY),
                    Some(levels),
                    shipped,
                )
            });
            attacks.chain(toxicity).collect()
        };
        Self {
            user: bars(Source::User, spec.user),
            untrusted: bars(Source::Untrusted, spec.documents),
        }
    }

    /// What is found in a text of these `scores`; `digest` stands for the text.
    pub(crate) fn findings(
        &self,
        scores: &Scores,
        source: Source,
        digest: TextDigest,
    ) -> Vec<Finding> {
        let judged = self.bars(source).iter().filter_map(|bar| {
            let score = scores.of(bar.head)?;
            (score >= bar.flag).then(|| Finding {
                category: bar.category,
                rule: bar.rule.into(),
                score,
                grave: score >= bar.block,
                digest,
            })
        });
        judged.collect()
    }

    /// The highest probability of an attack that is judged.
    pub(crate) fn highest(&self, scores: &Scores, source: Source) -> f32 {
        let bars = self.bars(source).iter();
        bars.filter_map(|bar| scores.of(bar.head))
            .fold(0.0, f32::max)
    }

    fn bars(&self, source: Source) -> &[Bar] {
        match source {
            Source::User => &self.user,
            Source::Untrusted => &self.untrusted,
        }
    }
}

// === impl Bar ===

impl Bar {
    /// `None` for a head that is not asked of such text.
    fn new(
        source: Source,
        (head, rule): (Category, &'static str),
        of_policy: Option<LevelsSpec>,
        shipped: &Levels,
    ) -> Option<Self> {
        let (block, flag) = (shipped.block.of(head)?, shipped.flag.of(head)?);
        let levels = of_policy.map_or((block, flag), |levels| (levels.block_at, levels.flag_at));
        Some(Self {
            head,
            category: reported(head, source),
            rule,
            block: levels.0,
            flag: levels.1,
        })
    }
}

/// An injection that comes by way of a tool or a document is an indirect one.
fn reported(head: Category, source: Source) -> Category {
    if head == Category::Injection && source == Source::Untrusted {
        Category::IndirectInjection
    } else {
        head
    }
}
