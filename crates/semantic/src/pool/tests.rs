//! The pool with a reader that does as its text says.

use std::sync::mpsc as std_mpsc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join, join_all};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::*;

/// Has as many tokens as its text has words, gives that number on every head, and before each
/// batch tells its lengths and waits for leave.
struct Fake {
    began: UnboundedSender<Vec<usize>>,
    leave: std_mpsc::Receiver<()>,
}

/// The other end: what began, and leave to go on. When it is dropped all leave is given.
struct Watch {
    began: UnboundedReceiver<Vec<usize>>,
    leave: std_mpsc::Sender<()>,
}

impl Reader for Fake {
    fn tokens(&self, text: &str) -> Result<Tokens, ReaderError> {
        assert_ne!(text, "panic while cutting");
        Ok(Tokens {
            ids: vec![u32::from(text.contains("panic")); text.split(' ').count()],
            foreign: text == "foreign",
        })
    }

    fn logits(&mut self, batch: &[&Tokens]) -> Result<Vec<[f32; HEADS]>, ReaderError> {
        let lengths: Vec<usize> = batch.iter().map(|tokens| tokens.ids.len()).collect();
        drop(self.began.send(lengths.clone()));
        // Both an order and a closed channel are leave.
        self.leave.recv().ok();
        assert!(batch.iter().all(|tokens| tokens.ids[0] == 0), "planted");
        match lengths[..] {
            [ERROR_WORDS] => Err(ReaderError("planted".to_owned())),
            [SHORT_WORDS] => Ok(Vec::new()),
            _ => Ok(lengths.iter().map(|n| [*n as f32; HEADS]).collect()),
        }
    }
}

/// A text of so many words fails.
const ERROR_WORDS: usize = 41;
/// A text of so many words is answered with a row too few.
const SHORT_WORDS: usize = 42;

fn fake() -> (Fake, Watch) {
    let (began, began_here) = unbounded_channel();
    let (leave_here, leave) = std_mpsc::channel();
    let watch = Watch {
        began: began_here,
        leave: leave_here,
    };
    (Fake { began, leave }, watch)
}

/// One thread.
fn pool(windows_max: usize) -> (Pool, Watch) {
    let (fake, watch) = fake();
    (
        Pool::start(vec![fake], windows_max, BATCH_WINDOWS_MAX).unwrap(),
        watch,
    )
}

fn words(count: usize) -> Box<str> {
    vec!["w"; count].join(" ").into()
}

fn texts(counts: &[usize]) -> Vec<Box<str>> {
    counts.iter().map(|count| words(*count)).collect()
}

fn row(n: usize) -> Reading {
    Some([n as f32; HEADS])
}

/// A text that keeps the one thread busy.
async fn hold<'p>(
    pool: &'p Pool,
    watch: &mut Watch,
) -> BoxFuture<'p, Result<Vec<Reading>, Unavailable>> {
    let mut held = pool.read(texts(&[1]), None).boxed();
    assert!((&mut held).now_or_never().is_none());
    assert_eq!(watch.began.recv().await.unwrap(), [1]);
    held
}

#[tokio::test]
async fn answers_have_the_order_of_the_windows_and_batches_that_of_their_length() {
    let (pool, mut watch) = pool(16);
    let held = hold(&pool, &mut watch).await;
    let read = async {
        let read = pool.read(texts(&[5, 2, 9, 2]), None);
        drop(watch.leave);
        read.await
    };
    let (held, read) = join(held, read).await;
    assert_eq!(watch.began.recv().await.unwrap(), [2, 2, 5, 9]);
    assert_eq!(held, Ok(vec![row(1)]));
    assert_eq!(read, Ok(vec![row(5), row(2), row(9), row(2)]));
    let counters = pool.counters();
    assert_eq!(
        (counters.windows, counters.batches, counters.queued),
        (5, 2, 0)
    );
    assert_eq!(pool.read(Vec::new(), None).await, Ok(Vec::new()));
}

#[tokio::test]
async fn batches_stay_within_windows_and_tokens() {
    let most = BATCH_TOKENS_MAX / BATCH_WINDOWS_MAX;
    for (windows, batches) in [
        (vec![3; 8], vec![8]),
        (vec![3; 9], vec![8, 1]),
        (vec![most; 8], vec![8]),
        (vec![most + 1; 8], vec![7, 1]),
        (vec![BATCH_TOKENS_MAX + 1; 2], vec![1, 1]),
        (vec![3; 16], vec![8, 8]),
        (vec![3; 17], vec![8, 8, 1]),
    ] {
        let (pool, mut watch) = pool(64);
        let held = hold(&pool, &mut watch).await;
        let mut read = Box::pin(pool.read(texts(&windows), None));
        assert!((&mut read).now_or_never().is_none());
        drop(watch.leave);
        let (_, read) = join(held, read).await;
        let mut lengths = Vec::new();
        for _ in &batches {
            lengths.push(watch.began.recv().await.unwrap().len());
        }
        assert_eq!(read.unwrap().len(), windows.len());
        assert_eq!(lengths, batches, "{windows:?}");
    }
}

