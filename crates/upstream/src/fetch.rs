//! Small documents by `GET` (key sets), under the same rules as providers: verified TLS, no
//! redirects, a cap and a time limit.

use std::path::Path;
use std::time::Duration;

use aegis_core::{ReadError, read_capped};
use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::Full;

use crate::address::is_loopback;
use crate::connect::{Http2, Pool, PoolSettings};
use aegis_core::BuildError;

/// The time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Idle connections kept; documents are fetched rarely.
const IDLE_MAX: usize = 1;

/// Gets documents.
#[derive(Debug, Clone)]
pub struct Fetcher {
    pool: Pool,
}

/// Why a document is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Only https, or http to this machine.
    #[error("only https, or http to this machine, is fetched")]
    Plaintext,
    /// The time is over.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// No connection, or a broken one.
    #[error("the server can't be reached")]
    Unreachable(#[source] hyper_util::client::legacy::Error),
    /// Anything but 200; redirects are not followed.
    #[error("the server answered {0}")]
    Status(StatusCode),
    /// The body is too long, or broke off.
    #[error(transparent)]
    Body(#[from] ReadError),
    /// The URL can't be asked for.
    #[error("the URL can't be asked for")]
    Url(#[source] http::Error),
}

// === impl Fetcher ===

impl Fetcher {
    /// A client that trusts the system's certificate authorities, or those in the PEM file
    /// `ca_file` alone. On a system without any, every https document fails to verify; who only
    /// fetches from this machine needs none.
    ///
    /// # Errors
    /// If `ca_file` can't be read.
    pub fn new(ca_file: Option<&Path>) -> Result<Self, BuildError> {
        let settings = |tls| PoolSettings {
            tls,
            ca_file,
            http2: Http2::Auto,
            connect_timeout: CONNECT_TIMEOUT,
            max_idle: IDLE_MAX,
        };
        let pool = match settings(true).build() {
            Err(_) if ca_file.is_none() => settings(false).build(),
            outcome => outcome,
        };
        let pool = pool.map_err(|problem| BuildError::new("ca_file", problem))?;
        Ok(Self { pool })
    }

    /// The document at `url`, of at most `cap` bytes, within `timeout`.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn get(&self, url: &Uri, cap: usize, timeout: Duration) -> Result<Bytes, FetchError> {
        if url.scheme_str() != Some("https") && !is_loopback(url) {
            return Err(FetchError::Plaintext);
        }
        let request = Request::get(url.clone())
            .header(header::ACCEPT, "application/json")
            .header(header::ACCEPT_ENCODING, "identity")
            .body(Full::default())
            .map_err(FetchError::Url)?;
        let fetching = async {
            let response = self.pool.request(request).await;
            let response = response.map_err(FetchError::Unreachable)?;
            if response.status() != StatusCode::OK {
                return Err(FetchError::Status(response.status()));
            }
            Ok(read_capped(response.into_body(), cap).await?)
        };
        tokio::time::timeout(timeout, fetching)
            .await
            .map_err(|_| FetchError::TimedOut(timeout))?
    }
}
