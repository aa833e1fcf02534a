//! The left-to-right fold over starts: what is released, masked and held of a window.
//!
//! 1. `forward` finds the first place where a value can end; `reverse` the leftmost start that
//!    value can have. Every start from there to that end is decided, in order.
//! 2. A start that depends on text not yet seen stops the fold: everything before it is released,
//!    the rest is held. If no value ends in the window, the hold begins at the leftmost start
//!    from which the text up to the window's end may still become a value.
//! 3. A value masks its text. The fold goes on at the next start all the same: values that overlap
//!    join into one *region*, which shows what its first value shows (resume rule `cover`).
//! 4. A value with a tail masks on until the tail ends, and the fold goes on there.
//!
//! What a value shows of itself (its lead; the last characters under [`Mask::Mask`]) is released
//! only if no other value hides it, so the starts inside it are decided before it is written.
//!
//! [`Mask::Mask`]: super::Mask::Mask

mod region;
mod tail;

use smallvec::SmallVec;

use self::tail::OpenTail;
use super::Finding;
use super::automata::GaveUp;
use super::decide::{Decision, Hit, Looker, Value};
use super::tables::{CompiledForm, Rule};

/// A hold longer than this many bytes is looked at again with the exact automaton, which knows the
/// limits that the sketch forgot.
const HOLD_REFINED_FROM: usize = 32;

/// What a stream carries from one window to the next.
#[derive(Debug, Default)]
pub(super) struct State {
    /// The (folded) character before the window.
    pub(super) prev: Option<char>,
    /// Characters left out right before the window.
    pub(super) run: u8,
    /// Original bytes before the window.
    pub(super) base: usize,
    /// Folded bytes at the head of the window that a region covers already.
    cov: usize,
    tail: Option<OpenTail>,
    /// By rule: where its last reported value that is only flagged ends, in the whole text.
    flagged: SmallVec<[(usize, usize); 1]>,
    /// Nothing more is released.
    pub(super) blocked: bool,
}

/// Where text goes.
#[derive(Debug)]
pub(super) struct Sink<'o> {
    pub(super) out: &'o mut String,
    /// Nothing has changed so far, and what passes need not be copied.
    pub(super) untouched: bool,
}

/// One run over one window.
#[derive(Debug)]
pub(super) struct Fold<'a> {
    pub(super) looker: Looker<'a>,
    pub(super) state: &'a mut State,
    pub(super) sink: Sink<'a>,
    pub(super) findings: &'a mut Vec<Finding>,
    /// Original bytes of the window that are released or masked.
    pub(super) cursor: usize,
}

/// What a run came to.
#[derive(Debug)]
pub(super) struct Run {
    /// Original bytes of the window that are done with; the rest is held.
    pub(super) done: usize,
    /// Nothing has changed so far.
    pub(super) untouched: bool,
}

/// Where the fold goes.
enum Flow {
    /// On, from this start.
    On(usize),
    /// Nowhere until there is more text: what follows this start is held.
    Hold(usize),
}

// === impl Sink ===

impl Sink<'_> {
    pub(super) fn pass(&mut self, piece: &str) {
        if !self.untouched {
            self.out.push_str(piece);
        }
    }

    /// From here on the text differs; `before` is what has passed so far.
    fn change(&mut self, before: &str) {
        if self.untouched {
            self.out.push_str(before);
            self.untouched = false;
        }
    }
}

// === impl Fold ===

impl<'a> Fold<'a> {
    /// Runs over the window.
    pub(super) fn run(mut self) -> Run {
        let done = match self.scan() {
            Ok(hold) if !self.state.blocked => self.leave(hold),
            Ok(_) | Err(GaveUp) => {
                self.state.blocked = true;
                self.change();
                self.looker.window.original.len()
            }
        };
        Run {
            done,
            untouched: self.sink.untouched,
        }
    }

