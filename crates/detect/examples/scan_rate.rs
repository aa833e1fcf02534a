//! What the rules find in a corpus: JSON lines `{"text", "label", "source"}` on stdin.
//!
//! Prints, by rule, how many texts of each label it hits; then, by label, how many texts any rule
//! hits and how many a blocking one does (`high` or `critical`); then the throughput. All texts
//! are taken as a user's. `--pack FILE` (repeatable) takes packs from files in place of `core`;
//! `--show RULE` prints the texts that a rule hits, `--hit LABEL` those of a label that a blocking
//! rule hits, `--miss LABEL` those that none does; `--split` counts by label and source.
//!
//! ```sh
//! zcat attacks.jsonl.gz | cargo run --profile quick-release -p aegis-detect --example scan_rate
//! ```

#![expect(clippy::print_stdout, reason = "the report is the purpose")]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::BufRead;
use std::time::{Duration, Instant};

use aegis_core::Role;
use aegis_detect::pattern::{PatternMatch, Patterns, Severity};
use aegis_detect::views::Prepared;
use serde_json::Value;

/// Characters of a text that are printed.
const SHOWN_CHARS: usize = 300;

#[derive(Default)]
struct Options {
    packs: Vec<String>,
    show: Option<String>,
    hit: Option<String>,
    miss: Option<String>,
    split: bool,
}

#[derive(Default)]
struct Count {
    texts: usize,
    found: usize,
    blocked: usize,
}

#[derive(Default)]
struct Report {
    rules: BTreeMap<String, BTreeMap<String, usize>>,
    labels: BTreeMap<String, Count>,
    bytes: usize,
    preparing: Duration,
    scanning: Duration,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = options()?;
    let mut files = Vec::new();
    for path in &options.packs {
        files.push((path.clone(), std::fs::read_to_string(path)?));
    }
    let files = files.iter().map(|(name, yaml)| (&**name, &**yaml));
    let started = Instant::now();
    let patterns = match options.packs.is_empty() {
        true => Patterns::builtin(&["core"])?,
        false => Patterns::load(files)?,
    };
    let loading = started.elapsed();
    let mut report = Report::default();
    for line in std::io::stdin().lock().lines() {
        report.take(&patterns, &serde_json::from_str(&line?)?, &options);
    }
    report.print(&patterns);
    println!("loaded in {loading:.1?}");
    Ok(())
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options::default();
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        if flag == "--split" {
            options.split = true;
            continue;
        }
        let value = args.next().ok_or_else(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--pack" => options.packs.push(value),
            "--show" => options.show = Some(value),
            "--hit" => options.hit = Some(value),
            "--miss" => options.miss = Some(value),
            _ => return Err(format!("there is no option {flag}").into()),
        }
    }
    Ok(options)
}

fn blocks(found: &PatternMatch) -> bool {
    match found.rule.severity {
        Severity::Low | Severity::Medium => false,
        Severity::High | Severity::Critical => true,
    }
}

// === impl Report ===

impl Report {
    fn take(&mut self, patterns: &Patterns, line: &Value, options: &Options) {
        let field = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
        let (text, label) = (field("text"), field("label"));
        let started = Instant::now();
        let prepared = Prepared::new(text);
        let ready = Instant::now();
        let found = patterns.scan_prepared(&prepared, Role::User);
        self.scanning += ready.elapsed();
        self.preparing += ready - started;
        self.bytes += text.len();
        let key = match options.split {
            true => format!("{label} {}", field("source")),
            false => label.to_owned(),
        };
        let count = self.labels.entry(key).or_default();
        count.texts += 1;
        count.found += usize::from(!found.is_empty());
        let blocked = found.iter().any(blocks);
        count.blocked += usize::from(blocked);
        for hit in &found {
            let by_label = self.rules.entry(hit.rule.id.to_string()).or_default();
            *by_label.entry(label.to_owned()).or_default() += 1;
            let view = hit.view.map_or("", |view| view.as_str());
            let source = field("source");
            let shown = options.show.as_deref() == Some(&*hit.rule.id)
                || (options.hit.as_deref() == Some(label) && blocks(hit));
            if shown {
                let range = hit.range.start.saturating_sub(40)..hit.range.end + 40;
                let start = text.floor_char_boundary(range.start);
                let end = text.ceil_char_boundary(range.end.min(text.len()));
                let around = text.get(start..end).unwrap_or_default();
                println!(
                    "{} {label} {source} {view} | {around:.SHOWN_CHARS$?}",
                    hit.rule.id
                );
            }
        }
        if options.miss.as_deref() == Some(label) && !blocked {
            println!("miss {} | {text:.SHOWN_CHARS$?}", field("source"));
        }
    }

    fn print(&self, patterns: &Patterns) {
        for rule in patterns.rules() {
            let counts = self.rules.get(&*rule.id);
            println!(
                "{:8?} {:40} {:?}",
                rule.severity,
                rule.id,
                counts.unwrap_or(&BTreeMap::new())
            );
        }
        for (label, count) in &self.labels {
            let percent = |n: usize| 100.0 * n as f64 / count.texts as f64;
            println!(
                "{label:40} texts {:6}  found {:6} ({:7.3} %)  blocked {:6} ({:7.3} %)",
                count.texts,
                count.found,
                percent(count.found),
                count.blocked,
                percent(count.blocked),
            );
        }
        let rate = |time: Duration| self.bytes as f64 / 1e6 / time.as_secs_f64();
        println!(
            "{} bytes: prepared at {:.0} MB/s, searched at {:.0} MB/s",
            self.bytes,
            rate(self.preparing),
            rate(self.scanning),
        );
    }
}
