//! The policy's `auth`, running: credential in, principal or rejection out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aegis_core::{Principal, Rejection};
use futures_util::future::join_all;
use http::HeaderMap;
use tokio::time::Instant;

use crate::cache::{TokenCache, Verified};
use crate::clock::{Clock, unix};
use crate::credential::Credential;
use crate::issuer::{Failure, Issuer};
use crate::refusal::{self, Refusal, Rule};
use crate::roles::Roles;
use crate::throttle::{Network, Throttle};
use crate::token::Unverified;

/// Issuers, roles, caches and counters of one policy.
#[derive(Debug)]
pub struct Auth {
    /// By the exact value of `iss`.
    pub(crate) issuers: HashMap<Arc<str>, Issuer>,
    pub(crate) roles: Arc<Roles>,
    pub(crate) cache: TokenCache,
    pub(crate) throttle: Arc<Throttle>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// How an issuer stands, for readiness and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerStatus {
    /// The policy's name of the issuer.
    pub name: Arc<str>,
    /// How many keys can be used; `None` if no set is to be had and its tokens are answered 503.
    pub keys: Option<usize>,
    /// How long ago the set was last confirmed.
    pub age: Option<Duration>,
}

// === impl Auth ===

impl Auth {
    /// Keeps the key sets fresh; never ends. To be spawned once and aborted at shutdown or when
    /// another policy takes over.
    pub async fn run(self: Arc<Self>) {
        join_all(self.issuers.values().map(|issuer| issuer.source.run())).await;
    }

    /// How every issuer stands.
    #[must_use]
    pub fn issuers(&self) -> Vec<IssuerStatus> {
        let now = Instant::now();
        let status = |issuer: &Issuer| {
            let held = issuer.source.status(now);
            IssuerStatus {
                name: issuer.rules.name.clone(),
                keys: held.map(|(keys, _)| keys),
                age: held.map(|(_, age)| age),
            }
        };
        self.issuers.values().map(status).collect()
    }

    /// The principal of a request's credential.
    pub(crate) async fn authenticate(
        &self,
        headers: &HeaderMap,
        address: Option<IpAddr>,
    ) -> Result<Arc<Principal>, Rejection> {
        let network = address.map(Network::from);
        let instant = Instant::now();
        let credential = match Credential::of(headers) {
            Ok(credential) => credential,
            Err(refusal) => return Err(self.refused_unread(refusal, network, instant)),
        };
        let now = unix(self.clock.now());
        if let Some(known) = self.cache.get(&credential.digest, now, instant) {
            return Ok(known.principal.clone());
        }
        let digest = &credential.digest;
        if let Some(left) = self.throttle.blocked_for(network, Some(digest), instant) {
            return Err(refusal::throttled(left));
        }
        match self.verify(credential.token).await {
            Ok(verified) => {
                self.throttle.succeeded(digest);
                let principal = verified.principal.clone();
                self.cache.insert(*digest, verified, unix(self.clock.now()));
                Ok(principal)
            }
            Err(Failure::Refused(refusal)) => {
                let blame = refusal.rule.blame();
                self.throttle
                    .failed(blame, network, Some(digest), Instant::now());
                Err(refusal.into())
            }
            Err(Failure::Unavailable(issuer)) => Err(refusal::unavailable(&issuer)),
        }
    }

    /// A request whose credential could not even be taken out of its headers.
    fn refused_unread(
        &self,
        refusal: Refusal,
        network: Option<Network>,
        now: Instant,
    ) -> Rejection {
        if refusal.rule != Rule::CredentialMissing
            && let Some(left) = self.throttle.blocked_for(network, None, now)
        {
            return refusal::throttled(left);
        }
        self.throttle
            .failed(refusal.rule.blame(), network, None, now);
        refusal.into()
    }

    async fn verify(&self, token: &str) -> Result<Arc<Verified>, Failure> {
        let token = Unverified::parse(token)?;
        let issuer = token
            .issuer()
            .and_then(|issuer| self.issuers.get(issuer))
            .ok_or(Rule::IssuerUnknown.about("iss"))?;
        issuer.verify(&token, &*self.clock).await.map(Arc::new)
    }

    /// Whether a role of `principal` opens `route`.
    pub(crate) fn permits(&self, principal: &Principal, route: &str) -> bool {
        self.roles.permit(principal, route)
    }
}
