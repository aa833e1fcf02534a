//! One reply a format with a text in every place it can stand.

use aegis_core::{Media, MediaKind};

use super::*;

#[test]
fn chat_completions() {
    let body = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"gpt-5-mini",
        "choices":[
          {"index":0,"message":{"role":"assistant","content":"the content","refusal":"the refusal",
             "reasoning":"the reasoning","reasoning_content":"the reasoning content",
             "reasoning_details":[{"type":"reasoning.text","text":"a detail","signature":"c2ln+/="},
                                  {"type":"reasoning.summary","summary":"a summary"},
                                  {"type":"reasoning.encrypted","data":"ZGF0YQ=="}],
             "annotations":[{"type":"url_citation","url_citation":{"url":"https://a.example/?q=x y","title":"the title","start_index":1,"end_index":2}}],
             "audio":{"id":"audio_1","data":"UklGRg==","expires_at":1700000000,"transcript":"the transcript"},
             "tool_calls":[{"id":"call_1","type":"function","function":{"name":"send_mail","arguments":"{\"to\":\"jane\"}"}},
                           {"id":"call_2","type":"custom","custom":{"name":"run","input":"the input"}}],
             "function_call":{"name":"old","arguments":"{\"a\":1}"}},
           "logprobs":{"content":[{"token":"the","bytes":[1],"logprob":-1.0,"top_logprobs":[]}]},"finish_reason":"stop"},
          {"index":1,"message":{"role":"assistant","content":[{"type":"text","text":"a part"},{"type":"thinking","thinking":[{"type":"text","text":"a thought"}]}]},
           "logprobs":null,"finish_reason":"length","stop_reason":"the stop","provider_note":"a note"}],
        "citations":["https://b.example/ x"],
        "usage":{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46},"service_tier":"default"}"#;
    let reply = read(Operation::ChatCompletions, body);
    assert_eq!(
        texts(&reply),
        [
            (Kind::Text, 0, "the content"),
            (Kind::Refusal, 0, "the refusal"),
            (Kind::Reasoning, 0, "the reasoning"),
            (Kind::Reasoning, 0, "the reasoning content"),
            (Kind::Reasoning, 0, "a detail"),
            (Kind::Reasoning, 0, "a summary"),
            (Kind::Document, 0, "https://a.example/?q=x y"),
            (Kind::Document, 0, "the title"),
            (Kind::Text, 0, "the transcript"),
            (Kind::ToolArguments, 0, "{\"to\":\"jane\"}"),
            (Kind::ToolValue, 0, "the input"),
            (Kind::ToolArguments, 0, "{\"a\":1}"),
            (Kind::Text, 1, "a part"),
            (Kind::Reasoning, 1, "a thought"),
            (Kind::Unplaced, 1, "the stop"),
            (Kind::Key, 1, "provider_note"),
            (Kind::Unplaced, 1, "a note"),
            (Kind::Document, 0, "https://b.example/ x"),
        ]
    );
    let logprobs = r#"{"content":[{"token":"the","bytes":[1],"logprob":-1.0,"top_logprobs":[]}]}"#;
    assert_eq!(repeats(&reply), [logprobs]);
    assert_eq!(reply.usage.input_tokens, Some(12));
    assert_eq!(reply.usage.output_tokens, Some(34));
    let (range, model) = reply.document.model.clone().unwrap();
    assert_eq!(body.get(range), Some("\"gpt-5-mini\""));
    assert_eq!(&*model, "gpt-5-mini");
    let audio = Media {
        kind: MediaKind::Audio,
        message: 0,
    };
    assert_eq!(reply.document.media, [audio]);
}

#[test]
fn completions() {
    let body = r#"{"id":"cmpl-1","object":"text_completion","created":1,"model":"m","choices":[
        {"text":"first","index":0,"logprobs":{"tokens":["first"],"token_logprobs":[-1.0]},"finish_reason":"stop"},
        {"text":"second","index":1,"logprobs":null,"finish_reason":"length"}]}"#;
    let reply = read(Operation::Completions, body);
    assert_eq!(
        texts(&reply),
        [(Kind::Text, 0, "first"), (Kind::Text, 1, "second")]
    );
    assert_eq!(repeats(&reply).len(), 1);
}

