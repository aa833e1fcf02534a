//! What the tests need that Rust does not bring: Python SDKs and real servers.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::steps::{root, run, target};

/// The Python of the SDKs that the tests drive.
pub(crate) fn python() -> Result<PathBuf, String> {
    venv("venv", &root().join("tests/requirements.txt"), &[])
}

/// The Python of a throwaway venv of that `name` under the target folder, with what `requirements`
/// lists; made anew when the list changes. `options` go to pip.
pub(crate) fn venv(name: &str, requirements: &Path, options: &[&str]) -> Result<PathBuf, String> {
    let wanted = std::fs::read_to_string(requirements)
        .map_err(|e| format!("{}: {e}", requirements.display()))?;
    let venv = std::path::absolute(target().join(name)).map_err(|e| e.to_string())?;
    let (python, stamp) = (venv.join("bin/python"), venv.join("installed.txt"));
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&venv))
    .map_err(|e| {
        format!("{e}; this needs Python 3 with venv (Debian: apt-get install python3-venv)")
    })?;
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet"])
        .arg("--disable-pip-version-check")
        .args(options)
        .arg("-r")
        .arg(requirements))?;
    std::fs::write(&stamp, wanted).map_err(|e| e.to_string())?;
    Ok(python)
}

/// Makes sure that a PostgreSQL server is installed.
pub(crate) fn postgres_server() -> Result<(), String> {
    if aegis_testkit::postgres::server_binaries().is_some() {
        return Ok(());
    }
    install("postgresql")?;
    match aegis_testkit::postgres::server_binaries() {
        Some(_) => Ok(()),
        None => Err(
            "PostgreSQL was installed but its server was not found under /usr/lib/postgresql"
                .into(),
        ),
    }
}

/// Installs a Debian package where root; elsewhere says what to install.
pub(crate) fn install(package: &str) -> Result<(), String> {
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|out| out.stdout == b"0\n");
    let apt = Command::new("apt-get").arg("--version").output().is_ok();
    if !root || !apt {
        return Err(format!(
            "this needs the package `{package}`: install it (Debian: sudo apt-get install {package}) and run again"
        ));
    }
    let apt = |words: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .args(["-qq", "-y"])
            .args(words)
            .env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    run(&mut apt(&["update"]))?;
    run(&mut apt(&["install", "--no-install-recommends", package]))
}
