//! Tails: values that go on for longer than text is held.

use aegis_core::PieceDigest;

use super::super::action;
use super::super::automata::GaveUp;
use super::super::decide::{Hit, Looker, Value};
use super::super::tables::CompiledTail;
use super::{Flow, Fold};

/// A value that goes on.
#[derive(Debug)]
pub(in super::super) struct OpenTail {
    pub(super) tail: CompiledTail,
    /// The placeholder to write when it ends, if that needs the whole value.
    pub(super) hashed: Option<(&'static str, Box<PieceDigest>)>,
}

// === impl Fold ===

impl Fold<'_> {
    /// The tail that begins with `hit`: that of the highest priority, and the head it follows.
    pub(super) fn open_tail(&self, hit: &Hit) -> Option<(Value, OpenTail)> {
        let head = self.best(hit, |_, form| form.tail.is_some())?;
        let tail = self.form(head)?.0.tail?;
        Some((head, OpenTail { tail, hashed: None }))
    }

    /// Masks on from `from` until `open` ends, or the text does.
    pub(super) fn follow(&mut self, mut open: OpenTail, from: usize) -> Result<Flow, GaveUp> {
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
                    None if joins => return (at, self.looker.window.last),
                    _ => return (at, true),
                }
            }
            at = next;
        }
        (at, self.looker.window.last)
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
        if self.looker.window.last {
            return Ok((text.len(), true));
        }
        // The closing expression may have begun.
        let keep = text.len().saturating_sub(len_max - 1).max(from);
        Ok((text.ceil_char_boundary(keep), false))
    }
}
