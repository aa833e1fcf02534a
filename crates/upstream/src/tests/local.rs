//! What the gateway answers itself.

use aegis_core::Reason;
use serde_json::{Value, json};

use super::*;

fn answering(models: &[(&str, Api)]) -> Dispatch {
    let providers = ["openai", "anthropic"].map(|api| {
        let mut spec = spec(api, "http://127.0.0.1:1", &json!({}));
        spec.name = api.to_owned();
        build(&spec)
    });
    let named = models.iter().map(|(name, api)| Model {
        name: (*name).into(),
        provider: if *api == Api::Anthropic {
            "anthropic".into()
        } else {
            "openai".into()
        },
        api: *api,
        upstream_name: None,
        roles: vec![
            if name.starts_with("secret") {
                "admin"
            } else {
                "analyst"
            }
            .into(),
        ],
    });
    let catalog = Arc::new(Catalog::new(named.collect()));
    Dispatch::new(Arc::new(Upstream::new(providers.into(), catalog).unwrap()))
}

const MODELS: &[(&str, Api)] = &[
    ("gpt-5", Api::Openai),
    ("org/llama", Api::Openai),
    ("free-*", Api::Openai),
    ("secret-1", Api::Openai),
    ("claude", Api::Anthropic),
    ("claude-b", Api::Anthropic),
];

async fn json_of(asking: Asking) -> Value {
    let reply = asking.of(&answering(MODELS)).await.unwrap();
    serde_json::from_str(&text(reply).await).unwrap()
}

#[tokio::test]
async fn models_are_listed_in_openais_shape() {
    let model =
        |id: &str| json!({ "id": id, "object": "model", "created": 0, "owned_by": "openai" });
    let list = json_of(Asking::get("/v1/models")).await;
    let expected = json!({ "object": "list", "data": [model("gpt-5"), model("org/llama")] });
    assert_eq!(list, expected);
    assert_eq!(
        json_of(Asking::get("/v1/models/gpt-5")).await,
        model("gpt-5")
    );
    assert_eq!(
        json_of(Asking::get("/v1/models/org%2Fllama")).await,
        model("org/llama")
    );
    assert_eq!(
        json_of(Asking::get("/v1/models/org/llama")).await,
        model("org/llama")
    );
    assert_eq!(
        json_of(Asking::get("/v1/models/free-x")).await,
        model("free-x")
    );
}

#[tokio::test]
async fn models_are_listed_in_anthropics_shape() {
    let get = |path| Asking::get(path).header("anthropic-version", "2023-06-01");
    let list = json_of(get("/v1/models")).await;
    assert_eq!(list["first_id"], "claude");
    assert_eq!(list["last_id"], "claude-b");
    assert_eq!(list["has_more"], false);
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
    assert_eq!(list["data"][0]["display_name"], "claude");
    assert_eq!(json_of(get("/v1/models/claude")).await["type"], "model");
}

#[tokio::test]
async fn what_is_not_permitted_does_not_exist() {
    for path in [
        "/v1/models/secret-1",
        "/v1/models/none",
        "/v1/models/%ff",
        "/v1/models/claude",
    ] {
        let rejection = Asking::get(path).of(&answering(MODELS)).await.unwrap_err();
        assert_eq!(rejection.reason(), Reason::ModelNotFound, "{path}");
    }
}
