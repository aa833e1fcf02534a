//! `Content-Type`: JSON in UTF-8 and nothing else (RFC 9110 section 8.3).

use aegis_core::{Reason, Rejection};
use http::{HeaderMap, header};

/// Checks that the body is declared as JSON in UTF-8.
pub(super) fn check_json(headers: &HeaderMap) -> Result<(), Rejection> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let is_json = match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().is_ok_and(is_json_utf8),
        // Two types could be read as either.
        (None, _) | (Some(_), Some(_)) => false,
    };
    if is_json {
        return Ok(());
    }
    Err(Rejection::new(
        Reason::UnsupportedMediaType,
        "Content-Type must be application/json in UTF-8.",
    ))
}

fn is_json_utf8(value: &str) -> bool {
    let mut parts = value.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    essence.eq_ignore_ascii_case("application/json")
        && parts.all(|parameter| parameter.is_empty() || is_utf8_charset(parameter))
}

fn is_utf8_charset(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, value)| {
        name.eq_ignore_ascii_case("charset")
            && value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn accepts(values: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::CONTENT_TYPE, HeaderValue::from_static(value));
        }
        check_json(&headers).is_ok()
    }

    #[test]
    fn json_in_utf8_is_accepted() {
        for value in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/json;",
        ] {
            assert!(accepts(&[value]), "{value}");
        }
    }

    #[test]
    fn anything_else_is_not() {
        for value in [
            "",
            "text/plain",
            "application/json; charset=utf-16",
            "application/json; charset=latin1",
            "application/json; boundary=x",
            "application/json, text/plain",
            "application/problem+json",
            "application/x-www-form-urlencoded",
        ] {
            assert!(!accepts(&[value]), "{value}");
        }
        assert!(!accepts(&[]));
        assert!(!accepts(&["application/json", "application/json"]));
    }
}
