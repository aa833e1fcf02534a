//! From a policy to a running gateway: builds every stage, and keeps what outlives a policy.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aegis_armor::{Armor, ArmorLayer, SemanticCounters};
use aegis_audit::{Audit, DecideLayer, RecordLayer};
use aegis_auth::{Auth, AuthLayer, DOCUMENT_BYTES_MAX, Environment, Fetch, SystemClock};
use aegis_core::{BoxError, Catalog, DigestKey, Secret};
use aegis_limits::{AdmitLayer, MemoryStore, StateStore};
use aegis_output::OutputLayer;
use aegis_upstream::fetch::Fetcher;
use aegis_upstream::{Dispatch, Provider, Upstream};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Uri;
use serde_json::{Value, json};

use crate::policy::{Policy, PolicyError, Secrets};
use crate::rescue::rescue;
use crate::router::Router;
use crate::stack::Stages;

/// The scheme of a SQLite store in a policy.
const SQLITE: &str = "sqlite:";
/// How long a key set or discovery document may take to come.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// What outlives a policy.
#[derive(Debug, Clone)]
pub struct Lasting {
    /// The audit log.
    pub audit: Audit,
    /// Rates and places in use.
    pub store: Arc<dyn StateStore>,
    /// Names texts in threats and caches.
    pub key: DigestKey,
    /// What the semantic check did, for metrics.
    pub semantic: Arc<SemanticCounters>,
}

/// One policy, built.
#[derive(Debug)]
pub struct Built {
    /// Its routes.
    pub router: Router,
    /// Its stages.
    pub stages: Stages,
    /// Who vouches for callers; its key sets are kept fresh by a task.
    pub auth: Arc<Auth>,
    /// The semantic check's model; `null` where the check is off.
    pub model: Value,
}

/// Gets key sets for `auth` with the client of `upstream`.
#[derive(Debug)]
struct KeyFetch(Fetcher);

// === impl Lasting ===

impl Lasting {
    /// Opens the audit log of `policy` and makes the rest.
    ///
    /// # Errors
    /// If the log can't be opened or was tampered with.
    pub async fn open(policy: &Policy, secrets: &Secrets) -> Result<Self, PolicyError> {
        let spec = &policy.spec.audit;
        let (store, signing_key) = audit_secrets(policy, secrets)?;
        let audit = spec
            .build(&store, signing_key.as_ref())
            .await
            .map_err(|e| policy.error(e))?;
        let key =
            DigestKey::random().map_err(|_| policy.error("the system's random source failed"))?;
        Ok(Self {
            audit,
            store: Arc::new(MemoryStore::default()),
            key,
            semantic: Arc::default(),
        })
    }
}

/// The policy's audit store and signing key with their secrets put in. A relative path of a SQLite
/// database begins at the policy's folder, as all paths of a policy do.
///
/// # Errors
/// If a secret is missing.
pub fn audit_secrets(
    policy: &Policy,
    secrets: &Secrets,
) -> Result<(Secret, Option<Secret>), PolicyError> {
    let spec = &policy.spec.audit;
    let store = match spec.store.strip_prefix(SQLITE) {
        Some(file) => Ok(Secret::new(format!(
            "{SQLITE}{}",
            policy.folder().join(file).display()
        ))),
        None => secrets.interpolate(&spec.store),
    };
    let store = store.map_err(|e| policy.error(format!("audit.store: {e}")))?;
    let signing_key = spec
        .signing_key
        .as_deref()
        .map(|reference| secrets.resolve(reference))
        .transpose();
    let signing_key = signing_key.map_err(|e| policy.error(format!("audit.signing_key: {e}")))?;
    Ok((store, signing_key))
}

/// Everything of a policy that does not write to the audit log.
#[derive(Debug)]
struct Parts {
    router: Router,
    auth: Arc<Auth>,
    limits: AdmitLayer,
    armor: Arc<Armor>,
    output: OutputLayer,
    upstream: Dispatch,
}

/// Builds every stage of `policy`; where it loads a model, that takes the better part of a second.
/// `previous` is what ran before: its key sets and failure counters are taken over.
///
/// # Errors
/// Names the key and the fix; nothing of what runs is changed.
pub fn build(
    policy: &Policy,
    secrets: &Secrets,
    lasting: &Lasting,
    previous: Option<&Auth>,
) -> Result<Built, PolicyError> {
    let (store, key, semantic) = (&lasting.store, &lasting.key, &lasting.semantic);
    let parts = parts(policy, secrets, (store, key, semantic), previous)?;
    let stages = Stages {
        record: RecordLayer::new(lasting.audit.clone(), Arc::new(rescue)),
        auth: AuthLayer::new(parts.auth.clone()),
        limits: parts.limits,
        armor: ArmorLayer::new(parts.armor.clone()),
        decide: DecideLayer::new(lasting.audit.clone()),
        output: parts.output,
        upstream: parts.upstream,
    };
    Ok(Built {
        router: parts.router,
        stages,
        auth: parts.auth,
        model: model(&parts.armor),
    })
}

