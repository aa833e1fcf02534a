//! The second stage: a BERT-style encoder, run by ONNX Runtime on one thread.
//!
//! 1. A window is cut into word pieces, at most `encoder.tokens_max`; what is longer is cut off.
//!    Words that name special tokens (`[SEP]`) are words like any other: a text can't end itself.
//! 2. A batch is padded to its longest window and masked.
//! 3. The model gives one logit a head. Its inputs, outputs and numbers are checked, since a model
//!    of another shape would otherwise score nonsense.
//!
//! A window with many unknown word pieces is in a script that the encoder never saw; its logits
//! would be noise, so it is told apart ([`Tokens::foreign`]) and keeps its first-stage score.
//!
//! Everything runs in the calling thread: ONNX Runtime gets one thread and no spinning, and the
//! tokenizer no pool. One encoder costs its weights and working memory; see `docs/models.md`.

use std::borrow::Cow;
use std::sync::Arc;

use ort::environment::Environment;
use ort::ep;
use ort::session::Session;
use ort::value::{Outlet, TensorElementType, TensorRef, ValueType};
use tokenizers::Tokenizer;

use crate::HEADS;
use crate::error::ModelError;
use crate::manifest::EncoderShape;
use crate::ngram;
use crate::pool::{Reader, ReaderError, Tokens};

/// Characters from which on word-piece models take a whole word for unknown.
const WORD_CHARS_MAX: usize = 100;

/// Bytes from which on a window is searched for endless words.
const LONG_BYTES: usize = 4 << 10;

const INPUTS: [&str; 2] = ["input_ids", "attention_mask"];
const OUTPUT: &str = "logits";

/// Cuts text into word pieces; shared by all encoders.
#[derive(Debug)]
pub(crate) struct Pieces {
    tokenizer: Tokenizer,
    shape: EncoderShape,
    /// `[CLS]`, before every window.
    opening: u32,
    /// `[SEP]`, after it.
    closing: u32,
    unknown: u32,
    padding: i64,
}

/// One session of the model, for one thread.
#[derive(Debug)]
pub(crate) struct Encoder {
    pieces: Arc<Pieces>,
    session: Session,
    ids: Vec<i64>,
    mask: Vec<i64>,
}

// === impl Pieces ===

impl Pieces {
    pub(crate) fn new(json: &[u8], shape: EncoderShape) -> Result<Self, ModelError> {
        // The library asks this before it starts a thread pool of its own.
        tokenizers::utils::parallelism::set_parallelism(false);
        let failed = |error: tokenizers::Error| ModelError::Tokenizer(error.to_string());
        let mut tokenizer = Tokenizer::from_bytes(json).map_err(failed)?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(failed)?;
        tokenizer.set_encode_special_tokens(true);
        let id = |token: &str| {
            let id = tokenizer.token_to_id(token);
            id.ok_or_else(|| ModelError::Tokenizer(format!("it knows no {token}")))
        };
        Ok(Self {
            opening: id("[CLS]")?,
            closing: id("[SEP]")?,
            unknown: id("[UNK]")?,
            padding: i64::from(id("[PAD]")?),
            shape,
            tokenizer,
        })
    }

    fn cut(&self, text: &str) -> Result<Tokens, ReaderError> {
        let encoding = self.tokenizer.encode_fast(text, false);
        let encoding = encoding.map_err(|error| ReaderError(error.to_string()))?;
        let room = self.shape.tokens_max - 2;
        let pieces = encoding.get_ids().iter().copied().take(room);
        let mut ids = Vec::with_capacity(room.min(encoding.len()) + 2);
        ids.push(self.opening);
        ids.extend(pieces);
        ids.push(self.closing);
        let unknown = ids.iter().filter(|id| **id == self.unknown).count();
        let share = unknown as f32 / (ids.len() - 2).max(1) as f32;
        Ok(Tokens {
            ids,
            foreign: share > self.shape.unknown_max,
        })
    }
}

/// A window with its endless words cut to a length that still makes them unknown: reading all of
/// one would cost a thread seconds, keeping it in the queue megabytes, and neither changes a token.
pub(crate) fn shorten(text: &str) -> Cow<'_, str> {
    if text.len() <= LONG_BYTES {
        return Cow::Borrowed(text);
    }
    let mut short = String::with_capacity(LONG_BYTES);
    let mut last = 0;
    ngram::tokens(text, |_, range| {
        if range.start > last {
            short.push(' ');
        }
        last = range.end;
        let word = text.get(range).unwrap_or_default();
        let cut = word.char_indices().nth(WORD_CHARS_MAX + 1);
        short.push_str(cut.and_then(|(at, _)| word.get(..at)).unwrap_or(word));
    });
    Cow::Owned(short)
}

// === impl Encoder ===

