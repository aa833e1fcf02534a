//! What is wrong with a policy, where, and how to mend it.

use std::fmt;
use std::path::{Path, PathBuf};

/// A policy that is not loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    file: PathBuf,
    place: Option<(u64, u64)>,
    message: String,
}

/// Names further from what was written than this are not suggested.
const SIMILARITY_MIN: f64 = 0.7;

// === impl PolicyError ===

impl PolicyError {
    /// An error without a line, about the file as a whole or a named key.
    pub fn new(file: &Path, message: impl fmt::Display) -> Self {
        Self {
            file: file.to_owned(),
            place: None,
            message: message.to_string(),
        }
    }

    /// The YAML reader's error, with a suggestion where a key is misspelt.
    pub(super) fn from_yaml(file: &Path, error: &serde_saphyr::Error) -> Self {
        let text = error.without_snippet().to_string();
        let place = error.location().map(|at| (at.line(), at.column()));
        let message = match suggestion(&text) {
            Some(name) => format!("{text}; did you mean `{name}`?"),
            None => text,
        };
        Self {
            file: file.to_owned(),
            place,
            message,
        }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some((line, column)) = self.place {
            write!(f, "{line}:{column}:")?;
        }
        write!(f, " {}", self.message)
    }
}

impl std::error::Error for PolicyError {}

/// The error names what was written in backticks, and what could have been behind `expected`.
fn suggestion(message: &str) -> Option<&str> {
    if !message.contains("unknown field") && !message.contains("unknown variant") {
        return None;
    }
    let (found, expected) = message.split_once(", expected ")?;
    let written = found.split('`').nth(1)?;
    let expected = expected.split(" at line ").next().unwrap_or(expected);
    let expected = expected.strip_prefix("one of ").unwrap_or(expected);
    expected
        .split([',', '`', ' '])
        .filter(|name| !name.is_empty())
        .map(|name| (strsim::jaro_winkler(written, name), name))
        .filter(|(similarity, _)| *similarity >= SIMILARITY_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested() {
        let message = "unknown field `pattrn`, expected one of `pattern`, `context`, `media`";
        assert_eq!(suggestion(message), Some("pattern"));
        let bare = "unknown field `pattrn`, expected one of pattern, context at line 29, column 3";
        assert_eq!(suggestion(bare), Some("pattern"));
        assert_eq!(suggestion("unknown field `zzz`, expected `pattern`"), None);
        assert_eq!(suggestion("`x` is not `y`"), None);
    }
}
