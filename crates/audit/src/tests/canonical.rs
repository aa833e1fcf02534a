//! Canonical JSON against the reference implementation, and what databases do to it.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::canonical::{self, DETAILS_BYTES_MAX, Details};
use crate::event::{Event, NAME_CHARS_MAX, Stored, fit};

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (any::<i32>(), -25..25).prop_map(|(n, e)| Value::from(f64::from(n) * 10_f64.powi(e))),
    ]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number(),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6).prop_map(Value::from_iter),
        ]
    })
}

proptest! {
    #[test]
    fn canonical_is_the_reference_implementations(value in json()) {
        prop_assert_eq!(canonical::canonical(&value), serde_json_canonicalizer::to_string(&value).unwrap());
    }

    #[test]
    fn details_survive_parsing_and_pretty_printing(value in json()) {
        let details = Details::new(value);
        prop_assert!(canonical::is_canonical(details.as_str()));
        let parsed: Value = serde_json::from_str(details.as_str()).unwrap();
        let pretty = serde_json::to_string_pretty(&parsed).unwrap();
        prop_assert_eq!(canonical::recanonicalize(&pretty), Some(details.as_str().to_owned()));
        prop_assert_eq!(Details::new(parsed), details.clone());
        prop_assert!(!details.as_str().contains("\\u0000"));
    }

    #[test]
    fn leaf_is_the_canonical_form_of_its_members(
        texts in prop::collection::vec(any::<String>(), 6), value in json(), index in 0_u64..(1 << 53)
    ) {
        let mut event = Event::new(texts[0].clone(), texts[1].clone()).on("model", &texts[2]);
        event = event.with_details(Details::new(value));
        event.actor_id.clone_from(&texts[3]);
        event.ip_address = (texts[4].len() > 3).then(|| texts[4].clone());
        let log = &texts[5];
        let leaf = canonical::leaf(log, index, &event);
        let expected = json!({
            "v": 1, "log": log, "index": index, "id": event.id, "event_type": event.event_type,
            "actor_type": event.actor_type, "actor_id": event.actor_id,
            "resource_type": event.resource_type, "resource_id": event.resource_id,
            "action": event.action, "details": event.details(), "ip_address": event.ip_address,
            "created_at": event.created_at,
        });
        prop_assert_eq!(leaf, serde_json_canonicalizer::to_vec(&expected).unwrap());
    }

    #[test]
    fn names_fit_their_columns(text in any::<String>(), more in 0..120_usize) {
        let text = format!("{}{text}", "ü".repeat(more));
        let short = fit(&text, NAME_CHARS_MAX);
        prop_assert!(short.chars().count() <= NAME_CHARS_MAX);
        prop_assert!(!short.contains('\0'));
        prop_assert_eq!(fit(&short, NAME_CHARS_MAX), short);
    }
}

#[test]
fn the_example_of_rfc_8785_is_met() {
    let value: Value = serde_json::from_str(
        r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
            "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#,
    )
    .unwrap();
    assert_eq!(
        canonical::canonical(&value),
        r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#
    );
}

#[test]
fn keys_sort_by_utf16() {
    let value = json!({ "\u{e000}": 1, "\u{10000}": 2, "a": 3, "": 4, "é": 5 });
    let text = canonical::canonical(&value);
    assert_eq!(
        text,
        "{\"\":4,\"a\":3,\"é\":5,\"\u{10000}\":2,\"\u{e000}\":1}"
    );
}

#[test]
fn other_numbers_of_the_same_double_are_told_apart() {
    for (printed, known) in [
        (r#"{"a": 0.1}"#, true),
        (r#"{"a": 0.10}"#, true),
        (r#"{"a": 0.1000000000000000000001}"#, false),
        (r#"{"a": 1000000000000000000000}"#, true),
        (r#"{"a": 1000000000000000000001}"#, false),
        (r#"{"a": 9007199254740993}"#, false),
        (
            r#"{"a": "0.1000000000000000000001 \" 0.1000000000000000000001"}"#,
            true,
        ),
        (r#"{"0.1000000000000000000001": "\\"}"#, true),
        (r#"{"a": -0.0000001}"#, true),
        (r#"{"a": 0.0}"#, true),
        ("{", false),
    ] {
        assert_eq!(
            canonical::recanonicalize(printed).is_some(),
            known,
            "{printed}"
        );
    }
}

#[test]
fn long_and_deep_details_are_bounded() {
    let of = |length: usize| Details::new(json!({ "a": "x".repeat(length) }));
    let frame = r#"{"a":""}"#.len();
    assert_eq!(
        of(DETAILS_BYTES_MAX - frame).as_str().len(),
        DETAILS_BYTES_MAX
    );
    assert_eq!(
        of(DETAILS_BYTES_MAX - frame + 1).as_str(),
        r#"{"bytes":32769,"truncated":true}"#
    );
    let deep = (0..500).fold(json!(1), |inner, _| json!([inner]));
    let text = Details::new(deep).as_str().to_owned();
    assert!(text.contains("nested too deeply") && canonical::is_canonical(&text));
}

#[test]
fn details_that_imitate_columns_do_not_pass() {
    // The same leaf bytes, cut into columns elsewhere.
    let honest = Event::new("b", "x").with_details(Details::new(json!({ "k": 1 })));
    let leaf = canonical::leaf("log", 0, &honest);
    let text = String::from_utf8(leaf).unwrap();
    let details = text.split_once("\"details\":").unwrap().1;
    let row = Stored {
        log: "log".into(),
        index: 0,
        leaf_hash: crate::merkle::leaf_hash(text.as_bytes()).0.to_vec(),
        event: Event {
            details: details.split_once(",\"id\"").unwrap().0.to_owned(),
            ..honest
        },
    };
    assert_eq!(row.verified_hash(), None);
}