const RESPONSE: &str = r#"{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"gpt-5",
      "error":{"code":"server_error","message":"an error"},"incomplete_details":null,
      "instructions":"the instructions","user":"the-user","metadata":{"team":"blue"},
      "output":[
        {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"a summary"}],
         "content":[{"type":"reasoning_text","text":"a thought"}],"encrypted_content":"Z0FBQQ=="},
        {"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[
          {"type":"output_text","text":"the text","logprobs":[{"token":"the"}],"annotations":[
            {"type":"url_citation","url":"https://a.example/?q=x y","title":"the title","start_index":1,"end_index":2},
            {"type":"file_citation","file_id":"file-1","filename":"a file","index":1}]},
          {"type":"refusal","refusal":"the refusal"}]},
        {"type":"function_call","id":"fc_1","call_id":"call_1","name":"send_mail","arguments":"{\"to\":1}","status":"completed"},
        {"type":"custom_tool_call","id":"ct_1","call_id":"call_2","name":"run","input":"the input"},
        {"type":"file_search_call","id":"fs_1","status":"completed","queries":["a query"],
         "results":[{"file_id":"file-1","filename":"b file","score":0.5,"text":"a passage","attributes":{"k":"an attribute"}}]},
        {"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search","query":"web query"}},
        {"type":"code_interpreter_call","id":"ci_1","code":"print(1)","container_id":"cntr_1","outputs":[{"type":"logs","logs":"the logs"}]},
        {"type":"local_shell_call","id":"ls_1","call_id":"call_3","action":{"type":"exec","command":["rm","-rf x"],"env":{"HOME":"a b"},"timeout_ms":12345678}},
        {"type":"mcp_call","id":"mcp_1","name":"tool","server_label":"srv","arguments":"{}","output":"mcp output","error":"mcp error"},
        {"type":"mcp_list_tools","id":"ml_1","server_label":"srv","tools":[{"name":"tool","description":"a description","input_schema":{"type":"object","properties":{"city":{"description":"a city"}}}}]},
        {"type":"image_generation_call","id":"ig_1","status":"completed","result":"iVBORw0KGgo=","revised_prompt":"a prompt"},
        {"type":"computer_call","id":"cu_1","call_id":"c","action":{"type":"type","text":"typed text"},"pending_safety_checks":[{"id":"s","code":"c","message":"a check"}]},
        {"type":"brand_new_call","id":"bn_1","payload":{"deep":["something new"]}}],
      "tools":[{"type":"function","name":"send_mail","description":"sends mail","parameters":{"type":"object"}}],
      "usage":{"input_tokens":5,"output_tokens":7,"total_tokens":12,"output_tokens_details":{"reasoning_tokens":0}}}"#;

const RESPONSE_TEXTS: &[(Kind, u32, &str)] = &[
    (Kind::Text, 0, "server_error"),
    (Kind::Text, 0, "an error"),
    (Kind::Text, 0, "the instructions"),
    (Kind::Unplaced, 0, "the-user"),
    (Kind::Key, 0, "team"),
    (Kind::Unplaced, 0, "blue"),
    (Kind::Reasoning, 0, "a summary"),
    (Kind::Reasoning, 0, "a thought"),
    (Kind::Text, 1, "the text"),
    (Kind::Document, 1, "https://a.example/?q=x y"),
    (Kind::Document, 1, "the title"),
    (Kind::Document, 1, "a file"),
    (Kind::Refusal, 1, "the refusal"),
    (Kind::ToolArguments, 2, "{\"to\":1}"),
    (Kind::ToolValue, 3, "the input"),
    (Kind::ToolValue, 4, "a query"),
    (Kind::Document, 4, "b file"),
    (Kind::Document, 4, "a passage"),
    (Kind::Key, 4, "k"),
    (Kind::Document, 4, "an attribute"),
    (Kind::ToolValue, 5, "type"),
    (Kind::ToolValue, 5, "search"),
    (Kind::ToolValue, 5, "query"),
    (Kind::ToolValue, 5, "web query"),
    (Kind::ToolValue, 6, "print(1)"),
    (Kind::ToolResult, 6, "the logs"),
    (Kind::ToolValue, 7, "type"),
    (Kind::ToolValue, 7, "exec"),
    (Kind::ToolValue, 7, "command"),
    (Kind::ToolValue, 7, "rm"),
    (Kind::ToolValue, 7, "-rf x"),
    (Kind::ToolValue, 7, "env"),
    (Kind::ToolValue, 7, "HOME"),
    (Kind::ToolValue, 7, "a b"),
    (Kind::ToolValue, 7, "timeout_ms"),
    (Kind::Number, 7, "12345678"),
    (Kind::ToolArguments, 8, "{}"),
    (Kind::ToolResult, 8, "mcp output"),
    (Kind::ToolResult, 8, "mcp error"),
    (Kind::ToolDescription, 9, "tool"),
    (Kind::ToolDescription, 9, "a description"),
    (Kind::Key, 9, "city"),
    (Kind::ToolDescription, 9, "a city"),
    (Kind::Text, 10, "a prompt"),
    (Kind::ToolValue, 11, "type"),
    (Kind::ToolValue, 11, "type"),
    (Kind::ToolValue, 11, "text"),
    (Kind::ToolValue, 11, "typed text"),
    (Kind::ToolResult, 11, "c"),
    (Kind::ToolResult, 11, "a check"),
    (Kind::Key, 12, "payload"),
    (Kind::Key, 12, "deep"),
    (Kind::Unplaced, 12, "something new"),
    (Kind::ToolDescription, 0, "send_mail"),
    (Kind::ToolDescription, 0, "sends mail"),
];

