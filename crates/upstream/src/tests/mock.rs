//! A provider that does what a script says, byte by byte.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// What the provider does after a request has arrived.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// Sends bytes.
    Send(String),
    /// Waits until the other end closes.
    Hang,
    /// Closes without a word, as a crash would.
    Reset,
    /// Closes in order.
    Close,
}

/// What the provider saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// A whole request, as it came.
    Request(String),
    /// The other end closed while the provider was waiting.
    Gone,
}

pub(super) struct Mock {
    pub(super) url: String,
    seen: mpsc::UnboundedReceiver<Seen>,
}

impl Mock {
    /// A provider whose every request is answered by `acts`.
    pub(super) async fn start(acts: Vec<Act>) -> Self {
        Self::scripted(move |_| acts.clone()).await
    }

    /// A provider whose nth request is answered by `script(n)`.
    pub(super) async fn scripted(
        script: impl Fn(usize) -> Vec<Act> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tell, seen) = mpsc::unbounded_channel();
        let script: Arc<dyn Fn(usize) -> Vec<Act> + Send + Sync> = Arc::new(script);
        tokio::spawn(async move {
            let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
            while let Ok((stream, _)) = listener.accept().await {
                let (tell, script, asked) = (tell.clone(), script.clone(), asked.clone());
                tokio::spawn(async move {
                    let next = || asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    serve(stream, tell, || script(next())).await
                });
            }
        });
        Self { url, seen }
    }

    pub(super) async fn request(&mut self) -> String {
        match self.next().await {
            Seen::Request(text) => text,
            Seen::Gone => panic!("expected a request"),
        }
    }

    pub(super) async fn next(&mut self) -> Seen {
        let next = tokio::time::timeout(Duration::from_secs(5), self.seen.recv());
        next.await.expect("the provider saw nothing").unwrap()
    }

    pub(super) fn nothing_more(&mut self) -> bool {
        self.seen.try_recv().is_err()
    }
}

async fn serve(
    mut stream: TcpStream,
    tell: mpsc::UnboundedSender<Seen>,
    script: impl Fn() -> Vec<Act>,
) -> io::Result<()> {
    loop {
        let Some(request) = read_request(&mut stream).await? else {
            return Ok(());
        };
        tell.send(Seen::Request(request)).ok();
        for act in script() {
            match act {
                Act::Send(text) => stream.write_all(text.as_bytes()).await?,
                Act::Hang => {
                    // Ends when the other end does, in order or not.
                    stream.read_u8().await.ok();
                    tell.send(Seen::Gone).ok();
                    return Ok(());
                }
                Act::Reset => return stream.set_zero_linger(),
                Act::Close => return stream.shutdown().await,
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
            let length = head.split("content-length: ").nth(1);
            let length = length.and_then(|rest| rest.lines().next()?.parse().ok());
            if read.len() >= end + 4 + length.unwrap_or(0) {
                return Ok(Some(String::from_utf8_lossy(&read).into_owned()));
            }
        }
        let mut chunk = [0; 4_096];
        match stream.read(&mut chunk).await? {
            0 => return Ok(None),
            n => read.extend_from_slice(&chunk[..n]),
        }
    }
}

/// A whole JSON reply.
pub(super) fn json(status: &str, headers: &str, body: &str) -> Act {
    let length = body.len();
    Act::Send(format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: \
         {length}\r\n\r\n{body}"
    ))
}

/// The head and first piece of a streamed reply.
pub(super) fn stream_head() -> Act {
    Act::Send(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n\
         9\r\ndata: 1\n\n\r\n"
            .to_owned(),
    )
}
