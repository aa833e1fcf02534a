//! The types a request passes through. Each is made from the one before it and from nothing else,
//! so a stack that leaves a stage out, or puts two in the wrong order, does not compile.

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Response, request};

use crate::{Body, Document, Exchange, Principal, Target, ValidationResult};

/// A request as it came in: head read, body not.
pub struct Received {
    /// The exchange it belongs to.
    pub exchange: Arc<Exchange>,
    /// Method, target, headers.
    pub head: request::Parts,
    /// The body, not read yet.
    pub body: Body,
}

/// A request with a verified principal that may use its route.
pub struct Authenticated {
    received: Received,
    principal: Arc<Principal>,
}

/// Things that must live as long as the request (concurrency permits and the like).
#[derive(Default)]
pub struct Guards(Vec<Box<dyn Any + Send + Sync>>);

/// A request within its limits, its body read and parsed.
pub struct Admitted {
    exchange: Arc<Exchange>,
    principal: Arc<Principal>,
    head: request::Parts,
    document: Arc<Document>,
    /// The body to send on: the document's bytes, or those with the gateway's edits.
    outgoing: Bytes,
    target: Option<Target>,
    guards: Guards,
}

/// What the input checks will have said of a request that goes ahead of them; `None` if it is
/// refused after all, or given up.
pub type AwaitedVerdict = Pin<Box<dyn Future<Output = Option<Arc<ValidationResult>>> + Send>>;

/// A request that Prompt Armor let through, for good or ahead of its verdict.
pub struct Cleared {
    admitted: Admitted,
    clearance: Clearance,
}

enum Clearance {
    Settled(Arc<ValidationResult>),
    /// `None` once the verdict is taken, to be awaited.
    Ahead(Option<AwaitedVerdict>),
}

/// A request whose decision is on record; the only thing that may be sent to a provider.
pub struct Recorded(Cleared);

/// A provider's reply, not inspected yet.
pub struct Reply {
    response: Response<Body>,
}

/// A reply that the output checks guard; the only thing that may be sent to a client.
pub struct Released {
    response: Response<Body>,
}

// === impl Received ===

impl Received {
    /// To be called by `auth` alone.
    #[must_use]
    pub fn authenticated(self, principal: Arc<Principal>) -> Authenticated {
        self.exchange
            .note(|trail| trail.principal = Some(principal.clone()));
        Authenticated {
            received: self,
            principal,
        }
    }
}

// === impl Authenticated ===

impl Authenticated {
    /// The exchange.
    #[must_use]
    pub fn exchange(&self) -> &Arc<Exchange> {
        &self.received.exchange
    }

    /// Who.
    #[must_use]
    pub fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    /// The head.
    #[must_use]
    pub fn head(&self) -> &request::Parts {
        &self.received.head
    }

    /// Takes the body out, to read it.
    pub fn take_body(&mut self) -> Body {
        std::mem::replace(&mut self.received.body, crate::empty_body())
    }

    /// To be called by `limits` alone. `outgoing` is the body to send on.
    #[must_use]
    pub fn admitted(
        self,
        document: Document,
        outgoing: Bytes,
        target: Option<Target>,
        guards: Guards,
    ) -> Admitted {
        let Received { exchange, head, .. } = self.received;
        exchange.note(|trail| {
            trail.model = target.as_ref().map(|target| target.model.clone());
            trail.provider = target.as_ref().map(|target| target.provider.clone());
            trail.stream = document.stream;
            trail.request_bytes = document.raw.len() as u64;
        });
        Admitted {
            exchange,
            principal: self.principal,
            head,
            document: Arc::new(document),
            outgoing,
            target,
            guards,
        }
    }
}

// === impl Guards ===

impl Guards {
    /// Keeps `guard` until the exchange ends.
    pub fn push(&mut self, guard: impl Any + Send + Sync) {
        self.0.push(Box::new(guard));
    }
}

// === impl Admitted ===

impl Admitted {
    /// The exchange.
    #[must_use]
    pub fn exchange(&self) -> &Arc<Exchange> {
        &self.exchange
    }

    /// Who.
    #[must_use]
    pub fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    /// The head.
    #[must_use]
    pub fn head(&self) -> &request::Parts {
        &self.head
    }

    /// The parsed body.
    #[must_use]
    pub fn document(&self) -> &Arc<Document> {
        &self.document
    }

    /// The body to send on.
    #[must_use]
    pub fn outgoing(&self) -> &Bytes {
        &self.outgoing
    }

    /// Where it goes; `None` for what the gateway answers itself.
    #[must_use]
    pub fn target(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    /// Takes the guards, to tie them to the reply's body.
    pub fn take_guards(&mut self) -> Guards {
        std::mem::take(&mut self.guards)
    }

    /// To be called by `armor` alone.
    #[must_use]
    pub fn cleared(self, validation: Arc<ValidationResult>) -> Cleared {
        Cleared {
            admitted: self,
            clearance: Clearance::Settled(validation),
        }
    }

    /// To be called by `armor` alone, which holds back whatever comes of it until `verdict` is
    /// there, and gives it up if the verdict is against it.
    #[must_use]
    pub fn cleared_ahead(self, verdict: AwaitedVerdict) -> Cleared {
        Cleared {
            admitted: self,
            clearance: Clearance::Ahead(Some(verdict)),
        }
    }
}

// === impl Cleared ===

impl Cleared {
    /// The request.
    #[must_use]
    pub fn admitted(&self) -> &Admitted {
        &self.admitted
    }

    /// What the input checks said; `None` while they have not.
    #[must_use]
    pub const fn validation(&self) -> Option<&Arc<ValidationResult>> {
        match &self.clearance {
            Clearance::Settled(validation) => Some(validation),
            Clearance::Ahead(_) => None,
        }
    }

    /// Takes the verdict of a request that goes ahead of it, to await it; `None` where it is
    /// settled.
    pub const fn take_verdict(&mut self) -> Option<AwaitedVerdict> {
        match &mut self.clearance {
            Clearance::Settled(_) => None,
            Clearance::Ahead(verdict) => verdict.take(),
        }
    }

    /// To be called by `audit` alone, once the decision is recorded: to let the request through, or
    /// to send it ahead of its verdict.
    #[must_use]
    pub fn recorded(self) -> Recorded {
        Recorded(self)
    }
}

// === impl Recorded ===

impl Recorded {
    /// The request.
    #[must_use]
    pub fn admitted(&self) -> &Admitted {
        &self.0.admitted
    }

    /// The request, to take its guards.
    pub fn admitted_mut(&mut self) -> &mut Admitted {
        &mut self.0.admitted
    }
}

// === impl Reply ===

impl Reply {
    /// To be called by `upstream` alone.
    #[must_use]
    pub const fn new(response: Response<Body>) -> Self {
        Self { response }
    }

    /// Head and body, for inspection.
    #[must_use]
    pub fn into_response(self) -> Response<Body> {
        self.response
    }
}

// === impl Released ===

impl Released {
    /// To be called by `output` alone.
    #[must_use]
    pub const fn new(response: Response<Body>) -> Self {
        Self { response }
    }

    /// The response to send.
    #[must_use]
    pub fn into_response(self) -> Response<Body> {
        self.response
    }
}

macro_rules! opaque_debug {
    ($($name:ident),+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )+};
}

// Stage values hold prompts and credentials: nothing of them is printed.
opaque_debug!(
    Received,
    Authenticated,
    Guards,
    Admitted,
    Cleared,
    Recorded,
    Reply,
    Released
);
