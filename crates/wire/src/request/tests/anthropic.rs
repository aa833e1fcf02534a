use super::super::voice::{DESCRIPTION, DOCUMENT, SYSTEM};
use super::*;

pub(super) const TABLES: &[Table] = &[
    Table {
        around: r#"{"messages":[{"role":"user","content":"x"},{§}]}"#,
        message: 2,
        rows: MESSAGES,
    },
    Table {
        around: r#"{"messages":[{"role":"assistant","content":[{§}]}]}"#,
        message: 1,
        rows: SAID,
    },
    Table {
        around: r#"{"messages":[{"role":"user","content":[{"type":"document","source":{§}}]}]}"#,
        message: 1,
        rows: SOURCES,
    },
    Table {
        around: r#"{"messages":[{"role":"user","content":[{§}]}]}"#,
        message: 1,
        rows: SHOWN,
    },
    Table {
        around: r#"{"messages":[{"role":"user","content":[{"tool_use_id":"t",§}]}]}"#,
        message: 1,
        rows: RESULTS,
    },
    Table {
        around: r#"{"model":"m","messages":[],§}"#,
        message: 0,
        rows: TOPS,
    },
];

const MESSAGES: &[(&str, Voice)] = &[
    (r#""role":"user","content":"@@""#, USER),
    (r#""role":"assistant","content":"@@""#, ASSISTANT),
    (r#""role":"user","content":"x","unheard_of":"@@""#, UNPLACED),
    (r#""role":"user","content":"x","@@":1"#, KEY),
];

const SAID: &[(&str, Voice)] = &[
    (r#""type":"text","text":"@@""#, ASSISTANT),
    (
        r#""type":"text","text":"x","citations":[{"cited_text":"@@"}]"#,
        DOCUMENT,
    ),
    (r#""type":"text","text":"x","unheard_of":"@@""#, UNPLACED),
    (
        r#""type":"thinking","thinking":"@@","signature":"AA==""#,
        THOUGHT,
    ),
    (
        r#""type":"thinking","thinking":"x","signature":"@@""#,
        THOUGHT,
    ),
    (r#""type":"redacted_thinking","data":"@@""#, THOUGHT),
    (
        r#""type":"tool_use","id":"t","name":"f","input":{"a":["@@"]}"#,
        CALL,
    ),
    (
        r#""type":"tool_use","id":"t","name":"f","input":{"@@":1}"#,
        CALL,
    ),
    (r#""type":"tool_use","id":"t","name":"@@","input":{}"#, CALL),
    (
        r#""type":"tool_use","id":"@@","name":"f","input":{}"#,
        UNPLACED,
    ),
    (
        r#""type":"tool_use","id":"t","name":"f","unheard_of":"@@""#,
        UNPLACED,
    ),
    (
        r#""type":"server_tool_use","id":"t","name":"f","input":{"query":"@@"}"#,
        CALL,
    ),
    (
        r#""type":"mcp_tool_use","id":"t","name":"f","server_name":"@@""#,
        CALL,
    ),
    (r#""type":"unheard_of","x":"@@""#, UNPLACED),
    (r#""x":"@@""#, UNPLACED),
];

const SOURCES: &[(&str, Voice)] = &[
    (
        r#""type":"text","media_type":"text/plain","data":"@@""#,
        DOCUMENT,
    ),
    (r#""type":"text","data":"x","unheard_of":"@@""#, UNPLACED),
    (r#""type":"content","content":"@@""#, DOCUMENT),
    (
        r#""type":"content","content":[{"type":"text","text":"@@"}]"#,
        DOCUMENT,
    ),
    (
        r#""type":"base64","media_type":"application/pdf","data":"@@""#,
        UNPLACED,
    ),
    (r#""type":"url","url":"@@""#, DOCUMENT.of(Kind::Text)),
    (r#""type":"file","file_id":"@@""#, UNPLACED),
];

const SHOWN: &[(&str, Voice)] = &[
    (r#""type":"text","text":"@@""#, USER),
    (
        r#""type":"document","title":"@@","source":{"type":"file","file_id":"f"}"#,
        DOCUMENT,
    ),
    (
        r#""type":"document","context":"@@","source":{"type":"file","file_id":"f"}"#,
        DOCUMENT,
    ),
    (
        r#""type":"search_result","source":"@@","title":"t","content":[]"#,
        DOCUMENT,
    ),
    (
        r#""type":"search_result","source":"x","title":"@@","content":[]"#,
        DOCUMENT,
    ),
    (
        r#""type":"search_result","content":[{"type":"text","text":"@@"}]"#,
        DOCUMENT,
    ),
    (r#""type":"image","source":{"type":"url","url":"@@"}"#, USER),
    (
        r#""type":"image","source":{"type":"base64","media_type":"@@","data":"AA"}"#,
        UNPLACED,
    ),
    (
        r#""type":"image","source":{"type":"base64","data":"@@"}"#,
        UNPLACED,
    ),
    (r#""type":"container_upload","file_id":"@@""#, UNPLACED),
];

const RESULTS: &[(&str, Voice)] = &[
    (r#""type":"tool_result","content":"@@""#, TOOL),
    (
        r#""type":"tool_result","content":[{"type":"text","text":"@@"}]"#,
        TOOL,
    ),
    (r#""type":"tool_result","is_error":"@@""#, UNPLACED),
    (
        r#""type":"tool_result","content":{"unheard_of":"@@"}"#,
        UNPLACED,
    ),
    (
        r#""type":"tool_result","content":[{"type":"document","source":{"type":"text","data":"@@"}}]"#,
        DOCUMENT,
    ),
    (
        r#""type":"tool_result","content":[{"type":"image","source":{"type":"url","url":"@@"}}]"#,
        TOOL_URL,
    ),
    (
        r#""type":"mcp_tool_result","content":[{"type":"text","text":"@@"}]"#,
        TOOL,
    ),
    (
        r#""type":"web_search_tool_result","content":[{"type":"web_search_result","title":"@@"}]"#,
        TOOL,
    ),
    (
        r#""type":"web_fetch_tool_result","content":{"type":"web_fetch_result","content":{"type":"document","source":{"type":"text","data":"@@"}}}"#,
        DOCUMENT,
    ),
    (
        r#""type":"code_execution_tool_result","content":{"type":"code_execution_result","stdout":"@@","content":[]}"#,
        TOOL,
    ),
    (
        r#""type":"text_editor_code_execution_tool_result","content":{"type":"text_editor_code_execution_view_result","content":"@@"}"#,
        TOOL,
    ),
    (
        r#""type":"tool_search_tool_result","content":{"type":"tool_search_tool_search_result","tool_references":[{"tool_name":"@@"}]}"#,
        TOOL,
    ),
];

const TOPS: &[(&str, Voice)] = &[
    (r#""system":"@@""#, SYSTEM),
    (r#""system":[{"type":"text","text":"@@"}]"#, SYSTEM),
    (
        r#""system":[{"type":"text","text":"x","citations":[{"title":"@@"}]}]"#,
        DOCUMENT,
    ),
    (r#""system":[{"type":"unheard_of","text":"@@"}]"#, UNPLACED),
    (
        r#""tools":[{"name":"f","description":"@@","input_schema":{}}]"#,
        DESCRIPTION,
    ),
    (
        r#""tools":[{"input_schema":{"properties":{"a":{"description":"@@"}}}}]"#,
        DESCRIPTION,
    ),
    (
        r#""tools":[{"type":"web_search_20250305","allowed_domains":["@@"]}]"#,
        DESCRIPTION,
    ),
    (
        r#""mcp_servers":[{"type":"url","name":"@@","url":"https://x"}]"#,
        DESCRIPTION,
    ),
    (
        r#""mcp_servers":[{"type":"url","name":"s","url":"@@"}]"#,
        DESCRIPTION,
    ),
    (r#""mcp_servers":[{"authorization_token":"@@"}]"#, UNPLACED),
    (
        r#""output_config":{"format":{"schema":{"description":"@@"}}}"#,
        DESCRIPTION,
    ),
    (
        r#""context_management":{"edits":[{"instructions":"@@"}]}"#,
        USER,
    ),
    (r#""metadata":{"user_id":"@@"}"#, USER),
    (r#""stop_sequences":["@@"]"#, USER),
    (r#""tool_choice":{"type":"tool","name":"@@"}"#, UNPLACED),
    (r#""container":{"skills":[{"skill_id":"@@"}]}"#, UNPLACED),
    (r#""unheard_of":"@@""#, UNPLACED),
];

#[test]
fn every_place_is_found() {
    assert_found(Operation::Messages, TABLES);
    assert_found(Operation::CountTokens, TABLES);
}

#[test]
fn tool_input_shows_numbers_from_seven_digits_on() {
    let around =
        r#"{"messages":[{"role":"assistant","content":[{"type":"tool_use","input":[§]}]}]}"#;
    for (number, shown) in [
        ("123456", false),
        ("1234567", true),
        ("-12.34567", true),
        ("4111111111111111", true),
    ] {
        let document = read(Operation::Messages, &around.replace('§', number));
        assert_eq!(document.segments.len(), usize::from(shown), "{number}");
        for segment in &document.segments {
            assert_eq!(
                (segment.kind, document.text(segment)),
                (Kind::Number, number)
            );
            assert_eq!(document.raw[segment.literal.clone()], *number.as_bytes());
        }
    }
}
