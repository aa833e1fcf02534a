//! What is wrong with an `armor` section, with its key and the fix.

use std::path::PathBuf;

use aegis_detect::pattern::PackError;
use aegis_semantic::ModelError;

use crate::context::CompileError;
use crate::semantic::SemanticError;
use crate::spec::PACK_BYTES_MAX;

/// Why an `armor` section can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A pack that does not exist.
    #[error("armor.pattern.packs: there is no built-in pack `{0}`; the built-in packs are: core")]
    UnknownPack(String),
    /// A pack that can't be read.
    #[error(
        "armor.pattern.files: {path} can't be read; check the path, which is relative to the policy file"
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A pack that is too large.
    #[error("armor.pattern.files: {0} is larger than {PACK_BYTES_MAX} bytes; split it")]
    TooLarge(PathBuf),
    /// A pack with an error in it.
    #[error("armor.pattern: {0}")]
    Pack(#[from] PackError),
    /// A budget of nothing.
    #[error("{0} must be greater than zero")]
    Zero(&'static str),
    /// The semantic check can't be used.
    #[error(transparent)]
    Semantic(#[from] SemanticError),
    /// The built-in tables are broken.
    #[error(transparent)]
    Builtin(#[from] CompileError),
}

// === impl BuildError ===

impl BuildError {
    /// Whether all that is missing is a working ONNX Runtime.
    #[must_use]
    pub const fn lacks_runtime(&self) -> bool {
        matches!(
            self,
            Self::Semantic(SemanticError::Model(ModelError::Runtime(_)))
        )
    }
}
