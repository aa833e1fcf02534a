//! What the semantic check costs: `cargo xtask bench semantic`.
//!
//! CPU is that of the whole process, so that what else the machine does hardly shows in it; latency
//! is as the clock has it. Texts are made of honest sentences, one in twenty with an attack in it,
//! and no text comes twice unless that is what is measured. One word counts as one token.

#![forbid(unsafe_code)]

#[path = "../cpu.rs"]
mod cpu;
mod lengths;
mod load;
mod setup;
mod talk;
mod texts;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use setup::Models;

const SETTLE: Duration = Duration::from_micros(50);
const HELP: &str = "\
aegis-bench-semantic --models DIR [--seconds N]
  --models   the folder of the models
  --seconds  seconds of each load test (5)
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (mut models, mut seconds) = (None, Some(5));
    for pair in words.chunks(2) {
        match pair {
            [name, value] if name == "--models" => models = Some(value.clone()),
            [name, value] if name == "--seconds" => seconds = value.parse().ok(),
            _ => seconds = None,
        }
    }
    let (Some(models), Some(seconds @ 1..)) = (models, seconds) else {
        eprint!("{HELP}");
        return ExitCode::from(2);
    };
    match run(Path::new(&models), Duration::from_secs(seconds)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(folder: &Path, time: Duration) -> Result<(), String> {
    let folder = folder
        .canonicalize()
        .map_err(|e| format!("{}: {e}", folder.display()))?;
    let models = Models::new(&folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| e.to_string())?;
    lengths::run(&models, &runtime)?;
    let capacity = load::throughput(&models, &runtime, time)?;
    load::saturation(&models, &runtime, time, capacity)?;
    talk::run(&models, &runtime)
}

/// Nanoseconds of CPU that `work` takes of this process.
fn cpu_nanos<T>(work: impl FnOnce() -> T) -> Result<(u64, T), String> {
    let now = || {
        // A thread that runs is charged at the next tick only, one that slept has been.
        std::thread::sleep(SETTLE);
        cpu::nanos(&[std::process::id()])
    };
    let before = now()?;
    let done = work();
    Ok((now()?.saturating_sub(before), done))
}

/// The value below which a share `q` of `sorted` lies.
fn quantile(sorted: &[Duration], q: f64) -> Duration {
    let at = ((sorted.len().max(1) - 1) as f64 * q).round() as usize;
    sorted.get(at).copied().unwrap_or_default()
}

/// Milliseconds, to be read.
fn millis(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1e3)
}
