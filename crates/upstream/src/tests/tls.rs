//! TLS, HTTP/2, and documents fetched over both.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Response, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::mock::{Act, Mock, json};
use super::*;
use crate::fetch::{FetchError, Fetcher};

/// A server that says which version it was spoken to in; its certificate lies in the file.
struct Secured {
    url: String,
    ca_file: PathBuf,
}

impl Drop for Secured {
    fn drop(&mut self) {
        std::fs::remove_file(&self.ca_file).ok();
    }
}

async fn hello(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let version = match request.version() {
        Version::HTTP_2 => "\"2\"",
        _ => "\"1.1\"",
    };
    Ok(Response::new(Full::new(Bytes::from(version))))
}

async fn secured(name: &str) -> Secured {
    let own = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let ca_file = std::env::temp_dir().join(format!("aegis-{}-{name}.pem", std::process::id()));
    let encoded = STANDARD.encode(own.cert.der());
    let pem = format!("-----BEGIN CERTIFICATE-----\n{encoded}\n-----END CERTIFICATE-----\n");
    std::fs::write(&ca_file, pem).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let io = TokioIo::new(stream);
                let server = auto::Builder::new(TokioExecutor::new());
                server.serve_connection(io, service_fn(hello)).await.ok();
            });
        }
    });
    Secured { url, ca_file }
}

#[tokio::test]
async fn the_version_is_agreed_on_in_the_handshake() {
    let server = secured("version").await;
    for (http2, version) in [
        ("auto", "\"2\""),
        ("never", "\"1.1\""),
        ("prior_knowledge", "\"2\""),
    ] {
        let more = serde_json::json!({ "ca_file": server.ca_file, "http2": http2 });
        let stage = stage(&spec("openai", &server.url, &more));
        assert_eq!(text(ask(&stage).await.unwrap()).await, version, "{http2}");
    }
}

#[tokio::test]
async fn certificates_of_others_are_refused() {
    let (server, other) = (secured("mine").await, secured("other").await);
    let more = serde_json::json!({ "ca_file": other.ca_file });
    let rejection = ask(&stage(&spec("openai", &server.url, &more)))
        .await
        .unwrap_err();
    assert_eq!(rejection.reason(), aegis_core::Reason::UpstreamUnavailable);
    assert!(
        rejection.detail().unwrap().contains("certificate"),
        "{:?}",
        rejection.detail()
    );
}

#[tokio::test]
async fn http2_is_spoken_without_asking_where_the_policy_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let io = TokioIo::new(stream);
        server.serve_connection(io, service_fn(hello)).await.ok();
    });
    let more = serde_json::json!({ "http2": "prior_knowledge" });
    let stage = stage(&spec("openai", &url, &more));
    let both = futures_util::future::join(ask(&stage), ask(&stage)).await;
    for reply in [both.0, both.1] {
        assert_eq!(text(reply.unwrap()).await, "\"2\"");
    }
}

#[tokio::test]
async fn documents_are_fetched_within_their_bounds() {
    let second = Duration::from_secs(1);
    let server = secured("fetch").await;
    let fetcher = Fetcher::new(Some(&server.ca_file)).unwrap();
    let url = server.url.parse().unwrap();
    assert_eq!(fetcher.get(&url, 3, second).await.unwrap(), "\"2\"");
    let outcome = fetcher.get(&url, 2, second).await;
    assert!(matches!(outcome, Err(FetchError::Body(_))));
    let outcome = fetcher
        .get(&"http://10.0.0.1/".parse().unwrap(), 2, second)
        .await;
    assert!(matches!(outcome, Err(FetchError::Plaintext)));
    let moved = Mock::start(vec![json("302 Found", "location: /x\r\n", "")]).await;
    let outcome = fetcher.get(&moved.url.parse().unwrap(), 2, second).await;
    assert!(matches!(outcome, Err(FetchError::Status(status)) if status == 302));
    let mute = Mock::start(vec![Act::Hang]).await;
    let short = Duration::from_millis(50);
    let outcome = fetcher.get(&mute.url.parse().unwrap(), 2, short).await;
    assert!(matches!(outcome, Err(FetchError::TimedOut(_))));
}
