//! Accepting connections, and stopping without dropping any.
//!
//! SIGTERM: `/readyz` says no, nothing more is accepted, requests under way finish (at most
//! `drain_timeout`), the audit log is closed with a checkpoint. SIGHUP reloads the policy.

mod connection;
mod io;
mod listener;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

pub use self::listener::Listener;
use crate::app::App;

/// Pause after a failed accept (no descriptors, say): long enough not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until `draining` is cancelled, then until the requests under way are done.
pub async fn serve(app: Arc<App>, listener: Listener, draining: CancellationToken) {
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(app.listen().connections_max));
    loop {
        // The place is taken before accepting: what is over the limit waits in the kernel's queue.
        let place = tokio::select! {
            place = places.clone().acquire_owned() => place,
            () = draining.cancelled() => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = draining.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                app.metrics().connection_errors.inc();
                warn!(%error, "accept failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (served, draining) = (app.clone(), draining.clone());
        connections.spawn(async move {
            served.metrics().connections.inc();
            connection::serve(served.clone(), stream, peer, draining).await;
            served.metrics().connections.dec();
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    let limit = app.listen().drain_timeout.0;
    info!(connections = connections.len(), "draining");
    if tokio::time::timeout(limit, connections.wait())
        .await
        .is_err()
    {
        warn!(
            connections = connections.len(),
            "drain timeout: connections cut"
        );
    }
}
