//! JSON lines in, JSON lines out.

use std::future::Future;
use std::io::{BufRead, BufWriter, IsTerminal as _, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::FuturesOrdered;
use futures_util::{FutureExt, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::task::TaskTracker;

use super::CommandError;

/// A line may be this many bytes long.
const LINE_BYTES_MAX: usize = 64 << 20;

/// Lines that are read but not answered may be this many bytes long together.
const HELD_BYTES_MAX: usize = LINE_BYTES_MAX;

/// How often the progress line is drawn.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// How many lines there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Lines that were answered.
    pub(super) done: u64,
    /// Lines that could not be read.
    pub(super) bad: u64,
}

/// A line and its place among the bytes that are held.
struct Line {
    number: u64,
    bytes: Result<Vec<u8>, &'static str>,
    _held: OwnedSemaphorePermit,
}

/// A line on a terminal that says how far it is.
struct Progress {
    started: Instant,
    drawn: Option<Instant>,
    on: bool,
}

/// Turns each line of stdin into a line of stdout. A line that can't be read ends it, named by
/// its number.
pub(super) fn map<In, Out>(
    mut each: impl FnMut(In) -> Result<Out, CommandError>,
) -> Result<(), CommandError>
where
    In: DeserializeOwned,
    Out: Serialize,
{
    let mut input = std::io::stdin().lock();
    let mut output = BufWriter::new(std::io::stdout().lock());
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        if (&mut input)
            .take(LINE_BYTES_MAX as u64)
            .read_until(b'\n', &mut line)?
            == 0
        {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let value = serde_json::from_slice(&line).map_err(|e| format!("line {number}: {e}"))?;
        serde_json::to_writer(&mut output, &each(value)?)?;
        output.write_all(b"\n")?;
        // A program on the other end may wait for each answer.
        output.flush()?;
    }
    Ok(())
}

/// Turns each line of `input` into a line of `output`, `at_once` of them at a time on all cores, in
/// order. A line that can't be read is named on stderr and left out.
///
/// # Errors
/// If `input` or `output` fails, or the work on a line panics.
pub(super) async fn map_many<In, Out, Work>(
    input: impl Read + Send + 'static,
    output: impl Write,
    at_once: usize,
    each: impl Fn(In) -> Work + Clone + Send + 'static,
) -> Result<Tally, CommandError>
where
    In: DeserializeOwned + Send + 'static,
    Out: Serialize + Send + 'static,
    Work: Future<Output = Out> + Send + 'static,
{
    let mut lines = read(input, at_once);
    let mut output = BufWriter::new(output);
    let (mut tally, mut progress) = (Tally::default(), Progress::start());
    let (tasks, mut working, mut ended) = (TaskTracker::new(), FuturesOrdered::new(), false);
    while !(ended && working.is_empty()) {
        let answered = tokio::select! {
            answered = working.next(), if !working.is_empty() => answered,
            line = lines.recv(), if !ended && working.len() < at_once => {
                match line.transpose()? {
                    Some(line) => working.push_back(tasks.spawn(answer(line, each.clone()))),
                    None => ended = true,
                }
                continue;
            }
        };
        let more = std::iter::from_fn(|| working.next().now_or_never()?);
        for answer in answered.into_iter().chain(more) {
            match answer? {
                Ok(line) => {
                    output.write_all(&line)?;
                    tally.done += 1;
                }
                Err(problem) => {
                    writeln!(std::io::stderr(), "aegis: {problem}").ok();
                    tally.bad += 1;
                }
            }
        }
        // A program on the other end may wait for each answer.
        output.flush()?;
        progress.draw(tally);
    }
    progress.finish();
    Ok(tally)
}

/// The answer to `line`, as a line; or what is wrong with it.
async fn answer<In, Out, Work>(line: Line, each: impl Fn(In) -> Work) -> Result<Vec<u8>, String>
where
    In: DeserializeOwned,
    Out: Serialize,
    Work: Future<Output = Out>,
{
    let named = |problem: &dyn std::fmt::Display| format!("line {}: {problem}", line.number);
    let bytes = line.bytes.as_ref().map_err(|problem| named(problem))?;
    let value = serde_json::from_slice(bytes.trim_ascii()).map_err(|error| named(&error))?;
    let mut answer = serde_json::to_vec(&each(value).await).map_err(|error| named(&error))?;
    answer.push(b'\n');
    Ok(answer)
}

/// Reads on a thread of its own, as far ahead as there is room.
fn read(input: impl Read + Send + 'static, ahead: usize) -> mpsc::Receiver<std::io::Result<Line>> {
    let (sender, lines) = mpsc::channel(ahead);
    let room = Arc::new(Semaphore::new(HELD_BYTES_MAX));
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let mut input = std::io::BufReader::with_capacity(1 << 16, input);
        for number in 1_u64.. {
            let bytes = match read_line(&mut input) {
                Ok(Some(Ok(line))) if line.trim_ascii().is_empty() => continue,
                Ok(Some(bytes)) => bytes,
                Ok(None) => return,
                Err(error) => {
                    // Nobody listens any more: the command ended by another error.
                    sender.blocking_send(Err(error)).ok();
                    return;
                }
            };
            let size = bytes.as_ref().map_or(0, Vec::len);
            let size = u32::try_from(size).unwrap_or(u32::MAX);
            let Ok(held) = runtime.block_on(room.clone().acquire_many_owned(size)) else {
                return;
            };
            let line = Line {
                number,
                bytes,
                _held: held,
            };
            if sender.blocking_send(Ok(line)).is_err() {
                return;
            }
        }
    });
    lines
}

