//! Overlapping windows over a long text.
//!
//! A planted sentence drowns in a long document, and an encoder reads only so many tokens. So a
//! text of more than [`WINDOW_WORDS`] tokens is read through windows that overlap by half: whatever
//! is shorter than the overlap stands whole in one of them.

use std::ops::Range;

use crate::ngram::tokens;

/// Tokens of one window.
pub const WINDOW_WORDS: usize = 64;

/// Tokens from the start of one window to that of the next.
pub const WINDOW_STRIDE: usize = 32;

/// The windows of normalised `text`, as byte ranges; one for a short text, none for an empty one.
#[must_use]
pub fn windows(text: &str) -> Vec<Range<usize>> {
    let mut ends = Vec::new();
    let mut starts = Vec::new();
    let mut count = 0_usize;
    tokens(text, |_, range| {
        if count.is_multiple_of(WINDOW_STRIDE) {
            starts.push(range.start);
        }
        count += 1;
        if count.is_multiple_of(WINDOW_STRIDE) {
            ends.push(range.end);
        }
    });
    if count == 0 {
        return Vec::new();
    }
    if !count.is_multiple_of(WINDOW_STRIDE) {
        ends.push(text.len());
    }
    let strides = WINDOW_WORDS / WINDOW_STRIDE;
    let windows = starts.len().saturating_sub(strides - 1).max(1);
    let edges = (0..windows).filter_map(|first| {
        let last = (first + strides - 1).min(ends.len() - 1);
        Some(*starts.get(first)?..*ends.get(last)?)
    });
    edges.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(words: usize) -> Vec<usize> {
        let text = vec!["word"; words].join(" ");
        let windows = windows(&text);
        windows
            .into_iter()
            .map(|window| text.get(window).unwrap().split(' ').count())
            .collect()
    }

    #[test]
    fn short_texts_have_one_window_and_empty_ones_none() {
        assert!(windows("").is_empty() && windows(" \n ").is_empty());
        assert_eq!(counts(1), [1]);
        assert_eq!(counts(WINDOW_WORDS), [WINDOW_WORDS]);
    }

    #[test]
    fn long_texts_are_covered_with_overlap_and_without_crumbs() {
        assert_eq!(counts(WINDOW_WORDS + 1), [64, 33]);
        assert_eq!(counts(130), [64, 64, 64, 34]);
    }

    #[test]
    fn every_token_and_every_short_run_stands_whole_in_a_window() {
        let words: Vec<String> = (0..500).map(|i| format!("w{i}")).collect();
        let text = words.join(" ");
        let windows = windows(&text);
        for run in words.windows(WINDOW_STRIDE) {
            let run = run.join(" ");
            assert!(
                windows
                    .iter()
                    .any(|w| text.get(w.clone()).unwrap().contains(&run)),
                "{run}"
            );
        }
    }
}
