//! Streamed replies: what each event means for the text that flows through it.
//!
//! How:
//! 1. The event's data is parsed strictly; a string may begin or end with half a character, whose other
//!    half is in the next event of the same channel.
//! 2. The operation's grammar (the one for whole replies, and the event types) finds the texts. Pieces
//!    of a text that other events continue become [`Delta`]s, each on the [`Channel`] of its text; texts
//!    that stand alone or repeat what has flowed by become [`Whole`]s.
//! 3. Halves are joined channel by channel, and the channels that the event ends are named, so that
//!    held text can go out before it, in an event that [`StreamReader::closing`] writes.
//!
//! Why channels end: a filter holds text back while a value may go on. Text on a channel after its end
//! is refused, since a value could be spread over the two.
//!
//! What it does not catch: a value cut into pieces that stream through a member no grammar names
//! (deltas of new types have channels, new members beside known ones have not): each piece is a `Whole`
//! of its own. Nor does it catch text hidden in numbers or identifiers (see [`crate::reply`]).

use std::ops::Range;
use std::sync::Arc;

use aegis_core::{GenericFields, Kind, Operation, Usage};
use bytes::Bytes;
use smallvec::SmallVec;

use crate::WireError;
use crate::json::{self, Value};
use crate::reply::finds::{Finds, Found, Memory};
use crate::reply::generic::Pointers;
use crate::reply::looks::whole_text;
use crate::reply::{chat, tgi};
use crate::sse::Event;

mod channels;
mod messages;
mod responses;
mod shape;
#[cfg(test)]
mod tests;

use channels::Channels;
use shape::Scene;

/// Which text a piece belongs to. Channels never share a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Channel {
    /// What kind of text.
    pub kind: Kind,
    /// Index of the choice, output item or content block.
    pub index: u32,
    /// Tells apart texts of one kind and index: tool call, content part, field.
    pub sub: u32,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delta {
    /// The text it belongs to.
    pub channel: Channel,
    /// Byte range of its literal in the event's data, quotes included.
    pub literal: Range<usize>,
    /// The decoded characters, with one whose first half came before.
    pub text: String,
    /// Whether `text` is not what the literal says, because half a character was held or joined.
    pub altered: bool,
}

/// A text that is complete in its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// What kind of place it stands in.
    pub kind: Kind,
    /// Byte range of its literal in the event's data.
    pub literal: Range<usize>,
    /// The decoded text; of a [`Kind::Number`], the digits.
    pub text: String,
}

/// What an event means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// Pieces of texts, in the order of the data.
    pub deltas: SmallVec<[Delta; 1]>,
    /// Complete texts, in the order of the data.
    pub wholes: Vec<Whole>,
    /// Values that repeat text token by token: `null` takes their place while a filter is active.
    pub drops: Vec<Range<usize>>,
    /// Channels that end before this event goes out. A delta of such a channel in this very event
    /// is its last, and its literal takes what the filter still held.
    pub ends: SmallVec<[Channel; 1]>,
    /// Whether all channels end so.
    pub ends_all: bool,
    /// Tokens, where the event reports them.
    pub usage: Usage,
    /// Whether there is anything besides text, so that it must go out even with none left.
    pub essential: bool,
    /// Whether nothing follows.
    pub last: bool,
}

/// Reads the events of one streamed reply.
#[derive(Debug)]
pub struct StreamReader {
    operation: Operation,
    pointers: Pointers,
    channels: Channels,
    memory: Memory,
    /// The number that the last event carried, where the format counts events.
    sequence: Option<u64>,
}

// === impl StreamReader ===

