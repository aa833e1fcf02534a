//! Which headers cross the gateway. Both ways it is a list of what passes, not of what does not.
//!
//! To the provider: what changes how the API answers (below), and what the gateway sets itself.
//! Never the client's credentials, cookies, addresses (`Forwarded`, `X-Forwarded-*`, `Via`), its
//! SDK's telemetry (`User-Agent`, `X-Stainless-*`), its organisation or project at the provider (a
//! policy may set those), nor anything it lists in `Connection` (RFC 9110 section 7.6.1).
//!
//! To the client: the content type, and what providers say about a request's processing. Never
//! cookies, server names, the gateway's own account (`openai-organization`,
//! `anthropic-organization-id`) or its rate limits there (the gateway tells its own).

use aegis_core::Api;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// The version of Anthropic's API asked for where the client names none.
pub(crate) const ANTHROPIC_VERSION: &str = "2023-06-01";

/// The provider's request id under the gateway's name for it.
pub const UPSTREAM_REQUEST_ID: &str = "x-upstream-request-id";

/// Passed on to a provider of any family.
const TO_ALL: [&str; 2] = ["accept", "idempotency-key"];

/// Passed on to the client.
const TO_CLIENT: [&str; 3] = ["openai-model", "openai-processing-ms", "openai-version"];

/// What providers call their request ids.
const REQUEST_IDS: [&str; 2] = ["x-request-id", "request-id"];

/// Headers of one connection only (RFC 9110 section 7.6.1), or that the gateway sets itself: no
/// policy may set them either.
const RESERVED: [&str; 17] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
    "via",
];

const fn to_family(api: Api) -> &'static [&'static str] {
    match api {
        Api::Openai => &["openai-beta"],
        Api::Anthropic => &["anthropic-version", "anthropic-beta"],
        Api::Huggingface => &[],
        Api::Generic => &["traceparent", "tracestate"],
    }
}

/// Whether a policy may set the header `name` on requests to a provider.
pub(crate) fn may_be_set(name: &HeaderName) -> bool {
    !RESERVED.contains(&name.as_str())
}

/// The client's headers that a provider of the family `api` gets, and the gateway's own.
pub(crate) fn to_provider(api: Api, client: &HeaderMap) -> HeaderMap {
    let mut out = HeaderMap::with_capacity(16);
    let passed = TO_ALL.iter().chain(to_family(api));
    for name in passed.filter(|name| !is_hop_by_hop(client, name)) {
        for value in client.get_all(*name) {
            out.append(HeaderName::from_static(name), value.clone());
        }
    }
    if api == Api::Anthropic {
        out.entry("anthropic-version")
            .or_insert(HeaderValue::from_static(ANTHROPIC_VERSION));
    }
    let own = [
        (header::CONTENT_TYPE, "application/json"),
        // A coded reply could not be inspected.
        (header::ACCEPT_ENCODING, "identity"),
        (
            header::USER_AGENT,
            concat!("aegis/", env!("CARGO_PKG_VERSION")),
        ),
    ];
    for (name, value) in own {
        out.insert(name, HeaderValue::from_static(value));
    }
    out
}

/// The provider's headers that the client gets.
pub(crate) fn to_client(provider: &HeaderMap) -> HeaderMap {
    let mut out = HeaderMap::with_capacity(8);
    if let Some(value) = provider.get(header::CONTENT_TYPE) {
        out.insert(header::CONTENT_TYPE, value.clone());
    }
    for name in TO_CLIENT
        .iter()
        .filter(|name| !is_hop_by_hop(provider, name))
    {
        if let Some(value) = provider.get(*name) {
            out.insert(HeaderName::from_static(name), value.clone());
        }
    }
    if let Some(id) = REQUEST_IDS.iter().find_map(|name| provider.get(*name)) {
        out.insert(HeaderName::from_static(UPSTREAM_REQUEST_ID), id.clone());
    }
    out
}

/// Whether the reply is readable as it comes: not coded, and of one content type.
pub(crate) fn is_plain(provider: &HeaderMap) -> bool {
    let codings = provider.get_all(header::CONTENT_ENCODING);
    let plain = codings
        .iter()
        .all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    plain && provider.get_all(header::CONTENT_TYPE).iter().count() <= 1
}

