//! A marker in every place where text can stand is found, as whose it is.

use aegis_core::{Document, GenericFields, Kind, MediaKind, Operation, Role, Trust};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::read_request;

const MARK: &str = "planted text, with a space";

fn read(operation: Operation, body: &Value) -> Document {
    let fields = GenericFields {
        prompt: vec!["/task/goal".into(), "/steps/*/text".into()],
        answer: Vec::new(),
        stream: Some("/s".into()),
    };
    read_request(operation, Some(&fields), Bytes::from(body.to_string()))
        .unwrap_or_else(|e| panic!("{body}: {e}"))
}

fn refused(operation: Operation, body: &Value) -> String {
    read_request(operation, None, Bytes::from(body.to_string()))
        .map(|_| ())
        .expect_err(&body.to_string())
        .to_string()
}

/// The one segment that holds the mark.
fn found(operation: Operation, body: Value) -> (Role, Kind) {
    let document = read(operation, &body);
    let mut holding = document
        .segments
        .iter()
        .filter(|segment| document.text(segment).contains(MARK));
    let segment = holding
        .next()
        .unwrap_or_else(|| panic!("not found: {body}"));
    let trusted =
        matches!(segment.role, Role::System | Role::Developer) && segment.kind != Kind::Unplaced;
    assert_eq!(segment.trust == Trust::Trusted, trusted, "{body}");
    let literal = std::str::from_utf8(&document.raw[segment.literal.clone()]).unwrap();
    assert!(
        literal.starts_with('"') && literal.ends_with('"'),
        "{literal}"
    );
    (segment.role, segment.kind)
}

fn chat(message: Value) -> Value {
    json!({"model": "m", "messages": [message]})
}

#[test]
fn chat_places() {
    use Kind::{
        Document as Doc, Key, Reasoning, Refusal, Text, ToolArguments, ToolDescription, ToolResult,
        ToolValue, Unplaced,
    };
    let nested = json!({"q": MARK}).to_string();
    for (body, role, kind) in [
        (
            chat(json!({"role": "system", "content": MARK})),
            Role::System,
            Text,
        ),
        (
            chat(json!({"role": "developer", "content": [{"type": "text", "text": MARK}]})),
            Role::Developer,
            Text,
        ),
        (
            chat(json!({"content": MARK, "role": "user"})),
            Role::User,
            Text,
        ),
        (
            chat(
                json!({"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "text", "text": MARK}]}),
            ),
            Role::User,
            Text,
        ),
        (
            chat(json!({"role": "user", "content": "x", "name": MARK})),
            Role::User,
            Text,
        ),
        (
            chat(json!({"role": "assistant", "content": MARK})),
            Role::Assistant,
            Text,
        ),
        (
            chat(json!({"role": "assistant", "content": null, "refusal": MARK})),
            Role::Assistant,
            Refusal,
        ),
        (
            chat(json!({"role": "assistant", "content": "x", "reasoning_content": MARK})),
            Role::Assistant,
            Reasoning,
        ),
        (
            chat(
                json!({"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": nested}}]}),
            ),
            Role::Assistant,
            ToolArguments,
        ),
        (
            chat(
                json!({"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "f", "input": MARK}}]}),
            ),
            Role::Assistant,
            ToolValue,
        ),
        (
            chat(
                json!({"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": nested}}),
            ),
            Role::Assistant,
            ToolArguments,
        ),
        (
            chat(
                json!({"role": "assistant", "content": "x", "annotations": [{"type": "url_citation", "url_citation": {"title": MARK}}]}),
            ),
            Role::Assistant,
            Doc,
        ),
        (
            chat(json!({"role": "tool", "tool_call_id": "c", "content": MARK})),
            Role::Tool,
            ToolResult,
        ),
        (
            chat(json!({"role": "tool", "tool_call_id": MARK, "content": "x"})),
            Role::Tool,
            Unplaced,
        ),
        (
            chat(json!({"role": "function", "name": "f", "content": MARK})),
            Role::Tool,
            ToolResult,
        ),
        (
            chat(json!({"role": "user", "content": [{"type": "unheard_of", "x": {"y": MARK}}]})),
            Role::User,
            Unplaced,
        ),
        (
            chat(json!({"role": "user", "content": "x", "unheard_of": [MARK]})),
            Role::User,
            Unplaced,
        ),
        (
            chat(json!({"role": "system", "content": "x", "unheard_of": MARK})),
            Role::System,
            Unplaced,
        ),
        (
            chat(
                json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": format!("https://x/{MARK}")}}]}),
            ),
            Role::User,
            Unplaced,
        ),
        (
            chat(
                json!({"role": "user", "content": [{"type": "file", "file": {"filename": MARK, "file_data": "AAAA"}}]}),
            ),
            Role::User,
            Doc,
        ),
    ] {
        assert_eq!(
            found(Operation::ChatCompletions, body.clone()),
            (role, kind),
            "{body}"
        );
    }
    for (key, value, kind) in [
        (
            "tools",
            json!([{"type": "function", "function": {"name": "f", "description": MARK}}]),
            ToolDescription,
        ),
        (
            "tools",
            json!([{"type": "function", "function": {"name": MARK}}]),
            ToolDescription,
        ),
        (
            "tools",
            json!([{"type": "function", "function": {"name": "f", "parameters": {"properties": {MARK: {}}}}}]),
            ToolDescription,
        ),
        (
            "functions",
            json!([{"name": "f", "parameters": {"enum": [MARK]}}]),
            ToolDescription,
        ),
        (
            "response_format",
            json!({"type": "json_schema", "json_schema": {"schema": {"description": MARK}}}),
            ToolDescription,
        ),
        ("stop", json!([MARK]), Text),
        (
            "prediction",
            json!({"type": "content", "content": MARK}),
            Text,
        ),
        ("metadata", json!({"k": MARK}), Unplaced),
        ("metadata", json!({MARK: "v"}), Key),
        ("user", json!(MARK), Text),
        ("tool_choice", json!(MARK), Unplaced),
        (
            "web_search_options",
            json!({"user_location": {"approximate": {"city": MARK}}}),
            Unplaced,
        ),
        ("unheard_of", json!({"deep": [[MARK]]}), Unplaced),
    ] {
        let mut body = chat(json!({"role": "user", "content": "x"}));
        body[key] = value;
        assert_eq!(
            found(Operation::ChatCompletions, body.clone()).1,
            kind,
            "{body}"
        );
    }
}

