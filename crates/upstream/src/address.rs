//! Where a provider is, and which of its paths serves an operation.
//!
//! The path is the provider's base path and the operation's own. A generic route keeps the
//! client's path. Query strings are never sent on: the checks do not look at them, and no operation
//! here needs one (Anthropic's `?beta=true` says what its header says).

use std::net::IpAddr;

use aegis_core::{Api, Operation};
use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

/// A provider's base URL.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    scheme: Scheme,
    authority: Authority,
    /// Without a slash at its end.
    path: Box<str>,
}

// === impl Address ===

impl Address {
    /// Reads a policy's `base_url`.
    pub(crate) fn parse(text: &str, api: Api, allow_plaintext: bool) -> Result<Self, String> {
        let uri: Uri = text
            .parse()
            .map_err(|error| format!("is not a URL ({error})"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme().cloned(), uri.authority().cloned())
        else {
            return Err("must be absolute: https://host".to_owned());
        };
        if scheme != Scheme::HTTPS && scheme != Scheme::HTTP {
            return Err(format!("must be https, not {scheme}"));
        }
        if authority.as_str().contains('@') {
            return Err("must not hold a user or password; use credential".to_owned());
        }
        if uri.query().is_some() || text.contains('#') {
            return Err("must not have a query or fragment".to_owned());
        }
        if scheme == Scheme::HTTP && !allow_plaintext && !is_loopback(&uri) {
            return Err(
                "sends prompts and the credential in clear text to another machine: use \
                        https, or say allow_plaintext: true"
                    .to_owned(),
            );
        }
        let path = uri.path().trim_end_matches('/');
        if api != Api::Generic && path.ends_with("/v1") {
            return Err("must not end in /v1: the gateway adds it".to_owned());
        }
        Ok(Self {
            scheme,
            authority,
            path: path.into(),
        })
    }

    /// Whether TLS is spoken there.
    pub(crate) fn is_tls(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// Whether it is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        host_is_loopback(self.authority.host())
    }

    /// Where requests for `operation` go.
    pub(crate) fn uri(&self, operation: Operation, client_path: &str) -> Result<Uri, http::Error> {
        let path = match operation {
            Operation::ChatCompletions => "/v1/chat/completions",
            Operation::Responses => "/v1/responses",
            Operation::Completions => "/v1/completions",
            Operation::Embeddings => "/v1/embeddings",
            Operation::Models => "/v1/models",
            Operation::Messages => "/v1/messages",
            Operation::CountTokens => "/v1/messages/count_tokens",
            Operation::Generate => "/generate",
            Operation::GenerateStream => "/generate_stream",
            Operation::Generic => client_path,
        };
        let whole = PathAndQuery::try_from(format!("{}{path}", self.path))?;
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(whole)
            .build()
    }
}

/// Whether `uri` is on this machine.
pub(crate) fn is_loopback(uri: &Uri) -> bool {
    uri.host().is_some_and(host_is_loopback)
}

fn host_is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Address, String> {
        Address::parse(text, Api::Openai, false)
    }

    #[test]
    fn urls_join_base_and_operation() {
        for (base, expected) in [
            (
                "https://api.openai.com",
                "https://api.openai.com/v1/responses",
            ),
            (
                "https://api.openai.com/",
                "https://api.openai.com/v1/responses",
            ),
            (
                "https://h:8443/openai/",
                "https://h:8443/openai/v1/responses",
            ),
            ("http://127.0.0.1:80", "http://127.0.0.1:80/v1/responses"),
            ("http://[::1]:80", "http://[::1]:80/v1/responses"),
            ("http://localhost", "http://localhost/v1/responses"),
        ] {
            let uri = parse(base)
                .unwrap()
                .uri(Operation::Responses, "/x")
                .unwrap();
            assert_eq!(uri, expected);
        }
        let generic = Address::parse("https://h/base", Api::Generic, false).unwrap();
        let uri = generic.uri(Operation::Generic, "/agents/run").unwrap();
        assert_eq!(uri, "https://h/base/agents/run");
    }

    #[test]
    fn clear_text_leaves_the_machine_only_on_purpose() {
        assert!(parse("http://10.0.0.1").is_err());
        assert!(parse("http://localhost.example.org").is_err());
        assert!(Address::parse("http://10.0.0.1", Api::Openai, true).is_ok());
    }

    #[test]
    fn what_a_base_url_must_not_be() {
        for bad in [
            "",
            "/v1",
            "api.openai.com",
            "ftp://h",
            "https://user:secret@h",
            "https://h?key=1",
            "https://h#x",
            "https://h/v1",
            "https://h/v1/",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
