//! The contract of the module's documentation, proved against a slow reference over all cuts.

mod cuts;
mod meaning;
mod reference;
mod texts;

use std::sync::Arc;

use aegis_core::DigestKey;

use super::{Detector, Finding, Mask, RedactStream, Redactor};

fn key() -> DigestKey {
    DigestKey::from_bytes(b"test")
}

fn redactor(rules: Vec<(Detector, Mask)>) -> Arc<Redactor> {
    Arc::new(Redactor::new(rules, key()).unwrap())
}

/// What comes of `pieces`, pushed one by one.
fn streamed<'p>(
    redactor: &Arc<Redactor>,
    pieces: impl IntoIterator<Item = &'p str>,
) -> (String, Vec<Finding>, RedactStream) {
    let mut stream = redactor.stream();
    let (mut out, mut findings) = (String::new(), Vec::new());
    for piece in pieces {
        stream.push(piece, &mut out, &mut findings);
        assert!(
            stream.held() <= redactor.held_max(),
            "held {}",
            stream.held()
        );
    }
    stream.finish(&mut out, &mut findings);
    assert_eq!(stream.held(), 0);
    (out, findings, stream)
}
