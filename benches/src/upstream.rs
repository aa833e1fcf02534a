//! The provider of the benchmark: answers made once, on a thread of its own.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::workload::{MARK, STREAM_EVENTS};

type Body = BoxBody<Bytes, Infallible>;

/// Starts it; it ends with the process.
pub(crate) fn start() -> Result<SocketAddr, String> {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            sender
                .send(listener.local_addr().expect("its address"))
                .ok();
            accept(listener).await;
        });
    });
    receiver.recv().map_err(|e| e.to_string())
}

async fn accept(listener: TcpListener) {
    let whole = whole();
    let events = events();
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).ok();
        let (whole, events) = (whole.clone(), events.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, whole.clone(), events.clone()));
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await
                .ok();
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    whole: Bytes,
    events: Vec<Bytes>,
) -> Result<Response<Body>, hyper::Error> {
    let mut body = request.into_body();
    let mut streamed = false;
    while let Some(frame) = body.frame().await {
        let data = frame?.into_data().unwrap_or_default();
        streamed |= data.windows(13).any(|window| window == b"\"stream\":true");
    }
    let response = Response::builder();
    if !streamed {
        let body = BodyExt::boxed(Full::new(whole));
        return Ok(response
            .header("content-type", "application/json")
            .body(body)
            .expect("a response"));
    }
    let frames = events.into_iter().map(|event| Ok(Frame::data(event)));
    // Each event is a write of its own, as a provider that makes one token after the other sends them.
    let paced = futures_util::StreamExt::then(futures_util::stream::iter(frames), |frame| async {
        tokio::task::yield_now().await;
        frame
    });
    let body = BodyExt::boxed(StreamBody::new(paced));
    Ok(response
        .header("content-type", "text/event-stream")
        .body(body)
        .expect("a response"))
}

fn whole() -> Bytes {
    let text = format!(
        "{}{MARK}",
        "A plain answer without anything to mask. ".repeat(20)
    );
    serde_json::json!({"id": "chatcmpl-bench", "object": "chat.completion", "created": 1_760_000_000, "model": "gpt-5-mini",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text, "refusal": null}, "logprobs": null, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 200, "completion_tokens": 180, "total_tokens": 380}})
    .to_string()
    .into()
}

fn events() -> Vec<Bytes> {
    let event = |delta: serde_json::Value, finish: serde_json::Value| {
        let data = serde_json::json!({"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1_760_000_000,
            "model": "gpt-5-mini", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
        Bytes::from(format!("data: {data}\n\n"))
    };
    let mut events: Vec<Bytes> = (0..STREAM_EVENTS)
        .map(|number| {
            let text = if number + 1 == STREAM_EVENTS {
                format!(" {MARK}")
            } else {
                format!(" word{number}")
            };
            event(
                serde_json::json!({"content": text}),
                serde_json::Value::Null,
            )
        })
        .collect();
    events.push(event(serde_json::json!({}), serde_json::json!("stop")));
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    events
}