    /// Folds until the text is done or a start is undecided; returns where the hold begins.
    fn scan(&mut self) -> Result<usize, GaveUp> {
        let mut flow = match self.state.tail.take() {
            Some(tail) => self.follow(tail, 0)?,
            None => Flow::On(0),
        };
        loop {
            let at = match flow {
                Flow::On(at) => at,
                Flow::Hold(at) => return Ok(at),
            };
            let Looker { tables, window, .. } = self.looker;
            let text = &*window.text;
            let Some(end) = tables.automata.first_end(self.looker.caches, text, at)? else {
                return self.hold(at);
            };
            let first = tables
                .automata
                .leftmost(self.looker.caches, text, (at, end))?;
            flow = self.starts(first, end)?;
        }
    }

    /// Decides the starts from `first` to `end`.
    fn starts(&mut self, first: usize, end: usize) -> Result<Flow, GaveUp> {
        let mut at = first;
        while at < end {
            match self.looker.at(at)? {
                Decision::No => {}
                Decision::Undecided => return Ok(Flow::Hold(at)),
                Decision::Found(hit) => match self.found(at, &hit)? {
                    Some(Flow::On(on)) => return Ok(Flow::On(on)),
                    Some(Flow::Hold(hold)) => return Ok(Flow::Hold(hold)),
                    None => {}
                },
            }
            at = self.looker.next(at);
        }
        Ok(Flow::On(end))
    }

    /// No value ends in the window: finds where the text begins that may still become one.
    fn hold(&mut self, from: usize) -> Result<usize, GaveUp> {
        let len = self.looker.window.text.len();
        if self.looker.window.last {
            return Ok(len);
        }
        let Looker { tables, window, .. } = self.looker;
        let mut at = tables
            .automata
            .leftmost(self.looker.caches, &window.text, (from, len))?;
        if len - at > HOLD_REFINED_FROM {
            while at < len && matches!(self.looker.at(at)?, Decision::No) {
                at = self.looker.next(at);
            }
        }
        Ok(at)
    }

    /// Takes the values that start at `at`; `None` if the fold simply goes on at the next start.
    fn found(&mut self, at: usize, hit: &Hit) -> Result<Option<Flow>, GaveUp> {
        if let Some(block) = hit.block {
            self.settle(at);
            self.report(at, block);
            self.state.blocked = true;
            return Ok(Some(Flow::Hold(at)));
        }
        let opens = at >= self.state.cov && !hit.masks.is_empty();
        let show = if opens { self.show(at, hit)? } else { None };
        if opens && show.is_none() {
            return Ok(Some(Flow::Hold(at)));
        }
        for &flag in &hit.flags {
            self.flag(at, flag);
        }
        let label = self.best(hit, |value, _| value.end > self.state.cov);
        let mut tail = self.open_tail(hit);
        if let Some(label) = label.or(tail.as_ref().map(|(tail, _)| *tail)) {
            self.report(at, label);
            if let Some(show) = show {
                let open = tail.as_mut().map(|(_, open)| open);
                self.open_region((at, hit.far()), label, &show, open);
            }
        }
        self.state.cov = self.state.cov.max(hit.far());
        match tail {
            Some((head, open)) => self.follow(open, head.end).map(Some),
            None => Ok(None),
        }
    }

    fn form(&self, value: Value) -> Option<(&'a CompiledForm, &'a Rule)> {
        self.looker.tables.form(value.form)
    }

    /// Releases everything before `at` that no region covers.
    fn settle(&mut self, at: usize) {
        if at >= self.state.cov {
            self.cursor = self.cursor.max(self.looker.window.end(self.state.cov));
            self.pass_to(self.looker.window.start(at));
        }
    }

    fn pass_to(&mut self, original: usize) {
        if original > self.cursor {
            let piece = self.looker.window.piece(self.cursor, original);
            self.sink.pass(piece);
            self.cursor = original;
        }
    }

    fn change(&mut self) {
        let before = self.looker.window.piece(0, self.cursor);
        self.sink.change(before);
    }

    /// Ends the run with a hold from `at`; returns the original bytes before it.
    fn leave(&mut self, at: usize) -> usize {
        if self.state.tail.is_none() {
            self.settle(at);
        }
        let window = self.looker.window;
        let done = window.start(at);
        self.state.prev = self.looker.before(at);
        self.state.run = window.run_before(at);
        self.state.base += done;
        self.state.cov = self.state.cov.saturating_sub(at);
        done
    }
}
