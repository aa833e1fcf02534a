//! What a document says besides its text: model, limits, choices, tools, media.

use aegis_core::MediaKind::{self, Audio, File, Image};

use super::*;
use crate::reply::looks::STRUCTURAL_BYTES_MAX;

#[test]
fn the_model_is_read_with_its_place() {
    let document = read(
        Operation::ChatCompletions,
        r#"{"messages":[],"model":"fast"}"#,
    );
    let (range, name) = document.model.unwrap();
    assert_eq!((&document.raw[range], &*name), (&b"\"fast\""[..], "fast"));
    assert!(document.segments.is_empty());
    let document = read(
        Operation::ChatCompletions,
        r#"{"messages":[],"model":null}"#,
    );
    assert_eq!(document.model, None);
}

#[test]
fn streams_are_asked_for_by_the_body_or_by_the_route() {
    for (operation, body, stream) in [
        (
            Operation::ChatCompletions,
            r#"{"messages":[],"stream":true}"#,
            true,
        ),
        (
            Operation::ChatCompletions,
            r#"{"messages":[],"stream":false}"#,
            false,
        ),
        (
            Operation::ChatCompletions,
            r#"{"messages":[],"stream":null}"#,
            false,
        ),
        (Operation::Responses, r#"{"stream":true}"#, true),
        (Operation::Completions, r#"{"stream":true}"#, true),
        (
            Operation::Messages,
            r#"{"messages":[],"stream":true}"#,
            true,
        ),
        (Operation::GenerateStream, r#"{"inputs":"x"}"#, true),
        (
            Operation::Generate,
            r#"{"inputs":"x","stream":true}"#,
            false,
        ),
        (Operation::Generic, r#"{"options":[{"stream":true}]}"#, true),
        (Operation::Generic, r#"{"stream":true}"#, false),
    ] {
        assert_eq!(read(operation, body).stream, stream, "{operation:?} {body}");
    }
}

#[test]
fn output_limits_stand_where_the_format_puts_them() {
    for (operation, body, limit) in [
        (
            Operation::ChatCompletions,
            r#"{"messages":[],"max_tokens":7}"#,
            Some(7),
        ),
        (
            Operation::ChatCompletions,
            r#"{"messages":[],"max_completion_tokens":7}"#,
            Some(7),
        ),
        (
            Operation::ChatCompletions,
            r#"{"messages":[],"max_completion_tokens":8,"max_tokens":9}"#,
            Some(9),
        ),
        (
            Operation::ChatCompletions,
            r#"{"messages":[],"max_completion_tokens":9,"max_tokens":8}"#,
            Some(9),
        ),
        (
            Operation::ChatCompletions,
            r#"{"messages":[],"max_tokens":null}"#,
            None,
        ),
        (Operation::Responses, r#"{"max_output_tokens":7}"#, Some(7)),
        (Operation::Completions, r#"{"max_tokens":7}"#, Some(7)),
        (
            Operation::Messages,
            r#"{"messages":[],"max_tokens":7}"#,
            Some(7),
        ),
        (
            Operation::Generate,
            r#"{"inputs":"x","parameters":{"max_new_tokens":7}}"#,
            Some(7),
        ),
        (
            Operation::Generate,
            r#"{"inputs":"x","parameters":null}"#,
            None,
        ),
    ] {
        let document = read(operation, body);
        let found = document.max_tokens.map(|number| {
            assert_eq!(
                document.raw[number.literal],
                *number.value.to_string().as_bytes()
            );
            number.value
        });
        assert_eq!(found, limit, "{body}");
    }
}

#[test]
fn the_member_that_limits_output_is_named_where_there_is_one() {
    for (operation, field) in [
        (Operation::ChatCompletions, "max_completion_tokens"),
        (Operation::Responses, "max_output_tokens"),
        (Operation::Completions, "max_tokens"),
        (Operation::Embeddings, ""),
        (Operation::Messages, "max_tokens"),
        (Operation::CountTokens, ""),
        (Operation::Generate, ""),
        (Operation::Generic, ""),
    ] {
        let body = r#"{"messages":[],"inputs":"x","input":"x"}"#;
        assert_eq!(read(operation, body).max_tokens_field, field);
    }
}

#[test]
fn choices_are_the_most_that_any_member_asks_for() {
    for (operation, body, choices) in [
        (Operation::ChatCompletions, r#"{"messages":[]}"#, 1),
        (Operation::ChatCompletions, r#"{"messages":[],"n":3}"#, 3),
        (Operation::ChatCompletions, r#"{"messages":[],"n":0}"#, 1),
        (Operation::Completions, r#"{"n":2,"best_of":5}"#, 5),
        (
            Operation::Generate,
            r#"{"inputs":"x","parameters":{"best_of":4}}"#,
            4,
        ),
    ] {
        assert_eq!(read(operation, body).choices, choices, "{body}");
    }
}

#[test]
fn offered_tools_are_named() {
    let names = |operation, body: &str| read(operation, body).tools.join(" ");
    let tools = r#"{"messages":[],"functions":[{"name":"a"}],"tools":[
        {"type":"function","function":{"name":"b"}},
        {"type":"custom","custom":{"name":"c"}},
        {"type":"function","name":"d"},
        {"type":"mcp","server_label":"e","server_url":"https://x"},
        {"type":"web_search"},
        {"type":"namespace","name":"f","tools":[{"type":"function","name":"g"}]}]}"#;
    assert_eq!(
        names(Operation::ChatCompletions, tools),
        "a b c d e web_search f g"
    );
    let tools = r#"{"messages":[],"tools":[{"name":"a"}],"mcp_servers":[{"name":"b"}]}"#;
    assert_eq!(names(Operation::Messages, tools), "a b");
}

/// The kinds of media that `row` gives, standing in `around`.
fn assert_media(operation: Operation, around: &str, rows: &[(&str, &[MediaKind])]) {
    for (row, kinds) in rows {
        let document = read(operation, &around.replace('§', row));
        let found: Vec<MediaKind> = document.media.iter().map(|media| media.kind).collect();
        assert_eq!(found, *kinds, "{row}");
        assert!(
            document.media.iter().all(|media| media.message == 1),
            "{row}"
        );
    }
}

const PARTS: &[(&str, &[MediaKind])] = &[
    (r#"{"type":"text","text":"x"}"#, &[]),
    (
        r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}"#,
        &[Image],
    ),
    (
        r#"{"type":"image_url","image_url":{"url":"https://x/y.png"}}"#,
        &[Image],
    ),
    (
        r#"{"type":"input_image","image_url":"data:image/png;base64,AA"}"#,
        &[Image],
    ),
    (r#"{"type":"input_image","file_id":"f"}"#, &[Image]),
    (
        r#"{"type":"input_audio","input_audio":{"data":"AA","format":"wav"}}"#,
        &[Audio],
    ),
    (r#"{"type":"file","file":{"file_id":"f"}}"#, &[File]),
    (
        r#"{"type":"file","file":{"file_data":"data:application/pdf;base64,AA"}}"#,
        &[File],
    ),
    (
        r#"{"type":"video_url","video_url":{"url":"https://x"}}"#,
        &[File],
    ),
    (r#"{"type":"new_audio_kind","ref":"x"}"#, &[Audio]),
    (r#"{"type":"unheard_of","x":"y"}"#, &[]),
    (
        r#"{"type":"unheard_of","deep":{"url":"data:image/png;base64,AA"}}"#,
        &[Image],
    ),
    (
        r#"{"type":"unheard_of","deep":{"url":"\u0064ata:image\/png;base64,AA"}}"#,
        &[Image],
    ),
    (
        r#"{"type":"unheard_of","x":{"type":"base64","media_type":"image/png","data":"AA"}}"#,
        &[Image],
    ),
];

const BLOCKS: &[(&str, &[MediaKind])] = &[
    (r#"{"type":"text","text":"x"}"#, &[]),
    (
        r#"{"type":"image","source":{"type":"base64","data":"AA"}}"#,
        &[Image],
    ),
    (
        r#"{"type":"document","source":{"type":"base64","data":"AA"}}"#,
        &[File],
    ),
    (
        r#"{"type":"document","source":{"type":"url","url":"https://x"}}"#,
        &[File],
    ),
    (r#"{"type":"document"}"#, &[File]),
    (
        r#"{"type":"document","source":{"type":"text","data":"x"}}"#,
        &[],
    ),
    (r#"{"type":"container_upload","file_id":"f"}"#, &[File]),
    (
        r#"{"type":"tool_result","content":[{"type":"image","source":{"type":"file","file_id":"f"}}]}"#,
        &[Image],
    ),
];

const PROMPTS: &[(&str, &[MediaKind])] = &[
    ("see ![](https://x/y.png)", &[Image]),
    ("![](data:image/png;base64,AA)", &[Image]),
    ("![](relative.png) ![alt](https://x/y.png)", &[]),
    ("![](", &[]),
];

#[test]
fn media_are_told_from_text() {
    let chat = r#"{"messages":[{"role":"user","content":[§]}]}"#;
    assert_media(Operation::ChatCompletions, chat, PARTS);
    assert_media(Operation::Messages, chat, BLOCKS);
    assert_media(Operation::Generate, r#"{"inputs":"§"}"#, PROMPTS);
    let blob = |length| format!(r#"{{"type":"unheard_of","x":"{}"}}"#, "A".repeat(length));
    assert_media(
        Operation::ChatCompletions,
        chat,
        &[(&blob(256), &[File]), (&blob(255), &[])],
    );
}

#[test]
fn payloads_are_no_segments_and_urls_are() {
    let around = r#"{"messages":[{"role":"user","content":[{§}]}]}"#;
    for (row, segments) in [
        (
            r#""type":"image_url","image_url":{"url":"data:image/png;base64,AA","detail":"low"}"#,
            0,
        ),
        (
            r#""type":"image_url","image_url":{"url":"data:image\/png;base64,AA"}"#,
            0,
        ),
        (
            r#""type":"input_audio","input_audio":{"data":"AAAA+/-_==","format":"wav"}"#,
            0,
        ),
        (
            r#""type":"file","file":{"file_data":"data:application/pdf;base64,AA"}"#,
            0,
        ),
        (r#""type":"image_url","image_url":{"url":"https://x/y"}"#, 1),
        (
            r#""type":"image_url","image_url":{"url":"data:text/plain,AA"}"#,
            1,
        ),
    ] {
        let document = read(Operation::ChatCompletions, &around.replace('§', row));
        assert_eq!(document.segments.len(), segments, "{row}");
    }
}

#[test]
fn identifiers_are_no_segments_up_to_the_limit() {
    let around = r#"{"messages":[{"role":"tool","tool_call_id":"§"}]}"#;
    let voices = |length| -> Vec<Voice> {
        let body = around.replace('§', &"i".repeat(length));
        read(Operation::ChatCompletions, &body)
            .segments
            .iter()
            .map(voice)
            .collect()
    };
    assert_eq!(voices(STRUCTURAL_BYTES_MAX), []);
    assert_eq!(voices(STRUCTURAL_BYTES_MAX + 1), [UNPLACED]);
}

#[test]
fn a_get_has_no_body() {
    assert!(try_read(Operation::Models, "").is_ok());
    assert!(try_read(Operation::Models, "{}").is_err());
}
