//! `manifest.json`: what a model consists of, how its logits become probabilities, and where it
//! comes from.
//!
//! What the gateway computes with is parsed strictly: unknown keys are refused and every number has
//! a range, so a manifest that was edited by hand or written by another version never half works.
//! `training` and `figures` are for readers and may hold anything.

use serde::Deserialize;
use serde_json::Value;

use crate::error::ModelError;
use crate::{BATCH_WINDOWS_MAX, HEADS, Head, Source};

/// Bytes that a manifest may have.
pub const MANIFEST_BYTES_MAX: u64 = 1 << 20;
/// Windows of one text that a manifest may send to the encoder.
pub const ENCODED_WINDOWS_MAX: usize = 64;

/// Tokens that an encoder may read, the special ones included.
const TOKENS: (usize, usize) = (8, 512);
/// A weight or bias of a calibration.
const WEIGHT_MAX: f32 = 100.0;
/// How strongly many windows may lower a score.
const POOL_MAX: f32 = 5.0;

/// A value for each head, in the order of [`Head`].
pub(crate) type PerHead<T> = [T; HEADS];

/// A model's manifest, checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The licence of its weights.
    pub licence: String,
    /// When it was made.
    pub created: String,
    heads: Vec<String>,
    pub(crate) files: Files,
    pub(crate) encoder: EncoderShape,
    pub(crate) cascade: Cascade,
    pub(crate) combine: PerSource<PerHead<Combine>>,
    pub(crate) linear_only: PerSource<PerHead<LinearOnly>>,
    pub(crate) pool: PerSource<f32>,
    pub(crate) thresholds: PerSource<Levels>,
    /// What it was trained on.
    pub training: Value,
    /// How good it was when it was made.
    pub figures: Value,
}

/// A value for text of either origin.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PerSource<T> {
    pub(crate) user: T,
    pub(crate) untrusted: T,
}

/// The files besides the manifest and its signature.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Files {
    #[serde(rename = "linear.bin")]
    pub(crate) linear: FileEntry,
    #[serde(rename = "encoder.onnx")]
    pub(crate) encoder: FileEntry,
    #[serde(rename = "tokenizer.json")]
    pub(crate) tokenizer: FileEntry,
}

/// What a file must be.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileEntry {
    pub(crate) sha256: String,
    pub(crate) bytes: u64,
}

/// What the encoder reads.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EncoderShape {
    /// Tokens of a window, the special ones included; more are cut off.
    pub(crate) tokens_max: usize,
    /// Share of unknown tokens above which the encoder does not speak a window's language.
    pub(crate) unknown_max: f32,
    /// Windows that may run as one batch. More than one only for a model whose logits do not
    /// depend on the rest of the batch; dynamic quantisation makes them.
    #[serde(default = "alone")]
    pub(crate) batch_windows: usize,
}

/// Which windows the encoder reads.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cascade {
    /// Below it, a window is safe as far as a head goes.
    pub(crate) low: PerSource<PerHead<f32>>,
    /// From it on, a window is an attack as far as a head goes.
    pub(crate) high: PerSource<PerHead<f32>>,
    /// Windows of one text that the encoder reads at most.
    pub(crate) windows_max: usize,
}

/// `[a, b, c]` of `sigmoid(a·linear + b·encoder + c)`.
pub(crate) type Combine = [f32; 3];
/// `[a, c]` of `sigmoid(a·linear + c)`.
pub(crate) type LinearOnly = [f32; 2];

/// The scores from which on a text is blocked or flagged.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Levels {
    pub(crate) block: PerHead<f32>,
    pub(crate) flag: PerHead<f32>,
}

// === impl Manifest ===

impl Manifest {
    /// Parses and checks a manifest.
    ///
    /// # Errors
    /// [`ModelError`] that names the key.
    pub fn parse(json: &[u8]) -> Result<Self, ModelError> {
        let manifest: Self = serde_json::from_slice(json)?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), ModelError> {
        let named = [
            ("name", &self.name),
            ("version", &self.version),
            ("licence", &self.licence),
            ("created", &self.created),
        ];
        for (key, text) in named {
            expect(!text.is_empty(), || key.to_owned(), text, "given")?;
        }
        let heads = Head::ALL.map(Head::as_str);
        let same = self.heads == heads;
        expect(
            same,
            || "heads".to_owned(),
            &self.heads.join(","),
            HEADS_ARE,
        )?;
        self.files.check()?;
        let EncoderShape {
            tokens_max,
            unknown_max,
            batch_windows,
        } = self.encoder;
        within("encoder.tokens_max", tokens_max, TOKENS, "8 to 512")?;
        share("encoder.unknown_max", unknown_max)?;
        let batch = (1, BATCH_WINDOWS_MAX);
        within("encoder.batch_windows", batch_windows, batch, "1 to 8")?;
        let windows = (1, ENCODED_WINDOWS_MAX);
        within(
            "cascade.windows_max",
            self.cascade.windows_max,
            windows,
            "1 to 64",
        )?;
        for source in Source::ALL {
            self.check_source(source)?;
        }
        Ok(())
    }

