//! What becomes of a reply that is not a success.
//!
//! The provider's text is never passed on nor recorded: it may repeat the prompt or tell of the
//! gateway's account. Its machine-readable type and code are, where they look like such.
//!
//! | provider says | client gets |
//! |---|---|
//! | 400, 404, 413, 422 | the same: something about the request |
//! | 401, 403 | 502: the gateway's credential is not good |
//! | 429 | 429, with the provider's `Retry-After` or 1 s |
//! | 503, 529 | 503, with the provider's `Retry-After` if it gives one |
//! | 504 | 504 |
//! | anything else, redirects included | 502 |

use std::time::{Duration, SystemTime};

use aegis_core::{BoxError, Reason, Rejection, read_capped};
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};
use serde_json::Value;

/// Bytes of an error body that are read, in search of its code.
const ERROR_BYTES_MAX: usize = 64 * 1024;

/// How long an error body may take.
const ERROR_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest code that is taken for one.
const CODE_BYTES_MAX: usize = 64;

/// A provider may ask clients to wait this long at most.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(86_400);

/// Said with 429 where the provider does not say.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(1);

const OVERLOADED: u16 = 529;

/// The rejection that a provider's reply other than 2xx amounts to.
pub(crate) async fn rejection<B>(provider: &str, response: Response<B>) -> Rejection
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let (head, body) = response.into_parts();
    let codes = match tokio::time::timeout(ERROR_TIMEOUT, read_capped(body, ERROR_BYTES_MAX)).await
    {
        Ok(Ok(body)) => Codes::find(&body),
        Ok(Err(_)) | Err(_) => Codes::default(),
    };
    let (status, message) = outcome(head.status);
    let detail = format!(
        "provider {provider} answered {}{codes}",
        head.status.as_u16()
    );
    let message = match codes.first() {
        Some(code) if status.is_client_error() => format!("{message} ({code})"),
        Some(_) | None => message.to_owned(),
    };
    let rejection = Rejection::new(Reason::UpstreamRejected, message)
        .with_status(status)
        .with_detail(detail);
    let wait = retry_after(&head.headers, SystemTime::now());
    match (status, wait) {
        (StatusCode::TOO_MANY_REQUESTS, wait) => {
            rejection.with_retry_after(wait.unwrap_or(RETRY_AFTER_DEFAULT))
        }
        (StatusCode::SERVICE_UNAVAILABLE, Some(wait)) => rejection.with_retry_after(wait),
        _ => rejection,
    }
}

/// The status and message for the client.
fn outcome(status: StatusCode) -> (StatusCode, &'static str) {
    match status.as_u16() {
        400 | 422 => (status, "The provider refused the request."),
        404 => (status, "The provider does not know what the request names."),
        413 => (status, "The request is too large for the provider."),
        401 | 403 => (
            StatusCode::BAD_GATEWAY,
            "The provider did not accept the gateway's credential.",
        ),
        429 => (status, "The provider's rate limit is used up."),
        503 | OVERLOADED => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The provider is overloaded.",
        ),
        504 => (status, "The provider timed out."),
        _ => (StatusCode::BAD_GATEWAY, "The provider failed."),
    }
}

/// `Retry-After`: seconds or a date (RFC 9110 section 10.2.3).
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match value.parse::<u64>() {
        Ok(secs) => Duration::from_secs(secs),
        Err(_) => httpdate::parse_http_date(value)
            .ok()?
            .duration_since(now)
            .unwrap_or_default(),
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

/// Machine-readable parts of an error body.
#[derive(Debug, Default, PartialEq, Eq)]
struct Codes {
    kind: Option<String>,
    code: Option<String>,
}

// === impl Codes ===

impl Codes {
    /// OpenAI `error.{type,code}`, Anthropic `error.type`, TGI `error_type`.
    fn find(body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let find = |pointers: [&str; 2]| {
            pointers
                .iter()
                .find_map(|pointer| body.pointer(pointer)?.as_str().filter(|text| is_code(text)))
                .map(str::to_owned)
        };
        Self {
            kind: find(["/error/type", "/error_type"]),
            code: find(["/error/code", "/code"]),
        }
    }

    fn first(&self) -> Option<&str> {
        self.code.as_deref().or(self.kind.as_deref())
    }
}

impl std::fmt::Display for Codes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(kind) = &self.kind {
            write!(f, ", type {kind}")?;
        }
        if let Some(code) = &self.code {
            write!(f, ", code {code}")?;
        }
        Ok(())
    }
}

