//! What is changed in one event.

use std::ops::Range;

use aegis_wire::json::encode_string;
use aegis_wire::stream::{Channel, Frame};

use crate::whole::blank;

/// The changes to one event.
pub(super) struct Changes {
    edits: Vec<(Range<usize>, Vec<u8>)>,
    /// What each delta's channel released, in the order of the deltas.
    pub(super) releases: Vec<(Channel, String)>,
    /// Whether the event has anything to say with these changes.
    pub(super) says: bool,
}

// === impl Changes ===

impl Changes {
    pub(super) fn new(frame: &Frame) -> Self {
        Self {
            edits: Vec::new(),
            releases: Vec::new(),
            says: frame.essential || frame.deltas.is_empty() || !frame.wholes.is_empty(),
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// Puts the string `text` in the place of `literal`.
    pub(super) fn replace(&mut self, literal: &Range<usize>, text: &str) {
        let mut with = Vec::with_capacity(text.len() + 2);
        encode_string(text, &mut with);
        self.edits.push((literal.clone(), with));
    }

    /// Empties the values at `drops`, whatever else would be changed in them.
    pub(super) fn empty(&mut self, drops: &[Range<usize>], data: &str) {
        let kept = |at: usize| !drops.iter().any(|drop| drop.contains(&at));
        self.edits.retain(|(range, _)| kept(range.start));
        self.edits.extend(drops.iter().map(|drop| {
            let literal = data.get(drop.clone()).unwrap_or_default();
            (drop.clone(), blank(literal.as_bytes()).to_vec())
        }));
    }

    /// `data` with the changes.
    pub(super) fn apply(mut self, data: &str) -> String {
        self.edits.sort_unstable_by_key(|(range, _)| range.start);
        let mut out = String::with_capacity(data.len());
        let mut at = 0;
        for (range, with) in &self.edits {
            out.push_str(data.get(at..range.start).unwrap_or_default());
            out.push_str(&String::from_utf8_lossy(with));
            at = range.end;
        }
        out.push_str(data.get(at..).unwrap_or_default());
        out
    }
}
