//! One gateway from start to stop, and the swap of its policy in between.
//!
//! A new policy is built whole beside the running one. If anything of it can't be built, the old
//! one stays; either way the attempt is in the log, the metrics and the audit log. Requests under
//! way finish on the stack they began with.

use std::sync::Arc;
use std::time::Duration;

use aegis_audit::Audit;
use aegis_auth::Auth;
use parking_lot::Mutex;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::app::{App, Snapshot};
use crate::assemble::{self, Built, Lasting};
use crate::metrics::{Metrics, ReloadLabels};
use crate::policy::{Policy, PolicyError, Secrets};

/// How long a start or reload waits for the issuers' key sets before it serves without them (their
/// tokens are answered 503 until the keys are there).
const KEYS_WAIT: Duration = Duration::from_secs(3);
const KEYS_POLL: Duration = Duration::from_millis(10);

/// A running gateway.
#[derive(Debug)]
pub struct Running {
    app: Arc<App>,
    lasting: Lasting,
    policy: Mutex<Policy>,
    auth: Mutex<(Arc<Auth>, JoinHandle<()>)>,
    tasks: TaskTracker,
}

// === impl Running ===

impl Running {
    /// Builds everything of `policy` and opens its audit log.
    ///
    /// # Errors
    /// Names the key and the fix.
    pub async fn start(policy: Policy) -> Result<Self, PolicyError> {
        let secrets = Secrets::from_environment();
        let lasting = Lasting::open(&policy, &secrets).await?;
        let (built, policy) = build(policy, secrets, lasting.clone(), None).await?;
        let tasks = TaskTracker::new();
        let refresh = tasks.spawn(built.auth.clone().run());
        first_keys(&built.auth).await;
        let (auth, model) = (built.auth.clone(), built.model.clone());
        let app = Arc::new(App::new(
            snapshot(built, &policy),
            policy.spec.listen.gateway.clone(),
            Arc::new(Metrics::new(lasting.semantic.clone())),
        ));
        let details = json!({
            "policy": &*policy.digest,
            "version": env!("CARGO_PKG_VERSION"),
            "model": model,
        });
        lasting
            .audit
            .system_event("gateway.started", "start", details)
            .await
            .map_err(|e| policy.error(e))?;
        Ok(Self {
            app,
            lasting,
            policy: Mutex::new(policy),
            auth: Mutex::new((auth, refresh)),
            tasks,
        })
    }

    /// What serves requests.
    #[must_use]
    pub const fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// The audit log.
    #[must_use]
    pub const fn audit(&self) -> &Audit {
        &self.lasting.audit
    }

    /// Reads the policy file again and swaps it in.
    ///
    /// # Errors
    /// Why the last good policy stays.
    pub async fn reload(&self) -> Result<(), PolicyError> {
        let file = self.policy.lock().file.clone();
        let loaded = match Policy::load(&file) {
            Ok(policy) => self.rebuild(policy).await,
            Err(error) => Err(error),
        };
        let (outcome, details) = match &loaded {
            Ok((built, policy)) => (
                "loaded",
                json!({
                    "policy": &*policy.digest,
                    "before": &*self.app.digest(),
                    "model": built.model,
                }),
            ),
            // The message names keys and places of the file, never values of secrets.
            Err(error) => (
                "refused",
                json!({"policy": &*self.app.digest(), "error": error.to_string()}),
            ),
        };
        self.app
            .metrics()
            .reloads
            .get_or_create(&ReloadLabels { outcome })
            .inc();
        let recorded = self
            .lasting
            .audit
            .system_event("policy.reload", outcome, details)
            .await;
        let (built, policy) = loaded?;
        // A policy that is not on record does not decide.
        recorded.map_err(|e| policy.error(e))?;
        let refresh = self.tasks.spawn(built.auth.clone().run());
        first_keys(&built.auth).await;
        let auth = built.auth.clone();
        self.app.swap(snapshot(built, &policy));
        let (_, old) = std::mem::replace(&mut *self.auth.lock(), (auth, refresh));
        old.abort();
        info!(policy = %policy.digest, "policy reloaded");
        *self.policy.lock() = policy;
        Ok(())
    }

    async fn rebuild(&self, policy: Policy) -> Result<(Built, Policy), PolicyError> {
        self.policy.lock().check_same_process(&policy)?;
        let previous = self.auth.lock().0.clone();
        let secrets = Secrets::from_environment();
        build(policy, secrets, self.lasting.clone(), Some(previous)).await
    }

    /// Closes the audit log with a checkpoint and ends the tasks.
    pub async fn stop(&self) {
        self.auth.lock().1.abort();
        let stopped = self
            .lasting
            .audit
            .system_event(
                "gateway.stopped",
                "stop",
                json!({"policy": &*self.app.digest()}),
            )
            .await;
        let closed = self.lasting.audit.close().await;
        if let Err(error) = stopped.and(closed) {
            warn!(%error, "the audit log was not closed cleanly");
        }
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Builds `policy` off the reactor: a model takes the better part of a second to load.
async fn build(
    policy: Policy,
    secrets: Secrets,
    lasting: Lasting,
    previous: Option<Arc<Auth>>,
) -> Result<(Built, Policy), PolicyError> {
    let file = policy.clone();
    let work = move || {
        let built = assemble::build(&policy, &secrets, &lasting, previous.as_deref())?;
        Ok((built, policy))
    };
    let built = tokio::task::spawn_blocking(work).await;
    built.unwrap_or_else(|error| Err(file.error(error)))
}

fn snapshot(built: Built, policy: &Policy) -> Snapshot {
    Snapshot {
        router: built.router,
        stack: built.stages.stack(),
        digest: policy.digest.clone(),
    }
}

/// Waits until every issuer has keys, for a while.
async fn first_keys(auth: &Auth) {
    let wait = async {
        while auth.issuers().iter().any(|issuer| issuer.keys.is_none()) {
            tokio::time::sleep(KEYS_POLL).await;
        }
    };
    if tokio::time::timeout(KEYS_WAIT, wait).await.is_err() {
        for issuer in auth.issuers().iter().filter(|issuer| issuer.keys.is_none()) {
            warn!(issuer = %issuer.name, "no keys yet: its tokens are answered 503");
        }
    }
}