    fn check_source(&self, source: Source) -> Result<(), ModelError> {
        let name = source.as_str();
        let Levels { block, flag } = self.thresholds.of(source);
        ordered(
            "cascade",
            ("low", "high"),
            name,
            &self.cascade.low.of(source),
            &self.cascade.high.of(source),
        )?;
        ordered("thresholds", ("flag", "block"), name, &flag, &block)?;
        for (head, weights) in self.combine.of(source).iter().enumerate() {
            small("combine", name, head, weights)?;
        }
        for (head, weights) in self.linear_only.of(source).iter().enumerate() {
            small("linear_only", name, head, weights)?;
        }
        let pool = self.pool.of(source);
        let fits = (0.0..=POOL_MAX).contains(&pool);
        expect(
            fits,
            || format!("pool.{name}"),
            &pool.to_string(),
            "between 0 and 5",
        )
    }
}

// === impl Files ===

impl Files {
    fn check(&self) -> Result<(), ModelError> {
        let files = [
            ("linear.bin", &self.linear),
            ("encoder.onnx", &self.encoder),
            ("tokenizer.json", &self.tokenizer),
        ];
        for (name, FileEntry { sha256, bytes }) in files {
            let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            let hash = sha256.len() == 64 && sha256.bytes().all(hex);
            expect(
                hash,
                || format!("files.{name}.sha256"),
                sha256,
                "64 hexadecimal digits in lower case",
            )?;
            expect(
                *bytes > 0,
                || format!("files.{name}.bytes"),
                "0",
                "the file's length",
            )?;
        }
        Ok(())
    }
}

// === impl PerSource ===

impl<T: Copy> PerSource<T> {
    pub(crate) const fn of(&self, source: Source) -> T {
        match source {
            Source::User => self.user,
            Source::Untrusted => self.untrusted,
        }
    }
}

// === defaults ===

const fn alone() -> usize {
    1
}

// === checks ===

const HEADS_ARE: &str = "injection,jailbreak,extraction,indirect_injection,toxicity";

fn expect(
    holds: bool,
    key: impl FnOnce() -> String,
    found: &str,
    expected: &'static str,
) -> Result<(), ModelError> {
    if holds {
        return Ok(());
    }
    Err(ModelError::Value {
        key: key(),
        found: found.to_owned(),
        expected,
    })
}

fn within(
    key: &str,
    n: usize,
    (min, max): (usize, usize),
    expected: &'static str,
) -> Result<(), ModelError> {
    expect(
        (min..=max).contains(&n),
        || key.to_owned(),
        &n.to_string(),
        expected,
    )
}

/// NaN is in no range, so it is refused with the rest.
fn share(key: &str, x: f32) -> Result<(), ModelError> {
    let fits = (0.0..=1.0).contains(&x);
    expect(fits, || key.to_owned(), &x.to_string(), "between 0 and 1")
}

/// Both are probabilities, the first at most the second, head by head.
fn ordered(
    section: &str,
    (low, high): (&str, &str),
    source: &str,
    lows: &PerHead<f32>,
    highs: &PerHead<f32>,
) -> Result<(), ModelError> {
    for (head, (a, b)) in lows.iter().zip(highs).enumerate() {
        // Thresholds stand by source and then by level, cascades by level and then by source.
        let key = |level: &str| match section {
            "thresholds" => format!("{section}.{source}.{level}[{head}]"),
            _ => format!("{section}.{level}.{source}[{head}]"),
        };
        share(&key(low), *a)?;
        share(&key(high), *b)?;
        let expected = "at most its counterpart, which is greater in every model";
        expect(a <= b, || key(low), &a.to_string(), expected)?;
    }
    Ok(())
}

fn small(section: &str, source: &str, head: usize, weights: &[f32]) -> Result<(), ModelError> {
    for (at, x) in weights.iter().enumerate() {
        let fits = x.abs() <= WEIGHT_MAX;
        let key = || format!("{section}.{source}[{head}][{at}]");
        expect(fits, key, &x.to_string(), "between -100 and 100")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
