//! `GET /v1/models` and `GET /v1/models/{model}`, answered by the gateway: what a provider's account
//! may use is not what the caller may use.
//!
//! A request with `anthropic-version` gets Anthropic's shape and the models it can use there; any
//! other gets OpenAI's. The list leaves out names that end in `*`; asked for by name, a model that
//! such a name covers exists. Creation times are not known and told as the epoch.

use aegis_core::{Admitted, Api, Catalog, Model, Operation, Reason, Rejection, full_body};
use http::{Response, header};
use serde_json::{Value, json};

/// Where the list stands; a model's name follows it.
const LIST: &str = "/v1/models";

/// Anthropic's creation time of a model nobody knows the age of.
const EPOCH: &str = "1970-01-01T00:00:00Z";

/// Answers `request` from `catalog`.
pub(crate) fn answer(
    catalog: &Catalog,
    request: &Admitted,
) -> Result<Response<aegis_core::Body>, Rejection> {
    let head = request.head();
    let shape = Shape::of(head.headers.contains_key("anthropic-version"));
    let path = head.uri.path();
    let name = path.strip_prefix(LIST).unwrap_or_default();
    let name = name.trim_start_matches('/');
    let body = if name.is_empty() {
        shape.list(
            catalog
                .permitted(request.principal())
                .filter(|model| shape.uses(model.api) && !model.name.ends_with('*')),
        )
    } else {
        let name = decode(name).ok_or_else(not_found)?;
        let target = catalog.resolve(&name, request.principal(), |api| shape.uses(api))?;
        shape.model(&target.model, &target.provider)
    };
    let mut response = Response::new(full_body(body.to_string()));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    Ok(response)
}

fn not_found() -> Rejection {
    Rejection::new(Reason::ModelNotFound, "The model's name can't be read.")
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    Openai,
    Anthropic,
}

// === impl Shape ===

impl Shape {
    const fn of(anthropic: bool) -> Self {
        if anthropic {
            Self::Anthropic
        } else {
            Self::Openai
        }
    }

    /// Whether the shape's clients can use a model of the family `api`.
    fn uses(self, api: Api) -> bool {
        match self {
            Self::Anthropic => Operation::Messages.served_by(api),
            Self::Openai => [
                Operation::ChatCompletions,
                Operation::Responses,
                Operation::Completions,
                Operation::Embeddings,
            ]
            .iter()
            .any(|operation| operation.served_by(api)),
        }
    }

    fn list<'a>(self, models: impl Iterator<Item = &'a Model>) -> Value {
        let data: Vec<Value> = models
            .map(|model| self.model(&model.name, &model.provider))
            .collect();
        let id = |model: Option<&Value>| model.map_or(Value::Null, |model| model["id"].clone());
        match self {
            Self::Openai => json!({ "object": "list", "data": data }),
            Self::Anthropic => json!({
                "first_id": id(data.first()),
                "last_id": id(data.last()),
                "has_more": false,
                "data": data,
            }),
        }
    }

    fn model(self, name: &str, provider: &str) -> Value {
        match self {
            Self::Openai => {
                json!({ "id": name, "object": "model", "created": 0, "owned_by": provider })
            }
            Self::Anthropic => {
                json!({ "type": "model", "id": name, "display_name": name, "created_at": EPOCH })
            }
        }
    }
}

/// Undoes percent-encoding (RFC 3986 section 2.1).
fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let value = digit()? * 16 + digit()?;
        out.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_is_undone_once() {
        assert_eq!(decode("meta%2Fllama-3").as_deref(), Some("meta/llama-3"));
        assert_eq!(decode("a/b").as_deref(), Some("a/b"));
        assert_eq!(decode("%2525").as_deref(), Some("%25"));
        for bad in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
