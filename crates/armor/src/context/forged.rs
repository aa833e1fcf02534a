//! Forged turns: text that pretends to be another's turn, or the machinery between turns.
//!
//! 1. **Tokens** of chat templates (`<|im_start|>`, `[INST]`, `<start_of_turn>` …), found by one
//!    automaton. Some are written for no other purpose: each refuses the text, unless it is quoted
//!    by itself, as somebody writes who asks about it. Others occur in honest text (`[INST]`,
//!    `<|end|>`): they refuse it only in company of another token.
//! 2. **Turns**: lines that open a turn of the system (`System: you must …`), role tags
//!    (`<system>`, `[system](#…)`) and false ends (`--- end of system prompt ---`), by regex.
//!
//! The text was normalised before: full-width and zero-width spellings are one, letters are lower
//! case, and a run of white space is one space or one line feed.
//!
//! Not caught: turns in other languages than English and Arabic, and a system turn told in prose;
//! patterns and the semantic check read those.

mod tables;

use std::ops::Range;

use aegis_core::{Category, Role};
use aegis_detect::normalize::normalize;
use aho_corasick::{AhoCorasick, MatchKind};
use regex::{Regex, RegexBuilder};
use smallvec::SmallVec;

use self::tables::{AMBIGUOUS, CONTROL, FORGED, HINT, TURNS, TurnRule, turns};
use super::Hit;

/// Quoted tokens up to this number are a question about templates; more are a template.
const MENTIONS_MAX: usize = 4;

/// Bytes that the compiled expressions may take.
const REGEX_BYTES_MAX: usize = 4 << 20;

/// A compiled rule.
struct Turn {
    rule: TurnRule,
    regex: Regex,
}

/// The compiled tokens and turns.
pub(crate) struct Forgeries {
    tokens: AhoCorasick,
    /// Finds the keywords of all turns in one pass.
    keywords: AhoCorasick,
    /// For each keyword, the turn it belongs to.
    keyword_turns: Vec<usize>,
    turns: Vec<Turn>,
}

/// Why the tables did not compile.
#[derive(Debug, thiserror::Error)]
#[error("the built-in turn rules do not compile")]
pub struct CompileError(#[source] Box<dyn std::error::Error + Send + Sync>);

// === impl Forgeries ===

impl Forgeries {
    /// Compiles the tables.
    pub(crate) fn compile() -> Result<Self, CompileError> {
        let spellings = CONTROL.iter().chain(AMBIGUOUS);
        let spellings = spellings.map(|token| normalize(token).text.into_owned());
        let tokens = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(spellings)
            .map_err(|error| CompileError(error.into()))?;
        let turns = turns().into_iter().map(Turn::compile);
        let turns = turns.collect::<Result<Vec<_>, _>>()?;
        let keywords = || {
            let turns = turns.iter().enumerate();
            turns.flat_map(|(turn, compiled)| compiled.rule.keywords.iter().map(move |k| (turn, k)))
        };
        Ok(Self {
            tokens,
            keywords: AhoCorasick::new(keywords().map(|(_, keyword)| keyword))
                .map_err(|error| CompileError(error.into()))?,
            keyword_turns: keywords().map(|(turn, _)| turn).collect(),
            turns,
        })
    }

    /// Adds what `text` (normalised) in `role` forges to `hits`, each rule once.
    pub(super) fn find(&self, text: &str, role: Role, hits: &mut Vec<Hit>) {
        hits.extend(self.tokens(text));
        let retrieved = matches!(role, Role::Tool | Role::Document);
        for (Turn { rule, regex }, present) in self.turns.iter().zip(self.present(text)) {
            if !present || (rule.retrieved_only && !retrieved) {
                continue;
            }
            if let Some(found) = regex.find(text) {
                hits.push(Hit {
                    rule: rule.rule,
                    category: rule.category,
                    score: rule.score,
                    range: found.range(),
                });
            }
        }
    }

    /// For each turn, whether one of its keywords stands in `text`.
    fn present(&self, text: &str) -> SmallVec<[bool; TURNS]> {
        let mut present = SmallVec::from_elem(false, self.turns.len());
        for found in self.keywords.find_overlapping_iter(text) {
            let turn = self.keyword_turns.get(found.pattern().as_usize());
            if let Some(present) = turn.and_then(|turn| present.get_mut(*turn)) {
                *present = true;
            }
        }
        present
    }

    fn tokens(&self, text: &str) -> Option<Hit> {
        let mut first: Option<Range<usize>> = None;
        let (mut bare_control, mut bare, mut quoted) = (0_usize, 0_usize, 0_usize);
        for found in self.tokens.find_iter(text) {
            first.get_or_insert_with(|| found.range());
            if is_quoted(text, &found.range()) {
                quoted += 1;
                continue;
            }
            bare += 1;
            bare_control += usize::from(found.pattern().as_usize() < CONTROL.len());
        }
        let forged = bare_control > 0 || bare > 1 || quoted > MENTIONS_MAX;
        let (rule, score) = if forged {
            ("chat-template-token", FORGED)
        } else {
            ("chat-template-mention", HINT)
        };
        first.map(|range| Hit {
            rule,
            category: Category::RoleConfusion,
            score,
            range,
        })
    }
}

/// Whether the token at `range` stands by itself between two equal quotation marks.
fn is_quoted(text: &str, range: &Range<usize>) -> bool {
    let before = text
        .get(..range.start)
        .and_then(|head| head.chars().next_back());
    let after = text.get(range.end..).and_then(|tail| tail.chars().next());
    matches!(
        (before, after),
        (Some('`'), Some('`'))
            | (Some('"'), Some('"'))
            | (Some('\''), Some('\''))
            | (Some('«'), Some('»'))
    )
}

// === impl Turn ===

impl Turn {
    fn compile(rule: TurnRule) -> Result<Self, CompileError> {
        let regex = RegexBuilder::new(&rule.pattern)
            .size_limit(REGEX_BYTES_MAX)
            .build()
            .map_err(|error| CompileError(error.into()))?;
        Ok(Self { rule, regex })
    }
}

#[cfg(test)]
mod tests;
