//! What the evaluation of obfuscated texts reads: JSON lines `{"text"}` in, and for each the first
//! stage's highest logits by head, of the canonical form with its decoded views, and of the text as
//! written.
//!
//! `cargo run --release -p aegis-semantic --example first_stage -- MODELS < texts.jsonl`

use std::io::{BufRead, Write};
use std::path::Path;

use aegis_detect::normalize::normalize;
use aegis_detect::views::Prepared;
use aegis_semantic::HEADS;
use aegis_semantic::linear::Linear;
use aegis_semantic::window::windows;
use serde_json::json;

#[derive(serde::Deserialize)]
struct Row {
    text: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let models = std::env::args().nth(1).ok_or("one folder of models")?;
    let linear = Linear::from_bytes(&std::fs::read(Path::new(&models).join("linear.bin"))?)?;
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let Row { text } = serde_json::from_str(&line?)?;
        let prepared = Prepared::new(&text);
        let mut normalised = highest(&linear, &prepared.normalized.text);
        for view in &prepared.views {
            let logits = highest(&linear, &normalize(&view.text).text);
            normalised = join(normalised, logits);
        }
        let written = highest(&linear, &text);
        let line = json!({ "normalised": normalised, "written": written });
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// The highest logit of any window of `text`, by head; far below all where it has none.
fn highest(linear: &Linear, text: &str) -> [f32; HEADS] {
    let mut scratch = Vec::new();
    windows(text)
        .into_iter()
        .filter_map(|range| text.get(range))
        .map(|window| linear.logits(window, &mut scratch))
        .fold([-1e3; HEADS], join)
}

fn join(a: [f32; HEADS], b: [f32; HEADS]) -> [f32; HEADS] {
    std::array::from_fn(|head| {
        let of = |logits: &[f32; HEADS]| logits.get(head).copied().unwrap_or_default();
        of(&a).max(of(&b))
    })
}
