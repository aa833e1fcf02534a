//! One issuer at run time: its rules, its keys, and the order in which a token is judged.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::time::Instant;

use crate::algorithm::Algorithm;
use crate::cache::Verified;
use crate::clock::{Clock, unix};
use crate::keys::{Key, KeySource};
use crate::refusal::{Refusal, Rule};
use crate::token::Unverified;
use crate::token::claims::ClaimRules;

/// An issuer of the policy.
#[derive(Debug)]
pub(crate) struct Issuer {
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) rules: ClaimRules,
    pub(crate) source: Arc<KeySource>,
}

/// Why a token was not accepted.
#[derive(Debug)]
pub(crate) enum Failure {
    Refused(Refusal),
    /// The named issuer has no usable key set.
    Unavailable(Arc<str>),
}

// === impl Issuer ===

impl Issuer {
    /// Algorithm, key, signature, and only then the claims.
    pub(crate) async fn verify(
        &self,
        token: &Unverified<'_>,
        clock: &dyn Clock,
    ) -> Result<Verified, Failure> {
        let algorithm = token.header.algorithm;
        if !self.algorithms.contains(&algorithm) {
            return Err(Rule::AlgorithmNotAllowed.about("alg").into());
        }
        let (generation, key) = self.key(token).await?;
        if token.signature_bytes != key.signature_bytes() {
            return Err(Rule::SignatureLength.into());
        }
        if !key.verifies(algorithm, token.message, token.signature) {
            return Err(Rule::SignatureInvalid.into());
        }
        let accepted = self.rules.accept(&token.claims, unix(clock.now()))?;
        Ok(Verified {
            principal: Arc::new(accepted.principal),
            key,
            source: self.source.clone(),
            generation: AtomicU64::new(generation),
            expires: accepted.expires,
        })
    }

    /// The key of the token, after a refresh if the set does not hold it.
    async fn key(&self, token: &Unverified<'_>) -> Result<(u64, Arc<Key>), Failure> {
        match self.held_key(token)? {
            (generation, Ok(key)) => return Ok((generation, key)),
            (_, Err(Rule::KeyUnknown)) => {}
            (_, Err(rule)) => return Err(rule.about("kid").into()),
        }
        if !self.source.refreshed_for_unknown_key().await {
            return Err(Rule::KeyUnknown.about("kid").into());
        }
        let (generation, key) = self.held_key(token)?;
        let key = key.map_err(|rule| rule.about("kid"))?;
        Ok((generation, key))
    }

    fn held_key(&self, token: &Unverified<'_>) -> Result<(u64, Result<Arc<Key>, Rule>), Failure> {
        let id = token.header.key_id.as_deref();
        self.source
            .with_current(Instant::now(), |set| {
                (set.generation(), set.find(id, token.header.algorithm))
            })
            .ok_or_else(|| Failure::Unavailable(self.rules.name.clone()))
    }
}

// === impl Failure ===

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Rule> for Failure {
    fn from(rule: Rule) -> Self {
        Self::Refused(rule.into())
    }
}
