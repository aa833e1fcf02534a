//! `aegis serve`.

use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info};

use super::{CommandError, Outcome};
use crate::policy::Policy;
use crate::reload::Running;
use crate::serve::Listener;
use crate::{admin, logging, serve};

pub(super) fn run(config: &Path) -> Result<Outcome, CommandError> {
    let policy = Policy::load(config)?;
    logging::start()?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(gateway(policy))
}

async fn gateway(policy: Policy) -> Result<Outcome, CommandError> {
    let listen = policy.spec.listen.clone();
    // Bound before anything is built: a second gateway must not touch the first one's audit log.
    let listener = Listener::bind(&listen.gateway).await?;
    let admin_listener = match &listen.admin {
        Some(spec) => Some(
            TcpListener::bind(spec.address)
                .await
                .map_err(|e| format!("cannot listen on {}: {e}", spec.address))?,
        ),
        None => None,
    };
    let digest = policy.digest.clone();
    let running = Arc::new(Running::start(policy).await?);
    let (draining, stopping) = (CancellationToken::new(), CancellationToken::new());
    let tasks = TaskTracker::new();
    if let Some(listener) = admin_listener {
        tasks.spawn(admin::serve(
            running.app().clone(),
            running.audit().clone(),
            listener,
            stopping.clone(),
        ));
    }
    info!(address = %listener.describe(), policy = %digest, "listening");
    running.app().set_ready(true);
    let data = tasks.spawn(serve::serve(
        running.app().clone(),
        listener,
        draining.clone(),
    ));
    watch_signals(&running, &draining).await?;
    running.app().set_ready(false);
    data.await?;
    stopping.cancel();
    running.stop().await;
    info!("stopped");
    Ok(Outcome::Done)
}

/// Reloads on SIGHUP; returns on SIGTERM or SIGINT.
async fn watch_signals(
    running: &Arc<Running>,
    draining: &CancellationToken,
) -> Result<(), CommandError> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    loop {
        tokio::select! {
            _ = hangup.recv() => {
                if let Err(error) = running.reload().await {
                    error!(%error, "policy not reloaded; the last good one stays");
                }
            }
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    draining.cancel();
    Ok(())
}
