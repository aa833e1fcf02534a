//! Masking of values in text, whole or in pieces, so that the cutting can't be seen.
//!
//! **Contract.** For every way of cutting a text, what a [`RedactStream`] releases equals
//! [`Redactor::redact`] of the whole, findings too. What was released is never part of a value
//! masked later. Text is held only while a value could still be in progress, never longer than
//! [`Redactor::hold_max`].
//!
//! **Meaning.** Whether a value starts at a place depends on the character before it, on the text
//! from it onwards, and on nothing else. So `redact` is a left-to-right fold over starts:
//!
//! 1. The text is folded one character at a time (digits of other scripts and full-width
//!    characters count as ASCII, characters without width are looked through); values are looked
//!    for in the folded text and masked in the original.
//! 2. `ends(d, s)`: all `e` such that `text[s..e]` is in the language of form `d`.
//!    `value(d, s)`: the longest such `e` whose guards hold and whose validator accepts.
//! 3. Resume rule `cover`: the fold goes on at `s + 1`, and every byte that *any* value covers is
//!    masked. Values that overlap form one region, which shows what the region's first value shows:
//!    the detector of highest priority at that start, of equal priorities the longest value.
//!    Values that only touch keep their own.
//! 4. A form with a tail is matched by its head; it masks on to its tail's end, and the fold
//!    resumes there: values inside a tail are not looked for.
//!
//! **Actions** where values overlap:
//! - `Block` stops the text before the value, whatever else starts there. Where a region is open
//!   already, its placeholder stays.
//! - `Flag` never unmasks: flagged values take no part in regions. One is reported unless the
//!   rule's last reported one reaches as far.
//! - `Mask` shows last characters only if no value reaches beyond the region's first and every
//!   value inside it has the action `Mask` too; the smallest `keep_last` counts. Else the name
//!   stands there.
//! - Context at a value's head (`NHS number: `) stays visible unless another value hides some of it.
//! - A masking value is reported if it reaches beyond what is masked already; a region's first
//!   always is. A value with a tail is reported by its head and without a digest.
//!
//! **Why cutting can't be seen.** A start is only decided when no unseen text can change the
//! answer: every automaton started there is dead or past its maximum, and every character a guard
//! looks at is there. The prefix automaton guarantees that no start before a hold is in progress.
//! Decisions are made in the order of starts from state that is the same however the text was cut.
//!
//! **Not caught.** Values split by more than
//! sixteen invisible characters in a row; values in letters of other scripts; anything encoded;
//! values inside the tail of another.

mod action;
mod automata;
mod decide;
mod detector;
mod fold;
mod sketch;
mod stream;
mod tables;
mod window;

#[cfg(test)]
#[expect(clippy::string_slice, reason = "a slip fails the test")]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use aegis_core::{Category, DigestKey, TextDigest};

pub use self::action::Mask;
pub use self::detector::{Canon, Detector, Form, Left, Right, Tail};
pub use self::stream::RedactStream;

use self::automata::{CACHE_BYTES_MAX, FORMS_MAX};
use self::decide::Looker;
use self::fold::{Fold, Run, Sink, State};
use self::tables::Tables;
use self::window::{INVISIBLE_RUN_MAX, Window};

/// The longest UTF-8 character, in bytes.
const CHAR_LEN_MAX: usize = 4;

/// Detectors and what becomes of their values, compiled. Share it in an `Arc`.
#[derive(Debug)]
pub struct Redactor {
    tables: Option<Tables>,
}

/// A redacted text.
pub struct Redacted<'t> {
    /// What may be shown; the text itself if nothing had to change.
    pub text: Cow<'t, str>,
    /// What was found, in the order of starts.
    pub findings: Vec<Finding>,
    /// A value to block was met: the text ends before it.
    pub blocked: bool,
}

/// A value that was found. Never holds its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The detector's name.
    pub entity: &'static str,
    /// Personal data or secret.
    pub category: Category,
    /// Where it stands, in bytes of the text as received; of a stream, counted from its start.
    /// Of a value with a tail, where its head stands.
    pub range: Range<usize>,
    /// What became of it.
    pub mask: Mask,
    /// A keyed digest of it; values with a tail have none.
    pub digest: Option<TextDigest>,
}