#[tokio::test]
async fn windows_run_alone_where_batches_are_not_allowed() {
    let (fake, mut watch) = fake();
    let pool = Pool::start(vec![fake], 8, 1).unwrap();
    drop(watch.leave);
    assert_eq!(pool.read(texts(&[3; 4]), None).await.unwrap().len(), 4);
    for _ in 0..4 {
        assert_eq!(watch.began.recv().await.unwrap(), [3]);
    }
    assert_eq!((pool.counters().windows, pool.counters().batches), (4, 4));
}

#[test]
fn a_thread_leaves_the_others_their_share() {
    for (jobs, threads, share) in [
        (1, 4, 1),
        (10, 4, 3),
        (16, 1, 16),
        (17, 1, 16),
        (200, 2, 16),
    ] {
        let shared = Shared {
            queue: Mutex::default(),
            changed: Condvar::new(),
            counters: Counters::default(),
            windows_max: 256,
            batch_windows: 1,
            threads,
        };
        let answers = shared.submit(texts(&vec![1; jobs]), None);
        assert_eq!(shared.next().unwrap().len(), share, "{jobs} {threads}");
        drop(answers);
    }
}

#[tokio::test]
async fn a_full_queue_is_told_at_once_and_takes_all_of_a_text_or_none() {
    let (pool, mut watch) = pool(3);
    let held = hold(&pool, &mut watch).await;
    // The thread is busy and the queue empty: three fit.
    let mut two = Box::pin(pool.read(texts(&[1, 1]), None));
    assert!((&mut two).now_or_never().is_none());
    let refused = pool.read(texts(&[1, 1]), None).now_or_never();
    assert_eq!(refused, Some(Err(Unavailable::Saturated)));
    let mut one = Box::pin(pool.read(texts(&[1]), None));
    assert!((&mut one).now_or_never().is_none());
    let refused = pool.read(texts(&[1]), None).now_or_never();
    assert_eq!(refused, Some(Err(Unavailable::Saturated)));
    assert_eq!((pool.counters().queued, pool.counters().saturated), (3, 2));
    drop(watch);
    assert!(held.await.is_ok() && two.await.is_ok() && one.await.is_ok());
    assert_eq!(pool.read(texts(&[1]), None).await, Ok(vec![row(1)]));
    let refused = pool.read(texts(&[1; 4]), None).await;
    assert_eq!(refused, Err(Unavailable::Saturated), "more than ever fits");
}

