//! Tables of what is read and what is refused, and agreement with serde_json.

use proptest::prelude::*;

use super::*;

fn refused(text: impl AsRef<[u8]>) -> bool {
    parse(text.as_ref()).is_err()
}

#[test]
fn what_two_parsers_could_read_differently_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "}",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "\"a",
        "\"\\\"",
        "01",
        "1.",
        ".5",
        "+1",
        "-",
        "1e",
        "0x1",
        "NaN",
        "Infinity",
        "-Infinity",
        "nul",
        "truE",
        "1 2",
        "{} {}",
        "[1]x",
        "\u{feff}{}",
        "\"\n\"",
        "\"\u{0}\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u+123\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\ud800\"",
        "\"\\ud800x\"",
        "1e999",
        "-1e999",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "{\"x\":{\"b\":1,\"b\":1}}",
        "[{\"a\":1,\"a\":1}]",
        "{\"\":1,\"\":2}",
    ] {
        assert!(refused(text), "{text:?}");
    }
    assert!(refused(b"\"\xff\""));
    assert!(refused(b"\"\xed\xa0\x80\""));
}

#[test]
fn json_is_read() {
    for text in [
        "{}",
        "[]",
        "0",
        "-0",
        "-0.5e+10",
        "\"\"",
        "null",
        " true ",
        "\"\\ud83d\\ude00\"",
        "{\"a\":{\"a\":1}}",
        "[[],{}]",
        "\"\\/\\b\\f\"",
        "{\"a\":1,\"A\":2}",
    ] {
        assert!(parse(text.as_bytes()).is_ok(), "{text:?}");
    }
}

#[test]
fn limits_hold_at_their_edge() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(nested(DEPTH_MAX).as_bytes()).is_ok());
    assert!(refused(nested(DEPTH_MAX + 1)));
    let many = |count: usize| format!("[{}1]", "1,".repeat(count - 2));
    assert!(parse(many(NODES_MAX).as_bytes()).is_ok());
    assert!(refused(many(NODES_MAX + 1)));
    for keys in [2, 12, 13, 500] {
        let object = |last: usize| {
            let members: Vec<String> = (0..keys - 1)
                .chain([last])
                .map(|key| format!("\"k{key}\":0"))
                .collect();
            format!("{{{}}}", members.join(","))
        };
        assert!(parse(object(keys).as_bytes()).is_ok(), "{keys}");
        assert!(refused(object(0)), "{keys}");
    }
}

#[test]
fn halves_pass_only_at_the_ends_of_a_string_and_only_when_lenient() {
    for text in [
        "\"\\ud83d\"",
        "\"a\\ud83d\"",
        "\"\\ude00\"",
        "\"\\ude00b\"",
        "\"\\ude00\\ud83d\"",
    ] {
        assert!(
            refused(text) && parse_lenient(text.as_bytes()).is_ok(),
            "{text}"
        );
    }
    for text in ["\"\\ud83da\"", "\"a\\ude00\"", "\"\\ud83d\\ud83d\""] {
        assert!(parse_lenient(text.as_bytes()).is_err(), "{text}");
    }
    let json = parse_lenient(b"\"\\ude00ab\\ud83d\"").unwrap();
    assert_eq!(json.root().as_str().unwrap(), "ab");
    assert_eq!(json.root().halves(), (Some(0xDE00), Some(0xD83D)));
    let json = parse_lenient(b"\"\\\\ud83d\"").unwrap();
    assert_eq!(json.root().halves(), (None, None));
}

#[test]
fn places_are_named_by_pointer() {
    let raw = br#"{"a":[1,{"b/c":"x"}],"d~":"y"}"#;
    let at = |needle: &str| std::str::from_utf8(raw).unwrap().find(needle).unwrap();
    assert_eq!(pointer_at(raw, at("\"x\"")).as_deref(), Some("/a/1/b~1c"));
    assert_eq!(pointer_at(raw, at("\"y\"")).as_deref(), Some("/d~0"));
    assert_eq!(pointer_at(raw, at("\"b/c\"")).as_deref(), Some("/a/1/b~1c"));
    assert_eq!(pointer_at(raw, 0).as_deref(), Some(""));
    assert_eq!(pointer_at(raw, 3), None);
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

proptest! {
    #[test]
    fn values_are_those_of_serde_json(value in any_json(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let json = parse(text.as_bytes()).unwrap();
        prop_assert_eq!(rebuilt(json.root()), value);
        prop_assert_eq!(json.root().range(), 0..text.len());
    }

    #[test]
    fn what_is_read_serde_json_reads_too(text in r#"[\[\]{}:,"\\u0-9a-fdn\-\.eE tr\n]{0,24}"#) {
        if parse(text.as_bytes()).is_ok() {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
        }
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
