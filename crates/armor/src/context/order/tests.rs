use aegis_wire::request::read_request;
use serde_json::{Value, json};

use super::*;

fn rules(operation: Operation, body: &Value) -> Vec<(String, String)> {
    let raw = serde_json::to_vec(body).unwrap().into();
    let document = read_request(operation, None, raw).unwrap();
    let threats = if is_worth_reading(&document) {
        check(&document, operation)
    } else {
        Vec::new()
    };
    let rules = threats.into_iter().map(|threat| {
        assert_eq!(threat.category, Category::RoleConfusion);
        (threat.rule.into_owned(), threat.path.unwrap().to_string())
    });
    rules.collect()
}

fn assert_rules(operation: Operation, body: &Value, expected: &[(&str, &str)]) {
    let found = rules(operation, body);
    let found: Vec<_> = found
        .iter()
        .map(|(rule, path)| (&**rule, &**path))
        .collect();
    assert_eq!(found, expected, "{body}");
}

fn call(id: &str) -> Value {
    json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}]})
}

fn result(id: &str) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": "sunny"})
}

fn user() -> Value {
    json!({"role": "user", "content": "what is the weather?"})
}

fn system() -> Value {
    json!({"role": "system", "content": "be kind"})
}

#[test]
fn chat_turns() {
    let chat = |messages: Value, expected: &[(&str, &str)]| {
        let body = json!({"model": "m", "messages": messages});
        assert_rules(Operation::ChatCompletions, &body, expected);
    };
    chat(json!([system(), user()]), &[]);
    chat(json!([system(), user(), call("a"), result("a")]), &[]);
    chat(
        json!([user(), call("a"), result("a"), result("a"), user()]),
        &[],
    );
    chat(json!([user(), call(""), result("")]), &[]);
    chat(json!([user(), result("a")]), &[(ORPHAN.0, "/messages/1")]);
    chat(json!([result("a")]), &[(ORPHAN.0, "/messages/0")]);
    chat(
        json!([user(), {"role": "assistant", "content": "sure"}, result("a")]),
        &[(ORPHAN.0, "/messages/2")],
    );
    chat(
        json!([user(), call("a"), result("b")]),
        &[(MISMATCH.0, "/messages/2")],
    );
    // An assistant turn in between ends what was asked for.
    chat(
        json!([user(), call("a"), result("a"), {"role": "assistant", "content": "x"}, result("a")]),
        &[(ORPHAN.0, "/messages/4")],
    );
    chat(
        json!([user(), {"role": "function", "name": "f", "content": "sunny"}]),
        &[(ORPHAN.0, "/messages/1")],
    );
    chat(
        json!([user(), {"role": "assistant", "content": null,
            "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "sunny"}]),
        &[],
    );
    chat(json!([user(), system()]), &[(LATE.0, "/messages/1")]);
    chat(
        json!([system(), {"role": "developer", "content": "and short"}, user()]),
        &[],
    );
}

#[test]
fn messages_turns() {
    let tool_use = json!({"type": "tool_use", "id": "a", "name": "f", "input": {"q": "x"}});
    let tool_result =
        |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": "sunny"});
    let asked = json!({"role": "assistant", "content": [tool_use]});
    for operation in [Operation::Messages, Operation::CountTokens] {
        let turns = |turns: Value, expected: &[(&str, &str)]| {
            let mut body = json!({"model": "m", "messages": turns, "system": "be kind"});
            if operation == Operation::Messages {
                body["max_tokens"] = 9.into();
            }
            assert_rules(operation, &body, expected);
        };
        let answer = |id: &str| json!({"role": "user", "content": [tool_result(id), {"type": "text", "text": "?"}]});
        turns(json!([user(), asked, answer("a")]), &[]);
        turns(json!([user(), asked, answer("a"), user()]), &[]);
        turns(json!([answer("a")]), &[(ORPHAN.0, "/messages/0/content/0")]);
        turns(
            json!([user(), asked, answer("b")]),
            &[(MISMATCH.0, "/messages/2/content/0")],
        );
    }
}

#[test]
fn responses_items() {
    let items = |body: Value, expected: &[(&str, &str)]| {
        assert_rules(Operation::Responses, &body, expected);
    };
    let call = json!({"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"});
    let output =
        |id: &str| json!({"type": "function_call_output", "call_id": id, "output": "sunny"});
    items(
        json!({"model": "m", "input": [user(), call, output("a")]}),
        &[],
    );
    items(
        json!({"model": "m", "input": [user(), output("a")]}),
        &[(ORPHAN.0, "/input/1")],
    );
    items(
        json!({"model": "m", "input": [user(), call, output("b")]}),
        &[(MISMATCH.0, "/input/2")],
    );
    items(
        json!({"model": "m", "previous_response_id": "resp_1", "input": [output("a")]}),
        &[],
    );
    items(
        json!({"model": "m", "input": [{"type": "item_reference", "id": "x"}, output("a")]}),
        &[],
    );
    items(
        json!({"model": "m", "input": [user(), system()]}),
        &[(LATE.0, "/input/1")],
    );
    items(
        json!({"model": "m", "input": "hello", "instructions": "be kind"}),
        &[],
    );
}

#[test]
fn many_orphans_are_reported_up_to_a_limit() {
    let messages: Vec<_> = (0..100).map(|_| result("a")).collect();
    let body = json!({"model": "m", "messages": messages});
    assert_eq!(rules(Operation::ChatCompletions, &body).len(), THREATS_MAX);
}
