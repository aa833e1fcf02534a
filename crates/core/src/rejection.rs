//! A refusal: why, whose fault, what the client may know, and what only the audit log may.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};

use crate::{Threat, Verdict};

/// Why a request was refused. One row of `docs/operations.md` each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The body or the head can't be read in one way only, or not at all.
    InvalidRequest,
    /// `Content-Type` or `Content-Encoding` is not accepted.
    UnsupportedMediaType,
    /// Images, audio or files, where the policy blocks them.
    ContentNotAllowed,
    /// The body is too large.
    BodyTooLarge,
    /// The client sent too slowly.
    RequestTimeout,
    /// No credential, or one that does not verify.
    Unauthenticated,
    /// Too many failed attempts.
    AuthenticationThrottled,
    /// The credential is good and does not permit this.
    PermissionDenied,
    /// No such route.
    RouteNotFound,
    /// The route exists for another method.
    MethodNotAllowed,
    /// No such model for this principal.
    ModelNotFound,
    /// A request or token rate is used up.
    RateLimited,
    /// Too many requests of this principal at once.
    ConcurrencyLimited,
    /// The gateway has no room.
    Overloaded,
    /// An input check blocked it.
    PromptBlocked,
    /// An output check blocked the reply.
    OutputBlocked,
    /// A check could not be carried out and the policy blocks then.
    CheckUnavailable,
    /// The decision could not be recorded.
    AuditUnavailable,
    /// Keys to verify credentials with are not to be had.
    IdentityUnavailable,
    /// The provider can't be reached, or broke off.
    UpstreamUnavailable,
    /// The provider was too slow.
    UpstreamTimeout,
    /// The provider's circuit is open.
    CircuitOpen,
    /// The provider refused.
    UpstreamRejected,
    /// The provider's reply can't be read, so it can't be inspected.
    UpstreamInvalid,
    /// A defect of the gateway.
    Internal,
}

/// Whose fault a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The client's.
    Client,
    /// The gateway's.
    Gateway,
    /// The provider's.
    Upstream,
}

/// A refusal.
#[derive(Clone)]
pub struct Rejection(Box<Inner>);

#[derive(Clone)]
struct Inner {
    reason: Reason,
    message: Cow<'static, str>,
    status: Option<StatusCode>,
    detail: Option<String>,
    retry_after: Option<Duration>,
    headers: Vec<(HeaderName, HeaderValue)>,
    threats: Vec<Threat>,
}

// === impl Reason ===

impl Reason {
    /// The name used in error codes, events and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::ContentNotAllowed => "content_not_allowed",
            Self::BodyTooLarge => "body_too_large",
            Self::RequestTimeout => "request_timeout",
            Self::Unauthenticated => "unauthenticated",
            Self::AuthenticationThrottled => "authentication_throttled",
            Self::PermissionDenied => "permission_denied",
            Self::RouteNotFound => "route_not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::ModelNotFound => "model_not_found",
            Self::RateLimited => "rate_limited",
            Self::ConcurrencyLimited => "concurrency_limited",
            Self::Overloaded => "overloaded",
            Self::PromptBlocked => "prompt_blocked",
            Self::OutputBlocked => "output_blocked",
            Self::CheckUnavailable => "check_unavailable",
            Self::AuditUnavailable => "audit_unavailable",
            Self::IdentityUnavailable => "identity_unavailable",
            Self::UpstreamUnavailable => "upstream_unavailable",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::CircuitOpen => "circuit_open",
            Self::UpstreamRejected => "upstream_rejected",
            Self::UpstreamInvalid => "upstream_invalid",
            Self::Internal => "internal",
        }
    }

    /// The HTTP status (RFC 9110) of this reason.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest | Self::ContentNotAllowed | Self::PromptBlocked => {
                StatusCode::BAD_REQUEST
            }
            Self::OutputBlocked | Self::UpstreamInvalid | Self::UpstreamRejected => {
                StatusCode::BAD_GATEWAY
            }
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::PermissionDenied => StatusCode::FORBIDDEN,
            Self::RouteNotFound | Self::ModelNotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::AuthenticationThrottled | Self::RateLimited | Self::ConcurrencyLimited => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Overloaded
            | Self::CheckUnavailable
            | Self::AuditUnavailable
            | Self::IdentityUnavailable
            | Self::CircuitOpen => StatusCode::SERVICE_UNAVAILABLE,
            Self::UpstreamUnavailable => StatusCode::BAD_GATEWAY,
            Self::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn fault(self) -> Fault {
        match self {
            Self::UpstreamUnavailable
            | Self::UpstreamTimeout
            | Self::CircuitOpen
            | Self::UpstreamRejected
            | Self::UpstreamInvalid
            | Self::OutputBlocked => Fault::Upstream,
            Self::Overloaded
            | Self::CheckUnavailable
            | Self::AuditUnavailable
            | Self::IdentityUnavailable
            | Self::Internal => Fault::Gateway,
            Self::InvalidRequest
            | Self::UnsupportedMediaType
            | Self::ContentNotAllowed
            | Self::BodyTooLarge
            | Self::RequestTimeout
            | Self::Unauthenticated
            | Self::AuthenticationThrottled
            | Self::PermissionDenied
            | Self::RouteNotFound
            | Self::MethodNotAllowed
            | Self::ModelNotFound
            | Self::RateLimited
            | Self::ConcurrencyLimited
            | Self::PromptBlocked => Fault::Client,
        }
    }
}

// === impl Rejection ===

impl Rejection {
    /// A refusal with a message that the client may read.
    pub fn new(reason: Reason, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            reason,
            message: message.into(),
            status: None,
            detail: None,
            retry_after: None,
            headers: Vec::new(),
            threats: Vec::new(),
        }))
    }

    /// Adds a detail for the audit log only.
    #[must_use]
    pub fn with_detail(mut self, detail: impl fmt::Display) -> Self {
        self.0.detail = Some(detail.to_string());
        self
    }

    /// Says when to try again (`Retry-After`, RFC 9110 section 10.2.3).
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Adds a response header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Adds the threats that led to it.
    #[must_use]
    pub fn with_threats(mut self, threats: Vec<Threat>) -> Self {
        self.0.threats = threats;
        self
    }

    /// Replaces the reason's usual status, for a provider's own client-error status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.0.reason
    }

    /// What the client may read.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What only the audit log may hold.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The status to answer with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status.unwrap_or_else(|| self.0.reason.status())
    }

    /// When to try again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Further response headers.
    #[must_use]
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.0.headers
    }

    /// The threats that led to it.
    #[must_use]
    pub fn threats(&self) -> &[Threat] {
        &self.0.threats
    }

    /// The verdict it stands for: refusals because something could not be done are `Unavailable`,
    /// never to be mistaken for a finding.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self.0.reason.fault() {
            Fault::Gateway => Verdict::Unavailable,
            Fault::Client => Verdict::Block,
            Fault::Upstream if self.0.reason == Reason::OutputBlocked => Verdict::Block,
            Fault::Upstream => Verdict::Unavailable,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.reason.as_str(), self.0.message)
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejection")
            .field("reason", &self.0.reason)
            .field("message", &self.0.message)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Rejection {}
