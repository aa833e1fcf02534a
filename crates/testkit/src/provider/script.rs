//! What the mock answers.

use std::time::Duration;

/// One answer, in every API's shape.
#[derive(Debug, Clone)]
pub struct Script {
    /// The answer's text; every choice says the same, prefixed with its index from the second on.
    pub text: String,
    /// The arguments (a JSON text) of a call of the tool `lookup`, sent instead of `text`.
    pub tool_arguments: Option<String>,
    /// The model's reasoning, where the API has a place for it.
    pub reasoning: Option<String>,
    /// How many characters a streamed delta holds.
    pub chunk_chars: usize,
    /// Pause between streamed events.
    pub pause: Duration,
    /// What goes wrong.
    pub fault: Option<Fault>,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Accept, read, never answer.
    HangBeforeHead,
    /// Send this many events of a stream (or half of a whole body), then nothing.
    HangAfter(usize),
    /// Send this many events of a stream (or half of a whole body), then reset.
    ResetAfter(usize),
    /// Answer with bytes that are not HTTP.
    GarbageHead,
    /// Answer 200 with a body that is not JSON.
    GarbageBody,
    /// Answer with this status and body.
    Status(u16, String),
    /// Claim this content coding.
    Encoding(&'static str),
    /// End a stream without its closing event.
    NoTerminator,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            text: "The capital of France is Paris.".into(),
            tool_arguments: None,
            reasoning: None,
            chunk_chars: 4,
            pause: Duration::ZERO,
            fault: None,
        }
    }
}

impl Script {
    /// The script that a test in another language posts to `/__play`: the fields of this type.
    pub(super) fn from_json(body: &[u8]) -> Self {
        let value: serde_json::Value = serde_json::from_slice(body).expect("a script");
        let text = |key: &str| value[key].as_str().map(str::to_owned);
        Self {
            text: text("text").unwrap_or_else(|| Self::default().text),
            tool_arguments: text("tool_arguments"),
            reasoning: text("reasoning"),
            chunk_chars: value["chunk_chars"]
                .as_u64()
                .map_or(4, |chars| chars as usize),
            ..Self::default()
        }
    }

    /// A script that says `text`.
    pub fn saying(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// A script that calls the tool `lookup` with `arguments`.
    pub fn calling(arguments: impl Into<String>) -> Self {
        Self {
            tool_arguments: Some(arguments.into()),
            ..Self::default()
        }
    }

    /// With this fault.
    #[must_use]
    pub fn failing(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// With deltas of this many characters.
    #[must_use]
    pub const fn chunked(mut self, chars: usize) -> Self {
        self.chunk_chars = chars;
        self
    }

    /// The text of choice `index`.
    pub(super) fn choice(&self, index: usize) -> String {
        if index == 0 {
            self.text.clone()
        } else {
            format!("{index}: {}", self.text)
        }
    }

    /// `text` cut into deltas.
    pub(super) fn pieces<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest
                .char_indices()
                .nth(self.chunk_chars.max(1))
                .map_or(rest.len(), |(at, _)| at);
            let (piece, tail) = rest.split_at(end);
            pieces.push(piece);
            rest = tail;
        }
        pieces
    }
}

/// A rough count of tokens, as a provider would report one.
pub(super) fn tokens(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(4).max(1)
}
