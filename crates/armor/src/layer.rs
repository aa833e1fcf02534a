//! The stage: `Admitted` in, `Cleared` on to the inner service, or a refusal.
//!
//! 1. Media that the policy blocks refuse the request: no check can read them.
//! 2. A request with more text than the budget is refused as too large, whatever `on_error` says.
//! 3. The guard validates. What it found is noted on the exchange; a refusal carries it instead.
//!
//! The client learns the categories of what was found, never the text or the rule.
//!
//! Cancel safety: dropping the future stops the checks; nothing was sent on by then.

use std::sync::Arc;
use std::task::{Context, Poll};

use aegis_core::{Admitted, Cleared, MediaKind, Operation, Reason, Rejection};
use futures_util::future::BoxFuture;
use tower::{Layer, Service};

use crate::check::InputContext;
use crate::guard::{Refused, grave_categories};
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
            let cleared = armor.clear(request).await?;
            inner.call(cleared).await
        })
    }
}

// === impl Armor ===

impl Armor {
    /// Lets `request` through, or says why not.
    async fn clear(&self, request: Admitted) -> Result<Cleared, Rejection> {
        let document = request.document();
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
        let route = request.exchange().route.as_ref();
        let operation = route.map_or(Operation::Generic, |route| route.operation);
        let context = InputContext::new(operation);
        let assessment = self.guard.assess(document, &context).await;
        let result = assessment.result;
        request
            .exchange()
            .note(|trail| trail.scores = result.scores);
        match assessment.refused {
            None => {
                let threats = result.threats.iter().cloned();
                request.exchange().note_threats(result.verdict, threats);
                Ok(request.cleared(Arc::new(result)))
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
mod tests;
