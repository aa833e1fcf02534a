//! Error bodies in every API's own format, whole and in the middle of a stream.
//!
//! How:
//! 1. The [`Reason`] gives the type that the API's clients know, the status decides only for a
//!    provider's own refusal, whose status was taken over.
//! 2. The body is that type, the public message and, where the format has room, `Reason::as_str()`
//!    as `code` and the request id.
//!
//! Why in the API's own format: the official clients build their exceptions from it, so a program
//! that handles its provider's errors handles the gateway's.
//!
//! What it does not do: choose the message. Whoever makes the [`ErrorBody`] keeps prompt text and
//! internals out of it.

use aegis_core::{Api, Operation, Reason};
use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::sse::write_event;

#[cfg(test)]
mod tests;

/// What a client may know of an error.
#[derive(Debug, Clone, Copy)]
pub struct ErrorBody<'a> {
    /// The response's status, or the one it would have had.
    pub status: StatusCode,
    /// Why.
    pub reason: Reason,
    /// A sentence for people.
    pub message: &'a str,
    /// The id under which the audit log knows the request.
    pub request_id: &'a str,
}

#[derive(Serialize)]
struct OpenAi<'a> {
    error: OpenAiError<'a>,
}

#[derive(Serialize)]
struct OpenAiError<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<()>,
    code: &'static str,
}

/// The event of the Responses API. Its clients raise on `error`, the documented members are beside it.
#[derive(Serialize)]
struct ResponsesEvent<'a> {
    #[serde(rename = "type")]
    event: &'static str,
    sequence_number: u64,
    code: &'static str,
    message: &'a str,
    param: Option<()>,
    error: OpenAiError<'a>,
}

#[derive(Serialize)]
struct Anthropic<'a> {
    #[serde(rename = "type")]
    event: &'static str,
    error: AnthropicError<'a>,
    request_id: &'a str,
}

#[derive(Serialize)]
struct AnthropicError<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    message: &'a str,
}

#[derive(Serialize)]
struct Tgi<'a> {
    error: &'a str,
    error_type: &'static str,
}

/// RFC 9457, with the code and the request id as extension members.
#[derive(Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    request_id: &'a str,
}

/// The content type and body of an error response; `None` for a path that names no operation.
#[must_use]
pub fn whole(operation: Option<Operation>, error: &ErrorBody<'_>) -> (HeaderValue, Bytes) {
    let api = operation.map_or(Api::Generic, Operation::api);
    let content_type = match api {
        Api::Openai | Api::Anthropic | Api::Huggingface => "application/json",
        Api::Generic => "application/problem+json",
    };
    let body = body(api, error);
    (HeaderValue::from_static(content_type), body.into())
}

/// The bytes that end a stream whose reply has begun.
#[must_use]
pub fn in_band(operation: Operation, error: &ErrorBody<'_>) -> Bytes {
    match operation {
        Operation::Responses => write_event(Some("error"), &responses_event(error)),
        Operation::Messages | Operation::CountTokens | Operation::Generic => {
            write_event(Some("error"), &body(operation.api(), error))
        }
        Operation::ChatCompletions
        | Operation::Completions
        | Operation::Embeddings
        | Operation::Models
        | Operation::Generate
        | Operation::GenerateStream => write_event(None, &body(operation.api(), error)),
    }
}

fn body(api: Api, error: &ErrorBody<'_>) -> String {
    match api {
        Api::Openai => json(&OpenAi {
            error: openai_error(error),
        }),
        Api::Anthropic => json(&Anthropic {
            event: "error",
            error: AnthropicError {
                kind: anthropic_type(class(error)),
                message: error.message,
            },
            request_id: error.request_id,
        }),
        Api::Huggingface => json(&Tgi {
            error: error.message,
            error_type: tgi_type(class(error)),
        }),
        Api::Generic => json(&Problem {
            kind: "about:blank",
            title: error.status.canonical_reason().unwrap_or("Error"),
            status: error.status.as_u16(),
            detail: error.message,
            code: error.reason.as_str(),
            request_id: error.request_id,
        }),
    }
}

