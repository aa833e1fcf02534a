//! The policy's `audit` section.

use std::fmt;
use std::time::Duration;

use aegis_core::{Secret, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::NAME_CHARS_MAX;
use crate::keys;
use crate::note::{self, SigningKey, VerifierKey};
use crate::store::{StoreAddress, StoreError};
use crate::writer::{Audit, KeySource, Settings, Setup, StartError, Timing};

/// Delay of `relaxed` where the policy names none.
const RELAXED_DELAY: Duration = Duration::from_millis(100);
/// Bounds of `relaxed_delay`.
const RELAXED_DELAY_RANGE: (Duration, Duration) =
    (Duration::from_millis(1), Duration::from_secs(10));
/// Bounds of `checkpoint_every`.
const CHECKPOINT_EVERY_RANGE: (Duration, Duration) =
    (Duration::from_millis(10), Duration::from_secs(3_600));
/// `checkpoint_events` where the policy names none.
pub(crate) const CHECKPOINT_EVENTS: u32 = 256;
/// Largest `checkpoint_events`.
const CHECKPOINT_EVENTS_MAX: u32 = 1_000_000;
/// Largest `queue_max`.
const QUEUE_MAX: u32 = 1_000_000;

/// When a decision counts as recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// When it is on disk: no provider sees a request before its decision is.
    #[default]
    Strict,
    /// When it is queued; on disk within `relaxed_delay`. A crash can lose that much.
    Relaxed,
}

/// Where and how every decision is recorded.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuditSpec {
    /// `sqlite:FILE`, or `postgres://USER:PASSWORD@HOST/DATABASE` (write the password as
    /// `${secret:NAME}`); to another host always over TLS.
    pub store: String,
    /// When a decision counts as recorded: `strict` (default) or `relaxed`.
    pub durability: Durability,
    /// With `durability: relaxed`, the longest time until an event is on disk; default `100ms`.
    pub relaxed_delay: Option<Span>,
    /// `${secret:NAME}` of the Ed25519 key that signs checkpoints: base64 of a 32-byte seed or of
    /// PKCS#8. Without it, SQLite keeps a key in `FILE.key`; PostgreSQL needs one.
    pub signing_key: Option<String>,
    /// Name of this gateway's log; every gateway on one PostgreSQL needs its own.
    pub origin: String,
    /// A checkpoint is signed at least this often while events come in.
    pub checkpoint_every: Span,
    /// A checkpoint is signed after at most about this many events.
    pub checkpoint_events: u32,
    /// Events that may wait to be recorded; more are refused.
    pub queue_max: u32,
}

/// Why the audit log can't be set up. The message names the key and the fix.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A value that can't stand.
    #[error("{key}: {problem}")]
    Value {
        /// The key's path in the policy.
        key: &'static str,
        /// What is wrong and what to write.
        problem: String,
    },
    /// The log can't be opened.
    #[error("audit: {0}")]
    Start(#[from] StartError),
}

fn value(key: &'static str, problem: impl fmt::Display) -> BuildError {
    let problem = problem.to_string();
    BuildError::Value { key, problem }
}

// === impl AuditSpec ===

impl Default for AuditSpec {
    fn default() -> Self {
        Self {
            store: "sqlite:aegis-audit.db".to_owned(),
            durability: Durability::Strict,
            relaxed_delay: None,
            signing_key: None,
            origin: "aegis".to_owned(),
            checkpoint_every: Span(Duration::from_secs(1)),
            checkpoint_events: CHECKPOINT_EVENTS,
            queue_max: 4_096,
        }
    }
}

impl AuditSpec {
    /// Opens the log. `store` and `signing_key` are the policy's values with their secrets put in.
    ///
    /// # Errors
    /// If a value can't stand, the store can't be opened, or the log was tampered with.
    pub async fn build(
        &self,
        store: &Secret,
        signing_key: Option<&Secret>,
    ) -> Result<Audit, BuildError> {
        let settings = self.settings()?;
        let (address, key) = self.resolve(store, signing_key)?;
        let setup = Setup {
            store: address.store().map_err(|e| value("audit.store", e))?,
            log: self.origin.as_str().into(),
            key,
            settings,
        };
        Ok(setup.start().await?)
    }

