//! Policies that must not load, and ones that must.

use serde_json::{Value, json};

use super::*;

/// API, base URL, more of the policy, and the key that must be blamed.
const UNSOUND: &str = r#"
openai   http://10.1.2.3   {}                                        base_url
openai   https://h/v1      {}                                        base_url
openai   https://h         {"credential":"sk-live-1234"}             credential
openai   https://h         {"credential":null}                       credential
openai   https://h         {"credential":"${secret:NONE}"}           credential
openai   https://h         {"credential":"${secret:LINES}"}          credential
openai   https://h         {"credential_header":"x"}                 credential_header
generic  https://h         {"credential_header":"host"}              credential_header
openai   https://h         {"connect_timeout":"0s"}                  connect_timeout
openai   https://h         {"total_timeout":"1s"}                    first_byte_timeout
openai   https://h         {"circuit":{"failures":0}}                circuit.failures
openai   https://h         {"circuit":{"failures":1001}}             circuit.failures
openai   https://h         {"circuit":{"open":"0s"}}                 circuit.open
openai   https://h         {"headers":{"authorization":"x"}}         headers.authorization
openai   https://h         {"headers":{"Host":"x"}}                  headers.Host
openai   https://h         {"headers":{"a/b":"x"}}                   headers.a/b
openai   https://h         {"ca_file":"/does/not/exist"}             ca_file
openai   http://127.0.0.1  {"ca_file":"/x"}                          ca_file
"#;

#[test]
fn unsound_policies_name_the_key_and_the_fix() {
    let secret = |name: &str| match name {
        "KEY" => Ok(Secret::new("value")),
        "LINES" => Ok(Secret::new("a\nb")),
        _ => Err(format!("secret `{name}` is not set")),
    };
    for line in UNSOUND.trim().lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [api, url, more, key] = fields[..] else {
            panic!("{line}");
        };
        let more: Value = serde_json::from_str(more).unwrap();
        let error = spec(api, url, &more).build(&secret).unwrap_err();
        assert_eq!(error.key(), format!("providers[p].{key}"), "{line}");
        assert!(!error.to_string().contains("sk-live"), "{error}");
    }
}

#[test]
fn credentials_may_be_left_out_where_none_is_needed() {
    for (api, url) in [
        ("openai", "http://127.0.0.1:1"),
        ("generic", "http://[::1]:1"),
    ] {
        build(&spec(api, url, &json!({ "credential": null })));
    }
}

#[test]
fn unknown_keys_are_refused() {
    let spec = json!({ "name": "p", "api": "openai", "base_url": "x", "timeout": "5s" });
    assert!(serde_json::from_value::<ProviderSpec>(spec).is_err());
}

#[test]
fn names_must_fit_together() {
    let provider = || build(&spec("openai", "http://127.0.0.1:1", &json!({})));
    let twice = Upstream::new(vec![provider(), provider()], Arc::default());
    assert_eq!(twice.unwrap_err().key(), "providers");
    let other_api = catalog(&[("m", Api::Anthropic)]);
    let error = Upstream::new(vec![provider()], other_api).unwrap_err();
    assert_eq!(error.key(), "models[m].provider");
    assert!(Upstream::new(vec![], catalog(&[("m", Api::Openai)])).is_err());
    assert!(Upstream::new(vec![provider()], catalog(&[("m", Api::Openai)])).is_ok());
}

#[test]
fn nothing_secret_is_printed() {
    let provider = build(&spec("openai", "http://127.0.0.1:1", &json!({})));
    assert!(!format!("{provider:?}").contains("value-of"));
    assert!(!format!("{:?}", provider.own_headers).contains("value-of"));
}