fn parts(
    policy: &Policy,
    secrets: &Secrets,
    (store, key, semantic): (&Arc<dyn StateStore>, &DigestKey, &Arc<SemanticCounters>),
    previous: Option<&Auth>,
) -> Result<Parts, PolicyError> {
    let spec = &policy.spec;
    let routes = policy.generic_routes()?;
    let catalog = Arc::new(policy.catalog()?);
    let names: Vec<Arc<str>> = routes.iter().map(|(_, route)| route.name.clone()).collect();
    check_role_names(policy)?;
    let environment = Environment {
        folder: policy.folder(),
        fetch: Arc::new(KeyFetch(Fetcher::new(None).map_err(|e| policy.error(e))?)),
        clock: Arc::new(SystemClock),
        generic_routes: &names,
        previous,
    };
    let auth = spec
        .auth
        .build(&spec.roles, &environment)
        .map_err(|e| policy.error(e))?;
    let admission = spec
        .request
        .build(&spec.limits, catalog.clone(), store.clone())
        .map_err(|e| policy.error(e))?;
    let armor = spec
        .armor
        .build(policy.folder(), key, semantic)
        .map_err(|e| policy.error(e))?;
    let output = spec.output.build(key).map_err(|e| policy.error(e))?;
    Ok(Parts {
        router: Router::new(routes),
        auth: Arc::new(auth),
        limits: AdmitLayer::new(Arc::new(admission)),
        armor: Arc::new(armor),
        output: OutputLayer::new(Arc::new(output)),
        upstream: Dispatch::new(Arc::new(upstream(policy, secrets, catalog)?)),
    })
}

/// Which model runs, for the audit log.
fn model(armor: &Armor) -> Value {
    armor.model().map_or(Value::Null, |model| {
        let manifest = model.manifest();
        json!({"name": manifest.name, "version": manifest.version, "sha256": model.digest()})
    })
}

fn upstream(
    policy: &Policy,
    secrets: &Secrets,
    catalog: Arc<Catalog>,
) -> Result<Upstream, PolicyError> {
    let secret = |name: &str| secrets.get(name);
    let providers: Result<Vec<Provider>, _> = policy
        .spec
        .providers
        .iter()
        .map(|provider| provider.build(&secret))
        .collect();
    let providers = providers.map_err(|e| policy.error(e))?;
    Upstream::new(providers, catalog).map_err(|e| policy.error(e))
}

/// A model for a role that does not exist would be for nobody: surely a slip.
fn check_role_names(policy: &Policy) -> Result<(), PolicyError> {
    let known = |name: &str| policy.spec.roles.0.iter().any(|role| role.name == name);
    for (index, model) in policy.spec.models.iter().enumerate() {
        if let Some(unknown) = model.roles.iter().find(|role| !known(role)) {
            return Err(policy.error(format!(
                "models[{index}].roles: there is no role `{unknown}`; add it to `roles`"
            )));
        }
    }
    Ok(())
}

/// Checks everything that a start would; the audit log is not opened.
///
/// # Errors
/// Names the key and the fix.
pub fn check(policy: &Policy, secrets: &Secrets) -> Result<(), PolicyError> {
    let (store, signing_key) = audit_secrets(policy, secrets)?;
    policy
        .spec
        .audit
        .check(&store, signing_key.as_ref())
        .map_err(|e| policy.error(e))?;
    let key = DigestKey::random().map_err(|_| policy.error("the system's random source failed"))?;
    let store: Arc<dyn StateStore> = Arc::new(MemoryStore::default());
    parts(policy, secrets, (&store, &key, &Arc::default()), None)?;
    Ok(())
}

// === impl KeyFetch ===

impl Fetch for KeyFetch {
    fn fetch<'a>(&'a self, url: &'a Uri) -> BoxFuture<'a, Result<Bytes, BoxError>> {
        async move { Ok(self.0.get(url, DOCUMENT_BYTES_MAX, FETCH_TIMEOUT).await?) }.boxed()
    }
}

impl Policy {
    /// Where the policy's relative paths begin.
    #[must_use]
    pub fn folder(&self) -> &Path {
        match self.file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            Some(_) | None => Path::new("."),
        }
    }
}