#[test]
fn responses() {
    let reply = read(Operation::Responses, RESPONSE);
    assert_eq!(texts(&reply), RESPONSE_TEXTS);
    assert_eq!(repeats(&reply), [r#"[{"token":"the"}]"#]);
    assert_eq!(reply.usage.input_tokens, Some(5));
    assert_eq!(reply.usage.output_tokens, Some(7));
    assert_eq!(reply.document.media.len(), 1);
}

#[test]
fn messages() {
    let body = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5",
      "content":[
        {"type":"thinking","thinking":"a thought","signature":"EqQBCg=="},
        {"type":"redacted_thinking","data":"EmwKAh=="},
        {"type":"text","text":"the text","citations":[
           {"type":"char_location","cited_text":"cited text","document_index":0,"document_title":"a title","start_char_index":0,"end_char_index":5},
           {"type":"web_search_result_location","url":"https://a.example/ x","title":"a page","encrypted_index":"RW5j","cited_text":"more"}]},
        {"type":"tool_use","id":"toolu_1","name":"pay","input":{"card":4111111111111111,"short":123456,"to":"jane","deep":{"list":["x y",null,true]}}},
        {"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"a query"}},
        {"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[{"type":"web_search_result","url":"https://b.example/ x","title":"result title","encrypted_content":"RW5j","page_age":"two days"}]},
        {"type":"web_fetch_tool_result","tool_use_id":"s","content":{"type":"web_fetch_result","url":"https://c.example/ x","content":{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="},"title":"doc title"}}},
        {"type":"code_execution_tool_result","tool_use_id":"s","content":{"type":"code_execution_result","stdout":"out text","stderr":"err text","return_code":0,"content":[]}},
        {"type":"mcp_tool_result","tool_use_id":"s","is_error":false,"content":[{"type":"text","text":"mcp text"}]},
        {"type":"compaction","content":"compacted"},
        {"type":"new_block","novelty":"something new"}],
      "stop_reason":"stop_sequence","stop_sequence":"the stop","stop_details":{"type":"refusal","explanation":"an explanation"},
      "usage":{"input_tokens":10,"cache_creation_input_tokens":5,"cache_read_input_tokens":7,"output_tokens":3,"service_tier":"standard"}}"#;
    let reply = read(Operation::Messages, body);
    assert_eq!(
        texts(&reply),
        [
            (Kind::Reasoning, 0, "a thought"),
            (Kind::Text, 2, "the text"),
            (Kind::Document, 2, "cited text"),
            (Kind::Document, 2, "a title"),
            (Kind::Document, 2, "https://a.example/ x"),
            (Kind::Document, 2, "a page"),
            (Kind::Document, 2, "more"),
            (Kind::ToolValue, 3, "card"),
            (Kind::Number, 3, "4111111111111111"),
            (Kind::ToolValue, 3, "short"),
            (Kind::ToolValue, 3, "to"),
            (Kind::ToolValue, 3, "jane"),
            (Kind::ToolValue, 3, "deep"),
            (Kind::ToolValue, 3, "list"),
            (Kind::ToolValue, 3, "x y"),
            (Kind::ToolValue, 4, "query"),
            (Kind::ToolValue, 4, "a query"),
            (Kind::ToolResult, 5, "https://b.example/ x"),
            (Kind::ToolResult, 5, "result title"),
            (Kind::ToolResult, 5, "two days"),
            (Kind::ToolResult, 6, "https://c.example/ x"),
            (Kind::ToolResult, 6, "doc title"),
            (Kind::ToolResult, 7, "out text"),
            (Kind::ToolResult, 7, "err text"),
            (Kind::ToolResult, 8, "mcp text"),
            (Kind::Text, 9, "compacted"),
            (Kind::Key, 10, "novelty"),
            (Kind::Unplaced, 10, "something new"),
            (Kind::Unplaced, 0, "the stop"),
            (Kind::Refusal, 0, "an explanation"),
        ]
    );
    assert_eq!(reply.usage.input_tokens, Some(22));
    assert_eq!(reply.usage.output_tokens, Some(3));
}

#[test]
fn count_tokens() {
    let reply = read(
        Operation::CountTokens,
        r#"{"input_tokens":2095,"note":"a note"}"#,
    );
    assert_eq!(
        texts(&reply),
        [(Kind::Key, 0, "note"), (Kind::Unplaced, 0, "a note")]
    );
    assert_eq!(reply.usage.input_tokens, Some(2095));
}

#[test]
fn generate() {
    let body = r#"{"details":{"finish_reason":"length","generated_tokens":2,"seed":42,
          "prefill":[{"id":1,"text":"prompt"}],"tokens":[{"id":2,"text":"the"},{"id":3,"text":" text"}],"top_tokens":[],
          "best_of_sequences":[{"generated_text":"another text","finish_reason":"length","generated_tokens":2,
             "prefill":[],"tokens":[{"id":4,"text":"another"}],"top_tokens":[[{"id":5,"text":"x"}]]}]},
        "generated_text":"the text"}"#;
    for operation in [Operation::Generate, Operation::GenerateStream] {
        let reply = read(operation, body);
        assert_eq!(
            texts(&reply),
            [(Kind::Text, 1, "another text"), (Kind::Text, 0, "the text")]
        );
        assert_eq!(
            repeats(&reply),
            [
                r#"[{"id":1,"text":"prompt"}]"#,
                r#"[{"id":2,"text":"the"},{"id":3,"text":" text"}]"#,
                r#"[{"id":4,"text":"another"}]"#,
                r#"[[{"id":5,"text":"x"}]]"#,
            ]
        );
        assert_eq!(reply.usage.output_tokens, Some(2));
    }
    let list = read(
        Operation::Generate,
        r#"[{"generated_text":"a b"},{"generated_text":"c d"}]"#,
    );
    assert_eq!(
        texts(&list),
        [(Kind::Text, 0, "a b"), (Kind::Text, 1, "c d")]
    );
}

#[test]
fn embeddings() {
    let body = r#"{"object":"list","data":[
        {"object":"embedding","index":0,"embedding":[0.1,-2e-3, 3]},
        {"object":"embedding","index":1,"embedding":"AACAPwAAAEA="},
        {"object":"embedding","index":2,"embedding":["not a number",1]},
        {"object":"embedding","index":3,"embedding":"not base64!"}],
      "model":"text-embedding-3-small","usage":{"prompt_tokens":8,"total_tokens":8}}"#;
    let reply = read(Operation::Embeddings, body);
    assert_eq!(
        texts(&reply),
        [
            (Kind::Unplaced, 2, "not a number"),
            (Kind::Unplaced, 3, "not base64!"),
        ]
    );
    assert_eq!(reply.usage.input_tokens, Some(8));
    assert_eq!(reply.document.raw, body);
}

#[test]
fn models() {
    let openai = r#"{"object":"list","data":[{"id":"gpt-5-mini","object":"model","created":1,"owned_by":"openai"}]}"#;
    assert_eq!(texts(&read(Operation::Models, openai)), []);
    let anthropic = r#"{"data":[{"type":"model","id":"claude-x","display_name":"Claude X","created_at":"2025-02-19T00:00:00Z"}],"has_more":false,"first_id":null,"extra":"a b"}"#;
    assert_eq!(
        texts(&read(Operation::Models, anthropic)),
        [
            (Kind::Text, 0, "Claude X"),
            (Kind::Key, 0, "extra"),
            (Kind::Unplaced, 0, "a b"),
        ]
    );
}

#[test]
fn generic() {
    let fields = GenericFields {
        answer: vec![
            "/answer".into(),
            "/items/*/text".into(),
            "/a~1b/0".into(),
            "/deep".into(),
        ],
        ..GenericFields::default()
    };
    let body = r#"{"answer":"the answer","id":"abc","items":[{"text":"one","note":"n"},{"text":"two"}],
        "a/b":["first","second"],"deep":{"k":["inside"]},"n":5}"#;
    let raw = Bytes::copy_from_slice(body.as_bytes());
    let reply = read_reply(Operation::Generic, Some(&fields), raw.clone()).unwrap();
    assert_eq!(
        texts(&reply),
        [
            (Kind::Text, 0, "the answer"),
            (Kind::Key, 0, "id"),
            (Kind::Unplaced, 0, "abc"),
            (Kind::Text, 0, "one"),
            (Kind::Key, 0, "note"),
            (Kind::Unplaced, 0, "n"),
            (Kind::Text, 0, "two"),
            (Kind::Text, 0, "first"),
            (Kind::Unplaced, 0, "second"),
            (Kind::Key, 0, "k"),
            (Kind::Text, 0, "inside"),
            (Kind::Key, 0, "n"),
        ]
    );
    // The whole document.
    let fields = GenericFields {
        answer: vec!["".into()],
        ..GenericFields::default()
    };
    let reply = read_reply(Operation::Generic, Some(&fields), raw).unwrap();
    assert!(texts(&reply).contains(&(Kind::Text, 0, "abc")));
    // Without pointers nothing is an answer, and nothing is passed over.
    let reply = read(Operation::Generic, r#"{"a":"x"}"#);
    assert_eq!(
        texts(&reply),
        [(Kind::Key, 0, "a"), (Kind::Unplaced, 0, "x")]
    );
}
