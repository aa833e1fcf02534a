//! Streamed replies: every event inspected, every channel filtered, cut wherever it was cut.
//!
//! For each event:
//! 1. [`Parser`] finds it, [`StreamReader`] says what it means: deltas of channels, whole texts,
//!    ends, usage. What can't be read ends the stream with an error in the client's format.
//! 2. Channels that end before this event are finished; what they still held goes out in one more
//!    event of their shape.
//! 3. Each delta goes through its channel's filter and is replaced by what the filter releases.
//!    Whole texts are filtered as such; values that repeat text token by token become empty.
//! 4. An event that needs no change goes out byte for byte; one that is left with nothing to say is
//!    dropped; otherwise only the changed literals are replaced.
//!
//! By the redactor's contract the text that a client puts together for a channel equals the
//! filtered whole text, for every way of cutting the bytes. Two channels never share a filter.
//!
//! A value that the policy blocks ends the stream with an error in the client's format; nothing
//! behind its start was sent. So does a provider that breaks off: what the channels held goes
//! through their filters first, never out as it was.
//!
//! Not caught: a value spread over two channels.

mod body;
mod channel;
mod edit;
mod ending;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use aegis_core::{Exchange, GenericFields, Operation, Rejection, Usage};
use aegis_detect::redact::{Finding, Redactor};
use aegis_wire::sse::{Event, Parser, write_event};
use aegis_wire::stream::{Channel, Delta, Frame, StreamReader};
use bytes::BytesMut;

pub(crate) use self::body::FilteredBody;
use self::channel::Channels;
use self::edit::Changes;
use crate::filter::note;
use crate::refusal::{invalid, malformed_arguments};
use crate::whole::filter_text;

/// So many bytes of events are looked at, or made ready, before others get their turn.
const PORTION_BYTES: usize = 16 << 10;

/// Bytes of an event besides its data that need no inspection: no value is so short.
const META_BYTES_MIN: usize = 10;

/// A filter of one stream; knows neither bodies nor tasks.
pub(crate) struct StreamFilter {
    operation: Operation,
    exchange: Arc<Exchange>,
    redactor: Arc<Redactor>,
    parser: Parser,
    reader: StreamReader,
    channels: Channels,
    /// Events that are parsed and not looked at yet.
    queue: VecDeque<Event>,
    /// What the parser met behind them.
    broken: Option<Rejection>,
    ended: bool,
    /// Whether it ended before the provider was done.
    stopped: bool,
    /// Whether the last thing sent lacks its blank line.
    unterminated: bool,
}

/// Why a stream stops before its end.
enum Stop {
    /// A value that the policy blocks.
    Blocked,
    /// The provider's fault.
    Failed(Rejection),
}

// === impl StreamFilter ===

impl StreamFilter {
    pub(crate) fn new(
        redactor: Arc<Redactor>,
        operation: Operation,
        generic: Option<Arc<GenericFields>>,
        exchange: Arc<Exchange>,
    ) -> Self {
        Self {
            operation,
            exchange,
            channels: Channels::new(redactor.clone()),
            redactor,
            parser: Parser::new(),
            reader: StreamReader::new(operation, generic),
            queue: VecDeque::new(),
            broken: None,
            ended: false,
            stopped: false,
            unterminated: false,
        }
    }

