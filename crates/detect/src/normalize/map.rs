//! Where each byte of a rewritten text comes from.

/// Offsets of a rewritten text, as units in rising order that cover it.
#[derive(Debug, Clone, Default)]
pub(super) struct OffsetMap {
    units: Vec<Unit>,
    to_end: usize,
    from_end: usize,
}

#[derive(Debug, Clone, Copy)]
struct Unit {
    /// Where it begins in the rewritten text.
    to: usize,
    /// Where it begins in the text before.
    from: usize,
    /// Copied byte for byte; otherwise it stands as a whole for what lies before the next unit.
    copied: bool,
}

/// Builds a rewritten text and its map side by side.
#[derive(Debug)]
pub(super) struct Rewriter {
    pub(super) text: String,
    map: OffsetMap,
}

// === impl OffsetMap ===

impl OffsetMap {
    /// The range before rewriting for a range after it.
    pub(super) fn back(&self, start: usize, end: usize) -> (usize, usize) {
        let from = self.start_of(start);
        if end <= start {
            return (from, from);
        }
        (from, self.end_of(end - 1).max(from))
    }

    /// Index of the unit that holds the byte at `to`, plus one.
    fn unit_after(&self, to: usize) -> usize {
        self.units.partition_point(|unit| unit.to <= to)
    }

    fn start_of(&self, to: usize) -> usize {
        if to >= self.to_end {
            return self.from_end;
        }
        let holder = self.unit_after(to).checked_sub(1);
        match holder.and_then(|index| self.units.get(index)) {
            Some(unit) if unit.copied => unit.from + (to - unit.to),
            Some(unit) => unit.from,
            None => 0,
        }
    }

    /// The end, before rewriting, of the byte at `to`.
    fn end_of(&self, to: usize) -> usize {
        let after = self.unit_after(to);
        match after.checked_sub(1).and_then(|index| self.units.get(index)) {
            Some(unit) if unit.copied => unit.from + (to - unit.to) + 1,
            Some(_) | None => self
                .units
                .get(after)
                .map_or(self.from_end, |next| next.from),
        }
    }
}

// === impl Rewriter ===

impl Rewriter {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self {
            text: String::with_capacity(bytes),
            map: OffsetMap::default(),
        }
    }

    /// Takes over `piece`, which begins at `from`, byte for byte (case apart).
    pub(super) fn copy(&mut self, from: usize, piece: &str) {
        let to = self.text.len();
        let goes_on = self
            .map
            .units
            .last()
            .is_some_and(|unit| unit.copied && from - unit.from == to - unit.to);
        if !goes_on {
            self.begin(from, true);
        }
        self.text.push_str(piece);
    }

    /// As [`copy`](Self::copy), lower-casing ASCII letters.
    pub(super) fn copy_lower(&mut self, from: usize, piece: &str) {
        let to = self.text.len();
        self.copy(from, piece);
        if let Some(tail) = self.text.get_mut(to..) {
            tail.make_ascii_lowercase();
        }
    }

    /// Begins a unit that stands as a whole for what begins at `from`; its text is pushed next.
    pub(super) fn replace(&mut self, from: usize) {
        self.begin(from, false);
    }

    fn begin(&mut self, from: usize, copied: bool) {
        let to = self.text.len();
        // A unit that got no text is forgotten, so that rewritten offsets rise strictly.
        if self.map.units.last().is_some_and(|unit| unit.to == to) {
            self.map.units.pop();
        }
        self.map.units.push(Unit { to, from, copied });
    }

    /// The text and its map; `from_end` is the length before rewriting.
    pub(super) fn finish(mut self, from_end: usize) -> (String, OffsetMap) {
        self.map.to_end = self.text.len();
        self.map.from_end = from_end;
        (self.text, self.map)
    }
}
