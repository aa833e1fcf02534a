//! How many tokens a request will use, before it has used them.
//!
//! 1. A text never has more tokens than bytes, so a body never has more than its length. Where the
//!    budget holds that, the exact number can't change the outcome and nothing is counted; a rough
//!    number is reserved until the provider tells the real one.
//! 2. Where the budget does not hold it, or no provider's number is to be expected, the text is
//!    counted with a real tokenizer (o200k; other vocabularies differ by some percent).
//! 3. The answer counts as the output limit the request states (for every choice), or
//!    [`OUTPUT_TOKENS_DEFAULT`] where it states none.
//!
//! Does not know what images and files cost, nor reasoning beyond the stated limit: the provider's
//! usage settles that afterwards.

use std::sync::atomic::{AtomicBool, Ordering};

use aegis_core::{Document, Kind, Operation, Rejection, Segment};
use bpe_openai::Tokenizer;

use crate::offload;

/// Reserved for an answer whose length the request does not limit.
pub const OUTPUT_TOKENS_DEFAULT: u64 = 1_024;

/// What providers add around each message.
const TOKENS_PER_MESSAGE: u64 = 4;

/// A guess for a part that is not text.
const TOKENS_PER_MEDIA: u64 = 1_024;

/// A typical token's bytes, in English prose and JSON.
const BYTES_PER_TOKEN: u64 = 4;

/// Texts above this are counted off the reactor.
const COUNT_INLINE_MAX_BYTES: usize = 2 * 1024;

static LOADED: AtomicBool = AtomicBool::new(false);

/// What a request may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Estimate {
    /// The prompt, at most.
    pub(crate) input_max: u64,
    /// The prompt, roughly.
    pub(crate) input_rough: u64,
    /// The answer.
    pub(crate) output: u64,
    /// Whether the answer can't be longer than that.
    pub(crate) output_is_bound: bool,
}

/// Loads the tokenizer in the background: it takes a noticeable part of a second.
pub(crate) fn load() {
    if !LOADED.load(Ordering::Acquire) {
        std::thread::spawn(tokenizer);
    }
}

fn tokenizer() -> &'static Tokenizer {
    let tokenizer = bpe_openai::o200k_base();
    LOADED.store(true, Ordering::Release);
    tokenizer
}

/// Whether the operation uses a model's tokens at all.
pub(crate) const fn is_metered(operation: Operation) -> bool {
    match operation {
        Operation::ChatCompletions
        | Operation::Responses
        | Operation::Completions
        | Operation::Embeddings
        | Operation::Messages
        | Operation::Generate
        | Operation::GenerateStream
        | Operation::Generic => true,
        Operation::Models | Operation::CountTokens => false,
    }
}

/// Whether the provider will tell what was used. OpenAI's older streams do so only on request.
pub(crate) const fn usage_is_expected(operation: Operation, stream: bool) -> bool {
    match operation {
        Operation::ChatCompletions | Operation::Completions => !stream,
        Operation::Responses | Operation::Messages | Operation::Embeddings => true,
        Operation::Generate
        | Operation::GenerateStream
        | Operation::Generic
        | Operation::Models
        | Operation::CountTokens => false,
    }
}

/// The estimate for `document`; `output_max` is its output limit after the policy's.
pub(crate) fn estimate(
    operation: Operation,
    document: &Document,
    output_max: Option<u64>,
    output_default: u64,
) -> Estimate {
    let media = (document.media.len() as u64).saturating_mul(TOKENS_PER_MEDIA);
    let bytes = document.raw.len() as u64;
    let answer = match operation {
        Operation::Embeddings | Operation::Models | Operation::CountTokens => 0,
        Operation::ChatCompletions
        | Operation::Responses
        | Operation::Completions
        | Operation::Messages
        | Operation::Generate
        | Operation::GenerateStream
        | Operation::Generic => output_max.unwrap_or(output_default),
    };
    Estimate {
        input_max: bytes.saturating_add(media),
        input_rough: bytes.div_ceil(BYTES_PER_TOKEN).saturating_add(media),
        output: answer.saturating_mul(document.choices.max(1)),
        output_is_bound: output_max.is_some(),
    }
}

/// Tokens that `bytes` of released output stand for where the provider does not say.
pub(crate) const fn of_output(bytes: u64) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN)
}

