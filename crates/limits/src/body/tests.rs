//! Bodies at their limits: size, decoded size in every coding, time.

use std::io::Write;
use std::sync::Arc;
use std::time::SystemTime;

use aegis_core::{ActorType, BoxError, Exchange, Peer, Principal, Received, full_body};
use futures_util::stream;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};

use super::*;

const RULES: BodyRules = BodyRules {
    body_max: 100,
    decompressed_max: 1_000,
    timeout: Duration::from_secs(30),
};

fn request(headers: &[(&str, &str)], body: aegis_core::Body) -> Authenticated {
    let mut builder = Request::post("/");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    let (head, ()) = builder.body(()).unwrap().into_parts();
    let exchange = Arc::new(Exchange::new(Peer { address: None }, None, "".into()));
    let principal = Principal {
        actor_type: ActorType::User,
        id: "u".into(),
        issuer: "i".into(),
        tenant: None,
        roles: vec![],
        amr: vec![],
        acr: None,
        credential_id: None,
        expires_at: SystemTime::now(),
    };
    let received = Received {
        exchange,
        head,
        body,
    };
    received.authenticated(Arc::new(principal))
}

async fn read(headers: &[(&str, &str)], body: aegis_core::Body) -> Result<Bytes, Reason> {
    let mut all = vec![("content-type", "application/json")];
    all.extend_from_slice(headers);
    let read = RULES.read(&mut request(&all, body)).await;
    read.map_err(|rejection| rejection.reason())
}

fn pieces(pieces: Vec<Result<&'static str, BoxError>>) -> aegis_core::Body {
    let frames = pieces
        .into_iter()
        .map(|piece| piece.map(|data| Frame::data(Bytes::from(data))));
    StreamBody::new(stream::iter(frames)).boxed_unsync()
}

fn compress(coding: Coding, text: &[u8]) -> Vec<u8> {
    let level = flate2::Compression::best();
    match coding {
        Coding::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        }
        Coding::Deflate => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        }
        Coding::Brotli => {
            let mut out = Vec::new();
            let mut writer = brotli::CompressorWriter::new(&mut out, 4_096, 5, 20);
            writer.write_all(text).unwrap();
            drop(writer);
            out
        }
        Coding::Zstd => zstd::stream::encode_all(text, 3).unwrap(),
    }
}

const CODINGS: [(Coding, &str); 4] = [
    (Coding::Gzip, "gzip"),
    (Coding::Deflate, "deflate"),
    (Coding::Brotli, "br"),
    (Coding::Zstd, "zstd"),
];

#[tokio::test]
async fn a_body_at_the_cap_passes_and_one_byte_more_does_not() {
    for (size, passes) in [(99, true), (100, true), (101, false)] {
        let whole = read(&[], full_body(vec![b'x'; size])).await;
        assert_eq!(whole.is_ok(), passes, "{size}");
        let half: &'static str = Box::leak("x".repeat(size / 2).into());
        let rest: &'static str = Box::leak("x".repeat(size - size / 2).into());
        let cut = read(&[], pieces(vec![Ok(half), Ok(rest)])).await;
        assert_eq!(cut.as_ref().err(), whole.as_ref().err());
        assert!(passes || cut == Err(Reason::BodyTooLarge));
    }
}

#[tokio::test]
async fn an_announced_size_is_refused_unread() {
    let untouched = stream::poll_fn(|_| panic!("the body was read"));
    struct Announced<S>(StreamBody<S>);
    impl<S> http_body::Body for Announced<S>
    where
        S: futures_util::Stream<Item = Result<Frame<Bytes>, BoxError>> + Unpin,
    {
        type Data = Bytes;
        type Error = BoxError;
        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            std::pin::Pin::new(&mut self.0).poll_frame(cx)
        }
        fn size_hint(&self) -> http_body::SizeHint {
            http_body::SizeHint::with_exact(101)
        }
    }
    let body = Announced(StreamBody::new(untouched)).boxed_unsync();
    assert_eq!(read(&[], body).await, Err(Reason::BodyTooLarge));
}