    /// Checks every value; opens and creates nothing.
    ///
    /// # Errors
    /// If a value can't stand.
    pub fn check(&self, store: &Secret, signing_key: Option<&Secret>) -> Result<(), BuildError> {
        self.settings()?;
        let (address, key) = self.resolve(store, signing_key)?;
        address.store().map_err(|e| value("audit.store", e))?;
        if let KeySource::Given(encoded) = &key {
            SigningKey::parse(&self.origin, encoded).map_err(|e| value("audit.signing_key", e))?;
        }
        Ok(())
    }

    /// The key to verify this log with: from the signing key, or the file beside the database.
    ///
    /// # Errors
    /// If there is none.
    pub fn verifier(
        &self,
        store: &Secret,
        signing_key: Option<&Secret>,
    ) -> Result<VerifierKey, BuildError> {
        match self.resolve(store, signing_key)?.1 {
            KeySource::Given(encoded) => SigningKey::parse(&self.origin, &encoded)
                .map(|key| key.verifier().clone())
                .map_err(|e| value("audit.signing_key", e)),
            KeySource::Beside(database) => {
                keys::read_public_key(&database).map_err(|e| value("audit.store", e))
            }
        }
    }

    /// How many events a log of these settings may have that no checkpoint covers.
    #[must_use]
    pub fn uncovered_max(&self) -> u64 {
        // The event that makes it this many is committed together with a checkpoint.
        u64::from(self.checkpoint_events)
    }

    fn resolve(
        &self,
        store: &Secret,
        signing_key: Option<&Secret>,
    ) -> Result<(StoreAddress, KeySource), BuildError> {
        let address = StoreAddress::parse(store).map_err(|e| value("audit.store", e))?;
        let key = match (&address, signing_key) {
            (_, Some(key)) => KeySource::Given(key.clone()),
            (StoreAddress::Sqlite(_), None) if self.signing_key.is_some() => {
                return Err(value(
                    "audit.signing_key",
                    "the secret it names was not found",
                ));
            }
            (StoreAddress::Sqlite(database), None) => KeySource::Beside(database.clone()),
            (StoreAddress::Postgres(_), None) => {
                return Err(value(
                    "audit.signing_key",
                    "PostgreSQL needs a signing key that the database does not hold; make one by \
                     `openssl rand -base64 32` and name it: signing_key: \"${secret:AEGIS_AUDIT_KEY}\"",
                ));
            }
        };
        Ok((address, key))
    }

    fn settings(&self) -> Result<Settings, BuildError> {
        if !note::is_key_name(&self.origin) {
            return Err(value(
                "audit.origin",
                format!("write 1 to {NAME_CHARS_MAX} characters without spaces or `+`"),
            ));
        }
        let timing = match (self.durability, self.relaxed_delay) {
            (Durability::Strict, None) => Timing::Strict,
            (Durability::Strict, Some(_)) => {
                return Err(value(
                    "audit.relaxed_delay",
                    "has no effect under `durability: strict`; remove one of them",
                ));
            }
            (Durability::Relaxed, delay) => {
                let delay = delay.map_or(RELAXED_DELAY, |delay| delay.0);
                within("audit.relaxed_delay", delay, RELAXED_DELAY_RANGE)?;
                Timing::Relaxed(delay)
            }
        };
        let every = self.checkpoint_every.0;
        within("audit.checkpoint_every", every, CHECKPOINT_EVERY_RANGE)?;
        count(
            "audit.checkpoint_events",
            self.checkpoint_events,
            CHECKPOINT_EVENTS_MAX,
        )?;
        count("audit.queue_max", self.queue_max, QUEUE_MAX)?;
        Ok(Settings {
            timing,
            checkpoint_every: every,
            checkpoint_events: self.checkpoint_events.into(),
            queue_max: self.queue_max as usize,
        })
    }
}

fn within(
    key: &'static str,
    got: Duration,
    (min, max): (Duration, Duration),
) -> Result<(), BuildError> {
    if (min..=max).contains(&got) {
        Ok(())
    } else {
        let (min, max) = (Span(min), Span(max));
        Err(value(key, format!("write a time from {min} to {max}")))
    }
}

fn count(key: &'static str, got: u32, max: u32) -> Result<(), BuildError> {
    if (1..=max).contains(&got) {
        Ok(())
    } else {
        Err(value(key, format!("write a number from 1 to {max}")))
    }
}

