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
//! only if no other value claims it, so the starts inside it are decided before it is written.

use smallvec::SmallVec;

use super::automata::GaveUp;
use super::decide::{Decision, Hit, Looker, Value};
use super::tables::{CompiledForm, CompiledTail, Rule};
use super::{Finding, Mask, action};
use aegis_core::PieceDigest;

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

/// A value that goes on.
#[derive(Debug)]
struct OpenTail {
    tail: CompiledTail,
    /// The placeholder to write when it ends, if that needs the whole value.
    hashed: Option<(&'static str, Box<PieceDigest>)>,
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

/// Where the fold goes.
enum Flow {
    /// On, from this start.
    On(usize),
    /// Nowhere until there is more text: what follows this start is held.
    Hold(usize),
}

/// What a region shows at its start.
struct Show {
    /// Where the visible context before the value ends.
    lead: usize,
    /// How many characters stay visible at the end.
    stars: Option<usize>,
}

// === impl Sink ===

impl Sink<'_> {
    fn pass(&mut self, piece: &str) {
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
    /// Runs over the window; returns how many of its original bytes are done with.
    pub(super) fn run(mut self) -> (usize, Sink<'a>) {
        let done = match self.scan() {
            Ok(hold) if !self.state.blocked => self.leave(hold),
            Ok(_) | Err(GaveUp) => {
                self.state.blocked = true;
                self.change();
                self.looker.window.original.len()
            }
        };
        (done, self.sink)
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
        if self.looker.eof {
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
        let tail = self.best(hit, |_, form| form.tail.is_some());
        let mut open = None;
        if let Some(tail) = tail
            && let Some((
                CompiledForm {
                    tail: Some(kind), ..
                },
                _,
            )) = self.form(tail)
        {
            open = Some(OpenTail {
                tail: *kind,
                hashed: None,
            });
        }
        if let Some(label) = label.or(tail) {
            self.report(at, label);
            if let Some(show) = show {
                self.open_region((at, hit.far()), label, &show, open.as_mut());
            }
        }
        self.state.cov = self.state.cov.max(hit.far());
        match (open, tail) {
            (Some(open), Some(tail)) => self.follow(open, tail.end).map(Some),
            _ => Ok(None),
        }
    }

    /// The value of highest priority among those that `wanted` names; of equal ones the longest.
    fn best(&self, hit: &Hit, wanted: impl Fn(Value, &CompiledForm) -> bool) -> Option<Value> {
        let ranked = hit.masks.iter().filter_map(|&value| {
            let (form, rule) = self.form(value)?;
            wanted(value, form).then_some(((rule.priority, value.end), value))
        });
        // The first of equals, in the order of the rules.
        let best = ranked.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map(|(_, value)| value)
    }

    /// What a new region shows; `None` while a start inside that is undecided.
    fn show(&mut self, at: usize, hit: &Hit) -> Result<Option<Show>, GaveUp> {
        let leads = hit.masks.iter().map(|&value| self.lead(at, value));
        let lead = leads.min().unwrap_or(at);
        let far = hit.far();
        let mut stars = self.keep(hit);
        let mut shows_lead = lead > at;
        let mut inner = self.looker.next(at);
        while (shows_lead && inner < lead) || (stars.is_some() && inner < far) {
            match self.looker.at(inner)? {
                Decision::Undecided => return Ok(None),
                Decision::Found(other) if other.masks_text() => {
                    shows_lead &= inner >= lead;
                    stars = match (stars, self.keep(&other)) {
                        (Some(a), Some(b)) if other.far() <= far => Some(a.min(b)),
                        _ => None,
                    };
                }
                Decision::No | Decision::Found(_) => {}
            }
            inner = self.looker.next(inner);
        }
        let lead = if shows_lead { lead } else { at };
        Ok(Some(Show { lead, stars }))
    }

    /// How many characters `hit` lets stay visible; `None` unless all of it says so.
    fn keep(&self, hit: &Hit) -> Option<usize> {
        if hit.block.is_some() {
            return None;
        }
        let keeps = hit.masks.iter().map(|&value| match self.form(value) {
            Some((form, rule)) if form.tail.is_none() => match rule.mask {
                Mask::Mask { keep_last } => Some(keep_last),
                Mask::Redact | Mask::Hash | Mask::Block | Mask::Flag => None,
            },
            Some(_) | None => None,
        });
        keeps.reduce(|a, b| Some(a?.min(b?))).flatten()
    }

    /// Releases what stands before the region at `range` and writes what the region shows.
    fn open_region(
        &mut self,
        (at, far): (usize, usize),
        label: Value,
        show: &Show,
        open: Option<&mut OpenTail>,
    ) {
        self.settle(at);
        self.change();
        self.pass_to(self.looker.window.start(show.lead));
        let Some((form, rule)) = self.form(label) else {
            return;
        };
        let window = self.looker.window;
        let from = self.lead(at, label);
        let text = match (rule.mask, show.stars, open) {
            (Mask::Mask { .. }, Some(keep), _) => action::stars(window, (show.lead, far), keep),
            (Mask::Hash, _, Some(open)) if form.tail.is_some() => {
                let mut digest = self.looker.tables.key.pieces(rule.name.as_bytes());
                digest.update(window.folded(from, label.end).as_bytes());
                open.hashed = Some((rule.name, Box::new(digest)));
                return;
            }
            (Mask::Hash, _, _) => {
                let value = window.folded(from, label.end);
                let key = &self.looker.tables.key;
                action::hashed(rule.name, action::digest(key, rule.name, rule.canon, value))
            }
            _ => action::placeholder(rule.name),
        };
        self.sink.out.push_str(&text);
    }

    /// Masks on from `from` until `open` ends, or the text does.
    fn follow(&mut self, mut open: OpenTail, from: usize) -> Result<Flow, GaveUp> {
        let (stop, ended) = match open.tail {
            CompiledTail::Run { class, glue } => self.run_end(class, glue, from),
            CompiledTail::Until { closer, len_max } => self.close_end(closer, len_max, from)?,
        };
        if let Some((_, digest)) = &mut open.hashed {
            let piece = self.looker.window.folded(from, stop);
            digest.update(piece.as_bytes());
        }
        self.state.cov = self.state.cov.max(stop);
        if !ended {
            self.state.tail = Some(open);
            return Ok(Flow::Hold(stop));
        }
        if let Some((name, digest)) = open.hashed {
            self.sink
                .out
                .push_str(&action::hashed(name, digest.finish()));
        }
        // What was left out behind a run may have stood inside it: only what follows could tell.
        if matches!(open.tail, CompiledTail::Run { .. }) {
            self.cursor = self.cursor.max(self.looker.window.start(stop));
        }
        Ok(Flow::On(stop))
    }

    /// Where a run that goes on at `from` stops, and whether it ends there.
    fn run_end(&self, class: fn(char) -> bool, glue: &str, from: usize) -> (usize, bool) {
        let window = self.looker.window;
        let mut at = from;
        while let Some(c) = window.char_at(at) {
            let next = at + c.len_utf8();
            if !class(c) {
                let joins = glue.contains(c);
                match window.char_at(next) {
                    Some(after) if joins && class(after) => {}
                    None if joins => return (at, self.looker.eof),
                    _ => return (at, true),
                }
            }
            at = next;
        }
        (at, self.looker.eof)
    }

    /// Where a closing expression that may begin at `from` ends, and whether it was found.
    fn close_end(
        &mut self,
        closer: usize,
        len_max: usize,
        from: usize,
    ) -> Result<(usize, bool), GaveUp> {
        let Looker { tables, window, .. } = self.looker;
        let text = &*window.text;
        let end = tables
            .automata
            .close(self.looker.caches, closer, (text, from))?;
        if let Some(end) = end {
            return Ok((end, true));
        }
        if self.looker.eof {
            return Ok((text.len(), true));
        }
        // The closing expression may have begun.
        let keep = text.len().saturating_sub(len_max - 1).max(from);
        Ok((text.ceil_char_boundary(keep), false))
    }

    /// Reports `value`, which is only flagged, unless the same rule's last one covers it.
    fn flag(&mut self, at: usize, value: Value) {
        let Some((form, _)) = self.form(value) else {
            return;
        };
        let rule = form.rule;
        let end = self.state.base + self.looker.window.end(value.end);
        match self.state.flagged.iter_mut().find(|last| last.0 == rule) {
            Some((_, last)) if end <= *last => return,
            Some((_, last)) => *last = end,
            None => self.state.flagged.push((rule, end)),
        }
        self.report(at, value);
    }

    /// Reports a value; of one with a tail its head, without a digest.
    fn report(&mut self, at: usize, value: Value) {
        let Some((form, rule)) = self.form(value) else {
            return;
        };
        let window = self.looker.window;
        let from = self.lead(at, value);
        let base = self.state.base;
        let text = window.folded(from, value.end);
        let key = &self.looker.tables.key;
        let digest = || action::digest(key, rule.name, rule.canon, text);
        let finding = Finding {
            entity: rule.name,
            category: rule.category,
            range: base + window.start(from)..base + window.end(value.end),
            mask: rule.mask,
            digest: form.tail.is_none().then(digest),
        };
        self.findings.push(finding);
    }

    /// Where the value proper begins, behind its lead.
    fn lead(&self, at: usize, value: Value) -> usize {
        let lead = self.form(value).and_then(|(form, _)| form.lead);
        let candidate = self.looker.window.folded(at, value.end);
        lead.map_or(at, |lead| {
            let len = lead(candidate).min(candidate.len());
            at + candidate.floor_char_boundary(len)
        })
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
