//! How PostgreSQL is reached: what the URL may ask for, and TLS.
//!
//! Plain text only to the same machine (loopback or Unix socket); to any other host the
//! certificate is always verified against the system's roots, or those of `sslrootcert=FILE`;
//! `sslmode=require` means that too. The URL is never printed: it may hold a password.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aegis_core::Secret;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::task::JoinSet;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::store::StoreError;

/// Time to establish a connection.
const CONNECT_WAIT_MAX: Duration = Duration::from_secs(5);
/// After this long without an answer the peer is probed.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
/// A peer that acknowledges nothing for this long is gone.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(10);

/// Where and how to connect.
pub(super) struct Connector {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

/// What the URL says beyond what `tokio_postgres` reads.
#[derive(Debug, Default)]
struct TlsOptions {
    mode: Option<String>,
    roots: Option<PathBuf>,
}

// === impl Connector ===

impl Connector {
    pub(super) fn new(url: &Secret) -> Result<Self, StoreError> {
        let (url, options) = take_tls_options(url.expose());
        // The parser's error could repeat a part of a password that is not percent-encoded.
        let mut config: Config = url.parse().map_err(|_| {
            address("not a PostgreSQL URL; percent-encode special characters in user and password")
        })?;
        let local = is_local(&config)?;
        let encrypt = match options.mode.as_deref() {
            None => !local,
            Some("disable" | "allow" | "prefer") if local => false,
            Some("require" | "verify-ca" | "verify-full") => true,
            Some(_) if local => {
                return Err(address("sslmode: write disable, require or verify-full"));
            }
            Some(_) => {
                return Err(address(
                    "plain text to another host is refused; write sslmode=verify-full",
                ));
            }
        };
        let tls = if encrypt {
            config.ssl_mode(SslMode::Require);
            Some(MakeRustlsConnect::new(client_config(options.roots)?))
        } else {
            config.ssl_mode(SslMode::Disable);
            None
        };
        config
            .application_name("aegis-audit")
            .connect_timeout(CONNECT_WAIT_MAX)
            .keepalives_idle(KEEPALIVE_IDLE)
            .tcp_user_timeout(UNACKNOWLEDGED_MAX);
        Ok(Self { config, tls })
    }

    /// Connects; the connection is driven by a task in the set and ends with it.
    pub(super) async fn connect(&self) -> Result<(Client, JoinSet<()>), tokio_postgres::Error> {
        let mut driver = JoinSet::new();
        let client = match &self.tls {
            Some(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await?;
                driver.spawn(async move { connection.await.unwrap_or_default() });
                client
            }
            None => {
                let (client, connection) = self.config.connect(NoTls).await?;
                driver.spawn(async move { connection.await.unwrap_or_default() });
                client
            }
        };
        Ok((client, driver))
    }
}

/// Takes `sslmode` and `sslrootcert` out of the URL's query.
fn take_tls_options(url: &str) -> (String, TlsOptions) {
    let mut options = TlsOptions::default();
    // A password may hold a `?`: the query begins behind the host.
    let host = url.rfind('@').unwrap_or_default();
    let query = url.get(host..).and_then(|rest| rest.split_once('?'));
    let Some((base, query)) = query.and_then(|(rest, query)| {
        let base = url.get(..host + rest.len())?;
        Some((base, query))
    }) else {
        return (url.to_owned(), options);
    };
    let mut rest = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslmode", mode)) => options.mode = Some(mode.to_owned()),
            Some(("sslrootcert", file)) => options.roots = Some(percent_decoded(file).into()),
            Some(_) | None => rest.push(pair),
        }
    }
    let url = if rest.is_empty() {
        base.to_owned()
    } else {
        format!("{base}?{}", rest.join("&"))
    };
    (url, options)
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *byte == b'%');
        let decoded = code
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(decoded.unwrap_or(*byte));
        rest = match decoded {
            Some(_) => after.get(2..).unwrap_or_default(),
            None => after,
        };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether every host is this machine.
