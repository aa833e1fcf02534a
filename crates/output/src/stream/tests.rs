//! Streams against whole texts: for every format, channel and cut.

mod bodies;
mod clients;
mod cuts;
mod endings;
mod events;
mod texts;

use aegis_core::{BrokenOff, DigestKey, Ending, Exchange, Peer, Route, Trail, Verdict};
use aegis_detect::redact::Redactor;
use bytes::BytesMut;

use self::clients::{Format, Piece, Slot};
use super::*;
use crate::OutputSpec;
use crate::refusal::broken_off;

/// A redactor with every detector, as a policy configures it.
fn redactor(policy: &str) -> Arc<Redactor> {
    let spec: OutputSpec = serde_saphyr::from_str(policy).unwrap();
    let filter = spec.build(&DigestKey::from_bytes(b"test")).unwrap();
    filter.redactor().clone()
}

/// What came of a stream.
struct Outcome {
    bytes: Vec<u8>,
    trail: Trail,
}

fn filter(redactor: &Arc<Redactor>, format: Format) -> StreamFilter {
    let route = format.route();
    let (operation, generic) = (route.operation, route.generic.clone());
    let exchange = exchange(route);
    StreamFilter::new(redactor.clone(), operation, generic, exchange)
}

fn exchange(route: Route) -> Arc<Exchange> {
    let peer = Peer { address: None };
    Arc::new(Exchange::new(peer, Some(Arc::new(route)), "policy".into()))
}

/// Feeds `chunks` and then ends the stream, or breaks it off.
fn run<'a>(
    redactor: &Arc<Redactor>,
    format: Format,
    chunks: impl IntoIterator<Item = &'a [u8]>,
    ends: bool,
) -> Outcome {
    let mut filter = filter(redactor, format);
    let mut out = BytesMut::new();
    let mut bytes = Vec::new();
    for chunk in chunks {
        filter.feed(chunk);
        let mut more = true;
        while more {
            more = filter.advance(&mut out);
            bytes.extend_from_slice(&out.split());
        }
    }
    if !filter.ended() {
        if ends {
            filter.finish(&mut out);
        } else {
            filter.fail(broken_off(BrokenOff::Failed), &mut out);
        }
        bytes.extend_from_slice(&out);
    }
    Outcome {
        bytes,
        trail: filter.exchange.trail(),
    }
}

fn piece(slot: Slot, text: impl Into<String>) -> Piece {
    let text = text.into();
    Piece { slot, text }
}

fn whole(redactor: &Arc<Redactor>, format: Format, raw: &[u8]) -> Outcome {
    run(redactor, format, [raw], true)
}
