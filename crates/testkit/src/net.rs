//! Small helpers for loopback servers.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

/// A listener on a free loopback port.
///
/// # Panics
/// If no port can be bound.
pub async fn loopback_listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("bind loopback");
    let address = listener.local_addr().expect("bound address");
    (listener, address)
}

/// A loopback port that was free a moment ago; for servers that must be told their port.
///
/// # Panics
/// If no port can be bound.
#[must_use]
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind loopback");
    listener.local_addr().expect("bound address").port()
}
