//! The body around the filter: what it asks of the provider, and when.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use aegis_core::{Body, BoxError, Guards};
use bytes::Bytes;
use http_body::{Body as _, Frame};
use http_body_util::BodyExt;

use super::*;

type Step = Poll<Option<Result<Frame<Bytes>, BoxError>>>;

/// A provider that answers polls from a list and counts them.
struct Provider {
    steps: std::vec::IntoIter<Step>,
    polls: Arc<AtomicUsize>,
    dropped: Arc<AtomicBool>,
}

struct Setup {
    body: FilteredBody,
    exchange: Arc<Exchange>,
    polls: Arc<AtomicUsize>,
    dropped: Arc<AtomicBool>,
    /// Held by the guards only.
    guard: std::sync::Weak<()>,
}

impl http_body::Body for Provider {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Step {
        self.polls.fetch_add(1, Ordering::Relaxed);
        self.steps.next().unwrap_or(Poll::Ready(None))
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::Relaxed);
    }
}

fn data(bytes: impl AsRef<[u8]>) -> Step {
    let bytes = Bytes::copy_from_slice(bytes.as_ref());
    Poll::Ready(Some(Ok(Frame::data(bytes))))
}

fn setup(policy: &str, steps: Vec<Step>) -> Setup {
    let (polls, dropped) = (Arc::default(), Arc::default());
    let provider = Provider {
        steps: steps.into_iter(),
        polls: Arc::clone(&polls),
        dropped: Arc::clone(&dropped),
    };
    let filter = filter(&redactor(policy), Format::Completions);
    let exchange = filter.exchange.clone();
    let held = Arc::new(());
    let guard = Arc::downgrade(&held);
    let mut guards = Guards::default();
    guards.push(held);
    let upstream: Body = provider.boxed_unsync();
    Setup {
        body: FilteredBody::new(upstream, filter, guards),
        exchange,
        polls,
        dropped,
        guard,
    }
}

impl Setup {
    fn poll(&mut self) -> Poll<Option<Bytes>> {
        let mut context = Context::from_waker(Waker::noop());
        let polled = Pin::new(&mut self.body).poll_frame(&mut context);
        polled.map(|frame| frame.map(|frame| frame.unwrap().into_data().unwrap()))
    }

    fn polls(&self) -> usize {
        self.polls.load(Ordering::Relaxed)
    }

    fn dropped(&self) -> bool {
        self.dropped.load(Ordering::Relaxed)
    }
}

fn event(text: &str) -> String {
    format!("data: {{\"choices\":[{{\"index\":0,\"text\":\"{text}\"}}]}}\n\n")
}

const DONE: &str = "data: [DONE]\n\n";

#[test]
fn the_provider_is_asked_only_when_all_was_taken() {
    let mut setup = setup(
        "pii: {}",
        vec![
            data(event("one. ")),
            data(event("two. ")),
            Poll::Pending,
            data(DONE),
        ],
    );
    assert_eq!(setup.poll(), Poll::Ready(Some(event("one. ").into())));
    assert_eq!(setup.polls(), 1);
    assert_eq!(setup.poll(), Poll::Ready(Some(event("two. ").into())));
    assert_eq!(setup.polls(), 2);
    assert_eq!(setup.poll(), Poll::Pending);
    assert_eq!(setup.poll(), Poll::Ready(Some(DONE.into())));
    assert_eq!((setup.polls(), setup.dropped()), (4, false));
    // The connection is read to its end, so that it can be used again.
    assert_eq!(setup.poll(), Poll::Ready(None));
    assert!(setup.dropped());
}

#[test]
fn much_at_once_is_sent_in_portions() {
    let line = event("some words. ");
    let many = line.repeat(1_000);
    let mut setup = setup("pii: {}", vec![data(&many), data(DONE)]);
    let mut got = String::new();
    while let Poll::Ready(Some(bytes)) = setup.poll() {
        assert!(bytes.len() < PORTION_BYTES + line.len());
        if got.len() + bytes.len() < many.len() {
            assert_eq!(setup.polls(), 1);
        }
        got.push_str(std::str::from_utf8(&bytes).unwrap());
    }
    assert_eq!(got, many + DONE);
}

#[test]
fn events_without_a_word_give_others_their_turn() {
    let held = event("-----BEGIN PRIVATE KEY-----") + &event("MIIE").repeat(1_000);
    let mut setup = setup("secrets: {}", vec![data(&held), data(DONE)]);
    let (mut pending, mut got) = (0, String::new());
    loop {
        match setup.poll() {
            Poll::Ready(None) => break,
            Poll::Ready(Some(bytes)) => got.push_str(std::str::from_utf8(&bytes).unwrap()),
            Poll::Pending => pending += 1,
        }
    }
    assert!(pending >= held.len() / PORTION_BYTES / 2, "{pending}");
    assert_eq!(got, event("[PRIVATE_KEY]") + DONE);
}

#[test]
fn a_blocked_stream_drops_the_provider_at_once() {
    let steps = vec![data(event("4111 1111 1111 1111, ")), data(event("more"))];
    let mut setup = setup("pii: { action: block }", steps);
    let Poll::Ready(Some(bytes)) = setup.poll() else {
        panic!("an error event");
    };
    assert!(String::from_utf8_lossy(&bytes).contains("output_blocked"));
    assert_eq!((setup.polls(), setup.dropped()), (1, true));
    assert_eq!(setup.poll(), Poll::Ready(None));
    assert_eq!(setup.exchange.trail().ending, Some(Ending::Stopped));
}

#[test]
fn a_provider_that_fails_is_an_error_event_not_a_broken_body() {
    let failed = || Poll::Ready(Some(Err("the connection was reset".into())));
    let mut setup = setup("pii: {}", vec![data(event("to jane")), failed()]);
    assert_eq!(setup.poll(), Poll::Ready(Some(event("to ").into())));
    let Poll::Ready(Some(bytes)) = setup.poll() else {
        panic!("an error event");
    };
    let client = Format::Completions.decode(&bytes);
    assert_eq!(client.texts["text/0"], "jane");
    assert_eq!(client.error.as_deref(), Some("upstream_unavailable"));
    assert!(!String::from_utf8_lossy(&bytes).contains("reset"));
    assert_eq!(setup.poll(), Poll::Ready(None));
    let trail = setup.exchange.trail();
    assert_eq!(trail.detail.as_deref(), Some("the connection was reset"));
}

#[test]
fn guards_end_with_the_body_however_it_ends() {
    let setup = setup("pii: {}", vec![data(event("one. ")), Poll::Pending]);
    assert!(setup.guard.upgrade().is_some());
    let (guard, dropped) = (setup.guard.clone(), setup.dropped.clone());
    drop(setup.body);
    assert!(guard.upgrade().is_none());
    assert!(dropped.load(Ordering::Relaxed));
}

#[test]
fn a_provider_that_goes_on_behind_the_end_is_dropped() {
    let noise = vec![b'\n'; 2 << 10];
    let steps = vec![
        data(DONE),
        data(&noise),
        data(&noise),
        data(&noise),
        data(&noise),
        Poll::Pending,
    ];
    let mut setup = setup("pii: {}", steps);
    assert_eq!(setup.poll(), Poll::Ready(Some(DONE.into())));
    assert_eq!(setup.poll(), Poll::Ready(None));
    assert!(setup.dropped());
}
