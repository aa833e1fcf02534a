//! Documents that keys come in: key files and discovery documents.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use aegis_core::BoxError;
use http::Uri;

use crate::fetch::{DOCUMENT_BYTES_MAX, is_loopback, key_url};
use crate::json;
use crate::keys::{KeySet, KeySetError};

/// Longest time for one document, whatever the client's own limit.
pub(super) const FETCH_TIME_MAX: Duration = Duration::from_secs(10);

/// What tells that a file has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileStamp {
    modified: SystemTime,
    bytes: u64,
}

/// Why a set could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("the document could not be fetched: {0}")]
    Fetch(#[source] BoxError),
    #[error("the document did not arrive within {} s", FETCH_TIME_MAX.as_secs())]
    Timeout,
    #[error("the document is longer than {DOCUMENT_BYTES_MAX} bytes")]
    TooLong,
    #[error("the file could not be read: {0}")]
    File(#[from] std::io::Error),
    #[error("the discovery document is not a JSON object with unique members")]
    Discovery,
    #[error("the discovery document is that of another issuer")]
    DiscoveryIssuer,
    #[error("`jwks_uri` of the discovery document {0}")]
    DiscoveryUri(&'static str),
    #[error(transparent)]
    Set(#[from] KeySetError),
    #[error("the key set could not be read to the end")]
    Interrupted,
}

/// Reads a key file, unless it is still the one that `known` describes.
pub(super) fn read_file(
    name: &str,
    path: &Path,
    known: Option<FileStamp>,
) -> Result<Option<(KeySet, FileStamp)>, LoadError> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let stamp = FileStamp {
        modified: metadata.modified()?,
        bytes: metadata.len(),
    };
    if known == Some(stamp) {
        return Ok(None);
    }
    let mut document = Vec::new();
    file.take(DOCUMENT_BYTES_MAX as u64 + 1)
        .read_to_end(&mut document)?;
    if document.len() > DOCUMENT_BYTES_MAX {
        return Err(LoadError::TooLong);
    }
    Ok(Some((KeySet::parse(name, &document)?, stamp)))
}

/// `jwks_uri` of a discovery document (OpenID Connect Discovery 1.0, RFC 8414) of `issuer`.
pub(super) fn jwks_uri(document: &[u8], issuer: &str, local: bool) -> Result<Uri, LoadError> {
    let document = json::object(document).ok_or(LoadError::Discovery)?;
    let member = |name: &str| document.get(name).and_then(json::Json::as_str);
    if member("issuer") != Some(issuer) {
        return Err(LoadError::DiscoveryIssuer);
    }
    let text = member("jwks_uri").ok_or(LoadError::DiscoveryUri("is missing"))?;
    let url = key_url(text).map_err(LoadError::DiscoveryUri)?;
    // A remote issuer must not make the gateway talk to its own machine.
    if is_loopback(&url) && !local {
        return Err(LoadError::DiscoveryUri("points to this machine"));
    }
    Ok(url)
}