#[test]
fn responses_places() {
    use Kind::{Reasoning, Refusal, Text, ToolArguments, ToolDescription, ToolResult, Unplaced};
    let item = |item: Value| json!({"model": "m", "input": [item]});
    let nested = json!({"q": MARK}).to_string();
    for (body, role, kind) in [
        (json!({"model": "m", "input": MARK}), Role::User, Text),
        (
            json!({"model": "m", "input": "x", "instructions": MARK}),
            Role::System,
            Text,
        ),
        (
            item(json!({"role": "user", "content": MARK})),
            Role::User,
            Text,
        ),
        (
            item(
                json!({"type": "message", "role": "developer", "content": [{"type": "input_text", "text": MARK}]}),
            ),
            Role::Developer,
            Text,
        ),
        (
            item(
                json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": MARK}]}),
            ),
            Role::Assistant,
            Text,
        ),
        (
            item(
                json!({"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": MARK}]}),
            ),
            Role::Assistant,
            Refusal,
        ),
        (
            item(
                json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": nested}),
            ),
            Role::Assistant,
            ToolArguments,
        ),
        (
            item(json!({"type": "function_call_output", "call_id": "c", "output": MARK})),
            Role::Tool,
            ToolResult,
        ),
        (
            item(
                json!({"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": MARK}]}),
            ),
            Role::Tool,
            ToolResult,
        ),
        (
            item(json!({"type": "custom_tool_call_output", "call_id": "c", "output": MARK})),
            Role::Tool,
            ToolResult,
        ),
        (
            item(
                json!({"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": MARK}]}),
            ),
            Role::Assistant,
            Reasoning,
        ),
        (
            item(
                json!({"type": "mcp_call", "id": "m", "name": "f", "arguments": "{}", "output": MARK}),
            ),
            Role::Tool,
            ToolResult,
        ),
        (
            item(json!({"type": "file_search_call", "id": "f", "results": [{"text": MARK}]})),
            Role::Tool,
            ToolResult,
        ),
        (
            item(json!({"type": "custom_tool_call", "call_id": "c", "name": "f", "input": MARK})),
            Role::Tool,
            ToolResult,
        ),
        (
            item(json!({"type": "unheard_of", "x": MARK})),
            Role::Unknown,
            Unplaced,
        ),
        (
            json!({"model": "m", "input": "x", "tools": [{"type": "mcp", "server_label": "s", "server_description": MARK}]}),
            Role::Unknown,
            ToolDescription,
        ),
        (
            json!({"model": "m", "input": "x", "text": {"format": {"type": "json_schema", "schema": {"title": MARK}}}}),
            Role::Unknown,
            ToolDescription,
        ),
        (
            json!({"model": "m", "prompt": {"id": "p", "variables": {"v": MARK}}}),
            Role::User,
            Text,
        ),
        (
            json!({"model": "m", "input": "x", "previous_response_id": MARK}),
            Role::Unknown,
            Unplaced,
        ),
    ] {
        assert_eq!(
            found(Operation::Responses, body.clone()),
            (role, kind),
            "{body}"
        );
    }
}

