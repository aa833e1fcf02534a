//! Policies that must not load.

use super::*;
use crate::{BuildError, COUNT_MAX, LIMITS_MAX};

fn build(request: serde_json::Value, limits: serde_json::Value) -> Result<(), BuildError> {
    let request: RequestSpec = serde_json::from_value(request).unwrap();
    let limits: Vec<LimitSpec> = serde_json::from_value(limits).unwrap();
    let built = request.build(&limits, catalog(), Arc::new(MemoryStore::default()));
    built.map(drop)
}

fn blamed(request: serde_json::Value, limits: serde_json::Value) -> String {
    build(request, limits).unwrap_err().key().to_owned()
}

#[test]
fn amounts_must_make_sense() {
    for (request, key) in [
        (json!({ "body_max": "0B" }), "request.body_max"),
        (
            json!({ "decompressed_max": "1MiB" }),
            "request.decompressed_max",
        ),
        (json!({ "body_timeout": "0s" }), "request.body_timeout"),
        (
            json!({ "output_tokens_max": 0 }),
            "request.output_tokens_max",
        ),
    ] {
        assert_eq!(blamed(request, json!([])), key);
    }
    let equal = json!({ "body_max": "1MiB", "decompressed_max": "1MiB" });
    assert_eq!(build(equal, json!([])), Ok(()));
}

#[test]
fn limits_must_limit_and_not_repeat() {
    let none = json!({});
    let principal = |more: serde_json::Value| {
        let mut limit = json!({ "per": "principal" });
        limit
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        limit
    };
    for (limits, key) in [
        (json!([principal(json!({}))]), "limits[0]"),
        (
            json!([principal(json!({ "concurrency": 0 }))]),
            "limits[0].concurrency",
        ),
        (
            json!([principal(
                json!({ "tokens": format!("{}/s", COUNT_MAX + 1) })
            )]),
            "limits[0].tokens",
        ),
        (
            json!([
                principal(json!({ "requests": "1/m" })),
                principal(json!({ "requests": "2/m" }))
            ]),
            "limits[1].requests",
        ),
        (
            json!([
                principal(json!({ "concurrency": 1 })),
                principal(json!({ "concurrency": 2 }))
            ]),
            "limits[1].concurrency",
        ),
    ] {
        assert_eq!(blamed(none.clone(), limits), key);
    }
    let both = json!([
        principal(json!({ "requests": "1/m" })),
        principal(json!({ "requests": "9/h" }))
    ]);
    assert_eq!(build(none, both), Ok(()));
}

#[test]
fn an_output_limit_must_fit_the_token_limits() {
    let request = json!({ "output_tokens_max": 1_000 });
    let limits = |tokens: &str| json!([{ "per": "address", "tokens": tokens }]);
    assert_eq!(blamed(request.clone(), limits("1k/m")), "limits[0].tokens");
    assert_eq!(build(request, limits("1001/m")), Ok(()));
}

#[test]
fn there_are_not_too_many() {
    let limits = |count: usize| {
        let limit = |at: usize| {
            let unit = ["s", "m", "h", "d"][at % 4];
            let per = ["principal", "tenant", "address"][at / 4 % 3];
            let key = ["requests", "tokens"][at / 12];
            json!({ "per": per, key: format!("9k/{unit}") })
        };
        serde_json::Value::from((0..count).map(limit).collect::<Vec<_>>())
    };
    assert_eq!(build(json!({}), limits(LIMITS_MAX)), Ok(()));
    assert_eq!(blamed(json!({}), limits(LIMITS_MAX + 1)), "limits");
}

#[test]
fn unknown_keys_are_refused() {
    let limit = json!({ "per": "principal", "requests": "1/m", "burst": 5 });
    assert!(serde_json::from_value::<LimitSpec>(limit).is_err());
    let request = json!({ "body_max_bytes": 5 });
    assert!(serde_json::from_value::<RequestSpec>(request).is_err());
}