/// Counts the prompt of `document`, up to `budget` tokens; beyond that, a number above `budget`
/// and at least `rough`.
pub(crate) async fn count(
    document: Document,
    budget: u64,
    rough: u64,
) -> Result<(Document, u64), Rejection> {
    let loaded = LOADED.load(Ordering::Acquire);
    let inline_max = if loaded { COUNT_INLINE_MAX_BYTES } else { 0 };
    let bytes = document.raw.len();
    let work = move || {
        let tokens = count_now(&document, budget).unwrap_or(rough.max(budget.saturating_add(1)));
        (document, tokens)
    };
    offload::run_above(inline_max, bytes, work).await
}

/// The tokens of the prompt; `None` for more than `budget`.
fn count_now(document: &Document, budget: u64) -> Option<u64> {
    let tokenizer = tokenizer();
    let media = document.media.len() as u64 * TOKENS_PER_MEDIA;
    let mut messages: Vec<u32> = document.segments.iter().map(|s| s.message).collect();
    messages.dedup();
    let framing = (messages.len() as u64 + 1) * TOKENS_PER_MESSAGE;
    let mut total = media + framing.min(document.raw.len() as u64);
    for segment in counted(document) {
        let left = usize::try_from(budget.checked_sub(total)?).unwrap_or(usize::MAX);
        let text = tokenizer.normalize(document.text(segment));
        total += tokenizer.count_till_limit(&text, left)? as u64;
    }
    Some(total).filter(|total| *total <= budget)
}

/// The segments, without those that repeat what stands inside an arguments string.
fn counted(document: &Document) -> impl Iterator<Item = &Segment> {
    let mut inside = 0;
    document.segments.iter().filter(move |segment| {
        let repeats = segment.literal.start < inside;
        if segment.kind == Kind::ToolArguments {
            inside = segment.literal.end;
        }
        !repeats
    })
}

#[cfg(test)]
mod tests {
    use aegis_core::{Role, Text, Trust};
    use bytes::Bytes;

    use super::*;

    fn document(texts: &[&str]) -> Document {
        let mut raw = String::new();
        let mut segments = Vec::new();
        for (message, text) in (0..).zip(texts) {
            let start = raw.len();
            raw.push_str(&format!("\"{text}\""));
            segments.push(Segment {
                role: Role::User,
                trust: Trust::Untrusted,
                kind: Kind::Text,
                message,
                literal: start..raw.len(),
                text: Text::Plain(start + 1..raw.len() - 1),
            });
        }
        let mut document = Document::new(Bytes::from(raw));
        document.segments = segments;
        document
    }

    fn tokens_of(document: &Document) -> u64 {
        count_now(document, u64::MAX).unwrap()
    }

    #[tokio::test]
    async fn counts_like_the_tokenizer() {
        let document = document(&["hello world, how are you?", "مرحبا بالعالم"]);
        let text: usize = ["hello world, how are you?", "مرحبا بالعالم"]
            .map(|text| bpe_openai::o200k_base().count(text))
            .iter()
            .sum();
        let exact = text as u64 + 3 * TOKENS_PER_MESSAGE;
        assert_eq!(count(document.clone(), exact, 1).await.unwrap().1, exact);
        let (same, over) = count(document, exact - 1, 1).await.unwrap();
        assert_eq!(over, exact);
        assert_eq!(count(same, exact - 1, 999).await.unwrap().1, 999);
    }

    #[test]
    fn values_inside_an_arguments_string_count_once() {
        let mut one = document(&["{a: hello world, how are you}"]);
        one.segments[0].kind = Kind::ToolArguments;
        let alone = tokens_of(&one);
        let mut inner = one.segments[0].clone();
        inner.kind = Kind::ToolValue;
        inner.literal = 5..10;
        one.segments.push(inner);
        assert_eq!(tokens_of(&one), alone);
    }

    #[test]
    fn the_answer_counts_for_every_choice() {
        let mut document = document(&["x"]);
        document.choices = 3;
        let chat = Operation::ChatCompletions;
        assert_eq!(estimate(chat, &document, Some(10), 1_024).output, 30);
        assert_eq!(estimate(chat, &document, None, 1_024).output, 3_072);
        document.choices = u64::MAX;
        assert_eq!(estimate(chat, &document, Some(10), 1_024).output, u64::MAX);
        assert_eq!(
            estimate(Operation::Embeddings, &document, None, 1_024).output,
            0
        );
    }

    proptest::proptest! {
        #[test]
        fn a_text_has_no_more_tokens_than_bytes(text in "\\PC{0,64}") {
            let tokens = bpe_openai::o200k_base().count(text.as_str());
            proptest::prop_assert!(tokens <= text.len());
        }
    }
}
