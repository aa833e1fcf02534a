//! The stage: `Admitted` in, `Cleared` on to the inner service, or a refusal.
//!
//! 1. Media that the policy blocks refuse the request: no check can read them.
//! 2. A request with more text than the budget is refused as too large, whatever `on_error` says.
//! 3. The guard validates. What it found is noted on the exchange; a refusal carries it instead.
//!
//! With `speculative` a request whose verdict takes time goes on ahead of it. Whatever comes back
//! waits in this stage until the verdict is there, so that nothing of it, not even its failure, is
//! released before; a verdict against the request drops the call, which cancels it at the provider.
//!
//! The client learns the categories of what was found, never the text or the rule.
//!
//! Cancel safety: dropping the future stops the checks and what went ahead of them.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use aegis_core::{
    Admitted, Cleared, Document, Exchange, MediaKind, Operation, Reason, Rejection,
    ValidationResult,
};
use futures_util::future::{BoxFuture, Either, select};
use tokio::sync::oneshot;
use tower::{Layer, Service};

use crate::check::InputContext;
use crate::guard::{Assessment, Refused, grave_categories};
use crate::spec::{Armor, MediaAction};

/// Puts Prompt Armor in front of a service of cleared requests.
#[derive(Debug, Clone)]
pub struct ArmorLayer {
    armor: Arc<Armor>,
}

/// The service that [`ArmorLayer`] makes.
#[derive(Debug, Clone)]
pub struct ArmorService<S> {
    inner: S,
    armor: Arc<Armor>,
}

// === impl ArmorLayer ===

impl ArmorLayer {
    /// A layer that runs `armor`.
    #[must_use]
    pub const fn new(armor: Arc<Armor>) -> Self {
        Self { armor }
    }
}

impl<S> Layer<S> for ArmorLayer {
    type Service = ArmorService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ArmorService {
            inner,
            armor: self.armor.clone(),
        }
    }
}

// === impl ArmorService ===

impl<S> Service<Admitted> for ArmorService<S>
where
    S: Service<Cleared, Error = Rejection> + Clone + Send + 'static,
    S::Response: Send,
    S::Future: Send,
{
    type Response = S::Response;
    type Error = Rejection;
    type Future = BoxFuture<'static, Result<Self::Response, Rejection>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Rejection>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Admitted) -> Self::Future {
        // The clone that was polled ready is the one to call.
        let spare = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, spare);
        let armor = self.armor.clone();
        Box::pin(async move {
            armor.preflight(request.document())?;
            let exchange = request.exchange().clone();
            let mut verdict = Box::pin(armor.clone().assess(&request));
            let settled = if armor.speculative {
                // What needs no waiting does not go ahead.
                match poll_fn(|cx| Poll::Ready(verdict.as_mut().poll(cx))).await {
                    Poll::Ready(assessment) => assessment,
                    Poll::Pending => return ahead(request, inner, verdict).await,
                }
            } else {
                verdict.await
            };
            let validation = conclude(&exchange, settled)?;
            inner.call(request.cleared(validation)).await
        })
    }
}

// === impl Armor ===

impl Armor {
    /// What is refused unread.
    fn preflight(&self, document: &Document) -> Result<(), Rejection> {
        for media in &document.media {
            match self.media.action(media.kind) {
                MediaAction::Allow => {}
                MediaAction::Block => return Err(media_blocked(media.kind)),
            }
        }
        if self.guard.is_too_long(document) {
            return Err(Rejection::new(
                Reason::BodyTooLarge,
                "The request holds more text than this gateway checks.",
            ));
        }
        Ok(())
    }

    /// Runs the checks on `request`, of which it keeps nothing but the document.
    fn assess(self: Arc<Self>, request: &Admitted) -> impl Future<Output = Assessment> + use<> {
        let route = request.exchange().route.as_ref();
        let operation = route.map_or(Operation::Generic, |route| route.operation);
        let document = request.document().clone();
        async move {
            let context = InputContext::new(operation);
            self.guard.assess(&document, &context).await
        }
    }
}

/// Sends `request` on while its `verdict` is awaited, and holds back what comes of it until then.
async fn ahead<S>(
    request: Admitted,
    mut inner: S,
    verdict: impl Future<Output = Assessment> + Unpin,
) -> Result<S::Response, Rejection>
where
    S: Service<Cleared, Error = Rejection>,
{
    let exchange = request.exchange().clone();
    let (settle, settled) = oneshot::channel();
    let awaited = Box::pin(async move { settled.await.ok() });
    let reply = pin!(inner.call(request.cleared_ahead(awaited)));
    match select(reply, verdict).await {
        Either::Left((reply, verdict)) => {
            conclude(&exchange, verdict.await)?;
            reply
        }
        Either::Right((assessment, reply)) => {
            let validation = conclude(&exchange, assessment)?;
            // Where nobody waits for it any more, the reply says why.
            settle.send(validation).ok();
            reply.await
        }
    }
}

/// Notes what was found; the result of a request that may pass, or its refusal.
fn conclude(
    exchange: &Exchange,
    assessment: Assessment,
) -> Result<Arc<ValidationResult>, Rejection> {
    let Assessment { result, refused } = assessment;
    exchange.note(|trail| trail.scores = result.scores);
    match refused {
        None => {
            exchange.note_threats(result.verdict, result.threats.iter().cloned());
            Ok(Arc::new(result))
        }
        Some(Refused::Threat) => Err(Rejection::new(
            Reason::PromptBlocked,
            format!(
                "The request was blocked by policy ({}).",
                grave_categories(&result.threats).join(", ")
            ),
        )
        .with_threats(result.threats)),
        Some(Refused::Unavailable(check, cause)) => Err(Rejection::new(
            Reason::CheckUnavailable,
            "A security check could not be carried out. Try again later.",
        )
        .with_detail(format_args!("{}: {cause}", check.as_str()))
        .with_threats(result.threats)),
    }
}

fn media_blocked(kind: MediaKind) -> Rejection {
    let message = match kind {
        MediaKind::Image => "Images are not allowed on this gateway; send text only.",
        MediaKind::Audio => "Audio is not allowed on this gateway; send text only.",
        MediaKind::File => "Files are not allowed on this gateway; send text only.",
    };
    Rejection::new(Reason::ContentNotAllowed, message)
}

#[cfg(test)]
mod speculative_tests;
#[cfg(test)]
mod tests;
