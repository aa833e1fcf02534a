//! Where the signing key comes from: the policy, or a file beside an SQLite database.
//!
//! The file `<database>.key` holds the seed in base64, readable by its owner alone;
//! `<database>.pub` holds the verifier key, to be copied to where logs are verified. Whoever can
//! read the key file can forge checkpoints: an operator who does not trust the machine gives the
//! key by `audit.signing_key` and keeps earlier checkpoints elsewhere.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use aegis_core::Secret;

use crate::note::{NoteError, SigningKey, VerifierKey};

/// A key file may be this long in bytes.
const KEY_FILE_BYTES_MAX: u64 = 4 << 10;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file could not be read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others can read the key.
    #[error("{}: other users can read the signing key; run chmod 600 on it", .0.display())]
    Exposed(PathBuf),
    /// The log exists and its key does not.
    #[error("{}: the signing key of this log is missing; restore it, or start another log by setting audit.origin", .0.display())]
    Missing(PathBuf),
    /// Not a key.
    #[error("{0}")]
    Note(#[from] NoteError),
}

/// `<database>.key`.
#[must_use]
pub fn key_path(database: &Path) -> PathBuf {
    beside(database, "key")
}

/// `<database>.pub`.
#[must_use]
pub fn public_key_path(database: &Path) -> PathBuf {
    beside(database, "pub")
}

fn beside(database: &Path, extension: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

/// Reads the verifier key beside `database`.
///
/// # Errors
/// If there is none.
pub fn read_public_key(database: &Path) -> Result<VerifierKey, KeyError> {
    let path = public_key_path(database);
    Ok(read(&path)?.parse::<VerifierKey>()?)
}

/// The key beside `database`, created if the log is `new`, for the log `origin`.
pub(crate) fn key_beside(database: &Path, origin: &str, new: bool) -> Result<SigningKey, KeyError> {
    let path = key_path(database);
    let key = match read(&path) {
        Ok(encoded) => {
            check_mode(&path)?;
            SigningKey::parse(origin, &Secret::new(encoded))?
        }
        Err(KeyError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            if !new {
                return Err(KeyError::Missing(path));
            }
            let (key, encoded) = SigningKey::generate(origin)?;
            create(&path, &format!("{}\n", encoded.expose()), true)?;
            key
        }
        Err(error) => return Err(error),
    };
    write_public(database, key.verifier())?;
    Ok(key)
}

/// Writes the verifier key beside `database` where it is not there yet.
fn write_public(database: &Path, key: &VerifierKey) -> Result<(), KeyError> {
    let path = public_key_path(database);
    let text = format!("{key}\n");
    if fs::read_to_string(&path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    create(&path, &text, false)
}

fn read(path: &Path) -> Result<String, KeyError> {
    use std::io::Read as _;
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text))
        .map_err(failed(path))?;
    Ok(text)
}

/// Writes the file whole and durable, or not at all.
fn create(path: &Path, text: &str, private: bool) -> Result<(), KeyError> {
    let scratch = beside(path, "new");
    let write = || {
        // A leftover of a crash may have another mode.
        match fs::remove_file(&scratch) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(if private { 0o600 } else { 0o644 });
        }
        let mut file = options.open(&scratch)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&scratch, path)?;
        let parent = path.parent().filter(|parent| parent.as_os_str() != "");
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(failed(path))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    move |source| KeyError::File { path, source }
}

#[cfg(unix)]
fn check_mode(path: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path).map_err(failed(path))?.permissions();
    if mode.mode() & 0o077 == 0 {
        Ok(())
    } else {
        Err(KeyError::Exposed(path.to_owned()))
    }
}

#[cfg(not(unix))]
fn check_mode(_: &Path) -> Result<(), KeyError> {
    Ok(())
}