fn responses_event(error: &ErrorBody<'_>) -> String {
    json(&ResponsesEvent {
        event: "error",
        sequence_number: 0,
        code: error.reason.as_str(),
        message: error.message,
        param: None,
        error: openai_error(error),
    })
}

const fn openai_error<'a>(error: &ErrorBody<'a>) -> OpenAiError<'a> {
    OpenAiError {
        message: error.message,
        kind: openai_type(class(error)),
        param: None,
        code: error.reason.as_str(),
    }
}

/// Serialisation of these structures has no way to fail; an empty body would still be a refusal.
fn json(body: &impl Serialize) -> String {
    serde_json::to_string(body).unwrap_or_default()
}

/// The classes of error that the APIs tell apart.
#[derive(Clone, Copy)]
enum Class {
    Invalid,
    TooLarge,
    Authentication,
    Permission,
    NotFound,
    RateLimit,
    Overloaded,
    Timeout,
    Server,
}

const fn class(error: &ErrorBody<'_>) -> Class {
    match error.reason {
        Reason::InvalidRequest
        | Reason::UnsupportedMediaType
        | Reason::ContentNotAllowed
        | Reason::MethodNotAllowed
        | Reason::RequestTimeout
        | Reason::PromptBlocked => Class::Invalid,
        Reason::BodyTooLarge => Class::TooLarge,
        Reason::Unauthenticated => Class::Authentication,
        Reason::PermissionDenied => Class::Permission,
        Reason::RouteNotFound | Reason::ModelNotFound => Class::NotFound,
        Reason::AuthenticationThrottled | Reason::RateLimited | Reason::ConcurrencyLimited => {
            Class::RateLimit
        }
        Reason::Overloaded
        | Reason::CheckUnavailable
        | Reason::AuditUnavailable
        | Reason::IdentityUnavailable
        | Reason::CircuitOpen => Class::Overloaded,
        Reason::UpstreamTimeout => Class::Timeout,
        Reason::UpstreamRejected => class_of_status(error.status),
        Reason::OutputBlocked
        | Reason::UpstreamUnavailable
        | Reason::UpstreamInvalid
        | Reason::Internal => Class::Server,
    }
}

/// For a refusal whose status is the provider's own.
const fn class_of_status(status: StatusCode) -> Class {
    match status.as_u16() {
        401 => Class::Authentication,
        403 => Class::Permission,
        404 => Class::NotFound,
        413 => Class::TooLarge,
        429 => Class::RateLimit,
        400..=499 => Class::Invalid,
        503 | 529 => Class::Overloaded,
        504 => Class::Timeout,
        _ => Class::Server,
    }
}

const fn openai_type(class: Class) -> &'static str {
    match class {
        Class::Invalid | Class::TooLarge | Class::NotFound => "invalid_request_error",
        Class::Authentication => "authentication_error",
        Class::Permission => "permission_error",
        Class::RateLimit => "rate_limit_error",
        Class::Overloaded | Class::Timeout | Class::Server => "server_error",
    }
}

const fn anthropic_type(class: Class) -> &'static str {
    match class {
        Class::Invalid => "invalid_request_error",
        Class::TooLarge => "request_too_large",
        Class::Authentication => "authentication_error",
        Class::Permission => "permission_error",
        Class::NotFound => "not_found_error",
        Class::RateLimit => "rate_limit_error",
        Class::Overloaded => "overloaded_error",
        Class::Timeout => "timeout_error",
        Class::Server => "api_error",
    }
}

/// The server's own types where it has one; its clients go by the status for the others.
const fn tgi_type(class: Class) -> &'static str {
    match class {
        Class::Invalid | Class::TooLarge => "validation",
        Class::Authentication => "authentication",
        Class::Permission => "permission",
        Class::NotFound => "not_found",
        Class::RateLimit | Class::Overloaded => "overloaded",
        Class::Timeout => "timeout",
        Class::Server => "generation",
    }
}
