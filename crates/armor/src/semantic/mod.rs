//! The semantic check: attacks in words that no rule knows, by models of our own.
//!
//! 1. Every text of the document ([`units`](crate::units)) is looked up by its digest, then scored
//!    by the models' first stage, which is sure of most; all of it inline while it is cheap. A text
//!    that stands in a request several times is scored once.
//! 2. What the first stage is unsure of goes to the second, on threads of its own, as many windows
//!    at a time as fill half its queue, with the request's deadline. Each is remembered as it comes, so that a
//!    request that was too much at once goes on where it stopped when it is sent again.
//! 3. Scores become findings by the thresholds for their source: tool results and documents
//!    have thresholds of their own, and injection found in them is indirect.
//!
//! A text longer than the models read, no room, lateness and failure are *unavailable*.
//!
//! Cancel safety: dropping the future gives up what waits for the second stage.
//!
//! In documents without English what the models find is a hint only ([`covered`]).
//!
//! Not caught: attacks that the models find harmless; an attack spread over several messages.

mod cache;
mod counters;
mod covered;
mod judge;
mod scorer;
mod spec;

use std::collections::HashMap;
use std::sync::Arc;

use aegis_core::{Check as CheckName, Document, Kind, Role, Scores, TextDigest};
use aegis_detect::views::Prepared;
use aegis_semantic::Source;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use tokio::sync::Semaphore;
use tokio::time::Instant;

pub use self::cache::SCORES_MAX;
pub(crate) use self::cache::{Known, ScoreCache};
pub use self::counters::{SemanticCounters, SemanticCounts};
pub(crate) use self::judge::Judge;
pub(crate) use self::scorer::{First, Scorer};
pub use self::spec::{LevelsSpec, SemanticError, SemanticSpec};
use crate::check::{Check, CheckOutcome, InputContext, Unavailable};
use crate::offload::{Interrupted, Offload, Pace};
use crate::place::Threats;
use crate::units::units;

/// Texts of one request that wait for the second stage at once, at most.
const TEXTS_AT_ONCE_MAX: usize = 64;

/// Asks a model about every text of a document.
pub(crate) struct SemanticCheck<S> {
    inner: Arc<Inner<S>>,
    offload: Arc<Offload>,
}

/// What a check is made of.
pub(crate) struct Inner<S> {
    pub(crate) scorer: Arc<S>,
    pub(crate) judge: Judge,
    pub(crate) cache: ScoreCache,
    pub(crate) counters: Arc<SemanticCounters>,
    /// Whether tool results and documents are read.
    pub(crate) tool_results: bool,
    /// Windows of one request that are with the second stage at once: it must not take all room.
    pub(crate) windows_at_once: usize,
}

/// A document after the first stage.
struct Sifted<P> {
    texts: Vec<Text>,
    /// Segment and text of every unit.
    places: Vec<(usize, usize)>,
    /// Text and what the second stage needs of it.
    uncertain: Vec<(usize, P)>,
    /// How many texts were known.
    cached: usize,
}

/// One text of a document, wherever it stands.
#[derive(Debug, Clone, Copy)]
struct Text {
    name: TextDigest,
    source: Source,
    /// Whether what is found may be grave.
    covered: bool,
    /// `None` until a stage is sure.
    scores: Option<Scores>,
}

// === impl SemanticCheck ===

impl<S: Scorer> SemanticCheck<S> {
    pub(crate) fn new(inner: Inner<S>, offload: Arc<Offload>) -> Self {
        Self {
            inner: Arc::new(inner),
            offload,
        }
    }
}

impl<S: Scorer> Check for SemanticCheck<S> {
    fn name(&self) -> CheckName {
        CheckName::Semantic
    }

    fn run(&self, input: Arc<Document>, context: InputContext) -> BoxFuture<'static, CheckOutcome> {
        let (inner, offload) = (self.inner.clone(), self.offload.clone());
        async move {
            let outcome = inner.clone().check(input, context.deadline, &offload).await;
            outcome.unwrap_or_else(|cause| {
                inner.counters.unavailable(cause);
                CheckOutcome::Unavailable(cause)
            })
        }
        .boxed()
    }
}

// === impl Inner ===

impl<S: Scorer> Inner<S> {
    async fn check(
        self: Arc<Self>,
        document: Arc<Document>,
        deadline: Option<Instant>,
        offload: &Offload,
    ) -> Result<CheckOutcome, Unavailable> {
        let (inner, input) = (self.clone(), document.clone());
        let first = move |pace: &Pace| inner.first(&input, pace);
        let sifted = offload.run(deadline, first).await?;
        let Sifted {
            mut texts,
            places,
            uncertain,
            cached,
        } = sifted;
        let windows = uncertain.iter().map(|(_, text)| S::windows(text)).sum();
        self.counters.sifted(texts.len(), cached, windows);
        self.second(uncertain, &mut texts, deadline).await?;
        let conclude = move |pace: &Pace| self.conclude(&document, &texts, &places, pace);
        offload.run(deadline, conclude).await
    }

