//! Policies that must not start, and what they are told.

use std::path::Path;

use super::support::{Folder, POLICY, World};
use crate::AuthSpec;

/// The key that building complains about.
fn complaint(policy: &str) -> String {
    match World::new().build(policy, Path::new("/nonexistent"), None) {
        Ok(_) => "sound".to_owned(),
        Err(error) => error.path().to_owned(),
    }
}

fn changed(from: &str, to: &str) -> String {
    assert!(POLICY.contains(from), "{from}");
    POLICY.replace(from, to)
}

#[test]
fn what_makes_no_sense_does_not_start() {
    const AT: &str = "auth.issuers[0]";
    let second = |name: &str, issuer: &str| {
        changed(
            "throttle:",
            &format!(
                "  - {{ name: {name}, issuer: \"{issuer}\", audiences: [a], algorithms: [EdDSA], jwks: {{ url: \"https://b/k\" }} }}\nthrottle:"
            ),
        )
    };
    let extra = |line: &str| changed("    jwks:", &format!("    {line}\n    jwks:"));
    let file = |line: &str| changed("{ url: \"https://id.example.org/keys\" }", line);
    let discovered = |issuer: &str| {
        file("null").replace(
            "issuer: https://id.example.org",
            &format!("issuer: \"{issuer}\""),
        )
    };
    for (policy, expected) in rows! {
        POLICY.to_owned() => "sound".to_owned();
        "{}".to_owned() => "auth.issuers".to_owned();
        changed("name: test", "name: Test") => format!("{AT}.name");
        changed("name: test", "name: ''") => format!("{AT}.name");
        changed("name: test", "name: aegis-development") => format!("{AT}.name");
        changed("issuer: https://id.example.org", "issuer: ''") => format!("{AT}.issuer");
        changed("issuer: https://id.example.org", "issuer: aegis-development") => format!("{AT}.issuer");
        changed("[aegis, https://aegis.example.org]", "[]") => format!("{AT}.audiences");
        changed("[aegis, https://aegis.example.org]", "['']") => format!("{AT}.audiences");
        changed("[ES256, EdDSA, RS256]", "[]") => format!("{AT}.algorithms");
        changed("15m", "0s") => format!("{AT}.max_token_lifetime");
        changed("15m", "24h") => "sound".to_owned();
        changed("15m", "25h") => format!("{AT}.max_token_lifetime");
        extra("leeway: 5m") => "sound".to_owned();
        extra("leeway: 301s") => format!("{AT}.leeway");
        extra("jwks_refresh: 30s") => "sound".to_owned();
        extra("jwks_refresh: 29s") => format!("{AT}.jwks_refresh");
        extra("jwks_stale_max: 9m") => format!("{AT}.jwks_stale_max");
        extra("jwks_stale_max: 8d") => format!("{AT}.jwks_stale_max");
        extra("claims: { roles: '' }") => format!("{AT}.claims.roles");
        extra("claims: { tenant: '/' }") => format!("{AT}.claims.tenant");
        file("{ url: \"http://id.example.org/keys\" }") => format!("{AT}.jwks.url");
        file("{ url: \"keys\" }") => format!("{AT}.jwks.url");
        file("{ file: missing.json }") => format!("{AT}.jwks.file");
        file("{ file: missing.json }").replace("    jwks:", "    jwks_refresh: 1m\n    jwks:") => format!("{AT}.jwks_refresh");
        discovered("https://id.example.org") => "sound".to_owned();
        discovered("http://127.0.0.1:9000") => "sound".to_owned();
        discovered("http://id.example.org") => format!("{AT}.issuer");
        discovered("https://id.example.org/?a") => format!("{AT}.issuer");
        discovered("zitadel") => format!("{AT}.issuer");
        second("test", "b") => "auth.issuers[1].name".to_owned();
        second("b", "https://id.example.org") => "auth.issuers[1].issuer".to_owned();
        second("b", "b") => "sound".to_owned();
        changed("10000", "0") => "auth.throttle.failures".to_owned();
        changed("10000", "10001") => "auth.throttle.failures".to_owned();
        changed("10000", "9, per: 0s") => "auth.throttle.per".to_owned();
        changed("10000", "9, block: 2h") => "auth.throttle.block".to_owned();
        changed("10000", "9, block_max: 8d") => "auth.throttle.block_max".to_owned();
        "development: { lifetime: 25h }".to_owned() => "auth.development.lifetime".to_owned();
        "development: {}".to_owned() => "auth.development.key_file".to_owned();
    } {
        assert_eq!(complaint(&policy), expected, "{policy}");
    }
}

#[test]
fn files_without_keys_do_not_start() {
    let folder = Folder::new();
    let policy = changed(
        "{ url: \"https://id.example.org/keys\" }",
        "{ file: jwks.json }",
    );
    for content in [
        "{",
        "{\"keys\":[]}",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}",
    ] {
        std::fs::write(folder.path().join("jwks.json"), content).expect("written");
        let error = World::new()
            .build(&policy, folder.path(), None)
            .expect_err(content);
        assert_eq!(error.path(), "auth.issuers[0].jwks.file");
    }
}

#[test]
fn what_is_not_understood_is_refused_with_the_reason() {
    for (policy, reason) in [
        (changed("[ES256, EdDSA, RS256]", "[HS256]"), "symmetric"),
        (changed("[ES256, EdDSA, RS256]", "[none]"), "no signature"),
        (changed("audiences:", "audience:"), "unknown field"),
        (changed("failures:", "failure:"), "unknown field"),
        (changed("{ url:", "{ uri:"), "unknown variant"),
        (changed("15m", "15 fortnights"), "length of time"),
        (changed("10000", "-1"), ""),
    ] {
        let error = serde_saphyr::from_str::<AuthSpec>(&policy).expect_err(&policy);
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn the_schema_names_every_algorithm_and_refuses_unknown_keys() {
    let schema = serde_json::to_string(&schemars::schema_for!(AuthSpec)).expect("JSON");
    for part in [
        "\"ES256\"",
        "\"EdDSA\"",
        "\"PS512\"",
        "\"additionalProperties\":false",
    ] {
        assert!(schema.contains(part), "{part}: {schema}");
    }
    assert!(!schema.contains("HS256"));
}
