//! The crate's tests: stores (the same suite on both), writer, stages.

mod backend;
mod canonical;
mod crash;
mod fake;
mod files;
mod postgres;
mod record;
mod suite;
mod tamper;
mod writer;

use std::path::{Path, PathBuf};
use std::time::Duration;

use aegis_core::Secret;
use serde_json::json;

use crate::canonical::Details;
use crate::event::Event;
use crate::note::{SigningKey, VerifierKey};
use crate::writer::{Settings, Timing};

/// The seed of every test's signing key.
const SEED: &str = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
/// The log of most tests.
const LOG: &str = "gateway-1";

fn key() -> Secret {
    Secret::new(SEED)
}

fn verifier(log: &str) -> VerifierKey {
    SigningKey::parse(log, &key()).unwrap().verifier().clone()
}

/// Strict, a checkpoint after every fourth event and at the end, no timer.
fn settings() -> Settings {
    Settings {
        timing: Timing::Strict,
        checkpoint_every: Duration::from_secs(3_600),
        checkpoint_events: 4,
        queue_max: 4_096,
    }
}

fn event(number: usize) -> Event {
    let details = json!({ "number": number, "score": 0.93, "request_id": "r" });
    Event::new("request.decided", "allow")
        .by(None)
        .on("model", "fast")
        .from_address(Some([192, 0, 2, 7].into()))
        .with_details(Details::new(details))
}

/// A directory that goes away with its test.
#[derive(Debug)]
struct TempDir(PathBuf);

impl TempDir {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("aegis-audit-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}
