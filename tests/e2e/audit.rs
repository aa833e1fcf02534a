//! The audit log of a running gateway: complete, verifiable, and safe from `kill -9`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aegis_testkit::client::{GatewayProcess, send};
use aegis_testkit::net::free_port;
use aegis_tests::{Setup, binary};
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};

fn ask() -> Value {
    json!({"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hello"}]})
}

#[tokio::test]
async fn every_request_leaves_a_decision_and_one_completion() {
    let setup = Setup::start().await;
    let answer = setup.post("/v1/chat/completions", &ask()).await;
    let id = answer.headers["x-request-id"].to_str().unwrap().to_owned();
    let events = setup.events();
    let of_request: Vec<&Value> = events
        .iter()
        .filter(|event| event.to_string().contains(&id))
        .collect();
    let kinds: BTreeSet<&str> = of_request
        .iter()
        .filter_map(|event| event["event_type"].as_str())
        .collect();
    assert_eq!(of_request.len(), 2, "{of_request:#?}");
    assert!(
        kinds.contains("request.decided") && kinds.contains("request.completed"),
        "{kinds:?}"
    );
    for event in of_request {
        assert_eq!(
            (event["actor_type"].as_str(), event["actor_id"].as_str()),
            (Some("user"), Some("alice"))
        );
        assert!(
            event["details"]["policy"]
                .as_str()
                .is_some_and(|digest| digest.len() == 64),
            "{event}"
        );
    }
    let started = events
        .iter()
        .any(|event| event["event_type"] == "gateway.started");
    assert!(started, "the start is on record");
}

#[tokio::test]
async fn verification_names_the_first_bad_event() {
    for (what, statement, bad) in [
        (
            "a changed actor",
            "UPDATE events SET actor_id = 'nobody' WHERE leaf_index = 3",
            "3",
        ),
        (
            "a changed detail",
            "UPDATE events SET details = replace(details, 'allow', 'allov') WHERE leaf_index = 4",
            "4",
        ),
        (
            "a deleted event",
            "DELETE FROM events WHERE leaf_index = 5",
            "5",
        ),
    ] {
        let mut setup = Setup::start().await;
        for _ in 0..6 {
            assert_eq!(setup.post("/v1/chat/completions", &ask()).await.status, 200);
        }
        setup.gateway.signal("TERM").unwrap();
        setup.gateway.wait().await.unwrap();
        let (verified, report) = setup.verify();
        assert!(verified, "{report}");
        tamper(&setup.directory.join("audit.db"), statement);
        let (verified, report) = setup.verify();
        assert!(!verified && report.contains(bad), "{what}: {report}");
    }
}

