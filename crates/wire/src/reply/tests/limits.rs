use super::super::looks::{INDEX_MAX, STRUCTURAL_BYTES_MAX};
use super::*;

#[test]
fn identifiers_up_to_the_limit_are_structure() {
    for (length, passes) in [
        (STRUCTURAL_BYTES_MAX - 1, true),
        (STRUCTURAL_BYTES_MAX, true),
        (STRUCTURAL_BYTES_MAX + 1, false),
    ] {
        let body = format!("{{\"id\":\"{}\"}}", "x".repeat(length));
        let reply = read(Operation::ChatCompletions, &body);
        assert_eq!(reply.document.segments.is_empty(), passes, "{length}");
    }
}

#[test]
fn prose_in_a_structural_place_is_text() {
    for text in ["two words", "a@b", "é", "(x)", "a\\u0020b"] {
        let body = format!("{{\"choices\":[{{\"finish_reason\":\"{text}\"}}]}}");
        let reply = read(Operation::ChatCompletions, &body);
        assert_eq!(reply.document.segments.len(), 1, "{text}");
        assert_eq!(reply.document.segments[0].kind, Kind::Unplaced);
    }
}

#[test]
fn signatures_are_base64_or_text() {
    for (signature, passes) in [("EqQBCgYI+/==", true), ("a b", false), ("a@b", false)] {
        let body =
            format!("{{\"content\":[{{\"type\":\"thinking\",\"signature\":\"{signature}\"}}]}}");
        let reply = read(Operation::Messages, &body);
        assert_eq!(reply.document.segments.is_empty(), passes, "{signature}");
    }
}

#[test]
fn numbers_of_seven_digits_are_looked_at() {
    for (number, found) in [
        ("123456", false),
        ("1234567", true),
        ("-12345.67", true),
        ("12345678", true),
        ("1e5", false),
    ] {
        let body =
            format!("{{\"content\":[{{\"type\":\"tool_use\",\"input\":{{\"n\":{number}}}}}]}}");
        let reply = read(Operation::Messages, &body);
        let numbers = texts(&reply)
            .iter()
            .any(|(kind, _, text)| *kind == Kind::Number && *text == number);
        assert_eq!(numbers, found, "{number}");
    }
}

#[test]
fn indexes_up_to_the_limit_are_read() {
    for (index, reads) in [
        (u64::from(INDEX_MAX) - 1, true),
        (u64::from(INDEX_MAX), true),
        (u64::from(INDEX_MAX) + 1, false),
        (u64::MAX, false),
    ] {
        let body = format!("{{\"choices\":[{{\"index\":{index},\"text\":\"x\"}}]}}");
        let reply = read_reply(Operation::Completions, None, Bytes::from(body));
        assert_eq!(reply.is_ok(), reads, "{index}");
    }
    for index in ["-1", "1.5", "\"0\"", "[]", "1e0"] {
        let body = format!("{{\"choices\":[{{\"index\":{index},\"text\":\"x\"}}]}}");
        let reply = read_reply(Operation::Completions, None, Bytes::from(body));
        assert!(reply.is_err(), "{index}");
    }
}

#[test]
fn what_is_not_strict_json_is_refused() {
    for operation in Operation::ALL {
        for body in [
            "",
            "not json",
            "{\"a\":1,\"a\":2}",
            "{\"a\":\"\\ud83d\"}",
            "{} {}",
            "{\"data\":[1,2}",
        ] {
            let reply = read_reply(operation, None, Bytes::from(body));
            assert!(reply.is_err(), "{operation:?}: {body}");
        }
    }
}

#[test]
fn embeddings_of_millions_of_numbers_are_read() {
    let vector = format!("[{}0.5]", "0.0123456, ".repeat(1535));
    let entry = format!("{{\"object\":\"embedding\",\"index\":0,\"embedding\":{vector}}}");
    let body = format!("{{\"data\":[{}{entry}]}}", format!("{entry},").repeat(1023));
    assert!(body.matches(',').count() > json::NODES_MAX);
    assert_eq!(texts(&read(Operation::Embeddings, &body)), []);
}

#[test]
fn only_arrays_of_good_numbers_are_blanked() {
    for (body, expected) in [
        ("[1,2]", "[   ]"),
        ("[ -0.5e+3 ]", "[         ]"),
        ("{\"a\":[1],\"b\":[\"[1]\"]}", "{\"a\":[ ],\"b\":[\"[1]\"]}"),
        ("[[1],[2]]", "[[ ],[ ]]"),
        ("[]", "[]"),
        ("[01]", "[01]"),
        ("[1,]", "[1,]"),
        ("[1 2]", "[1 2]"),
        ("[1e999]", "[1e999]"),
        ("[-]", "[-]"),
        ("[1.]", "[1.]"),
        ("[1e]", "[1e]"),
        ("[+1]", "[+1]"),
        ("[1", "[1"),
        ("[\"\\\"[1]\"]", "[\"\\\"[1]\"]"),
        ("\"[1]", "\"[1]"),
        ("[\"\\\\\",[1]]", "[\"\\\\\",[ ]]"),
    ] {
        assert_eq!(
            numbers::blank(body.as_bytes()),
            expected.as_bytes(),
            "{body}"
        );
    }
}
