//! Server-sent events, read incrementally and written back byte for byte.
//!
//! How (WHATWG HTML, "Server-sent events"):
//! 1. Bytes are collected until a blank line ends an event; lines end in LF, CR LF or CR.
//! 2. The event's bytes are checked as UTF-8 and its `event` and `data` lines are read.
//! 3. Comments, `id`, `retry` and unknown lines stay in [`Event::raw`] and are not interpreted.
//!
//! Every byte of the input is in the `raw` of exactly one event, so what is not changed goes on as
//! it came. Any way of cutting the input gives the same events: where a CR might be the first half
//! of CR LF the parser waits for the next byte, except on a blank line after a line that ended in
//! a lone CR (an LF that follows then is a blank line of its own, which means nothing).
//!
//! Why not a decoder with replacement characters, as the standard says: two readers that replace
//! differently would see different text, so invalid UTF-8 is refused.
//!
//! What it does not catch: text that a provider puts into comments, ids or event names. No model
//! output gets there, since it is JSON inside `data`.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use memchr::memchr2;

use crate::WireError;

#[cfg(test)]
mod tests;

/// The longest event accepted, in bytes, its line ends and comments included.
pub const EVENT_BYTES_MAX: usize = 1 << 20;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One event as it stood in the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its exact bytes, with the comments before it and the blank line that ends it.
    pub raw: Bytes,
    /// The value of the last `event` line, unless empty.
    pub name: Option<Box<str>>,
    /// The values of the `data` lines, joined by line feeds.
    pub data: String,
    /// Where `data` stands in `raw`, when it is one line: a splice there keeps every other byte.
    pub data_at: Option<usize>,
    /// Whether there is a `data` line at all; if not, readers ignore the event.
    pub has_data: bool,
    /// Whether the blank line is there; only the last event of a broken stream lacks it.
    pub terminated: bool,
    /// Length of the byte order mark that `raw` begins with, at the start of the stream.
    mark: usize,
}

/// An incremental parser; one a stream.
#[derive(Debug, Default)]
pub struct Parser {
    buffer: BytesMut,
    /// Start of the line that is not complete yet.
    line: usize,
    /// Everything before this has been searched for line ends.
    searched: usize,
    /// Whether the line before ended in a CR without LF.
    lone_cr: bool,
    /// Bytes of the stream before `buffer`.
    consumed: usize,
}

/// A line of an event: its content and where it ends, terminator included.
struct Line {
    content: Range<usize>,
    end: usize,
}

// === impl Parser ===

impl Parser {
    /// A parser at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and appends the events they complete to `out`.
    ///
    /// # Errors
    /// An event longer than [`EVENT_BYTES_MAX`] or not UTF-8; the parser is of no use afterwards.
    pub fn feed(&mut self, chunk: &[u8], out: &mut Vec<Event>) -> Result<(), WireError> {
        self.buffer.extend_from_slice(chunk);
        while let Some(end) = self.event_end() {
            let event = self.take(end)?;
            out.push(event);
        }
        self.check_length(self.buffer.len())
    }

    /// Ends the stream; returns the last event where its blank line is missing.
    ///
    /// # Errors
    /// As for [`Parser::feed`].
    pub fn finish(&mut self) -> Result<Option<Event>, WireError> {
        if self.buffer.is_empty() {
            return Ok(None);
        }
        self.take(self.buffer.len()).map(Some)
    }

    /// Finds the end of the first event in the buffer, if it is complete.
    fn event_end(&mut self) -> Option<usize> {
        loop {
            let unsearched = self.buffer.get(self.searched..)?;
            let Some(found) = memchr2(b'\n', b'\r', unsearched) else {
                self.searched = self.buffer.len();
                return None;
            };
            let at = self.searched + found;
            let blank = at == self.line || (self.line == 0 && self.mark_len() == at);
            let (end, lone_cr) = match (self.buffer.get(at), self.buffer.get(at + 1)) {
                (Some(b'\n'), _) => (at + 1, false),
                // Readers need not wait for a byte that streams with bare CRs never send.
                _ if blank && self.lone_cr => (at + 1, true),
                (_, Some(b'\n')) => (at + 2, false),
                (_, Some(_)) => (at + 1, true),
                (_, None) => {
                    self.searched = at;
                    return None;
                }
            };
            (self.line, self.searched, self.lone_cr) = (end, end, lone_cr);
            if blank {
                return Some(end);
            }
        }
    }

    /// The length of the byte order mark at the start of the stream, 0 elsewhere.
    fn mark_len(&self) -> usize {
        if self.consumed == 0 && self.buffer.starts_with(BYTE_ORDER_MARK) {
            BYTE_ORDER_MARK.len()
        } else {
            0
        }
    }

    fn take(&mut self, end: usize) -> Result<Event, WireError> {
        self.check_length(end)?;
        let mark = self.mark_len();
        let event = Event::read(self.buffer.split_to(end).freeze(), mark).map_err(|invalid| {
            WireError::invalid("the event is not UTF-8", self.consumed + invalid)
        })?;
        self.consumed += end;
        (self.line, self.searched, self.lone_cr) = (0, 0, false);
        Ok(event)
    }