#[tokio::test]
async fn texts_given_up_are_not_run_and_make_room() {
    let (pool, mut watch) = pool(2);
    let held = hold(&pool, &mut watch).await;
    let mut given_up = Box::pin(pool.read(texts(&[2, 2]), None));
    assert!((&mut given_up).now_or_never().is_none());
    drop(given_up);
    let mut next = Box::pin(pool.read(texts(&[3]), None));
    assert!((&mut next).now_or_never().is_none(), "it takes their room");
    let mut given_up = Box::pin(pool.read(texts(&[4]), None));
    assert!((&mut given_up).now_or_never().is_none());
    drop(given_up);
    watch.leave.send(()).unwrap();
    assert_eq!(watch.began.recv().await.unwrap(), [3], "and not 4");
    drop(watch.leave);
    assert_eq!(next.await, Ok(vec![row(3)]));
    assert!(held.await.is_ok());
    assert_eq!(pool.counters().dropped, 1);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_kept_while_the_text_waits() {
    let (pool, mut watch) = pool(4);
    let held = hold(&pool, &mut watch).await;
    let deadline = Instant::now() + Duration::from_millis(50);
    let late = pool.read(texts(&[2]), Some(deadline)).await;
    assert_eq!(late, Err(Unavailable::TimedOut));
    assert_eq!(
        Instant::now().duration_since(deadline).as_millis() / 2,
        0,
        "not later than that"
    );
    drop(watch.leave);
    let next = pool.read(texts(&[3]), None);
    assert_eq!(join(held, next).await, (Ok(vec![row(1)]), Ok(vec![row(3)])));
    assert_eq!(watch.began.recv().await.unwrap(), [3], "it is not run");
    assert_eq!(pool.counters().timed_out, 1);
}

#[tokio::test]
async fn late_work_that_makes_room_is_told_that_it_is_late() {
    let (pool, mut watch) = pool(1);
    let held = hold(&pool, &mut watch).await;
    let past = Instant::now() - Duration::from_millis(1);
    let mut late = pool.shared.submit(texts(&[2]), Some(past)).unwrap();
    let next = pool.shared.submit(texts(&[3]), None);
    assert!(next.is_ok());
    let answer = late.replies.recv().await;
    assert_eq!(answer, Some((0, Err(Unavailable::TimedOut))));
    drop(watch);
    assert!(held.await.is_ok());
}

#[tokio::test]
async fn late_work_is_not_begun() {
    let (pool, watch) = pool(4);
    drop(watch.leave);
    // No future waits: only the thread can tell.
    let past = Instant::now() - Duration::from_millis(1);
    let mut answers = pool.shared.submit(texts(&[2]), Some(past)).unwrap();
    let answer = answers.replies.recv().await;
    assert_eq!(answer, Some((0, Err(Unavailable::TimedOut))));
    assert_eq!((pool.counters().windows, pool.counters().dropped), (0, 1));
}

#[tokio::test]
async fn a_panic_or_an_error_fails_its_text_and_the_thread_goes_on() {
    let (pool, watch) = pool(32);
    drop(watch.leave);
    for text in [
        Box::from("panic"),
        Box::from("panic while cutting"),
        words(ERROR_WORDS),
        words(SHORT_WORDS),
    ] {
        let failed = pool.read(vec![text], None).await;
        assert_eq!(failed, Err(Unavailable::Failed));
        assert_eq!(pool.read(texts(&[2]), None).await, Ok(vec![row(2)]));
    }
    assert_eq!(pool.counters().failed, 4);
}

#[tokio::test]
async fn the_rest_of_a_text_that_failed_is_not_run() {
    let (pool, mut watch) = pool(32);
    // The shortest runs first; the others are batches of their own.
    let mut windows = texts(&[BATCH_TOKENS_MAX; 8]);
    windows.push("panic".into());
    watch.leave.send(()).unwrap();
    let failed = pool.read(windows, None).await;
    assert_eq!(failed, Err(Unavailable::Failed));
    drop(watch.leave);
    drop(pool);
    let mut batches = 0;
    while watch.began.recv().await.is_some() {
        batches += 1;
    }
    assert!(batches <= 2, "{batches}: at most the one that had begun");
}

#[tokio::test]
async fn a_language_not_spoken_is_no_reading() {
    let (pool, watch) = pool(4);
    drop(watch.leave);
    let read = pool.read(vec!["foreign".into(), words(3)], None).await;
    assert_eq!(read, Ok(vec![None, row(3)]));
    assert_eq!((pool.counters().foreign, pool.counters().windows), (1, 1));
}

#[tokio::test]
async fn threads_share_the_work() {
    let (fakes, watches): (Vec<Fake>, Vec<Watch>) = (0..3).map(|_| fake()).unzip();
    let pool = Pool::start(fakes, 64, 1).unwrap();
    drop(watches);
    let reads = (1..=20).map(|n| pool.read(texts(&[n, n + 1]), None));
    for (n, read) in (1..).zip(join_all(reads).await) {
        assert_eq!(read, Ok(vec![row(n), row(n + 1)]));
    }
}

#[tokio::test]
async fn closing_fails_what_waits_and_ends_the_threads() {
    let (pool, mut watch) = pool(4);
    let shared = pool.shared.clone();
    let (running, waiting) = {
        let running = shared.submit(texts(&[1]), None).unwrap();
        watch.began.recv().await;
        (running, shared.submit(texts(&[2]), None).unwrap())
    };
    drop(pool);
    drop(watch.leave);
    let (running, waiting) = join(running.all(None), waiting.all(None)).await;
    assert_eq!(running, Ok(vec![row(1)]));
    assert_eq!(waiting, Err(Unavailable::Failed));
    assert_eq!(
        watch.began.recv().await,
        None,
        "the thread and its reader are gone"
    );
    assert_eq!(
        shared.submit(texts(&[1]), None).err(),
        Some(Unavailable::Failed)
    );
}

#[test]
fn outside_of_a_runtime_closing_waits_for_the_threads() {
    let (pool, mut watch) = pool(4);
    drop(watch.leave);
    drop(pool);
    assert!(matches!(
        watch.began.try_recv(),
        Err(mpsc::error::TryRecvError::Disconnected)
    ));
}
