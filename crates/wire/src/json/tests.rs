//! Tables of what is read and what is refused, and agreement with serde_json.

mod agreement;

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

#[test]
fn errors_name_the_byte() {
    for (text, offset) in [
        (&b"[1,]"[..], 3),
        (b"{\"a\":1,\"a\":2}", 7),
        (b"[\"a\nb\"]", 3),
        (b"[\"ab\\x\"]", 4),
        (b"\"\xff\"", 1),
        (b"{} {}", 3),
        (b"[1e999]", 6),
        (b"", 0),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.offset(), offset, "{text:?}: {error}");
        assert!(!error.message().contains("ab"));
    }
}

#[test]
fn many_keys_are_compared_in_linear_time() {
    // All pairs of so many keys would take minutes.
    let members: Vec<String> = (0..100_000).map(|key| format!("\"k{key}\":0")).collect();
    let body = |last: &str| format!("{{{},\"{last}\":0}}", members.join(","));
    assert!(parse(body("k").as_bytes()).is_ok());
    assert!(refused(body("k99999")));
    assert!(refused(body("\\u006b0")));
}

#[test]
fn escapes_are_undone_where_a_text_is_not_json() {
    for (text, undone) in [
        ("plain", "plain"),
        (r"\u0069gnore \n", "ignore \n"),
        (r"\ud83d\ude00", "\u{1f600}"),
        (r"\x \é \u12 \", r"\x \é \u12 \"),
        (r"a\ud83db", "ab"),
    ] {
        assert_eq!(unescape(text), undone, "{text}");
    }
}

#[test]
fn strings_are_written_with_the_usual_escapes() {
    let mut literal = Vec::new();
    encode_string("a\"\\/\n\r\t\u{8}\u{c}\u{1}\u{7f}é", &mut literal);
    let wanted = "\"a\\\"\\\\/\\n\\r\\t\\b\\f\\u0001\u{7f}é\"";
    assert_eq!(String::from_utf8(literal).unwrap(), wanted);
}
