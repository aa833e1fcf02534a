use super::*;

const SLOT: u32 = 65_536;

#[test]
fn a_whole_stream() {
    let text_item = r#"{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hello","annotations":[],"logprobs":[]}]}"#;
    let completed = format!(
        r#"{{"type":"response.completed","sequence_number":20,"response":{{"id":"resp_1","object":"response","status":"completed","model":"m","output":[{text_item}],"usage":{{"input_tokens":3,"output_tokens":4}}}}}}"#
    );
    let item_done = format!(
        r#"{{"type":"response.output_item.done","output_index":1,"item":{text_item},"sequence_number":9}}"#
    );
    let table = [
        (
            r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","status":"in_progress","instructions":"be kind","output":[],"model":"m"}}"#,
            "(Text: be kind) essential",
        ),
        (
            r#"{"type":"response.output_item.added","output_index":1,"item":{"type":"message","id":"msg_1","status":"in_progress","role":"assistant","content":[]},"sequence_number":1}"#,
            " essential",
        ),
        (
            r#"{"type":"response.content_part.added","item_id":"msg_1","output_index":1,"content_index":2,"part":{"type":"output_text","text":"He","annotations":[]},"sequence_number":2}"#,
            "[Text 1.2: He] essential",
        ),
        (
            r#"{"type":"response.output_text.delta","item_id":"msg_1","output_index":1,"content_index":2,"delta":"llo","logprobs":[],"obfuscation":"Ab1","sequence_number":3}"#,
            "[Text 1.2: llo]",
        ),
        (
            r#"{"type":"response.output_text.delta","item_id":"msg_1","output_index":1,"content_index":2,"delta":"!","logprobs":[{"token":"!"}],"sequence_number":4}"#,
            r#"[Text 1.2: !]-[{"token":"!"}]"#,
        ),
        (
            r#"{"type":"response.output_text.annotation.added","item_id":"msg_1","output_index":1,"content_index":2,"annotation_index":0,"annotation":{"type":"url_citation","url":"https://a/ b","title":"a title"},"sequence_number":5}"#,
            "(Document: https://a/ b)(Document: a title) essential",
        ),
        (
            r#"{"type":"response.output_text.done","item_id":"msg_1","output_index":1,"content_index":2,"text":"Hello!","logprobs":[],"sequence_number":6}"#,
            "(Text: Hello!) ends Text 1.2 essential",
        ),
        (
            r#"{"type":"response.content_part.done","item_id":"msg_1","output_index":1,"content_index":2,"part":{"type":"output_text","text":"Hello!","annotations":[]},"sequence_number":7}"#,
            "(Text: Hello!) essential",
        ),
        (&item_done, "(Text: Hello) essential"),
        (&completed, "(Text: Hello) ends all essential last"),
    ];
    assert_frames(&mut reader(Operation::Responses), &table);
    let frame = reader(Operation::Responses)
        .read(&event(None, &completed))
        .unwrap();
    assert_eq!(frame.usage.input_tokens, Some(3));
    assert_eq!(frame.usage.output_tokens, Some(4));
}

/// Type without its last word, further members, the channel's kind and sub, the `done` member.
const STEMS: &[(&str, &str, Kind, u32, &str)] = &[
    (
        "response.output_text",
        "\"content_index\":2",
        Kind::Text,
        2,
        "text",
    ),
    (
        "response.refusal",
        "\"content_index\":2",
        Kind::Refusal,
        2,
        "refusal",
    ),
    (
        "response.reasoning_text",
        "\"content_index\":2",
        Kind::Reasoning,
        2,
        "text",
    ),
    (
        "response.reasoning_summary_text",
        "\"summary_index\":2",
        Kind::Reasoning,
        SLOT + 2,
        "text",
    ),
    (
        "response.function_call_arguments",
        "\"item_id\":\"i\"",
        Kind::ToolArguments,
        0,
        "arguments",
    ),
    (
        "response.mcp_call_arguments",
        "\"item_id\":\"i\"",
        Kind::ToolArguments,
        SLOT,
        "arguments",
    ),
    (
        "response.custom_tool_call_input",
        "\"item_id\":\"i\"",
        Kind::ToolValue,
        0,
        "input",
    ),
    (
        "response.code_interpreter_call_code",
        "\"item_id\":\"i\"",
        Kind::ToolValue,
        SLOT,
        "code",
    ),
    (
        "response.shell_call_command",
        "\"command_index\":1",
        Kind::ToolValue,
        3 * SLOT + 1,
        "command",
    ),
    (
        "response.audio.transcript",
        "\"item_id\":\"i\"",
        Kind::Text,
        SLOT,
        "transcript",
    ),
    (
        "response.some_novelty",
        "\"content_index\":1",
        Kind::Unplaced,
        16 * SLOT + 1,
        "text",
    ),
];

