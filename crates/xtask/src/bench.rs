//! `cargo xtask bench`: builds in release and runs the ladder of `benches/`.

use std::process::Command;

use crate::prepare;
use crate::steps::{self, cargo};

/// Runs the ladder; `words` go to it as they are.
pub(crate) fn run(words: &[&str]) -> Result<(), String> {
    let nginx = Command::new("nginx")
        .arg("-v")
        .output()
        .is_ok_and(|out| out.status.success());
    if !nginx {
        prepare::install("nginx-light")?;
    }
    steps::run(&mut cargo(&[
        "build",
        "--release",
        "--locked",
        "-p",
        "aegis-gateway",
        "-p",
        "aegis-bench",
    ]))?;
    run_ladder(words)
}

fn run_ladder(words: &[&str]) -> Result<(), String> {
    steps::run(Command::new(steps::target().join("release/aegis-bench")).args(words))
}
