//! Tokens: what is reserved, when they are counted, and how they are settled.

use aegis_core::Usage;

use super::*;

fn limit(tokens: &str) -> Stage {
    Stage::limited(&json!([{ "per": "principal", "tokens": tokens }]))
}

fn chat(content: &str, max_tokens: u64) -> Asking {
    let body = json!({
        "model": "gpt",
        "max_completion_tokens": max_tokens,
        "messages": [{ "role": "user", "content": content }],
    });
    Asking::new(Operation::ChatCompletions, &body.to_string())
}

/// What a request that looks only is told.
async fn remaining(stage: &Stage) -> u64 {
    let exchange = Arc::new(Mutex::new(None));
    let asking = chat("x", 1);
    let received = asking.received();
    *exchange.lock() = Some(received.exchange.clone());
    let inner = tower::service_fn(|_: Admitted| async {
        Err::<(), _>(Rejection::new(Reason::PromptBlocked, ""))
    });
    let before = received.exchange.clone();
    let authenticated = received.authenticated(Arc::new(asking.principal.clone()));
    stage
        .layer
        .layer(inner)
        .call(authenticated)
        .await
        .unwrap_err();
    let headers = before.trail().reply_headers;
    let found = headers
        .iter()
        .find(|(name, _)| name == "x-ratelimit-remaining-tokens");
    found.unwrap().1.to_str().unwrap().parse().unwrap()
}

fn report(exchange: &Exchange, input: Option<u64>, output: Option<u64>) {
    let usage = Usage {
        input_tokens: input,
        output_tokens: output,
    };
    exchange.note(|trail| trail.usage = usage);
}

#[tokio::test(start_paused = true)]
async fn the_answer_is_reserved_as_the_request_limits_it() {
    let stage = limit("10k/d");
    stage.send(&chat("hello", 9_000)).await.unwrap();
    let rejection = stage.refused(&chat("hello", 1_000)).await;
    assert_eq!(rejection.reason(), Reason::RateLimited);
    assert!(rejection.retry_after().unwrap() > Duration::from_secs(60));
    stage.send(&chat("hello", 900)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_never_fits_is_said_so() {
    let stage = limit("10k/d");
    let rejection = stage.refused(&chat("hello", 10_000)).await;
    assert_eq!(rejection.reason(), Reason::RateLimited);
    assert!(
        rejection.message().contains("ever"),
        "{}",
        rejection.message()
    );
    assert!(
        rejection
            .headers()
            .iter()
            .any(|(name, _)| name == "x-should-retry")
    );
    assert!(rejection.retry_after().is_some());
    let mut choices = chat("hello", 1_000);
    choices.body = choices.body.replacen('{', r#"{"n":10,"#, 1);
    stage.refused(&choices).await;
    stage.send(&chat("hello", 1_000)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_prompt_is_counted_exactly_where_it_decides() {
    // 6,000 bytes that are 1,000 tokens or so: more than the budget by bytes, within it by tokens.
    let prompt = "token ".repeat(1_000);
    let tokens = bpe_openai::o200k_base().count(prompt.as_str()) as u64;
    let framing = 8;
    let exact = tokens + framing + 1 + bpe_openai::o200k_base().count("user") as u64;
    for (budget, passes) in [(exact + 10, true), (tokens, false)] {
        let stage = limit(&format!("{budget}/d"));
        assert_eq!(
            stage.send(&chat(&prompt, 1)).await.is_ok(),
            passes,
            "{budget}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_provider_reports_is_what_counts() {
    let stage = limit("100k/d");
    let full = remaining(&stage).await + 30;
    for (reported, used) in [((5, 7), 12), ((200, 9_000), 9_200)] {
        let before = remaining(&stage).await;
        let exchange = stage.send(&chat("hello", 5_000)).await.unwrap();
        assert!(remaining(&stage).await + 5_000 < before + 40);
        report(&exchange, Some(reported.0), Some(reported.1));
        stage.end_all();
        let now = remaining(&stage).await;
        let spent = before - now;
        // Each look costs its own few tokens of input.
        assert!((used..used + 60).contains(&spent), "{reported:?}: {spent}");
    }
    assert!(remaining(&stage).await < full);
}

#[tokio::test(start_paused = true)]
async fn without_a_report_released_bytes_count() {
    let stage = limit("100k/d");
    for (released, spent_about) in [(400, 100), (400_000, 5_000), (0, 5_000)] {
        let before = remaining(&stage).await;
        let exchange = stage.send(&chat("hello", 5_000)).await.unwrap();
        exchange.note(|trail| trail.response_bytes = released);
        stage.end_all();
        let spent = before - remaining(&stage).await;
        assert!(
            (spent_about..spent_about + 80).contains(&spent),
            "{released}: {spent}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_never_reached_a_provider_costs_no_answer() {
    for (reason, keeps) in [
        (Reason::PromptBlocked, false),
        (Reason::CircuitOpen, false),
        (Reason::UpstreamTimeout, true),
        (Reason::OutputBlocked, true),
    ] {
        let mut stage = limit("100k/d");
        stage.refusing = Some(reason);
        let before = remaining(&stage).await;
        stage.send(&chat("hello", 5_000)).await.unwrap_err();
        let spent = before - remaining(&stage).await;
        assert_eq!(spent > 5_000, keeps, "{reason:?}: {spent}");
        assert!(spent > 10, "the input counts");
    }
}

#[tokio::test(start_paused = true)]
async fn counting_and_listing_use_no_tokens() {
    let stage = limit("1k/d");
    let body = r#"{"model":"claude","messages":[{"role":"user","content":"hi"}]}"#;
    let before = remaining(&stage).await;
    for _ in 0..5 {
        stage
            .send(&Asking::new(Operation::CountTokens, body))
            .await
            .unwrap();
        stage
            .send(&Asking::new(Operation::Models, ""))
            .await
            .unwrap();
    }
    assert!(before - remaining(&stage).await < 40);
}

#[tokio::test(start_paused = true)]
async fn every_limit_pays() {
    let stage = Stage::limited(&json!([
        { "per": "principal", "tokens": "2k/d" },
        { "per": "tenant", "tokens": "3k/d" },
    ]));
    stage.send(&chat("hello", 1_500)).await.unwrap();
    stage.refused(&chat("hello", 1_000)).await;
    stage.refused(&chat("hello", 1_500).by("bob")).await;
    stage.send(&chat("hello", 1_300).by("bob")).await.unwrap();
}
