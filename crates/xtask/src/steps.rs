//! Running commands one after the other, cheapest first.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use aegis_testkit::postgres::Postgres;

use crate::{demo, onnxruntime, prepare, schema};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("crates/xtask has two parents")
        .to_owned()
}

/// The folder that cargo builds into.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Runs `command` in the root and fails as it fails.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let shown: Vec<String> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let shown = shown.join(" ");
    eprintln!("\n\u{1b}[1m> {shown}\u{1b}[0m");
    let started = Instant::now();
    let status = command
        .current_dir(root())
        .status()
        .map_err(|e| format!("{shown}: {e}"))?;
    eprintln!("  {:.1} s", started.elapsed().as_secs_f64());
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{shown}` failed ({status})"))
    }
}

/// What `command` prints.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let output = command
        .current_dir(root())
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err(format!("`{command:?}` failed ({})", output.status));
    }
    String::from_utf8(output.stdout).map_err(|e| e.to_string())
}

/// A cargo command.
pub(crate) fn cargo(words: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(words);
    command
}

fn has_nextest() -> bool {
    cargo(&["nextest", "--version"])
        .output()
        .is_ok_and(|out| out.status.success())
}

/// All that CI runs.
pub(crate) fn test(filter: Option<&str>) -> Result<(), String> {
    if filter.is_none() {
        run(&mut cargo(&["fmt", "--all", "--check"]))?;
        run(&mut cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ]))?;
        schema::check()?;
        run(Command::new("python3").args([
            "-m",
            "unittest",
            "discover",
            "-q",
            "crates/xtask/eval",
        ]))?;
    }
    let python = prepare::python()?;
    let runtime = onnxruntime::library()?;
    prepare::postgres_server()?;
    let scratch = std::env::temp_dir().join(format!("aegis-test-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).map_err(|e| e.to_string())?;
    let postgres = Postgres::start(&scratch)?;
    run(&mut cargo(&["build", "--locked", "-p", "aegis-gateway"]))?;
    if filter.is_none() {
        run(&mut cargo(&["test", "--workspace", "--doc", "--locked"]))?;
        run(cargo(&["doc", "--no-deps", "--workspace", "--locked"])
            .env("RUSTDOCFLAGS", "-D warnings"))?;
    }
    let mut tests = if has_nextest() {
        cargo(&[
            "nextest",
            "run",
            "--workspace",
            "--locked",
            "--no-fail-fast",
        ])
    } else {
        eprintln!(
            "cargo-nextest is not installed: using cargo test (cargo install cargo-nextest --locked is faster)"
        );
        cargo(&[
            "test",
            "--workspace",
            "--all-targets",
            "--locked",
            "--no-fail-fast",
        ])
    };
    tests
        .args(filter)
        .env("AEGIS_TEST_POSTGRES", postgres.url())
        .env("AEGIS_TEST_PYTHON", &python)
        .env(onnxruntime::VARIABLE, &runtime);
    run(&mut tests)?;
    if filter.is_none() {
        demo::run(true)?;
    }
    drop(postgres);
    std::fs::remove_dir_all(&scratch).ok();
    Ok(())
}
