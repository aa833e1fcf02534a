//! Connections: TCP, TLS, HTTP/1.1 or HTTP/2, pooled.
//!
//! 1. Name resolution, TCP and TLS handshake together may take the connect time-out.
//! 2. Certificates are verified against the system's roots, or those of `ca_file` alone.
//! 3. HTTP/2 by ALPN, never, or always (prior knowledge). Idle connections are kept up to a number
//!    and a time; HTTP/2 connections in use are probed, so that a dead one is noticed.
//!
//! A pooled connection that turns out closed before any byte of the request was written is replaced
//! by another; nothing is ever sent twice.

use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use aegis_core::BoxError;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::Uri;
use http_body_util::Full;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tower::Service;

/// How long an idle connection is kept.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// An HTTP/2 connection in use is probed this often, and given up after [`PING_TIMEOUT`].
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest head of a reply, in bytes.
const HEAD_BYTES_MAX: u32 = 64 * 1024;

const TCP_KEEPALIVE: Duration = Duration::from_secs(60);

/// When HTTP/2 is spoken to a provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Http2 {
    /// Where the provider offers it in the TLS handshake.
    #[default]
    Auto,
    /// HTTP/1.1 only.
    Never,
    /// Always, without asking.
    PriorKnowledge,
}

/// A client with a pool.
pub(crate) type Pool = Client<Timed<HttpsConnector<HttpConnector>>, Full<Bytes>>;

/// A connector under a time limit.
#[derive(Debug, Clone)]
pub(crate) struct Timed<C> {
    inner: C,
    limit: Duration,
}

/// The connection was not there in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no connection in time")]
pub(crate) struct ConnectTimedOut;

/// What a pool needs to know.
#[derive(Debug)]
pub(crate) struct PoolSettings<'a> {
    /// Whether authorities are needed; without, no certificate verifies.
    pub(crate) tls: bool,
    pub(crate) ca_file: Option<&'a Path>,
    pub(crate) http2: Http2,
    pub(crate) connect_timeout: Duration,
    pub(crate) max_idle: usize,
}

// === impl PoolSettings ===

impl PoolSettings<'_> {
    /// Makes the pool; reads the root certificates.
    pub(crate) fn build(&self) -> Result<Pool, String> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(TCP_KEEPALIVE));
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(self.tls_config()?)
            .https_or_http();
        let inner = match self.http2 {
            Http2::Auto => https.enable_all_versions().wrap_connector(tcp),
            Http2::Never => https.enable_http1().wrap_connector(tcp),
            Http2::PriorKnowledge => https.enable_http2().wrap_connector(tcp),
        };
        let connector = Timed {
            inner,
            limit: self.connect_timeout,
        };
        Ok(Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(self.max_idle)
            .http2_only(self.http2 == Http2::PriorKnowledge)
            .http2_keep_alive_interval(PING_EVERY)
            .http2_keep_alive_timeout(PING_TIMEOUT)
            .http2_max_header_list_size(HEAD_BYTES_MAX)
            .http1_max_buf_size(HEAD_BYTES_MAX as usize)
            .retry_canceled_requests(true)
            .build(connector))
    }

    fn tls_config(&self) -> Result<ClientConfig, String> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let builder = match self.ca_file {
            _ if !self.tls => builder.with_root_certificates(RootCertStore::empty()),
            Some(path) => builder.with_root_certificates(roots(path)?),
            None => builder
                .with_native_roots()
                .map_err(|error| error.to_string())?,
        };
        Ok(builder.with_no_client_auth())
    }
}

fn roots(path: &Path) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    let shown = path.display();
    let certificates = CertificateDer::pem_file_iter(path)
        .map_err(|error| format!("`{shown}` can't be read: {error}"))?;
    for certificate in certificates {
        certificate
            .map_err(|error| error.to_string())
            .and_then(|certificate| store.add(certificate).map_err(|error| error.to_string()))
            .map_err(|error| format!("`{shown}` holds no sound certificate: {error}"))?;
    }
    if store.is_empty() {
        return Err(format!("`{shown}` holds no certificate"));
    }
    Ok(store)
}

// === impl Timed ===

impl<C> Service<Uri> for Timed<C>
where
    C: Service<Uri>,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<C::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = tokio::time::timeout(self.limit, self.inner.call(uri));
        Box::pin(async move {
            match connecting.await {
                Ok(outcome) => outcome.map_err(Into::into),
                Err(_) => Err(ConnectTimedOut.into()),
            }
        })
    }
}
