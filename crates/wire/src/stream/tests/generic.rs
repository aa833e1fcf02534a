use super::*;

fn generic(pointers: &[&str]) -> StreamReader {
    let answer = pointers.iter().map(|pointer| (*pointer).into()).collect();
    let fields = GenericFields {
        answer,
        ..GenericFields::default()
    };
    StreamReader::new(Operation::Generic, Some(Arc::new(fields)))
}

#[test]
fn answers_flow_and_all_else_is_whole() {
    let mut reader = generic(&["/delta/text", "/outputs/*/text"]);
    assert_frames(
        &mut reader,
        &[
            (r#"{"delta":{"text":"Hel"}}"#, "[Text 0.0: Hel]"),
            (
                r#"{"delta":{"text":"lo"},"kind":"token"}"#,
                "[Text 0.0: lo](Key: kind)(Unplaced: token) essential",
            ),
            (
                r#"{"outputs":[{"text":"a"},{"text":"b"}]}"#,
                "[Text 1.1: a][Text 1.2: b]",
            ),
            (
                r#"{"outputs":[{},{"text":"c"}],"n":1}"#,
                "[Text 1.2: c](Key: n) essential",
            ),
            (r#""a bare string""#, "(Unplaced: a bare string) essential"),
            ("[DONE]", " ends all essential last"),
        ],
    );
}

#[test]
fn closing_events_hold_the_path_and_nothing_else() {
    let mut reader = generic(&["/delta/text", "/outputs/*/te\u{e9}xt"]);
    let first = r#"{"delta":{"text":"x","secret":"s"},"user":"jane@example.com"}"#;
    reader.read(&event(Some("token"), first)).unwrap();
    let second = r#"{"outputs":[1,{"te\u00e9xt":"x"}]}"#;
    reader.read(&event(None, second)).unwrap();
    let bytes = reader.closing(channel(Kind::Text, 0, 0), "x");
    assert_eq!(
        bytes,
        "event: token\ndata: {\"delta\":{\"text\":\"x\"}}\n\n"
    );
    assert_closes(
        &mut reader,
        channel(Kind::Text, 0, 0),
        r#"{"delta":{"text":"TEXT"}}"#,
    );
    assert_closes(
        &mut reader,
        channel(Kind::Text, 1, 1),
        r#"{"outputs":[null,{"teéxt":"TEXT"}]}"#,
    );
}

#[test]
fn a_pointer_to_the_root_takes_bare_strings() {
    let mut reader = generic(&[""]);
    assert_frames(&mut reader, &[(r#""Hello""#, "[Text 0.0: Hello]")]);
    assert_closes(&mut reader, channel(Kind::Text, 0, 0), "\"TEXT\"");
}