/// Why detectors can't be loaded.
#[derive(Debug, thiserror::Error)]
pub enum RedactError {
    /// One of them is wrong.
    #[error("detector {name}: {source}")]
    Detector {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        source: DetectorError,
    },
    /// There are too many.
    #[error("the detectors have more than {FORMS_MAX} forms")]
    TooManyForms,
    /// They don't compile together.
    #[error("the detectors don't compile together")]
    Automata(#[source] DetectorError),
}

/// What is wrong with a detector's expression.
#[derive(Debug, thiserror::Error)]
pub enum DetectorError {
    /// It does not parse.
    #[error("the expression does not parse: {0}")]
    Syntax(String),
    /// It looks around.
    #[error("the expression holds look-around other than \\b at its ends")]
    LookAround,
    /// It matches nothing at all.
    #[error("the expression matches the empty text, or none")]
    Empty,
    /// It has no longest match.
    #[error("the expression has no longest match; bound its repeats or use a tail")]
    Unbounded,
    /// No automaton can be built of it.
    #[error("no automaton can be built: {0}")]
    Automaton(String),
}

// === impl Redactor ===

impl Redactor {
    /// Compiles `rules`. Digests and hashed placeholders are made with `key`.
    ///
    /// # Errors
    /// If a detector's expression can't be used.
    pub fn new(rules: Vec<(Detector, Mask)>, key: DigestKey) -> Result<Self, RedactError> {
        Self::with_cache(rules, key, CACHE_BYTES_MAX)
    }

    fn with_cache(
        rules: Vec<(Detector, Mask)>,
        key: DigestKey,
        cache_bytes: usize,
    ) -> Result<Self, RedactError> {
        let tables = Tables::new(rules, key, cache_bytes)?;
        Ok(Self { tables })
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.tables.is_none()
    }

    /// The most bytes of text, as folded, that a stream ever holds.
    #[must_use]
    pub fn hold_max(&self) -> usize {
        self.tables.as_ref().map_or(0, |tables| tables.hold_max)
    }

    /// The most bytes of text, as received, that a stream ever holds: each held character may
    /// have folded from a longer one, with characters without width before it.
    #[must_use]
    pub fn held_max(&self) -> usize {
        self.hold_max() * CHAR_LEN_MAX * (usize::from(INVISIBLE_RUN_MAX) + 1)
    }

    /// Redacts a whole text. Where nothing changes, nothing is copied.
    #[must_use]
    pub fn redact<'t>(&self, text: &'t str) -> Redacted<'t> {
        let mut state = State::default();
        let mut out = String::new();
        let mut findings = Vec::new();
        let window = Window::new(text, 0).last(true);
        let sink = Sink {
            out: &mut out,
            untouched: true,
        };
        let run = self.run(&window, &mut state, sink, &mut findings);
        let text = if run.untouched {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(out)
        };
        Redacted {
            text,
            findings,
            blocked: state.blocked,
        }
    }

    /// Starts the redaction of a text that arrives in pieces.
    #[must_use]
    pub fn stream(self: &Arc<Self>) -> RedactStream {
        RedactStream::new(Arc::clone(self))
    }

    /// One run of the fold over `window`.
    fn run(
        &self,
        window: &Window<'_>,
        state: &mut State,
        mut sink: Sink<'_>,
        findings: &mut Vec<Finding>,
    ) -> Run {
        let Some(tables) = &self.tables else {
            sink.pass(window.original);
            return Run {
                done: window.original.len(),
                untouched: sink.untouched,
            };
        };
        let fold = Fold {
            looker: Looker {
                tables,
                caches: &mut tables.pool.get(),
                window,
                before: state.prev,
                ends: Vec::new(),
            },
            state,
            sink,
            findings,
            cursor: 0,
        };
        fold.run()
    }
}

// === impl Redacted ===

// The text of a reply is nobody's to print, redacted or not.
impl fmt::Debug for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redacted")
            .field("findings", &self.findings)
            .field("blocked", &self.blocked)
            .finish_non_exhaustive()
    }
}
