//! What training reads: JSON lines `{"text"}` in, windows of the canonical form and of decoded views out, with their features.
//!
//! `cargo run --release -p aegis-semantic --example features -- WINDOWS FEATURES < texts.jsonl`
//!
//! `WINDOWS`: JSON lines `[row, start, end, text]`, the range in bytes of the original text.
//! `FEATURES`: for every window a little-endian u32 count and so many u32 buckets.

use std::fs::File;
use std::io::{BufRead, BufWriter, Write};

use aegis_detect::normalize::normalize;
use aegis_detect::views::Prepared;
use aegis_semantic::{ngram, window};

#[derive(serde::Deserialize)]
struct Row {
    text: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut paths = std::env::args().skip(1);
    let mut create = || -> Result<_, Box<dyn std::error::Error>> {
        Ok(BufWriter::new(File::create(
            paths.next().ok_or("two paths")?,
        )?))
    };
    let (mut windows, mut features) = (create()?, create()?);
    let mut buckets = Vec::new();
    for (row, line) in std::io::stdin().lock().lines().enumerate() {
        let Row { text } = serde_json::from_str(&line?)?;
        let prepared = Prepared::new(&text);
        let whole = (&prepared.normalized, None);
        let decoded: Vec<_> = prepared
            .views
            .iter()
            .map(|view| (normalize(&view.text), &view.origin))
            .collect();
        let views = decoded
            .iter()
            .map(|(normalized, origin)| (normalized, Some(*origin)));
        for (normalized, origin) in std::iter::once(whole).chain(views) {
            for range in window::windows(&normalized.text) {
                let piece = normalized.text.get(range.clone()).unwrap_or_default();
                let origin = origin
                    .cloned()
                    .unwrap_or_else(|| normalized.original(range));
                let line = serde_json::to_string(&(row, origin.start, origin.end, piece))?;
                writeln!(windows, "{line}")?;
                ngram::features(piece, &mut buckets);
                features.write_all(&u32::try_from(buckets.len())?.to_le_bytes())?;
                for bucket in &buckets {
                    features.write_all(&bucket.to_le_bytes())?;
                }
            }
        }
    }
    windows.flush()?;
    features.flush()?;
    Ok(())
}
