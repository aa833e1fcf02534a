//! What fails behind the gateway: each failure has its defined outcome, and an audit event.

use std::time::Duration;

use aegis_testkit::client::Answer;
use aegis_testkit::provider::{Fault, Script};
use aegis_tests::Setup;
use serde_json::{Value, json};

fn ask(stream: bool) -> Value {
    json!({"model": "gpt-5-mini", "stream": stream, "messages": [{"role": "user", "content": "Hello"}]})
}

async fn chat(setup: &Setup, stream: bool) -> Answer {
    setup.post("/v1/chat/completions", &ask(stream)).await
}

/// The completion record of the only request so far.
fn completion(setup: &Setup) -> Value {
    let events = setup.events();
    let mut ended: Vec<&Value> = events
        .iter()
        .filter(|event| {
            let kind = event["event_type"].as_str().unwrap_or_default();
            kind.starts_with("request.") && kind != "request.decided"
        })
        .collect();
    assert_eq!(ended.len(), 1, "{events:#?}");
    ended.remove(0).clone()
}

#[tokio::test]
async fn every_failure_of_a_provider_has_its_outcome() {
    for (fault, stream, status, code) in [
        (Fault::GarbageHead, false, 502, "upstream_unavailable"),
        (Fault::GarbageBody, false, 502, "upstream_invalid"),
        (Fault::HangBeforeHead, false, 504, "upstream_timeout"),
        (Fault::HangBeforeHead, true, 504, "upstream_timeout"),
        (Fault::HangAfter(0), false, 504, "upstream_timeout"),
        (Fault::ResetAfter(0), false, 502, "upstream_unavailable"),
        (Fault::Encoding("gzip"), false, 502, "upstream_invalid"),
        (Fault::Status(500, "{\"error\":{\"message\":\"stack trace at db01.internal\"}}".into()), false, 502, "upstream"),
        (Fault::Status(401, "{\"error\":{\"message\":\"Incorrect API key provided: sk-live\"}}".into()), false, 502, "upstream_rejected"),
        (Fault::Status(400, "{\"error\":{\"message\":\"you said: secret prompt\",\"code\":\"context_length_exceeded\"}}".into()), false, 400, "upstream_rejected"),
        (Fault::Status(429, "{}".into()), false, 429, "upstream_rejected"),
    ] {
        let setup = Setup::start().await;
        setup.play(Script::default().failing(fault.clone()));
        let answer = chat(&setup, stream).await;
        assert_eq!(answer.status, status, "{fault:?}: {}", answer.text());
        assert!(answer.json()["error"]["code"].as_str().is_some_and(|got| got.starts_with(code)), "{fault:?}: {}", answer.text());
        for leaked in ["internal", "sk-live", "secret prompt", "stack"] {
            assert!(!answer.text().contains(leaked), "{fault:?}: {}", answer.text());
        }
        let record = completion(&setup);
        assert_eq!(record["details"]["status"], status, "{fault:?}: {record}");
        assert!(!record.to_string().contains("secret prompt") && !record.to_string().contains("sk-live"), "{record}");
        assert!(setup.verify().0);
    }
}

#[tokio::test]
async fn a_provider_that_is_not_there_opens_the_circuit() {
    let setup = Setup::with(|policy| {
        policy.with("providers", "[{ name: openai, api: openai, base_url: \"http://127.0.0.1:1\", circuit: { failures: 3, window: 30s, open: 30s } }]")
            .with("models", "[{ name: \"gpt-*\", provider: openai, roles: [developer] }]")
            .with("routes", "[]")
    })
    .await;
    for _ in 0..3 {
        let answer = chat(&setup, false).await;
        assert_eq!(
            (
                answer.status.as_u16(),
                answer.json()["error"]["code"].as_str()
            ),
            (502, Some("upstream_unavailable"))
        );
    }
    let answer = chat(&setup, false).await;
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.json()["error"]["code"].as_str()
        ),
        (503, Some("circuit_open"))
    );
    assert!(answer.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn a_stream_that_breaks_ends_in_band_and_leaks_nothing_held() {
    for fault in [Fault::ResetAfter(12), Fault::HangAfter(12)] {
        let setup = Setup::start().await;
        // Cut in the middle of the address: what is held must not go out raw as an address.
        setup.play(
            Script::saying("Hello, the address is jane.doe@example.com and so on.")
                .chunked(3)
                .failing(fault.clone()),
        );
        let answer = chat(&setup, true).await;
        assert_eq!(answer.status, 200);
        let last = answer.events().last().cloned().unwrap_or_default();
        assert!(
            last["error"]["code"].is_string(),
            "{fault:?}: {}",
            answer.text()
        );
        let record = completion(&setup);
        assert_eq!(record["details"]["ending"], "upstream_failed", "{record}");
    }
}

#[tokio::test]
async fn a_stream_without_terminator_is_filtered_to_its_end() {
    let setup = Setup::start().await;
    setup.play(
        Script::saying("Write to jane.doe@example.com")
            .chunked(2)
            .failing(Fault::NoTerminator),
    );
    let answer = chat(&setup, true).await;
    let text: String = answer
        .events()
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(text, "Write to [EMAIL]");
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_provider() {
    let setup = Setup::start().await;
    setup.play(
        Script::saying("x ".repeat(2_000))
            .chunked(1)
            .failing(Fault::HangAfter(20)),
    );
    let url = format!("{}/v1/chat/completions", setup.gateway.url);
    let body = ask(true).to_string();
    let reading = aegis_testkit::client::post(&url, &setup.token, body);
    assert!(
        tokio::time::timeout(Duration::from_millis(500), reading)
            .await
            .is_err(),
        "the stream hangs"
    );
    for _ in 0..200 {
        if setup.provider.cancelled() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(
        setup.provider.cancelled(),
        1,
        "the provider's reply was cut"
    );
    tokio::time::sleep(Duration::from_millis(300)).await;
    let record = completion(&setup);
    assert_eq!(record["details"]["ending"], "client_gone", "{record}");
}

#[tokio::test]
async fn without_an_audit_store_nothing_passes() {
    let setup = Setup::start().await;
    assert_eq!(chat(&setup, false).await.status, 200);
    // Another process holds the database: every write fails until it lets go.
    let database = setup.directory.join("audit.db");
    let lock = Lock::take(&database);
    let served = setup.provider.served();
    let answer = chat(&setup, false).await;
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.json()["error"]["code"].as_str()
        ),
        (503, Some("audit_unavailable")),
        "{}",
        answer.text()
    );
    assert_eq!(setup.provider.served(), served, "no decision, no dispatch");
    let ready = aegis_testkit::client::get(&format!("{}/readyz", setup.gateway.admin), "").await;
    assert_eq!(ready.status, 503, "{}", ready.text());
    drop(lock);
    for _ in 0..600 {
        if chat(&setup, false).await.status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        chat(&setup, false).await.status,
        200,
        "it recovers by itself"
    );
    let (verified, report) = setup.verify();
    assert!(verified, "{report}");
}

/// An exclusive lock on a SQLite database, held by another process.
struct Lock(std::process::Child);

impl Lock {
    fn take(database: &std::path::Path) -> Self {
        use std::io::{BufRead, BufReader};
        let script = "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1],isolation_level=None,timeout=20)\nc.execute('BEGIN IMMEDIATE')\nprint('locked',flush=True)\nsys.stdin.read()";
        let mut child = std::process::Command::new("python3")
            .args(["-c", script])
            .arg(database)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("python3");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output"))
            .read_line(&mut line)
            .expect("a line");
        assert_eq!(line.trim(), "locked");
        Self(child)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
