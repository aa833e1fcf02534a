//! Redaction of text that arrives in pieces.

use std::fmt;
use std::sync::Arc;

use super::fold::{Sink, State};
use super::window::Window;
use super::{Finding, Redactor};

/// Redacts one text that arrives in pieces; each channel of a reply has its own.
///
/// However the text is cut, the released pieces together and the findings are those of
/// [`Redactor::redact`] on the whole. Finish it on every end, an error's too: what is held was
/// never judged harmless.
pub struct RedactStream {
    redactor: Arc<Redactor>,
    /// As received, from the first character that is not decided.
    held: String,
    state: State,
}

// === impl RedactStream ===

impl RedactStream {
    pub(super) fn new(redactor: Arc<Redactor>) -> Self {
        Self {
            redactor,
            held: String::new(),
            state: State::default(),
        }
    }

    /// Takes the next piece and appends to `out` whatever can't be part of a value any more.
    pub fn push(&mut self, piece: &str, out: &mut String, findings: &mut Vec<Finding>) {
        self.feed(piece, false, out, findings);
    }

    /// Takes the end of the text and appends the rest.
    pub fn finish(&mut self, out: &mut String, findings: &mut Vec<Finding>) {
        self.feed("", true, out, findings);
    }

    /// Bytes received and neither released nor masked yet.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.held.len()
    }

    /// Whether a value to block was met: nothing from its start on was or will be released.
    #[must_use]
    pub const fn blocked(&self) -> bool {
        self.state.blocked
    }

    fn feed(&mut self, piece: &str, eof: bool, out: &mut String, findings: &mut Vec<Finding>) {
        if self.state.blocked || (piece.is_empty() && !eof) {
            return;
        }
        let mut held = std::mem::take(&mut self.held);
        let fresh = held.is_empty();
        if !fresh {
            held.push_str(piece);
        }
        let text = if fresh { piece } else { &*held };
        let window = Window::new(text, self.state.run).last(eof);
        let sink = Sink {
            out,
            untouched: false,
        };
        let redactor = &self.redactor;
        let done = redactor.run(&window, &mut self.state, sink, findings).done;
        drop(window);
        if fresh {
            held.push_str(piece.get(done..).unwrap_or_default());
        } else {
            held.replace_range(..done.min(held.len()), "");
        }
        self.held = held;
    }
}

// What is held may be half a secret: it is not printed.
impl fmt::Debug for RedactStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedactStream")
            .field("held", &self.held.len())
            .field("blocked", &self.state.blocked)
            .finish_non_exhaustive()
    }
}
