//! ONNX Runtime, which the semantic check loads: the library of PyPI's `onnxruntime`, checked.
//!
//! It lies at `target/onnxruntime/`, where a gateway built in this checkout looks for it. What was
//! fetched counts only once its SHA-256 is the one below; a download that breaks off leaves nothing
//! under that name. `ORT_DYLIB_PATH` names another library instead.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use aws_lc_rs::digest::{SHA256, digest};

use crate::steps::target;

/// Names the library to whatever loads it.
pub(crate) const VARIABLE: &str = "ORT_DYLIB_PATH";

const PACKAGE: &str = "onnxruntime==1.31.1";
/// Which of the package's wheels: that of no particular Python on the machine.
const WHEEL: [&str; 8] = [
    "--python-version",
    "3.12",
    "--implementation",
    "cp",
    "--abi",
    "cp312",
    "--platform",
    "manylinux_2_28_x86_64",
];
const LIBRARY: &str = "libonnxruntime.so.1.31.1";
const LIBRARY_SHA256: &str = "fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3";
/// Takes one file out of the one wheel of a folder.
const UNZIP: &str = "import glob, shutil, sys, zipfile
wheel, = glob.glob(sys.argv[1] + '/*.whl')
with zipfile.ZipFile(wheel).open('onnxruntime/capi/' + sys.argv[2]) as source:
    with open(sys.argv[3], 'wb') as copy:
        shutil.copyfileobj(source, copy)";

/// The library, fetched if it is not there yet.
pub(crate) fn library() -> Result<PathBuf, String> {
    if let Some(named) = named(std::env::var_os(VARIABLE))? {
        return Ok(named);
    }
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(format!(
            "there is no ONNX Runtime for this platform that is known here: install 1.24 or newer and set {VARIABLE} to its library"
        ));
    }
    let folder = std::path::absolute(target().join("onnxruntime")).map_err(|e| e.to_string())?;
    let library = folder.join(LIBRARY);
    if check(&library).is_ok() {
        return Ok(library);
    }
    let part = folder.join(format!("part-{}", std::process::id()));
    let fetched = std::fs::create_dir_all(&part)
        .map_err(|e| format!("{}: {e}", part.display()))
        .and_then(|()| fetch(&part, &library));
    std::fs::remove_dir_all(&part).ok();
    fetched.map_err(|error| {
        format!(
            "ONNX Runtime could not be fetched: {error}\n\
             It takes `pip download {PACKAGE}`, so Python 3 with pip and its registry; without them set {VARIABLE} to a libonnxruntime.so of 1.24 or newer"
        )
    })?;
    Ok(library)
}

/// The library that somebody named.
fn named(path: Option<OsString>) -> Result<Option<PathBuf>, String> {
    let Some(path) = path.filter(|path| !path.is_empty()).map(PathBuf::from) else {
        return Ok(None);
    };
    if path.is_file() {
        return Ok(Some(path));
    }
    Err(format!("{VARIABLE} is {}: no such file", path.display()))
}

fn fetch(part: &Path, library: &Path) -> Result<(), String> {
    eprintln!("fetching {PACKAGE}");
    quietly(
        Command::new("python3")
            .args(["-m", "pip", "download", "--quiet", "--no-deps"])
            .args(["--disable-pip-version-check", "--only-binary", ":all:"])
            .args(WHEEL)
            .arg("--dest")
            .arg(part)
            .arg(PACKAGE),
    )?;
    let copy = part.join(LIBRARY);
    let unzip = ["-c", UNZIP].map(OsString::from).into_iter();
    let words = [part.as_os_str(), LIBRARY.as_ref(), copy.as_os_str()];
    quietly(Command::new("python3").args(unzip.chain(words.map(OsString::from))))?;
    check(&copy)?;
    std::fs::rename(&copy, library).map_err(|e| format!("{}: {e}", library.display()))
}

/// Runs `command`; what it says is the error.
fn quietly(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|e| format!("python3: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(said.trim().lines().last().unwrap_or("failed").to_owned())
}

/// Whether `library` is the one whose SHA-256 stands above.
fn check(library: &Path) -> Result<(), String> {
    let bytes = std::fs::read(library).map_err(|e| format!("{}: {e}", library.display()))?;
    let found: String = digest(&SHA256, &bytes)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if found == LIBRARY_SHA256 {
        return Ok(());
    }
    Err(format!(
        "{LIBRARY} has the SHA-256 {found} instead of {LIBRARY_SHA256}; it is not used"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_library_must_exist() {
        assert_eq!(named(None), Ok(None));
        assert_eq!(named(Some(OsString::new())), Ok(None));
        let file = std::env::current_exe().unwrap();
        assert_eq!(named(Some(file.clone().into())), Ok(Some(file)));
        let error = named(Some("/none.so".into())).unwrap_err();
        assert!(error.contains(VARIABLE) && error.contains("/none.so"));
    }

    #[test]
    fn another_file_is_not_taken_for_the_library() {
        let file = std::env::temp_dir().join(format!("aegis-xtask-{}.so", std::process::id()));
        std::fs::write(&file, "not it").unwrap();
        let error = check(&file).unwrap_err();
        std::fs::remove_file(&file).unwrap();
        assert!(error.contains("SHA-256") && error.contains(LIBRARY_SHA256));
    }
}
