//! Runs the encoder on threads of its own, in bounded number, with a bounded queue and deadlines.
//!
//! 1. [`Pool::read`] puts all windows of a text into one queue, or none: where there is no room it
//!    is [`Unavailable::Saturated`] at once. Room held by windows nobody waits for is taken back
//!    first.
//! 2. A thread takes its share of the queue (at most [`BUNCH_MAX`] windows, so that the other
//!    threads have work too), cuts each window into word pieces, and runs them shortest first, in
//!    batches of at most so many windows as the model's manifest allows and [`BATCH_TOKENS_MAX`]
//!    tokens, padding included.
//! 3. Before each batch, windows whose deadline has passed or whose text was given up are dropped.
//! 4. A panic or an error of the encoder makes the windows of that batch [`Unavailable::Failed`];
//!    the thread goes on.
//!
//! A model quantised dynamically is run window by window: its activations are scaled by the
//! greatest of the whole batch, so a window's logits would depend on the texts of other clients that
//! happen to run beside it (measured: by a third of their standard deviation), and the same text
//! would have a verdict today and another tomorrow. Batches of 8 would save 4–20 % of the CPU.
//!
//! The rest of a text whose first window failed is not run: its future ends and gives it up.
//!
//! Cancel safety: dropping the future of [`Pool::read`] gives its windows up. A batch that runs is
//! not interrupted; it ends within [`BATCH_TOKENS_MAX`] tokens' time.
//!
//! Dropping the pool empties the queue (its texts are `Failed`) and ends the threads after their
//! batch. Outside of a runtime the drop waits for them, so that no thread is inside ONNX Runtime
//! when the process ends; on a reactor thread it does not wait.

mod counters;
mod worker;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use parking_lot::{Condvar, Mutex};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::HEADS;
use counters::Counters;
pub use counters::PoolCounters;

/// Threads a pool may have.
pub const THREADS_MAX: usize = 64;
/// Threads a pool has at most where the policy does not say.
const THREADS_DEFAULT_MAX: usize = 4;
/// Windows that may wait, at most, by policy.
pub const QUEUE_WINDOWS_MAX: usize = 65_536;
/// Windows that may wait where the policy does not say: two seconds of work for one thread.
pub const QUEUE_WINDOWS_DEFAULT: usize = 256;
/// Windows that a thread takes from the queue at once.
pub const BUNCH_MAX: usize = 16;
/// Windows of one batch, by manifest.
pub const BATCH_WINDOWS_MAX: usize = 8;
/// Tokens of one batch, padding included; a window that alone has more is a batch of its own.
pub const BATCH_TOKENS_MAX: usize = 1_024;

/// What an encoder says of a window: logits, or `None` for a language it does not speak.
pub(crate) type Reading = Option<[f32; HEADS]>;

/// Why there is no score; such a text is never taken for safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The queue is full.
    #[error("the semantic check has no room")]
    Saturated,
    /// The deadline passed first.
    #[error("the semantic check was not done in time")]
    TimedOut,
    /// The model failed, or the gateway shuts down.
    #[error("the semantic check failed")]
    Failed,
    /// The text has more windows than are read.
    #[error("the text is longer than the semantic check reads")]
    TooLong,
}

/// What a pool runs; one a thread.
pub(crate) trait Reader: Send + 'static {
    /// Cuts a window into tokens.
    fn tokens(&self, text: &str) -> Result<Tokens, ReaderError>;
    /// The logits of a batch, a row a window.
    fn logits(&mut self, batch: &[&Tokens]) -> Result<Vec<[f32; HEADS]>, ReaderError>;
}

/// A window as the encoder reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) ids: Vec<u32>,
    /// Too many of them are unknown.
    pub(crate) foreign: bool,
}

/// Why a batch failed; never holds text.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ReaderError(pub(crate) String);

/// Threads that read windows.
#[derive(Debug)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    /// Signalled when there is work, or when the pool closes.
    changed: Condvar,
    counters: Counters,
    windows_max: usize,
    batch_windows: usize,
    threads: usize,
}

#[derive(Debug, Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

/// One window that waits.
struct Job {
    text: Box<str>,
    /// Which window of its text.
    index: usize,
    deadline: Option<Instant>,
    /// Has room for every window of the text; closed when nobody waits any more.
    reply: mpsc::Sender<(usize, Result<Reading, Unavailable>)>,
}

/// The answers of one text's windows, as they come.
struct Answers {
    replies: mpsc::Receiver<(usize, Result<Reading, Unavailable>)>,
    count: usize,
}

// === impl Pool ===

