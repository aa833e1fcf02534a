//! One client connection: hyper with every limit set.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use aegis_core::Peer;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::io::Guarded;
use super::listener::Stream;
use crate::app::App;
use crate::policy::GatewayListenSpec;

/// How much of a reply hyper may hold for one HTTP/2 stream.
const SEND_BUFFER_BYTES: usize = 64 << 10;
/// Streams a client may reset before they were answered (HTTP/2 rapid reset, CVE-2023-44487).
const PENDING_RESETS_MAX: usize = 20;

/// The connection builder of a policy.
pub(super) fn builder(spec: &GatewayListenSpec) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(spec.header_timeout.0)
        .max_headers(spec.headers_max)
        .max_buf_size(spec.header_max.0)
        .half_close(false);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(spec.streams_max)
        .max_header_list_size(u32::try_from(spec.header_max.0).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(PENDING_RESETS_MAX)
        .max_local_error_reset_streams(PENDING_RESETS_MAX)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .keep_alive_interval(spec.header_timeout.0)
        .keep_alive_timeout(spec.header_timeout.0);
    builder
}

/// Serves a connection until it ends; on `draining`, until its requests under way are done.
pub(super) async fn serve(app: Arc<App>, stream: Stream, peer: Peer, draining: CancellationToken) {
    let spec = app.listen();
    let io = TokioIo::new(Guarded::new(
        stream,
        spec.header_timeout.0,
        spec.write_timeout.0,
    ));
    let service = service_fn(|request| {
        let app = app.clone();
        async move { Ok::<_, Infallible>(app.handle(request, peer).await) }
    });
    let builder = builder(spec);
    let mut connection = pin!(builder.serve_connection(io, service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = draining.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        app.metrics().connection_errors.inc();
        debug!(%error, "client connection ended by an error");
    }
}
