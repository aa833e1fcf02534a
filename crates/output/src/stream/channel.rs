//! The filters of a stream's channels.

use std::sync::Arc;

use aegis_core::Kind;
use aegis_detect::redact::{Finding, RedactStream, Redactor};
use aegis_wire::stream::Channel;

use super::Stop;
use crate::arguments::ArgumentsFilter;
use crate::refusal::{invalid, malformed_arguments};

/// Channels that one stream may have: choices, content parts, tool calls.
pub(crate) const CHANNELS_MAX: usize = 1_024;

/// Every channel that the stream has had, in order of appearance.
pub(super) struct Channels {
    redactor: Arc<Redactor>,
    list: Vec<(Channel, Filter)>,
}

enum Filter {
    Text(RedactStream),
    Arguments(Box<ArgumentsFilter>),
    /// Finished: no text may follow, it could continue a value that was released in part.
    Ended,
}

// === impl Channels ===

impl Channels {
    pub(super) const fn new(redactor: Arc<Redactor>) -> Self {
        Self {
            redactor,
            list: Vec::new(),
        }
    }

    /// The channels that are not finished.
    pub(super) fn open(&self) -> Vec<Channel> {
        let open = self.list.iter().filter(|(_, filter)| !filter.is_ended());
        open.map(|(channel, _)| *channel).collect()
    }

    /// Whether there was a channel and all are finished.
    pub(super) fn all_ended(&self) -> bool {
        !self.list.is_empty() && self.list.iter().all(|(_, filter)| filter.is_ended())
    }

    /// Passes `text` through the filter of `channel`.
    pub(super) fn push(
        &mut self,
        channel: Channel,
        text: &str,
        out: &mut String,
        findings: &mut Vec<Finding>,
    ) -> Result<(), Stop> {
        match self.filter(channel)? {
            Filter::Text(stream) => {
                stream.push(text, out, findings);
                stop_if(stream.blocked())
            }
            Filter::Arguments(arguments) => {
                let pushed = arguments.push(text, out, findings);
                pushed.map_err(|error| Stop::Failed(malformed_arguments(error)))?;
                stop_if(arguments.blocked())
            }
            Filter::Ended if text.is_empty() => Ok(()),
            Filter::Ended => Err(Stop::Failed(invalid("text follows the end of its channel"))),
        }
    }

    /// Finishes `channel`; appends what it held, filtered.
    pub(super) fn finish(
        &mut self,
        channel: Channel,
        out: &mut String,
        findings: &mut Vec<Finding>,
    ) -> Result<(), Stop> {
        let Some((_, filter)) = self.list.iter_mut().find(|(known, _)| *known == channel) else {
            return Ok(());
        };
        match std::mem::replace(filter, Filter::Ended) {
            Filter::Text(mut stream) => {
                stream.finish(out, findings);
                stop_if(stream.blocked())
            }
            Filter::Arguments(mut arguments) => {
                let finished = arguments.finish(out, findings);
                finished.map_err(|error| Stop::Failed(malformed_arguments(error)))?;
                stop_if(arguments.blocked())
            }
            Filter::Ended => Ok(()),
        }
    }

    fn filter(&mut self, channel: Channel) -> Result<&mut Filter, Stop> {
        let at = match self.list.iter().position(|(known, _)| *known == channel) {
            Some(at) => at,
            None if self.list.len() >= CHANNELS_MAX => {
                return Err(Stop::Failed(invalid("the stream has too many channels")));
            }
            None => {
                let filter = Filter::new(channel.kind, &self.redactor);
                self.list.push((channel, filter));
                self.list.len() - 1
            }
        };
        let found = self.list.get_mut(at).map(|(_, filter)| filter);
        found.ok_or_else(|| Stop::Failed(invalid("the stream has too many channels")))
    }
}

// === impl Filter ===

impl Filter {
    fn new(kind: Kind, redactor: &Arc<Redactor>) -> Self {
        match kind {
            Kind::ToolArguments => {
                Self::Arguments(Box::new(ArgumentsFilter::new(redactor.clone())))
            }
            Kind::Text
            | Kind::Reasoning
            | Kind::Refusal
            | Kind::ToolValue
            | Kind::Number
            | Kind::ToolDescription
            | Kind::ToolResult
            | Kind::Document
            | Kind::Key
            | Kind::Unplaced => Self::Text(redactor.stream()),
        }
    }

    const fn is_ended(&self) -> bool {
        match self {
            Self::Text(_) | Self::Arguments(_) => false,
            Self::Ended => true,
        }
    }
}

const fn stop_if(blocked: bool) -> Result<(), Stop> {
    if blocked { Err(Stop::Blocked) } else { Ok(()) }
}
