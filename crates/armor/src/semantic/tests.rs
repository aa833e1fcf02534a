use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aegis_core::{Action, Category, DigestKey, OnError, Operation, Segment, Text as Words, Trust};
use aegis_semantic::{Levels, Thresholds};

use super::*;
use crate::guard::{Budget, CheckPolicy, PromptArmorGuard, Refused};

/// A model that knows a few words: `attack`, `maybe` and the like stand in the text itself.
#[derive(Default)]
struct Fake {
    firsts: AtomicUsize,
    seconds: AtomicUsize,
    /// Second-stage readings that were given up.
    dropped: Arc<AtomicUsize>,
}

/// What the fake's first stage is unsure of.
struct Unsure(String);

/// Counts a reading that ends early.
struct CountDrop(Arc<AtomicUsize>, bool);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.fetch_add(usize::from(!self.1), Ordering::Relaxed);
    }
}

/// Every head says `p`.
fn every(p: f32, source: Source) -> Scores {
    Scores {
        injection: p,
        jailbreak: p,
        indirect_injection: (source == Source::Untrusted).then_some(p),
        extraction: p,
        toxicity: p,
        grounding: None,
    }
}

fn injection(p: f32) -> Scores {
    Scores {
        injection: p,
        ..Scores::default()
    }
}

impl Scorer for Fake {
    type Pending = Unsure;

    fn first(&self, prepared: &Prepared<'_>, source: Source) -> First<Unsure> {
        let text = prepared.original;
        self.firsts.fetch_add(1, Ordering::Relaxed);
        match text.split(' ').next() {
            Some("long") => First::TooLong,
            Some("ask" | "hang" | "full" | "late" | "fail") => {
                First::Uncertain(Unsure(text.into()))
            }
            Some("indirect") => First::Done(Scores {
                indirect_injection: (source == Source::Untrusted).then_some(0.95),
                ..Scores::default()
            }),
            Some(p) => First::Done(injection(p.parse().unwrap_or(0.01))),
            None => First::Done(Scores::default()),
        }
    }

    fn second(
        &self,
        Unsure(text): Unsure,
        deadline: Option<Instant>,
    ) -> BoxFuture<'_, Result<Scores, Unavailable>> {
        self.seconds.fetch_add(1, Ordering::Relaxed);
        let dropped = self.dropped.clone();
        async move {
            let mut guard = CountDrop(dropped, false);
            let answer = match text.split(' ').next() {
                Some("hang") => std::future::pending().await,
                Some("full") => Err(Unavailable::Saturated),
                Some("fail") => Err(Unavailable::Failed),
                Some("late") => {
                    tokio::time::sleep_until(deadline.unwrap()).await;
                    Err(Unavailable::TimedOut)
                }
                Some(_) | None => Ok(injection(0.9)),
            };
            guard.1 = true;
            answer
        }
        .boxed()
    }

    fn windows(_: &Unsure) -> usize {
        4
    }
}

/// Blocks from 0.7 on in users' texts and from 0.5 on in others'.
fn thresholds() -> Thresholds {
    let levels = |block, flag, source| Levels {
        block: every(block, source),
        flag: every(flag, source),
    };
    Thresholds {
        user: levels(0.7, 0.4, Source::User),
        untrusted: levels(0.5, 0.2, Source::Untrusted),
    }
}

fn check_with(spec: &SemanticSpec, tool_results: bool) -> SemanticCheck<Fake> {
    let inner = Inner {
        scorer: Arc::default(),
        judge: Judge::new(spec, &thresholds()),
        cache: ScoreCache::new(DigestKey::from_bytes(b"test"), "model"),
        counters: Arc::default(),
        tool_results,
        windows_at_once: 8,
    };
    SemanticCheck::new(inner, Arc::new(Offload::per_core()))
}

fn check() -> SemanticCheck<Fake> {
    check_with(&SemanticSpec::default(), true)
}

