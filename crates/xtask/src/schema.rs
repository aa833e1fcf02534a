//! `config/aegis.schema.json` is what the binary prints; CI fails if the file differs.

use crate::steps::{self, cargo, root};

const FILE: &str = "config/aegis.schema.json";

fn generated() -> Result<String, String> {
    steps::output(&mut cargo(&[
        "run",
        "--quiet",
        "--locked",
        "-p",
        "aegis-gateway",
        "--bin",
        "aegis",
        "--",
        "schema",
    ]))
}

/// Writes the schema file anew.
pub(crate) fn write() -> Result<(), String> {
    std::fs::write(root().join(FILE), generated()?).map_err(|e| format!("{FILE}: {e}"))
}

/// Fails if the file is not what the binary prints.
pub(crate) fn check() -> Result<(), String> {
    let written = std::fs::read_to_string(root().join(FILE)).map_err(|e| format!("{FILE}: {e}"))?;
    if written == generated()? {
        return Ok(());
    }
    Err(format!(
        "{FILE} is out of date: run `cargo xtask schema` and commit it"
    ))
}
