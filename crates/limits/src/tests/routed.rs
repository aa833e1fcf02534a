//! Which model is chosen, and what the body becomes.

use super::*;

fn plain() -> Stage {
    Stage::limited(&json!([]))
}

fn capped(cap: u64) -> Stage {
    Stage::new(&json!({ "output_tokens_max": cap }), &json!([]))
}

fn body(operation: Operation, body: &str) -> Asking {
    Asking::new(operation, body)
}

const CHAT: Operation = Operation::ChatCompletions;

#[tokio::test]
async fn the_model_decides_the_provider() {
    let stage = plain();
    let target = stage.target(&Asking::chat()).await.unwrap();
    assert_eq!(
        (&*target.provider, &*target.upstream_model),
        ("openai", "gpt")
    );
    let target = stage
        .target(&body(CHAT, r#"{"model":"free-x","messages":[]}"#))
        .await
        .unwrap();
    assert_eq!(&*target.upstream_model, "free-x");
    let target = stage
        .target(&body(CHAT, r#"{"model":"llama","messages":[]}"#))
        .await
        .unwrap();
    assert_eq!(&*target.provider, "tgi");
    let target = stage
        .target(&body(Operation::Generic, r#"{"q":"x"}"#))
        .await
        .unwrap();
    assert_eq!(&*target.provider, "orchestrator");
    assert_eq!(stage.target(&body(Operation::Models, "")).await, None);
}

#[tokio::test]
async fn models_that_are_not_permitted_do_not_exist() {
    for name in ["secret", "none", "claude", "mistral"] {
        let asking = body(CHAT, &format!(r#"{{"model":"{name}","messages":[]}}"#));
        let rejection = plain().refused(&asking).await;
        assert_eq!(rejection.reason(), Reason::ModelNotFound, "{name}");
    }
    let rejection = plain().refused(&body(CHAT, r#"{"messages":[]}"#)).await;
    assert_eq!(rejection.reason(), Reason::InvalidRequest);
}

#[tokio::test]
async fn tgi_takes_its_model_from_the_header() {
    let stage = plain();
    let generate = body(Operation::Generate, r#"{"inputs":"x"}"#);
    assert_eq!(&*stage.target(&generate).await.unwrap().model, "llama");
    let mut both = generate.clone();
    both.principal.roles.push("both".into());
    let rejection = stage.refused(&both).await;
    assert!(rejection.message().contains("x-aegis-model"));
    let named = both.clone().header("x-aegis-model", "mistral");
    assert_eq!(&*stage.target(&named).await.unwrap().model, "mistral");
    for name in ["gpt", "none"] {
        let other = both.clone().header("x-aegis-model", name);
        assert_eq!(stage.refused(&other).await.reason(), Reason::ModelNotFound);
    }
    let twice = named.header("x-aegis-model", "llama");
    assert_eq!(stage.refused(&twice).await.reason(), Reason::InvalidRequest);
}

#[tokio::test]
async fn a_body_that_needs_no_change_is_the_clients() {
    let odd = "{ \"messages\" : [ ] ,\n\t\"x\":1.50e0, \"model\":\"gpt\" }";
    assert_eq!(plain().outgoing(&body(CHAT, odd)).await, odd);
    let low = r#"{"model":"gpt","max_tokens":10,"messages":[]}"#;
    assert_eq!(capped(10).outgoing(&body(CHAT, low)).await, low);
}

#[tokio::test]
async fn the_providers_name_replaces_the_models() {
    let asking = body(CHAT, r#"{ "model" : "fast", "messages":[],"x":"fast" }"#);
    assert_eq!(
        plain().outgoing(&asking).await,
        r#"{ "model" : "gpt-5\"mini", "messages":[],"x":"fast" }"#
    );
}

/// Operation, body, and what becomes of it under a limit of 10: pairs of lines.
const LIMITED: &[(Operation, &str)] = &[
    (
        CHAT,
        r#"{"model":"gpt","max_tokens":99,"messages":[]}
           {"model":"gpt","max_tokens":10,"messages":[]}
           {"model":"gpt","max_tokens":null,"messages":[]}
           {"model":"gpt","max_tokens":10,"messages":[]}
           {"model":"gpt","messages":[]}
           {"max_completion_tokens":10,"model":"gpt","messages":[]}
           {"model":"llama","messages":[]}
           {"max_tokens":10,"model":"llama","messages":[]}
           {"model":"llama","max_completion_tokens":7,"messages":[]}
           {"max_tokens":7,"model":"llama","max_completion_tokens":7,"messages":[]}"#,
    ),
    (
        Operation::Responses,
        r#"{"model":"gpt","input":"x"}
           {"max_output_tokens":10,"model":"gpt","input":"x"}"#,
    ),
    (
        Operation::Completions,
        r#"{"model":"gpt","prompt":"x","max_tokens":11}
           {"model":"gpt","prompt":"x","max_tokens":10}"#,
    ),
    (
        Operation::Messages,
        r#"{"model":"claude","messages":[],"max_tokens":11}
           {"model":"claude","messages":[],"max_tokens":10}"#,
    ),
    (
        Operation::Generate,
        r#"{"inputs":"x"}
           {"parameters":{"max_new_tokens":10},"inputs":"x"}
           {"inputs":"x","parameters":null}
           {"inputs":"x","parameters":{"max_new_tokens":10}}
           {"inputs":"x","parameters":{ }}
           {"inputs":"x","parameters":{"max_new_tokens":10 }}
           {"inputs":"x","parameters":{"seed":1}}
           {"inputs":"x","parameters":{"max_new_tokens":10,"seed":1}}
           {"inputs":"x","parameters":{"max_new_tokens":11}}
           {"inputs":"x","parameters":{"max_new_tokens":10}}"#,
    ),
    (
        Operation::Embeddings,
        r#"{"model":"gpt","input":"x"}
           {"model":"gpt","input":"x"}"#,
    ),
];

#[tokio::test]
async fn output_limits_are_lowered_or_added() {
    let stage = capped(10);
    for (operation, bodies) in LIMITED {
        let lines: Vec<&str> = bodies.lines().map(str::trim).collect();
        for pair in lines.chunks(2) {
            let sent = stage.outgoing(&body(*operation, pair[0])).await;
            assert_eq!(sent, pair[1], "{}", pair[0]);
        }
    }
}

#[tokio::test]
async fn a_second_name_does_not_undo_the_limit() {
    let both = r#"{"max_tokens":99,"model":"gpt","max_completion_tokens":99,"messages":[]}"#;
    match capped(10).send(&body(CHAT, both)).await {
        Ok(_) => {
            let sent = capped(10).outgoing(&body(CHAT, both)).await;
            assert!(!sent.contains("99"), "{sent}");
        }
        Err(rejection) => assert_eq!(rejection.reason(), Reason::InvalidRequest),
    }
}

#[tokio::test]
async fn bodies_must_be_there_or_not() {
    let stage = plain();
    let listing = body(Operation::Models, "{}");
    assert_eq!(
        stage.refused(&listing).await.reason(),
        Reason::InvalidRequest
    );
    assert_eq!(
        stage.refused(&body(CHAT, "")).await.reason(),
        Reason::InvalidRequest
    );
    let mut text = Asking::chat();
    text.headers = vec![("content-type", "text/plain".to_owned())];
    assert_eq!(
        stage.refused(&text).await.reason(),
        Reason::UnsupportedMediaType
    );
}

#[tokio::test]
async fn large_bodies_are_read_off_the_reactor_and_the_same() {
    let text = "x".repeat(600 * 1024);
    let large = format!(r#"{{"model":"fast","messages":[{{"role":"user","content":"{text}"}}]}}"#);
    let sent = plain().outgoing(&body(CHAT, &large)).await;
    assert_eq!(sent, large.replacen("fast", "gpt-5\\\"mini", 1));
}
