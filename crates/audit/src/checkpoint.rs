//! Checkpoints (C2SP `tlog-checkpoint`): a tree head in a signed note.
//!
//! The note's text is three lines: the log's origin, the tree's size in decimal, the root hash in
//! base64. Lines after that are extensions; none are written, and those of others are ignored.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::merkle::{Hash, Tree};
use crate::note::{NoteError, SigningKey, VerifierKey};

/// A tree head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// How many events it covers.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

// === impl Checkpoint ===

impl Checkpoint {
    /// The head of `tree` as a signed note of the log that `key` is named after.
    #[must_use]
    pub fn sign(tree: &Tree, key: &SigningKey) -> String {
        let (origin, size) = (key.verifier().name(), tree.size());
        let root = BASE64.encode(tree.root().0);
        key.sign(&format!("{origin}\n{size}\n{root}\n"))
    }

    /// Reads `note` and checks its signature.
    ///
    /// # Errors
    /// If it is no checkpoint of the log that `key` is named after, or not signed by `key`.
    pub fn open(note: &str, key: &VerifierKey) -> Result<Self, NoteError> {
        let checkpoint = Self::parse(key.open(note)?).ok_or(NoteError::Malformed)?;
        if checkpoint.origin == key.name() {
            Ok(checkpoint)
        } else {
            Err(NoteError::Unsigned(key.name().to_owned()))
        }
    }

    /// The log that `note` says it is of; nothing is checked.
    #[must_use]
    pub fn claimed_origin(note: &str) -> Option<&str> {
        note.lines().next().filter(|line| !line.is_empty())
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let number: u64 = size.parse().ok()?;
        let canonical = number.to_string() == size && lines.all(|line| !line.is_empty());
        (canonical && !origin.is_empty()).then_some(Self {
            origin: origin.to_owned(),
            size: number,
            root: Hash::from_slice(&BASE64.decode(root).ok()?)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::leaf_hash;

    #[test]
    fn a_checkpoint_reads_back() {
        let (key, _) = SigningKey::generate("gateway-1.example.org/audit").unwrap();
        let mut tree = Tree::default();
        tree.push(leaf_hash(b"a"));
        tree.push(leaf_hash(b"b"));
        let note = Checkpoint::sign(&tree, &key);
        let lines: Vec<&str> = note.lines().collect();
        assert_eq!(lines[..2], ["gateway-1.example.org/audit", "2"]);
        assert_eq!(BASE64.decode(lines[2]).unwrap(), tree.root().0);
        assert_eq!(lines[3], "");
        assert!(lines[4].starts_with("— gateway-1.example.org/audit "));
        let read = Checkpoint::open(&note, key.verifier()).unwrap();
        assert_eq!((read.size, read.root), (2, tree.root()));
        assert_eq!(Checkpoint::claimed_origin(&note), Some(&*read.origin));
    }

    #[test]
    fn extension_lines_are_allowed_and_nonsense_is_not() {
        let (key, _) = SigningKey::generate("log").unwrap();
        let root = BASE64.encode([7; 32]);
        let open = |text: String| Checkpoint::open(&key.sign(&text), key.verifier());
        assert_eq!(open(format!("log\n7\n{root}\nmore\n")).unwrap().size, 7);
        for text in [
            format!("log\n07\n{root}\n"),
            format!("log\n+7\n{root}\n"),
            format!("log\n-7\n{root}\n"),
            format!("log\n7\n{}\n", BASE64.encode([7; 31])),
            "log\n7\n".to_owned(),
            format!("other\n7\n{root}\n"),
            format!("log\n18446744073709551616\n{root}\n"),
        ] {
            assert!(open(text.clone()).is_err(), "{text}");
        }
    }
}
