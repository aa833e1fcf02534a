//! What is scored, and where a text comes from.

use aegis_core::{Category, Scores};

use crate::HEADS;

/// One question the models answer; the order is that of their outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Head {
    /// Direct prompt injection.
    Injection,
    /// An attempt to talk the model out of its rules.
    Jailbreak,
    /// An attempt to have the system prompt told.
    Extraction,
    /// Injection by way of a tool result or document.
    IndirectInjection,
    /// Toxic content.
    Toxicity,
}

/// Where a text comes from: thresholds and calibration differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// A person's message.
    User,
    /// Tool results, documents, tool descriptions: nobody in there may give orders.
    Untrusted,
}

/// The scores from which on a model's makers would block or flag a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    /// Block from here on.
    pub block: Scores,
    /// Flag from here on; at most `block`.
    pub flag: Scores,
}

/// [`Levels`] by source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// For [`Source::User`].
    pub user: Levels,
    /// For [`Source::Untrusted`].
    pub untrusted: Levels,
}

// === impl Head ===

impl Head {
    /// All, in order.
    pub const ALL: [Self; HEADS] = [
        Self::Injection,
        Self::Jailbreak,
        Self::Extraction,
        Self::IndirectInjection,
        Self::Toxicity,
    ];

    /// The name in manifests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.category().as_str()
    }

    /// What it finds.
    #[must_use]
    pub const fn category(self) -> Category {
        match self {
            Self::Injection => Category::Injection,
            Self::Jailbreak => Category::Jailbreak,
            Self::Extraction => Category::Extraction,
            Self::IndirectInjection => Category::IndirectInjection,
            Self::Toxicity => Category::Toxicity,
        }
    }
}

// === impl Source ===

impl Source {
    /// Both.
    pub const ALL: [Self; 2] = [Self::User, Self::Untrusted];

    /// The name in manifests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Untrusted => "untrusted",
        }
    }

    /// Whether `head` is asked of such text: nothing a user says is indirect.
    pub(crate) const fn asks(self, head: Head) -> bool {
        match (self, head) {
            (Self::User, Head::IndirectInjection) => false,
            (
                Self::User | Self::Untrusted,
                Head::Injection | Head::Jailbreak | Head::Extraction | Head::Toxicity,
            )
            | (Self::Untrusted, Head::IndirectInjection) => true,
        }
    }

    /// The models' numbers with their names.
    pub(crate) fn scores(self, by_head: [f32; HEADS]) -> Scores {
        let [
            injection,
            jailbreak,
            extraction,
            indirect_injection,
            toxicity,
        ] = by_head;
        Scores {
            injection,
            jailbreak,
            indirect_injection: self
                .asks(Head::IndirectInjection)
                .then_some(indirect_injection),
            extraction,
            toxicity,
            grounding: None,
        }
    }
}

// === impl Thresholds ===

impl Thresholds {
    /// Those for text from `source`.
    #[must_use]
    pub const fn of(&self, source: Source) -> &Levels {
        match source {
            Source::User => &self.user,
            Source::Untrusted => &self.untrusted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_keep_the_order_of_the_heads() {
        let by_head = [0.1, 0.2, 0.3, 0.4, 0.5];
        let scores = Source::Untrusted.scores(by_head);
        for (head, score) in Head::ALL.into_iter().zip(by_head) {
            assert_eq!(scores.of(head.category()), Some(score), "{head:?}");
        }
        assert_eq!(Source::User.scores(by_head).indirect_injection, None);
    }
}
