//! A plain HTTP client for loopback, and a gateway process to talk to.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; what arrived of it, where the connection broke.
    pub body: Bytes,
    /// Whether the body ended as it should.
    pub whole: bool,
}

/// How long a gateway may take to start or stop.
const PATIENCE: Duration = Duration::from_secs(30);

impl Answer {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; `null` if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The data of each server-sent event that is JSON.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.text()
            .lines()
            .filter_map(|line| line.strip_prefix("data:"))
            .filter_map(|data| serde_json::from_str(data.trim()).ok())
            .collect()
    }
}

/// Sends one request, whatever it is.
///
/// # Errors
/// If no reply came.
pub async fn send(request: Request<Full<Bytes>>) -> Result<Answer, String> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let response = client
        .request(request)
        .await
        .map_err(|e| format!("{e:?}"))?;
    let (head, mut body) = response.into_parts();
    let (mut bytes, mut whole) = (Vec::new(), true);
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes.extend(frame.into_data().unwrap_or_default()),
            Err(_) => {
                whole = false;
                break;
            }
        }
    }
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        body: bytes.into(),
        whole,
    })
}

/// Posts JSON with a bearer token.
///
/// # Panics
/// If no reply came.
pub async fn post(url: &str, token: &str, body: impl Into<Bytes>) -> Answer {
    let request = Request::post(url)
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"))
        .body(Full::new(body.into()))
        .expect("a request");
    send(request).await.expect("a reply")
}

/// Gets a URL, with a bearer token unless it is empty.
///
/// # Panics
/// If no reply came.
pub async fn get(url: &str, token: &str) -> Answer {
    let mut request = Request::builder().method(Method::GET).uri(url);
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    send(request.body(Full::default()).expect("a request"))
        .await
        .expect("a reply")
}

/// A running `aegis serve`; killed when dropped.
#[derive(Debug)]
pub struct GatewayProcess {
    child: Child,
    /// Where it was told to listen.
    pub url: String,
    /// Its admin listener.
    pub admin: String,
    binary: PathBuf,
    policy: PathBuf,
    directory: PathBuf,
}

impl GatewayProcess {
    /// Starts `binary serve --config policy` in `directory` and waits until it is ready.
    ///
    /// # Errors
    /// If it ends or is not ready in time; the text is what it wrote to stderr.
    pub async fn start(
        binary: &Path,
        policy: &Path,
        directory: &Path,
        ports: (u16, u16),
    ) -> Result<Self, String> {
        Self::start_with(binary, policy, directory, ports, &[]).await
    }

    /// The same with environment variables.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_with(
        binary: &Path,
        policy: &Path,
        directory: &Path,
        ports: (u16, u16),
        environment: &[(&str, &str)],
    ) -> Result<Self, String> {
        let log = directory.join("gateway.log");
        let file = std::fs::File::create(&log).map_err(|e| e.to_string())?;
        let child = Command::new(binary)
            .args(["serve", "--config"])
            .arg(policy)
            .current_dir(directory)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .map_err(|e| format!("{}: {e}", binary.display()))?;
        let mut process = Self {
            child,
            url: format!("http://127.0.0.1:{}", ports.0),
            admin: format!("http://127.0.0.1:{}", ports.1),
            binary: binary.to_owned(),
            policy: policy.to_owned(),
            directory: directory.to_owned(),
        };
        let told = || std::fs::read_to_string(&log).unwrap_or_default();
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = process.child.try_wait() {
                return Err(format!("the gateway ended ({status}): {}", told()));
            }
            let ready = Request::get(format!("{}/readyz", process.admin))
                .body(Full::default())
                .expect("a request");
            if matches!(send(ready).await, Ok(answer) if answer.status == StatusCode::OK) {
                return Ok(process);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(format!("the gateway is not ready: {}", told()))
    }

    /// A token from `aegis token`.
    ///
    /// # Errors
    /// If the command fails.
    pub fn token(&self, subject: &str, roles: &[&str]) -> Result<String, String> {
        let mut command = self.command(&["token"]);
        command.args(["--subject", subject]);
        for role in roles {
            command.args(["--role", role]);
        }
        let output = command.output().map_err(|e| e.to_string())?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// `aegis …words --config POLICY`, to be run in the gateway's directory.
    #[must_use]
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(words)
            .arg("--config")
            .arg(&self.policy)
            .current_dir(&self.directory);
        command
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name (`TERM`, `HUP`, `KILL`).
    ///
    /// # Errors
    /// If `kill` fails.
    pub fn signal(&self, name: &str) -> Result<(), String> {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status();
        status
            .map_err(|e| e.to_string())
            .and_then(|s| s.success().then_some(()).ok_or_else(|| s.to_string()))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// If it does not end in time.
    pub async fn wait(&mut self) -> Result<std::process::ExitStatus, String> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().map_err(|e| e.to_string())? {
                return Ok(status);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err("the gateway did not end".into())
    }

    /// Everything it logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("gateway.log")).unwrap_or_default()
    }
}

impl Drop for GatewayProcess {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
