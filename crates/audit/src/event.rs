//! One event of the audit log: a row of the mission's table.
//!
//! An event is brought into the form that both stores hold before it is hashed: columns with a
//! length take a longer value as its beginning and a digest of the whole, so that two long names
//! stay two names; U+0000, which PostgreSQL can't store, becomes U+FFFD; times are cut to
//! microseconds.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use aegis_core::{ActorType, Principal};
use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, value::RawValue};
use uuid::Uuid;

use crate::canonical::{self, Details};
use crate::merkle::{self, Hash};

/// Width of `event_type`, `actor_id`, `resource_type`, `resource_id` and `log_id`, in characters.
pub const NAME_CHARS_MAX: usize = 100;
/// Width of `action`, in characters.
pub const ACTION_CHARS_MAX: usize = 50;
/// Digest characters that end a shortened value.
const DIGEST_CHARS: usize = 16;

/// What happened, to what, by whom. Columns are kept as the text that is hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub(crate) id: String,
    pub(crate) event_type: Cow<'static, str>,
    pub(crate) actor_type: Cow<'static, str>,
    pub(crate) actor_id: String,
    pub(crate) resource_type: Option<Cow<'static, str>>,
    pub(crate) resource_id: Option<String>,
    pub(crate) action: Cow<'static, str>,
    pub(crate) details: String,
    pub(crate) ip_address: Option<String>,
    pub(crate) created_at: String,
}

/// An event in its place in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The log it belongs to.
    pub log: Arc<str>,
    /// Its place, from 0.
    pub index: u64,
    /// The leaf hash as stored.
    pub leaf_hash: Vec<u8>,
    /// The event.
    pub event: Event,
}

#[derive(Serialize)]
struct Line<'a> {
    log: &'a str,
    index: u64,
    id: &'a str,
    created_at: &'a str,
    event_type: &'a str,
    actor_type: &'a str,
    actor_id: &'a str,
    resource_type: Option<&'a str>,
    resource_id: Option<&'a str>,
    action: &'a str,
    ip_address: Option<&'a str>,
    details: &'a RawValue,
}

/// The time `at` as events hold it: UTC, microseconds, always the same length.
pub(crate) fn timestamp(at: SystemTime) -> String {
    let at = Timestamp::try_from(at).unwrap_or_default();
    format!("{at:.6}")
}

/// `text` in at most `chars_max` characters (at least [`DIGEST_CHARS`] + 1), without U+0000.
pub(crate) fn fit(text: &str, chars_max: usize) -> String {
    if is_clean(text, chars_max) {
        return text.to_owned();
    }
    let clean = text.replace('\0', "\u{fffd}");
    if clean.chars().count() <= chars_max {
        return clean;
    }
    let whole = digest(&SHA256, text.as_bytes());
    let mut short: String = clean.chars().take(chars_max - DIGEST_CHARS - 1).collect();
    short.push('~');
    for byte in whole.as_ref().iter().take(DIGEST_CHARS / 2) {
        short.push_str(&format!("{byte:02x}"));
    }
    short
}

fn is_clean(text: &str, chars_max: usize) -> bool {
    text.len() <= chars_max && !text.contains('\0')
}

fn fit_name(text: impl Into<Cow<'static, str>>, chars_max: usize) -> Cow<'static, str> {
    let text = text.into();
    if is_clean(&text, chars_max) {
        text
    } else {
        Cow::Owned(fit(&text, chars_max))
    }
}

// === impl Event ===

impl Event {
    /// An event that happens now, by the gateway itself.
    pub fn new(
        event_type: impl Into<Cow<'static, str>>,
        action: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            id: Uuid::now_v7().to_string(),
            event_type: fit_name(event_type, NAME_CHARS_MAX),
            actor_type: ActorType::System.as_str().into(),
            actor_id: "aegis".to_owned(),
            resource_type: None,
            resource_id: None,
            action: fit_name(action, ACTION_CHARS_MAX),
            details: Details::default().into_string(),
            ip_address: None,
            created_at: timestamp(SystemTime::now()),
        }
    }

    /// Names the actor: `principal`, or an anonymous user.
    #[must_use]
    pub fn by(mut self, principal: Option<&Principal>) -> Self {
        let (actor_type, id) = principal.map_or((ActorType::User, "anonymous"), |principal| {
            (principal.actor_type, &*principal.id)
        });
        self.actor_type = actor_type.as_str().into();
        self.actor_id = fit(id, NAME_CHARS_MAX);
        self
    }

    /// Names the resource.
    #[must_use]
    pub fn on(mut self, resource_type: &'static str, resource_id: &str) -> Self {
        self.resource_type = Some(fit_name(resource_type, NAME_CHARS_MAX));
        self.resource_id = Some(fit(resource_id, NAME_CHARS_MAX));
        self
    }

    /// Names the client's address.
    #[must_use]
    pub fn from_address(mut self, address: Option<IpAddr>) -> Self {
        self.ip_address = address.map(|address| address.to_string());
        self
    }

    /// Adds details; they must hold no content, no secret and no token.
    #[must_use]
    pub fn with_details(mut self, details: Details) -> Self {
        self.details = details.into_string();
        self
    }

    /// The event's own id (UUIDv7).
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What kind of event.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// What was done.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.action
    }

    /// Who did it.
    #[must_use]
    pub fn actor_id(&self) -> &str {
        &self.actor_id
    }

    /// The details.
    #[must_use]
    pub fn details(&self) -> Value {
        serde_json::from_str(&self.details).unwrap_or_default()
    }
}

// === impl Stored ===

impl Stored {
    /// The leaf hash that the columns give.
    #[must_use]
    pub fn computed_hash(&self) -> Hash {
        merkle::leaf_hash(&canonical::leaf(&self.log, self.index, &self.event))
    }

    /// The leaf hash, if the columns give the stored one.
    #[must_use]
    pub fn verified_hash(&self) -> Option<Hash> {
        let hash = self.computed_hash();
        // Text that is not canonical could imitate the members that follow it in the leaf.
        let intact =
            hash.0.as_slice() == self.leaf_hash && canonical::is_canonical(&self.event.details);
        intact.then_some(hash)
    }

    /// The event as one line of JSON, for people and programs that read the log.
    #[must_use]
    pub fn to_json(&self) -> String {
        let event = &self.event;
        let raw = RawValue::from_string(event.details.clone())
            .or_else(|_| serde_json::value::to_raw_value(&event.details));
        let Ok(details) = raw else {
            return String::new();
        };
        let line = Line {
            log: &self.log,
            index: self.index,
            id: &event.id,
            created_at: &event.created_at,
            event_type: &event.event_type,
            actor_type: &event.actor_type,
            actor_id: &event.actor_id,
            resource_type: event.resource_type.as_deref(),
            resource_id: event.resource_id.as_deref(),
            action: &event.action,
            ip_address: event.ip_address.as_deref(),
            details: &details,
        };
        serde_json::to_string(&line).unwrap_or_default()
    }
}
