use super::*;

const HEAD: &str = r#""id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"gpt-5","system_fingerprint":"fp_1""#;

fn chunk(delta: &str) -> String {
    format!("{{{HEAD},\"choices\":[{{\"index\":1,\"delta\":{delta},\"finish_reason\":null}}]}}")
}

#[test]
fn every_place_of_a_chunk() {
    let details = r#"[{"type":"reasoning.text","text":"a","index":0},{"type":"reasoning.summary","summary":"b","index":1},{"type":"reasoning.encrypted","data":"Zm8="}]"#;
    let table = [
        (r#"{"role":"assistant","content":""}"#, " essential"),
        (r#"{"content":"Hel"}"#, "[Text 1.0: Hel]"),
        (
            r#"{"role":"assistant","content":"lo"}"#,
            "[Text 1.0: lo] essential",
        ),
        (r#"{"content":null}"#, " essential"),
        (
            r#"{"content":[{"type":"text","text":"part"}]}"#,
            "[Text 1.0: part]",
        ),
        (
            r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]}"#,
            "[Reasoning 1.3: hm]",
        ),
        (r#"{"refusal":"no"}"#, "[Refusal 1.0: no]"),
        (r#"{"reasoning":"r"}"#, "[Reasoning 1.0: r]"),
        (r#"{"reasoning_content":"rc"}"#, "[Reasoning 1.1: rc]"),
        (r#"{"reasoning_text":"rt"}"#, "[Reasoning 1.2: rt]"),
        (r#"{"thinking":"th"}"#, "[Reasoning 1.3: th]"),
        (
            r#"{"audio":{"id":"a","transcript":"spoken"}}"#,
            "[Text 1.1: spoken] essential",
        ),
        (r#"{"audio":{"data":"UklGRg=="}}"#, " essential"),
        (
            r#"{"function_call":{"arguments":"{\"a"}}"#,
            "[ToolArguments 1.65536: {\"a]",
        ),
        (
            r#"{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":""}}]}"#,
            " essential",
        ),
        (
            r#"{"tool_calls":[{"index":0,"function":{"arguments":"{\"to"}},{"index":2,"function":{"arguments":"{\"b"}}]}"#,
            "[ToolArguments 1.0: {\"to][ToolArguments 1.2: {\"b]",
        ),
        (
            r#"{"tool_calls":[{"index":3,"custom":{"input":"in"}}]}"#,
            "[ToolValue 1.3: in]",
        ),
        (
            r#"{"annotations":[{"type":"url_citation","url_citation":{"url":"u v","title":"t"}}]}"#,
            "(Document: u v)(Document: t) essential",
        ),
        (r#"{"new_field":"n w"}"#, "[Unplaced 1.0: n w]"),
        (
            r#"{"new_field":[{"type":"x","y":"o k"}]}"#,
            "[Unplaced 1.1: o k] essential",
        ),
        (
            r#"{"odd key":"n w"}"#,
            "(Key: odd key)(Unplaced: n w) essential",
        ),
    ];
    let mut reader = reader(Operation::ChatCompletions);
    for (delta, expected) in table {
        assert_frames(&mut reader, &[(&chunk(delta), expected)]);
    }
    let expected = "[Reasoning 1.65536: a][Reasoning 1.65539: b] essential";
    let delta = format!("{{\"reasoning_details\":{details}}}");
    assert_frames(&mut reader, &[(&chunk(&delta), expected)]);
}

#[test]
fn a_choice_ends_with_its_reason_and_the_stream_with_its_mark() {
    assert_frames(
        &mut reader(Operation::ChatCompletions),
        &[
            (
                r#"{"choices":[{"index":0,"delta":{"content":"a","reasoning":"b"}},{"index":1,"delta":{"content":"c"}}]}"#,
                "[Text 0.0: a][Reasoning 0.0: b][Text 1.0: c]",
            ),
            (
                r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
                " ends Text 0.0 ends Reasoning 0.0 essential",
            ),
            // The last piece and the reason in one.
            (
                r#"{"choices":[{"index":1,"delta":{"content":"d"},"finish_reason":"length"}]}"#,
                "[Text 1.0: d] ends Text 1.0 essential",
            ),
            // Azure reports filters after the end.
            (
                r#"{"choices":[{"index":1,"delta":{"content":""},"finish_reason":null}]}"#,
                " essential",
            ),
            (
                r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
                " essential",
            ),
            ("[DONE]", " ends all essential last"),
        ],
    );
}

#[test]
fn text_after_its_end_is_refused() {
    let mut reader = reader(Operation::ChatCompletions);
    let end = r#"{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}"#;
    reader.read(&event(None, end)).unwrap();
    for delta in ["content", "reasoning"] {
        let more = format!("{{\"choices\":[{{\"index\":0,\"delta\":{{\"{delta}\":\"b\"}}}}]}}");
        assert!(reader.read(&event(None, &more)).is_err(), "{delta}");
    }
    let other = r#"{"choices":[{"index":1,"delta":{"content":"a"}}]}"#;
    reader.read(&event(None, other)).unwrap();
    reader.read(&event(None, "[DONE]")).unwrap();
    assert!(reader.read(&event(None, other)).is_err());
}

#[test]
fn usage_is_reported() {
    let data = r#"{"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":22}}"#;
    let frame = reader(Operation::ChatCompletions)
        .read(&event(None, data))
        .unwrap();
    assert_eq!(frame.usage.input_tokens, Some(11));
    assert_eq!(frame.usage.output_tokens, Some(22));
}

#[test]
fn what_repeats_the_tokens_is_dropped() {
    assert_frames(
        &mut reader(Operation::ChatCompletions),
        &[
            (
                r#"{"choices":[{"index":0,"delta":{"content":"a"},"logprobs":{"content":[{"token":"secret"}]},"token_ids":[7]}]}"#,
                r#"[Text 0.0: a]-{"content":[{"token":"secret"}]}-[7]"#,
            ),
            (
                r#"{"choices":[{"index":0,"delta":{"content":"a"},"logprobs":null}]}"#,
                "[Text 0.0: a]",
            ),
        ],
    );
}

#[test]
fn the_text_so_far_is_dropped_where_there_are_deltas() {
    assert_frames(
        &mut reader(Operation::ChatCompletions),
        &[
            (
                r#"{"choices":[{"index":0,"message":{"content":"ab"},"delta":{"content":"b"}}]}"#,
                r#"[Text 0.0: b]-{"content":"ab"}"#,
            ),
            (
                r#"{"choices":[{"index":0,"message":{"content":"c"},"finish_reason":""}]}"#,
                "[Text 0.0: c]",
            ),
        ],
    );
}

#[test]
fn completions_have_text_where_chat_has_deltas() {
    let mut reader = reader(Operation::Completions);
    let data = r#"{"id":"cmpl-1","object":"text_completion","created":1,"model":"m","choices":[{"index":2,"text":"a","logprobs":{"tokens":["a"]},"finish_reason":null}]}"#;
    assert_frames(&mut reader, &[(data, r#"[Text 2.0: a]-{"tokens":["a"]}"#)]);
    assert_closes(
        &mut reader,
        channel(Kind::Text, 2, 0),
        r#"{"id":"cmpl-1","object":"text_completion","created":1,"model":"m","choices":[{"index":2,"text":"TEXT","finish_reason":null}]}"#,
    );
}

#[test]
fn closing_chunks_have_the_shape_of_the_channel() {
    let table = [
        (r#"{"content":"x"}"#, Kind::Text, 0, r#"{"content":"TEXT"}"#),
        (
            r#"{"role":"assistant","refusal":"x"}"#,
            Kind::Refusal,
            0,
            r#"{"refusal":"TEXT"}"#,
        ),
        (
            r#"{"reasoning_content":"x"}"#,
            Kind::Reasoning,
            1,
            r#"{"reasoning_content":"TEXT"}"#,
        ),
        (
            r#"{"tool_calls":[{"index":4,"id":"c","type":"function","function":{"name":"f","arguments":"x"}}]}"#,
            Kind::ToolArguments,
            4,
            r#"{"tool_calls":[{"index":4,"function":{"arguments":"TEXT"}}]}"#,
        ),
        (
            r#"{"tool_calls":[{"index":4,"custom":{"input":"x"}}]}"#,
            Kind::ToolValue,
            4,
            r#"{"tool_calls":[{"index":4,"type":"custom","custom":{"input":"TEXT"}}]}"#,
        ),
        (
            r#"{"function_call":{"name":"f","arguments":"x"}}"#,
            Kind::ToolArguments,
            65_536,
            r#"{"function_call":{"arguments":"TEXT"}}"#,
        ),
        (
            r#"{"audio":{"id":"a","transcript":"x"}}"#,
            Kind::Text,
            1,
            r#"{"audio":{"transcript":"TEXT"}}"#,
        ),
        (
            r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"x"}]}]}"#,
            Kind::Reasoning,
            3,
            r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"TEXT"}]}]}"#,
        ),
        (
            r#"{"reasoning_details":[{"type":"reasoning.summary","summary":"x","index":5}]}"#,
            Kind::Reasoning,
            65_547,
            r#"{"reasoning_details":[{"index":5,"type":"reasoning.summary","summary":"TEXT"}]}"#,
        ),
    ];
    for (delta, kind, sub, expected) in table {
        let mut reader = reader(Operation::ChatCompletions);
        reader.read(&event(None, &chunk(delta))).unwrap();
        let expected = chunk(expected);
        assert_closes(&mut reader, channel(kind, 1, sub), &expected);
    }
}

#[test]
fn a_closing_chunk_follows_the_channels_last_shape_and_holds_nothing_unfiltered() {
    let mut reader = reader(Operation::ChatCompletions);
    let parts = r#"{"id":"an id with jane@example.com","note":"hidden","choices":[{"index":0,"delta":{"content":[{"type":"text","text":"x"}],"name":"n m"}}]}"#;
    reader.read(&event(None, parts)).unwrap();
    assert_closes(
        &mut reader,
        channel(Kind::Text, 0, 0),
        r#"{"choices":[{"index":0,"delta":{"content":[{"type":"text","text":"TEXT"}]},"finish_reason":null}]}"#,
    );
    let plain = r#"{"choices":[{"index":0,"delta":{"content":"x"}}]}"#;
    reader.read(&event(None, plain)).unwrap();
    assert_closes(
        &mut reader,
        channel(Kind::Text, 0, 0),
        r#"{"choices":[{"index":0,"delta":{"content":"TEXT"},"finish_reason":null}]}"#,
    );
    assert!(reader.closing(channel(Kind::Refusal, 0, 0), "x").is_empty());
}

#[test]
fn calls_without_index_are_told_apart_by_their_ids() {
    let whole = |id: &str| {
        format!(
            r#"{{"choices":[{{"delta":{{"tool_calls":[{{"id":"{id}","function":{{"name":"f","arguments":"{{}}"}}}}]}}}}]}}"#
        )
    };
    let more = r#"{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"x"}}]}}]}"#;
    let mut reader = reader(Operation::ChatCompletions);
    assert_frames(
        &mut reader,
        &[
            (&whole("a"), "[ToolArguments 0.131073: {}] essential"),
            (&whole("b"), "[ToolArguments 0.131074: {}] essential"),
            (more, "[ToolArguments 0.131074: x]"),
        ],
    );
    assert_closes(
        &mut reader,
        channel(Kind::ToolArguments, 0, 131_074),
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"function":{"arguments":"TEXT"}}]},"finish_reason":null}]}"#,
    );
}

#[test]
fn an_error_in_the_stream_is_text_and_the_end() {
    assert_frames(
        &mut reader(Operation::ChatCompletions),
        &[(
            r#"{"error":{"message":"it broke","type":"server_error","code":null}}"#,
            "(Text: it broke) ends all essential last",
        )],
    );
}

#[test]
fn closing_chunks_of_unknown_members_hold_their_path() {
    let delta = r#"{"thinking_blocks":[{"type":"thinking","thinking":"a b"}]}"#;
    let mut parser = Parser::new();
    let mut events = Vec::new();
    parser
        .feed(
            format!("data: {}\n\n", chunk(delta)).as_bytes(),
            &mut events,
        )
        .unwrap();
    let mut reader = reader(Operation::ChatCompletions);
    let frame = reader.read(&events[0]).unwrap();
    let written = reader.closing(frame.deltas[0].channel, "rest");
    let text = String::from_utf8(written.to_vec()).unwrap();
    assert!(
        text.contains(r#""choices":[{"index":1,"delta":{"thinking_blocks":[{"thinking":"rest"}]},"finish_reason":null}]"#),
        "{text}"
    );
}
