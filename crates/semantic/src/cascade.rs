//! From logits to probabilities, and which windows are worth the encoder.
//!
//! 1. The first stage's logits become probabilities by `linear_only`.
//! 2. A head is *settled* for a text when a window reaches the head's `high`: it is an attack as it
//!    stands. Heads settle one by one, so that a rude word does not keep the encoder from reading
//!    the injection beside it.
//! 3. A window is *uncertain* when it reaches `low` on a head that is not settled. The
//!    `windows_max` most suspicious of them are read by the encoder; their probability is that of
//!    both models together, by `combine`. All other windows keep the first.
//! 4. A text's score is its greatest window's; `pool` lowers it for texts of many windows, where a
//!    stray maximum is likely.
//!
//! **Not caught:** an attack that the first stage finds harmless, and one in an uncertain window
//! beyond `windows_max` behind more suspicious ones, which keeps its first score.

use crate::manifest::{Combine, LinearOnly, Manifest, PerHead};
use crate::{Head, Source};

/// Probabilities are kept this far from 0 and 1, where their logits would be infinite.
const MARGIN: f32 = 1e-6;

/// A manifest's numbers for one source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    asked: PerHead<bool>,
    low: PerHead<f32>,
    high: PerHead<f32>,
    combine: PerHead<Combine>,
    linear_only: PerHead<LinearOnly>,
    pool: f32,
    windows_max: usize,
}

/// What the first stage says of a text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sifted {
    /// The uncertain windows, most suspicious first.
    pub(crate) uncertain: Vec<usize>,
    /// How many windows there are.
    windows: usize,
    /// Every window's greatest.
    top: PerHead<f32>,
    /// The greatest of the windows that are not uncertain.
    rest: PerHead<f32>,
    settled: PerHead<bool>,
}

// === impl Rules ===

impl Rules {
    pub(crate) fn new(manifest: &Manifest, source: Source) -> Self {
        Self {
            asked: Head::ALL.map(|head| source.asks(head)),
            low: manifest.cascade.low.of(source),
            high: manifest.cascade.high.of(source),
            combine: manifest.combine.of(source),
            linear_only: manifest.linear_only.of(source),
            pool: manifest.pool.of(source),
            windows_max: manifest.cascade.windows_max,
        }
    }

    /// Sorts the windows of a text by their first-stage `logits`.
    pub(crate) fn sift(&self, logits: &[PerHead<f32>]) -> Sifted {
        let first: Vec<PerHead<f32>> = logits.iter().map(|logits| self.alone(logits)).collect();
        let top = first.iter().fold(PerHead::default(), greater);
        let settled = join(top, self.high, |top, high| top >= high);
        let mut uncertain: Vec<(usize, f32)> = first
            .iter()
            .enumerate()
            .filter_map(|(index, window)| Some((index, self.suspicion(window, &settled)?)))
            .collect();
        // The sort is stable: of equal windows the earlier goes first.
        uncertain.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        uncertain.truncate(self.windows_max);
        let uncertain: Vec<usize> = uncertain.into_iter().map(|(index, _)| index).collect();
        let mut sent = vec![false; first.len()];
        for &index in &uncertain {
            if let Some(sent) = sent.get_mut(index) {
                *sent = true;
            }
        }
        let kept = first.iter().zip(sent).filter(|(_, sent)| !sent);
        Sifted {
            windows: first.len(),
            rest: kept
                .map(|(window, _)| window)
                .fold(PerHead::default(), greater),
            uncertain,
            top,
            settled,
        }
    }

    /// The text's probabilities by the first stage alone.
    pub(crate) fn first_only(&self, sifted: &Sifted) -> PerHead<f32> {
        sifted.top.map(|p| self.pooled(p, sifted.windows))
    }

    /// The text's probabilities by both; `read` are the logits of each uncertain window, the
    /// encoder's being `None` where it does not speak the language.
    pub(crate) fn both(
        &self,
        sifted: &Sifted,
        read: impl IntoIterator<Item = (PerHead<f32>, Option<PerHead<f32>>)>,
    ) -> PerHead<f32> {
        let windows = read.into_iter().map(|(linear, encoder)| match encoder {
            Some(encoder) => self.together(&linear, &encoder),
            None => self.alone(&linear),
        });
        let unsettled = windows.fold(sifted.rest, |a, b| greater(a, &b));
        let mut text = unsettled;
        for ((p, top), settled) in text.iter_mut().zip(sifted.top).zip(sifted.settled) {
            if settled {
                *p = top;
            }
        }
        text.map(|p| self.pooled(p, sifted.windows))
    }

    fn alone(&self, logits: &PerHead<f32>) -> PerHead<f32> {
        join(*logits, self.linear_only, |x, [a, c]| sigmoid(a * x + c))
    }

    fn together(&self, linear: &PerHead<f32>, encoder: &PerHead<f32>) -> PerHead<f32> {
        let pairs = join(*linear, *encoder, |x, y| (x, y));
        join(pairs, self.combine, |(x, y), [a, b, c]| {
            sigmoid(a * x + b * y + c)
        })
    }

    /// How suspicious an uncertain window is; `None` where it is certain.
    fn suspicion(&self, window: &PerHead<f32>, settled: &PerHead<bool>) -> Option<f32> {
        let heads = window.iter().zip(&self.low).zip(settled).zip(&self.asked);
        let open = heads.filter(|(((p, low), settled), asked)| **asked && !**settled && p >= low);
        open.map(|(((p, _), _), _)| *p).reduce(f32::max)
    }

    fn pooled(&self, p: f32, windows: usize) -> f32 {
        if self.pool == 0.0 || windows < 2 {
            return p;
        }
        let p = p.clamp(MARGIN, 1.0 - MARGIN);
        sigmoid((p / (1.0 - p)).ln() - self.pool * (windows as f32).ln())
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// The greater of both, head by head.
fn greater(a: PerHead<f32>, b: &PerHead<f32>) -> PerHead<f32> {
    join(a, *b, f32::max)
}

fn join<A: Copy + Default, B: Copy + Default, C>(
    a: PerHead<A>,
    b: PerHead<B>,
    with: impl Fn(A, B) -> C,
) -> PerHead<C> {
    let mut pairs = a.into_iter().zip(b);
    std::array::from_fn(|_| {
        let (a, b) = pairs.next().unwrap_or_default();
        with(a, b)
    })
}

#[cfg(test)]
mod tests;
