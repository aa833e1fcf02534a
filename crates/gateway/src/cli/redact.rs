//! `aegis redact`: the output filter on texts, whole or in pieces.

use std::path::PathBuf;
use std::sync::Arc;

use aegis_core::DigestKey;
use aegis_detect::redact::{Finding, Redactor};
use aegis_output::{OutputSpec, PiiSpec, SecretsSpec};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CommandError, Outcome, lines};
use crate::policy::Policy;

/// How to redact.
#[derive(Debug, clap::Args)]
pub(super) struct RedactArguments {
    /// The policy file; every kind of value, each redacted, where absent.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Feed the text this many bytes at a time through the streaming filter. The result is the same.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    chunk: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    id: Value,
    text: String,
}

#[derive(Debug, Serialize)]
struct Output {
    id: Value,
    text: String,
    findings: Vec<Found>,
}

#[derive(Debug, Serialize)]
struct Found {
    entity: String,
    start: usize,
    end: usize,
}

/// Everything is looked for and redacted.
pub(super) fn defaults() -> OutputSpec {
    OutputSpec {
        pii: Some(PiiSpec::default()),
        secrets: Some(SecretsSpec::default()),
        ..OutputSpec::default()
    }
}

pub(super) fn run(arguments: &RedactArguments) -> Result<Outcome, CommandError> {
    let spec = match &arguments.config {
        Some(file) => Policy::load(file)?.spec.output,
        None => defaults(),
    };
    let filter = spec.build(&DigestKey::random()?)?;
    let redactor = filter.redactor().clone();
    lines::map(|Input { id, text }: Input| {
        let (text, findings) = match arguments.chunk {
            None => {
                let redacted = redactor.redact(&text);
                (redacted.text.into_owned(), redacted.findings)
            }
            Some(bytes) => in_pieces(&redactor, &text, bytes as usize),
        };
        let findings = findings.iter().map(|found| Found {
            entity: found.entity.to_string(),
            start: found.range.start,
            end: found.range.end,
        });
        Ok(Output {
            id,
            text,
            findings: findings.collect(),
        })
    })?;
    Ok(Outcome::Done)
}

/// Feeds `bytes` at a time; a character cut in the middle waits for its rest, as it does when a
/// stream's events are decoded.
fn in_pieces(redactor: &Arc<Redactor>, text: &str, bytes: usize) -> (String, Vec<Finding>) {
    let (mut out, mut findings) = (String::with_capacity(text.len()), Vec::new());
    let mut stream = redactor.stream();
    let (mut from, mut to) = (0, bytes);
    while from < text.len() {
        let end = (from..=to.min(text.len()))
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(from);
        stream.push(
            text.get(from..end).unwrap_or_default(),
            &mut out,
            &mut findings,
        );
        (from, to) = (end, to + bytes);
    }
    stream.finish(&mut out, &mut findings);
    (out, findings)
}