fn document(parts: &[(&str, Role, Kind)]) -> Arc<Document> {
    let mut document = Document::new(bytes::Bytes::new());
    let messages = (0_u32..).zip(parts);
    let segments = messages.map(|(message, &(text, role, kind))| Segment {
        role,
        trust: Trust::Untrusted,
        kind,
        message,
        literal: 0..0,
        text: Words::Decoded(text.into()),
    });
    document.segments.extend(segments);
    Arc::new(document)
}

fn user(texts: &[&str]) -> Arc<Document> {
    let parts: Vec<_> = texts
        .iter()
        .map(|text| (*text, Role::User, Kind::Text))
        .collect();
    document(&parts)
}

async fn run(check: &SemanticCheck<Fake>, document: Arc<Document>) -> CheckOutcome {
    let mut context = InputContext::new(Operation::Generic);
    context.deadline = Some(Instant::now() + Duration::from_secs(2));
    check.run(document, context).await
}

/// Rule, category, score, grave.
type Told = (String, Category, f32, bool);

async fn told(check: &SemanticCheck<Fake>, document: Arc<Document>) -> Vec<Told> {
    match run(check, document).await {
        CheckOutcome::Safe { .. } => Vec::new(),
        CheckOutcome::Threats { threats, .. } => threats
            .into_iter()
            .map(|t| (t.rule.into_owned(), t.category, t.score, t.grave))
            .collect(),
        CheckOutcome::Unavailable(cause) => panic!("{cause}"),
    }
}

#[tokio::test]
async fn the_threshold_makes_it_grave_and_not_the_number() {
    let check = check();
    for (text, expected) in [
        ("0.39", None),
        ("0.4", Some(false)),
        ("0.69", Some(false)),
        ("0.7", Some(true)),
        ("0.99", Some(true)),
    ] {
        let told = told(&check, user(&[text])).await;
        let grave = told.first().map(|(_, _, _, grave)| *grave);
        assert_eq!(grave, expected, "{text}");
        let outcome = run(&check, user(&[text])).await;
        assert_eq!(outcome.is_safe(), expected != Some(true), "{text}");
        assert_eq!(
            outcome.scores().unwrap().injection,
            text.parse::<f32>().unwrap()
        );
    }
}

#[tokio::test]
async fn the_policys_thresholds_win_over_the_models() {
    let levels = |block_at, flag_at| Some(LevelsSpec { block_at, flag_at });
    let spec = SemanticSpec {
        user: levels(0.95, 0.9),
        documents: levels(0.3, 0.1),
        ..SemanticSpec::default()
    };
    let check = check_with(&spec, true);
    assert_eq!(told(&check, user(&["0.89"])).await, []);
    let tool = document(&[("0.31", Role::Tool, Kind::ToolResult)]);
    let expected = (
        "semantic.injection".to_owned(),
        Category::IndirectInjection,
        0.31,
        true,
    );
    assert_eq!(told(&check, tool).await, [expected]);
}

#[tokio::test]
async fn toxicity_is_judged_where_the_policy_says_so() {
    let shipped = Judge::new(&SemanticSpec::default(), &thresholds());
    let spec = SemanticSpec {
        toxicity: Some(LevelsSpec {
            block_at: 0.9,
            flag_at: 0.6,
        }),
        ..SemanticSpec::default()
    };
    let asked = Judge::new(&spec, &thresholds());
    let scores = Scores {
        toxicity: 0.95,
        ..Scores::default()
    };
    let digest = DigestKey::from_bytes(b"test").digest(&[b"x"]);
    assert_eq!(shipped.findings(&scores, Source::User, digest), []);
    assert_eq!(shipped.highest(&scores, Source::User), 0.0);
    let found = asked.findings(&scores, Source::User, digest);
    assert_eq!(
        (found[0].category, found[0].grave),
        (Category::Toxicity, true)
    );
}

