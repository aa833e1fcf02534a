//! How a stream ends: well, cut, stopped.

use aegis_core::{BrokenOff, Ending, Operation};
use aegis_wire::error::{ErrorBody, in_band};
use aegis_wire::json::parse_lenient;
use aegis_wire::sse::Event;
use bytes::BytesMut;

use super::{Stop, StreamFilter, malformed};
use crate::refusal::{broken_off, invalid, output_blocked};

// === impl StreamFilter ===

impl StreamFilter {
    /// What is left to do when the provider's stream ended.
    pub(super) fn end_of_stream(&mut self, out: &mut BytesMut) -> Result<(), Stop> {
        let last = self
            .parser
            .finish()
            .map_err(|error| Stop::Failed(invalid(format_args!("the event stream: {error}"))))?;
        // Clients pass over an event that lacks its end; one that is cut says that more was cut.
        let cut = last.as_ref().is_some_and(|event| !is_complete(event));
        if let Some(event) = last.filter(|_| !cut) {
            self.event(&event, out)?;
        }
        if self.ended {
            return Ok(());
        }
        let whole = self.operation == Operation::Generic || self.channels.all_ended();
        self.finish_channels(out, |_| true)?;
        self.reader.finish().map_err(|error| malformed(&error))?;
        if whole && !cut {
            return Ok(());
        }
        // Without the event that ends it a reply was cut, however politely the connection ended.
        Err(Stop::Failed(broken_off(BrokenOff::Failed)))
    }

    /// Ends the stream for the client, in its own format.
    pub(super) fn stop(&mut self, stop: Stop, out: &mut BytesMut) {
        let (rejection, ending) = match self.wind_up(stop, out) {
            Stop::Blocked => (output_blocked(), Ending::Stopped),
            Stop::Failed(rejection) => (rejection, Ending::UpstreamFailed),
        };
        self.terminate(out);
        let id = self.exchange.id.to_string();
        let error = ErrorBody {
            status: rejection.status(),
            reason: rejection.reason(),
            message: rejection.message(),
            request_id: &id,
        };
        out.extend_from_slice(&in_band(self.operation, &error));
        self.exchange.note_rejection(&rejection);
        self.exchange.note(|trail| trail.ending = Some(ending));
        self.queue.clear();
        (self.ended, self.stopped) = (true, true);
    }

    /// A failing provider's text is finished as if it had ended; a blocked stream sends no more.
    fn wind_up(&mut self, stop: Stop, out: &mut BytesMut) -> Stop {
        match stop {
            Stop::Blocked => Stop::Blocked,
            Stop::Failed(rejection) => match self.finish_channels(out, |_| true) {
                Ok(()) | Err(Stop::Failed(_)) => Stop::Failed(rejection),
                Err(Stop::Blocked) => Stop::Blocked,
            },
        }
    }
}

/// Whether the data of an event that lacks its blank line is all there.
fn is_complete(event: &Event) -> bool {
    let data = event.data.trim_ascii();
    event.has_data && (data == "[DONE]" || parse_lenient(data.as_bytes()).is_ok())
}
