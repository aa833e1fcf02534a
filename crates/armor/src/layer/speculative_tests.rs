//! Requests that go ahead of their verdict.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aegis_core::{Category, Operation, Threat};
use futures_util::FutureExt;
use serde_json::json;
use tower::{ServiceExt, service_fn};

use super::tests::{admitted, chat};
use super::*;
use crate::guard::{Budget, CheckPolicy, PromptArmorGuard};
use crate::{Check, CheckOutcome, MediaSpec, Unavailable};

/// A check whose outcome a test gives.
struct Gated(Mutex<Option<oneshot::Receiver<CheckOutcome>>>);

impl Check for Gated {
    fn name(&self) -> aegis_core::Check {
        aegis_core::Check::Semantic
    }

    fn run(&self, _: Arc<Document>, _: InputContext) -> BoxFuture<'static, CheckOutcome> {
        let outcome = self.0.lock().unwrap().take().unwrap();
        async move { outcome.await.unwrap() }.boxed()
    }
}

/// What became of calls of the inner service.
#[derive(Default)]
struct Calls {
    begun: AtomicUsize,
    ended: AtomicUsize,
}

/// Counts a call's end, however it comes.
struct Ends(Arc<Calls>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

fn armor(speculative: bool) -> (Arc<Armor>, oneshot::Sender<CheckOutcome>) {
    let (give, outcome) = oneshot::channel();
    let check: Arc<dyn Check> = Arc::new(Gated(Mutex::new(Some(outcome))));
    let budget = Budget {
        text_max: 1_000,
        time_max: Duration::from_secs(2),
    };
    let armor = Armor {
        guard: PromptArmorGuard::new(vec![(check, CheckPolicy::default())], budget),
        media: MediaSpec::default(),
        speculative,
        model: None,
    };
    (Arc::new(armor), give)
}

fn safe() -> CheckOutcome {
    CheckOutcome::found(Vec::new(), 0.9)
}

fn attack() -> CheckOutcome {
    let threat = Threat::new(Category::Jailbreak, aegis_core::Check::Semantic, "r", 0.9);
    CheckOutcome::found(vec![threat], 0.9)
}

fn request() -> Admitted {
    admitted(Operation::ChatCompletions, &chat(&json!("hello")))
}

/// Passes a request to a service that answers as `reply` does, and counts its calls.
fn pass<F>(
    armor: Arc<Armor>,
    reply: impl Fn() -> F + Clone + Send + 'static,
) -> (
    impl Future<Output = Result<&'static str, Rejection>>,
    Arc<Calls>,
)
where
    F: Future<Output = Result<&'static str, Rejection>> + Send + 'static,
{
    let calls = Arc::new(Calls::default());
    let counted = calls.clone();
    let inner = service_fn(move |cleared: Cleared| {
        counted.begun.fetch_add(1, Ordering::Relaxed);
        let (ends, reply) = (Ends(counted.clone()), reply());
        async move {
            let _held = (ends, cleared);
            reply.await
        }
    });
    (
        ArmorLayer::new(armor).layer(inner).oneshot(request()),
        calls,
    )
}

fn counts(calls: &Calls) -> (usize, usize) {
    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    (count(&calls.begun), count(&calls.ended))
}

#[tokio::test(start_paused = true)]
async fn the_call_begins_before_the_verdict_and_its_reply_waits_for_it() {
    let (armor, give) = armor(true);
    let (outcome, calls) = pass(armor, || async { Ok("reply") });
    let mut outcome = pin!(outcome);
    assert!(outcome.as_mut().now_or_never().is_none());
    assert_eq!(counts(&calls), (1, 1), "the reply is there");
    assert!(outcome.as_mut().now_or_never().is_none());
    give.send(safe()).unwrap();
    assert_eq!(outcome.await.unwrap(), "reply");
}

#[tokio::test(start_paused = true)]
async fn a_verdict_against_it_cancels_the_call() {
    for (verdict, reason) in [
        (attack(), Reason::PromptBlocked),
        (
            CheckOutcome::Unavailable(Unavailable::Saturated),
            Reason::CheckUnavailable,
        ),
    ] {
        let (armor, give) = armor(true);
        let (outcome, calls) = pass(armor, std::future::pending);
        let mut outcome = pin!(outcome);
        assert!(outcome.as_mut().now_or_never().is_none());
        assert_eq!(counts(&calls), (1, 0));
        give.send(verdict).unwrap();
        assert_eq!(outcome.await.unwrap_err().reason(), reason);
        assert_eq!(counts(&calls), (1, 1), "the call was given up");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_verdict_cancels_the_call_too() {
    let (armor, _give) = armor(true);
    let (outcome, calls) = pass(armor, std::future::pending);
    assert_eq!(
        outcome.await.unwrap_err().reason(),
        Reason::CheckUnavailable
    );
    assert_eq!(counts(&calls), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn not_even_a_failure_is_released_before_the_verdict() {
    for (verdict, reason) in [
        (attack(), Reason::PromptBlocked),
        (safe(), Reason::UpstreamUnavailable),
    ] {
        let (armor, give) = armor(true);
        let failed = || async { Err(Rejection::new(Reason::UpstreamUnavailable, "gone")) };
        let (outcome, _) = pass(armor, failed);
        let mut outcome = pin!(outcome);
        assert!(outcome.as_mut().now_or_never().is_none());
        give.send(verdict).unwrap();
        assert_eq!(outcome.await.unwrap_err().reason(), reason);
    }
}

#[tokio::test(start_paused = true)]
async fn a_verdict_that_is_there_at_once_goes_first() {
    let (armor, give) = armor(true);
    give.send(attack()).unwrap();
    let (outcome, calls) = pass(armor, || async { Ok("reply") });
    assert_eq!(outcome.await.unwrap_err().reason(), Reason::PromptBlocked);
    assert_eq!(counts(&calls), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn without_the_option_nothing_goes_ahead() {
    let (armor, give) = armor(false);
    let (outcome, calls) = pass(armor, || async { Ok("reply") });
    let mut outcome = pin!(outcome);
    assert!(outcome.as_mut().now_or_never().is_none());
    assert_eq!(counts(&calls), (0, 0));
    give.send(safe()).unwrap();
    assert_eq!(outcome.await.unwrap(), "reply");
}
