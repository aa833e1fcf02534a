//! What a pool's thread does with the windows it takes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::counters::add;
use super::{BATCH_TOKENS_MAX, Job, Reader, ReaderError, Shared, Tokens, Unavailable};
use crate::HEADS;

/// A window that is cut into tokens.
type Cut = (Tokens, Job);

/// Runs until the pool closes.
pub(super) fn run(shared: &Shared, mut reader: impl Reader) {
    while let Some(jobs) = shared.next() {
        let mut cut = cut(shared, &reader, jobs);
        cut.sort_by_key(|(tokens, _)| tokens.ids.len());
        while !cut.is_empty() {
            let rest = cut.split_off(batch_len(&cut, shared.batch_windows));
            let batch = std::mem::replace(&mut cut, rest);
            run_batch(shared, &mut reader, batch);
        }
    }
}

/// How many of the windows, shortest first, fit into one batch; at least one.
fn batch_len(cut: &[Cut], windows_max: usize) -> usize {
    let fits = |(before, (tokens, _)): &(usize, &Cut)| {
        *before == 0 || (before + 1) * tokens.ids.len() <= BATCH_TOKENS_MAX
    };
    let batch = cut.iter().take(windows_max);
    batch.enumerate().take_while(fits).count()
}

/// Cuts the windows that are still wanted; those the encoder can't read are answered here.
fn cut(shared: &Shared, reader: &impl Reader, jobs: Vec<Job>) -> Vec<Cut> {
    let mut ready = Vec::with_capacity(jobs.len());
    for job in jobs {
        let Some(job) = still_wanted(shared, job) else {
            continue;
        };
        match caught(|| reader.tokens(&job.text)) {
            Some(tokens) if tokens.foreign => {
                add(&shared.counters.foreign, 1);
                answer(shared, job, Ok(None));
            }
            Some(tokens) => ready.push((tokens, job)),
            None => answer(shared, job, Err(Unavailable::Failed)),
        }
    }
    ready
}

fn run_batch(shared: &Shared, reader: &mut impl Reader, batch: Vec<Cut>) {
    let wanted = |(tokens, job)| Some((tokens, still_wanted(shared, job)?));
    let batch: Vec<Cut> = batch.into_iter().filter_map(wanted).collect();
    if batch.is_empty() {
        return;
    }
    let tokens: Vec<&Tokens> = batch.iter().map(|(tokens, _)| tokens).collect();
    let rows = caught(|| reader.logits(&tokens)).filter(|rows| rows.len() == batch.len());
    add(&shared.counters.batches, 1);
    add(&shared.counters.windows, batch.len());
    let rows = rows.map_or_else(
        || vec![Err(Unavailable::Failed); batch.len()],
        |rows| {
            rows.into_iter()
                .map(|row: [f32; HEADS]| Ok(Some(row)))
                .collect()
        },
    );
    for ((_, job), row) in batch.into_iter().zip(rows) {
        answer(shared, job, row);
    }
}

/// The job, unless it is late or given up; a late one is told so.
fn still_wanted(shared: &Shared, job: Job) -> Option<Job> {
    match job.wanted() {
        Ok(()) => Some(job),
        Err(cause) => {
            add(&shared.counters.dropped, 1);
            job.answer(Err(cause));
            None
        }
    }
}

fn answer(shared: &Shared, job: Job, answer: Result<super::Reading, Unavailable>) {
    if !job.answer(answer) {
        // It was run in vain: given up while it ran.
        add(&shared.counters.dropped, 1);
    }
}

/// What `work` gives; `None` when it fails or panics, which ends no thread.
fn caught<T>(work: impl FnOnce() -> Result<T, ReaderError>) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => Some(done),
        Ok(Err(error)) => {
            tracing::error!(%error, "encoder failed");
            None
        }
        Err(_) => {
            tracing::error!("encoder panicked");
            None
        }
    }
}
