//! Searching a prepared text.

use std::ops::Range;

use aegis_core::Role;
use regex_automata::Input;

use super::require::{CLAUSES_MAX, is_word};
use super::{Compiled, Cue, NOT_AFTER_BYTES_MAX, PatternMatch, Patterns};
use crate::normalize::normalize;
use crate::views::Prepared;

/// What one scan knows of a rule.
#[derive(Clone, Default)]
struct Progress {
    /// It matched, or does not apply: no more searching.
    done: bool,
    /// By clause: one past the last place where it was met; 0 if it was not.
    met: [usize; CLAUSES_MAX],
    /// The part of the text that is still to be searched.
    pending: Option<Range<usize>>,
}

struct Scan<'p> {
    patterns: &'p Patterns,
    role: Role,
    /// By rule; empty until a literal is met.
    progress: Vec<Progress>,
    found: Vec<(usize, Range<usize>)>,
}

pub(super) fn scan(patterns: &Patterns, text: &Prepared<'_>, role: Role) -> Vec<PatternMatch> {
    let mut scan = Scan {
        patterns,
        role,
        progress: Vec::new(),
        found: Vec::new(),
    };
    let mut matches = Vec::new();
    let mut report =
        |found: Vec<(usize, Range<usize>)>, view, place: &dyn Fn(Range<usize>) -> Range<usize>| {
            matches.extend(found.into_iter().filter_map(|(rule, range)| {
                let rule = patterns.rules.get(rule)?.rule.clone();
                let range = place(range);
                Some(PatternMatch { rule, range, view })
            }));
        };
    let normalized = &text.normalized;
    report(scan.search(&normalized.text), None, &|range| {
        normalized.original(range)
    });
    for view in &text.views {
        let found = scan.search(&normalize(&view.text).text);
        report(found, Some(view.encoding), &|_| view.origin.clone());
    }
    matches
}

// === impl Scan ===

impl Scan<'_> {
    /// The rules that match `text` and did not match before, with the place.
    fn search(&mut self, text: &str) -> Vec<(usize, Range<usize>)> {
        let bytes = text.as_bytes();
        for progress in &mut self.progress {
            progress.met = [0; CLAUSES_MAX];
        }
        for hit in self.patterns.prefilter.find_overlapping_iter(text) {
            let cues = self.patterns.cues.get(hit.pattern().as_usize());
            let before = hit.start().checked_sub(1).and_then(|at| bytes.get(at));
            let in_word = before.copied().is_some_and(is_word);
            for cue in cues.into_iter().flatten() {
                if !(cue.word_start && in_word) {
                    self.meet(text, cue, hit.range());
                }
            }
        }
        for rule in 0..self.progress.len() {
            self.settle(text, rule);
        }
        std::mem::take(&mut self.found)
    }

    /// Notes a literal of a rule; once all clauses are met near it, the part around is pending, and
    /// what lies too far back to be searched with it is searched.
    fn meet(&mut self, text: &str, cue: &Cue, literal: Range<usize>) {
        if self.progress.is_empty() {
            self.progress = self.patterns.rules.iter().map(|c| self.begin(c)).collect();
        }
        let (Some(compiled), Some(progress)) = (
            self.patterns.rules.get(cue.rule),
            self.progress.get_mut(cue.rule),
        ) else {
            return;
        };
        if progress.done {
            return;
        }
        if let Some(met) = progress.met.get_mut(cue.clause) {
            // A longer literal that ends here too starts before.
            *met = (*met).max(literal.start + 1);
        }
        let clauses = progress.met.iter().take(compiled.clauses);
        let first = clauses.copied().min().unwrap_or(0);
        // A match that ends before this literal was noted at the last literal within it.
        let Some(window) = window(compiled.match_bytes_max, first, &literal, text.len()) else {
            return;
        };
        match &mut progress.pending {
            Some(before) if before.end >= window.start => before.end = before.end.max(window.end),
            Some(_) => {
                self.settle(text, cue.rule);
                if let Some(progress) = self.progress.get_mut(cue.rule) {
                    progress.pending = (!progress.done).then_some(window);
                }
            }
            None => progress.pending = Some(window),
        }
    }

    fn begin(&self, compiled: &Compiled) -> Progress {
        Progress {
            done: !compiled.rule.applies_to(self.role),
            ..Progress::default()
        }
    }

    /// Searches what is pending for `rule`.
    fn settle(&mut self, text: &str, rule: usize) {
        let (Some(progress), Some(compiled)) =
            (self.progress.get_mut(rule), self.patterns.rules.get(rule))
        else {
            return;
        };
        let Some(window) = progress.pending.take() else {
            return;
        };
        // The text around the window still counts for `\b` and `^`.
        let window = text.floor_char_boundary(window.start)..text.ceil_char_boundary(window.end);
        let found = compiled
            .regex
            .find_iter(Input::new(text).range(window))
            .find(|found| !compiled.is_excused(text, found.start()));
        if let Some(found) = found {
            progress.done = true;
            self.found.push((rule, found.range()));
        }
    }
}

/// The part of a text of `len` bytes where a match of at most `reach` bytes may stand whose last
/// literal is `last`; `first`: one past the start of the clause that was met the longest ago.
fn window(reach: usize, first: usize, last: &Range<usize>, len: usize) -> Option<Range<usize>> {
    let start = last.end.saturating_sub(reach);
    let first = first.checked_sub(1)?;
    (first >= start).then(|| start..len.min(first.saturating_add(reach)))
}

// === impl Compiled ===

impl Compiled {
    /// Whether what stands right before `start` takes the meaning from a match there.
    pub(super) fn is_excused(&self, text: &str, start: usize) -> bool {
        self.not_after.as_ref().is_some_and(|not_after| {
            let from = text.floor_char_boundary(start.saturating_sub(NOT_AFTER_BYTES_MAX));
            let before = text.get(from..start).unwrap_or_default();
            not_after.is_match(before)
        })
    }
}
