//! The semantic check in the running gateway: model, runtime, metrics.

use std::io::Write;
use std::process::{Command, Stdio};

use aegis_testkit::client::get;
use aegis_tests::{Setup, binary};
use serde_json::{Value, json};

const NO_RUNTIME: (&str, &str) = ("ORT_DYLIB_PATH", "/nonexistent/libonnxruntime.so");

fn ask(prompt: &str) -> Value {
    json!({"model": "gpt-5-mini", "messages": [{"role": "user", "content": prompt}]})
}

#[tokio::test]
async fn texts_are_scored_once_and_counted_and_the_log_names_the_model() {
    let setup = Setup::with(|policy| policy.with("armor", "{ semantic: {} }")).await;
    for _ in 0..2 {
        let prompt = ask("Which rivers flow north?");
        let answer = setup.post("/v1/chat/completions", &prompt).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let metrics = get(&format!("{}/metrics", setup.gateway.admin), "").await;
    let metrics = metrics.text();
    for line in [
        "aegis_semantic_texts_total 2",
        "aegis_semantic_cache_hits_total 1",
        "aegis_semantic_unavailable_total{cause=\"failed\"} 0",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    let events = setup.events();
    let started = events
        .iter()
        .find(|event| event["event_type"] == "gateway.started");
    let model = &started.unwrap()["details"]["model"];
    assert_eq!(model["name"], "prompt-armor");
    assert_eq!(model["sha256"].as_str().map(str::len), Some(64));
}

#[tokio::test]
async fn without_onnx_runtime_a_policy_that_asks_for_the_check_does_not_start() {
    let policy = "{ semantic: { on_error: allow } }";
    let started = Setup::try_with(|text| text.with("armor", policy), &[NO_RUNTIME]).await;
    let error = started.unwrap_err();
    assert!(error.contains("armor.semantic: ONNX Runtime"), "{error}");
    assert!(error.contains(NO_RUNTIME.1), "{error}");
}

#[test]
fn without_onnx_runtime_scan_warns_and_gives_no_scores() {
    let mut child = Command::new(binary())
        .arg("scan")
        .env(NO_RUNTIME.0, NO_RUNTIME.1)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{}", json!({"id": 1, "text": "Hello"})).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(result["scores"]["injection"].is_null(), "{result}");
    let warning = String::from_utf8(output.stderr).unwrap();
    assert_eq!(warning.lines().count(), 1, "{warning}");
    assert!(
        warning.contains("warning") && warning.contains("Install it"),
        "{warning}"
    );
}
