//! Nothing passes unseen: whatever a body holds, every prose string is in exactly one place.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::{Map, Value as Tree};

use super::*;

/// Names that the grammars give a meaning, so that random bodies reach all of their branches.
pub(crate) const NAMES: &[&str] = &[
    "annotations",
    "arguments",
    "audio",
    "choices",
    "citation",
    "citations",
    "code",
    "container",
    "content",
    "content_block",
    "data",
    "delta",
    "details",
    "embedding",
    "error",
    "finish_reason",
    "function",
    "function_call",
    "generated_text",
    "id",
    "image_url",
    "images",
    "input",
    "item",
    "logprobs",
    "message",
    "metadata",
    "model",
    "name",
    "output",
    "part",
    "queries",
    "reasoning",
    "reasoning_details",
    "refusal",
    "response",
    "results",
    "role",
    "signature",
    "source",
    "summary",
    "text",
    "thinking",
    "token",
    "tokens",
    "tool_calls",
    "tools",
    "transcript",
    "type",
    "url",
    "usage",
];

/// Random bodies of those names; every string is prose, so none counts as structure.
pub(crate) fn bodies() -> impl Strategy<Value = Tree> {
    let name = prop_oneof![
        6 => prop::sample::select(NAMES).prop_map(str::to_owned),
        1 => Just("an unknown name".to_owned()),
    ];
    let leaf = prop_oneof![
        4 => "[a-z]{1,5} [a-z@]{1,5}".prop_map(Tree::from),
        1 => Just(Tree::Null),
        1 => any::<bool>().prop_map(Tree::from),
        1 => any::<u32>().prop_map(Tree::from),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Tree::from),
            3 => prop::collection::vec((name.clone(), inner), 0..6)
                .prop_map(|members| Tree::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Bodies whose inner object a random one takes the place of, so that deep branches are reached.
pub(crate) const FRAMES: &[(&str, &str)] = &[
    ("", ""),
    ("{\"choices\":[", "]}"),
    ("{\"choices\":[{\"message\":", "}]}"),
    ("{\"choices\":[{\"delta\":", "}]}"),
    ("{\"choices\":[{\"delta\":{\"tool_calls\":[", "]}}]}"),
    ("{\"choices\":[{\"delta\":{\"content\":[", "]}}]}"),
    ("{\"choices\":[{\"delta\":{\"reasoning_details\":[", "]}}]}"),
    ("{\"choices\":[{\"delta\":{\"audio\":", "}}]}"),
    ("{\"output\":[", "]}"),
    ("{\"output\":[{\"type\":\"message\",\"content\":[", "]}]}"),
    ("{\"output\":[{\"type\":\"mcp_call\",\"output\":", "}]}"),
    (
        "{\"type\":\"response.completed\",\"response\":{\"output\":[",
        "]}}",
    ),
    (
        "{\"type\":\"response.output_item.added\",\"output_index\":1,\"item\":",
        "}",
    ),
    ("{\"type\":\"response.output_item.done\",\"item\":", "}"),
    ("{\"type\":\"response.content_part.added\",\"part\":", "}"),
    ("{\"type\":\"response.new_thing.delta\",\"delta\":", "}"),
    ("{\"type\":\"response.new_thing.done\",\"thing\":", "}"),
    ("{\"type\":\"error\",\"error\":", "}"),
    ("{\"content\":[", "]}"),
    ("{\"content\":[{\"type\":\"tool_use\",\"input\":", "}]}"),
    ("{\"content\":[{\"type\":\"text\",\"citations\":[", "]}]}"),
    ("{\"type\":\"message_start\",\"message\":", "}"),
    ("{\"type\":\"message_delta\",\"delta\":", "}"),
    (
        "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":",
        "}",
    ),
    (
        "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":",
        "}",
    ),
    (
        "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"new\",\"x\":",
        "}}",
    ),
    ("{\"token\":", "}"),
    ("{\"details\":", "}"),
    ("{\"details\":{\"best_of_sequences\":[", "]}}"),
    ("{\"data\":[", "]}"),
];

/// Where the prose strings and prose keys of a body stand.
pub(crate) fn prose(value: Value<'_>, out: &mut Vec<Range<usize>>) {
    if value.as_str().is_some_and(|text| text.contains(' ')) {
        out.push(value.range());
    }
    for (key, member) in value.members() {
        prose(key, out);
        prose(member, out);
    }
    value.elements().for_each(|element| prose(element, out));
}

/// Checks that each of `expected` is a finding or lies in a repeated value, and no finding overlaps another.
pub(crate) fn assert_covered(
    expected: &[Range<usize>],
    found: &[Range<usize>],
    repeats: &[Range<usize>],
    body: &str,
) {
    let exact: HashSet<_> = found.iter().collect();
    assert_eq!(exact.len(), found.len(), "found twice in {body}");
    for range in expected {
        let repeated = repeats
            .iter()
            .any(|outer| outer.start <= range.start && range.end <= outer.end);
        let text = body.get(range.clone()).unwrap();
        assert!(exact.contains(range) != repeated, "{text} in {body}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn every_prose_string_of_a_reply_is_found(tree in bodies(), frame in prop::sample::select(FRAMES)) {
        let body = format!("{}{tree}{}", frame.0, frame.1);
        let parsed = json::parse(body.as_bytes()).unwrap();
        let mut expected = Vec::new();
        prose(parsed.root(), &mut expected);
        for operation in Operation::ALL {
            // Random members may state an index that is none.
            let Ok(reply) = read_reply(operation, None, Bytes::from(body.clone())) else { continue };
            let found: Vec<_> = reply.document.segments.iter().map(|segment| segment.literal.clone()).collect();
            prop_assert!(found.is_sorted_by_key(|range| range.start));
            assert_covered(&expected, &found, &reply.repeats, &body);
        }
    }
}
