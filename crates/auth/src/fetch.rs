//! How key sets come over the network: the gateway brings the client, this crate the rules.

use std::fmt;
use std::net::IpAddr;

use aegis_core::BoxError;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::Uri;

/// A key set or discovery document may be this many bytes long.
pub const DOCUMENT_BYTES_MAX: usize = 1 << 20;

/// Gets a document by `GET`.
///
/// An implementation must end within a time of its own, read at most [`DOCUMENT_BYTES_MAX`],
/// follow no redirect, verify the server's certificate, and return the body of a 200 only.
pub trait Fetch: fmt::Debug + Send + Sync + 'static {
    /// The document at `url`.
    fn fetch<'a>(&'a self, url: &'a Uri) -> BoxFuture<'a, Result<Bytes, BoxError>>;
}

/// Reads a URL to fetch keys from: https, or http to this machine.
pub(crate) fn key_url(text: &str) -> Result<Uri, &'static str> {
    let url: Uri = text.parse().map_err(|_| "is not a URL")?;
    let Some(authority) = url.authority() else {
        return Err("is not an absolute URL");
    };
    if authority.as_str().contains('@') {
        return Err("must not hold credentials");
    }
    match url.scheme_str() {
        Some("https") => Ok(url),
        Some("http") if is_loopback(&url) => Ok(url),
        Some("http") => Err("must be https: whoever can change the answer can sign tokens"),
        _ => Err("must be https"),
    }
}

/// Whether the host of `url` is this machine.
pub(crate) fn is_loopback(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_https_or_from_this_machine() {
        for good in [
            "https://id.example.org/keys",
            "http://127.0.0.1:9000/keys",
            "http://[::1]:9000/keys",
            "http://localhost/keys",
        ] {
            assert!(key_url(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/keys",
            "http://id.example.org/keys",
            "http://127.0.0.1.example.org/keys",
            "http://localhost.example.org/keys",
            "https://user:pass@id.example.org/keys",
            "file:///etc/passwd",
            "ftp://127.0.0.1/keys",
        ] {
            assert!(key_url(bad).is_err(), "{bad}");
        }
    }
}