impl Pool {
    /// One thread for each of `readers`, a queue of `windows_max`, batches of `batch_windows`.
    pub(crate) fn start<R: Reader>(
        readers: Vec<R>,
        windows_max: usize,
        batch_windows: usize,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            changed: Condvar::new(),
            counters: Counters::default(),
            windows_max,
            batch_windows,
            threads: readers.len().max(1),
        });
        // Made first: if a thread can't start, its drop ends those that did.
        let mut pool = Self {
            shared,
            threads: Vec::new(),
        };
        for (number, reader) in readers.into_iter().enumerate() {
            let shared = pool.shared.clone();
            let thread = thread::Builder::new().name(format!("semantic-{number}"));
            pool.threads
                .push(thread.spawn(move || worker::run(&shared, reader))?);
        }
        Ok(pool)
    }

    /// What the encoder says of each of `windows`, in their order.
    ///
    /// # Errors
    /// [`Unavailable`], for the whole text.
    pub(crate) async fn read(
        &self,
        windows: Vec<Box<str>>,
        deadline: Option<Instant>,
    ) -> Result<Vec<Reading>, Unavailable> {
        let answer = match self.shared.submit(windows, deadline) {
            Ok(answers) => answers.all(deadline).await,
            Err(refused) => Err(refused),
        };
        if let Err(cause) = answer {
            self.shared.counters.unavailable(cause);
        }
        answer
    }

    /// What was done so far.
    pub(crate) fn counters(&self) -> PoolCounters {
        let queued = self.shared.queue.lock().jobs.len();
        self.shared.counters.read(queued)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let jobs = {
            let mut queue = self.shared.queue.lock();
            queue.closed = true;
            std::mem::take(&mut queue.jobs)
        };
        drop(jobs);
        self.shared.changed.notify_all();
        if tokio::runtime::Handle::try_current().is_ok() {
            return;
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a semantic thread ended with a panic");
            }
        }
    }
}

/// Threads where the policy does not say: half the cores, since the gateway needs the others.
pub(crate) fn threads_default() -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    (cores / 2).clamp(1, THREADS_DEFAULT_MAX)
}

// === impl Shared ===

impl Shared {
    /// Puts all of `windows` into the queue, or none.
    fn submit(
        &self,
        windows: Vec<Box<str>>,
        deadline: Option<Instant>,
    ) -> Result<Answers, Unavailable> {
        let count = windows.len();
        let (reply, replies) = mpsc::channel(count.max(1));
        let jobs = windows.into_iter().enumerate().map(|(index, text)| Job {
            text,
            index,
            deadline,
            reply: reply.clone(),
        });
        let mut queue = self.queue.lock();
        if queue.closed {
            return Err(Unavailable::Failed);
        }
        if queue.jobs.len() + count > self.windows_max {
            let (wanted, late): (Vec<Job>, Vec<Job>) =
                queue.jobs.drain(..).partition(|job| job.wanted().is_ok());
            queue.jobs = wanted.into();
            for job in late {
                job.answer(Err(Unavailable::TimedOut));
            }
        }
        if queue.jobs.len() + count > self.windows_max {
            return Err(Unavailable::Saturated);
        }
        queue.jobs.extend(jobs);
        drop(queue);
        if count == 1 {
            self.changed.notify_one();
        } else {
            self.changed.notify_all();
        }
        Ok(Answers { replies, count })
    }

    /// Waits for work; a thread's share of it, or `None` when the pool is closed.
    fn next(&self) -> Option<Vec<Job>> {
        let mut queue = self.queue.lock();
        while queue.jobs.is_empty() && !queue.closed {
            self.changed.wait(&mut queue);
        }
        if queue.closed {
            return None;
        }
        let share = queue.jobs.len().div_ceil(self.threads).min(BUNCH_MAX);
        Some(queue.jobs.drain(..share).collect())
    }
}

// === impl Job ===

impl Job {
    /// Whether anybody waits for it, and if its time is up, that it is.
    fn wanted(&self) -> Result<(), Unavailable> {
        let late = self.deadline.is_some_and(|at| Instant::now() >= at);
        if late || self.reply.is_closed() {
            return Err(Unavailable::TimedOut);
        }
        Ok(())
    }

    /// Whether somebody was there to take the answer.
    fn answer(self, answer: Result<Reading, Unavailable>) -> bool {
        self.reply.try_send((self.index, answer)).is_ok()
    }
}

/// Without the text.
impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("bytes", &self.text.len())
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

// === impl Answers ===

impl Answers {
    async fn all(self, deadline: Option<Instant>) -> Result<Vec<Reading>, Unavailable> {
        match deadline {
            None => self.collect().await,
            Some(at) => timeout_at(at, self.collect())
                .await
                .unwrap_or(Err(Unavailable::TimedOut)),
        }
    }

    async fn collect(mut self) -> Result<Vec<Reading>, Unavailable> {
        let mut readings = vec![None; self.count];
        for _ in 0..self.count {
            // Without a sender left, the pool was closed or a thread lost the window.
            let (index, answer) = self.replies.recv().await.ok_or(Unavailable::Failed)?;
            if let Some(place) = readings.get_mut(index) {
                *place = answer?;
            }
        }
        Ok(readings)
    }
}

#[cfg(test)]
mod tests;