impl StreamReader {
    /// A reader at the start of a stream.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a route's fields are shared; what the reader needs of them it keeps"
    )]
    pub fn new(operation: Operation, generic: Option<Arc<GenericFields>>) -> Self {
        Self {
            operation,
            pointers: Pointers::new(generic.as_deref()),
            channels: Channels::default(),
            memory: Memory::default(),
            sequence: None,
        }
    }

    /// Reads the next event.
    ///
    /// # Errors
    /// If its data is not strict JSON, if a channel goes on after its end or ends in the middle of
    /// a character, or if there are more channels than a stream may have.
    pub fn read(&mut self, event: &Event) -> Result<Frame, WireError> {
        if !event.has_data || event.data.is_empty() {
            return Ok(Frame {
                essential: true,
                ..Frame::default()
            });
        }
        if event.data.trim_ascii() == "[DONE]" {
            self.channels.end_all()?;
            return Ok(Frame {
                ends_all: true,
                essential: true,
                last: true,
                ..Frame::default()
            });
        }
        let parsed = json::parse_lenient(event.data.as_bytes())?;
        let root = parsed.root();
        let mut finds = Finds::new(true, std::mem::take(&mut self.memory));
        self.grammar(event, &mut finds, root)?;
        self.memory = std::mem::take(&mut finds.memory);
        let counter = ["sequence_number", "index"].into_iter();
        let count = counter.filter_map(|name| root.get(name)).next();
        self.sequence = count.and_then(|count| count.as_u64()).or(self.sequence);
        self.frame(event, root, finds)
    }

    /// One more event like the channel's own, carrying `text`; nothing for an unknown channel.
    #[must_use]
    pub fn closing(&self, channel: Channel, text: &str) -> Bytes {
        self.channels.closing(channel, text, self.sequence)
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// If a channel ends in the middle of a character.
    pub fn finish(&mut self) -> Result<(), WireError> {
        self.channels.end_all()
    }

    fn grammar<'a>(
        &self,
        event: &Event,
        finds: &mut Finds<'a>,
        root: Value<'a>,
    ) -> Result<(), WireError> {
        match self.operation {
            Operation::ChatCompletions | Operation::Completions => chat::completion(finds, root),
            Operation::Responses => responses::event(event, finds, root),
            Operation::Messages => messages::event(event, finds, root),
            Operation::Generate | Operation::GenerateStream => tgi::event(finds, root),
            Operation::Generic => self.pointers.read(finds, root),
            // These have no streams; whatever comes is text.
            Operation::Embeddings | Operation::Models | Operation::CountTokens => {
                finds.unplaced(root);
                Ok(())
            }
        }
    }

    fn frame(
        &mut self,
        event: &Event,
        root: Value<'_>,
        mut finds: Finds<'_>,
    ) -> Result<Frame, WireError> {
        let mut frame = Frame {
            drops: finds.repeats,
            ends_all: finds.ends_all || finds.last,
            usage: finds.usage,
            last: finds.last,
            ..Frame::default()
        };
        finds.found.sort_by_key(|found| found.value.range().start);
        let scene = Scene { event, root };
        for found in &finds.found {
            match &found.flow {
                Some(flow) => {
                    let channel = Channel {
                        kind: found.kind,
                        index: found.index,
                        sub: flow.sub,
                    };
                    let delta = self
                        .channels
                        .delta(channel, found.value, &flow.place, &scene)?;
                    frame.deltas.push(delta);
                }
                None => frame.wholes.push(whole(found)?),
            }
        }
        for ends in &finds.ends {
            self.channels.end(ends, &mut frame.ends)?;
        }
        if frame.ends_all {
            self.channels.end_all()?;
        }
        frame.essential = finds.essential || frame.deltas.is_empty();
        Ok(frame)
    }
}

fn whole(found: &Found<'_>) -> Result<Whole, WireError> {
    let text = if found.value.is_string() {
        // Half a character can only be joined where a channel continues.
        whole_text(found.value)
            .ok_or_else(|| channels::unpaired(found.value.range().start))?
            .into_owned()
    } else {
        found.value.literal().to_owned()
    };
    Ok(Whole {
        kind: found.kind,
        literal: found.value.range(),
        text,
    })
}

/// The `type` of an event's data, which must be the event's name where it has one.
///
/// Some clients go by the one and some by the other.
fn event_type<'a>(event: &Event, root: Value<'a>) -> Result<Option<Value<'a>>, WireError> {
    let kind = root.get("type").filter(|kind| kind.is_string());
    let stated = kind.and_then(whole_text);
    match (&event.name, stated) {
        (Some(name), Some(stated)) if **name != *stated => Err(WireError::invalid(
            "the event's name is not its type",
            root.range().start,
        )),
        _ => Ok(kind),
    }
}
