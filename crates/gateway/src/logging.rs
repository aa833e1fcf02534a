//! Logs: JSON lines on stderr, constant messages with fields, never content.
//!
//! Whoever reads the log must not be able to stop the gateway: lines go through a bounded queue to
//! a thread of their own. A line that finds the queue full (nobody reads) or stderr gone is dropped.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The variable that sets what is logged (`tracing` directives, such as `info,hyper=warn`).
const VARIABLE: &str = "AEGIS_LOG";
const DEFAULT: &str = "info";
/// Lines that may wait to be written; more are dropped.
const QUEUE_LINES: usize = 8_192;

/// Hands lines to the writing thread.
#[derive(Debug, Clone)]
struct Queue(SyncSender<Vec<u8>>);

/// Starts logging for the process.
///
/// # Errors
/// If the directives in `AEGIS_LOG` can't be read, logging runs already, or no thread can start.
pub fn start() -> Result<(), String> {
    let directives = std::env::var(VARIABLE).unwrap_or_else(|_| DEFAULT.to_owned());
    let filter = EnvFilter::try_new(&directives).map_err(|e| format!("{VARIABLE}: {e}"))?;
    let (sender, receiver) = sync_channel(QUEUE_LINES);
    std::thread::Builder::new()
        .name("aegis-log".to_owned())
        .spawn(move || write_lines(&receiver, &mut io::stderr()))
        .map_err(|e| e.to_string())?;
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(Queue(sender))
        .try_init()
        .map_err(|e| e.to_string())
}

fn write_lines(lines: &Receiver<Vec<u8>>, out: &mut impl Write) {
    while let Ok(line) = lines.recv() {
        // A log that can't be written is no reason to stop; the next line is tried again.
        out.write_all(&line).ok();
    }
}

// === impl Queue ===

impl<'a> MakeWriter<'a> for Queue {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for Queue {
    /// One call is one line: `tracing` formats an event whole before it writes.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // Full: nobody reads. The line is dropped, the caller goes on.
        self.0.try_send(line.to_vec()).ok();
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_and_a_broken_pipe_stop_nobody() {
        let (sender, receiver) = sync_channel(1);
        let mut queue = Queue(sender);
        for _ in 0..3 {
            assert_eq!(queue.write(b"line\n").unwrap(), 5);
        }
        drop(queue);
        struct Broken(usize);
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                self.0 += 1;
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut broken = Broken(0);
        write_lines(&receiver, &mut broken);
        assert_eq!(broken.0, 1, "one line was queued, two dropped");
    }
}
