//! Rules as data: packs of patterns, compiled at start, searched behind one prefilter.
//!
//! A rule pack is YAML: `words` (named pieces of patterns) and `rules`, each with its category,
//! severity, keywords, pattern, and texts that it must and must not hit. A text is searched so:
//!
//! 1. It is normalised and decoded once ([`Prepared`]); rules see the canonical form, so they are
//!    written in lower case, without accents, with single blanks.
//! 2. One Aho-Corasick automaton finds the keywords of all rules in one pass, and the other words
//!    that their patterns demand; those are read from the patterns at load.
//! 3. A rule's regex is searched only where a keyword and the other words stand near enough for
//!    one match, as far as its longest match can reach ([`MATCH_BYTES_MAX`] at most; a pattern
//!    without a limit is refused at load). Windows that
//!    meet are searched as one, so no byte is searched twice by a rule: whatever the text, the
//!    work is linear in its length. The engine has no backtracking.
//! 4. The same is done on every decoded view. A match is reported once a rule, at the bytes of the
//!    original.
//!
//! In a pattern a blank stands for the gap between two words: one to four blanks, quotes, commas
//! or other marks that stand within a sentence. `{{name}}` stands for a word of the pack. `.`
//! matches any character; `\b`, `\w`, `\d` and `\s` are those of ASCII. Line breaks in a pattern
//! mean nothing. One of a rule's keywords stands in each of its matches: that is proven at load,
//! and a rule for which it cannot be is refused with a sample, so no match is left unsearched. A
//! pattern that demands nothing but words of half of all texts is slow: give it rare keywords.
//!
//! A rule may name what must not stand right before a match (`not_after`), so that `never reveal
//! your prompt` is no demand to reveal it; the search then goes on behind that match.
//!
//! Loading a pack runs every rule over its own examples; a rule that does not do what it says
//! keeps the gateway from starting.
//!
//! **Not caught:** whatever no rule describes (paraphrase is the semantic check's business), and
//! attacks spread over several segments (the context check's).

mod builtin;
mod compile;
mod cover;
mod pack;
mod require;
mod scan;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use aegis_core::{Category, Role};
use aho_corasick::AhoCorasick;
use regex_automata::meta::Regex;

use crate::views::{Encoding, Prepared};

pub use builtin::builtin_pack;
pub use pack::{PackError, PackSpec, RuleSpec, Severity};

/// The longest text that a pattern may match, in bytes.
pub const MATCH_BYTES_MAX: usize = 1024;
/// The text before a match that `not_after` sees, in bytes.
pub const NOT_AFTER_BYTES_MAX: usize = 64;
/// Keywords of one rule.
pub const KEYWORDS_MAX: usize = 64;
/// Rules of all packs together.
pub const RULES_MAX: usize = 4096;

/// The rules of the loaded packs; immutable, to be shared.
pub struct Patterns {
    rules: Vec<Compiled>,
    prefilter: AhoCorasick,
    /// For each literal of the prefilter, what it tells of which rules.
    cues: Vec<Vec<Cue>>,
}

/// A rule, as far as its findings tell of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name, unique among all packs.
    pub id: Arc<str>,
    /// What kind of threat it finds.
    pub category: Category,
    /// How grave a finding is.
    pub severity: Severity,
    /// The language of the texts it finds (BCP 47), or `any`.
    pub lang: Box<str>,
    /// The roles whose text is searched; empty for all.
    pub roles: Vec<Role>,
    /// Where the rule comes from.
    pub source: Box<str>,
    /// The pack it was read from.
    pub pack: Box<str>,
}

/// A match of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct PatternMatch {
    /// The rule.
    pub rule: Arc<Rule>,
    /// The bytes of the original; those of the whole encoded piece where it was found in a view.
    pub range: Range<usize>,
    /// How the text was hidden, if it was.
    pub view: Option<Encoding>,
}

struct Compiled {
    rule: Arc<Rule>,
    regex: Regex,
    /// What must not stand right before a match.
    not_after: Option<Regex>,
    /// The longest match, in bytes.
    match_bytes_max: usize,
    /// How many clauses a match meets.
    clauses: usize,
}

/// That a literal meets a clause of a rule.
struct Cue {
    rule: usize,
    clause: usize,
    /// Whether only at the start of a word.
    word_start: bool,
}

// === impl Rule ===

impl Rule {
    /// The score of a finding, 0 to 1.
    #[must_use]
    pub const fn score(&self) -> f32 {
        self.severity.score()
    }

    /// Whether text of `role` is searched.
    #[must_use]
    pub fn applies_to(&self, role: Role) -> bool {
        self.roles.is_empty() || self.roles.contains(&role)
    }
}

// === impl Patterns ===

impl Patterns {
    /// Compiles packs, each a name for messages and its YAML.
    ///
    /// # Errors
    /// The first thing wrong with a pack, with the rule and the way to mend it.
    pub fn load<'a>(
        packs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, PackError> {
        compile::load(packs)
    }

    /// Compiles packs that are part of the program; there is one, `core`.
    ///
    /// # Errors
    /// If a name is unknown.
    pub fn builtin(names: &[&str]) -> Result<Self, PackError> {
        let mut files = Vec::new();
        for name in names {
            let pack = builtin_pack(name).ok_or_else(|| PackError::unknown(name))?;
            files.extend_from_slice(pack);
        }
        Self::load(files)
    }

    /// The rules in the order of the packs.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|compiled| &*compiled.rule)
    }

    /// Searches `text`, which stands in a place of `role`, and its decoded views.
    #[must_use]
    pub fn scan(&self, text: &str, role: Role) -> Vec<PatternMatch> {
        self.scan_prepared(&Prepared::new(text), role)
    }

    /// As [`scan`](Self::scan), for a text that was made ready before.
    #[must_use]
    pub fn scan_prepared(&self, text: &Prepared<'_>, role: Role) -> Vec<PatternMatch> {
        scan::scan(self, text, role)
    }
}

impl fmt::Debug for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patterns")
            .field("rules", &self.rules.len())
            .finish_non_exhaustive()
    }
}
