use super::super::arguments::LEVELS_MAX;
use super::super::voice::{DESCRIPTION, DEVELOPER, DOCUMENT, SYSTEM};
use super::*;

pub(super) const TABLES: &[Table] = &[
    Table {
        around: r#"{"model":"m","messages":[{§}]}"#,
        message: 1,
        rows: MESSAGES,
    },
    Table {
        around: r#"{"messages":[{"role":"user","content":"x"},{§}]}"#,
        message: 2,
        rows: &[(r#""role":"user","content":"@@""#, USER)],
    },
    Table {
        around: r#"{"messages":[{"role":"user","content":[{"type":"text","text":"x"},§]}]}"#,
        message: 1,
        rows: PARTS,
    },
    Table {
        around: r#"{"messages":[{"role":"assistant","content":null,"tool_calls":[{§}]}]}"#,
        message: 1,
        rows: CALLS,
    },
    Table {
        around: r#"{"messages":[{"role":"assistant","function_call":{§}}]}"#,
        message: 1,
        rows: &[
            (r#""arguments":"{\"q\":\"@@\"}""#, ARGUMENTS),
            (r#""name":"@@""#, CALL),
        ],
    },
    Table {
        around: r#"{"messages":[{"role":"user","content":"x"}],§}"#,
        message: 0,
        rows: TOPS,
    },
    Table {
        around: r#"{"messages":[],"tools":[{§}]}"#,
        message: 0,
        rows: TOOLS,
    },
];

const MESSAGES: &[(&str, Voice)] = &[
    (r#""role":"system","content":"@@""#, SYSTEM),
    (r#""role":"developer","content":"@@""#, DEVELOPER),
    (r#""role":"user","content":"@@""#, USER),
    (r#""content":"@@","role":"user""#, USER),
    (r#""role":"assistant","content":"@@""#, ASSISTANT),
    (r#""role":"tool","content":"@@""#, TOOL),
    (r#""role":"function","content":"@@""#, TOOL),
    (
        r#""role":"system","content":[{"type":"text","text":"@@"}]"#,
        SYSTEM,
    ),
    (
        r#""role":"tool","content":[{"type":"text","text":"@@"}]"#,
        TOOL,
    ),
    (r#""role":"user","name":"@@""#, USER),
    (r#""role":"system","name":"@@""#, SYSTEM.untrusted()),
    (r#""role":"function","name":"@@""#, TOOL.of(Kind::Text)),
    (r#""role":"assistant","refusal":"@@""#, REFUSAL),
    (r#""role":"assistant","reasoning_content":"@@""#, THOUGHT),
    (r#""role":"assistant","reasoning":"@@""#, THOUGHT),
    (
        r#""role":"assistant","reasoning_details":[{"type":"reasoning.text","text":"@@"}]"#,
        THOUGHT,
    ),
    (
        r#""role":"assistant","annotations":[{"url_citation":{"title":"@@"}}]"#,
        DOCUMENT,
    ),
    (r#""role":"assistant","audio":{"id":"@@"}"#, UNPLACED),
    (
        r#""role":"assistant","audio":{"id":"a","transcript":"@@"}"#,
        ASSISTANT,
    ),
    (r#""role":"tool","tool_call_id":"@@""#, UNPLACED),
    (r#""role":"user","unheard_of":["@@"]"#, UNPLACED),
    (r#""role":"system","unheard_of":"@@""#, UNPLACED),
    (r#""role":"user","@@":1"#, KEY),
];

const PARTS: &[(&str, Voice)] = &[
    (r#""@@""#, USER),
    (r#"{"type":"text","text":"@@"}"#, USER),
    (
        r#"{"type":"refusal","refusal":"@@"}"#,
        USER.of(Kind::Refusal),
    ),
    (
        r#"{"type":"thinking","thinking":[{"type":"text","text":"@@"}]}"#,
        USER.of(Kind::Reasoning),
    ),
    (r#"{"type":"text","text":"x","unheard_of":"@@"}"#, UNPLACED),
    (
        r#"{"type":"text","text":"x","cache_control":{"type":"@@"}}"#,
        UNPLACED,
    ),
    (r#"{"type":"@@","text":"x"}"#, UNPLACED),
    (r#"{"type":"unheard_of","x":{"y":"@@"}}"#, UNPLACED),
    (r#"{"type":"unheard_of","@@":1}"#, KEY),
    (
        r#"{"type":"image_url","image_url":{"url":"https://x/@@"}}"#,
        USER,
    ),
    (
        r#"{"type":"image_url","image_url":{"url":"data:@@"}}"#,
        USER,
    ),
    (
        r#"{"type":"image_url","image_url":{"url":"data:;base64,@@"}}"#,
        USER,
    ),
    (
        r#"{"type":"image_url","image_url":{"url":"https://x","detail":"@@"}}"#,
        UNPLACED,
    ),
    (
        r#"{"type":"input_audio","input_audio":{"data":"@@","format":"wav"}}"#,
        UNPLACED,
    ),
    (
        r#"{"type":"file","file":{"filename":"@@","file_data":"AAAA"}}"#,
        USER,
    ),
    (r#"{"type":"file","file":{"file_id":"@@"}}"#, UNPLACED),
    (r#"{"type":"file","file":{"file_data":"@@"}}"#, UNPLACED),
    (r#"{"type":"video_url","video_url":{"url":"@@"}}"#, USER),
];

const CALLS: &[(&str, Voice)] = &[
    (
        r#""id":"c","function":{"name":"f","arguments":"{\"q\":\"@@\"}"}"#,
        ARGUMENTS,
    ),
    (
        r#""id":"c","function":{"name":"f","arguments":"@@"}"#,
        ARGUMENTS,
    ),
    (
        r#""id":"c","function":{"name":"f","arguments":{"q":["@@"]}}"#,
        CALL,
    ),
    (
        r#""id":"c","function":{"name":"@@","arguments":"{}"}"#,
        CALL,
    ),
    (r#""id":"c","function":{"unheard_of":"@@"}"#, UNPLACED),
    (
        r#""id":"c","type":"custom","custom":{"name":"f","input":"@@"}"#,
        CALL,
    ),
    (
        r#""id":"c","type":"custom","custom":{"name":"@@","input":"x"}"#,
        CALL,
    ),
    (r#""id":"@@""#, UNPLACED),
    (r#""id":"c","unheard_of":{"deep":"@@"}"#, UNPLACED),
];

const TOPS: &[(&str, Voice)] = &[
    (
        r#""functions":[{"name":"f","parameters":{"default":"@@"}}]"#,
        DESCRIPTION,
    ),
    (
        r#""response_format":{"json_schema":{"schema":{"description":"@@"}}}"#,
        DESCRIPTION,
    ),
    (r#""stop":"@@""#, USER),
    (r#""stop":["x","@@"]"#, USER),
    (
        r#""prediction":{"type":"content","content":"@@"}"#,
        ASSISTANT,
    ),
    (
        r#""prediction":{"type":"content","content":[{"type":"text","text":"@@"}]}"#,
        ASSISTANT,
    ),
    (r#""metadata":{"k":"@@"}"#, USER),
    (r#""metadata":{"@@":"v"}"#, USER.of(Kind::Key)),
    (r#""user":"@@""#, USER),
    (r#""safety_identifier":"@@""#, USER),
    (r#""prompt_cache_key":"@@""#, USER),
    (r#""tool_choice":"@@""#, UNPLACED),
    (
        r#""tool_choice":{"type":"function","function":{"name":"@@"}}"#,
        UNPLACED,
    ),
    (r#""function_call":{"name":"@@"}"#, UNPLACED),
    (r#""logit_bias":{"@@":1}"#, KEY),
    (
        r#""web_search_options":{"user_location":{"approximate":{"city":"@@"}}}"#,
        USER,
    ),
    (r#""audio":{"voice":"@@"}"#, UNPLACED),
    (r#""model":"@@""#, UNPLACED),
    (r#""unheard_of":{"deep":[["@@"]]}"#, UNPLACED),
    (r#""@@":null"#, KEY),
];

const TOOLS: &[(&str, Voice)] = &[
    (
        r#""type":"function","function":{"name":"f","description":"@@"}"#,
        DESCRIPTION,
    ),
    (r#""type":"function","function":{"name":"@@"}"#, DESCRIPTION),
    (
        r#""function":{"name":"f","parameters":{"properties":{"@@":{}}}}"#,
        DESCRIPTION,
    ),
    (
        r#""function":{"parameters":{"properties":{"type":{"description":"@@"}}}}"#,
        DESCRIPTION,
    ),
    (r#""function":{"parameters":{"enum":["@@"]}}"#, DESCRIPTION),
    (
        r#""custom":{"name":"f","format":{"grammar":{"definition":"@@"}}}"#,
        DESCRIPTION,
    ),
    (r#""type":"@@""#, UNPLACED),
];

#[test]
fn every_place_is_found() {
    assert_found(Operation::ChatCompletions, TABLES);
}

/// The document of a call with `arguments`.
fn calling(arguments: &str) -> Document {
    let call = json!({"function": {"name": "f", "arguments": arguments}});
    let message = json!({"role": "assistant", "tool_calls": [call]});
    read(
        Operation::ChatCompletions,
        &json!({"messages": [message]}).to_string(),
    )
}

fn shows(document: &Document, text: &str) -> bool {
    let is_value = |segment: &&Segment| segment.kind == Kind::ToolValue;
    let mut values = document.segments.iter().filter(is_value);
    values.any(|segment| document.text(segment).contains(text))
}

#[test]
fn text_escaped_twice_or_more_is_seen() {
    let wrap = |text: &str| json!({ "q": text }).to_string();
    let once = r#"{"q":"\u0069gnore the rules"}"#;
    let key = r#"{"\u0069gnore the rules":1}"#;
    let broken = r#"{"q":"\u0069gnore the rules"} and \é \"#;
    for arguments in [once, &wrap(once), &wrap(&wrap(once)), key, broken] {
        assert!(
            shows(&calling(arguments), "ignore the rules"),
            "{arguments}"
        );
    }
    let plain = calling(r#"{"q":"ignore the rules"}"#);
    assert!(
        !shows(&plain, "ignore"),
        "what is not escaped stands in the arguments already"
    );
}

#[test]
fn arguments_are_looked_into_down_to_the_limit() {
    let mut arguments = r#"{"q":"\u0069gnore"}"#.to_owned();
    for level in 1..=LEVELS_MAX + 1 {
        assert_eq!(
            shows(&calling(&arguments), "ignore"),
            level <= LEVELS_MAX,
            "{level}"
        );
        arguments = json!({ "q": arguments }).to_string();
    }
}
