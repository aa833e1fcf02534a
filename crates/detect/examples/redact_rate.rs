//! What the detectors find in a corpus: JSON lines `{"text", "spans"?}` on stdin.
//!
//! Prints, by kind, how many values were found in how many texts, how many of the corpus's labelled
//! spans of that kind were covered, and the throughput. `--show KIND` prints the values of a kind
//! that no labelled span covers, `--miss KIND` the labelled spans that were missed; `--hold` cuts
//! the texts into pieces of four bytes and prints what was held.
//!
//! ```sh
//! zcat pii.jsonl.gz | cargo run --profile quick-release -p aegis-detect --example redact_rate
//! ```

#![expect(clippy::print_stdout, reason = "the report is the purpose")]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::BufRead;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use aegis_core::DigestKey;
use aegis_detect::entity::detectors;
use aegis_detect::redact::{Mask, Redactor};
use serde_json::Value;

/// Names of kinds in corpora, and ours.
const LABELS: &[(&str, &str)] = &[
    ("email", "email"),
    ("phone", "phone"),
    ("credit_card_number", "card"),
    ("credit_card", "card"),
    ("iban", "iban"),
    ("ssn", "ssn"),
    ("us_ssn", "ssn"),
    ("ip", "ip"),
    ("uk_nhs", "nhs"),
    ("uk_nino", "nino"),
];

#[derive(Default)]
struct Count {
    found: usize,
    unlabelled: usize,
    texts: usize,
    labelled: usize,
    covered: usize,
}

struct Options {
    show: Option<String>,
    miss: Option<String>,
    hold: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = options();
    let mut rules = Vec::new();
    for group in ["pii", "secrets"] {
        for detector in detectors(group).unwrap_or_default() {
            rules.push((detector, Mask::Redact));
        }
    }
    let started = Instant::now();
    let redactor = Arc::new(Redactor::new(rules, DigestKey::random()?)?);
    println!(
        "loaded in {:?}, hold_max {} B",
        started.elapsed(),
        redactor.hold_max()
    );
    let mut texts = Vec::new();
    for line in std::io::stdin().lock().lines() {
        texts.push(serde_json::from_str::<Value>(&line?)?);
    }
    let mut counts = BTreeMap::<&str, Count>::new();
    for text in &texts {
        count(&redactor, text, &mut counts, &options);
    }
    println!("kind                 found  unlabelled  in texts  spans  covered");
    for (kind, count) in &counts {
        let Count {
            found,
            unlabelled,
            texts,
            labelled,
            covered,
        } = count;
        println!("{kind:20} {found:5} {unlabelled:11} {texts:9} {labelled:6} {covered:8}");
    }
    speed(&redactor, &texts, options.hold);
    Ok(())
}

fn options() -> Options {
    let args: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        let at = args.iter().position(|arg| arg == name)?;
        args.get(at + 1).cloned()
    };
    Options {
        show: value("--show"),
        miss: value("--miss"),
        hold: args.iter().any(|arg| arg == "--hold"),
    }
}

fn text_of(line: &Value) -> &str {
    line.get("text").and_then(Value::as_str).unwrap_or_default()
}

/// The labelled spans of a text, in bytes, with the kinds they are ours of.
fn spans(line: &Value) -> Vec<(Option<&'static str>, Range<usize>)> {
    let text = text_of(line);
    let spans = line
        .get("spans")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let spans = spans.filter_map(|span| {
        let kind = span.get("type")?.as_str()?.to_ascii_lowercase();
        let value = span.get("value")?.as_str()?;
        let chars = usize::try_from(span.get("start")?.as_u64()?).ok()?;
        let start = text.char_indices().nth(chars)?.0;
        let label =
            |(label, _): &&(&str, _)| kind == *label || (label.len() < 6 && kind.contains(label));
        let ours = LABELS.iter().find(label).map(|(_, ours)| *ours);
        Some((ours, start..start + value.len()))
    });
    spans.collect()
}

fn count(redactor: &Redactor, line: &Value, counts: &mut BTreeMap<&str, Count>, options: &Options) {
    let text = text_of(line);
    let spans = spans(line);
    let findings = redactor.redact(text).findings;
    let meets = |a: &Range<usize>, b: &Range<usize>| a.start < b.end && b.start < a.end;
    let mut seen = Vec::new();
    for finding in &findings {
        let count = counts.entry(finding.entity).or_default();
        count.found += 1;
        let known = spans.iter().any(|(_, span)| meets(span, &finding.range));
        count.unlabelled += usize::from(!known);
        if !seen.contains(&finding.entity) {
            seen.push(finding.entity);
            count.texts += 1;
        }
        if !known && options.show.as_deref() == Some(finding.entity) {
            println!("+ {}", around(text, &finding.range));
        }
    }
    for (kind, span) in spans {
        let Some(kind) = kind else { continue };
        let covered = findings.iter().any(|finding| meets(&finding.range, &span));
        let count = counts.entry(kind).or_default();
        count.labelled += 1;
        count.covered += usize::from(covered);
        if !covered && options.miss.as_deref() == Some(kind) {
            println!("- {}", around(text, &span));
        }
    }
}

/// The range in brackets, with a few characters around it.
fn around(text: &str, range: &Range<usize>) -> String {
    let from = text.floor_char_boundary(range.start.saturating_sub(24));
    let to = text.ceil_char_boundary(range.end + 16);
    let piece = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let shown = format!(
        "{}⟦{}⟧{}",
        piece(from, range.start),
        piece(range.start, range.end),
        piece(range.end, to)
    );
    shown.replace('\n', "⏎")
}

fn speed(redactor: &Arc<Redactor>, texts: &[Value], hold: bool) {
    let bytes: usize = texts.iter().map(|line| text_of(line).len()).sum();
    let megabytes = |elapsed: std::time::Duration| {
        let micros = u32::try_from(elapsed.as_micros().max(1)).unwrap_or(u32::MAX);
        f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) / f64::from(micros)
    };
    let started = Instant::now();
    let changed = texts
        .iter()
        .filter(|line| !redactor.redact(text_of(line)).findings.is_empty())
        .count();
    println!(
        "{} texts, {bytes} B, {changed} changed: {:.0} MB/s whole",
        texts.len(),
        megabytes(started.elapsed())
    );
    if !hold {
        return;
    }
    for piece in [1, 4, 16, 64] {
        let started = Instant::now();
        let (mut held, mut pushes, mut most) = (0, 0, 0);
        for line in texts {
            let mut stream = redactor.stream();
            let (mut out, mut findings) = (String::new(), Vec::new());
            let mut rest = text_of(line);
            while !rest.is_empty() {
                let (head, tail) = rest.split_at(rest.ceil_char_boundary(piece.min(rest.len())));
                stream.push(head, &mut out, &mut findings);
                held += stream.held();
                most = most.max(stream.held());
                pushes += 1;
                rest = tail;
            }
            stream.finish(&mut out, &mut findings);
        }
        println!(
            "{piece:2}-byte pieces: {:.1} MB/s, held {:.1} B on average, {most} B at most",
            megabytes(started.elapsed()),
            f64::from(u32::try_from(held).unwrap_or(u32::MAX))
                / f64::from(u32::try_from(pushes.max(1)).unwrap_or(u32::MAX))
        );
    }
}
