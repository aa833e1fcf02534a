//! Every number at its limits and beyond.

use super::*;
use crate::testing;

/// The manifest with `value` at the JSON Pointer `at`.
fn with(at: &str, value: Value) -> Result<Manifest, ModelError> {
    let mut json = testing::manifest();
    *json.pointer_mut(at).unwrap() = value;
    Manifest::parse(json.to_string().as_bytes())
}

#[test]
fn a_value_out_of_range_is_named_with_its_key() {
    for (at, value, key) in [
        ("/name", Value::from(""), "name"),
        ("/heads/1", "harm".into(), "heads"),
        (
            "/files/linear.bin/sha256",
            "ABC".into(),
            "files.linear.bin.sha256",
        ),
        (
            "/files/encoder.onnx/bytes",
            0.into(),
            "files.encoder.onnx.bytes",
        ),
        ("/encoder/tokens_max", 7.into(), "encoder.tokens_max"),
        ("/encoder/tokens_max", 513.into(), "encoder.tokens_max"),
        ("/encoder/unknown_max", 1.01.into(), "encoder.unknown_max"),
        ("/encoder/batch_windows", 0.into(), "encoder.batch_windows"),
        ("/encoder/batch_windows", 9.into(), "encoder.batch_windows"),
        ("/cascade/windows_max", 0.into(), "cascade.windows_max"),
        ("/cascade/windows_max", 65.into(), "cascade.windows_max"),
        ("/cascade/low/user/2", (-0.1).into(), "cascade.low.user[2]"),
        (
            "/cascade/high/untrusted/4",
            1.5.into(),
            "cascade.high.untrusted[4]",
        ),
        (
            "/cascade/low/untrusted/0",
            0.96.into(),
            "cascade.low.untrusted[0]",
        ),
        ("/combine/user/3/1", 100.5.into(), "combine.user[3][1]"),
        (
            "/combine/untrusted/0/2",
            101.into(),
            "combine.untrusted[0][2]",
        ),
        (
            "/linear_only/user/0/1",
            (-101).into(),
            "linear_only.user[0][1]",
        ),
        ("/pool/untrusted", (-0.5).into(), "pool.untrusted"),
        ("/pool/user", 5.1.into(), "pool.user"),
        (
            "/thresholds/user/flag/1",
            0.99.into(),
            "thresholds.user.flag[1]",
        ),
        (
            "/thresholds/untrusted/block/1",
            2.into(),
            "thresholds.untrusted.block[1]",
        ),
    ] {
        let error = with(at, value.clone()).unwrap_err();
        let named = format!("manifest.json: {key} is ");
        assert!(
            error.to_string().starts_with(&named),
            "{at} {value}: {error}"
        );
    }
}

#[test]
fn values_at_their_limits_are_accepted() {
    for (at, value) in [
        ("/encoder/tokens_max", Value::from(8)),
        ("/encoder/tokens_max", 512.into()),
        ("/encoder/unknown_max", 1.into()),
        ("/encoder/batch_windows", 1.into()),
        ("/encoder/batch_windows", BATCH_WINDOWS_MAX.into()),
        ("/cascade/windows_max", 1.into()),
        ("/cascade/windows_max", ENCODED_WINDOWS_MAX.into()),
        ("/cascade/low/user/2", 0.into()),
        ("/combine/user/3/1", 100.into()),
        ("/pool/user", 5.into()),
        ("/training", Value::Null),
    ] {
        assert!(with(at, value).is_ok(), "{at}");
    }
}

#[test]
fn windows_run_alone_unless_the_manifest_says_otherwise() {
    let mut json = testing::manifest();
    json["encoder"]
        .as_object_mut()
        .unwrap()
        .remove("batch_windows");
    let manifest = Manifest::parse(json.to_string().as_bytes()).unwrap();
    assert_eq!(manifest.encoder.batch_windows, 1);
}

#[test]
fn another_shape_is_refused() {
    for (at, value) in [
        ("/cascade/low/user", serde_json::json!([0.1, 0.1, 0.1, 0.1])),
        (
            "/cascade/low/user",
            serde_json::json!([0.1, 0.1, 0.1, 0.1, 0.1, 0.1]),
        ),
        ("/files", serde_json::json!({})),
        (
            "/pool",
            serde_json::json!({ "user": 0, "untrusted": 0, "tool": 0 }),
        ),
        ("/encoder/tokens_max", 12.5.into()),
        ("/encoder/unknown_max", Value::Null),
    ] {
        assert!(
            matches!(with(at, value), Err(ModelError::Manifest(_))),
            "{at}"
        );
    }
    let mut json = testing::manifest();
    json["extra"] = 1.into();
    assert!(Manifest::parse(json.to_string().as_bytes()).is_err());
    assert!(Manifest::parse(b"{}").is_err());
}
