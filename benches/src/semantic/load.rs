//! Throughput of the second stage, and what happens when three times as much comes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aegis_semantic::{First, Semantic, Source, Unavailable};
use tokio::runtime::Runtime;
use tokio::task::{JoinSet, LocalSet};

use crate::setup::Models;
use crate::texts::Texts;
use crate::{cpu, cpu_nanos, millis, quantile};

const WORDS: usize = 64;
/// Texts that wait at once while throughput is measured.
const CONCURRENT: usize = 64;
const OVERLOAD: f64 = 3.0;
const DEADLINE: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_millis(5);

/// What became of a text.
type Fate = (Result<(), Unavailable>, Duration);

/// Prints texts per second with one and two threads; gives that of one.
pub(crate) fn throughput(
    models: &Models,
    runtime: &Runtime,
    time: Duration,
) -> Result<f64, String> {
    println!("## Throughput: the encoder on every text of {WORDS} tokens, {CONCURRENT} at once\n");
    println!("| threads | texts/s | CPU ms a text | windows a batch |");
    println!("|---|---|---|---|");
    let mut of_one = 0.0;
    for threads in [1, 2] {
        let semantic = Arc::new(models.encoder(threads)?);
        let began = Instant::now();
        let (nanos, done) = cpu_nanos(|| runtime.block_on(busy(&semantic, time)))?;
        let rate = done? as f64 / began.elapsed().as_secs_f64();
        let counters = semantic.counters();
        println!(
            "| {threads} | {rate:.0} | {:.2} | {:.1} |",
            nanos as f64 / 1e6 / (rate * began.elapsed().as_secs_f64()),
            counters.windows as f64 / counters.batches.max(1) as f64,
        );
        if threads == 1 {
            of_one = rate;
        }
    }
    println!();
    Ok(of_one)
}

/// Keeps [`CONCURRENT`] texts in the pool for `time`; how many were read.
async fn busy(semantic: &Arc<Semantic>, time: Duration) -> Result<usize, String> {
    let (mut texts, mut running, mut done) = (Texts::new(1), JoinSet::new(), 0);
    let began = Instant::now();
    while began.elapsed() < time || !running.is_empty() {
        while running.len() < CONCURRENT && began.elapsed() < time {
            running.spawn(read(semantic.clone(), texts.next(WORDS), None));
        }
        if let Some(fate) = running.join_next().await {
            let (result, _) = fate.map_err(|e| e.to_string())?;
            result.map_err(|e| e.to_string())?;
            done += 1;
        }
    }
    Ok(done)
}

async fn read(semantic: Arc<Semantic>, text: String, within: Option<Duration>) -> Fate {
    let began = Instant::now();
    let result = match semantic.first(&text, Source::User) {
        First::Done(_) => Ok(()),
        First::TooLong => Err(Unavailable::TooLong),
        First::Uncertain(pending) => {
            let deadline = within.map(|within| tokio::time::Instant::now() + within);
            semantic.second(pending, deadline).await.map(|_| ())
        }
    };
    (result, began.elapsed())
}

/// Sends [`OVERLOAD`] times as many texts as one thread can read, and prints what became of them.
pub(crate) fn saturation(
    models: &Models,
    runtime: &Runtime,
    time: Duration,
    capacity: f64,
) -> Result<(), String> {
    let semantic = Arc::new(models.encoder(1)?);
    let pid = [std::process::id()];
    let before = cpu::rss_kib(&pid)?;
    let (fates, queued, peak) =
        runtime.block_on(LocalSet::new().run_until(flood(&semantic, time, capacity * OVERLOAD)))?;
    let named = |wanted: Result<(), Unavailable>| {
        let those = fates.iter().filter(|(result, _)| *result == wanted);
        let mut times: Vec<Duration> = those.map(|(_, time)| *time).collect();
        times.sort_unstable();
        times
    };
    println!(
        "## {OVERLOAD} times as many texts as one thread reads, deadline {} ms\n",
        DEADLINE.as_millis()
    );
    println!("| became | texts | share | p50 ms | p99 ms | longest ms |");
    println!("|---|---|---|---|---|---|");
    let kinds = [
        ("read", Ok(())),
        ("unavailable: no room", Err(Unavailable::Saturated)),
        ("unavailable: late", Err(Unavailable::TimedOut)),
        ("unavailable: failed", Err(Unavailable::Failed)),
    ];
    for (name, wanted) in kinds {
        let times = named(wanted);
        println!(
            "| {name} | {} | {:.1} % | {} | {} | {} |",
            times.len(),
            100.0 * times.len() as f64 / fates.len().max(1) as f64,
            millis(quantile(&times, 0.5)),
            millis(quantile(&times, 0.99)),
            millis(quantile(&times, 1.0)),
        );
    }
    println!(
        "\n{:.0} texts/s sent; at most {queued} windows waited; memory {} MiB before, {} MiB at most.\n",
        fates.len() as f64 / time.as_secs_f64(),
        before / 1024,
        peak / 1024,
    );
    Ok(())
}

/// An open loop: texts come at their rate whatever becomes of them. The fates, the most windows
/// that waited, the most memory in KiB.
async fn flood(
    semantic: &Arc<Semantic>,
    time: Duration,
    rate: f64,
) -> Result<(Vec<Fate>, u64, u64), String> {
    let (mut texts, mut running, mut fates) = (Texts::new(2), JoinSet::new(), Vec::new());
    let (mut sent, mut queued, mut peak) = (0_usize, 0, 0);
    let began = Instant::now();
    let mut tick = tokio::time::interval(TICK);
    while began.elapsed() < time {
        tick.tick().await;
        let due = (began.elapsed().as_secs_f64() * rate) as usize;
        for _ in sent..due {
            running.spawn(read(semantic.clone(), texts.next(WORDS), Some(DEADLINE)));
        }
        sent = sent.max(due);
        while let Some(fate) = running.try_join_next() {
            fates.push(fate.map_err(|e| e.to_string())?);
        }
        queued = queued.max(semantic.counters().queued);
        peak = peak.max(cpu::rss_kib(&[std::process::id()])?);
    }
    while let Some(fate) = running.join_next().await {
        fates.push(fate.map_err(|e| e.to_string())?);
    }
    Ok((fates, queued, peak))
}
