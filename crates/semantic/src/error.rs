//! Why the models can't be used; all of it is found at start.

use std::io;
use std::path::PathBuf;

use crate::linear::LinearError;
use crate::runtime::RuntimeError;

/// Why the semantic check can't start.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file of the model can't be read.
    #[error("the model's {path} can't be read; put the whole model folder there")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file of the model is larger than any model's.
    #[error("the model's {path} has more than {bytes_max} bytes")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        bytes_max: u64,
    },
    /// The public key is none.
    #[error("the model's public key must be base64 of 32 bytes (Ed25519)")]
    Key,
    /// The manifest was not signed with the expected key, or changed since.
    #[error(
        "manifest.json is not what manifest.sig signs; use the model as published and its own public key"
    )]
    Signature,
    /// The manifest is not JSON of the expected shape.
    #[error("manifest.json: {0}")]
    Manifest(#[from] serde_json::Error),
    /// A value of the manifest is out of range.
    #[error("manifest.json: {key} is {found}; it must be {expected}")]
    Value {
        /// Where, as `cascade.low.user[2]`.
        key: String,
        /// What stands there.
        found: String,
        /// What may stand there.
        expected: &'static str,
    },
    /// A file is not the one that was signed.
    #[error("{file} is not the one that manifest.json names ({what}); restore the published file")]
    Changed {
        /// The file.
        file: &'static str,
        /// Whether its length or its SHA-256 differs.
        what: &'static str,
    },
    /// `linear.bin` is broken.
    #[error("linear.bin {0}")]
    Linear(#[from] LinearError),
    /// `tokenizer.json` is broken.
    #[error("tokenizer.json: {0}")]
    Tokenizer(String),
    /// `encoder.onnx` can't be loaded, or is no encoder of this kind.
    #[error("encoder.onnx: {0}")]
    Encoder(String),
    /// ONNX Runtime can't be loaded.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// An option of the policy is out of range.
    #[error("{key} must be between {min} and {max}")]
    Option {
        /// Which.
        key: &'static str,
        /// The least.
        min: usize,
        /// The most.
        max: usize,
    },
    /// No thread could be started.
    #[error("the inference threads can't be started")]
    Thread(#[source] io::Error),
}
