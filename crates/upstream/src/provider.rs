//! The policy's key `providers`, and what a provider is at run time.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aegis_core::{Api, Secret, Span};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::circuit::{Circuit, CircuitSpec, FAILURES_MAX};
use crate::connect::{Http2, Pool, PoolSettings};
use crate::headers;
use aegis_core::BuildError;

/// A provider (an entry of the policy key `providers`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderSpec {
    /// Its name in the policy; models and routes refer to it.
    pub name: String,
    /// The API it speaks.
    pub api: Api,
    /// Where it is, without `/v1`: `https://api.openai.com`.
    pub base_url: String,
    /// The gateway's credential there, by the name of a secret: `${secret:OPENAI_API_KEY}`. May be
    /// left out for providers on this machine and for generic ones.
    #[serde(default)]
    #[schemars(regex(pattern = r"^\$\{secret:[A-Za-z0-9_.-]+\}$"))]
    pub credential: Option<String>,
    /// The header that carries the credential of a generic provider, as it is. Left out:
    /// `Authorization: Bearer`.
    #[serde(default)]
    pub credential_header: Option<String>,
    /// Further headers to send, e.g. `OpenAI-Organization`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The time for name resolution, TCP and TLS together.
    #[serde(default = "connect_timeout")]
    pub connect_timeout: Span,
    /// The time until the reply's head has arrived, connecting included.
    #[serde(default = "first_byte_timeout")]
    pub first_byte_timeout: Span,
    /// The longest wait between two pieces of the reply.
    #[serde(default = "idle_timeout")]
    pub idle_timeout: Span,
    /// The time for the whole exchange, streams included.
    #[serde(default = "total_timeout")]
    pub total_timeout: Span,
    /// Idle connections kept open.
    #[serde(default = "connections_max_idle")]
    pub connections_max_idle: usize,
    /// When the provider is taken for down.
    #[serde(default)]
    pub circuit: CircuitSpec,
    /// When HTTP/2 is spoken.
    #[serde(default)]
    pub http2: Http2,
    /// PEM file of the only certificate authorities trusted for it. Left out: the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Whether `http://` to another machine is allowed: prompts, replies and the credential then
    /// cross the network readable by anybody on the way.
    #[serde(default)]
    pub allow_plaintext: bool,
}

const fn connect_timeout() -> Span {
    Span(Duration::from_secs(5))
}

const fn first_byte_timeout() -> Span {
    Span(Duration::from_secs(120))
}

const fn idle_timeout() -> Span {
    Span(Duration::from_secs(60))
}

const fn total_timeout() -> Span {
    Span(Duration::from_secs(600))
}

const fn connections_max_idle() -> usize {
    64
}

/// A provider, ready to be asked.
pub struct Provider {
    pub(crate) name: Arc<str>,
    pub(crate) api: Api,
    pub(crate) address: Address,
    pub(crate) pool: Pool,
    /// The credential and the policy's headers.
    pub(crate) own_headers: HeaderMap,
    pub(crate) first_byte_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) total_timeout: Duration,
    pub(crate) circuit: Arc<Circuit>,
}

// === impl ProviderSpec ===

impl ProviderSpec {
    /// Makes the runtime object. `secret` gives the value of the secret with a name; a credential
    /// written into the policy itself is refused.
    ///
    /// # Errors
    /// If a value is missing, unsound or unsafe, the secret is not there, or no root certificates
    /// can be read.
    pub fn build(
        &self,
        secret: &dyn Fn(&str) -> Result<Secret, String>,
    ) -> Result<Provider, BuildError> {
        if self.name.is_empty() {
            return Err(BuildError::new("providers", "a provider has no name"));
        }
        let address = Address::parse(&self.base_url, self.api, self.allow_plaintext)
            .map_err(|problem| self.problem("base_url", problem))?;
        self.check_amounts()?;
        let mut own_headers = self.further_headers()?;
        if let Some((name, value)) = self.credential(&address, secret)? {
            own_headers.insert(name, value);
        }
        let pool = PoolSettings {
            tls: address.is_tls(),
            ca_file: self.ca_file.as_deref(),
            http2: self.http2,
            connect_timeout: self.connect_timeout.0,
            max_idle: self.connections_max_idle,
        };
        Ok(Provider {
            name: self.name.as_str().into(),
            api: self.api,
            pool: pool
                .build()
                .map_err(|problem| self.problem("ca_file", problem))?,
            address,
            own_headers,
            first_byte_timeout: self.first_byte_timeout.0,
            idle_timeout: self.idle_timeout.0,
            total_timeout: self.total_timeout.0,
            circuit: Circuit::new(self.circuit),
        })
    }

