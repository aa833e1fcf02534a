//! The mock's HTTP/1.1 server. Written to the socket by hand where a fault must break HTTP.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::reply::Answer;
use super::script::{Fault, Script};
use super::{anthropic, openai, tgi};
use crate::net::loopback_listener;

type MockBody = UnsyncBoxBody<Bytes, std::io::Error>;

/// A request as the mock saw it.
#[derive(Debug, Clone)]
pub struct SeenRequest {
    /// Method and target.
    pub line: String,
    /// Headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// A mock provider on loopback; stops when dropped.
#[derive(Debug)]
pub struct MockProvider {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    script: Mutex<Script>,
    seen: Mutex<Vec<SeenRequest>>,
    served: AtomicUsize,
    cancelled: AtomicUsize,
    keep: bool,
}

/// Counts replies whose body was dropped before its end.
struct CancelCount {
    shared: Arc<Shared>,
    done: bool,
}

impl MockProvider {
    /// Starts a mock that answers with the default script.
    pub async fn start() -> Self {
        let (listener, address) = loopback_listener().await;
        Self::on(listener, address, true)
    }

    /// Starts a mock on this listener; `keep` says whether requests are kept for inspection.
    #[must_use]
    pub fn on(listener: TcpListener, address: SocketAddr, keep: bool) -> Self {
        let shared = Arc::new(Shared {
            script: Mutex::new(Script::default()),
            seen: Mutex::new(Vec::new()),
            served: AtomicUsize::new(0),
            cancelled: AtomicUsize::new(0),
            keep,
        });
        let server = tokio::spawn(accept(listener, shared.clone()));
        Self {
            address,
            shared,
            server,
        }
    }

    /// The base URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes what it answers from now on.
    ///
    /// # Panics
    /// If another test thread panicked while holding the script.
    pub fn play(&self, script: Script) {
        *self.shared.script.lock().expect("script") = script;
    }

    /// The requests seen so far.
    ///
    /// # Panics
    /// If another test thread panicked while holding the list.
    #[must_use]
    pub fn seen(&self) -> Vec<SeenRequest> {
        self.shared.seen.lock().expect("seen").clone()
    }

    /// How many requests it answered.
    #[must_use]
    pub fn served(&self) -> usize {
        self.shared.served.load(Ordering::SeqCst)
    }

