//! Where the gateway listens, and what a connection may cost.

use std::net::SocketAddr;
use std::path::PathBuf;

use aegis_core::{ByteSize, Span};
use schemars::JsonSchema;
use serde::Deserialize;

/// The listeners.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListenSpec {
    /// The data port: clients come here.
    pub gateway: GatewayListenSpec,
    /// The admin port: health and metrics. Not served where absent.
    #[serde(default)]
    pub admin: Option<AdminListenSpec>,
}

/// The data port. Exactly one of `address` and `unix`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatewayListenSpec {
    /// IP address and port.
    #[serde(default)]
    pub address: Option<SocketAddr>,
    /// Path of a Unix socket, for a sidecar; made with mode 0660.
    #[serde(default)]
    pub unix: Option<PathBuf>,
    /// Most connections at once; further ones wait in the kernel's queue.
    #[serde(default = "defaults::connections_max")]
    pub connections_max: usize,
    /// Most bytes of a request head (8 KiB at least).
    #[serde(default = "defaults::header_max")]
    pub header_max: ByteSize,
    /// Most header fields of a request.
    #[serde(default = "defaults::headers_max")]
    pub headers_max: usize,
    /// Longest time for a request head to arrive whole; also how long an idle connection is kept.
    #[serde(default = "defaults::header_timeout")]
    pub header_timeout: Span,
    /// Longest time for which a client may take nothing of what is sent to it.
    #[serde(default = "defaults::write_timeout")]
    pub write_timeout: Span,
    /// Most HTTP/2 streams of one connection at once.
    #[serde(default = "defaults::streams_max")]
    pub streams_max: u32,
    /// Longest time for requests to finish after SIGTERM.
    #[serde(default = "defaults::drain_timeout")]
    pub drain_timeout: Span,
}

/// The admin port.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminListenSpec {
    /// IP address and port; loopback unless `allow_remote`.
    pub address: SocketAddr,
    /// Serve health and metrics beyond loopback, for probes and scrapers of a cluster.
    #[serde(default)]
    pub allow_remote: bool,
}

mod defaults {
    use super::{ByteSize, Span};
    use std::time::Duration;

    pub(super) const fn connections_max() -> usize {
        10_000
    }
    pub(super) const fn header_max() -> ByteSize {
        ByteSize(32 << 10)
    }
    pub(super) const fn headers_max() -> usize {
        100
    }
    pub(super) const fn header_timeout() -> Span {
        Span(Duration::from_secs(15))
    }
    pub(super) const fn write_timeout() -> Span {
        Span(Duration::from_secs(60))
    }
    pub(super) const fn streams_max() -> u32 {
        100
    }
    pub(super) const fn drain_timeout() -> Span {
        Span(Duration::from_secs(30))
    }
}

/// hyper's own lower bound for its read buffer.
const HEADER_MIN: usize = 8 << 10;

// === impl ListenSpec ===

impl ListenSpec {
    /// Whether only this machine can reach the data port.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.gateway
            .address
            .is_none_or(|address| address.ip().is_loopback())
    }

    /// Checks what the types can't say.
    ///
    /// # Errors
    /// Names the key and the fix.
    pub fn check(&self) -> Result<(), String> {
        let gateway = &self.gateway;
        if gateway.address.is_some() == gateway.unix.is_some() {
            return Err("listen.gateway: give exactly one of `address` and `unix`".into());
        }
        if gateway.connections_max == 0 || gateway.headers_max == 0 || gateway.streams_max == 0 {
            return Err("listen.gateway: `connections_max`, `headers_max` and `streams_max` must be at least 1".into());
        }
        if gateway.header_max.0 < HEADER_MIN {
            return Err("listen.gateway.header_max: at least 8KiB".into());
        }
        if gateway.header_timeout.0.is_zero() || gateway.write_timeout.0.is_zero() {
            return Err(
                "listen.gateway: `header_timeout` and `write_timeout` must be longer than 0".into(),
            );
        }
        match &self.admin {
            Some(admin) if !admin.allow_remote && !admin.address.ip().is_loopback() => Err(
                "listen.admin.address: not a loopback address; use 127.0.0.1, or set `allow_remote: true`".into(),
            ),
            _ => Ok(()),
        }
    }
}
