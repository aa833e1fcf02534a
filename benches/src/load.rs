//! The load: a fixed number of requests over a fixed number of connections, every answer checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::target::Target;
use crate::workload::{MARK, Workload};

/// What one request took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    pub(crate) first_chunk: Duration,
    pub(crate) whole: Duration,
}

/// Sends `requests` requests over `connections` connections.
pub(crate) async fn run(
    target: &Target,
    workload: Workload,
    requests: usize,
    connections: usize,
) -> Result<Vec<Timing>, String> {
    let (next, mut tasks) = (Arc::new(AtomicUsize::new(0)), Vec::new());
    for _ in 0..connections.min(requests) {
        let (next, address, token) = (next.clone(), target.address, target.token.clone());
        tasks.push(tokio::spawn(async move {
            let mut sender = connect(address).await?;
            let mut timings = Vec::new();
            while next.fetch_add(1, Ordering::Relaxed) < requests {
                timings.push(one(&mut sender, &token, workload).await?);
            }
            Ok::<_, String>(timings)
        }));
    }
    let mut timings = Vec::with_capacity(requests);
    for task in tasks {
        timings.extend(
            task.await
                .map_err(|e| e.to_string())?
                .map_err(|e| format!("{}, {}: {e}", target.name, workload.name()))?,
        );
    }
    Ok(timings)
}

/// The median, in nanoseconds.
pub(crate) fn median(durations: impl Iterator<Item = Duration>) -> u64 {
    let mut all: Vec<u64> = durations
        .map(|duration| duration.as_nanos() as u64)
        .collect();
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or(0)
}

async fn connect(address: std::net::SocketAddr) -> Result<SendRequest<Full<Bytes>>, String> {
    let stream = TcpStream::connect(address)
        .await
        .map_err(|e| e.to_string())?;
    stream.set_nodelay(true).map_err(|e| e.to_string())?;
    let (sender, connection) = handshake(TokioIo::new(stream))
        .await
        .map_err(|e| e.to_string())?;
    tokio::spawn(connection);
    Ok(sender)
}

/// Bodies differ between all requests of a process.
static NUMBER: AtomicUsize = AtomicUsize::new(0);

async fn one(
    sender: &mut SendRequest<Full<Bytes>>,
    token: &str,
    workload: Workload,
) -> Result<Timing, String> {
    let body = workload.body(NUMBER.fetch_add(1, Ordering::Relaxed));
    let request = Request::post("/v1/chat/completions")
        .header("host", "bench")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"))
        .body(Full::new(body))
        .map_err(|e| e.to_string())?;
    sender.ready().await.map_err(|e| e.to_string())?;
    let started = Instant::now();
    let mut response = sender
        .send_request(request)
        .await
        .map_err(|e| e.to_string())?;
    let mut first_chunk = None;
    let mut tail = Vec::new();
    while let Some(frame) = response.frame().await {
        let data = frame
            .map_err(|e| e.to_string())?
            .into_data()
            .unwrap_or_default();
        first_chunk.get_or_insert_with(|| started.elapsed());
        tail.extend_from_slice(&data);
    }
    let whole = started.elapsed();
    let text = String::from_utf8_lossy(&tail);
    if response.status() != 200 || !said(&text, workload).contains(MARK) {
        let start: String = text.chars().take(300).collect();
        return Err(format!("wrong answer {}: {start}", response.status()));
    }
    Ok(Timing {
        first_chunk: first_chunk.unwrap_or(whole),
        whole,
    })
}

/// The text of an answer. A filter may move text of a stream from one event to the next, so it is
/// put together as a client does.
fn said(body: &str, workload: Workload) -> String {
    if workload != Workload::Stream {
        return body.to_owned();
    }
    body.lines()
        .filter_map(|line| {
            serde_json::from_str::<serde_json::Value>(line.strip_prefix("data: ")?).ok()
        })
        .filter_map(|event| Some(event["choices"][0]["delta"]["content"].as_str()?.to_owned()))
        .collect()
}
