//! Why a body or stream can't be read in one way only.

use std::borrow::Cow;
use std::fmt;

use aegis_core::{Reason, Rejection};

/// What is wrong, and at which byte; never what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireError {
    kind: WireErrorKind,
    message: Cow<'static, str>,
    offset: usize,
}

/// What kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireErrorKind {
    /// Not readable, or readable in more than one way.
    Invalid,
    /// Larger than a limit.
    TooLarge,
    /// Readable, but of a kind that can't be inspected.
    Unsupported,
}

// === impl WireError ===

impl WireError {
    /// Something that can't be read.
    pub fn invalid(message: impl Into<Cow<'static, str>>, offset: usize) -> Self {
        Self {
            kind: WireErrorKind::Invalid,
            message: message.into(),
            offset,
        }
    }

    /// Something over a limit.
    pub fn too_large(message: impl Into<Cow<'static, str>>, offset: usize) -> Self {
        Self {
            kind: WireErrorKind::TooLarge,
            message: message.into(),
            offset,
        }
    }

    /// Something that can't be inspected.
    pub fn unsupported(message: impl Into<Cow<'static, str>>, offset: usize) -> Self {
        Self {
            kind: WireErrorKind::Unsupported,
            message: message.into(),
            offset,
        }
    }

    /// What kind of error.
    #[must_use]
    pub const fn kind(&self) -> WireErrorKind {
        self.kind
    }

    /// What is wrong; safe to show.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The byte at which it was noticed.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.message, self.offset)
    }
}

impl std::error::Error for WireError {}

impl From<WireError> for Rejection {
    fn from(error: WireError) -> Self {
        let reason = match error.kind {
            WireErrorKind::Invalid | WireErrorKind::Unsupported => Reason::InvalidRequest,
            WireErrorKind::TooLarge => Reason::BodyTooLarge,
        };
        Self::new(reason, format!("The request can't be read: {error}."))
    }
}