    /// Looks every text up, and asks the first stage about those that are new.
    fn first(&self, document: &Document, pace: &Pace) -> Result<Sifted<S::Pending>, Interrupted> {
        let units = units(document, self.tool_results);
        let mut sifted = Sifted {
            texts: Vec::new(),
            places: Vec::with_capacity(units.len()),
            uncertain: Vec::new(),
            cached: 0,
        };
        let mut known: HashMap<TextDigest, usize> = HashMap::new();
        for unit in units {
            let Some(segment) = document.segments.get(unit.segment) else {
                continue;
            };
            // No words.
            if segment.kind == Kind::Number {
                continue;
            }
            let source = source(segment.role, segment.kind);
            pace.lookup(unit.text.len())?;
            let name = self.cache.name(&unit.text, source);
            let at = *known.entry(name).or_insert(sifted.texts.len());
            sifted.places.push((unit.segment, at));
            if at < sifted.texts.len() {
                continue;
            }
            if let Some(Known { scores, covered }) = self.cache.get(&name) {
                sifted.texts.push(Text {
                    name,
                    source,
                    covered,
                    scores: Some(scores),
                });
                sifted.cached += 1;
                continue;
            }
            pace.scan(unit.text.len())?;
            let prepared = Prepared::new(&unit.text);
            sifted.texts.push(Text {
                name,
                source,
                covered: source == Source::User || covered::is_covered(&prepared),
                scores: None,
            });
            match self.scorer.first(&prepared, source) {
                First::Done(scores) => self.remember(sifted.texts.get_mut(at), scores),
                First::Uncertain(pending) => sifted.uncertain.push((at, pending)),
                First::TooLong => return Err(Interrupted::Unavailable(Unavailable::TooLong)),
            }
        }
        Ok(sifted)
    }

    /// Asks the second stage about the texts of which the first is not sure.
    async fn second(
        &self,
        uncertain: Vec<(usize, S::Pending)>,
        texts: &mut [Text],
        deadline: Option<Instant>,
    ) -> Result<(), Unavailable> {
        let room = Semaphore::new(self.windows_at_once);
        let asked = uncertain.into_iter().map(|(at, pending)| {
            let windows = S::windows(&pending).clamp(1, self.windows_at_once);
            let windows = u32::try_from(windows).unwrap_or(u32::MAX);
            let room = &room;
            async move {
                let held = room.acquire_many(windows).await;
                let _held = held.map_err(|_| Unavailable::Failed)?;
                let scores = self.scorer.second(pending, deadline).await?;
                Ok::<_, Unavailable>((at, scores))
            }
        });
        let mut answers = stream::iter(asked).buffer_unordered(TEXTS_AT_ONCE_MAX);
        while let Some(answer) = answers.next().await {
            let (at, scores) = answer?;
            self.remember(texts.get_mut(at), scores);
        }
        Ok(())
    }

    fn remember(&self, text: Option<&mut Text>, scores: Scores) {
        if let Some(text) = text {
            text.scores = Some(scores);
            let covered = text.covered;
            self.cache.insert(text.name, Known { scores, covered });
        }
    }

    /// What the scores mean.
    fn conclude(
        &self,
        document: &Document,
        texts: &[Text],
        places: &[(usize, usize)],
        pace: &Pace,
    ) -> Result<CheckOutcome, Interrupted> {
        let mut threats = Threats::new(document, CheckName::Semantic);
        let (mut highest, mut scores): (f32, Option<Scores>) = (0.0, None);
        for &(segment, at) in places {
            let Some(text) = texts.get(at) else { continue };
            // A text without scores was not judged, so nothing of the document is.
            let unjudged = Interrupted::Unavailable(Unavailable::Failed);
            let of_text = text.scores.ok_or(unjudged)?;
            let mut findings = self.judge.findings(&of_text, text.source, text.name);
            for finding in &mut findings {
                finding.grave &= text.covered;
            }
            threats.extend(segment, &findings);
            highest = highest.max(self.judge.highest(&of_text, text.source));
            scores = Some(scores.map_or(of_text, |scores| scores.max(of_text)));
        }
        // A pointer is found by reading the body up to its place.
        pace.parse(document.raw.len() * threats.count())?;
        Ok(CheckOutcome::found(threats.finish(), 1.0 - highest).with_scores(scores))
    }
}

/// Where a text comes from, for the model: may anybody in there give orders? A tool's description
/// may: it tells the model when to call it, so it is judged as what users write.
const fn source(role: Role, kind: Kind) -> Source {
    match (role, kind) {
        (_, Kind::ToolDescription) => Source::User,
        (Role::Tool | Role::Document, _) | (_, Kind::ToolResult | Kind::Document) => {
            Source::Untrusted
        }
        (
            Role::System | Role::Developer | Role::User | Role::Assistant | Role::Unknown,
            Kind::Text
            | Kind::Reasoning
            | Kind::Refusal
            | Kind::ToolArguments
            | Kind::ToolValue
            | Kind::Number
            | Kind::Key
            | Kind::Unplaced,
        ) => Source::User,
    }
}

#[cfg(test)]
mod tests;
