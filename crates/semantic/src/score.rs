//! The semantic check: text in, [`Scores`] out.
//!
//! 1. [`Semantic::first`] takes the text in canonical form and every decoded view of it, cuts them
//!    into windows and scores these with the linear model, in the caller's thread. Most texts are
//!    done then.
//! 2. [`Semantic::second`] has the encoder read the uncertain windows, on threads of its own.
//!
//! What the two say becomes a score by the rules of `cascade.rs`. A text of more than
//! [`WINDOWS_MAX`] windows is [`First::TooLong`], which is not safe.
//!
//! Cancel safety: dropping the future of [`Semantic::second`] gives its windows up.
//!
//! **Not caught:** an attack spread over several texts; views beyond the limits of
//! [`aegis_detect::views`]; for scripts the encoder does not speak, what the linear model misses.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use aegis_core::Scores;
use aegis_detect::normalize::normalize;
use aegis_detect::views::Prepared;
use tokio::time::Instant;

use crate::bundle::ModelSource;
use crate::cascade::{Rules, Sifted};
use crate::encoder::{Encoder, Pieces, shorten};
use crate::error::ModelError;
use crate::linear::Linear;
use crate::manifest::{Manifest, PerHead};
use crate::pool::{
    Pool, PoolCounters, QUEUE_WINDOWS_DEFAULT, QUEUE_WINDOWS_MAX, THREADS_MAX, Unavailable,
    threads_default,
};
use crate::window::windows;
use crate::{Levels, Source, Thresholds, runtime};

/// Windows that one text and its views may have.
pub const WINDOWS_MAX: usize = 8_192;

/// What to start the check with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SemanticOptions {
    /// Which model.
    pub model: ModelSource,
    /// The ONNX Runtime library; where to look for it otherwise, see [`runtime`].
    pub runtime: Option<PathBuf>,
    /// Threads that run the encoder; half the cores, at most 4, if not given.
    pub threads: Option<usize>,
    /// Windows that may wait for a thread; one more makes its text unavailable.
    pub queue_windows: usize,
}

/// The models, ready to run; cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct Semantic {
    manifest: Manifest,
    digest: String,
    thresholds: Thresholds,
    user: Rules,
    untrusted: Rules,
    linear: Linear,
    pool: Pool,
}

/// What the first stage says of a text.
#[derive(Debug)]
pub enum First {
    /// It is sure.
    Done(Scores),
    /// It is not; ask [`Semantic::second`].
    Uncertain(Pending),
    /// The text has more than [`WINDOWS_MAX`] windows: [`Unavailable::TooLong`].
    TooLong,
}

/// A text that waits for the second stage.
pub struct Pending {
    source: Source,
    sifted: Sifted,
    /// The uncertain windows, in the order of `sifted`.
    windows: Vec<Box<str>>,
    logits: Vec<PerHead<f32>>,
}

// === impl Semantic ===

impl Semantic {
    /// Loads and verifies the model, loads ONNX Runtime, starts the threads and runs each once.
    /// Blocks for the better part of a second; not for a reactor thread.
    ///
    /// # Errors
    /// [`ModelError`] with the cause and the fix.
    pub fn start(options: &SemanticOptions) -> Result<Self, ModelError> {
        let threads = options.threads.unwrap_or_else(threads_default);
        in_range("threads", threads, 1, THREADS_MAX)?;
        let bundle = options.model.open()?;
        let manifest = bundle.manifest;
        // A text whose windows can never all wait would always be refused.
        let least = manifest.cascade.windows_max;
        in_range(
            "queue_windows",
            options.queue_windows,
            least,
            QUEUE_WINDOWS_MAX,
        )?;
        let linear = Linear::from_bytes(&bundle.linear)?;
        let environment = runtime::environment(options.runtime.as_deref())?;
        let pieces = Arc::new(Pieces::new(&bundle.tokenizer, manifest.encoder)?);
        let encoder = |_| Encoder::new(&environment, &bundle.encoder, pieces.clone());
        let encoders = (0..threads).map(encoder).collect::<Result<Vec<_>, _>>()?;
        let batch = manifest.encoder.batch_windows;
        let pool = Pool::start(encoders, options.queue_windows, batch);
        let pool = pool.map_err(ModelError::Thread)?;
        Ok(Self {
            thresholds: thresholds(&manifest),
            user: Rules::new(&manifest, Source::User),
            untrusted: Rules::new(&manifest, Source::Untrusted),
            digest: bundle.digest,
            manifest,
            linear,
            pool,
        })
    }

