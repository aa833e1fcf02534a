//! `cargo xtask`: everything a developer runs, and all that CI runs.

mod bench;
mod demo;
mod models;
mod onnxruntime;
mod prepare;
mod schema;
mod steps;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask demo [--once]   a mock provider and the gateway on loopback, with requests to paste;
                            --once runs them itself and fails if any is not as promised
cargo xtask test [FILTER]   all that CI runs; with FILTER only the tests whose name holds it
cargo xtask schema          writes config/aegis.schema.json anew
cargo xtask bench [ARGS]    ratios to nginx in one run (installs nginx where root)
cargo xtask bench semantic  what the models of the semantic check cost
cargo xtask train [--data DIR] [--work DIR] [ARGS]
                            trains those models; goes on where an earlier run in --work broke off
cargo xtask eval armor [--data DIR] [--limit N] [--peers] [--out-of-fold FILE]
                            how well Prompt Armor tells attacks from honest text; --peers: next to
                            public detectors, on the same texts
cargo xtask onnxruntime     fetches ONNX Runtime, checks it and prints its path
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["demo"] => demo::run(false),
        ["demo", "--once"] => demo::run(true),
        ["test"] => steps::test(None),
        ["test", filter] => steps::test(Some(filter)),
        ["schema"] => schema::write(),
        ["bench", "semantic", rest @ ..] => models::bench(rest),
        ["bench", rest @ ..] => bench::run(rest),
        ["train", rest @ ..] => models::train(rest),
        ["eval", "armor", rest @ ..] => models::eval(rest),
        ["onnxruntime"] => onnxruntime::library().map(|path| println!("{}", path.display())),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