#[test]
fn anthropic_places() {
    use Kind::{
        Document as Doc, Reasoning, Text, ToolDescription, ToolResult, ToolValue, Unplaced,
    };
    let block = |role: &str, block: Value| json!({"model": "m", "max_tokens": 1, "messages": [{"role": role, "content": [block]}]});
    for (body, role, kind) in [
        (
            json!({"model": "m", "system": MARK, "messages": []}),
            Role::System,
            Text,
        ),
        (
            json!({"model": "m", "system": [{"type": "text", "text": MARK}], "messages": []}),
            Role::System,
            Text,
        ),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": MARK}]}),
            Role::User,
            Text,
        ),
        (
            block("user", json!({"type": "text", "text": MARK})),
            Role::User,
            Text,
        ),
        (
            block(
                "assistant",
                json!({"type": "thinking", "thinking": MARK, "signature": "AA=="}),
            ),
            Role::Assistant,
            Reasoning,
        ),
        (
            block(
                "assistant",
                json!({"type": "tool_use", "id": "t", "name": "f", "input": {"a": [MARK]}}),
            ),
            Role::Assistant,
            ToolValue,
        ),
        (
            block(
                "assistant",
                json!({"type": "tool_use", "id": "t", "name": "f", "input": {MARK: 1}}),
            ),
            Role::Assistant,
            ToolValue,
        ),
        (
            block(
                "user",
                json!({"type": "tool_result", "tool_use_id": "t", "content": MARK}),
            ),
            Role::Tool,
            ToolResult,
        ),
        (
            block(
                "user",
                json!({"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": MARK}]}),
            ),
            Role::Tool,
            ToolResult,
        ),
        (
            block(
                "user",
                json!({"type": "web_search_tool_result", "tool_use_id": "t", "content": [{"type": "web_search_result", "title": MARK}]}),
            ),
            Role::Tool,
            Unplaced,
        ),
        (
            block(
                "user",
                json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": MARK}}),
            ),
            Role::Document,
            Doc,
        ),
        (
            block(
                "user",
                json!({"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": MARK}]}}),
            ),
            Role::Document,
            Doc,
        ),
        (
            block(
                "user",
                json!({"type": "document", "title": MARK, "source": {"type": "file", "file_id": "f"}}),
            ),
            Role::Document,
            Doc,
        ),
        (
            block(
                "user",
                json!({"type": "document", "context": MARK, "source": {"type": "url", "url": "https://x"}}),
            ),
            Role::Document,
            Doc,
        ),
        (
            block(
                "user",
                json!({"type": "search_result", "source": "x", "title": "t", "content": [{"type": "text", "text": MARK}]}),
            ),
            Role::Document,
            Doc,
        ),
        (
            block("user", json!({"type": "unheard_of", "x": MARK})),
            Role::User,
            Unplaced,
        ),
        (
            json!({"model": "m", "messages": [], "tools": [{"name": "f", "description": MARK, "input_schema": {}}]}),
            Role::Unknown,
            ToolDescription,
        ),
        (
            json!({"model": "m", "messages": [], "tools": [{"name": "f", "input_schema": {"properties": {"a": {"description": MARK}}}}]}),
            Role::Unknown,
            ToolDescription,
        ),
        (
            json!({"model": "m", "messages": [], "metadata": {"user_id": MARK}}),
            Role::Unknown,
            Unplaced,
        ),
        (
            json!({"model": "m", "messages": [], "stop_sequences": [MARK]}),
            Role::Unknown,
            Text,
        ),
    ] {
        assert_eq!(
            found(Operation::Messages, body.clone()),
            (role, kind),
            "{body}"
        );
        assert_eq!(
            found(Operation::CountTokens, body.clone()),
            (role, kind),
            "{body}"
        );
    }
}

