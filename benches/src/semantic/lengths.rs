//! CPU and latency of a text, by its length and by what reads it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aegis_armor::{Armor, ArmorSpec, SemanticCounters};
use aegis_core::{DigestKey, Role};
use aegis_semantic::window::windows;
use aegis_semantic::{First, Semantic, Source};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::setup::Models;
use crate::texts::Texts;
use crate::{cpu_nanos, millis, quantile};

const WORDS: [usize; 5] = [32, 64, 128, 512, 2_048];
/// Words that each cell reads, in texts of its length; at least so many texts.
const WORDS_READ: usize = 40_960;
const TEXTS_MIN: usize = 40;

/// Prints the table.
pub(crate) fn run(models: &Models, runtime: &Runtime) -> Result<(), String> {
    println!("## By length: one text at a time, one thread\n");
    println!("| reader | tokens | texts | to stage 2 | CPU ms | p50 ms | p99 ms |");
    println!("|---|---|---|---|---|---|---|");
    let linear = models.linear()?;
    let shipped = models.shipped(1)?;
    let encoder = models.encoder(1)?;
    for words in WORDS {
        let mut scratch = Vec::new();
        measure("linear model alone", words, |text| {
            for range in windows(text) {
                let window = text.get(range).unwrap_or_default();
                std::hint::black_box(linear.logits(window, &mut scratch));
            }
            Ok(false)
        })?;
    }
    for words in WORDS {
        measure("first stage", words, |text| {
            std::hint::black_box(shipped.first(text, Source::User));
            Ok(false)
        })?;
    }
    for (name, semantic) in [("encoder on everything", &encoder), ("cascade", &shipped)] {
        for words in WORDS {
            measure(name, words, |text| ask(semantic, runtime, text))?;
        }
    }
    drop((shipped, encoder));
    let armor = armor(models)?;
    for (name, again) in [("all checks", false), ("all checks, cached", true)] {
        for words in WORDS {
            if again {
                // The same texts as the line before: each is in the cache.
                let mut texts = Texts::new(words as u64);
                for _ in 0..count(words) {
                    let text = texts.next(words);
                    runtime.block_on(armor.guard().scan_text(&text, Role::User));
                }
            }
            measure(name, words, |text| {
                let result = runtime.block_on(armor.guard().scan_text(text, Role::User));
                std::hint::black_box(result);
                Ok(false)
            })?;
        }
    }
    println!();
    Ok(())
}

/// All checks of Prompt Armor, as a policy that names the model has them.
pub(crate) fn armor(models: &Models) -> Result<Armor, String> {
    let semantic = json!({ "model": models.folder(), "public_key": models.key()? });
    let spec = json!({ "semantic": semantic, "budget": { "time_max": "10s" } });
    let spec: ArmorSpec = serde_json::from_value(spec).map_err(|e| e.to_string())?;
    let key = DigestKey::random().map_err(|_| "no random numbers")?;
    let counters = Arc::new(SemanticCounters::default());
    spec.build(Path::new("."), &key, &counters)
        .map_err(|e| e.to_string())
}

const fn count(words: usize) -> usize {
    let texts = WORDS_READ / words;
    if texts < TEXTS_MIN { TEXTS_MIN } else { texts }
}

/// Reads one text through both stages; whether it took the second.
fn ask(semantic: &Semantic, runtime: &Runtime, text: &str) -> Result<bool, String> {
    match semantic.first(text, Source::User) {
        First::Done(_) => Ok(false),
        First::Uncertain(pending) => {
            let scores = runtime.block_on(semantic.second(pending, None));
            scores.map(|_| true).map_err(|e| e.to_string())
        }
        First::TooLong => Err("a text was too long".to_owned()),
    }
}

fn measure(
    name: &str,
    words: usize,
    mut read: impl FnMut(&str) -> Result<bool, String>,
) -> Result<(), String> {
    let mut texts = Texts::new(words as u64);
    let texts: Vec<String> = (0..count(words)).map(|_| texts.next(words)).collect();
    let mut times: Vec<Duration> = Vec::with_capacity(texts.len());
    let mut second = 0_usize;
    let (nanos, done) = cpu_nanos(|| {
        for text in &texts {
            let began = Instant::now();
            second += usize::from(read(text)?);
            times.push(began.elapsed());
        }
        Ok::<_, String>(())
    })?;
    done?;
    times.sort_unstable();
    let each = Duration::from_nanos(nanos / times.len().max(1) as u64);
    println!(
        "| {name} | {words} | {} | {:.0} % | {:.3} | {} | {} |",
        times.len(),
        100.0 * second as f64 / times.len().max(1) as f64,
        each.as_secs_f64() * 1e3,
        millis(quantile(&times, 0.5)),
        millis(quantile(&times, 0.99)),
    );
    Ok(())
}