    /// The first stage, for a text as received.
    #[must_use]
    pub fn first(&self, text: &str, source: Source) -> First {
        self.first_prepared(&Prepared::new(text), source)
    }

    /// The first stage, for a text that was prepared for other checks already.
    #[must_use]
    pub fn first_prepared(&self, prepared: &Prepared<'_>, source: Source) -> First {
        let views = prepared.views.iter();
        let views = views.map(|view| Cow::Owned(normalize(&view.text).text.into_owned()));
        let texts = std::iter::once(Cow::Borrowed(&*prepared.normalized.text)).chain(views);
        let texts: Vec<Cow<'_, str>> = texts.collect();
        let mut places: Vec<&str> = Vec::new();
        for text in &texts {
            places.extend(
                windows(text)
                    .into_iter()
                    .filter_map(|range| text.get(range)),
            );
            if places.len() > WINDOWS_MAX {
                return First::TooLong;
            }
        }
        let mut scratch = Vec::new();
        let logits = places
            .iter()
            .map(|text| self.linear.logits(text, &mut scratch));
        let logits: Vec<PerHead<f32>> = logits.collect();
        let rules = self.rules(source);
        let sifted = rules.sift(&logits);
        if sifted.uncertain.is_empty() {
            return First::Done(source.scores(rules.first_only(&sifted)));
        }
        let uncertain = || sifted.uncertain.iter();
        First::Uncertain(Pending {
            source,
            windows: uncertain()
                .filter_map(|at| places.get(*at))
                .map(|text| Box::from(shorten(text)))
                .collect(),
            logits: uncertain()
                .filter_map(|at| logits.get(*at).copied())
                .collect(),
            sifted,
        })
    }

    /// The second stage. With a `deadline`, work that is late is not begun.
    ///
    /// # Errors
    /// [`Unavailable`]; such a text is not safe.
    pub async fn second(
        &self,
        pending: Pending,
        deadline: Option<Instant>,
    ) -> Result<Scores, Unavailable> {
        let Pending {
            source,
            sifted,
            windows,
            logits,
        } = pending;
        let readings = self.pool.read(windows, deadline).await?;
        let by_head = self
            .rules(source)
            .both(&sifted, logits.into_iter().zip(readings));
        Ok(source.scores(by_head))
    }

    /// From which scores on the model's makers would block or flag.
    #[must_use]
    pub const fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }

    /// SHA-256 of the manifest, in hexadecimal: it stands for the whole model.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The manifest: name, version, licence, training data, figures.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What the second stage did so far.
    #[must_use]
    pub fn counters(&self) -> PoolCounters {
        self.pool.counters()
    }

    const fn rules(&self, source: Source) -> &Rules {
        match source {
            Source::User => &self.user,
            Source::Untrusted => &self.untrusted,
        }
    }
}

// === impl Pending ===

impl Pending {
    /// How many windows the second stage reads for it.
    #[must_use]
    pub const fn windows(&self) -> usize {
        self.windows.len()
    }
}

/// Without the text.
impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("source", &self.source)
            .field("windows", &self.windows.len())
            .finish_non_exhaustive()
    }
}

// === impl SemanticOptions ===

impl Default for SemanticOptions {
    fn default() -> Self {
        Self {
            model: ModelSource::BuiltIn,
            runtime: None,
            threads: None,
            queue_windows: QUEUE_WINDOWS_DEFAULT,
        }
    }
}

fn in_range(key: &'static str, n: usize, min: usize, max: usize) -> Result<(), ModelError> {
    if (min..=max).contains(&n) {
        return Ok(());
    }
    Err(ModelError::Option { key, min, max })
}

fn thresholds(manifest: &Manifest) -> Thresholds {
    let levels = |source: Source| {
        let levels = manifest.thresholds.of(source);
        Levels {
            block: source.scores(levels.block),
            flag: source.scores(levels.flag),
        }
    };
    Thresholds {
        user: levels(Source::User),
        untrusted: levels(Source::Untrusted),
    }
}

#[cfg(test)]
mod tests;
