//! The whole check on the test model, and how it refuses to start.

use std::path::PathBuf;
use std::time::Duration;

use aegis_detect::views::{Encoding, View};

use super::*;
use crate::testing::{ENCODER, Folder, TOKENIZER, runtime};

fn options(folder: &Folder) -> SemanticOptions {
    SemanticOptions {
        model: folder.source(),
        runtime: Some(runtime()),
        threads: Some(2),
        queue_windows: 16,
    }
}

fn start() -> Semantic {
    Semantic::start(&options(&Folder::whole())).unwrap()
}

fn done(first: First) -> Scores {
    match first {
        First::Done(scores) => scores,
        First::Uncertain(pending) => panic!("uncertain: {:?}", pending.windows),
        First::TooLong => panic!("too long"),
    }
}

fn uncertain(first: First) -> Pending {
    match first {
        First::Uncertain(pending) => pending,
        First::Done(scores) => panic!("done: {scores:?}"),
        First::TooLong => panic!("too long"),
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

fn near(a: f32, b: f32) -> bool {
    (a - b).abs() < 1e-4
}

#[test]
fn sure_texts_need_no_encoder() {
    let semantic = start();
    let safe = done(semantic.first("a", Source::User));
    assert!(near(safe.injection, sigmoid(-4.0)), "{safe:?}");
    assert_eq!(safe.indirect_injection, None);
    let attack = done(semantic.first("evil", Source::Untrusted));
    assert!(near(attack.injection, sigmoid(4.0)), "{attack:?}");
    assert_eq!(attack.indirect_injection, Some(attack.injection));
    assert_eq!(
        done(semantic.first(" ", Source::User)),
        Source::User.scores([0.0; 5])
    );
    assert_eq!(semantic.counters(), PoolCounters::default());
}

#[tokio::test]
async fn an_unsure_text_is_scored_by_both() {
    let semantic = start();
    let pending = uncertain(semantic.first("b attack", Source::User));
    let linear = pending.logits[0][0];
    let scores = semantic.second(pending, None).await.unwrap();
    // [CLS] b attack [SEP]: a mean of 2.
    assert!(near(scores.injection, sigmoid(linear + 2.0)), "{scores:?}");
    let pending = uncertain(semantic.first("b rude", Source::User));
    let linear = pending.logits[0][0];
    let scores = semantic.second(pending, None).await.unwrap();
    assert!(near(scores.injection, sigmoid(linear)), "{scores:?}");
    assert!(near(scores.toxicity, sigmoid(linear + 2.0)), "{scores:?}");
    assert_eq!(semantic.counters().windows, 2);
}

#[tokio::test]
async fn a_text_in_a_script_the_encoder_does_not_speak_keeps_its_first_score() {
    let semantic = start();
    let pending = uncertain(semantic.first("b жж", Source::User));
    let linear = pending.logits[0][0];
    let foreign = uncertain(semantic.first("b жж цц", Source::User));
    let both = semantic.second(pending, None).await.unwrap();
    assert!(
        near(both.injection, sigmoid(linear)),
        "half is allowed: {both:?}"
    );
    assert_eq!(semantic.counters().foreign, 0);
    let linear = foreign.logits[0][0];
    let alone = semantic.second(foreign, None).await.unwrap();
    assert!(near(alone.injection, sigmoid(linear)), "{alone:?}");
    assert_eq!(semantic.counters().foreign, 1);
}

#[test]
fn what_waits_is_small_and_is_not_told() {
    let semantic = start();
    let text = format!("b {}", "x".repeat(1 << 20));
    let pending = uncertain(semantic.first(&text, Source::User));
    assert!(
        pending.windows[0].len() < 128,
        "{}",
        pending.windows[0].len()
    );
    let told = format!("{pending:?}");
    assert!(
        told.contains("windows: 1") && !told.contains("xx"),
        "{told}"
    );
}

#[test]
fn what_a_view_hides_is_scored_too() {
    let semantic = start();
    let mut prepared = Prepared::new("a");
    prepared.views.push(View {
        encoding: Encoding::Base64,
        text: "ｅｖｉｌ".to_owned(),
        origin: 0..1,
    });
    let scores = done(semantic.first_prepared(&prepared, Source::User));
    assert!(
        near(scores.injection, sigmoid(4.0)),
        "normalised as well: {scores:?}"
    );
}

#[test]
fn a_long_text_is_read_to_its_end_and_an_endless_one_not_at_all() {
    let semantic = start();
    let words = 64 + 32 * (WINDOWS_MAX - 1);
    let mut text = "and ".repeat(words - 1) + "evil";
    let last = uncertain(semantic.first(&text, Source::Untrusted));
    assert!(
        last.windows
            .iter()
            .any(|window| window.ends_with("and evil"))
    );
    text.push_str(" and");
    let first = semantic.first(&text, Source::Untrusted);
    assert!(matches!(first, First::TooLong));
}

#[tokio::test]
async fn a_deadline_that_passed_is_told() {
    let semantic = start();
    let pending = uncertain(semantic.first("b", Source::User));
    let past = Instant::now() - Duration::from_millis(1);
    let late = semantic.second(pending, Some(past)).await;
    assert_eq!(late, Err(Unavailable::TimedOut));
    assert_eq!(semantic.counters().timed_out, 1);
}

#[test]
fn thresholds_and_digest_are_those_of_the_manifest() {
    let semantic = start();
    let user = semantic.thresholds().of(Source::User);
    assert_eq!((user.block.injection, user.flag.toxicity), (0.9, 0.5));
    assert_eq!(user.block.indirect_injection, None);
    let untrusted = semantic.thresholds().of(Source::Untrusted);
    assert_eq!(untrusted.block.indirect_injection, Some(0.9));
    assert_eq!(semantic.digest().len(), 64);
    assert_eq!(semantic.manifest().name, "test");
}

#[test]
fn broken_options_and_models_are_refused_with_what_is_wrong() {
    let folder = Folder::whole();
    let good = options(&folder);
    let broken = |name: &'static str| {
        let mut files = vec![
            ("linear.bin", Vec::from(*b"AEGL")),
            ("encoder.onnx", ENCODER.to_vec()),
            ("tokenizer.json", TOKENIZER.to_vec()),
        ];
        if name != "linear.bin" {
            files[0].1 = std::fs::read(folder.path().join("linear.bin")).unwrap();
        }
        for (file, bytes) in &mut files {
            if *file == name {
                bytes.truncate(40);
            }
        }
        Folder::signed(&files)
    };
    let signed_but_broken = ["linear.bin", "encoder.onnx", "tokenizer.json"].map(broken);
    for (options, says) in [
        (
            SemanticOptions {
                threads: Some(0),
                ..good.clone()
            },
            "threads",
        ),
        (
            SemanticOptions {
                threads: Some(THREADS_MAX + 1),
                ..good.clone()
            },
            "threads",
        ),
        (
            SemanticOptions {
                queue_windows: 3,
                ..good.clone()
            },
            "queue_windows",
        ),
        (
            SemanticOptions {
                queue_windows: QUEUE_WINDOWS_MAX + 1,
                ..good.clone()
            },
            "queue_windows",
        ),
        (options(&signed_but_broken[0]), "linear.bin"),
        (options(&signed_but_broken[1]), "encoder.onnx"),
        (options(&signed_but_broken[2]), "tokenizer.json"),
        (
            SemanticOptions {
                runtime: Some(PathBuf::from("/nowhere.so")),
                ..good.clone()
            },
            "/nowhere.so",
        ),
    ] {
        let error = Semantic::start(&options).unwrap_err().to_string();
        assert!(error.contains(says), "{says}: {error}");
    }
    assert!(
        Semantic::start(&SemanticOptions {
            queue_windows: 4,
            ..good
        })
        .is_ok()
    );
}

#[tokio::test]
async fn a_model_whose_folder_is_gone_runs_on() {
    let folder = Folder::whole();
    let semantic = Semantic::start(&options(&folder)).unwrap();
    drop(folder);
    let pending = uncertain(semantic.first("b", Source::User));
    assert!(semantic.second(pending, None).await.is_ok());
}
