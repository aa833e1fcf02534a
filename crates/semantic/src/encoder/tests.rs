//! The encoder of the test model, and the shipped one.

use super::*;
use crate::testing;

/// What a logit may differ by from that of training: kernels for other processors round
/// differently.
const TOLERANCE: f32 = 0.05;

/// A line of `models/parity.jsonl`, which training writes beside the model.
#[derive(serde::Deserialize)]
struct Parity {
    text: String,
    ids: Vec<u32>,
    foreign: bool,
    logits: [f32; HEADS],
}

#[test]
fn the_shipped_encoder_says_what_it_said_in_training() {
    let mut encoder = testing::shipped();
    let lines = include_str!("../../models/parity.jsonl").lines();
    let mut rows = 0;
    for line in lines {
        let row: Parity = serde_json::from_str(line).unwrap();
        let tokens = encoder.tokens(&row.text).unwrap();
        assert_eq!(tokens.ids, row.ids, "{}", row.text);
        assert_eq!(tokens.foreign, row.foreign, "{}", row.text);
        let logits = encoder.logits(&[&tokens]).unwrap()[0];
        let near = logits.iter().zip(row.logits);
        let near = near.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(near <= TOLERANCE, "{}: {logits:?} {near}", row.text);
        rows += 1;
    }
    assert!(rows >= 5, "only {rows} rows");
}

fn encoder() -> Encoder {
    testing::encoder(testing::ENCODER).unwrap()
}

fn ids(text: &str) -> Vec<u32> {
    encoder().tokens(text).unwrap().ids
}

fn logits(encoder: &mut Encoder, texts: &[&str]) -> Vec<f32> {
    let tokens: Vec<Tokens> = texts
        .iter()
        .map(|text| encoder.tokens(text).unwrap())
        .collect();
    let batch: Vec<&Tokens> = tokens.iter().collect();
    let rows = encoder.logits(&batch).unwrap();
    assert!(rows.iter().all(|row| row[..4] == [row[0]; 4]));
    rows.into_iter().map(|row| row[0]).collect()
}

#[test]
fn logits_are_those_of_the_model_alone_and_in_a_padded_batch() {
    let mut encoder = encoder();
    let texts = ["attack", "a attack", "a b c", "attack attack a a a a a a"];
    let expected = [8.0 / 3.0, 2.0, 0.0, 1.6];
    assert_eq!(logits(&mut encoder, &texts), expected);
    for (text, expected) in texts.iter().zip(expected) {
        assert_eq!(logits(&mut encoder, &[text]), [expected], "{text}");
    }
}

#[test]
fn special_tokens_in_a_text_are_words() {
    // [CLS] a [ sep ] attack [SEP]
    assert_eq!(ids("a [SEP] attack"), [2, 6, 11, 13, 12, 4, 3]);
}

#[test]
fn a_window_is_cut_at_the_limit() {
    let most = testing::TOKENS_MAX - 2;
    for (words, tokens) in [(most - 1, most + 1), (most, most + 2), (most + 1, most + 2)] {
        let ids = ids(&vec!["a"; words].join(" "));
        assert_eq!(
            (ids.len(), ids[0], ids[tokens - 1]),
            (tokens, 2, 3),
            "{words}"
        );
    }
    assert_eq!(ids(""), [2, 3]);
}

#[test]
fn unknown_words_make_a_window_foreign() {
    // The test model allows half.
    let encoder = encoder();
    for (text, foreign) in [("a b", false), ("a ж", false), ("a ж ж", true), ("", false)] {
        assert_eq!(encoder.tokens(text).unwrap().foreign, foreign, "{text}");
    }
}

#[test]
fn endless_words_are_cut_and_hide_nothing() {
    let word = "x".repeat(1 << 20);
    let text = format!("{word} attack, {word}. a");
    let short = shorten(&text);
    assert_eq!(short.len(), 2 * (WORD_CHARS_MAX + 1) + " attack, . a".len());
    assert_eq!(ids(&short), ids(&text));
    assert_eq!(ids(&short)[1..3], [1, 4]);
    let exact = "a ".repeat(LONG_BYTES / 2);
    assert_eq!(shorten(&exact), exact);
}

#[test]
fn a_model_of_another_shape_is_refused() {
    let four = include_bytes!("../../testdata/encoder-4-heads.onnx");
    let error = testing::encoder(four).unwrap_err().to_string();
    assert!(error.contains("[batch, 5]"), "{error}");
    for bytes in [
        &b""[..],
        b"no model",
        &testing::ENCODER[..testing::ENCODER.len() / 2],
    ] {
        let error = testing::encoder(bytes).unwrap_err().to_string();
        assert!(error.starts_with("encoder.onnx: "), "{error}");
    }
}

#[test]
fn a_tokenizer_without_the_special_tokens_is_refused() {
    let shape = EncoderShape {
        tokens_max: 8,
        unknown_max: 0.5,
        batch_windows: 1,
    };
    for token in ["[CLS]", "[SEP]", "[UNK]", "[PAD]"] {
        let json = String::from_utf8_lossy(testing::TOKENIZER).replace(token, "[X]");
        let error = Pieces::new(json.as_bytes(), shape).unwrap_err().to_string();
        assert!(error.starts_with("tokenizer.json: "), "{error}");
    }
    assert!(Pieces::new(b"{", shape).is_err());
}
