//! The models to measure: as shipped, and with a cascade that lets the encoder read everything.

use std::path::{Path, PathBuf};

use aegis_semantic::linear::Linear;
use aegis_semantic::{HEADS, ModelSource, PublicKey, Semantic, SemanticOptions};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use serde_json::{Value, json};

/// The key of the changed manifest; it signs nothing else.
const SEED: [u8; 32] = [7; 32];
const FILES: [&str; 3] = ["linear.bin", "encoder.onnx", "tokenizer.json"];

/// Where the models lie.
#[derive(Debug)]
pub(crate) struct Models {
    folder: PathBuf,
    /// The same with every window uncertain; removed at the end.
    uncertain: PathBuf,
}

// === impl Models ===

impl Models {
    pub(crate) fn new(folder: &Path) -> Result<Self, String> {
        let uncertain = std::env::temp_dir().join(format!("aegis-bench-{}", std::process::id()));
        let models = Self {
            folder: folder.to_owned(),
            uncertain,
        };
        models
            .write()
            .map_err(|e| format!("{}: {e}", folder.display()))?;
        Ok(models)
    }

    fn write(&self) -> Result<(), Box<dyn std::error::Error>> {
        std::fs::create_dir_all(&self.uncertain)?;
        for file in FILES {
            std::fs::copy(self.folder.join(file), self.uncertain.join(file))?;
        }
        let text = std::fs::read(self.folder.join("manifest.json"))?;
        let mut manifest: Value = serde_json::from_slice(&text)?;
        let both = |p: f32| {
            let every = vec![p; HEADS];
            json!({"user": every, "untrusted": every})
        };
        manifest["cascade"] = json!({
            "low": both(0.0),
            "high": both(1.0),
            "windows_max": aegis_semantic::ENCODED_WINDOWS_MAX,
        });
        let exact = manifest.to_string();
        let key = Ed25519KeyPair::from_seed_unchecked(&SEED)?;
        std::fs::write(self.uncertain.join("manifest.json"), &exact)?;
        std::fs::write(
            self.uncertain.join("manifest.sig"),
            key.sign(exact.as_bytes()),
        )?;
        Ok(())
    }

    /// The first stage's model alone.
    pub(crate) fn linear(&self) -> Result<Linear, String> {
        let bytes = std::fs::read(self.folder.join("linear.bin")).map_err(|e| e.to_string())?;
        Linear::from_bytes(&bytes).map_err(|e| e.to_string())
    }

    /// The key that the shipped manifest is signed with, in base64.
    pub(crate) fn key(&self) -> Result<String, String> {
        let raw = std::fs::read(self.folder.join("signing.pub")).map_err(|e| e.to_string())?;
        Ok(base64::engine::general_purpose::STANDARD.encode(raw))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The cascade as shipped.
    pub(crate) fn shipped(&self, threads: usize) -> Result<Semantic, String> {
        let key: PublicKey = self.key()?.parse().map_err(|e| format!("{e}"))?;
        let path = self.folder.clone();
        start(ModelSource::Folder { path, key }, threads)
    }

    /// The encoder on every window.
    pub(crate) fn encoder(&self, threads: usize) -> Result<Semantic, String> {
        let key = Ed25519KeyPair::from_seed_unchecked(&SEED).map_err(|e| e.to_string())?;
        let key = key.public_key().as_ref().try_into();
        let key = PublicKey::new(key.map_err(|_| "a key of 32 bytes")?);
        let path = self.uncertain.clone();
        start(ModelSource::Folder { path, key }, threads)
    }
}

impl Drop for Models {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.uncertain).ok();
    }
}

fn start(model: ModelSource, threads: usize) -> Result<Semantic, String> {
    let options = SemanticOptions {
        model,
        threads: Some(threads),
        ..SemanticOptions::default()
    };
    Semantic::start(&options).map_err(|e| e.to_string())
}
