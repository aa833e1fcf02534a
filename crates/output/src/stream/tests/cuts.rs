//! For every cut, what a client puts together equals the filtered whole.

use std::collections::BTreeMap;

use super::clients::{Client, is_arguments};
use super::texts::{Random, VALUES, deltas, texts};
use super::*;

const POLICY: &str = "pii: {}\nsecrets: {}\n";

/// Streams a format that are cut everywhere, of up to two texts each.
const STREAMS: usize = 16;

/// Streams a format that are cut at random.
const STREAMS_AT_RANDOM: usize = 200;

/// JSON that holds `text` in several places, as a model may write it.
fn arguments(text: &str, random: &mut Random) -> String {
    let plain = serde_json::to_string(text).unwrap();
    let escaped: String = plain
        .chars()
        .map(|c| match random.below(6) {
            // Inside the quotes any character may be written as an escape.
            0 if !matches!(c, '"' | '\\') => {
                let mut units = [0; 2];
                let units = c.encode_utf16(&mut units).iter();
                units.map(|unit| format!("\\u{unit:04x}")).collect()
            }
            _ => c.to_string(),
        })
        .collect();
    // An escape must not follow the backslash of another one.
    let spelt = match serde_json::from_str::<String>(&escaped) {
        Ok(decoded) if decoded == text => escaped,
        _ => plain.clone(),
    };
    format!("{{\"a\": {spelt}, \"n\": [1, 2.5e3, true, null], \"b\" :{{\"c\":{plain}}}}}")
}

/// The same JSON with every string filtered.
fn filtered_arguments(redactor: &Redactor, text: &str) -> serde_json::Value {
    let redacted = redactor.redact(text).text.into_owned();
    serde_json::json!({"a": redacted, "n": [1, 2.5e3, true, null], "b": {"c": redacted}})
}

struct Case {
    raw: Vec<u8>,
    texts: BTreeMap<Slot, String>,
}

/// A stream in which each of `texts` stands in a slot of its own, the slots interleaved.
fn case(format: Format, texts: &[String], random: &mut Random) -> Case {
    let slots = format.slots();
    let first = random.below(slots.len());
    let texts: BTreeMap<Slot, String> = texts
        .iter()
        .zip(0..slots.len())
        .map(|(text, i)| (slots[(first + i) % slots.len()], text.clone()))
        .collect();
    let mut queues: Vec<(Slot, std::vec::IntoIter<String>)> = texts
        .iter()
        .map(|(slot, text)| {
            let sent = if is_arguments(slot) {
                arguments(text, random)
            } else {
                text.clone()
            };
            (*slot, deltas(&sent, random).into_iter())
        })
        .collect();
    let mut pieces = Vec::new();
    while !queues.is_empty() {
        let at = random.below(queues.len());
        let (slot, queue) = &mut queues[at];
        match queue.next() {
            Some(text) => pieces.push(Piece { slot, text }),
            None => drop(queues.remove(at)),
        }
    }
    Case {
        raw: format.encode(&pieces),
        texts,
    }
}

fn check(redactor: &Redactor, format: Format, case: &Case, bytes: &[u8]) -> Client {
    let client = format.decode(bytes);
    assert_eq!(client.error, None, "{format:?}");
    for (slot, text) in &case.texts {
        let got = client.texts.get(*slot).map_or("", |text| text);
        if is_arguments(slot) {
            let parsed: serde_json::Value = serde_json::from_str(got).unwrap();
            assert_eq!(
                parsed,
                filtered_arguments(redactor, text),
                "{format:?} {slot}"
            );
        } else {
            assert_eq!(got, redactor.redact(text).text, "{format:?} {slot}");
        }
    }
    for (slot, repeat) in &client.repeats {
        assert_eq!(repeat, &client.texts[slot], "{format:?} {slot}");
    }
    client
}

/// What a client has of each slot must only ever grow towards the filtered whole.
fn check_prefix(redactor: &Redactor, format: Format, case: &Case, bytes: &[u8]) {
    let half = &bytes[..bytes.len() / 2];
    let end = half.windows(2).rposition(|pair| pair == b"\n\n");
    let bytes = end.map_or(&[][..], |at| &bytes[..at + 2]);
    for (slot, got) in format.decode(bytes).texts {
        let Some((_, text)) = case.texts.iter().find(|(known, _)| **known == slot) else {
            continue;
        };
        if !slot.starts_with("tool") {
            let whole = redactor.redact(text).text;
            assert!(whole.starts_with(&got), "{format:?} {slot}");
        }
    }
}