/// Whether `text` looks like a code rather than prose.
fn is_code(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    !text.is_empty() && text.len() <= CODE_BYTES_MAX && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    async fn refuse(status: u16, headers: &[(&str, &str)], body: &'static str) -> Rejection {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let body = Full::new(Bytes::from(body));
        rejection("openai", response.body(body).unwrap()).await
    }

    #[tokio::test]
    async fn statuses_are_mapped() {
        for (theirs, ours) in [
            (302, 502),
            (400, 400),
            (401, 502),
            (402, 502),
            (403, 502),
            (404, 404),
            (409, 502),
            (413, 413),
            (418, 502),
            (422, 422),
            (429, 429),
            (500, 502),
            (502, 502),
            (503, 503),
            (504, 504),
            (529, 503),
        ] {
            let rejection = refuse(theirs, &[], "").await;
            assert_eq!(rejection.status().as_u16(), ours, "{theirs}");
            assert_eq!(rejection.reason(), Reason::UpstreamRejected);
            assert_eq!(rejection.retry_after().is_some(), theirs == 429, "{theirs}");
        }
    }

    #[tokio::test]
    async fn codes_pass_and_prose_does_not() {
        let body = r#"{"error":{"message":"you wrote: my password is hunter2",
            "type":"invalid_request_error","code":"context_length_exceeded"}}"#;
        let rejection = refuse(400, &[], body).await;
        assert_eq!(
            rejection.message(),
            "The provider refused the request. (context_length_exceeded)"
        );
        assert_eq!(
            rejection.detail(),
            Some(
                "provider openai answered 400, type invalid_request_error, code \
                 context_length_exceeded"
            )
        );
        let prose = r#"{"error":{"type":"you wrote hunter2","code":"hunter2 is in it"}}"#;
        let rejection = refuse(400, &[], prose).await;
        assert!(!format!("{:?}{}", rejection.detail(), rejection.message()).contains("hunter2"));
        for body in [
            r#"{"error_type":"validation","error":"x"}"#,
            r#"{"error":"x"}"#,
            "<html>",
        ] {
            assert!(!refuse(422, &[], body).await.message().contains('<'));
        }
    }

    #[tokio::test]
    async fn retry_after_is_read_in_both_forms_and_bounded() {
        for (value, wait) in [
            ("7", Duration::from_secs(7)),
            ("soon", RETRY_AFTER_DEFAULT),
            ("99999999999", RETRY_AFTER_MAX),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Duration::ZERO),
        ] {
            let rejection = refuse(429, &[("retry-after", value)], "").await;
            assert_eq!(rejection.retry_after(), Some(wait), "{value}");
        }
        let later = SystemTime::UNIX_EPOCH + Duration::from_secs(1_445_412_470);
        let mut headers = HeaderMap::new();
        let date = header::HeaderValue::from_static("Wed, 21 Oct 2015 07:28:00 GMT");
        headers.insert(header::RETRY_AFTER, date);
        assert_eq!(retry_after(&headers, later), Some(Duration::from_secs(10)));
    }

    #[test]
    fn codes_are_short() {
        assert!(is_code(&"a".repeat(CODE_BYTES_MAX)));
        assert!(!is_code(&"a".repeat(CODE_BYTES_MAX + 1)));
        assert!(!is_code(""));
        assert!(!is_code("two words"));
    }
}