impl fmt::Debug for AuditSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The store's URL may hold a password by now.
        f.debug_struct("AuditSpec")
            .field("origin", &self.origin)
            .field("durability", &self.durability)
            .finish_non_exhaustive()
    }
}

impl From<StoreError> for BuildError {
    fn from(error: StoreError) -> Self {
        Self::Start(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(json: &str) -> Result<AuditSpec, serde_json::Error> {
        serde_json::from_str(json)
    }

    fn problem(json: &str, store: &str, key: Option<&str>) -> String {
        let key = key.map(Secret::new);
        let spec = spec(json).unwrap();
        let checked = spec.check(&Secret::new(store), key.as_ref());
        checked.map_or_else(|e| e.to_string(), |()| String::new())
    }

    #[test]
    fn defaults_are_strict_and_local() {
        let spec = spec("{}").unwrap();
        assert_eq!(spec.durability, Durability::Strict);
        assert_eq!(spec.store, "sqlite:aegis-audit.db");
        assert_eq!(problem("{}", &spec.store, None), "");
        assert_eq!(spec.uncovered_max(), 256);
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert!(spec(r#"{"durabilty":"strict"}"#).is_err());
        assert!(spec(r#"{"durability":"eventual"}"#).is_err());
    }

    #[test]
    fn values_out_of_range_name_their_key() {
        for (json, key) in [
            (r#"{"relaxed_delay":"50ms"}"#, "audit.relaxed_delay"),
            (
                r#"{"durability":"relaxed","relaxed_delay":"11s"}"#,
                "audit.relaxed_delay",
            ),
            (r#"{"checkpoint_every":"9ms"}"#, "audit.checkpoint_every"),
            (r#"{"checkpoint_every":"2h"}"#, "audit.checkpoint_every"),
            (r#"{"checkpoint_events":0}"#, "audit.checkpoint_events"),
            (
                r#"{"checkpoint_events":1000001}"#,
                "audit.checkpoint_events",
            ),
            (r#"{"queue_max":0}"#, "audit.queue_max"),
            (r#"{"queue_max":1000001}"#, "audit.queue_max"),
            (r#"{"origin":"two words"}"#, "audit.origin"),
            (r#"{"origin":""}"#, "audit.origin"),
        ] {
            assert!(
                problem(json, "sqlite:x.db", None).starts_with(key),
                "{json}"
            );
        }
        for json in [
            r#"{"durability":"relaxed","relaxed_delay":"10s"}"#,
            r#"{"checkpoint_every":"10ms","checkpoint_events":1000000,"queue_max":1000000}"#,
            r#"{"checkpoint_every":"1h","checkpoint_events":1,"queue_max":1}"#,
        ] {
            assert_eq!(problem(json, "sqlite:x.db", None), "", "{json}");
        }
    }

    #[test]
    fn postgres_needs_a_key_and_a_safe_way() {
        let key = Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        let local = "postgres://aegis:hunter2@127.0.0.1/audit";
        assert!(problem("{}", local, None).contains("openssl rand -base64 32"));
        assert_eq!(problem("{}", local, key), "");
        assert!(problem("{}", local, Some("hunter2")).starts_with("audit.signing_key: not an"));
        for plain in ["disable", "prefer", "allow"] {
            let url = format!("postgres://aegis:hunter2@db.example.org/audit?sslmode={plain}");
            let problem = problem("{}", &url, key);
            assert!(problem.contains("sslmode=verify-full"), "{problem}");
            assert!(!problem.contains("hunter2"), "{problem}");
        }
        for bad in [
            "postgres://aegis:hunter2@127.0.0.1:hunter2/audit",
            "postgres://aegis:hunter2@127.0.0.1/audit?hunter2=1",
            "postgres://aegis:hunter2@/audit",
            "mysql://x",
            "sqlite:",
            "sqlite::memory:",
        ] {
            let problem = problem("{}", bad, key);
            assert!(problem.starts_with("audit.store: "), "{problem}");
            assert!(!problem.contains("hunter2"), "{problem}");
        }
        let spec = AuditSpec {
            store: local.to_owned(),
            ..AuditSpec::default()
        };
        assert!(!format!("{spec:?}").contains("hunter2"));
    }
}
