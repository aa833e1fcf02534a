//! One gateway, one mock provider, one folder, all thrown away at the end.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use aegis_testkit::client::{Answer, GatewayProcess, get, post};
use aegis_testkit::net::free_port;
use aegis_testkit::provider::{MockProvider, Script};
use serde_json::Value;

use crate::PolicyText;

/// A running gateway and everything around it.
#[derive(Debug)]
pub struct Setup {
    /// The gateway.
    pub gateway: GatewayProcess,
    /// The provider behind it.
    pub provider: MockProvider,
    /// A token of the subject `alice` with the role `developer`.
    pub token: String,
    /// Where policy, database and keys lie.
    pub directory: PathBuf,
}

static COUNT: AtomicUsize = AtomicUsize::new(0);

/// The gateway binary that `cargo xtask test` has built.
///
/// # Panics
/// If it was not built.
#[must_use]
pub fn binary() -> PathBuf {
    let path = std::env::current_exe().expect("the test's own path");
    let binary = path.ancestors().nth(2).expect("target/debug").join("aegis");
    assert!(
        binary.exists(),
        "{} is missing: run through `cargo xtask test`",
        binary.display()
    );
    binary
}

/// The Python that has the SDKs.
///
/// # Panics
/// If the tests were not started by `cargo xtask test`.
#[must_use]
pub fn python() -> PathBuf {
    std::env::var_os("AEGIS_TEST_PYTHON")
        .map(PathBuf::from)
        .expect("AEGIS_TEST_PYTHON is not set: run through `cargo xtask test`")
}

impl Setup {
    /// Everything on.
    pub async fn start() -> Self {
        Self::with(|policy| policy).await
    }

    /// With a policy changed by `change`.
    ///
    /// # Panics
    /// If the gateway does not start.
    pub async fn with(change: impl FnOnce(PolicyText) -> PolicyText) -> Self {
        Self::try_with(change, &[])
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// With a policy changed by `change` and an environment.
    ///
    /// # Errors
    /// What the gateway wrote, if it does not start.
    pub async fn try_with(
        change: impl FnOnce(PolicyText) -> PolicyText,
        environment: &[(&str, &str)],
    ) -> Result<Self, String> {
        let provider = MockProvider::start().await;
        let directory = scratch();
        let ports = (free_port(), free_port());
        let policy = directory.join("policy.yaml");
        let text = change(PolicyText::new(&provider.url(), ports)).render();
        std::fs::write(&policy, text).map_err(|e| e.to_string())?;
        let gateway =
            GatewayProcess::start_with(&binary(), &policy, &directory, ports, environment).await?;
        let token = gateway.token("alice", &["developer"]).unwrap_or_default();
        Ok(Self {
            gateway,
            provider,
            token,
            directory,
        })
    }

    /// Posts `body` to `path` as alice.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_bytes(path, body.to_string()).await
    }

    /// Posts bytes to `path` as alice.
    pub async fn post_bytes(&self, path: &str, body: impl Into<bytes::Bytes>) -> Answer {
        post(&format!("{}{path}", self.gateway.url), &self.token, body).await
    }

    /// Gets `path` as alice.
    pub async fn get(&self, path: &str) -> Answer {
        get(&format!("{}{path}", self.gateway.url), &self.token).await
    }

    /// Sets what the provider says.
    pub fn play(&self, script: Script) {
        self.provider.play(script);
    }

    /// The events of the audit log so far, as `aegis audit query` prints them.
    ///
    /// # Panics
    /// If the command fails.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        let output = self
            .gateway
            .command(&["audit", "query"])
            .args(["--limit", "100000"])
            .output()
            .expect("aegis audit query");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(|line| serde_json::from_str(line).expect("a JSON line"))
            .collect()
    }

    /// Runs `aegis audit verify`; success and what it printed.
    ///
    /// # Panics
    /// If it can't be run.
    #[must_use]
    pub fn verify(&self) -> (bool, String) {
        let output = self
            .gateway
            .command(&["audit", "verify"])
            .output()
            .expect("aegis audit verify");
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&text).into_owned(),
        )
    }

    /// Writes another policy over the one the gateway was started with.
    ///
    /// # Panics
    /// If it can't be written.
    pub fn rewrite(&self, change: impl FnOnce(String) -> String) {
        let path = self.policy();
        let text = std::fs::read_to_string(&path).expect("the policy");
        std::fs::write(path, change(text)).expect("write the policy");
    }

    /// The policy's path.
    #[must_use]
    pub fn policy(&self) -> PathBuf {
        self.directory.join("policy.yaml")
    }
}

impl Drop for Setup {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- gateway log\n{}", self.gateway.log());
        } else {
            std::fs::remove_dir_all(&self.directory).ok();
        }
    }
}

fn scratch() -> PathBuf {
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let directory = std::env::temp_dir().join(format!("aegis-e2e-{}-{count}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a scratch folder");
    Path::canonicalize(&directory).expect("its path")
}