fn all_cuts(format: Format) {
    let redactor = redactor(POLICY);
    let mut random = Random::new(format as u64);
    let slots = format.slots().len().min(2);
    let texts = texts((STREAMS + STREAMS_AT_RANDOM) * slots, 7 + format as u64);
    for (number, texts) in texts.chunks(slots).enumerate() {
        let case = case(format, texts, &mut random);
        let expected = whole(&redactor, format, &case.raw);
        let client = check(&redactor, format, &case, &expected.bytes);
        assert_eq!(client.finished, format != Format::Generic);
        check_prefix(&redactor, format, &case, &expected.bytes);
        let same = |got: Outcome| {
            assert!(got.bytes == expected.bytes, "{format:?} {:?}", case.texts);
            assert_eq!(got.trail.threats, expected.trail.threats);
        };
        for cut in (1..case.raw.len()).filter(|_| number < STREAMS) {
            let (head, tail) = case.raw.split_at(cut);
            same(run(&redactor, format, [head, tail], true));
        }
        same(run(&redactor, format, case.raw.chunks(1), true));
        for _ in 0..3 {
            let chunks = random_chunks(&case.raw, &mut random);
            same(run(&redactor, format, chunks, true));
        }
    }
}

fn random_chunks<'a>(raw: &'a [u8], random: &mut Random) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    let mut rest = raw;
    while !rest.is_empty() {
        let (head, tail) = rest.split_at(1 + random.below(rest.len().min(90)));
        chunks.push(head);
        rest = tail;
    }
    chunks
}

#[test]
fn chat() {
    all_cuts(Format::Chat);
}

#[test]
fn completions() {
    all_cuts(Format::Completions);
}

#[test]
fn responses() {
    all_cuts(Format::Responses);
}

#[test]
fn messages() {
    all_cuts(Format::Messages);
}

#[test]
fn tgi() {
    all_cuts(Format::Tgi);
}

#[test]
fn generic() {
    all_cuts(Format::Generic);
}

/// The pieces of a text decide nothing: every cut of it into two or three deltas gives one result.
#[test]
fn every_way_of_cutting_a_text_into_deltas() {
    let redactor = redactor(POLICY);
    for format in Format::ALL {
        for (slot, value) in format
            .slots()
            .iter()
            .flat_map(|s| VALUES.iter().map(move |v| (*s, *v)))
        {
            let text = format!("é {value} 日");
            let sent = if is_arguments(slot) {
                format!("{{\"a\":{}}}", serde_json::to_string(&text).unwrap())
            } else {
                text.clone()
            };
            let mut random = Random::new(3);
            for (cut, _) in sent.char_indices().skip(1) {
                let (head, tail) = sent.split_at(cut);
                let middle = tail.floor_char_boundary(1 + random.below(tail.len()));
                let (middle, tail) = tail.split_at(middle);
                let pieces = [head, middle, tail].map(|text| Piece {
                    slot,
                    text: text.to_owned(),
                });
                let out = whole(&redactor, format, &format.encode(&pieces));
                let client = format.decode(&out.bytes);
                let mut got = client.texts[slot].clone();
                if is_arguments(slot) {
                    let parsed: serde_json::Value = serde_json::from_str(&got).unwrap();
                    got = parsed["a"].as_str().unwrap().to_owned();
                }
                assert_eq!(got, redactor.redact(&text).text, "{format:?} {slot} {cut}");
                assert!(
                    !String::from_utf8_lossy(&out.bytes).contains(value),
                    "{value}"
                );
                assert_eq!(out.trail.verdict, Verdict::Redact);
            }
        }
    }
}

/// Half a character, an escape, a byte: the text may be cut in any of them.
#[test]
fn values_spelt_in_escapes_and_cut_in_the_middle_of_characters() {
    let redactor = redactor(POLICY);
    let event = |units: &[u16]| {
        let spelt: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
        format!("data: {{\"choices\":[{{\"index\":0,\"text\":\"{spelt}\"}}]}}\n\n")
    };
    for value in VALUES {
        let text = format!("😀{value}😀");
        let units: Vec<u16> = text.encode_utf16().collect();
        for cut in 1..units.len() {
            let (head, tail) = units.split_at(cut);
            let raw = event(head) + &event(tail) + "data: [DONE]\n\n";
            let out = run(
                &redactor,
                Format::Completions,
                raw.as_bytes().chunks(7),
                true,
            );
            let client = Format::Completions.decode(&out.bytes);
            assert_eq!(client.error, None);
            assert_eq!(client.texts["text/0"], redactor.redact(&text).text, "{cut}");
        }
    }
}
