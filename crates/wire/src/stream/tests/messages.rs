use super::*;

const STREAM: &[(&str, &str)] = &[
    (
        r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"model":"claude","stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}"#,
        " essential",
    ),
    (r#"{"type":"ping"}"#, " essential"),
    (
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
        " essential",
    ),
    (
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm","estimated_tokens":3}}"#,
        "[Reasoning 0.0: hm]",
    ),
    (
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQBCg=="}}"#,
        " essential",
    ),
    (
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"not base64"}}"#,
        "(Unplaced: not base64) essential",
    ),
    (
        r#"{"type":"content_block_stop","index":0}"#,
        " ends Reasoning 0.0 essential",
    ),
    (
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":"He","citations":[{"type":"char_location","cited_text":"c t"}]}}"#,
        "[Text 1.0: He](Document: c t) essential",
    ),
    (
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"llo"}}"#,
        "[Text 1.0: llo]",
    ),
    (
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"citations_delta","citation":{"type":"char_location","cited_text":"cited text","document_title":"a title"}}}"#,
        "(Document: cited text)(Document: a title) essential",
    ),
    (
        r#"{"type":"content_block_stop","index":1}"#,
        " ends Text 1.0 essential",
    ),
    (
        r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_1","name":"pay","input":{}}}"#,
        " essential",
    ),
    (
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"to"}}"#,
        "[ToolArguments 2.0: {\"to]",
    ),
    (
        r#"{"type":"content_block_stop","index":2}"#,
        " ends ToolArguments 2.0 essential",
    ),
    (
        r#"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"t","name":"pay","input":{"card":4111111111111111}}}"#,
        "(ToolValue: card)(Number: 4111111111111111) essential",
    ),
    (
        r#"{"type":"content_block_start","index":4,"content_block":{"type":"web_search_tool_result","tool_use_id":"s","content":[{"type":"web_search_result","title":"a title","url":"https://a/ b","encrypted_content":"RW5j"}]}}"#,
        "(ToolResult: a title)(ToolResult: https://a/ b) essential",
    ),
    (
        r#"{"type":"content_block_delta","index":5,"delta":{"type":"compaction_delta","content":"summary"}}"#,
        "[Text 5.1: summary]",
    ),
    (
        r#"{"type":"content_block_delta","index":6,"delta":{"type":"new_delta","novel":"one"}}"#,
        "[Unplaced 6.0: one](Key: novel) essential",
    ),
    (
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":"the stop"},"usage":{"output_tokens":15}}"#,
        "(Unplaced: the stop) ends all essential",
    ),
    (r#"{"type":"message_stop"}"#, " ends all essential last"),
];

#[test]
fn a_whole_stream() {
    assert_frames(&mut reader(Operation::Messages), STREAM);
}

#[test]
fn usage_comes_in_two_parts() {
    let mut reader = reader(Operation::Messages);
    let start = r#"{"type":"message_start","message":{"usage":{"input_tokens":25,"cache_read_input_tokens":5,"output_tokens":1}}}"#;
    let mut usage = reader.read(&event(None, start)).unwrap().usage;
    let delta = r#"{"type":"message_delta","delta":{},"usage":{"output_tokens":15}}"#;
    usage.merge(reader.read(&event(None, delta)).unwrap().usage);
    assert_eq!(usage.input_tokens, Some(30));
    assert_eq!(usage.output_tokens, Some(15));
}

#[test]
fn errors_and_unknown_events_are_text() {
    assert_frames(
        &mut reader(Operation::Messages),
        &[
            (
                r#"{"type":"new_event","x":{"y":"some text"}}"#,
                "(Key: x)(Key: y)(Unplaced: some text) essential",
            ),
            (
                r#"{"type":"error","error":{"type":"overloaded_error","message":"too busy"},"request_id":"r"}"#,
                "(Text: too busy) ends all essential last",
            ),
        ],
    );
}

#[test]
fn the_events_name_must_be_its_type() {
    let data = r#"{"type":"ping"}"#;
    let mut reader = reader(Operation::Messages);
    assert!(reader.read(&event(Some("ping"), data)).is_ok());
    assert!(
        reader
            .read(&event(Some("content_block_delta"), data))
            .is_err()
    );
}

#[test]
fn a_block_goes_on_neither_after_its_end_nor_without_an_index() {
    let mut reader = reader(Operation::Messages);
    let delta =
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}"#;
    reader.read(&event(None, delta)).unwrap();
    let stop = r#"{"type":"content_block_stop","index":0}"#;
    reader.read(&event(None, stop)).unwrap();
    assert!(reader.read(&event(None, delta)).is_err());
    let nowhere = r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}"#;
    assert!(reader.read(&event(None, nowhere)).is_err());
}

#[test]
fn closing_events_have_the_shape_of_the_channel() {
    let table = [
        (
            r#"{"type":"text_delta","text":"x"}"#,
            channel(Kind::Text, 3, 0),
            r#"{"type":"text_delta","text":"TEXT"}"#,
        ),
        (
            r#"{"type":"thinking_delta","thinking":"x"}"#,
            channel(Kind::Reasoning, 3, 0),
            r#"{"type":"thinking_delta","thinking":"TEXT"}"#,
        ),
        (
            r#"{"type":"input_json_delta","partial_json":"x"}"#,
            channel(Kind::ToolArguments, 3, 0),
            r#"{"type":"input_json_delta","partial_json":"TEXT"}"#,
        ),
        (
            r#"{"type":"compaction_delta","content":"x"}"#,
            channel(Kind::Text, 3, 1),
            r#"{"type":"compaction_delta","content":"TEXT"}"#,
        ),
    ];
    for (delta, channel, expected) in table {
        let of = |delta: &str| {
            format!("{{\"type\":\"content_block_delta\",\"index\":3,\"delta\":{delta}}}")
        };
        let mut reader = reader(Operation::Messages);
        let event = event(Some("content_block_delta"), &of(delta));
        reader.read(&event).unwrap();
        let bytes = reader.closing(channel, "x");
        assert!(bytes.starts_with(b"event: content_block_delta\n"));
        assert_closes(&mut reader, channel, &of(expected));
    }
}

#[test]
fn a_delta_of_a_new_type_closes_as_such() {
    let mut reader = reader(Operation::Messages);
    let data =
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"new_delta","novel":"x"}}"#;
    reader.read(&event(None, data)).unwrap();
    let bytes = reader.closing(channel(Kind::Unplaced, 0, 0), "more");
    let expected = data.replace("\"x\"", "\"more\"");
    assert_eq!(bytes, format!("data: {expected}\n\n"));
}

#[test]
fn text_at_a_blocks_start_closes_as_a_delta() {
    let mut reader = reader(Operation::Messages);
    let data =
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"x"}}"#;
    reader.read(&event(None, data)).unwrap();
    assert_closes(
        &mut reader,
        channel(Kind::Text, 0, 0),
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"TEXT"}}"#,
    );
}
