//! Whether a value starts here: the one question that the fold asks, at one start after another.
//!
//! The answer depends on the character before the start, on the text from it onwards, and on
//! nothing else. It is only given when no unseen text can change it.

use smallvec::SmallVec;

use super::Mask;
use super::automata::{Caches, GaveUp};
use super::tables::{CompiledForm, Tables};
use super::window::Window;

/// What starts at a place.
#[derive(Debug)]
pub(super) enum Decision {
    /// Nothing, whatever follows.
    No,
    /// It depends on what follows.
    Undecided,
    /// These values.
    Found(Hit),
}

/// The values of all detectors that start at one place.
#[derive(Debug, Default)]
pub(super) struct Hit {
    /// Those that change the text.
    pub(super) masks: SmallVec<[Value; 2]>,
    /// Those that are only reported.
    pub(super) flags: SmallVec<[Value; 2]>,
    /// One that stops the text.
    pub(super) block: Option<Value>,
}

/// A value of one form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Value {
    /// Index of its form.
    pub(super) form: usize,
    /// Where it ends; of a form with a tail, where its head ends.
    pub(super) end: usize,
}

/// Looks at single starts of one window.
#[derive(Debug)]
pub(super) struct Looker<'a> {
    pub(super) tables: &'a Tables,
    pub(super) caches: &'a mut Caches,
    pub(super) window: &'a Window<'a>,
    /// The (folded) character before the window.
    pub(super) before: Option<char>,
    /// Room for the ends of one form.
    pub(super) ends: Vec<usize>,
}

enum Outcome {
    No,
    Undecided,
    Value(usize),
}

// === impl Hit ===

impl Hit {
    fn add(&mut self, value: Value, mask: Mask) {
        match mask {
            Mask::Redact | Mask::Mask { .. } | Mask::Hash => self.masks.push(value),
            Mask::Flag => self.flags.push(value),
            Mask::Block => self.block = Some(value),
        }
    }

    fn is_empty(&self) -> bool {
        self.masks.is_empty() && self.flags.is_empty() && self.block.is_none()
    }

    /// Whether it changes the text.
    pub(super) fn masks_text(&self) -> bool {
        !self.masks.is_empty() || self.block.is_some()
    }

    /// Where the furthest of the values that change the text ends.
    pub(super) fn far(&self) -> usize {
        self.masks.iter().map(|value| value.end).max().unwrap_or(0)
    }
}

// === impl Looker ===

impl Looker<'_> {
    /// Decides the start `at`.
    pub(super) fn at(&mut self, at: usize) -> Result<Decision, GaveUp> {
        let Some(&byte) = self.window.text.as_bytes().get(at) else {
            return Ok(Decision::No);
        };
        let mut hit = Hit::default();
        let mut ends = std::mem::take(&mut self.ends);
        for index in self.tables.automata.starting_with(byte).iter() {
            let Some((form, rule)) = self.tables.form(index) else {
                continue;
            };
            if !form.left.holds(self.before(at)) {
                continue;
            }
            match self.value((index, form), at, &mut ends)? {
                Outcome::No => {}
                Outcome::Undecided => {
                    self.ends = ends;
                    return Ok(Decision::Undecided);
                }
                Outcome::Value(end) => hit.add(Value { form: index, end }, rule.mask),
            }
        }
        self.ends = ends;
        Ok(if hit.is_empty() {
            Decision::No
        } else {
            Decision::Found(hit)
        })
    }

    /// The longest end of `form` at `at` that its guard and its validator let stand.
    fn value(
        &mut self,
        (index, form): (usize, &CompiledForm),
        at: usize,
        ends: &mut Vec<usize>,
    ) -> Result<Outcome, GaveUp> {
        ends.clear();
        let text = &*self.window.text;
        let head = form.tail.is_some();
        let tables = self.tables;
        let alive = tables
            .automata
            .ends(self.caches, (index, head), (text, at), ends)?;
        if alive && !self.window.last && text.len() - at < form.len_max {
            return Ok(Outcome::Undecided);
        }
        for &end in ends.iter().rev() {
            let rest = text.get(end..).unwrap_or_default();
            match form.right.holds(rest, self.window.last) {
                None => return Ok(Outcome::Undecided),
                Some(false) => continue,
                Some(true) => {}
            }
            let candidate = text.get(at..end).unwrap_or_default();
            if form.accept.is_none_or(|accept| accept(candidate)) {
                return Ok(Outcome::Value(end));
            }
        }
        Ok(Outcome::No)
    }

    /// The character before `at`.
    pub(super) fn before(&self, at: usize) -> Option<char> {
        if at == 0 {
            self.before
        } else {
            self.window.char_before(at)
        }
    }

    /// The start after `at`.
    pub(super) fn next(&self, at: usize) -> usize {
        at + self.window.char_at(at).map_or(1, char::len_utf8)
    }
}
