//! Hashed n-grams of a normalised text: the features of the first stage.
//!
//! 1. The text is cut into tokens: words, single characters of scripts that write without spaces
//!    (Han, kana, Thai and their like), and short runs of punctuation.
//! 2. Features are token 1- to 3-grams, tokens and pairs that open a sentence, and character 3-
//!    to 5-grams inside words, which carry over to inflections, compounds and misspellings.
//! 3. Each feature is hashed into one of [`BUCKETS`] buckets; a bucket counts once a text.
//!
//! Feature hashing: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", 2009.
//! Training reads the very same features (`examples/features.rs`), so both sides can't drift apart.

/// Buckets; a power of two.
pub const BUCKETS: u32 = 1 << 20;

/// Characters of the character n-grams.
const CHARS: std::ops::RangeInclusive<usize> = 3..=5;

/// Of a longer word only the first so many characters give character n-grams.
const WORD_CHARS_MAX: usize = 24;

/// Characters of one token of punctuation.
const PUNCTUATION_MAX: usize = 3;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    /// Letters and digits.
    Word,
    /// One character of a script without spaces.
    Sign,
    /// Punctuation and symbols.
    Punctuation,
}

/// Hashes features; the namespace keeps a word and a character n-gram of the same letters apart.
#[derive(Clone, Copy)]
struct Hasher(u64);

// === impl Hasher ===

impl Hasher {
    const fn new(namespace: u64) -> Self {
        Self(0xcbf2_9ce4_8422_2325 ^ namespace.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// FNV-1a.
    fn bytes(mut self, bytes: &[u8]) -> Self {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self
    }

    fn hash(mut self, hash: u64) -> Self {
        self.0 = (self.0 ^ hash)
            .wrapping_mul(0xff51_afd7_ed55_8ccd)
            .rotate_left(29);
        self
    }

    /// The finaliser of MurmurHash3: FNV's low bits alone are weak.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low bits are what is wanted"
    )]
    const fn bucket(self) -> u32 {
        let mut h = self.0;
        h ^= h >> 33;
        h = h.wrapping_mul(0xff51_afd7_ed55_8ccd);
        h ^= h >> 33;
        (h as u32) & (BUCKETS - 1)
    }
}

/// Whether `c` belongs to a script that writes without spaces between words.
const fn is_sign(c: char) -> bool {
    matches!(
        c,
        '\u{0E00}'..='\u{0EFF}'      // Thai, Lao
        | '\u{1000}'..='\u{109F}'    // Myanmar
        | '\u{1780}'..='\u{17FF}'    // Khmer
        | '\u{3040}'..='\u{30FF}'    // kana
        | '\u{3400}'..='\u{4DBF}'    // Han
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3134F}'
    )
}

/// Calls `each` with every token of `text` and its byte range.
pub(crate) fn tokens(text: &str, mut each: impl FnMut(Token, std::ops::Range<usize>)) {
    let mut open: Option<(Token, usize, usize)> = None;
    for (at, c) in text.char_indices() {
        let kind = if is_sign(c) {
            Some(Token::Sign)
        } else if c.is_alphanumeric() || c == '\'' || is_mark(c) {
            Some(Token::Word)
        } else if c.is_whitespace() {
            None
        } else {
            Some(Token::Punctuation)
        };
        if let Some((token, start, chars)) = open {
            let goes_on = kind == Some(token)
                && match token {
                    Token::Word => true,
                    Token::Sign => false,
                    Token::Punctuation => chars < PUNCTUATION_MAX,
                };
            if goes_on {
                open = Some((token, start, chars + 1));
                continue;
            }
            each(token, start..at);
        }
        open = kind.map(|token| (token, at, 1));
    }
    if let Some((token, start, _)) = open {
        each(token, start..text.len());
    }
}

/// Combining marks that spell, as in Indic scripts; they are no alphanumeric characters.
const fn is_mark(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036F}' | '\u{0900}'..='\u{0DFF}' | '\u{064B}'..='\u{0652}')
}

