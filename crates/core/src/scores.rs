//! Calibrated probabilities, as the models give them.

use serde::Serialize;

use crate::Category;

/// How probable each kind of attack is in a text, 0 to 1; safe texts have scores too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Scores {
    /// Direct prompt injection.
    pub injection: f32,
    /// An attempt to talk the model out of its rules.
    pub jailbreak: f32,
    /// Injection by way of a tool result or document; `None` for text of other origin.
    pub indirect_injection: Option<f32>,
    /// An attempt to have the system prompt told.
    pub extraction: f32,
    /// Toxic content.
    pub toxicity: f32,
    /// An answer its sources do not support; `None` where there is nothing to compare with.
    pub grounding: Option<f32>,
}

// === impl Scores ===

impl Scores {
    /// The greater of both, field by field; a score that one side lacks is the other's.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        let either = |a: Option<f32>, b: Option<f32>| match (a, b) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (one, None) | (None, one) => one,
        };
        Self {
            injection: self.injection.max(other.injection),
            jailbreak: self.jailbreak.max(other.jailbreak),
            indirect_injection: either(self.indirect_injection, other.indirect_injection),
            extraction: self.extraction.max(other.extraction),
            toxicity: self.toxicity.max(other.toxicity),
            grounding: either(self.grounding, other.grounding),
        }
    }

    /// The score of `category`; `None` where it was not assessed.
    #[must_use]
    pub const fn of(&self, category: Category) -> Option<f32> {
        match category {
            Category::Injection => Some(self.injection),
            Category::IndirectInjection => self.indirect_injection,
            Category::Jailbreak => Some(self.jailbreak),
            Category::Extraction => Some(self.extraction),
            Category::Toxicity => Some(self.toxicity),
            Category::Grounding => self.grounding,
            Category::RoleConfusion
            | Category::TrainingDataExtraction
            | Category::EncodedPayload
            | Category::Exfiltration
            | Category::Pii
            | Category::Secret
            | Category::Leakage
            | Category::Limit
            | Category::Identity => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greater_is_taken_field_by_field() {
        let one = Scores {
            injection: 0.9,
            toxicity: 0.1,
            ..Scores::default()
        };
        let other = Scores {
            injection: 0.2,
            toxicity: 0.3,
            indirect_injection: Some(0.4),
            ..Scores::default()
        };
        let both = one.max(other);
        assert_eq!(both, other.max(one));
        assert_eq!((both.injection, both.toxicity), (0.9, 0.3));
        assert_eq!(both.of(Category::IndirectInjection), Some(0.4));
        assert_eq!(both.of(Category::Grounding), None);
        assert_eq!(both.of(Category::Pii), None);
    }
}