/// Whether `headers` list `name` in `Connection`.
fn is_hop_by_hop(headers: &HeaderMap, name: &str) -> bool {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .any(|listed| listed.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        headers
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    const OWN: [&str; 3] = ["accept-encoding", "content-type", "user-agent"];

    #[test]
    fn nothing_of_the_client_reaches_the_provider_but_what_is_listed() {
        let client = headers(&[
            ("authorization", "Bearer token"),
            ("x-api-key", "key"),
            ("api-key", "key"),
            ("cookie", "session=1"),
            ("proxy-authorization", "Basic x"),
            ("openai-organization", "org"),
            ("openai-project", "proj"),
            ("anthropic-version", "2023-06-01"),
            ("x-forwarded-for", "192.0.2.1"),
            ("forwarded", "for=192.0.2.1"),
            ("via", "1.1 proxy"),
            ("x-real-ip", "192.0.2.1"),
            ("user-agent", "curl"),
            ("x-stainless-os", "Linux"),
            ("accept-encoding", "gzip"),
            ("content-encoding", "gzip"),
            ("content-length", "5"),
            ("transfer-encoding", "chunked"),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("host", "gateway"),
            ("traceparent", "00-1-2-01"),
            ("x-aegis-model", "m"),
        ]);
        let sent = to_provider(Api::Openai, &client);
        assert_eq!(names(&sent), OWN);
        assert_eq!(sent["accept-encoding"], "identity");
        assert_ne!(sent["user-agent"], "curl");
    }

    #[test]
    fn what_is_listed_passes_to_its_family_only() {
        let client = headers(&[
            ("accept", "text/event-stream"),
            ("idempotency-key", "1"),
            ("openai-beta", "a"),
            ("anthropic-beta", "a"),
            ("anthropic-beta", "b"),
            ("traceparent", "00-1-2-01"),
        ]);
        let passed = |api| {
            let sent = to_provider(api, &client);
            let names = names(&sent).into_iter().filter(|name| !OWN.contains(name));
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(
            passed(Api::Openai),
            ["accept", "idempotency-key", "openai-beta"]
        );
        assert_eq!(
            passed(Api::Anthropic),
            [
                "accept",
                "anthropic-beta",
                "anthropic-version",
                "idempotency-key"
            ]
        );
        assert_eq!(passed(Api::Huggingface), ["accept", "idempotency-key"]);
        assert_eq!(
            passed(Api::Generic),
            ["accept", "idempotency-key", "traceparent"]
        );
        let sent = to_provider(Api::Anthropic, &client);
        assert_eq!(sent.get_all("anthropic-beta").iter().count(), 2);
        assert_eq!(sent["anthropic-version"], ANTHROPIC_VERSION);
    }

    #[test]
    fn headers_of_the_connection_stay_on_it() {
        let client = headers(&[
            ("connection", "close, Idempotency-Key"),
            ("idempotency-key", "1"),
        ]);
        assert!(!to_provider(Api::Openai, &client).contains_key("idempotency-key"));
        let provider = headers(&[("connection", "openai-model"), ("openai-model", "m")]);
        assert!(to_client(&provider).is_empty());
    }

    #[test]
    fn the_client_learns_nothing_of_the_gateways_account() {
        let provider = headers(&[
            ("content-type", "application/json"),
            ("content-length", "5"),
            ("content-encoding", "identity"),
            ("openai-organization", "org"),
            ("anthropic-organization-id", "org"),
            ("openai-processing-ms", "12"),
            ("x-request-id", "req_1"),
            ("x-ratelimit-remaining-requests", "5"),
            ("anthropic-ratelimit-requests-remaining", "5"),
            ("set-cookie", "a=b"),
            ("server", "cloudflare"),
            ("cf-ray", "1"),
            ("retry-after", "5"),
            ("location", "http://elsewhere"),
            ("access-control-allow-origin", "*"),
            ("alt-svc", "h3"),
        ]);
        let seen = to_client(&provider);
        assert_eq!(
            names(&seen),
            ["content-type", "openai-processing-ms", UPSTREAM_REQUEST_ID]
        );
        assert_eq!(seen[UPSTREAM_REQUEST_ID], "req_1");
    }

    #[test]
    fn coded_or_ambiguous_replies_are_not_plain() {
        assert!(is_plain(&headers(&[("content-type", "a/b")])));
        assert!(is_plain(&headers(&[("content-encoding", "identity")])));
        assert!(!is_plain(&headers(&[("content-encoding", "gzip")])));
        assert!(!is_plain(&headers(&[("content-encoding", "")])));
        assert!(!is_plain(&headers(&[
            ("content-type", "a"),
            ("content-type", "b")
        ])));
    }
}
