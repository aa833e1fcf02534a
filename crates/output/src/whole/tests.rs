use aegis_core::{DigestKey, Reason};
use serde_json::{Value, json};

use super::*;
use crate::OutputSpec;

const EMAIL: &str = "jane.doe@example.com";
const CARD: &str = "4111 1111 1111 1111";
const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

fn redactor(policy: &str) -> Arc<Redactor> {
    let spec: OutputSpec = serde_saphyr::from_str(policy).unwrap();
    let filter = spec.build(&DigestKey::from_bytes(b"test")).unwrap();
    filter.redactor().clone()
}

fn everything() -> Arc<Redactor> {
    redactor("pii: {}\nsecrets: {}\n")
}

fn filter(redactor: &Arc<Redactor>, operation: Operation, body: &Value) -> WholeReply {
    let raw = Bytes::from(serde_json::to_vec(body).unwrap());
    filter_whole(redactor, operation, None, raw).unwrap()
}

fn filtered(redactor: &Arc<Redactor>, operation: Operation, body: &Value) -> Value {
    let reply = filter(redactor, operation, body);
    serde_json::from_slice(&reply.body.unwrap()).unwrap()
}

fn choice(message: &Value) -> Value {
    json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "fine"}, "finish_reason": "stop"},
        {"index": 1, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}})
}

