//! One request on its way, and the notes that its audit record is written from.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use http::{HeaderName, HeaderValue};
use parking_lot::Mutex;
use uuid::Uuid;

use crate::{Principal, Reason, Rejection, Route, Scores, Threat, Usage, Verdict};

/// The other end of the client's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its address; `None` on a Unix socket.
    pub address: Option<IpAddr>,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    /// The reply was delivered whole.
    Completed,
    /// A stage refused.
    Refused,
    /// A stream was stopped by an output check.
    Stopped,
    /// The client went away.
    ClientGone,
    /// The provider failed after the reply had begun.
    UpstreamFailed,
    /// A stage panicked.
    Panicked,
}

impl Ending {
    /// The name used in events and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Refused => "refused",
            Self::Stopped => "stopped",
            Self::ClientGone => "client_gone",
            Self::UpstreamFailed => "upstream_failed",
            Self::Panicked => "panicked",
        }
    }
}

/// What is known of a request so far.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    /// Who, once authenticated.
    pub principal: Option<Arc<Principal>>,
    /// The model's public name, once resolved.
    pub model: Option<Arc<str>>,
    /// The provider, once resolved.
    pub provider: Option<Arc<str>>,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// The gravest verdict so far.
    pub verdict: Verdict,
    /// Why it was refused or stopped.
    pub reason: Option<Reason>,
    /// Internal detail of a refusal: for the audit record, never for the client.
    pub detail: Option<String>,
    /// Everything the checks reported, input and output.
    pub threats: Vec<Threat>,
    /// What a model said of the input; `None` where none assessed it.
    pub scores: Option<Scores>,
    /// Tokens.
    pub usage: Usage,
    /// The status sent to the client.
    pub status: Option<u16>,
    /// Body bytes received from the client.
    pub request_bytes: u64,
    /// Body bytes sent to the client.
    pub response_bytes: u64,
    /// How it ended.
    pub ending: Option<Ending>,
    /// Headers to put on whatever response the client gets (rate-limit state).
    pub reply_headers: Vec<(HeaderName, HeaderValue)>,
}

/// One request on its way.
#[derive(Debug)]
pub struct Exchange {
    /// The request id (UUIDv7), sent back as `x-request-id`.
    pub id: Uuid,
    /// Wall-clock time of arrival.
    pub received_at: SystemTime,
    /// Monotonic time of arrival.
    pub started: Instant,
    /// The client's address.
    pub peer: Peer,
    /// The route; `None` where the path names none.
    pub route: Option<Arc<Route>>,
    /// Digest of the policy that decides this request.
    pub policy: Arc<str>,
    trail: Mutex<Trail>,
}

/// At most this many threats are kept on a request; the first ones decide.
const THREATS_MAX: usize = 64;

// === impl Exchange ===

impl Exchange {
    /// A request that arrives now.
    #[must_use]
    pub fn new(peer: Peer, route: Option<Arc<Route>>, policy: Arc<str>) -> Self {
        Self {
            id: Uuid::now_v7(),
            received_at: SystemTime::now(),
            started: Instant::now(),
            peer,
            route,
            policy,
            trail: Mutex::new(Trail::default()),
        }
    }

    /// Changes the notes; `change` must be short, it holds a lock.
    pub fn note<R>(&self, change: impl FnOnce(&mut Trail) -> R) -> R {
        change(&mut self.trail.lock())
    }

    /// A copy of the notes.
    #[must_use]
    pub fn trail(&self) -> Trail {
        self.trail.lock().clone()
    }

    /// Notes threats and raises the verdict.
    pub fn note_threats(&self, verdict: Verdict, threats: impl IntoIterator<Item = Threat>) {
        self.note(|trail| {
            trail.verdict = trail.verdict.max(verdict);
            let room = THREATS_MAX.saturating_sub(trail.threats.len());
            trail.threats.extend(threats.into_iter().take(room));
        });
    }

    /// Notes a refusal.
    pub fn note_rejection(&self, rejection: &Rejection) {
        self.note_threats(rejection.verdict(), rejection.threats().iter().cloned());
        self.note(|trail| {
            trail.reason = Some(rejection.reason());
            trail.detail = rejection.detail().map(str::to_owned);
        });
    }
}
