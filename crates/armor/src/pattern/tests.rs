use aegis_core::{DigestKey, Kind, Operation, Segment, Text, Trust};
use bytes::Bytes;

use super::*;

/// One rule for everybody's text and one for retrieved text only.
const PACK: &str = r#"
rules:
  - id: test.password
    category: injection
    severity: high
    lang: en
    keywords: [mellon]
    pattern: speak mellon
    source: test
    hits: ["speak mellon"]
    near_misses: ["mellon alone"]
  - id: test.retrieved
    category: injection
    severity: medium
    lang: en
    applies_to: [tool, document]
    keywords: [sesame]
    pattern: open sesame
    source: test
    hits: ["open sesame"]
    near_misses: ["sesame seeds"]
"#;

fn check(tool_results: bool) -> PatternCheck {
    PatternCheck::new(
        Patterns::load([("test", PACK)]).unwrap(),
        VerdictCache::new(DigestKey::from_bytes(b"test")),
        tool_results,
        Arc::new(Offload::per_core()),
    )
}

fn document(parts: &[(&str, Role, Kind, u32)]) -> Arc<Document> {
    let mut document = Document::new(Bytes::new());
    document
        .segments
        .extend(parts.iter().map(|&(text, role, kind, message)| Segment {
            role,
            trust: Trust::Untrusted,
            kind,
            message,
            literal: 0..0,
            text: Text::Decoded(text.into()),
        }));
    Arc::new(document)
}

async fn found(check: &PatternCheck, document: &Arc<Document>) -> Vec<(String, Category, f32)> {
    let context = InputContext::new(Operation::Generic);
    match check.run(document.clone(), context).await {
        CheckOutcome::Safe { .. } => Vec::new(),
        CheckOutcome::Threats { threats, .. } => threats
            .into_iter()
            .map(|threat| (threat.rule.into_owned(), threat.category, threat.score))
            .collect(),
        CheckOutcome::Unavailable(cause) => panic!("{cause}"),
    }
}

fn password(category: Category) -> Vec<(String, Category, f32)> {
    vec![("test.password".to_owned(), category, 0.9)]
}

#[tokio::test]
async fn every_role_and_kind_is_searched() {
    let check = check(true);
    for role in [
        Role::System,
        Role::Developer,
        Role::User,
        Role::Assistant,
        Role::Tool,
        Role::Document,
        Role::Unknown,
    ] {
        for kind in [
            Kind::Text,
            Kind::Reasoning,
            Kind::Refusal,
            Kind::ToolArguments,
            Kind::ToolValue,
            Kind::Number,
            Kind::ToolDescription,
            Kind::ToolResult,
            Kind::Document,
            Kind::Key,
            Kind::Unplaced,
        ] {
            let planted = document(&[("please speak mellon", role, kind, 0)]);
            let category = category(Category::Injection, role);
            let threats = found(&check, &planted).await;
            assert_eq!(threats, password(category), "{role:?} {kind:?}");
        }
    }
}

#[tokio::test]
async fn rules_apply_to_their_roles_and_injection_from_outside_is_indirect() {
    let check = check(true);
    let text = "open sesame";
    let user = document(&[(text, Role::User, Kind::Text, 0)]);
    assert_eq!(found(&check, &user).await, []);
    for role in [Role::Tool, Role::Document] {
        let retrieved = document(&[(text, role, Kind::Text, 0)]);
        let expected = (
            "test.retrieved".to_owned(),
            Category::IndirectInjection,
            0.6,
        );
        assert_eq!(found(&check, &retrieved).await, [expected]);
    }
}

#[tokio::test]
async fn an_attack_split_over_parts_is_found_and_one_over_messages_is_not() {
    let check = check(true);
    let split = |a, b, second| {
        document(&[
            (a, Role::User, Kind::Text, 0),
            (b, Role::User, Kind::Text, second),
        ])
    };
    for (a, b) in [
        ("please speak", "mellon now"),
        ("please speak ", "mellon now"),
        ("please speak mel", "lon now"),
        ("please s", "peak mellon now"),
    ] {
        let threats = found(&check, &split(a, b, 0)).await;
        assert_eq!(threats, password(Category::Injection), "{a}|{b}");
        assert_eq!(found(&check, &split(a, b, 1)).await, [], "{a}|{b}");
    }
}

#[tokio::test]
async fn an_attack_between_long_parts_is_found() {
    let (before, after) = ("a ".repeat(9_000), " b".repeat(9_000));
    let head = format!("{before}please speak");
    let tail = format!("mellon now{after}");
    let parts = [
        (&*head, Role::User, Kind::Text, 0),
        (&*tail, Role::User, Kind::Text, 0),
    ];
    let threats = found(&check(true), &document(&parts)).await;
    assert_eq!(threats, password(Category::Injection));
}

#[tokio::test]
async fn tool_results_can_be_left_out() {
    let retrieved = document(&[("speak mellon", Role::Tool, Kind::ToolResult, 0)]);
    assert_eq!(found(&check(false), &retrieved).await, []);
}

#[tokio::test]
async fn a_resent_history_costs_digests_only() {
    let check = check(true);
    let history: Vec<String> = (0..20).map(|turn| format!("turn {turn}")).collect();
    let mut parts: Vec<_> = (0_u32..)
        .zip(&history)
        .map(|(message, text)| (&**text, Role::User, Kind::Text, message))
        .collect();
    found(&check, &document(&parts)).await;
    let cache = &check.inner.cache;
    assert_eq!((cache.hits(), cache.misses()), (0, 20));
    parts.push(("one more", Role::User, Kind::Text, 20));
    found(&check, &document(&parts)).await;
    assert_eq!((cache.hits(), cache.misses()), (20, 21));
}

#[tokio::test]
async fn a_cached_verdict_is_the_same_verdict() {
    let check = check(true);
    let planted = document(&[("please speak mellon", Role::User, Kind::Text, 0)]);
    let first = check
        .run(planted.clone(), InputContext::new(Operation::Generic))
        .await;
    let second = check
        .run(planted, InputContext::new(Operation::Generic))
        .await;
    assert_eq!(first, second);
}