#[test]
fn every_stem_has_its_channel_which_its_done_event_ends() {
    for (stem, members, kind, sub, done) in STEMS {
        let mut reader = reader(Operation::Responses);
        let delta = format!(
            "{{\"type\":\"{stem}.delta\",\"output_index\":3,{members},\"delta\":\"x y\",\"sequence_number\":8}}"
        );
        let shown = format!("[{kind:?} 3.{sub}: x y]");
        assert_frames(&mut reader, &[(&delta, &shown)]);

        let logprobs = if *stem == "response.output_text" {
            "\"logprobs\":[],"
        } else {
            ""
        };
        let expected = format!(
            "{{\"type\":\"{stem}.delta\",\"output_index\":3,{members},\"delta\":\"TEXT\",{logprobs}\"sequence_number\":8}}"
        );
        let expected = reorder(&expected);
        assert_closes(&mut reader, channel(*kind, 3, *sub), &expected);

        let end =
            format!("{{\"type\":\"{stem}.done\",\"output_index\":3,{members},\"{done}\":\"x y\"}}");
        let shown = format!("({kind:?}: x y) ends {kind:?} 3.{sub} essential");
        assert_frames(&mut reader, &[(&end, &shown)]);
        assert!(reader.read(&event(None, &delta)).is_err(), "{stem} goes on");
    }
}

/// `item_id` stands before `output_index` in what the reader writes.
fn reorder(expected: &str) -> String {
    match expected.contains("\"item_id\"") {
        true => expected.replace(
            "\"output_index\":3,\"item_id\":\"i\"",
            "\"item_id\":\"i\",\"output_index\":3",
        ),
        false => expected.to_owned(),
    }
}

#[test]
fn parts_and_items_end_what_is_in_them() {
    let text =
        r#"{"type":"response.output_text.delta","output_index":0,"content_index":1,"delta":"a"}"#;
    let other =
        r#"{"type":"response.output_text.delta","output_index":0,"content_index":2,"delta":"b"}"#;
    let summary = r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":1,"delta":"c"}"#;
    let arguments =
        r#"{"type":"response.function_call_arguments.delta","output_index":1,"delta":"d"}"#;
    let shown_summary = format!("[Reasoning 0.{}: c]", SLOT + 1);
    let ends_summary = format!(" ends Reasoning 0.{} essential", SLOT + 1);
    assert_frames(
        &mut reader(Operation::Responses),
        &[
            (text, "[Text 0.1: a]"),
            (other, "[Text 0.2: b]"),
            (summary, &shown_summary),
            (arguments, "[ToolArguments 1.0: d]"),
            (
                r#"{"type":"response.content_part.done","output_index":0,"content_index":1,"part":{"type":"output_text","text":"a"}}"#,
                "(Text: a) ends Text 0.1 essential",
            ),
            (
                r#"{"type":"response.reasoning_summary_part.done","output_index":0,"summary_index":1,"part":{"type":"summary_text","text":"c"}}"#,
                &format!("(Reasoning: c){ends_summary}"),
            ),
            (
                r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"message","content":[]}}"#,
                " ends Text 0.2 essential",
            ),
            (
                r#"{"type":"response.output_item.done","output_index":1,"item":{"type":"function_call","arguments":"d"}}"#,
                "(ToolArguments: d) ends ToolArguments 1.0 essential",
            ),
            (
                r#"{"type":"response.incomplete","response":{"status":"incomplete","output":[]}}"#,
                " ends all essential last",
            ),
        ],
    );
}