#[tokio::test]
async fn the_source_follows_role_and_kind() {
    let check = check();
    for (role, kind, expected) in [
        (Role::User, Kind::Text, Source::User),
        (Role::Assistant, Kind::Text, Source::User),
        (Role::Unknown, Kind::Unplaced, Source::User),
        (Role::Assistant, Kind::ToolArguments, Source::User),
        (Role::Tool, Kind::Text, Source::Untrusted),
        (Role::Document, Kind::Document, Source::Untrusted),
        (Role::User, Kind::ToolResult, Source::Untrusted),
        (Role::System, Kind::ToolDescription, Source::User),
    ] {
        let told = told(&check, document(&[("indirect", role, kind)])).await;
        let untrusted = told
            == [(
                "semantic.indirect_injection".to_owned(),
                Category::IndirectInjection,
                0.95,
                // No English in it: a hint only.
                false,
            )];
        assert_eq!(
            untrusted,
            expected == Source::Untrusted,
            "{role:?} {kind:?}"
        );
    }
}

#[tokio::test]
async fn tool_results_can_be_left_out_and_descriptions_cannot() {
    let check = check_with(&SemanticSpec::default(), false);
    let result = document(&[("0.99", Role::Tool, Kind::ToolResult)]);
    let outcome = run(&check, result).await;
    assert_eq!(
        outcome,
        CheckOutcome::Safe {
            confidence: 1.0,
            scores: None
        }
    );
    let description = document(&[("0.99", Role::Tool, Kind::ToolDescription)]);
    assert_eq!(told(&check, description).await.len(), 1);
}

#[tokio::test]
async fn a_safe_text_has_scores_and_a_confidence_of_the_rest() {
    let outcome = run(&check(), user(&["0.3", "0.1"])).await;
    assert!((outcome.confidence() - 0.7).abs() < 1e-6);
    assert_eq!(outcome.scores(), Some(injection(0.3)));
}

#[tokio::test]
async fn each_text_is_scored_once_a_source_and_remembered() {
    let check = check();
    let twice = document(&[
        ("hello", Role::User, Kind::Text),
        ("hello", Role::User, Kind::Text),
        ("hello", Role::Tool, Kind::ToolResult),
        ("ask me", Role::User, Kind::Text),
        ("ask me", Role::User, Kind::Text),
        ("12", Role::User, Kind::Number),
    ]);
    for _ in 0..3 {
        run(&check, twice.clone()).await;
    }
    let fake = &check.inner.scorer;
    assert_eq!(fake.firsts.load(Ordering::Relaxed), 3);
    assert_eq!(fake.seconds.load(Ordering::Relaxed), 1);
    let counts = check.inner.counters.read();
    assert_eq!((counts.texts, counts.cached, counts.windows), (9, 6, 4));
}

