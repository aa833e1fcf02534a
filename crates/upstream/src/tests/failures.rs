//! Providers that refuse, hang, reset and talk nonsense; clients that leave.

use aegis_core::{BrokenOff, Ending, Reason};
use http_body_util::BodyExt;

use super::mock::{Act, Mock, Seen, json, stream_head};
use super::*;

fn quick() -> serde_json::Value {
    serde_json::json!({ "first_byte_timeout": "60ms", "idle_timeout": "60ms" })
}

async fn refused_by(acts: Vec<Act>) -> Rejection {
    let mock = Mock::start(acts).await;
    ask(&stage(&spec("openai", &mock.url, &quick())))
        .await
        .unwrap_err()
}

#[tokio::test]
async fn nobody_there() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let rejection = ask(&stage(&spec("openai", &url, &quick())))
        .await
        .unwrap_err();
    assert_eq!(rejection.reason(), Reason::UpstreamUnavailable);
    assert!(!rejection.message().contains("127.0.0.1"));
}

#[tokio::test]
async fn a_head_that_does_not_come() {
    let mut mock = Mock::start(vec![Act::Hang]).await;
    let stage = stage(&spec("openai", &mock.url, &quick()));
    let rejection = ask(&stage).await.unwrap_err();
    assert_eq!(rejection.reason(), Reason::UpstreamTimeout);
    mock.request().await;
    assert_eq!(mock.next().await, Seen::Gone, "the request is cancelled");
}

#[tokio::test]
async fn a_head_that_is_none() {
    for garbage in [
        "garbage\r\n\r\n",
        "HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        "\0\0\0\0\0\0\0",
    ] {
        let rejection = refused_by(vec![Act::Send(garbage.to_owned()), Act::Close]).await;
        assert_eq!(
            rejection.reason(),
            Reason::UpstreamUnavailable,
            "{garbage:?}"
        );
    }
    let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(1 << 20));
    let rejection = refused_by(vec![Act::Send(endless), Act::Close]).await;
    assert_eq!(rejection.reason(), Reason::UpstreamUnavailable);
}

#[tokio::test]
async fn a_body_that_stalls_or_breaks() {
    for (end, how) in [
        (Act::Hang, BrokenOff::Stalled),
        (Act::Reset, BrokenOff::Failed),
        (Act::Close, BrokenOff::Failed),
        (Act::Send("zz\r\n".to_owned()), BrokenOff::Failed),
    ] {
        let mock = Mock::start(vec![stream_head(), end]).await;
        let stage = stage(&spec("openai", &mock.url, &quick()));
        let (recorded, exchange) = Asking::new(Operation::ChatCompletions).recorded();
        let reply = stage.clone().call(recorded).await.unwrap();
        let mut body = reply.into_response().into_body();
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first, "data: 1\n\n");
        let error = body.frame().await.unwrap().unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&how));
        assert_eq!(exchange.trail().ending, Some(Ending::UpstreamFailed));
    }
}

#[tokio::test]
async fn a_client_that_leaves_before_the_head_cancels() {
    let mut mock = Mock::start(vec![Act::Hang]).await;
    let stage = stage(&spec("openai", &mock.url, &serde_json::json!({})));
    let asking = tokio::spawn(async move { ask(&stage).await.map(drop) });
    mock.request().await;
    asking.abort();
    assert_eq!(mock.next().await, Seen::Gone);
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_cancels() {
    let mut mock = Mock::start(vec![stream_head(), Act::Hang]).await;
    let stage = stage(&spec("openai", &mock.url, &serde_json::json!({})));
    let mut body = ask(&stage).await.unwrap().into_response().into_body();
    assert!(body.frame().await.unwrap().is_ok());
    mock.request().await;
    drop(body);
    assert_eq!(mock.next().await, Seen::Gone);
}

#[tokio::test]
async fn errors_become_the_gateways_own() {
    for (status, ours) in [
        ("400 Bad Request", 400),
        ("401 Unauthorized", 502),
        ("404 Not Found", 404),
        ("429 Too Many Requests", 429),
        ("500 Internal Server Error", 502),
        ("529 Overloaded", 503),
    ] {
        let body = r#"{"error":{"type":"some_error","message":"hunter2"}}"#;
        let rejection = refused_by(vec![json(status, "", body)]).await;
        assert_eq!(rejection.status().as_u16(), ours, "{status}");
        assert_eq!(rejection.reason(), Reason::UpstreamRejected);
        assert!(!format!("{rejection}{:?}", rejection.detail()).contains("hunter2"));
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let mut elsewhere = Mock::start(vec![json("200 OK", "", "{}")]).await;
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "307 Temporary Redirect",
    ] {
        let location = format!("location: {}/v1/chat/completions\r\n", elsewhere.url);
        let rejection = refused_by(vec![json(status, &location, "")]).await;
        assert_eq!(rejection.status(), 502, "{status}");
    }
    assert!(elsewhere.nothing_more());
}

#[tokio::test]
async fn a_request_that_was_sent_is_never_sent_again() {
    let mut mock = Mock::start(vec![Act::Reset]).await;
    let stage = stage(&spec("openai", &mock.url, &serde_json::json!({})));
    let rejection = ask(&stage).await.unwrap_err();
    assert_eq!(rejection.reason(), Reason::UpstreamUnavailable);
    mock.request().await;
    assert!(mock.nothing_more());
}

#[tokio::test]
async fn connections_are_reused_and_stale_ones_replaced() {
    // The second answer ends the connection without saying so.
    let mut mock = Mock::scripted(|nth| match nth {
        1 => vec![json("200 OK", "", "{}"), Act::Close],
        _ => vec![json("200 OK", "", "{}")],
    })
    .await;
    let stage = stage(&spec("openai", &mock.url, &serde_json::json!({})));
    for _ in 0..4 {
        assert_eq!(text(ask(&stage).await.unwrap()).await, "{}");
        mock.request().await;
    }
    assert!(mock.nothing_more());
}

#[tokio::test]
async fn an_open_circuit_refuses_at_once_and_lets_a_probe_through() {
    let mut mock = Mock::scripted(|nth| match nth {
        0..3 => vec![json("500 Internal Server Error", "", "{}")],
        _ => vec![json("200 OK", "", "{}")],
    })
    .await;
    let circuit = serde_json::json!({ "failures": 3, "window": "30s", "open": "150ms" });
    let more = serde_json::json!({ "circuit": circuit });
    let stage = stage(&spec("openai", &mock.url, &more));
    for _ in 0..3 {
        assert_eq!(ask(&stage).await.unwrap_err().status(), 502);
        mock.request().await;
    }
    let rejection = ask(&stage).await.unwrap_err();
    assert_eq!(rejection.reason(), Reason::CircuitOpen);
    assert_eq!(rejection.status(), 503);
    assert!(mock.nothing_more(), "the provider was not asked");
    tokio::time::sleep(rejection.retry_after().unwrap()).await;
    assert!(ask(&stage).await.is_ok());
    assert!(ask(&stage).await.is_ok());
}

#[tokio::test]
async fn the_whole_exchange_has_a_limit() {
    let mock = Mock::start(vec![stream_head(), Act::Hang]).await;
    let more = serde_json::json!({ "first_byte_timeout": "60ms", "total_timeout": "60ms" });
    let stage = stage(&spec("openai", &mock.url, &more));
    let mut body = ask(&stage).await.unwrap().into_response().into_body();
    assert!(body.frame().await.unwrap().is_ok());
    let error = body.frame().await.unwrap().unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&BrokenOff::TooLong));
}