    fn check_length(&self, length: usize) -> Result<(), WireError> {
        if length > EVENT_BYTES_MAX {
            return Err(WireError::too_large(
                "an event is longer than 1 MiB",
                self.consumed,
            ));
        }
        Ok(())
    }
}

// === impl Event ===

impl Event {
    /// Reads one event; fails with the offset of the first byte that is not UTF-8.
    fn read(raw: Bytes, mark: usize) -> Result<Self, usize> {
        let text = std::str::from_utf8(&raw).map_err(|error| error.valid_up_to())?;
        let mut name = None;
        let mut data = String::new();
        let mut data_at = None;
        let (mut has_data, mut terminated) = (false, false);
        for line in lines(&raw, mark) {
            if line.content.is_empty() {
                terminated = line.end > line.content.end;
                continue;
            }
            let content = text.get(line.content.clone()).unwrap_or_default();
            let (field, value) = split_field(content);
            match field {
                "event" => name = (!value.is_empty()).then(|| value.into()),
                "data" => {
                    let splices = !has_data && content.len() > field.len();
                    data_at = splices.then(|| line.content.end - value.len());
                    if has_data {
                        data.push('\n');
                    }
                    data.push_str(value);
                    has_data = true;
                }
                _ => {}
            }
        }
        Ok(Self {
            raw,
            name,
            data,
            data_at,
            has_data,
            terminated,
            mark,
        })
    }

    /// The same event with other data; all other lines keep their bytes.
    #[must_use]
    pub fn with_data(&self, data: &str) -> Bytes {
        let mut out = Vec::with_capacity(self.raw.len() + data.len());
        match self.data_at {
            Some(at)
                if !data.starts_with(' ') && memchr2(b'\n', b'\r', data.as_bytes()).is_none() =>
            {
                out.extend_from_slice(self.raw.get(..at).unwrap_or_default());
                out.extend_from_slice(data.as_bytes());
                let rest = self.raw.get(at + self.data.len()..);
                out.extend_from_slice(rest.unwrap_or_default());
            }
            _ => self.rewrite(data, &mut out),
        }
        out.into()
    }

    /// Writes the lines one by one: the new data where the first `data` line stood.
    fn rewrite(&self, data: &str, out: &mut Vec<u8>) {
        let mut written = false;
        out.extend_from_slice(self.raw.get(..self.mark).unwrap_or_default());
        for line in lines(&self.raw, self.mark) {
            let content = self.raw.get(line.content.clone()).unwrap_or_default();
            let is_data = content
                .strip_prefix(b"data")
                .is_some_and(|rest| rest.first().is_none_or(|byte| *byte == b':'));
            if !written && (is_data || content.is_empty()) {
                let ending = self.raw.get(line.content.end..line.end);
                write_data(data, ending.unwrap_or_default(), out);
                written = true;
            }
            if !is_data {
                let whole = self
                    .raw
                    .get(line.content.start..line.end)
                    .unwrap_or_default();
                // Where a line between them is left out, CR and LF must not become one line end.
                if out.ends_with(b"\r") && whole.starts_with(b"\n") {
                    out.push(b'\n');
                }
                out.extend_from_slice(whole);
            }
        }
    }
}

/// Writes an event of the gateway's own.
#[must_use]
pub fn write_event(name: Option<&str>, data: &str) -> Bytes {
    let mut out = Vec::with_capacity(data.len() + 64);
    if let Some(name) = name {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.push(b'\n');
    }
    write_data(data, b"\n", &mut out);
    out.push(b'\n');
    out.into()
}

/// Writes one `data` line for each line of `data`.
fn write_data(data: &str, ending: &[u8], out: &mut Vec<u8>) {
    let ending = if ending.is_empty() { b"\n" } else { ending };
    for line in data.split("\r\n").flat_map(|part| part.split(['\r', '\n'])) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(ending);
    }
}

/// Splits a line at its first colon, and drops one space after it.
fn split_field(line: &str) -> (&str, &str) {
    match line.split_once(':') {
        Some((field, value)) => (field, value.strip_prefix(' ').unwrap_or(value)),
        None => (line, ""),
    }
}

/// The lines of `raw` from offset `from`; the last may lack its end.
fn lines(raw: &[u8], from: usize) -> impl Iterator<Item = Line> {
    let mut at = from;
    std::iter::from_fn(move || {
        let rest = raw.get(at..).filter(|rest| !rest.is_empty())?;
        let line = match memchr2(b'\n', b'\r', rest) {
            None => Line {
                content: at..raw.len(),
                end: raw.len(),
            },
            Some(length) => {
                let pair = rest.get(length..length + 2) == Some(b"\r\n");
                let content = at..at + length;
                let end = content.end + if pair { 2 } else { 1 };
                Line { content, end }
            }
        };
        at = line.end;
        Some(line)
    })
}
