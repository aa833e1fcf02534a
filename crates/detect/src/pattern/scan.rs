//! Searching a prepared text.

use std::ops::Range;

use aegis_core::Role;
use regex_automata::Input;

use super::{Compiled, NOT_AFTER_BYTES_MAX, PatternMatch, Patterns};
use crate::normalize::normalize;
use crate::views::Prepared;

/// What one scan knows of a rule.
#[derive(Clone, Default)]
enum Progress {
    /// None of its keywords was met.
    #[default]
    Idle,
    /// A keyword was met; this part of the text is still to be searched.
    Pending(Range<usize>),
    /// It matched, or does not apply: no more searching.
    Done,
}

struct Scan<'p> {
    patterns: &'p Patterns,
    role: Role,
    /// By rule; empty until a keyword is met.
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
        for hit in self.patterns.prefilter.find_overlapping_iter(text) {
            let rules = self.patterns.keyword_rules.get(hit.pattern().as_usize());
            for &rule in rules.into_iter().flatten() {
                self.keyword(text, rule, hit.range());
            }
        }
        for rule in 0..self.progress.len() {
            self.settle(text, rule);
        }
        std::mem::take(&mut self.found)
    }

    /// Notes a keyword of `rule`, searching what lies too far back to be searched with it.
    fn keyword(&mut self, text: &str, rule: usize, keyword: Range<usize>) {
        let Some(compiled) = self.patterns.rules.get(rule) else {
            return;
        };
        if self.progress.is_empty() {
            self.progress = vec![Progress::Idle; self.patterns.rules.len()];
        }
        let reach = compiled.match_bytes_max;
        let window = keyword.end.saturating_sub(reach)..text.len().min(keyword.start + reach);
        let applies = compiled.rule.applies_to(self.role);
        let Some(progress) = self.progress.get_mut(rule) else {
            return;
        };
        match progress {
            Progress::Done => {}
            Progress::Idle if !applies => *progress = Progress::Done,
            Progress::Idle => *progress = Progress::Pending(window),
            Progress::Pending(before) if before.end >= window.start => {
                before.end = before.end.max(window.end);
            }
            Progress::Pending(_) => {
                self.settle(text, rule);
                if let Some(progress @ Progress::Idle) = self.progress.get_mut(rule) {
                    *progress = Progress::Pending(window);
                }
            }
        }
    }

    /// Searches what is pending for `rule`.
    fn settle(&mut self, text: &str, rule: usize) {
        let (Some(progress), Some(compiled)) =
            (self.progress.get_mut(rule), self.patterns.rules.get(rule))
        else {
            return;
        };
        let Progress::Pending(window) = progress else {
            return;
        };
        // The text around the window still counts for `\b` and `^`.
        let window = text.floor_char_boundary(window.start)..text.ceil_char_boundary(window.end);
        *progress = Progress::Idle;
        let found = compiled
            .regex
            .find_iter(Input::new(text).range(window))
            .find(|found| !compiled.is_excused(text, found.start()));
        if let Some(found) = found {
            *progress = Progress::Done;
            self.found.push((rule, found.range()));
        }
    }
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