#[test]
fn other_places() {
    for (operation, body, role, kind) in [
        (
            Operation::Completions,
            json!({"model": "m", "prompt": MARK}),
            Role::User,
            Kind::Text,
        ),
        (
            Operation::Completions,
            json!({"model": "m", "prompt": ["x", MARK]}),
            Role::User,
            Kind::Text,
        ),
        (
            Operation::Completions,
            json!({"model": "m", "prompt": "x", "suffix": MARK}),
            Role::User,
            Kind::Text,
        ),
        (
            Operation::Embeddings,
            json!({"model": "m", "input": MARK}),
            Role::User,
            Kind::Text,
        ),
        (
            Operation::Embeddings,
            json!({"model": "m", "input": ["x", MARK]}),
            Role::User,
            Kind::Text,
        ),
        (
            Operation::Generate,
            json!({"inputs": MARK}),
            Role::User,
            Kind::Text,
        ),
        (
            Operation::GenerateStream,
            json!({"inputs": "x", "parameters": {"stop": [MARK]}}),
            Role::Unknown,
            Kind::Text,
        ),
        (
            Operation::Generate,
            json!({"inputs": "x", "parameters": {"grammar": {"type": "regex", "value": MARK}}}),
            Role::Unknown,
            Kind::ToolDescription,
        ),
        (
            Operation::Generic,
            json!({"task": {"goal": MARK}}),
            Role::User,
            Kind::Text,
        ),
        (
            Operation::Generic,
            json!({"task": {"goal": {"parts": [MARK]}}}),
            Role::User,
            Kind::Text,
        ),
        (
            Operation::Generic,
            json!({"steps": [{"text": "x"}, {"text": MARK}]}),
            Role::User,
            Kind::Text,
        ),
        (
            Operation::Generic,
            json!({"other": MARK}),
            Role::Unknown,
            Kind::Unplaced,
        ),
        (
            Operation::Generic,
            json!({MARK: 1}),
            Role::Unknown,
            Kind::Key,
        ),
    ] {
        assert_eq!(found(operation, body.clone()), (role, kind), "{body}");
    }
}

#[test]
fn what_the_api_does_not_take_is_refused_by_place() {
    for (operation, body, place) in [
        (Operation::ChatCompletions, json!([]), "object"),
        (
            Operation::ChatCompletions,
            json!({"model": "m"}),
            "messages",
        ),
        (
            Operation::ChatCompletions,
            json!({"messages": "x"}),
            "`/messages`",
        ),
        (
            Operation::ChatCompletions,
            json!({"messages": ["x"]}),
            "`/messages/0`",
        ),
        (
            Operation::ChatCompletions,
            json!({"messages": [{"content": "x"}]}),
            "role",
        ),
        (
            Operation::ChatCompletions,
            json!({"messages": [{"role": "root", "content": "x"}]}),
            "`/messages/0/role`",
        ),
        (
            Operation::ChatCompletions,
            json!({"messages": [{"role": "user", "content": 7}]}),
            "`/messages/0/content`",
        ),
        (
            Operation::ChatCompletions,
            json!({"messages": [{"role": "user", "content": [7]}]}),
            "`/messages/0/content/0`",
        ),
        (
            Operation::ChatCompletions,
            json!({"messages": [], "stream": "yes"}),
            "`/stream`",
        ),
        (
            Operation::ChatCompletions,
            json!({"messages": [], "max_tokens": -1}),
            "`/max_tokens`",
        ),
        (
            Operation::ChatCompletions,
            json!({"messages": [], "max_completion_tokens": 1, "max_tokens": 9}),
            "second limit",
        ),
        (
            Operation::ChatCompletions,
            json!({"messages": [], "model": 7}),
            "`/model`",
        ),
        (
            Operation::Completions,
            json!({"prompt": [1, 2, 3]}),
            "tokens",
        ),
        (
            Operation::Completions,
            json!({"prompt": [[1, 2], [3]]}),
            "tokens",
        ),
        (Operation::Embeddings, json!({"input": [[1, 2]]}), "tokens"),
        (
            Operation::Messages,
            json!({"messages": [{"role": "system", "content": "x"}]}),
            "`/messages/0/role`",
        ),
        (Operation::Generate, json!({"inputs": 5}), "`/inputs`"),
    ] {
        let error = refused(operation, &body);
        assert!(error.contains(place), "{body}: {error}");
    }
}