/// Changes the database behind the gateway's back, triggers dropped first.
fn tamper(database: &std::path::Path, statement: &str) {
    let script = "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1])\nfor (n,) in c.execute(\"select name from sqlite_master where type='trigger'\").fetchall(): c.execute('drop trigger '+n)\nn=c.execute(sys.argv[2]).rowcount\nc.commit()\nassert n>0,n";
    let output = std::process::Command::new("python3")
        .args(["-c", script])
        .arg(database)
        .arg(statement)
        .output()
        .expect("python3");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
async fn the_table_refuses_changes() {
    let setup = Setup::start().await;
    assert_eq!(setup.post("/v1/chat/completions", &ask()).await.status, 200);
    for statement in ["UPDATE events SET actor_id = 'x'", "DELETE FROM events"] {
        let script =
            "import sqlite3,sys\nsqlite3.connect(sys.argv[1],timeout=10).execute(sys.argv[2])";
        let output = std::process::Command::new("python3")
            .args(["-c", script])
            .arg(setup.directory.join("audit.db"))
            .arg(statement)
            .output()
            .expect("python3");
        assert!(!output.status.success(), "{statement} went through");
    }
}

#[tokio::test]
async fn kill_9_under_load_loses_no_acknowledged_decision() {
    let mut setup = Setup::start().await;
    for round in 0..5_u64 {
        let stop = Arc::new(AtomicBool::new(false));
        let clients: Vec<_> = (0..8)
            .map(|_| {
                tokio::spawn(hammer(
                    setup.gateway.url.clone(),
                    setup.token.clone(),
                    stop.clone(),
                ))
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(150 + 70 * round)).await;
        setup.gateway.signal("KILL").unwrap();
        setup.gateway.wait().await.unwrap();
        stop.store(true, Ordering::SeqCst);
        let mut acknowledged = BTreeSet::new();
        for client in clients {
            acknowledged.extend(client.await.unwrap());
        }
        // Restart needs no repair by hand.
        let ports = (free_port(), free_port());
        setup.rewrite(|text| with_ports(&text, &setup.gateway, ports));
        setup.gateway = GatewayProcess::start(&binary(), &setup.policy(), &setup.directory, ports)
            .await
            .unwrap();
        let decided: BTreeSet<String> = setup
            .events()
            .iter()
            .filter(|event| event["event_type"] == "request.decided")
            .filter_map(|event| event["details"]["request_id"].as_str().map(str::to_owned))
            .collect();
        assert!(
            acknowledged.len() > 10,
            "round {round}: {} requests",
            acknowledged.len()
        );
        let lost: Vec<_> = acknowledged.difference(&decided).collect();
        assert!(lost.is_empty(), "round {round}: {lost:?}");
        let (verified, report) = setup.verify();
        assert!(verified, "round {round}: {report}");
    }
}

fn with_ports(text: &str, old: &GatewayProcess, new: (u16, u16)) -> String {
    let port = |url: &str| url.rsplit(':').next().unwrap().to_owned();
    text.replace(&port(&old.url), &new.0.to_string())
        .replace(&port(&old.admin), &new.1.to_string())
}

/// Sends requests until told to stop; gives the ids of those that were answered.
async fn hammer(url: String, token: String, stop: Arc<AtomicBool>) -> Vec<String> {
    let mut answered = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let request = Request::post(format!("{url}/v1/chat/completions"))
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"))
            .body(Full::new(bytes::Bytes::from(ask().to_string())))
            .unwrap();
        match send(request).await {
            Ok(answer) if answer.status == 200 => {
                answered.push(answer.headers["x-request-id"].to_str().unwrap().to_owned())
            }
            Ok(_) | Err(_) => {}
        }
    }
    answered
}

#[tokio::test]
async fn postgres_holds_the_same_log() {
    let server = std::env::var("AEGIS_TEST_POSTGRES")
        .expect("AEGIS_TEST_POSTGRES is not set: run through `cargo xtask test`");
    let database = format!("e2e_{}", std::process::id());
    psql(&server, &format!("CREATE DATABASE {database}"));
    let url = server.rsplit_once('/').unwrap().0.to_owned() + "/" + &database;
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let audit = format!("{{ store: \"{url}\", signing_key: \"${{secret:TEST_AUDIT_KEY}}\" }}");
    let setup = Setup::try_with(
        |policy| policy.with("audit", audit),
        &[("TEST_AUDIT_KEY", key)],
    )
    .await
    .unwrap();
    assert_eq!(setup.post("/v1/chat/completions", &ask()).await.status, 200);
    assert_eq!(
        setup.post_bytes("/v1/chat/completions", "{").await.status,
        400
    );
    let count = psql(
        &url,
        "SELECT count(*) FROM audit.events WHERE actor_id = 'alice'",
    );
    assert_eq!(count.trim(), "3");
    for statement in [
        "UPDATE audit.events SET actor_id = 'x'",
        "DELETE FROM audit.events",
        "TRUNCATE audit.events",
    ] {
        assert!(
            !run_psql(&url, statement).status.success(),
            "{statement} went through"
        );
    }
    let verify = |setup: &Setup| {
        setup
            .gateway
            .command(&["audit", "verify"])
            .env("TEST_AUDIT_KEY", key)
            .output()
            .unwrap()
    };
    let output = verify(&setup);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat())
    );
    psql(
        &url,
        "ALTER TABLE audit.events DISABLE TRIGGER ALL; UPDATE audit.events SET actor_id = 'x' WHERE leaf_index = 1",
    );
    assert!(!verify(&setup).status.success());
}

fn run_psql(url: &str, statement: &str) -> std::process::Output {
    std::process::Command::new("psql")
        .args([url, "-v", "ON_ERROR_STOP=1", "-Atqc", statement])
        .output()
        .expect("psql")
}

fn psql(url: &str, statement: &str) -> String {
    let output = run_psql(url, statement);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
