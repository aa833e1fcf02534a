//! Agreement with serde_json: the same bodies are read, less the refusals of this parser, and to
//! the same values.

use std::collections::HashSet;
use std::fmt;

use proptest::prelude::*;
use proptest::sample::select;
use serde::Deserialize;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};

use super::*;

/// Pieces of JSON, whole and broken.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\"a\"",
    "\"b\"",
    "\"\\u0061\"",
    "\"a\":",
    "\"b\":1,",
    "0",
    "1",
    "-",
    "+",
    ".",
    "e",
    "E9",
    "1.5",
    "-0",
    "01",
    "1e400",
    "1e-400",
    "true",
    "false",
    "null",
    "nul",
    "NaN",
    " ",
    "\n",
    "\t",
    "\\",
    "\\n",
    "\\/",
    "\\x",
    "\\u00",
    "\\u00e9",
    "\\ud83d",
    "\\ude00",
    "\\ud83d\\ude00",
    "é",
    "\u{feff}",
    "\u{0}",
    "'",
    "//",
    "x",
];

/// Accepts what serde_json does, if no object has a key twice.
struct Distinct;

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Distinct {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self, A::Error> {
        while elements.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        let mut keys = HashSet::new();
        while let Some(key) = members.next_key::<String>()? {
            members.next_value::<Self>()?;
            if !keys.insert(key) {
                return Err(A::Error::custom("twice"));
            }
        }
        Ok(self)
    }
}

fn is_read_by_serde(text: &str) -> bool {
    serde_json::from_str::<Distinct>(text).is_ok()
}

/// The value as serde_json holds it.
fn rebuilt(value: Value<'_>) -> serde_json::Value {
    match value.kind() {
        JsonKind::Null => serde_json::Value::Null,
        JsonKind::Bool => value.as_bool().into(),
        JsonKind::Number => serde_json::from_str(value.literal()).unwrap(),
        JsonKind::String => value.as_str().unwrap().into(),
        JsonKind::Array => value.elements().map(rebuilt).collect(),
        JsonKind::Object => value
            .members()
            .map(|(key, member)| (key.as_str().unwrap().into_owned(), rebuilt(member)))
            .collect(),
    }
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            prop::collection::hash_map(any::<String>(), inner, 0..20)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// `text` with the characters from `at` on, `cut` of them, replaced by `piece`.
fn spoilt(text: &str, at: prop::sample::Index, cut: usize, piece: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let at = at.index(characters.len() + 1);
    let rest = (at + cut).min(characters.len());
    let head = characters[..at].iter().copied();
    head.chain(piece.chars())
        .chain(characters[rest..].iter().copied())
        .collect()
}

fn assert_agreement(text: &str) -> Result<(), TestCaseError> {
    let read = parse(text.as_bytes());
    prop_assert_eq!(read.is_ok(), is_read_by_serde(text), "{:?}", text);
    if let Ok(json) = read {
        let theirs: serde_json::Value = serde_json::from_str(text).unwrap();
        prop_assert_eq!(rebuilt(json.root()), theirs, "{:?}", text);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn values_are_those_of_serde_json(value in any_json(), pretty: bool) {
        let write = if pretty { serde_json::to_string_pretty } else { serde_json::to_string };
        let text = write(&value).unwrap();
        prop_assert!(is_read_by_serde(&text));
        assert_agreement(&text)?;
        let json = parse(text.as_bytes()).unwrap();
        prop_assert_eq!(json.root().range(), 0..text.len());
    }

    #[test]
    fn pieces_of_json_are_read_as_serde_json_reads_them(
        pieces in prop::collection::vec(select(PIECES), 0..12),
    ) {
        assert_agreement(&pieces.concat())?;
        assert_agreement(&format!("[\"{}\"]", pieces.concat()))?;
        assert_agreement(&format!("{{{}1}}", pieces.join(",")))?;
    }

    #[test]
    fn spoilt_json_is_read_as_serde_json_reads_it(
        value in any_json(),
        at: prop::sample::Index,
        cut in 0_usize..3,
        piece in select(PIECES),
    ) {
        assert_agreement(&spoilt(&value.to_string(), at, cut, piece))?;
    }

    #[test]
    fn encoded_strings_come_back(text: String) {
        let mut literal = Vec::new();
        encode_string(&text, &mut literal);
        let json = parse(&literal).unwrap();
        prop_assert_eq!(json.root().as_str().unwrap(), text.as_str());
    }

    #[test]
    fn no_bytes_cause_a_panic(bytes: Vec<u8>) {
        parse(&bytes).ok();
        parse_lenient(&bytes).ok();
        prop_assert!(pointer_at(&bytes, bytes.len()).is_none());
    }
}
