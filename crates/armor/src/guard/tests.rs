use std::sync::atomic::{AtomicUsize, Ordering};

use aegis_core::{Category, Check as Name};
use futures_util::future::BoxFuture;
use tokio::sync::Barrier;

use super::*;

const BUDGET: Budget = Budget {
    text_max: 1_000,
    time_max: Duration::from_secs(2),
};

const BLOCKS: CheckPolicy = CheckPolicy {
    action: Action::Block,
    on_error: OnError::Block,
};

const FLAGS: CheckPolicy = CheckPolicy {
    action: Action::Flag,
    on_error: OnError::Allow,
};

/// A check whose future a test chooses.
struct Scripted<F>(F);

impl<F> Check for Scripted<F>
where
    F: Fn() -> BoxFuture<'static, CheckOutcome> + Send + Sync,
{
    fn name(&self) -> Name {
        Name::Pattern
    }

    fn run(&self, _: Arc<Document>, _: InputContext) -> BoxFuture<'static, CheckOutcome> {
        (self.0)()
    }
}

fn seat<F>(script: F) -> (Arc<dyn Check>, CheckPolicy)
where
    F: Fn() -> BoxFuture<'static, CheckOutcome> + Send + Sync + 'static,
{
    (Arc::new(Scripted(script)), BLOCKS)
}

fn safe(confidence: f32) -> CheckOutcome {
    CheckOutcome::Safe {
        confidence,
        scores: None,
    }
}

fn threat(rule: &'static str, score: f32) -> Threat {
    Threat::new(Category::Injection, Name::Pattern, rule, score)
}

fn threats(scores: &[(&'static str, f32)]) -> CheckOutcome {
    let threats = scores.iter().map(|&(rule, score)| threat(rule, score));
    CheckOutcome::found(threats.collect(), 1.0)
}

fn input(text: &str) -> Arc<Document> {
    Arc::new(text_document(text, Role::User))
}

const GONE: CheckOutcome = CheckOutcome::Unavailable(Unavailable::Saturated);
const REFUSED_GONE: Refused = Refused::Unavailable(Name::Pattern, Unavailable::Saturated);

#[test]
fn all_union_minimum_and_the_verdict() {
    let hint = || threats(&[("hint", 0.79)]);
    let grave = || threats(&[("grave", UNSAFE), ("also", 0.3)]);
    const UNSAFE: f32 = aegis_core::UNSAFE_SCORE;
    // Outcomes with policies → safe, threats, confidence, verdict, refused
    type Row = (
        Vec<(CheckPolicy, CheckOutcome)>,
        (bool, usize, f32, Verdict, Option<Refused>),
    );
    let rows: Vec<Row> = vec![
        (vec![], (true, 0, 1.0, Verdict::Allow, None)),
        (
            vec![(BLOCKS, safe(0.9)), (BLOCKS, safe(0.7))],
            (true, 0, 0.7, Verdict::Allow, None),
        ),
        (
            vec![(BLOCKS, hint()), (BLOCKS, safe(0.9))],
            (true, 1, 0.79, Verdict::Flag, None),
        ),
        (
            vec![(BLOCKS, grave()), (BLOCKS, safe(0.6))],
            (false, 2, 0.6, Verdict::Block, Some(Refused::Threat)),
        ),
        (
            vec![(FLAGS, grave()), (BLOCKS, safe(0.9))],
            (false, 2, UNSAFE, Verdict::Flag, None),
        ),
        (
            vec![(FLAGS, grave()), (BLOCKS, grave())],
            (false, 4, UNSAFE, Verdict::Block, Some(Refused::Threat)),
        ),
        (
            vec![(BLOCKS, GONE), (BLOCKS, safe(0.9))],
            (false, 0, 0.0, Verdict::Unavailable, Some(REFUSED_GONE)),
        ),
        (
            vec![(FLAGS, GONE), (BLOCKS, safe(0.9))],
            (false, 0, 0.0, Verdict::Unavailable, None),
        ),
        (
            vec![(FLAGS, GONE), (BLOCKS, hint())],
            (false, 1, 0.0, Verdict::Unavailable, None),
        ),
        (
            vec![(BLOCKS, GONE), (BLOCKS, grave())],
            (false, 2, 0.0, Verdict::Block, Some(Refused::Threat)),
        ),
        (
            vec![(BLOCKS, grave()), (BLOCKS, GONE)],
            (false, 2, 0.0, Verdict::Block, Some(Refused::Threat)),
        ),
    ];
    for (outcomes, (is_safe, count, confidence, verdict, refused)) in rows {
        let shown = format!("{outcomes:?}");
        let named = outcomes.into_iter();
        let named = named.map(|(policy, outcome)| (Name::Pattern, policy, outcome));
        let assessment = aggregate(named);
        let result = &assessment.result;
        assert_eq!(result.is_safe, is_safe, "{shown}");
        assert_eq!(result.threats.len(), count, "{shown}");
        assert!((result.confidence - confidence).abs() < 1e-6, "{shown}");
        assert_eq!(
            (result.verdict, assessment.refused),
            (verdict, refused),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn checks_run_at_the_same_time() {
    // Each check ends only when the other has begun too.
    let barrier = Arc::new(Barrier::new(2));
    let seats = (0..2).map(|_| {
        let barrier = barrier.clone();
        seat(move || {
            let barrier = barrier.clone();
            Box::pin(async move {
                barrier.wait().await;
                safe(0.9)
            })
        })
    });
    let guard = PromptArmorGuard::new(seats.collect(), BUDGET);
    let result = guard.scan_text("hello", Role::User).await;
    assert!(result.is_safe);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_panics_or_hangs_is_unavailable_and_the_others_still_count() {
    let scripts: [fn() -> BoxFuture<'static, CheckOutcome>; 3] = [
        || panic!("planted while starting"),
        || Box::pin(async { panic!("planted while running") }),
        || Box::pin(std::future::pending()),
    ];
    let causes = [
        Unavailable::Panicked,
        Unavailable::Panicked,
        Unavailable::TimedOut,
    ];
    for (script, cause) in scripts.into_iter().zip(causes) {
        let other = seat(|| Box::pin(async { threats(&[("hint", 0.5)]) }));
        let guard = PromptArmorGuard::new(vec![seat(script), other], BUDGET);
        let context = InputContext::new(Operation::Generic);
        let assessment = guard.assess(&input("hello"), &context).await;
        let refused = Refused::Unavailable(Name::Pattern, cause);
        assert_eq!(assessment.refused, Some(refused));
        assert!(!assessment.result.is_safe);
        assert_eq!(assessment.result.verdict, Verdict::Unavailable);
        assert_eq!(assessment.result.threats, [threat("hint", 0.5)]);
    }
}

#[tokio::test]
async fn a_text_over_the_budget_is_not_checked() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let seats = vec![seat(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { safe(0.9) })
    })];
    let guard = PromptArmorGuard::new(seats, BUDGET);
    for (bytes, safe, run) in [(999, true, 1), (1_000, true, 2), (1_001, false, 2)] {
        let result = guard.scan_text(&"x".repeat(bytes), Role::User).await;
        assert_eq!(result.is_safe, safe, "{bytes}");
        assert_eq!(runs.load(Ordering::Relaxed), run, "{bytes}");
    }
}

#[test]
fn categories_are_named_once_and_hints_not_at_all() {
    let mut other = threat("c", 0.9);
    other.category = Category::Jailbreak;
    let threats = [
        threat("a", 0.9),
        threat("b", 0.8),
        threat("hint", 0.7),
        other,
    ];
    assert_eq!(grave_categories(&threats), ["injection", "jailbreak"]);
}