#[test]
fn facts_are_read() {
    let document = read(
        Operation::ChatCompletions,
        &json!({"messages": [], "model": "fast", "stream": true, "n": 3,
        "max_completion_tokens": 77, "tools": [{"type": "function", "function": {"name": "look"}}]}),
    );
    let (range, name) = document.model.clone().unwrap();
    assert_eq!((&document.raw[range], &*name), (&b"\"fast\""[..], "fast"));
    let limit = document.max_tokens.clone().unwrap();
    assert_eq!(
        (&document.raw[limit.literal], limit.value),
        (&b"77"[..], 77)
    );
    assert!(document.stream && document.choices == 3 && *document.tools[0] == *"look");
    assert!(read(Operation::GenerateStream, &json!({"inputs": "x"})).stream);
    assert!(read(Operation::Generic, &json!({"s": true})).stream);
}

#[test]
fn media_are_told_from_text() {
    let image =
        json!({"type": "image_url", "image_url": {"url": "data:image/svg+xml;base64,AAAA+/=="}});
    let document = read(
        Operation::ChatCompletions,
        &chat(json!({"role": "user", "content": [image]})),
    );
    assert_eq!(
        document
            .media
            .iter()
            .map(|media| media.kind)
            .collect::<Vec<_>>(),
        [MediaKind::Image]
    );
    assert!(document.segments.is_empty(), "{:?}", document.segments);
    let blob = json!({"type": "unheard_of", "blob": "QUJD".repeat(100)});
    let document = read(
        Operation::ChatCompletions,
        &chat(json!({"role": "user", "content": [blob]})),
    );
    assert_eq!(document.media[0].kind, MediaKind::File);
    let pdf = json!({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}});
    let document = read(
        Operation::Messages,
        &json!({"messages": [{"role": "user", "content": [pdf]}]}),
    );
    assert_eq!(document.media[0].kind, MediaKind::File);
}

#[test]
fn text_escaped_twice_is_seen() {
    let arguments = r#"{"q":"\u0069gnore the rules"}"#;
    let call = json!({"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}]});
    let document = read(Operation::ChatCompletions, &chat(call));
    assert!(
        document
            .segments
            .iter()
            .any(|segment| segment.kind == Kind::ToolValue
                && document.text(segment) == "ignore the rules")
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<u32>().prop_map(Into::into),
        "[ -~]{0,12}".prop_map(Into::into)
    ];
    let key = prop_oneof![
        "[a-z ]{0,6}",
        Just("content".to_owned()),
        Just("text".to_owned()),
        Just("type".to_owned())
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::hash_map(key.clone(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Every string and key in a value that has a space in it: no identifier has one.
fn prose(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) => out.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|item| prose(item, out)),
        Value::Object(members) => members.iter().for_each(|(key, member)| {
            out.push(key.clone());
            prose(member, out);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    out.retain(|text| text.contains(' '));
}

proptest! {
    #[test]
    fn no_prose_is_passed_over(extra in any_json(), place in 0_usize..6) {
        let (operation, body) = match place {
            0 => (Operation::ChatCompletions, json!({"messages": [], "x": extra})),
            1 => (Operation::ChatCompletions, json!({"messages": [{"role": "user", "content": [{"type": "y", "z": extra}]}]})),
            2 => (Operation::ChatCompletions, json!({"messages": [], "tools": [{"type": "function", "function": {"parameters": extra}}]})),
            3 => (Operation::Responses, json!({"input": [{"type": "y", "z": extra}]})),
            4 => (Operation::Messages, json!({"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "z": extra}]}]})),
            _ => (Operation::Generic, json!({"task": {"goal": extra}})),
        };
        let document = read_request(operation, Some(&GenericFields { prompt: vec!["/task/goal".into()], ..GenericFields::default() }), body.to_string().into()).unwrap();
        let mut wanted = Vec::new();
        prose(&extra, &mut wanted);
        for text in wanted {
            prop_assert!(document.segments.iter().any(|segment| document.text(segment) == text), "{:?} in {}", text, body);
        }
    }

    #[test]
    fn no_body_causes_a_panic(body in any_json(), operation in 0_usize..10) {
        read_request(Operation::ALL[operation], None, body.to_string().into()).ok();
    }
}
