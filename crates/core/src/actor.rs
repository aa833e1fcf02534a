//! Who makes a request.

use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// The kinds of actor that the audit table knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorType {
    /// A person.
    User,
    /// An agent acting for somebody or for itself.
    Agent,
    /// A service, the gateway itself included.
    System,
}

impl ActorType {
    /// The value of `audit.events.actor_type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Agent => "agent",
            Self::System => "system",
        }
    }
}

/// An authenticated actor, built only from a verified credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// User, agent or system.
    pub actor_type: ActorType,
    /// The subject (`sub`), unique within its issuer.
    pub id: Arc<str>,
    /// The name of the policy's issuer that vouched for the subject.
    pub issuer: Arc<str>,
    /// The tenant, where the credential names one.
    pub tenant: Option<Arc<str>>,
    /// Role names as mapped from the credential; never from the request.
    pub roles: Vec<Arc<str>>,
    /// Authentication methods (`amr`, RFC 8176).
    pub amr: Vec<Arc<str>>,
    /// Authentication context class (`acr`).
    pub acr: Option<Arc<str>>,
    /// Token id (`jti`) or key id; for revocation and the audit record.
    pub credential_id: Option<Arc<str>>,
    /// When the credential ends.
    pub expires_at: SystemTime,
}

impl Principal {
    /// Whether the principal holds any of `roles`.
    pub fn has_any_role<'a>(&self, roles: impl IntoIterator<Item = &'a Arc<str>>) -> bool {
        roles.into_iter().any(|wanted| self.roles.contains(wanted))
    }

    /// The key under which limits count this principal: issuer and subject, so that equal
    /// subjects of two issuers never share a budget.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}\u{1f}{}", self.issuer, self.id)
    }
}
