//! A model's files, verified before anything of them is used.
//!
//! 1. `manifest.sig` must be an Ed25519 signature over the exact bytes of `manifest.json`: by the
//!    key pinned in this binary for the built-in model, by the policy's key for an operator's own.
//! 2. The manifest names length and SHA-256 of every other file.
//! 3. Every file is read once, and what was verified is what is loaded: a file that is swapped
//!    later changes nothing until the next start.
//!
//! **Not caught:** a model that was poisoned in training and then signed.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::ModelError;
use crate::manifest::{FileEntry, MANIFEST_BYTES_MAX, Manifest};

/// Bytes that one file of a model may have.
pub const FILE_BYTES_MAX: u64 = 512 << 20;

/// Bytes of an Ed25519 signature.
const SIGNATURE_BYTES: u64 = 64;

/// Digits of a key in hexadecimal.
const HEX_CHARS: usize = 64;

/// The key that signs the built-in model.
const BUILTIN_KEY: PublicKey = PublicKey(*include_bytes!("../models/signing.pub"));

/// Where a model comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ModelSource {
    /// The one that comes with the gateway.
    #[default]
    BuiltIn,
    /// A folder with the same files.
    Folder {
        /// The folder.
        path: PathBuf,
        /// The key that its manifest must be signed with.
        key: PublicKey,
    },
}

/// An Ed25519 public key; as text base64 or hexadecimal of its 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// The verified files of a model.
pub(crate) struct Bundle {
    pub(crate) manifest: Manifest,
    /// SHA-256 of the manifest, which names every other file: it stands for the whole model.
    pub(crate) digest: String,
    pub(crate) linear: Bytes,
    pub(crate) encoder: Bytes,
    pub(crate) tokenizer: Bytes,
}

type Bytes = Cow<'static, [u8]>;

// === impl ModelSource ===

impl ModelSource {
    /// Reads and verifies the files.
    pub(crate) fn open(&self) -> Result<Bundle, ModelError> {
        match self {
            Self::BuiltIn => Bundle::verify(&BUILTIN_KEY, builtin),
            Self::Folder { path, key } => {
                Bundle::verify(key, |name, bytes_max| read(&path.join(name), bytes_max))
            }
        }
    }
}

// === impl PublicKey ===

impl PublicKey {
    /// The key with these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl FromStr for PublicKey {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // 32 bytes differ in length in the two.
        let text = text.trim();
        let bytes = match text.len() {
            HEX_CHARS => from_hex(text),
            _ => STANDARD.decode(text).ok(),
        };
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(ModelError::Key)
    }
}

// === impl Bundle ===

impl Bundle {
    /// Takes the files from `open`, which gets their name and the most bytes they may have.
    fn verify(
        key: &PublicKey,
        open: impl Fn(&'static str, u64) -> Result<Bytes, ModelError>,
    ) -> Result<Self, ModelError> {
        let json = open("manifest.json", MANIFEST_BYTES_MAX)?;
        let signature = open("manifest.sig", SIGNATURE_BYTES)?;
        UnparsedPublicKey::new(&ED25519, &key.0)
            .verify(&json, &signature)
            .map_err(|_| ModelError::Signature)?;
        let manifest = Manifest::parse(&json)?;
        let file = |name, entry: &FileEntry| {
            let bytes = open(name, FILE_BYTES_MAX)?;
            entry.verify(name, &bytes)?;
            Ok::<_, ModelError>(bytes)
        };
        Ok(Self {
            linear: file("linear.bin", &manifest.files.linear)?,
            encoder: file("encoder.onnx", &manifest.files.encoder)?,
            tokenizer: file("tokenizer.json", &manifest.files.tokenizer)?,
            digest: hex(&json),
            manifest,
        })
    }
}

// === impl FileEntry ===

impl FileEntry {
    fn verify(&self, file: &'static str, bytes: &[u8]) -> Result<(), ModelError> {
        let changed = |what| Err(ModelError::Changed { file, what });
        if bytes.len() as u64 != self.bytes {
            return changed("its length differs");
        }
        if hex(bytes) != self.sha256 {
            return changed("its SHA-256 differs");
        }
        Ok(())
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.chars().map(|digit| digit.to_digit(16));
    let digits = digits.collect::<Option<Vec<u32>>>()?;
    let pairs = digits.chunks_exact(2);
    let bytes = pairs.map(|pair| u8::try_from(pair.iter().fold(0, |n, digit| n << 4 | digit)).ok());
    bytes.collect()
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digest = digest(&SHA256, bytes);
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn builtin(name: &'static str, _: u64) -> Result<Bytes, ModelError> {
    let bytes: &[u8] = match name {
        "manifest.json" => include_bytes!("../models/manifest.json"),
        "manifest.sig" => include_bytes!("../models/manifest.sig"),
        "linear.bin" => include_bytes!("../models/linear.bin"),
        "encoder.onnx" => include_bytes!("../models/encoder.onnx"),
        _ => include_bytes!("../models/tokenizer.json"),
    };
    Ok(Cow::Borrowed(bytes))
}

/// Reads a regular file; anything else could block or never end.
fn read(path: &Path, bytes_max: u64) -> Result<Bytes, ModelError> {
    let failed = |source| ModelError::Read {
        path: path.to_owned(),
        source,
    };
    let regular = std::fs::metadata(path).map_err(failed)?.is_file();
    if !regular {
        return Err(failed(std::io::Error::other("not a regular file")));
    }
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(bytes_max + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > bytes_max {
        return Err(ModelError::TooLarge {
            path: path.to_owned(),
            bytes_max,
        });
    }
    Ok(Cow::Owned(bytes))
}

#[cfg(test)]
mod tests;
