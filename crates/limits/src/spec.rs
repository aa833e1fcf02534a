//! The policy's keys `request` and `limits`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use aegis_core::{ByteSize, Catalog, Rate, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::admission::Admission;
use crate::body::BodyRules;
use crate::limits::{Limit, Limits};
use crate::quota::{COUNT_MAX, Quota};
use crate::store::{Per, StateStore};
use crate::tokens::{self, OUTPUT_TOKENS_DEFAULT};
use aegis_core::BuildError;

/// Entries of `limits` at most; a request is checked against each.
pub const LIMITS_MAX: usize = 16;

/// What a request may look like (policy key `request`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RequestSpec {
    /// The largest body as sent, in bytes; larger ones get 413.
    pub body_max: ByteSize,
    /// The largest body after content decoding, in bytes; larger ones get 413.
    pub decompressed_max: ByteSize,
    /// The time within which the whole body must have arrived; slower ones get 408.
    pub body_timeout: Span,
    /// The most output tokens a request may ask for, in tokens. A higher limit in the request is
    /// lowered to it, and a request without a limit gets it. Left out: no limit of the gateway's.
    pub output_tokens_max: Option<u64>,
}

/// One limit (an entry of the policy key `limits`). At least one of the three amounts is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitSpec {
    /// Whom the limit counts together.
    pub per: Per,
    /// Requests per time, e.g. `60/m`; all of them may come at once.
    #[serde(default)]
    pub requests: Option<Rate>,
    /// Tokens per time, input and output together, e.g. `100k/m`.
    #[serde(default)]
    pub tokens: Option<Rate>,
    /// Requests at once, streams included until their end.
    #[serde(default)]
    pub concurrency: Option<u32>,
}

// === impl RequestSpec ===

impl Default for RequestSpec {
    fn default() -> Self {
        Self {
            body_max: ByteSize(10 << 20),
            decompressed_max: ByteSize(20 << 20),
            body_timeout: Span(Duration::from_secs(30)),
            output_tokens_max: None,
        }
    }
}

impl RequestSpec {
    /// Makes the stage's runtime object from this and the policy's `limits`.
    ///
    /// # Errors
    /// If a value is 0 or out of range, or two rules contradict or repeat each other.
    pub fn build(
        &self,
        limits: &[LimitSpec],
        catalog: Arc<Catalog>,
        store: Arc<dyn StateStore>,
    ) -> Result<Admission, BuildError> {
        let body = self.body_rules()?;
        if limits.len() > LIMITS_MAX {
            let problem = format!("more than {LIMITS_MAX} limits; drop or merge some");
            return Err(BuildError::new("limits", problem));
        }
        let built = limits
            .iter()
            .enumerate()
            .map(|(at, limit)| limit.build(at, limits))
            .collect::<Result<Vec<_>, _>>()?;
        self.check_output(&built)?;
        if built.iter().any(|limit| limit.tokens.is_some()) {
            tokens::load();
        }
        Ok(Admission {
            body,
            catalog,
            output_tokens_max: self.output_tokens_max,
            limits: Limits {
                output_default: output_default(&built),
                all: built,
                store,
            },
        })
    }

    fn body_rules(&self) -> Result<BodyRules, BuildError> {
        let problem = |key: &str, text: &str| Err(BuildError::new(format!("request.{key}"), text));
        if self.body_max.0 == 0 {
            return problem("body_max", "must be above 0");
        }
        if self.decompressed_max.0 < self.body_max.0 {
            let text = "is below request.body_max, so that bodies sent plain could be larger than \
                        compressed ones; raise it or lower body_max";
            return problem("decompressed_max", text);
        }
        if self.body_timeout.0.is_zero() {
            return problem("body_timeout", "must be above 0");
        }
        if self.output_tokens_max == Some(0) {
            return problem(
                "output_tokens_max",
                "must be above 0; leave it out for no limit",
            );
        }
        Ok(BodyRules {
            body_max: self.body_max.0,
            decompressed_max: self.decompressed_max.0,
            timeout: self.body_timeout.0,
        })
    }

    /// A request without a limit of its own reserves `output_tokens_max`: it must be able to.
    fn check_output(&self, limits: &[Limit]) -> Result<(), BuildError> {
        let Some(max) = self.output_tokens_max else {
            return Ok(());
        };
        for (at, limit) in limits.iter().enumerate() {
            if limit.tokens.is_some_and(|tokens| tokens.count() <= max) {
                let problem = format!(
                    "does not hold the {max} tokens of request.output_tokens_max and a prompt, so \
                     that no request could pass; raise it or lower output_tokens_max"
                );
                return Err(BuildError::new(format!("limits[{at}].tokens"), problem));
            }
        }
        Ok(())
    }
}

/// [`OUTPUT_TOKENS_DEFAULT`], but never more than a quarter of the smallest bucket.
fn output_default(limits: &[Limit]) -> u64 {
    let smallest = limits.iter().filter_map(|limit| limit.tokens);
    let quarter = smallest.map(|tokens| tokens.count() / 4).min();
    quarter.map_or(OUTPUT_TOKENS_DEFAULT, |quarter| {
        quarter.clamp(1, OUTPUT_TOKENS_DEFAULT)
    })
}

// === impl LimitSpec ===

impl LimitSpec {
    fn build(&self, at: usize, all: &[Self]) -> Result<Limit, BuildError> {
        let problem =
            |key: &str, text: String| Err(BuildError::new(format!("limits[{at}]{key}"), text));
        if self.requests.is_none() && self.tokens.is_none() && self.concurrency.is_none() {
            let text = "limits nothing; give requests, tokens or concurrency";
            return problem("", text.to_owned());
        }
        if self.concurrency == Some(0) {
            return problem(".concurrency", "must be above 0".to_owned());
        }
        for (before, other) in all.iter().take(at).enumerate() {
            if let Some(key) = self.repeats(other) {
                let text = format!("repeats limits[{before}].{key}; keep the stricter one");
                return problem(&format!(".{key}"), text);
            }
        }
        Ok(Limit {
            per: self.per,
            id: self.id(),
            requests: quota(self.requests, at, "requests")?,
            tokens: quota(self.tokens, at, "tokens")?,
            concurrency: self.concurrency,
        })
    }

    /// The amount that both limit for the same parties over the same time.
    fn repeats(&self, other: &Self) -> Option<&'static str> {
        let same = |a: Option<Rate>, b: Option<Rate>| a.zip(b).is_some_and(|(a, b)| a.per == b.per);
        if self.per != other.per {
            None
        } else if same(self.requests, other.requests) {
            Some("requests")
        } else if same(self.tokens, other.tokens) {
            Some("tokens")
        } else if self.concurrency.is_some() && other.concurrency.is_some() {
            Some("concurrency")
        } else {
            None
        }
    }

    /// Equal for equal limits, so that a reload keeps the state of limits it does not change.
    fn id(&self) -> u64 {
        let rate = |rate: Option<Rate>| rate.map(|rate| (rate.count, rate.per));
        let mut hasher = DefaultHasher::new();
        (rate(self.requests), rate(self.tokens), self.concurrency).hash(&mut hasher);
        hasher.finish()
    }
}

fn quota(rate: Option<Rate>, at: usize, key: &str) -> Result<Option<Quota>, BuildError> {
    let Some(rate) = rate else { return Ok(None) };
    Quota::new(rate).map(Some).ok_or_else(|| {
        let problem = format!("the count must lie between 1 and {COUNT_MAX}");
        BuildError::new(format!("limits[{at}].{key}"), problem)
    })
}