#[test]
fn the_cache_is_bounded_and_knows_source_and_model() {
    let key = DigestKey::from_bytes(b"test");
    let cache = ScoreCache::with_capacity(key.clone(), "one", 100);
    let known = Known {
        scores: Scores::default(),
        covered: true,
    };
    for number in 0..10_000 {
        let name = cache.name(&number.to_string(), Source::User);
        cache.insert(name, known);
    }
    assert!(cache.len() <= 100);
    let other = ScoreCache::new(key, "two");
    let names = [
        cache.name("x", Source::User),
        cache.name("x", Source::Untrusted),
        other.name("x", Source::User),
    ];
    let different: HashMap<_, _> = names.iter().map(|name| (*name, ())).collect();
    assert_eq!(different.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn no_answer_is_unavailable_and_counted() {
    let check = check();
    for (text, cause) in [
        ("long", Unavailable::TooLong),
        ("full", Unavailable::Saturated),
        ("late", Unavailable::TimedOut),
        ("fail", Unavailable::Failed),
    ] {
        let outcome = run(&check, user(&["hello", text, "0.99"])).await;
        assert_eq!(outcome, CheckOutcome::Unavailable(cause), "{text}");
    }
    let counted = check.inner.counters.read().unavailable;
    assert!(counted.iter().all(|(_, n)| *n == 1), "{counted:?}");
}

#[tokio::test(start_paused = true)]
async fn a_request_goes_on_where_it_stopped() {
    let check = check();
    let outcome = run(&check, user(&["ask one", "late"])).await;
    assert_eq!(outcome, CheckOutcome::Unavailable(Unavailable::TimedOut));
    let before = check.inner.scorer.seconds.load(Ordering::Relaxed);
    run(&check, user(&["ask one"])).await;
    assert_eq!(check.inner.scorer.seconds.load(Ordering::Relaxed), before);
}

#[tokio::test(start_paused = true)]
async fn a_request_takes_no_more_room_than_its_share() {
    let check = check();
    let texts: Vec<String> = (0..10).map(|number| format!("hang {number}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut outcome = std::pin::pin!(run(&check, user(&texts)));
    assert!(outcome.as_mut().now_or_never().is_none());
    // Eight windows at once, four a text.
    assert_eq!(check.inner.scorer.seconds.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_check_gives_up_what_waits() {
    let check = check();
    {
        let mut outcome = std::pin::pin!(run(&check, user(&["hang 1", "hang 2"])));
        assert!(outcome.as_mut().now_or_never().is_none());
    }
    assert_eq!(check.inner.scorer.dropped.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn the_policy_decides_what_no_room_means() {
    for (on_error, refused) in [
        (
            OnError::Block,
            Some(Refused::Unavailable(
                CheckName::Semantic,
                Unavailable::Saturated,
            )),
        ),
        (OnError::Allow, None),
    ] {
        let policy = CheckPolicy {
            action: Action::Block,
            on_error,
        };
        let budget = Budget {
            text_max: 1_000,
            time_max: Duration::from_secs(2),
        };
        let guard = PromptArmorGuard::new(vec![(Arc::new(check()), policy)], budget);
        let context = InputContext::new(Operation::Generic);
        let assessment = guard.assess(&user(&["full"]), &context).await;
        assert_eq!(assessment.refused, refused);
        assert!(!assessment.result.is_safe);
        let honest = guard.assess(&user(&["hello"]), &context).await;
        assert_eq!(honest.result.scores, Some(injection(0.01)));
    }
}

#[test]
fn mistakes_in_the_policy_are_named_with_key_and_fix() {
    let error = |policy: &str| {
        let spec: SemanticSpec = serde_saphyr::from_str(policy).map_err(|e| e.to_string())?;
        let loaded = spec.load(std::path::Path::new("/nonexistent"));
        loaded.map(|_| ()).map_err(|e| e.to_string())
    };
    let zeros = "0".repeat(64);
    for (policy, expected) in [
        (
            "user: { block_at: 1.5, flag_at: 0.5 }",
            "armor.semantic.user.block_at is 1.5; it must be between 0 and 1",
        ),
        (
            "documents: { block_at: 0.5, flag_at: .nan }",
            "armor.semantic.documents.flag_at is NaN; it must be between 0 and 1",
        ),
        (
            "user: { block_at: 0.5, flag_at: 0.6 }",
            "armor.semantic.user.flag_at (0.6) is above block_at (0.5); lower it to block_at or below",
        ),
        (
            "model: models/mine",
            "armor.semantic.public_key is missing; a model folder needs the Ed25519 key that its manifest is signed with, in base64 or hexadecimal",
        ),
        (
            "public_key: abc",
            "armor.semantic.public_key is for a model folder of your own; remove it, or name the folder in armor.semantic.model",
        ),
        (
            "{ model: mine, public_key: abc }",
            "armor.semantic.public_key is not an Ed25519 public key; give its 32 bytes in base64 or hexadecimal",
        ),
        (
            "threads: 0",
            "armor.semantic.threads must be between 1 and 64",
        ),
        (
            &format!("{{ model: mine, public_key: \"{zeros}\" }}"),
            "armor.semantic: the model's /nonexistent/mine/manifest.json can't be read; put the whole model folder there",
        ),
    ] {
        assert_eq!(error(policy).unwrap_err(), expected, "{policy}");
    }
    assert!(
        error("queue: 1")
            .unwrap_err()
            .starts_with("armor.semantic.queue must be between")
    );
    assert!(
        error("user: { block_at: 0.5 }")
            .unwrap_err()
            .contains("flag_at")
    );
    assert!(error("blok_at: 0.5").unwrap_err().contains("blok_at"));
}
