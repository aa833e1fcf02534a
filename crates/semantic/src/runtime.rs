//! Finding and loading ONNX Runtime, once per process.
//!
//! The library is not linked: a gateway whose policy asks for no semantic check needs none. It is
//! looked for
//!
//! 1. where the policy says; then nowhere else,
//! 2. where `ORT_DYLIB_PATH` says; then nowhere else,
//! 3. beside the executable (`libonnxruntime.so*`),
//! 4. in `../onnxruntime/` as seen from the executable's folder, which is where a checkout has it,
//! 5. where the system's loader looks for `libonnxruntime.so`.
//!
//! Never in the working folder. A library that does not load or is older than [`VERSION_MIN`] is an
//! error that says what was tried; at 3 and 4 the search goes on first. The first library that
//! loads stays for the life of the process, so a policy that names another one later is refused.
//!
//! **Not caught:** a library that was tampered with. Who can replace it can replace the gateway.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ort::environment::Environment;
use ort::logging::LogLevel;
use parking_lot::Mutex;

/// The oldest version of ONNX Runtime that works.
pub const VERSION_MIN: &str = "1.24";

/// The environment variable that names the library.
const VARIABLE: &str = "ORT_DYLIB_PATH";

/// What was loaded; the library can't be unloaded.
static LOADED: Mutex<Option<Loaded>> = Mutex::new(None);

/// Why ONNX Runtime can't be used.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// No library could be loaded.
    #[error(
        "ONNX Runtime {VERSION_MIN} or newer is needed for the semantic check and was not found; tried {tried}. \
         Install it (libonnxruntime.so), or say where it is with the policy's `runtime` or with {VARIABLE}"
    )]
    NotFound {
        /// Every place and what was wrong there.
        tried: String,
    },
    /// Another one is loaded already.
    #[error(
        "ONNX Runtime is loaded from {loaded} and can't be changed to {wanted} while the gateway runs; restart it"
    )]
    Other {
        /// The one in use.
        loaded: PathBuf,
        /// The one asked for.
        wanted: PathBuf,
    },
    /// It loaded, but does not start.
    #[error("ONNX Runtime at {path} does not start: {message}")]
    Start {
        /// The library.
        path: PathBuf,
        /// What it says.
        message: String,
    },
}

struct Loaded {
    path: PathBuf,
    environment: Environment,
}

/// ONNX Runtime, from `path` or from where it is found.
pub(crate) fn environment(path: Option<&Path>) -> Result<Environment, RuntimeError> {
    // Held while loading: two policies that load at once must not race for the one environment.
    let mut loaded = LOADED.lock();
    if let Some(loaded) = &*loaded {
        return loaded.reuse(path);
    }
    let executable = std::env::current_exe().ok();
    let places = places(path, std::env::var_os(VARIABLE), executable.as_deref());
    let (path, builder) = first(&places, |path| {
        ort::init_from(path).map_err(|error| error.to_string())
    })?;
    let environment = builder
        .with_name("aegis")
        .with_telemetry(false)
        .with_logger(Arc::new(log))
        .build()
        .map_err(|error| RuntimeError::Start {
            path: path.clone(),
            message: error.to_string(),
        })?;
    environment.set_log_level(LogLevel::Warning);
    tracing::info!(path = %path.display(), build = ort::info(), "onnx runtime loaded");
    *loaded = Some(Loaded {
        path,
        environment: environment.clone(),
    });
    Ok(environment)
}

// === impl Loaded ===

impl Loaded {
    fn reuse(&self, wanted: Option<&Path>) -> Result<Environment, RuntimeError> {
        let same = wanted.is_none_or(|wanted| real(wanted) == real(&self.path));
        if !same {
            return Err(RuntimeError::Other {
                loaded: self.path.clone(),
                wanted: wanted.map(Path::to_owned).unwrap_or_default(),
            });
        }
        Ok(self.environment.clone())
    }
}

/// Where to look, in this order.
fn places(
    policy: Option<&Path>,
    variable: Option<OsString>,
    executable: Option<&Path>,
) -> Vec<PathBuf> {
    let variable = variable.filter(|path| !path.is_empty()).map(PathBuf::from);
    if let Some(named) = policy.map(Path::to_owned).or(variable) {
        return vec![named];
    }
    let mut places = Vec::new();
    if let Some(folder) = executable.and_then(Path::parent) {
        places.extend(libraries(folder));
        if let Some(above) = folder.parent() {
            places.extend(libraries(&above.join("onnxruntime")));
        }
    }
    places.push(PathBuf::from(format!(
        "{DLL_PREFIX}onnxruntime{DLL_SUFFIX}"
    )));
    places
}

