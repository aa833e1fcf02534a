//! Folders that were tampered with.

use std::fs;

use super::*;
use crate::testing::{Folder, key, other_key};

fn open(folder: &Folder) -> Result<Bundle, String> {
    let source = ModelSource::Folder {
        path: folder.path().to_owned(),
        key: key(),
    };
    source.open().map_err(|error| error.to_string())
}

#[test]
fn a_whole_folder_is_accepted_and_named_by_its_manifest() {
    let folder = Folder::whole();
    let bundle = open(&folder).unwrap();
    let manifest = fs::read(folder.path().join("manifest.json")).unwrap();
    assert_eq!(bundle.digest, hex(&manifest));
    assert_eq!(bundle.manifest.name, "test");
}

#[test]
fn the_built_in_model_verifies() {
    let bundle = ModelSource::BuiltIn.open().unwrap();
    assert_eq!(bundle.manifest.name, "prompt-armor");
}

#[test]
fn one_changed_byte_anywhere_is_refused() {
    for (file, says) in [
        ("manifest.json", "manifest.sig"),
        ("manifest.sig", "manifest.sig"),
        ("linear.bin", "linear.bin is not the one"),
        ("encoder.onnx", "encoder.onnx is not the one"),
        ("tokenizer.json", "tokenizer.json is not the one"),
    ] {
        let folder = Folder::whole();
        let path = folder.path().join(file);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let error = open(&folder).err().unwrap();
        assert!(error.contains(says), "{file}: {error}");
    }
}

#[test]
fn a_cut_or_longer_or_missing_file_is_refused_with_its_name() {
    for file in [
        "manifest.json",
        "manifest.sig",
        "linear.bin",
        "encoder.onnx",
        "tokenizer.json",
    ] {
        let folder = Folder::whole();
        let path = folder.path().join(file);
        let bytes = fs::read(&path).unwrap();
        for other in [&bytes[..bytes.len() - 1], b"", &[&bytes[..], b"x"].concat()] {
            fs::write(&path, other).unwrap();
            let error = open(&folder).err().unwrap();
            assert!(
                error.contains(file) || error.contains("manifest.sig"),
                "{file}: {error}"
            );
        }
        fs::remove_file(&path).unwrap();
        let error = open(&folder).err().unwrap();
        assert!(error.contains(file), "{error}");
        fs::create_dir(&path).unwrap();
        assert!(open(&folder).err().unwrap().contains(file));
    }
}

#[test]
fn a_model_signed_by_another_key_is_refused() {
    let folder = Folder::whole();
    let source = ModelSource::Folder {
        path: folder.path().to_owned(),
        key: other_key(),
    };
    assert!(matches!(source.open(), Err(ModelError::Signature)));
}

#[test]
fn a_key_is_base64_of_32_bytes() {
    let text = STANDARD.encode(key().0);
    assert_eq!(text.parse::<PublicKey>().unwrap(), key());
    for wrong in [
        "",
        "AAAA",
        "?",
        &STANDARD.encode([0; 31]),
        &STANDARD.encode([0; 33]),
    ] {
        assert!(
            matches!(wrong.parse::<PublicKey>(), Err(ModelError::Key)),
            "{wrong}"
        );
    }
}
