//! What is sent, and how an answer is known to be right.

use bytes::Bytes;

/// The end of every answer, so that a cut one is noticed.
pub(crate) const MARK: &str = "end of the answer";
/// Events of a streamed answer.
pub(crate) const STREAM_EVENTS: usize = 200;

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    /// 1 KB in, 1 KB out.
    Chat,
    /// 32 KB in, 1 KB out.
    LongPrompt,
    /// 1 KB in, a stream of 200 events out.
    Stream,
}

impl Workload {
    pub(crate) const ALL: [Self; 3] = [Self::Chat, Self::LongPrompt, Self::Stream];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Chat => "1 KB chat",
            Self::LongPrompt => "32 KB prompt",
            Self::Stream => "stream of 200",
        }
    }

    /// How many requests stand for `requests` chats: streams cost far more.
    pub(crate) fn share(self, requests: usize) -> usize {
        match self {
            Self::Chat => requests,
            Self::LongPrompt => requests.div_ceil(2),
            Self::Stream => requests.div_ceil(10),
        }
    }

    /// The body of request `number`; the text differs from request to request, so that no cache of
    /// verdicts answers for the checks.
    pub(crate) fn body(self, number: usize) -> Bytes {
        let bytes = if self == Self::LongPrompt {
            32_000
        } else {
            900
        };
        let mut text = format!("Request {number}. ");
        for word in words(number).take(bytes / 6) {
            text.push_str(word);
            text.push(' ');
        }
        let stream = self == Self::Stream;
        serde_json::json!({"model": "gpt-5-mini", "stream": stream, "messages": [
            {"role": "system", "content": "You are a terse assistant."}, {"role": "user", "content": text}]})
        .to_string()
        .into()
    }
}

/// Plain words in an order that depends on `seed`.
fn words(seed: usize) -> impl Iterator<Item = &'static str> {
    const WORDS: [&str; 24] = [
        "please", "compare", "offers", "about", "the", "new", "garden", "house", "and", "tell",
        "what", "would", "cost", "most", "over", "ten", "years", "with", "water", "power", "taxes",
        "repairs", "in", "mind",
    ];
    let mut state = seed as u64 | 1;
    std::iter::repeat_with(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        WORDS[(state >> 33) as usize % WORDS.len()]
    })
}