fn is_local(config: &Config) -> Result<bool, StoreError> {
    let addresses = config.get_hostaddrs();
    if !addresses.is_empty() {
        return Ok(addresses.iter().all(IpAddr::is_loopback));
    }
    let hosts = config.get_hosts();
    if hosts.is_empty() {
        return Err(address("the PostgreSQL URL names no host"));
    }
    Ok(hosts.iter().all(|host| match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse()
                    .is_ok_and(|address: IpAddr| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }))
}

fn client_config(roots: Option<PathBuf>) -> Result<ClientConfig, StoreError> {
    let mut store = RootCertStore::empty();
    match roots {
        Some(file) => {
            let unreadable = |_| address("sslrootcert: not a file of PEM certificates");
            for certificate in CertificateDer::pem_file_iter(file).map_err(unreadable)? {
                let certificate = certificate.map_err(unreadable)?;
                store
                    .add(certificate)
                    .map_err(|_| address("sslrootcert: not a CA certificate"))?;
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            store.add_parsable_certificates(found.certs);
        }
    }
    if store.is_empty() {
        return Err(address(
            "no root certificates to verify PostgreSQL with; name a file by sslrootcert",
        ));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| address("TLS can't be set up"))?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(config)
}

fn address(problem: &str) -> StoreError {
    StoreError::Address(problem.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_options_are_taken_out_of_the_query() {
        let of = |url| {
            let (url, options) = take_tls_options(url);
            (url, options.mode, options.roots)
        };
        let file = |name: &str| Some(PathBuf::from(name));
        for (url, rest, mode, roots) in [
            ("postgres://h/d", "postgres://h/d", None, None),
            ("postgres://h/d?a=b", "postgres://h/d?a=b", None, None),
            (
                "postgres://h/d?sslmode=verify-full",
                "postgres://h/d",
                Some("verify-full"),
                None,
            ),
            (
                "postgres://u:p?sslmode=disable@h/d?a=b&sslrootcert=/a%20b%2&sslmode=x&c=d",
                "postgres://u:p?sslmode=disable@h/d?a=b&c=d",
                Some("x"),
                file("/a b%2"),
            ),
        ] {
            assert_eq!(
                of(url),
                (rest.to_owned(), mode.map(str::to_owned), roots),
                "{url}"
            );
        }
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_plain_text() {
        for (url, encrypted) in [
            ("postgres://u@localhost/d", Some(false)),
            ("postgres://u@127.9.9.9/d", Some(false)),
            ("postgres://u@[::1]/d", Some(false)),
            ("postgres://u@%2Frun%2Fpostgresql/d", Some(false)),
            ("postgres://u@localhost/d?sslmode=disable", Some(false)),
            ("postgres://u@localhost/d?sslmode=verify-full", Some(true)),
            ("postgres://u@localhost/d?sslmode=sometimes", None),
            ("postgres://u@db.example.org/d", Some(true)),
            ("postgres://u@db.example.org/d?sslmode=require", Some(true)),
            ("postgres://u@db.example.org/d?sslmode=prefer", None),
            ("postgres://u@localhost,10.0.0.1/d", Some(true)),
            ("postgres://u@localhost,10.0.0.1/d?sslmode=disable", None),
            ("postgres://u@localhost/d?hostaddr=10.0.0.1", Some(true)),
            (
                "postgres://u@localhost/d?hostaddr=10.0.0.1&sslmode=disable",
                None,
            ),
            (
                "postgres://u@db.example.org/d?sslrootcert=/nonexistent",
                None,
            ),
        ] {
            let connector = Connector::new(&Secret::new(url)).ok();
            let mode = connector
                .as_ref()
                .map(|c| c.config.get_ssl_mode() == SslMode::Require);
            assert_eq!(mode, encrypted, "{url}");
            assert_eq!(connector.map(|c| c.tls.is_some()), encrypted, "{url}");
        }
    }
}
