use super::super::voice::{DESCRIPTION, DEVELOPER, DOCUMENT, SYSTEM};
use super::*;

pub(super) const TABLES: &[Table] = &[
    Table {
        around: r#"{"model":"m","input":§}"#,
        message: 1,
        rows: &[(r#""@@""#, USER)],
    },
    Table {
        around: r#"{"input":[{"role":"user","content":"x"},{§}]}"#,
        message: 2,
        rows: MESSAGES,
    },
    Table {
        around: r#"{"input":[{"type":"message",§}]}"#,
        message: 1,
        rows: PARTS,
    },
    Table {
        around: r#"{"input":[{"id":"i","call_id":"c",§}]}"#,
        message: 1,
        rows: CALLS,
    },
    Table {
        around: r#"{"input":[{"status":"completed",§}]}"#,
        message: 1,
        rows: OUTPUTS,
    },
    Table {
        around: r#"{"model":"m","input":"x",§}"#,
        message: 0,
        rows: TOPS,
    },
];

const MESSAGES: &[(&str, Voice)] = &[
    (r#""role":"user","content":"@@""#, USER),
    (r#""role":"system","content":"@@""#, SYSTEM),
    (
        r#""role":"assistant","content":"@@","id":"i","status":"completed""#,
        ASSISTANT,
    ),
    (r#""role":"user","content":"x","unheard_of":"@@""#, UNPLACED),
    (r#""type":"item_reference","id":"@@""#, UNPLACED),
    (r#""type":"item_reference","unheard_of":"@@""#, UNPLACED),
    (r#""id":"@@""#, UNPLACED),
    (r#""type":"unheard_of","x":"@@""#, UNPLACED),
    (r#""type":7,"x":"@@""#, UNPLACED),
];

const PARTS: &[(&str, Voice)] = &[
    (
        r#""role":"developer","content":[{"type":"input_text","text":"@@"}]"#,
        DEVELOPER,
    ),
    (
        r#""role":"assistant","content":[{"type":"output_text","text":"@@"}]"#,
        ASSISTANT,
    ),
    (
        r#""role":"assistant","content":[{"type":"refusal","refusal":"@@"}]"#,
        REFUSAL,
    ),
    (
        r#""role":"system","content":[{"type":"text","annotations":[{"title":"@@"}]}]"#,
        DOCUMENT,
    ),
    (
        r#""role":"system","content":[{"type":"text","logprobs":["@@"]}]"#,
        SYSTEM.untrusted(),
    ),
    (
        r#""role":"user","content":[{"type":"input_image","image_url":"https://x/@@"}]"#,
        USER,
    ),
    (
        r#""role":"user","content":[{"type":"input_image","file_id":"@@"}]"#,
        UNPLACED,
    ),
    (
        r#""role":"user","content":[{"type":"input_file","filename":"@@"}]"#,
        USER,
    ),
    (
        r#""role":"user","content":[{"type":"input_file","file_url":"@@"}]"#,
        USER,
    ),
    (
        r#""role":"user","content":[{"type":"unheard_of","x":"@@"}]"#,
        UNPLACED,
    ),
];

const CALLS: &[(&str, Voice)] = &[
    (
        r#""type":"function_call","arguments":"{\"q\":\"@@\"}""#,
        ARGUMENTS,
    ),
    (r#""type":"function_call","name":"@@""#, CALL),
    (r#""type":"function_call","call_id_":"@@""#, UNPLACED),
    (r#""type":"function_call","status":"@@""#, UNPLACED),
    (
        r#""type":"mcp_call","arguments":"{\"q\":\"@@\"}""#,
        ARGUMENTS,
    ),
    (r#""type":"mcp_call","output":"@@""#, TOOL),
    (r#""type":"mcp_call","error":{"message":"@@"}"#, TOOL),
    (r#""type":"mcp_call","server_label":"@@""#, CALL),
    (
        r#""type":"mcp_approval_request","arguments":"{\"q\":\"@@\"}""#,
        ARGUMENTS,
    ),
    (r#""type":"mcp_approval_response","reason":"@@""#, USER),
    (
        r#""type":"mcp_list_tools","tools":[{"name":"f","description":"@@"}]"#,
        DESCRIPTION,
    ),
    (r#""type":"custom_tool_call","input":"@@""#, CALL),
    (
        r#""type":"computer_call","action":{"type":"type","text":"@@"}"#,
        CALL,
    ),
    (
        r#""type":"computer_call","pending_safety_checks":[{"message":"@@"}]"#,
        TOOL,
    ),
    (r#""type":"web_search_call","action":{"query":"@@"}"#, CALL),
    (r#""type":"file_search_call","queries":["@@"]"#, CALL),
    (
        r#""type":"file_search_call","results":[{"text":"@@"}]"#,
        TOOL,
    ),
    (r#""type":"code_interpreter_call","code":"@@""#, CALL),
    (
        r#""type":"code_interpreter_call","outputs":[{"logs":"@@"}]"#,
        TOOL,
    ),
    (
        r#""type":"local_shell_call","action":{"command":["sh","@@"]}"#,
        CALL,
    ),
    (r#""type":"shell_call","action":{"commands":["@@"]}"#, CALL),
    (
        r#""type":"apply_patch_call","operation":{"diff":"@@"}"#,
        CALL,
    ),
    (r#""type":"image_generation_call","result":"@@""#, UNPLACED),
    (r#""type":"tool_search_call","arguments":{"q":"@@"}"#, CALL),
];

const OUTPUTS: &[(&str, Voice)] = &[
    (r#""type":"function_call_output","output":"@@""#, TOOL),
    (
        r#""type":"function_call_output","output":[{"type":"input_text","text":"@@"}]"#,
        TOOL,
    ),
    (r#""type":"function_call_output","call_id":"@@""#, UNPLACED),
    (r#""type":"custom_tool_call_output","output":"@@""#, TOOL),
    (r#""type":"local_shell_call_output","output":"@@""#, TOOL),
    (
        r#""type":"shell_call_output","output":[{"stdout":"@@"}]"#,
        TOOL,
    ),
    (r#""type":"apply_patch_call_output","output":"@@""#, TOOL),
    (
        r#""type":"computer_call_output","output":{"type":"computer_screenshot","image_url":"@@"}"#,
        TOOL_URL,
    ),
    (
        r#""type":"computer_call_output","acknowledged_safety_checks":["@@"]"#,
        TOOL,
    ),
    (
        r#""type":"tool_search_output","tools":[{"description":"@@"}]"#,
        DESCRIPTION,
    ),
    (
        r#""type":"reasoning","summary":[{"type":"summary_text","text":"@@"}]"#,
        THOUGHT,
    ),
    (
        r#""type":"reasoning","content":[{"type":"reasoning_text","text":"@@"}]"#,
        THOUGHT,
    ),
    (r#""type":"reasoning","encrypted_content":"@@""#, THOUGHT),
    (r#""type":"compaction","encrypted_content":"@@""#, THOUGHT),
];

const TOPS: &[(&str, Voice)] = &[
    (r#""instructions":"@@""#, SYSTEM),
    (r#""prompt":{"id":"p","variables":{"v":"@@"}}"#, USER),
    (
        r#""prompt":{"variables":{"v":{"type":"input_text","text":"@@"}}}"#,
        USER,
    ),
    (r#""prompt":{"variables":{"@@":"x"}}"#, USER.of(Kind::Key)),
    (r#""prompt":{"id":"@@"}"#, UNPLACED),
    (
        r#""tools":[{"type":"mcp","server_label":"s","server_description":"@@"}]"#,
        DESCRIPTION,
    ),
    (
        r#""tools":[{"type":"mcp","server_label":"s","server_url":"@@"}]"#,
        DESCRIPTION,
    ),
    (
        r#""tools":[{"type":"function","name":"f","description":"@@"}]"#,
        DESCRIPTION,
    ),
    (
        r#""text":{"format":{"type":"json_schema","schema":{"title":"@@"}}}"#,
        DESCRIPTION,
    ),
    (r#""metadata":{"k":"@@"}"#, USER),
    (r#""user":"@@""#, USER),
    (r#""reasoning":{"effort":"@@"}"#, UNPLACED),
    (r#""previous_response_id":"@@""#, UNPLACED),
    (r#""conversation":{"id":"@@"}"#, UNPLACED),
    (r#""include":["@@"]"#, UNPLACED),
    (r#""context_management":[{"x":"@@"}]"#, UNPLACED),
];

#[test]
fn every_place_is_found() {
    assert_found(Operation::Responses, TABLES);
}