/// The first of `places` that `open` opens.
fn first<T>(
    places: &[PathBuf],
    open: impl Fn(&Path) -> Result<T, String>,
) -> Result<(PathBuf, T), RuntimeError> {
    let mut tried = Vec::new();
    for place in places {
        match open(place) {
            Ok(opened) => return Ok((place.clone(), opened)),
            Err(error) => tried.push(format!("{} ({error})", place.display())),
        }
    }
    Err(RuntimeError::NotFound {
        tried: tried.join(", "),
    })
}

/// The ONNX Runtime libraries in `folder`, newest name first; `libonnxruntime_providers_…` is none.
fn libraries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let stem = format!("{DLL_PREFIX}onnxruntime.");
    let ending = DLL_SUFFIX.trim_start_matches('.');
    let mut found: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| {
            let name = entry.file_name();
            let rest = name.to_str().and_then(|name| name.strip_prefix(&stem));
            rest.is_some_and(|rest| rest.split('.').any(|part| part == ending))
        })
        .map(|entry| entry.path())
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found
}

/// The file itself, where links lead to it by several names.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// ONNX Runtime's own messages: about graphs and operators, never about a text.
fn log(level: LogLevel, _category: &str, _id: &str, at: &str, message: &str) {
    match level {
        LogLevel::Verbose | LogLevel::Info => tracing::debug!(at, message, "onnx runtime"),
        LogLevel::Warning => tracing::warn!(at, message, "onnx runtime"),
        LogLevel::Error | LogLevel::Fatal => tracing::error!(at, message, "onnx runtime"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::testing;

    #[test]
    fn a_place_that_somebody_named_is_the_only_one() {
        let policy = Path::new("/policy.so");
        let variable = || Some(OsString::from("/variable.so"));
        let executable = Some(Path::new("/bin/aegis"));
        assert_eq!(places(Some(policy), variable(), executable), [policy]);
        assert_eq!(
            places(None, variable(), executable),
            [Path::new("/variable.so")]
        );
        let last = places(None, Some(OsString::new()), None);
        assert_eq!(last, [Path::new("libonnxruntime.so")]);
    }

    #[test]
    fn otherwise_it_is_looked_for_beside_the_executable_and_in_the_checkout() {
        let folder = testing::folder();
        let at = |path: &str| folder.path().join(path);
        for path in [
            "debug/libonnxruntime.so.1.24.0",
            "debug/libonnxruntime.so.1.31.1",
            "debug/libonnxruntime_providers_shared.so",
            "debug/libonnxruntime.txt",
            "onnxruntime/libonnxruntime.so",
        ] {
            fs::create_dir_all(at(path).parent().unwrap()).unwrap();
            fs::write(at(path), "").unwrap();
        }
        assert_eq!(
            places(None, None, Some(&at("debug/aegis"))),
            [
                at("debug/libonnxruntime.so.1.31.1"),
                at("debug/libonnxruntime.so.1.24.0"),
                at("onnxruntime/libonnxruntime.so"),
                PathBuf::from("libonnxruntime.so"),
            ]
        );
    }

    #[test]
    fn what_does_not_load_is_told_with_every_place_and_the_fix() {
        let places = ["/one.so", "/two.so"].map(PathBuf::from);
        let error = first::<()>(&places, |_| Err("broken".to_owned())).unwrap_err();
        let text = error.to_string();
        for part in [
            "/one.so (broken)",
            "/two.so (broken)",
            "1.24",
            VARIABLE,
            "Install",
        ] {
            assert!(text.contains(part), "{text}");
        }
        let second = first(&places, |path| {
            path.ends_with("two.so")
                .then_some(7)
                .ok_or_else(String::new)
        });
        assert_eq!(second.unwrap(), (PathBuf::from("/two.so"), 7));
    }

    #[test]
    fn a_missing_library_and_a_file_that_is_none_are_refused() {
        let loaded = LOADED.lock();
        if loaded.is_some() {
            // Another test of this process was first; then no path is opened any more.
            return;
        }
        let folder = testing::folder();
        let none = folder.path().join("libonnxruntime.so");
        assert!(ort::init_from(&none).is_err());
        fs::write(&none, "no library").unwrap();
        assert!(ort::init_from(&none).is_err());
    }

    #[test]
    fn one_library_serves_the_whole_process() {
        let path = testing::runtime();
        environment(Some(&path)).unwrap();
        environment(None).unwrap();
        let link = testing::folder();
        let by_link = link.path().join("by-link.so");
        std::os::unix::fs::symlink(&path, &by_link).unwrap();
        environment(Some(&by_link)).unwrap();
        let error = environment(Some(Path::new("/other.so"))).unwrap_err();
        assert!(
            matches!(&error, RuntimeError::Other { wanted, .. } if wanted == Path::new("/other.so"))
        );
        assert!(error.to_string().contains("restart"), "{error}");
    }
}