#[test]
fn decoded_size_is_capped_in_every_coding() {
    for (coding, name) in CODINGS {
        for (size, outcome) in [
            (999, Ok(())),
            (1_000, Ok(())),
            (1_001, Err(Reason::BodyTooLarge)),
            (3_000_000, Err(Reason::BodyTooLarge)),
        ] {
            let packed = compress(coding, &vec![b'x'; size]);
            let decoded = coding::decode(coding, &packed, 1_000);
            let length = decoded.map(|bytes| bytes.len()).map_err(|r| r.reason());
            assert_eq!(length, outcome.map(|()| size), "{name} {size}");
        }
    }
}

#[tokio::test]
async fn coded_bodies_arrive_decoded() {
    for (coding, name) in CODINGS {
        let packed = compress(coding, b"{\"a\":1}");
        let decoded = read(&[("content-encoding", name)], full_body(packed)).await;
        assert_eq!(decoded, Ok(Bytes::from("{\"a\":1}")), "{name}");
    }
    let plain = read(&[("content-encoding", "identity")], full_body("{}")).await;
    assert_eq!(plain, Ok(Bytes::from("{}")));
}

#[test]
fn damaged_codings_are_refused() {
    for (coding, name) in CODINGS {
        let whole = compress(coding, &b"{\"prompt\":\"hello\"}".repeat(2_000));
        let mut longer = whole.clone();
        longer.extend_from_slice(&[b'z'; 9_000]);
        let mut one_longer = whole.clone();
        one_longer.push(b'z');
        for damaged in [&whole[..whole.len() - 1], &longer, &one_longer, b"", b"{}"] {
            let outcome = coding::decode(coding, damaged, 1 << 20);
            let outcome = outcome.map(|bytes| bytes.len()).map_err(|r| r.reason());
            assert_eq!(
                outcome,
                Err(Reason::InvalidRequest),
                "{name} {}",
                damaged.len()
            );
        }
    }
}

#[tokio::test]
async fn unknown_and_nested_codings_are_refused_unread() {
    for value in ["gzip, gzip", "compress", "", "br,identity", "gzip;q=1"] {
        let refused = read(&[("content-encoding", value)], full_body("{}")).await;
        assert_eq!(refused, Err(Reason::UnsupportedMediaType), "{value}");
    }
    let twice = [("content-encoding", "gzip"), ("content-encoding", "br")];
    let refused = read(&twice, full_body("{}")).await;
    assert_eq!(refused, Err(Reason::UnsupportedMediaType));
}

#[tokio::test(start_paused = true)]
async fn a_body_must_arrive_in_time_however_it_trickles() {
    for (gap_secs, outcome) in [
        (7, Ok(Bytes::from("xxxx"))),
        (8, Err(Reason::RequestTimeout)),
    ] {
        let trickle = stream::unfold(0, move |sent| async move {
            if sent == 4 {
                return None;
            }
            tokio::time::sleep(Duration::from_secs(gap_secs)).await;
            Some((Ok::<_, BoxError>(Frame::data(Bytes::from("x"))), sent + 1))
        });
        let body = StreamBody::new(trickle).boxed_unsync();
        assert_eq!(read(&[], body).await, outcome);
    }
}

#[tokio::test]
async fn a_broken_body_is_a_bad_request() {
    let body = pieces(vec![Ok("{"), Err("reset".into())]);
    assert_eq!(read(&[], body).await, Err(Reason::InvalidRequest));
}

#[test]
fn where_no_body_belongs_none_is_taken() {
    let none = aegis_core::empty_body;
    assert!(refuse_body(&mut request(&[], none())).is_ok());
    assert!(refuse_body(&mut request(&[("content-length", "0")], none())).is_ok());
    assert!(refuse_body(&mut request(&[("content-length", "2")], none())).is_err());
    assert!(refuse_body(&mut request(&[("transfer-encoding", "chunked")], none())).is_err());
    assert!(refuse_body(&mut request(&[], full_body("{}"))).is_err());
}
