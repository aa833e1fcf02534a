//! What an API does not take is refused, and the message says where.

use super::*;

/// A body and a part of the message.
type Row = (&'static str, &'static str);

fn assert_refused(operation: Operation, around: &str, rows: &[Row]) {
    for (row, message) in rows {
        let body = around.replace('§', row);
        let error = refused(operation, &body);
        assert!(error.contains(message), "{body}: {error}");
    }
}

const BODIES: &[Row] = &[
    ("[]", "the body must be an object"),
    ("\"x\"", "the body must be an object"),
    (r#"{"model":"m"}"#, "`messages`"),
    (r#"{"messages":null}"#, "`messages`"),
    (r#"{"messages":"x"}"#, "/messages must be an array"),
    (r#"{"messages":{"0":1}}"#, "/messages must be an array"),
];

const MESSAGES: &[Row] = &[
    ("\"x\"", "/messages/0 must be"),
    ("null", "/messages/0 must be"),
    (
        r#"{"content":"x"}"#,
        "/messages/0 must be an object with a role",
    ),
    (
        r#"{"role":"root","content":"x"}"#,
        "/messages/0/role must be",
    ),
    (
        r#"{"role":"System","content":"x"}"#,
        "/messages/0/role must be",
    ),
    (r#"{"role":7}"#, "/messages/0/role must be"),
    (
        r#"{"role":"user","name":[]}"#,
        "/messages/0/name must be a string",
    ),
    (
        r#"{"role":"user","tool_calls":7}"#,
        "/messages/0/tool_calls must be",
    ),
    (
        r#"{"role":"user","tool_calls":[7]}"#,
        "/messages/0/tool_calls/0 must be",
    ),
    (
        r#"{"role":"user","function_call":{"arguments":7}}"#,
        "/messages/0/function_call/arguments must be a string",
    ),
];

const CONTENTS: &[Row] = &[
    ("7", "/messages/0/content must be a string or"),
    ("{}", "/messages/0/content must be a string or"),
    ("true", "/messages/0/content must be a string or"),
    ("[7]", "/messages/0/content/0 must be"),
    ("[[]]", "/messages/0/content/0 must be"),
    (
        r#"[{"type":"text","text":7}]"#,
        "/messages/0/content/0/text must be a string",
    ),
    (
        r#"[{"type":"text","text":["x"]}]"#,
        "/messages/0/content/0/text must be a string",
    ),
    (
        r#"[{"type":"image_url","image_url":{"url":[7]}}]"#,
        "/messages/0/content/0/image_url/url must be a string",
    ),
];

const MEMBERS: &[Row] = &[
    (r#""stream":"yes""#, "/stream must be true or false"),
    (r#""stream":1"#, "/stream must be true or false"),
    (r#""max_tokens":-1"#, "/max_tokens must be a whole number"),
    (r#""max_tokens":"9""#, "/max_tokens must be a whole number"),
    (r#""max_tokens":9.0"#, "/max_tokens must be a whole number"),
    (r#""max_tokens":1e3"#, "/max_tokens must be a whole number"),
    (
        r#""max_completion_tokens":18446744073709551616"#,
        "/max_completion_tokens must",
    ),
    (r#""n":"2""#, "/n must be a whole number"),
    (r#""model":7"#, "/model must be a string"),
    (r#""tools":{}"#, "/tools must be an array"),
    (r#""tools":["x"]"#, "/tools/0 must be an object"),
    (r#""stop":7"#, "/stop must be a string"),
    (r#""stop":[7]"#, "/stop/0 must be a string"),
    (r#""user":7"#, "/user must be a string"),
    (
        r#""prompt_embeds":"AAAA""#,
        "/prompt_embeds holds embeddings",
    ),
    (
        r#""prompt_token_ids":[1,2]"#,
        "/prompt_token_ids holds token ids",
    ),
];

#[test]
fn chat() {
    let refuse = |around, rows| assert_refused(Operation::ChatCompletions, around, rows);
    refuse("§", BODIES);
    refuse(r#"{"messages":[§]}"#, MESSAGES);
    refuse(r#"{"messages":[{"role":"user","content":§}]}"#, CONTENTS);
    refuse(r#"{"messages":[],§}"#, MEMBERS);
}

const COMPLETIONS: &[Row] = &[
    (
        r#"{"prompt":[1,2,3]}"#,
        "/prompt holds token ids, which can't be inspected",
    ),
    (r#"{"prompt":[[1,2],[3]]}"#, "/prompt holds token ids"),
    (r#"{"prompt":["x",[3]]}"#, "/prompt holds token ids"),
    (r#"{"prompt":["x",null]}"#, "/prompt/1 must be a string"),
    (r#"{"prompt":[{}]}"#, "/prompt/0 must be a string"),
    (r#"{"prompt":7}"#, "/prompt must be a string"),
    (r#"{"prompt":"x","suffix":7}"#, "/suffix must be a string"),
];

const EMBEDDINGS: &[Row] = &[
    (r#"{"input":[[1,2]]}"#, "/input holds token ids"),
    (r#"{"input":[1]}"#, "/input holds token ids"),
    (r#"{"model":"m"}"#, "`input`"),
];

const RESPONSES: &[Row] = &[
    (
        r#"{"input":7}"#,
        "/input must be a string or an array of items",
    ),
    (r#"{"input":{}}"#, "/input must be"),
    (r#"{"input":["x"]}"#, "/input/0 must be an item"),
    (
        r#"{"input":[{"role":"tool","content":"x"}]}"#,
        "/input/0/role must be",
    ),
    (
        r#"{"input":[{"type":"message"}]}"#,
        "/input/0 must be an object with a role",
    ),
    (
        r#"{"input":[{"role":"user","content":7}]}"#,
        "/input/0/content must be",
    ),
    (
        r#"{"input":[{"type":"function_call_output","output":7}]}"#,
        "/input/0/output must be",
    ),
    (r#"{"instructions":[]}"#, "/instructions must be a string"),
    (
        r#"{"prompt":{"variables":[]}}"#,
        "/prompt/variables must be",
    ),
    (
        r#"{"prompt":{"variables":{"v":7}}}"#,
        "/prompt/variables/v must be",
    ),
];

const ANTHROPIC: &[Row] = &[
    (r#"{"model":"m"}"#, "`messages`"),
    (
        r#"{"messages":[{"role":"system"}]}"#,
        "/messages/0/role must be user or assistant",
    ),
    (
        r#"{"messages":[{"content":"x"}]}"#,
        "/messages/0 must be an object with a role",
    ),
    (
        r#"{"messages":[{"role":"user","content":["x"]}]}"#,
        "/messages/0/content/0 must be",
    ),
    (
        r#"{"messages":[{"role":"user","content":{}}]}"#,
        "/messages/0/content must be",
    ),
    (r#"{"messages":[],"system":7}"#, "/system must be"),
    (
        r#"{"messages":[],"stop_sequences":{}}"#,
        "/stop_sequences must be",
    ),
];

const TGI: &[Row] = &[
    (r#"{"parameters":{}}"#, "`inputs`"),
    (r#"{"inputs":5}"#, "/inputs must be a string"),
    (r#"{"inputs":["x"]}"#, "/inputs must be a string"),
    (
        r#"{"inputs":"x","parameters":"x"}"#,
        "/parameters must be an object",
    ),
    (
        r#"{"inputs":"x","parameters":{"max_new_tokens":"9"}}"#,
        "/parameters/max_new_tokens must be",
    ),
];

const GENERIC: &[Row] = &[
    (r#"{"task":{"goal":7}}"#, "/task/goal must be text"),
    (r#"{"steps":[{"text":true}]}"#, "/steps/0/text must be text"),
    (
        r#"{"options":[{"stream":"no"}]}"#,
        "/options/0/stream must be true or false",
    ),
];

#[test]
fn the_others() {
    for (operation, rows) in [
        (Operation::Completions, COMPLETIONS),
        (Operation::Embeddings, EMBEDDINGS),
        (Operation::Responses, RESPONSES),
        (Operation::Messages, ANTHROPIC),
        (Operation::CountTokens, ANTHROPIC),
        (Operation::Generate, TGI),
        (Operation::GenerateStream, TGI),
        (Operation::Generic, GENERIC),
    ] {
        assert_refused(operation, "§", rows);
    }
}

#[test]
fn messages_name_the_place_and_never_what_stands_there() {
    let error = refused(
        Operation::ChatCompletions,
        r#"{"messages":[{"role":"s3cr3t"}]}"#,
    );
    assert!(error.contains("/messages/0/role") && !error.contains("s3cr3t"));
}

#[test]
fn long_places_are_cut_in_messages() {
    let fields = GenericFields {
        prompt: vec!["/*".into()],
        ..GenericFields::default()
    };
    let raw = Bytes::from(json!({ "ä".repeat(10_000): 7 }).to_string());
    let error = read_request(Operation::Generic, Some(&fields), raw).unwrap_err();
    assert!(error.to_string().len() < 400);
}