    fn problem(&self, key: &str, problem: impl Into<String>) -> BuildError {
        BuildError::new(format!("providers[{}].{key}", self.name), problem)
    }

    fn check_amounts(&self) -> Result<(), BuildError> {
        for (key, span) in [
            ("connect_timeout", self.connect_timeout),
            ("first_byte_timeout", self.first_byte_timeout),
            ("idle_timeout", self.idle_timeout),
            ("total_timeout", self.total_timeout),
            ("circuit.window", self.circuit.window),
            ("circuit.open", self.circuit.open),
        ] {
            if span.0.is_zero() {
                return Err(self.problem(key, "must be above 0"));
            }
        }
        if self.first_byte_timeout > self.total_timeout {
            let text = "is longer than total_timeout, which would end the exchange before it";
            return Err(self.problem("first_byte_timeout", text));
        }
        if !(1..=FAILURES_MAX).contains(&self.circuit.failures) {
            let text = format!("must lie between 1 and {FAILURES_MAX}");
            return Err(self.problem("circuit.failures", text));
        }
        if self.ca_file.is_some() && self.base_url.starts_with("http:") {
            return Err(self.problem("ca_file", "has no use with http://; drop it"));
        }
        Ok(())
    }

    fn further_headers(&self) -> Result<HeaderMap, BuildError> {
        let mut out = HeaderMap::with_capacity(self.headers.len() + 1);
        for (name, value) in &self.headers {
            let key = format!("headers.{name}");
            let parsed: HeaderName = name
                .parse()
                .map_err(|_| self.problem(&key, "is not a header name"))?;
            if parsed == header::AUTHORIZATION || parsed == "x-api-key" {
                return Err(self.problem(&key, "is a credential; use credential"));
            }
            if !headers::may_be_set(&parsed) {
                return Err(self.problem(&key, "is the gateway's to set; drop it"));
            }
            if value.contains("${") {
                return Err(
                    self.problem(&key, "is sent as it is; only `credential` takes a secret")
                );
            }
            let value = HeaderValue::from_str(value)
                .map_err(|_| self.problem(&key, "is not a header value"))?;
            out.insert(parsed, value);
        }
        Ok(out)
    }

    fn credential(
        &self,
        address: &Address,
        secret: &dyn Fn(&str) -> Result<Secret, String>,
    ) -> Result<Option<(HeaderName, HeaderValue)>, BuildError> {
        let header = self.credential_header()?;
        let Some(reference) = &self.credential else {
            if self.api == Api::Generic || address.is_loopback() {
                return Ok(None);
            }
            return Err(self.problem("credential", "is missing: ${secret:NAME}"));
        };
        let name = reference
            .strip_prefix("${secret:")
            .and_then(|rest| rest.strip_suffix('}'))
            .ok_or_else(|| {
                let text = "must name a secret, as ${secret:NAME}; keys do not belong in policies";
                self.problem("credential", text)
            })?;
        let value = secret(name).map_err(|problem| self.problem("credential", problem))?;
        let (name, text) = match header {
            Some(name) => (name, value.expose().to_owned()),
            None => (header::AUTHORIZATION, format!("Bearer {}", value.expose())),
        };
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| self.problem("credential", "holds characters that no header can carry"))?;
        value.set_sensitive(true);
        Ok(Some((name, value)))
    }

    /// The header that carries the bare credential; `None` for `Authorization: Bearer`.
    fn credential_header(&self) -> Result<Option<HeaderName>, BuildError> {
        match (self.api, &self.credential_header) {
            (Api::Openai | Api::Huggingface | Api::Generic, None) => Ok(None),
            (Api::Anthropic, None) => Ok(Some(HeaderName::from_static("x-api-key"))),
            (Api::Generic, Some(name)) => {
                let parsed = name.parse().ok().filter(headers::may_be_set);
                parsed.map(Some).ok_or_else(|| {
                    self.problem("credential_header", "is no header name that could carry it")
                })
            }
            (Api::Openai | Api::Anthropic | Api::Huggingface, Some(_)) => {
                let text = "is for generic providers; this API has a header of its own";
                Err(self.problem("credential_header", text))
            }
        }
    }
}

// === impl Provider ===

impl Provider {
    /// Its name in the policy.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("name", &self.name)
            .field("api", &self.api)
            .finish_non_exhaustive()
    }
}
