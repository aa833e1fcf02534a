//! Nothing passes unseen, whatever stands where.

use aegis_core::{Role, Trust, splice};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::reply::looks::is_structural;
use crate::request::media::{data_url, is_base64};

/// Bodies of every operation, with text in every place.
fn corpus() -> Vec<(Operation, Value)> {
    let tables = [
        (Operation::ChatCompletions, chat::TABLES),
        (Operation::Responses, responses::TABLES),
        (Operation::Messages, anthropic::TABLES),
        (Operation::Completions, others::COMPLETIONS),
        (Operation::Embeddings, others::EMBEDDINGS),
        (Operation::Generate, others::TGI),
        (Operation::Generic, others::GENERIC),
    ];
    let mut corpus = Vec::new();
    for (operation, tables) in tables {
        let bodies = tables.iter().flat_map(Table::bodies);
        corpus.extend(bodies.map(|(body, _)| (operation, serde_json::from_str(&body).unwrap())));
    }
    corpus
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<u32>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        "[ -~]{0,12}".prop_map(Into::into),
        "[A-Za-z]{300}".prop_map(Into::into),
        select(vec![
            "text",
            "base64",
            "tool_result",
            "function_call",
            "data:image/png;base64,AA"
        ])
        .prop_map(Into::into),
    ];
    let key = prop_oneof![
        "[ -~]{0,6}",
        select(vec![
            "content",
            "text",
            "type",
            "role",
            "data",
            "name",
            "input",
            "source",
            "arguments"
        ])
        .prop_map(ToOwned::to_owned),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::hash_map(key.clone(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Every value below `value`, as pointers.
fn pointers(value: &Value, at: String, out: &mut Vec<String>) {
    match value {
        Value::Array(list) => {
            for (index, element) in list.iter().enumerate() {
                pointers(element, format!("{at}/{index}"), out);
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                pointers(member, format!("{at}/{key}"), out);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    out.push(at);
}

/// Every string and key of `value`.
fn strings<'a>(value: &'a Value, out: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => out.push(text),
        Value::Array(list) => list.iter().for_each(|element| strings(element, out)),
        Value::Object(members) => members.iter().for_each(|(key, member)| {
            out.push(key);
            strings(member, out);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A key with a sign that no identifier has, named by the policy all the same.
const NAMED: &str = "m~n";

fn passed_over(document: &Document, body: &Value) -> Vec<String> {
    let mut all = Vec::new();
    strings(body, &mut all);
    let is_media =
        |text: &str| !document.media.is_empty() && (is_base64(text) || data_url(text).is_some());
    let is_covered = |text: &str| {
        document
            .segments
            .iter()
            .any(|segment| document.text(segment) == text)
    };
    all.retain(|text| {
        *text != NAMED && !is_structural(text) && !is_media(text) && !is_covered(text)
    });
    all.into_iter().map(ToOwned::to_owned).collect()
}

fn in_order(segments: &[Segment]) -> bool {
    segments
        .windows(2)
        .all(|pair| pair[0].literal.start <= pair[1].literal.start)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn no_string_is_passed_over(
        (operation, mut body) in select(corpus()),
        place: Index,
        value in any_json(),
        extra in any_json(),
    ) {
        let mut places = Vec::new();
        pointers(&body, String::new(), &mut places);
        let place = place.get(&places);
        if let Some(Value::Object(object)) = body.pointer_mut(place) {
            // Into an object another member goes half of the time.
            if extra.is_array() {
                object.insert("x y".to_owned(), extra);
            }
        } else if let Some(slot) = body.pointer_mut(place) {
            *slot = value;
        }
        let raw = body.to_string();
        if let Ok(document) = try_read(operation, raw.clone()) {
            prop_assert_eq!(passed_over(&document, &body), Vec::<String>::new(), "{}", raw);
            prop_assert!(in_order(&document.segments), "{}", raw);
            prop_assert_eq!(splice(&document.raw, &[]), raw);
        }
    }

    #[test]
    fn only_system_and_developer_text_is_trusted((operation, body) in select(corpus())) {
        let document = read(operation, &body.to_string());
        for segment in document.segments {
            let may_be = matches!(segment.role, Role::System | Role::Developer) && segment.kind == Kind::Text;
            prop_assert!(segment.trust == Trust::Untrusted || may_be);
        }
    }

    #[test]
    fn no_body_causes_a_panic(body in any_json(), operation in select(Operation::ALL.to_vec())) {
        try_read(operation, body.to_string()).ok();
    }
}
