//! The first stage: a linear model over hashed n-grams, one weight a bucket and head.
//!
//! Its cost is one pass over the text and one cache line a feature, so every new text can afford
//! it, in any language. Weights are 8-bit; `linear.bin`, little endian:
//!
//! | bytes | |
//! |---|---|
//! | 4 | `AEGL` |
//! | 4 | version, 1 |
//! | 4 | buckets, [`BUCKETS`] |
//! | 4 | heads, [`HEADS`] |
//! | 4 × heads | bias, f32 |
//! | 4 × heads | scale of the weights, f32 |
//! | buckets × heads | weights, i8 |

use crate::HEADS;
use crate::ngram::{BUCKETS, features};

const MAGIC: &[u8; 4] = b"AEGL";
const VERSION: u32 = 1;
/// [`HEADS`] as the header holds it.
const HEADS_STORED: u32 = 5;
const _: () = assert!(HEADS_STORED as usize == HEADS);
const HEADER: usize = 16 + 8 * HEADS;

/// A text of fewer features counts as one of so many: a word or two is little evidence.
pub(crate) const FEATURES_MIN: usize = 30;

/// What is wrong with a `linear.bin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinearError {
    /// It begins with something else.
    #[error("is not a linear model of this version")]
    Header,
    /// It is cut off, or goes on after its end.
    #[error("has {0} bytes, which is not what its header says")]
    Length(usize),
    /// A bias or scale is no finite number.
    #[error("holds a number that is not finite")]
    NotFinite,
}

/// Weights of every bucket for every head.
pub struct Linear {
    bias: [f32; HEADS],
    scale: [f32; HEADS],
    weights: Box<[[i8; HEADS]]>,
}

// === impl Linear ===

impl Linear {
    /// Reads `linear.bin`.
    ///
    /// # Errors
    /// See [`LinearError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LinearError> {
        let (header, body) = bytes
            .split_at_checked(HEADER)
            .ok_or(LinearError::Length(bytes.len()))?;
        let word = |at: usize| -> [u8; 4] {
            let bytes = header.get(at..at + 4).and_then(|b| b.try_into().ok());
            bytes.unwrap_or_default()
        };
        let numbers = [VERSION, BUCKETS, HEADS_STORED];
        let known = (4..).step_by(4).zip(numbers);
        if word(0) != *MAGIC
            || known
                .into_iter()
                .any(|(at, n)| u32::from_le_bytes(word(at)) != n)
        {
            return Err(LinearError::Header);
        }
        if body.len() != BUCKETS as usize * HEADS {
            return Err(LinearError::Length(bytes.len()));
        }
        let floats = |from: usize| std::array::from_fn(|i| f32::from_le_bytes(word(from + 4 * i)));
        let (bias, scale): ([f32; HEADS], [f32; HEADS]) = (floats(16), floats(16 + 4 * HEADS));
        if bias.iter().chain(&scale).any(|x| !x.is_finite()) {
            return Err(LinearError::NotFinite);
        }
        let rows = body.chunks_exact(HEADS);
        let weights =
            rows.map(|row| std::array::from_fn(|i| row.get(i).map_or(0, |b| b.cast_signed())));
        Ok(Self {
            bias,
            scale,
            weights: weights.collect(),
        })
    }

    /// The score of normalised `text` on every head, as a logit; `scratch` is reused between calls.
    #[must_use]
    pub fn logits(&self, text: &str, scratch: &mut Vec<u32>) -> [f32; HEADS] {
        features(text, scratch);
        let mut sums = [0_i32; HEADS];
        for &bucket in scratch.iter() {
            if let Some(row) = self.weights.get(bucket as usize) {
                for (sum, weight) in sums.iter_mut().zip(row) {
                    *sum += i32::from(*weight);
                }
            }
        }
        let norm = scratch.len().max(FEATURES_MIN) as f32;
        let mut out = self.bias;
        for ((out, sum), scale) in out.iter_mut().zip(sums).zip(self.scale) {
            *out += sum as f32 * scale / norm;
        }
        out
    }
}

impl std::fmt::Debug for Linear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Linear")
            .field("bias", &self.bias)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Vec<u8> {
        let mut bytes = Vec::from(*MAGIC);
        for n in [VERSION, BUCKETS, HEADS_STORED] {
            bytes.extend(n.to_le_bytes());
        }
        for x in [[0.5_f32; HEADS], [0.25; HEADS]].concat() {
            bytes.extend(x.to_le_bytes());
        }
        bytes.resize(HEADER + BUCKETS as usize * HEADS, 0xff);
        bytes
    }

    #[test]
    fn a_score_is_the_bias_and_the_scaled_sum() {
        let linear = Linear::from_bytes(&file()).unwrap();
        let mut scratch = Vec::new();
        let logits = linear.logits("one two", &mut scratch);
        assert!(scratch.len() < FEATURES_MIN);
        let expected = 0.5 - 0.25 * scratch.len() as f32 / FEATURES_MIN as f32;
        assert!(logits.iter().all(|x| (x - expected).abs() < 1e-5));
    }

    #[test]
    fn broken_files_are_refused() {
        let whole = file();
        for cut in [0, 3, HEADER - 1, HEADER, whole.len() - 1] {
            let error = Linear::from_bytes(&whole[..cut]).unwrap_err();
            assert_eq!(error, LinearError::Length(cut));
        }
        let longer = [&whole[..], b"x"].concat();
        assert!(Linear::from_bytes(&longer).is_err());
        for at in [0, 4, 8, 12] {
            let mut other = whole.clone();
            other[at] ^= 1;
            assert_eq!(Linear::from_bytes(&other).unwrap_err(), LinearError::Header);
        }
        let mut other = whole;
        other[16..20].copy_from_slice(&f32::NAN.to_le_bytes());
        assert_eq!(
            Linear::from_bytes(&other).unwrap_err(),
            LinearError::NotFinite
        );
    }
}