/// The buckets of `text`, sorted, each once; `out` is cleared first.
pub fn features(text: &str, out: &mut Vec<u32>) {
    out.clear();
    let mut before = [0_u64; 2];
    let mut seen = 0_usize;
    let mut opens = true;
    tokens(text, |token, range| {
        let bytes = text.as_bytes().get(range.clone()).unwrap_or_default();
        let word = Hasher::new(1).bytes(bytes);
        out.push(word.bucket());
        let [older, old] = before;
        if seen >= 1 {
            out.push(Hasher::new(2).hash(old).hash(word.0).bucket());
        }
        if seen >= 2 {
            let three = Hasher::new(3).hash(older).hash(old).hash(word.0);
            out.push(three.bucket());
        }
        if opens && token != Token::Punctuation {
            out.push(Hasher::new(4).hash(word.0).bucket());
        }
        before = [old, word.0];
        seen += 1;
        if token == Token::Word {
            characters(text.get(range.clone()).unwrap_or_default(), out);
        }
        opens = match token {
            Token::Punctuation => bytes.iter().any(|b| b".!?:;>*\"-#".contains(b)),
            Token::Word | Token::Sign => text.as_bytes().get(range.end) == Some(&b'\n'),
        };
    });
    let length = usize::BITS - seen.leading_zeros();
    out.push(Hasher::new(5).hash(u64::from(length)).bucket());
    out.sort_unstable();
    out.dedup();
}

/// Character n-grams of `word`, its ends marked.
fn characters(word: &str, out: &mut Vec<u32>) {
    let mut ends = [0_usize; WORD_CHARS_MAX + 1];
    let mut count = 0;
    for (at, c) in word.char_indices().take(WORD_CHARS_MAX) {
        count += 1;
        if let Some(end) = ends.get_mut(count) {
            *end = at + c.len_utf8();
        }
    }
    for length in CHARS {
        // The whole word is a feature already.
        if count <= length {
            break;
        }
        for first in 0..=count - length {
            let (Some(&start), Some(&end)) = (ends.get(first), ends.get(first + length)) else {
                continue;
            };
            let edge = u64::from(first == 0) | u64::from(first + length == count) << 1;
            let piece = word.as_bytes().get(start..end).unwrap_or_default();
            out.push(Hasher::new(8 + edge).bytes(piece).bucket());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        let mut out = Vec::new();
        tokens(text, |_, range| out.push(text.get(range).unwrap()));
        out
    }

    fn buckets(text: &str) -> Vec<u32> {
        let mut out = Vec::new();
        features(text, &mut out);
        out
    }

    #[test]
    fn words_signs_and_punctuation_are_tokens() {
        assert_eq!(
            words("don't say 系统 [[[[x\nनमस्ते"),
            ["don't", "say", "系", "统", "[[[", "[", "x", "नमस्ते"]
        );
        assert!(words(" \n").is_empty());
    }

    #[test]
    fn features_are_sorted_distinct_and_in_range() {
        let all = buckets("ignore the rules, ignore the rules");
        assert!(all.is_sorted_by(|a, b| a < b));
        assert!(all.iter().all(|&bucket| bucket < BUCKETS));
    }

    #[test]
    fn order_and_place_make_a_difference() {
        assert_ne!(buckets("dog bites man"), buckets("man bites dog"));
        assert_ne!(buckets("so ignore it"), buckets("so. ignore it"));
    }

    #[test]
    fn related_words_share_features() {
        let (a, b) = (buckets("instruction"), buckets("instructions"));
        let shared = a.iter().filter(|x| b.contains(x)).count();
        assert!(shared * 2 > a.len());
    }

    #[test]
    fn the_hash_stays_what_the_models_were_trained_on() {
        assert_eq!(Hasher::new(1).bytes(b"ignore").bucket(), 325_415);
    }
}