    /// How many replies were cut off by the other side.
    #[must_use]
    pub fn cancelled(&self) -> usize {
        self.shared.cancelled.load(Ordering::SeqCst)
    }
}

impl Drop for MockProvider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl CancelCount {
    fn finish(mut self) {
        self.done = true;
    }
}

impl Drop for CancelCount {
    fn drop(&mut self) {
        if !self.done {
            self.shared.cancelled.fetch_add(1, Ordering::SeqCst);
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).ok();
        tokio::spawn(connection(stream, shared.clone()));
    }
}

async fn connection(mut stream: TcpStream, shared: Arc<Shared>) {
    let garbage = shared.script.lock().expect("script").fault == Some(Fault::GarbageHead);
    if garbage {
        stream.readable().await.ok();
        stream
            .write_all(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
            .await
            .ok();
        return;
    }
    let service = service_fn(move |request| answer(request, shared.clone()));
    let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    builder
        .serve_connection(TokioIo::new(stream), service)
        .await
        .ok();
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<MockBody>, std::io::Error> {
    let script = shared.script.lock().expect("script").clone();
    let (head, body) = request.into_parts();
    #[expect(clippy::disallowed_methods, reason = "a mock on loopback")]
    let body = body
        .collect()
        .await
        .map_err(std::io::Error::other)?
        .to_bytes();
    if head.uri.path() == "/__play" {
        *shared.script.lock().expect("script") = Script::from_json(&body);
        return Ok(Response::new(
            Full::default()
                .map_err(|never: Infallible| match never {})
                .boxed_unsync(),
        ));
    }
    if shared.keep {
        shared.seen.lock().expect("seen").push(SeenRequest {
            line: format!("{} {}", head.method, head.uri),
            headers: head.headers.clone(),
            body: body.clone(),
        });
    }
    shared.served.fetch_add(1, Ordering::SeqCst);
    let value: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let answer = match head.uri.path() {
        "/v1/chat/completions" => openai::chat(&value, &script),
        "/v1/completions" => openai::completions(&value, &script),
        "/v1/responses" => openai::responses(&value, &script),
        "/v1/embeddings" => openai::embeddings(&value),
        "/v1/messages" => anthropic::messages(&value, &script),
        "/v1/messages/count_tokens" => anthropic::count_tokens(&value),
        "/generate" => tgi::generate(&script),
        "/generate_stream" => tgi::generate_stream(&script),
        _ => tgi::generic(&value, &script),
    };
    respond(answer, script, shared).await
}

async fn respond(
    answer: Answer,
    script: Script,
    shared: Arc<Shared>,
) -> Result<Response<MockBody>, std::io::Error> {
    let json = || {
        Response::builder()
            .header("content-type", "application/json")
            .header("server", "mock/1")
    };
    let full = |text: String| {
        Full::new(Bytes::from(text))
            .map_err(|never: Infallible| match never {})
            .boxed_unsync()
    };
    match script.fault {
        Some(Fault::HangBeforeHead) => {
            let _gone = CancelCount {
                shared,
                done: false,
            };
            return std::future::pending().await;
        }
        Some(Fault::Status(status, body)) => {
            return Ok(json().status(status).body(full(body)).expect("response"));
        }
        Some(Fault::GarbageBody) => {
            return Ok(json().body(full("<html>oops".into())).expect("response"));
        }
        Some(Fault::Encoding(coding)) => {
            return Ok(json()
                .header("content-encoding", coding)
                .body(full("x".into()))
                .expect("response"));
        }
        _ => {}
    }
    match answer {
        Answer::Whole(value)
            if matches!(
                script.fault,
                Some(Fault::HangAfter(_) | Fault::ResetAfter(_))
            ) =>
        {
            let text = value.to_string();
            let half = text.split_at(text.len() / 2).0.to_owned();
            Ok(json()
                .body(events(
                    vec![half, "lost".into()],
                    &with_cut(script, 1),
                    shared,
                ))
                .expect("response"))
        }
        Answer::Whole(value) => Ok(json().body(full(value.to_string())).expect("response")),
        Answer::Events(mut list) => {
            if script.fault == Some(Fault::NoTerminator) {
                list.pop();
            }
            let reply =
                Response::builder().header("content-type", "text/event-stream; charset=utf-8");
            Ok(reply.body(events(list, &script, shared)).expect("response"))
        }
    }
}

fn with_cut(mut script: Script, after: usize) -> Script {
    script.fault = match script.fault {
        Some(Fault::HangAfter(_)) => Some(Fault::HangAfter(after)),
        _ => Some(Fault::ResetAfter(after)),
    };
    script
}

/// The events as a body; the fault of the script cuts it.
fn events(list: Vec<String>, script: &Script, shared: Arc<Shared>) -> MockBody {
    let (fault, pause) = (script.fault.clone(), script.pause);
    let state = (
        list.into_iter().enumerate(),
        CancelCount {
            shared,
            done: false,
        },
    );
    let frames = stream::try_unfold(state, move |(mut list, count)| {
        let fault = fault.clone();
        async move {
            let Some((index, event)) = list.next() else {
                count.finish();
                return Ok(None);
            };
            match fault {
                Some(Fault::HangAfter(n)) if index >= n => std::future::pending::<()>().await,
                Some(Fault::ResetAfter(n)) if index >= n => {
                    // What was sent must be on its way before the connection breaks.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    count.finish();
                    return Err(std::io::Error::other("reset by script"));
                }
                _ => {}
            }
            if pause > Duration::ZERO {
                tokio::time::sleep(pause).await;
            }
            Ok(Some((Frame::data(Bytes::from(event)), (list, count))))
        }
    });
    BodyExt::boxed_unsync(StreamBody::new(frames))
}

/// Serves JSON documents by path; for the mock identity provider.
pub fn serve_json<F>(listener: TcpListener, document: F) -> tokio::task::JoinHandle<()>
where
    F: Fn(&str) -> Value + Clone + Send + 'static,
{
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let document = document.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let body = document(request.uri().path()).to_string();
                let response = Response::builder().header("content-type", "application/json");
                std::future::ready(response.body(Full::new(Bytes::from(body))))
            });
            tokio::spawn(async move {
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                builder
                    .serve_connection(TokioIo::new(stream), service)
                    .await
                    .ok();
            });
        }
    })
}