#[test]
fn what_an_added_item_holds_is_the_beginning_of_its_texts() {
    let mut reader = reader(Operation::Responses);
    assert_frames(
        &mut reader,
        &[
            (
                r#"{"type":"response.output_item.added","output_index":2,"item":{"type":"function_call","id":"fc_1","name":"f","arguments":"{\"a"}}"#,
                "[ToolArguments 2.0: {\"a] essential",
            ),
            (
                r#"{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":2,"delta":"\":1}"}"#,
                "[ToolArguments 2.0: \":1}]",
            ),
            (
                r#"{"type":"response.shell_call_command.added","output_index":3,"command_index":0,"command":"ls"}"#,
                &format!("[ToolValue 3.{}: ls] essential", 3 * SLOT),
            ),
        ],
    );
    assert_closes(
        &mut reader,
        channel(Kind::ToolArguments, 2, 0),
        r#"{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":2,"delta":"TEXT"}"#,
    );
}

#[test]
fn deltas_that_are_objects_flow_member_by_member() {
    let mut reader = reader(Operation::Responses);
    let data = r#"{"type":"response.shell_call_output_content.delta","item_id":"s","output_index":0,"command_index":1,"delta":{"stdout":"out","stderr":"err","nested":{"x":"y z"}}}"#;
    let expected = format!(
        "[ToolResult 0.{}: out][ToolResult 0.{}: err](Key: nested)(Key: x)(Unplaced: y z) essential",
        16 * SLOT + 1,
        17 * SLOT + 1
    );
    assert_frames(&mut reader, &[(data, &expected)]);
    assert_closes(
        &mut reader,
        channel(Kind::ToolResult, 0, 16 * SLOT + 1),
        r#"{"type":"response.shell_call_output_content.delta","item_id":"s","output_index":0,"command_index":1,"delta":{"stdout":"TEXT"}}"#,
    );
    let done = r#"{"type":"response.shell_call_output_content.done","item_id":"s","output_index":0,"command_index":1,"output":[{"stdout":"out"}]}"#;
    let expected = format!(
        "(ToolResult: out) ends ToolResult 0.{} ends ToolResult 0.{} essential",
        16 * SLOT + 1,
        17 * SLOT + 1
    );
    assert_frames(&mut reader, &[(done, &expected)]);
}

#[test]
fn progress_media_errors_and_unknown_events() {
    assert_frames(
        &mut reader(Operation::Responses),
        &[
            (
                r#"{"type":"response.web_search_call.searching","output_index":0,"item_id":"ws_1","sequence_number":1}"#,
                " essential",
            ),
            (
                r#"{"type":"response.audio.delta","delta":"UklGRg==","sequence_number":2}"#,
                " essential",
            ),
            (
                r#"{"type":"response.image_generation_call.partial_image","partial_image_b64":"iVBORw0=","partial_image_index":0,"output_index":0,"item_id":"i"}"#,
                " essential",
            ),
            (
                r#"{"type":"response.new_thing.happened","thing":"some text"}"#,
                "(Key: thing)(Unplaced: some text) essential",
            ),
            (
                r#"{"type":"error","code":"server_error","message":"it broke","param":null,"sequence_number":3}"#,
                "(Text: it broke) ends all essential last",
            ),
        ],
    );
    assert_frames(
        &mut reader(Operation::Responses),
        &[(
            r#"{"error":{"message":"it broke","type":"server_error"}}"#,
            "(Text: it broke) ends all essential last",
        )],
    );
    assert_frames(
        &mut reader(Operation::Responses),
        &[(
            r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"c","message":"it broke"}}}"#,
            "(Text: c)(Text: it broke) ends all essential last",
        )],
    );
}

#[test]
fn the_events_name_must_be_its_type() {
    let data =
        r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"a"}"#;
    let mut reader = reader(Operation::Responses);
    assert!(reader.read(&event(Some("response.created"), data)).is_err());
    reader
        .read(&event(Some("response.output_text.delta"), data))
        .unwrap();
    let bytes = reader.closing(channel(Kind::Text, 0, 0), "x");
    assert!(bytes.starts_with(b"event: response.output_text.delta\ndata: "));
}