/// The next line, `None` at the end; of one that is too long only that it is.
fn read_line(input: &mut impl BufRead) -> std::io::Result<Option<Result<Vec<u8>, &'static str>>> {
    let mut line = Vec::new();
    let most = LINE_BYTES_MAX as u64;
    if input.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.len() < LINE_BYTES_MAX || line.ends_with(b"\n") {
        return Ok(Some(Ok(line)));
    }
    drop(line);
    input.skip_until(b'\n')?;
    Ok(Some(Err("it is longer than 64 MiB")))
}

// === impl Progress ===

impl Progress {
    /// Shown where somebody looks and the answers go elsewhere.
    fn start() -> Self {
        Self {
            started: Instant::now(),
            drawn: None,
            on: std::io::stderr().is_terminal() && !std::io::stdout().is_terminal(),
        }
    }

    fn draw(&mut self, tally: Tally) {
        let early = self.drawn.is_some_and(|at| at.elapsed() < PROGRESS_EVERY);
        if !self.on || early {
            return;
        }
        self.drawn = Some(Instant::now());
        let rate = tally.done as f64 / self.started.elapsed().as_secs_f64();
        let mut stderr = std::io::stderr();
        write!(stderr, "\r{} texts, {rate:.0}/s ", tally.done).ok();
        stderr.flush().ok();
    }

    fn finish(&mut self) {
        if self.drawn.take().is_some() {
            writeln!(std::io::stderr()).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use serde_json::Value;

    use super::*;

    async fn doubled(input: impl Into<Vec<u8>>, at_once: usize) -> (String, Tally) {
        let mut output = Vec::new();
        // Later lines are done first.
        let each = |n: u64| async move {
            for _ in n..100 {
                tokio::task::yield_now().await;
            }
            2 * n
        };
        let input = Cursor::new(input.into());
        let tally = map_many(input, &mut output, at_once, each).await.unwrap();
        (String::from_utf8(output).unwrap(), tally)
    }

    #[tokio::test]
    async fn the_order_is_kept_however_many_are_done_at_once() {
        let input: String = (0..50).map(|n| format!("{n}\n")).collect();
        let expected: String = (0..50).map(|n| format!("{}\n", 2 * n)).collect();
        for at_once in [1, 7, 100] {
            let (output, tally) = doubled(input.clone(), at_once).await;
            assert_eq!(output, expected);
            assert_eq!(tally, Tally { done: 50, bad: 0 });
        }
    }

    #[tokio::test]
    async fn a_bad_line_does_not_stop_the_others() {
        let (output, tally) = doubled("1\n{\n\n  \n\"x\"\n2", 2).await;
        assert_eq!(output, "2\n4\n");
        assert_eq!(tally, Tally { done: 2, bad: 2 });
    }

    #[tokio::test]
    async fn a_line_over_the_limit_is_skipped_whole() {
        let line = |bytes: usize| [vec![b' '; bytes - 3], b"\"\"\n".to_vec()].concat();
        let input = [
            line(LINE_BYTES_MAX),
            line(LINE_BYTES_MAX + 1),
            b"1\n".to_vec(),
        ]
        .concat();
        let mut output = Vec::new();
        let each = |value: Value| async move { value };
        let tally = map_many(Cursor::new(input), &mut output, 2, each).await;
        assert_eq!(tally.unwrap(), Tally { done: 2, bad: 1 });
        assert_eq!(output, b"\"\"\n1\n");
    }
}