fn message(block: &Value) -> Value {
    json!({"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [block],
        "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 5}})
}

fn item(item: &Value) -> Value {
    json!({"id": "r", "object": "response", "status": "completed", "model": "m", "output": [item]})
}

/// Every place of a chat completion where a text may stand.
fn chat_places(mark: &str) -> Vec<Value> {
    let arguments = json!({"to": [mark], mark: {"n": 1}}).to_string();
    let function = json!({"name": "f", "arguments": arguments});
    let call = json!({"id": "t", "type": "function", "function": function});
    let cited = json!({"type": "url_citation", "url_citation": {"url": "https://example.org", "title": mark}});
    [
        json!({"role": "assistant", "content": mark}),
        json!({"role": "assistant", "content": null, "refusal": mark}),
        json!({"role": "assistant", "content": "x", "reasoning_content": mark}),
        json!({"role": "assistant", "content": "x", "brand_new": {"field": [mark]}}),
        json!({"role": "assistant", "content": "x", "brand_new": {mark: 1}}),
        json!({"role": "assistant", "content": null, "tool_calls": [call]}),
        json!({"role": "assistant", "content": null, "function_call": function}),
        json!({"role": "assistant", "content": "x", "annotations": [cited]}),
    ]
    .iter()
    .map(choice)
    .collect()
}

fn response_places(mark: &str) -> Vec<Value> {
    let arguments = json!({"to": [mark], mark: {"n": 1}}).to_string();
    let said =
        |parts: Value| json!({"type": "message", "id": "i", "role": "assistant", "content": parts});
    let text = |text: &str| json!({"type": "output_text", "text": text, "annotations": []});
    [
        said(json!([text("fine"), text(mark)])),
        said(json!([{"type": "refusal", "refusal": mark}])),
        json!({"type": "reasoning", "id": "i", "summary": [{"type": "summary_text", "text": mark}]}),
        json!({"type": "function_call", "id": "i", "call_id": "c", "name": "f", "arguments": arguments}),
        json!({"type": "who_knows", "id": "i", "what": mark}),
    ]
    .iter()
    .map(item)
    .collect()
}

fn message_places(mark: &str) -> Vec<Value> {
    let cited = json!({"type": "char_location", "cited_text": mark, "document_index": 0,
        "document_title": "t", "start_char_index": 0, "end_char_index": 1});
    [
        json!({"type": "text", "text": mark}),
        json!({"type": "thinking", "thinking": mark, "signature": ""}),
        json!({"type": "tool_use", "id": "t", "name": "f", "input": {"a": {"b": [mark]}}}),
        json!({"type": "tool_use", "id": "t", "name": "f", "input": {mark: 1}}),
        json!({"type": "text", "text": "x", "citations": [cited]}),
    ]
    .iter()
    .map(message)
    .collect()
}

/// A body of every operation for each place where a text may stand.
fn places(mark: &str) -> Vec<(Operation, Value)> {
    Operation::ALL
        .into_iter()
        .flat_map(|operation| {
            let bodies = match operation {
                Operation::ChatCompletions => chat_places(mark),
                Operation::Responses => response_places(mark),
                Operation::Messages => message_places(mark),
                Operation::Completions => vec![json!({"object": "text_completion", "choices": [
                    {"index": 0, "text": "fine", "finish_reason": "stop"},
                    {"index": 1, "text": mark, "finish_reason": "stop"}]})],
                Operation::Generate | Operation::GenerateStream => vec![
                    json!({"generated_text": mark}),
                    json!([{"generated_text": mark}]),
                ],
                Operation::Generic => vec![json!({"answer": mark}), json!({"deep": [{"er": mark}]})],
                Operation::Embeddings => vec![json!({"object": "list", "data": [], "note": mark})],
                Operation::Models => vec![
                    json!({"object": "list", "data": [{"id": "m", "object": "model", "note": mark}]}),
                ],
                Operation::CountTokens => vec![json!({"input_tokens": 3, "note": mark})],
            };
            bodies.into_iter().map(move |body| (operation, body))
        })
        .collect()
}

#[test]
fn values_are_masked_in_every_place() {
    let redactor = everything();
    for (value, placeholder) in [
        (EMAIL, "[EMAIL]"),
        (CARD, "[CARD]"),
        (KEY, "[AWS_ACCESS_KEY]"),
    ] {
        for (operation, body) in places(value) {
            let reply = filter(&redactor, operation, &body);
            let out = String::from_utf8(reply.body.unwrap().to_vec()).unwrap();
            assert!(!out.contains(value), "{operation:?} {out}");
            assert!(out.contains(placeholder), "{operation:?} {out}");
            assert!(reply.changed);
            assert_eq!(reply.verdict, Verdict::Redact);
            assert!(reply.threats[0].path.is_some() && reply.threats[0].role.is_some());
            serde_json::from_str::<Value>(&out).unwrap();
        }
    }
}

#[test]
fn a_reply_without_values_keeps_its_bytes() {
    let redactor = everything();
    for (operation, body) in places("nothing \"special\" \\ é 😀 here") {
        let raw = Bytes::from(serde_json::to_string_pretty(&body).unwrap());
        let reply = filter_whole(&redactor, operation, None, raw.clone()).unwrap();
        assert_eq!(reply.body.unwrap().as_ptr(), raw.as_ptr(), "{operation:?}");
        assert!(!reply.changed && reply.threats.is_empty());
    }
}

#[test]
fn only_the_literal_changes() {
    let raw = r#"{ "object":"x" , "choices" : [ {"index":0,"text":"to jane.doe\u0040example.com\t!","n":1.50} ] }"#;
    let raw = Bytes::from_static(raw.as_bytes());
    let reply = filter_whole(&everything(), Operation::Completions, None, raw).unwrap();
    let expected =
        r#"{ "object":"x" , "choices" : [ {"index":0,"text":"to [EMAIL]\t!","n":1.50} ] }"#;
    assert_eq!(reply.body.unwrap(), expected);
}

#[test]
fn the_actions() {
    let body = choice(&json!({"role": "assistant", "content": format!("a {CARD} b {EMAIL} c")}));
    let content = |policy: &str| {
        let out = filtered(&redactor(policy), Operation::ChatCompletions, &body);
        out["choices"][1]["message"]["content"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(content("pii: {}"), "a [CARD] b [EMAIL] c");
    assert_eq!(
        content("pii: { per_entity: { card: mask } }"),
        "a **** **** **** 1111 b [EMAIL] c"
    );
    assert_eq!(
        content("pii: { entities: [card], action: mask, keep_last: 2 }"),
        format!("a **** **** **** **11 b {EMAIL} c")
    );
    let hashed = content("pii: { entities: [email], action: hash }");
    assert!(
        hashed.contains("b [EMAIL:") && !hashed.contains(EMAIL),
        "{hashed}"
    );
    assert_eq!(
        content("pii: { action: flag }"),
        format!("a {CARD} b {EMAIL} c")
    );
    assert_eq!(content("{}"), format!("a {CARD} b {EMAIL} c"));
    let flagged = filter(
        &redactor("pii: { action: flag }"),
        Operation::ChatCompletions,
        &body,
    );
    assert_eq!((flagged.verdict, flagged.changed), (Verdict::Flag, false));
    assert_eq!(flagged.threats.len(), 2);
}

#[test]
fn a_blocked_value_blocks_the_reply_wherever_it_stands() {
    let redactor = redactor("pii: { action: redact, per_entity: { card: block } }");
    for (operation, body) in places(CARD) {
        let reply = filter(&redactor, operation, &body);
        assert_eq!(reply.body.unwrap_err().reason(), Reason::OutputBlocked);
        assert_eq!(reply.verdict, Verdict::Block);
        assert!(!reply.threats.is_empty());
    }
    for (operation, body) in places(EMAIL) {
        assert!(filter(&redactor, operation, &body).body.is_ok());
    }
}

#[test]
fn a_value_in_a_bare_number_blocks() {
    let redactor = everything();
    let arguments = |number: &str| format!("{{\"card\": {number}}}");
    for (number, blocked) in [
        ("4111111111111111", true),
        ("4111111111111112", false),
        ("1", false),
    ] {
        let call = json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": "t", "type": "function", "function": {"name": "f", "arguments": arguments(number)}}]});
        let chat = filter(&redactor, Operation::ChatCompletions, &choice(&call));
        assert_eq!(chat.body.is_err(), blocked, "{number}");
        let input: Value = serde_json::from_str(&arguments(number)).unwrap();
        let block = json!({"type": "tool_use", "id": "t", "name": "f", "input": input});
        let messages = filter(&redactor, Operation::Messages, &message(&block));
        assert_eq!(messages.body.is_err(), blocked, "{number}");
    }
    let flagging = self::redactor("pii: { action: flag }");
    let block = json!({"type": "tool_use", "id": "t", "name": "f", "input": {"card": 4_111_111_111_111_111_u64}});
    let reply = filter(&flagging, Operation::Messages, &message(&block));
    assert!(reply.body.is_ok() && reply.verdict == Verdict::Flag);
}

#[test]
fn what_repeats_the_text_goes_when_the_text_changes() {
    let logprobs = |content: &str| {
        json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": content},
            "logprobs": {"content": [{"token": content, "logprob": -0.1, "bytes": [52], "top_logprobs": []}]},
            "finish_reason": "stop"}]})
    };
    let redactor = everything();
    let out = filtered(&redactor, Operation::ChatCompletions, &logprobs(EMAIL));
    assert!(!out.to_string().contains(EMAIL), "{out}");
    let kept = logprobs("hello");
    assert_eq!(filtered(&redactor, Operation::ChatCompletions, &kept), kept);
}

#[test]
fn what_cannot_be_read_is_refused() {
    let redactor = everything();
    let redactor_of_nothing = self::redactor("{}");
    let truncated = r#"{"choices":[{"index":0,"text":"x"#;
    let malformed = json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{'a': 1}"}}]});
    for raw in [
        "",
        "null trailing",
        "<html>",
        truncated,
        r#"{"choices":[],"choices":[]}"#,
        r#"{"a":"\ud800"}"#,
        "{\"a\":\"\u{1}\"}",
        &choice(&malformed).to_string(),
    ] {
        for redactor in [&redactor, &redactor_of_nothing] {
            let raw = Bytes::copy_from_slice(raw.as_bytes());
            let reply = filter_whole(redactor, Operation::ChatCompletions, None, raw.clone());
            let rejection = reply.err().expect("a refusal");
            assert_eq!(rejection.reason(), Reason::UpstreamInvalid, "{raw:?}");
        }
    }
}

#[test]
fn usage_is_read() {
    let reply = filter(
        &everything(),
        Operation::ChatCompletions,
        &choice(&json!({"content": "x"})),
    );
    assert_eq!(
        (reply.usage.input_tokens, reply.usage.output_tokens),
        (Some(3), Some(5))
    );
}
