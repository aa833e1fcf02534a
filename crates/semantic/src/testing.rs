//! What the tests share: a model small enough to compute by hand, in a folder of its own.
//!
//! The linear model scores `evil` alone with 4, `b` alone near 0 and other words with -4, on every
//! head. The encoder is that of `testdata/make.py`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use crate::bundle::{ModelSource, PublicKey, hex};
use crate::encoder::{Encoder, Pieces};
use crate::error::ModelError;
use crate::linear::FEATURES_MIN;
use crate::manifest::EncoderShape;
use crate::ngram::{BUCKETS, features};
use crate::{HEADS, runtime};

pub(crate) const ENCODER: &[u8] = include_bytes!("../testdata/encoder.onnx");
pub(crate) const TOKENIZER: &[u8] = include_bytes!("../testdata/tokenizer.json");
/// What the test encoder reads of a window.
pub(crate) const TOKENS_MAX: usize = 80;

/// What a feature of `b` alone weighs: its text then scores near 0.
const B_WEIGHT: u8 = 127;

const SHAPE: EncoderShape = EncoderShape {
    tokens_max: TOKENS_MAX,
    unknown_max: 0.5,
    batch_windows: 8,
};

/// A folder that goes with its value.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A complete model, signed with [`key`].
    pub(crate) fn whole() -> Self {
        Self::signed(&[
            ("linear.bin", linear()),
            ("encoder.onnx", ENCODER.to_vec()),
            ("tokenizer.json", TOKENIZER.to_vec()),
        ])
    }

    /// A model of these files, named and signed as they are.
    pub(crate) fn signed(files: &[(&str, Vec<u8>)]) -> Self {
        let folder = folder();
        let mut manifest = manifest();
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).unwrap();
            manifest["files"][name] = json!({ "sha256": hex(bytes), "bytes": bytes.len() });
        }
        let manifest = manifest.to_string();
        let signature = pair(7).sign(manifest.as_bytes());
        fs::write(folder.path().join("manifest.json"), manifest).unwrap();
        fs::write(folder.path().join("manifest.sig"), signature).unwrap();
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn source(&self) -> ModelSource {
        ModelSource::Folder {
            path: self.0.clone(),
            key: key(),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

pub(crate) fn folder() -> Folder {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("aegis-semantic-{}-{number}", std::process::id());
    let path = std::env::temp_dir().join(name);
    fs::create_dir(&path).unwrap();
    Folder(path)
}

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn public(seed: u8) -> PublicKey {
    PublicKey::new(pair(seed).public_key().as_ref().try_into().unwrap())
}

/// What the test models are signed with.
pub(crate) fn key() -> PublicKey {
    public(7)
}

pub(crate) fn other_key() -> PublicKey {
    public(8)
}

/// A manifest in which everything is allowed; its files are not named yet.
pub(crate) fn manifest() -> Value {
    let file = json!({ "sha256": "0".repeat(64), "bytes": 1 });
    let both = |value: Value| json!({ "user": value, "untrusted": value });
    let every = |value: Value| Value::Array(vec![value; HEADS]);
    json!({
        "name": "test", "version": "1", "licence": "Apache-2.0", "created": "2026-11-22",
        "heads": ["injection", "jailbreak", "extraction", "indirect_injection", "toxicity"],
        "files": { "linear.bin": file, "encoder.onnx": file, "tokenizer.json": file },
        "encoder": {
            "tokens_max": SHAPE.tokens_max,
            "unknown_max": SHAPE.unknown_max,
            "batch_windows": SHAPE.batch_windows,
        },
        "cascade": {
            "low": both(every(json!(0.05))),
            "high": both(every(json!(0.95))),
            "windows_max": 4,
        },
        "combine": both(every(json!([1.0, 1.0, 0.0]))),
        "linear_only": both(every(json!([1.0, 0.0]))),
        "pool": { "user": 0.0, "untrusted": 0.0 },
        "thresholds": both(json!({ "block": every(json!(0.9)), "flag": every(json!(0.5)) })),
        "training": { "sources": [] }, "figures": {},
    })
}

/// `linear.bin` as the module says.
fn linear() -> Vec<u8> {
    let buckets = |text| {
        let mut out = Vec::new();
        features(text, &mut out);
        out
    };
    // Some features are those of any text of one word.
    let common = buckets("a");
    let own = |text| {
        let mut own = buckets(text);
        own.retain(|bucket| !common.contains(bucket));
        own
    };
    let (b, evil) = (own("b"), own("evil"));
    let scale = 8.0 * FEATURES_MIN as f32 / (127.0 * evil.len() as f32);
    let mut bytes = b"AEGL".to_vec();
    for n in [1, BUCKETS, 5] {
        bytes.extend(n.to_le_bytes());
    }
    for x in [[-4.0; HEADS], [scale; HEADS]].concat() {
        bytes.extend(x.to_le_bytes());
    }
    let header = bytes.len();
    bytes.resize(header + BUCKETS as usize * HEADS, 0);
    for (buckets, weight) in [(b, B_WEIGHT), (evil, 127)] {
        for bucket in buckets {
            let at = header + bucket as usize * HEADS;
            bytes[at..at + HEADS].fill(weight);
        }
    }
    bytes
}

/// Where ONNX Runtime lies: as `cargo xtask test` has it, or where the variable says.
pub(crate) fn runtime() -> PathBuf {
    let named = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty());
    named.map_or_else(fetched, PathBuf::from)
}

fn fetched() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let folder = root.unwrap().join("target/onnxruntime");
    let names = fs::read_dir(&folder).ok().into_iter().flatten();
    let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let library = names
        .into_iter()
        .find(|name| name.starts_with("libonnxruntime.so"));
    let library =
        library.expect("no ONNX Runtime: set ORT_DYLIB_PATH, or run `cargo xtask test` once");
    folder.join(library)
}

/// An encoder of `onnx` with the test tokenizer.
pub(crate) fn encoder(onnx: &[u8]) -> Result<Encoder, ModelError> {
    let environment = runtime::environment(Some(&runtime())).unwrap();
    let pieces = Pieces::new(TOKENIZER, SHAPE).unwrap();
    Encoder::new(&environment, onnx, Arc::new(pieces))
}

/// The encoder that comes with the gateway.
pub(crate) fn shipped() -> Encoder {
    let environment = runtime::environment(Some(&runtime())).unwrap();
    let bundle = ModelSource::BuiltIn.open().unwrap();
    let pieces = Pieces::new(&bundle.tokenizer, bundle.manifest.encoder).unwrap();
    Encoder::new(&environment, &bundle.encoder, Arc::new(pieces)).unwrap()
}