    /// Takes the next bytes of the provider's stream.
    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        let mut events = Vec::new();
        if let Err(error) = self.parser.feed(chunk, &mut events) {
            self.broken = Some(invalid(format_args!("the event stream: {error}")));
        }
        self.queue.extend(events);
    }

    /// Looks at a portion of the events; whether there are more to be looked at.
    pub(crate) fn advance(&mut self, out: &mut BytesMut) -> bool {
        let mut read = 0;
        while !self.ended {
            if read >= PORTION_BYTES || out.len() >= PORTION_BYTES {
                return true;
            }
            let result = match (self.queue.pop_front(), self.broken.take()) {
                (Some(event), broken) => {
                    self.broken = broken;
                    read += event.raw.len();
                    self.event(&event, out)
                }
                (None, Some(broken)) => Err(Stop::Failed(broken)),
                (None, None) => return false,
            };
            if let Err(stop) = result {
                self.stop(stop, out);
            }
        }
        false
    }

    /// Whether nothing more will be sent.
    pub(crate) const fn ended(&self) -> bool {
        self.ended
    }

    /// Whether the provider is not to be listened to any more.
    pub(crate) const fn stopped(&self) -> bool {
        self.stopped
    }

    /// The provider's stream ended.
    pub(crate) fn finish(&mut self, out: &mut BytesMut) {
        if let Err(stop) = self.end_of_stream(out) {
            self.stop(stop, out);
        }
        self.ended = true;
    }

    /// The provider's stream broke off.
    pub(crate) fn fail(&mut self, rejection: Rejection, out: &mut BytesMut) {
        self.stop(Stop::Failed(rejection), out);
    }

    fn event(&mut self, event: &Event, out: &mut BytesMut) -> Result<(), Stop> {
        if !event.has_data {
            if self.meta_is_clean(event) {
                self.put(event, &event.raw, out);
            }
            return Ok(());
        }
        let frame = self.reader.read(event).map_err(|error| malformed(&error))?;
        if frame.usage != Usage::default() {
            self.exchange.note(|trail| trail.usage.merge(frame.usage));
        }
        let ends_all = frame.ends_all || frame.last;
        let ends = |channel: Channel| ends_all || frame.ends.contains(&channel);
        let here = |channel: Channel| frame.deltas.iter().any(|delta| delta.channel == channel);
        if ends_all || !frame.ends.is_empty() {
            // A channel with a delta in its last event is finished in that delta.
            self.finish_channels(out, |channel| ends(channel) && !here(channel))?;
        }
        let mut changes = Changes::new(&frame);
        let filtered = self
            .filter_deltas(&frame, ends, &mut changes)
            .and_then(|()| self.filter_wholes(&frame, &mut changes));
        if let Err(stop) = filtered {
            // The event itself is not sent any more; what its channels released before is.
            self.send_closing(&changes.releases, out);
            return Err(stop);
        }
        if !self.redactor.is_empty() {
            changes.empty(&frame.drops, &event.data);
        }
        if changes.says {
            self.send(event, changes, out);
        }
        self.ended |= frame.last;
        Ok(())
    }

    fn filter_deltas(
        &mut self,
        frame: &Frame,
        ends: impl Fn(Channel) -> bool,
        changes: &mut Changes,
    ) -> Result<(), Stop> {
        for (index, delta) in frame.deltas.iter().enumerate() {
            let again = |later: &Delta| later.channel == delta.channel;
            let is_last = !frame.deltas.iter().skip(index + 1).any(again);
            let mut release = String::with_capacity(delta.text.len());
            let filtered = self.release(delta, is_last && ends(delta.channel), &mut release);
            changes.says |= !release.is_empty() || (delta.text.is_empty() && !delta.altered);
            if delta.altered || release != delta.text {
                changes.replace(&delta.literal, &release);
            }
            changes.releases.push((delta.channel, release));
            filtered?;
        }
        Ok(())
    }

    fn filter_wholes(&mut self, frame: &Frame, changes: &mut Changes) -> Result<(), Stop> {
        for whole in &frame.wholes {
            let mut findings = Vec::new();
            let filtered = filter_text(&self.redactor, whole.kind, &whole.text, &mut findings);
            note(&self.exchange, &findings);
            let filtered = filtered.map_err(|error| Stop::Failed(malformed_arguments(error)))?;
            if filtered.blocked {
                return Err(Stop::Blocked);
            }
            if let Some(text) = filtered.text {
                changes.replace(&whole.literal, &text);
            }
        }
        Ok(())
    }

    /// Appends to `out` what the channel's filter releases on `delta`.
    fn release(&mut self, delta: &Delta, ends: bool, out: &mut String) -> Result<(), Stop> {
        let (channel, mut findings) = (delta.channel, Vec::new());
        let mut filtered = self.channels.push(channel, &delta.text, out, &mut findings);
        if ends && filtered.is_ok() {
            filtered = self.channels.finish(channel, out, &mut findings);
        }
        note(&self.exchange, &findings);
        filtered
    }

    /// Finishes the open channels that `which` names; their rest goes out in events of their shape.
    fn finish_channels(
        &mut self,
        out: &mut BytesMut,
        which: impl Fn(Channel) -> bool,
    ) -> Result<(), Stop> {
        for channel in self.channels.open() {
            if !which(channel) {
                continue;
            }
            let (mut release, mut findings) = (String::new(), Vec::<Finding>::new());
            let finished = self.channels.finish(channel, &mut release, &mut findings);
            note(&self.exchange, &findings);
            self.send_closing(&[(channel, release)], out);
            finished?;
        }
        Ok(())
    }

    fn send_closing(&mut self, releases: &[(Channel, String)], out: &mut BytesMut) {
        for (channel, release) in releases {
            if !release.is_empty() {
                self.terminate(out);
                out.extend_from_slice(&self.reader.closing(*channel, release));
            }
        }
    }

    /// Ends an event that was sent without its blank line, before another one.
    fn terminate(&mut self, out: &mut BytesMut) {
        if std::mem::take(&mut self.unterminated) {
            out.extend_from_slice(b"\n\n");
        }
    }

    fn send(&mut self, event: &Event, changes: Changes, out: &mut BytesMut) {
        let clean = self.meta_is_clean(event);
        if changes.is_empty() && clean {
            return self.put(event, &event.raw, out);
        }
        let data = changes.apply(&event.data);
        if clean {
            self.put(event, &event.with_data(&data), out);
        } else {
            // Whatever stood in its comments or id is left out.
            out.extend_from_slice(&write_event(event.name.as_deref(), &data));
        }
    }

    fn put(&mut self, event: &Event, bytes: &[u8], out: &mut BytesMut) {
        out.extend_from_slice(bytes);
        self.unterminated = !event.terminated;
    }

    /// Whether comments, ids and names of `event` hold nothing that would be masked in its data.
    fn meta_is_clean(&self, event: &Event) -> bool {
        let is_clean = |text: &str| {
            text.len() < META_BYTES_MIN || self.redactor.redact(text).findings.is_empty()
        };
        let raw = std::str::from_utf8(&event.raw).unwrap_or_default();
        match event.data_at {
            Some(at) => [raw.get(..at), raw.get(at + event.data.len()..)]
                .into_iter()
                .flatten()
                .all(is_clean),
            None => raw
                .split(['\r', '\n'])
                .filter(|line| !line.starts_with("data"))
                .all(is_clean),
        }
    }
}

fn malformed(error: &aegis_wire::WireError) -> Stop {
    Stop::Failed(invalid(format_args!("an event of the reply: {error}")))
}