impl Encoder {
    pub(crate) fn new(
        environment: &Environment,
        onnx: &[u8],
        pieces: Arc<Pieces>,
    ) -> Result<Self, ModelError> {
        let session = session(environment, onnx);
        let session = session.map_err(|error| ModelError::Encoder(error.to_string()))?;
        check(&session)?;
        let mut encoder = Self {
            pieces,
            session,
            ids: Vec::new(),
            mask: Vec::new(),
        };
        encoder.warm_up()?;
        Ok(encoder)
    }

    /// Runs the longest window once: the first request should not pay for the working memory, and
    /// a model that can't run should not start.
    fn warm_up(&mut self) -> Result<(), ModelError> {
        let longest = Tokens {
            ids: vec![self.pieces.unknown; self.pieces.shape.tokens_max],
            foreign: false,
        };
        let logits = self.logits(&[&longest]);
        logits
            .map(drop)
            .map_err(|error| ModelError::Encoder(error.0))
    }

    /// Fills the input buffers; the batch's length in tokens.
    fn pad(&mut self, batch: &[&Tokens]) -> usize {
        let longest = batch.iter().map(|tokens| tokens.ids.len()).max();
        let longest = longest.unwrap_or(0);
        self.ids.clear();
        self.mask.clear();
        for tokens in batch {
            let end = self.ids.len() + longest;
            self.ids.extend(tokens.ids.iter().map(|id| i64::from(*id)));
            self.mask.resize(self.ids.len(), 1);
            self.ids.resize(end, self.pieces.padding);
            self.mask.resize(end, 0);
        }
        longest
    }

    fn run(&mut self, batch: &[&Tokens]) -> ort::Result<Vec<[f32; HEADS]>> {
        let shape = [batch.len(), self.pad(batch)];
        let inputs = ort::inputs![
            INPUTS[0] => TensorRef::from_array_view((shape, &*self.ids))?,
            INPUTS[1] => TensorRef::from_array_view((shape, &*self.mask))?,
        ];
        let outputs = self.session.run(inputs)?;
        let logits = outputs
            .get(OUTPUT)
            .ok_or_else(|| ort::Error::new("no logits"))?;
        let (_, logits) = logits.try_extract_tensor::<f32>()?;
        let (rows, rest) = logits.as_chunks::<HEADS>();
        if rows.len() != batch.len() || !rest.is_empty() {
            return Err(ort::Error::new("another number of logits than asked for"));
        }
        Ok(rows.to_vec())
    }
}

impl Reader for Encoder {
    fn tokens(&self, text: &str) -> Result<Tokens, ReaderError> {
        self.pieces.cut(text)
    }

    fn logits(&mut self, batch: &[&Tokens]) -> Result<Vec<[f32; HEADS]>, ReaderError> {
        let rows = self.run(batch);
        let rows = rows.map_err(|error| ReaderError(error.to_string()))?;
        // A score that is no number compares with no threshold, which would read as safe.
        if !rows.as_flattened().iter().all(|x| x.is_finite()) {
            return Err(ReaderError("a logit is not finite".to_owned()));
        }
        Ok(rows)
    }
}

fn session(environment: &Environment, onnx: &[u8]) -> ort::Result<Session> {
    let mut builder = Session::builder(environment)?
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        .with_parallel_execution(false)?
        .with_intra_op_spinning(false)?
        .with_inter_op_spinning(false)?
        // A plan is kept for every shape ever seen; windows come in hundreds of shapes.
        .with_memory_pattern(false)?
        .with_execution_providers([ep::CPU::default().with_arena_allocator(true).build()])?;
    builder.commit_from_memory(onnx)
}

/// Whether the model takes and gives what [`Encoder::run`] sends and reads.
fn check(session: &Session) -> Result<(), ModelError> {
    let refused = |what: &str| Err(ModelError::Encoder(what.to_owned()));
    let mut names: Vec<&str> = session.inputs().iter().map(Outlet::name).collect();
    names.sort_unstable();
    let integers = |input: &Outlet| is_tensor(input, TensorElementType::Int64, 2, None);
    if names != [INPUTS[1], INPUTS[0]] || !session.inputs().iter().all(integers) {
        return refused("its inputs must be input_ids and attention_mask, int64 [batch, tokens]");
    }
    let fits = |output: &Outlet| {
        output.name() == OUTPUT && is_tensor(output, TensorElementType::Float32, 2, Some(HEADS))
    };
    if !session.outputs().iter().any(fits) {
        return refused("its output must be logits, float [batch, 5]");
    }
    Ok(())
}

/// Whether `outlet` is a tensor of `kind` with so many dimensions, the last of them as given.
fn is_tensor(outlet: &Outlet, kind: TensorElementType, rank: usize, last: Option<usize>) -> bool {
    let ValueType::Tensor { ty, shape, .. } = outlet.dtype() else {
        return false;
    };
    let last_fits = last.is_none_or(|last| {
        let found = shape.last().copied().unwrap_or_default();
        usize::try_from(found).is_ok_and(|found| found == last)
    });
    *ty == kind && shape.len() == rank && last_fits
}

#[cfg(test)]
mod tests;
