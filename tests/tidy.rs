//! The tree keeps its own rules: edges between crates, file sizes, lints, paths named in the docs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Production lines a file may have.
const FILE_LINES_MAX: usize = 500;
/// Bytes a committed file may have.
const BLOB_BYTES_MAX: u64 = 512 << 10;
/// Crates that know neither tokio nor hyper, and do no I/O.
const SANS_IO: [&str; 3] = ["core", "wire", "detect"];
/// Kept whole however large: the shipped model, and the texts of our own that it is trained on.
const LARGE: [&str; 2] = [
    "crates/semantic/models/",
    "crates/semantic/training/corpus/",
];
/// The stages; none may depend on another.
const STAGES: [&str; 6] = ["auth", "limits", "armor", "upstream", "output", "audit"];
/// The call that makes each stage type, and the one crate that may make it.
const TRANSITIONS: [(&str, &str); 7] = [
    (".authenticated(", "auth"),
    (".admitted(", "limits"),
    (".cleared(", "armor"),
    (".cleared_ahead(", "armor"),
    (".recorded(", "audit"),
    ("Reply::new(", "upstream"),
    ("Released::new(", "output"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Every file git tracks or would, as a path relative to the root.
fn tracked() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git");
    let list: Vec<String> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    assert!(list.len() > 50, "git lists the files");
    list.into_iter()
        .filter(|file| root().join(file).exists())
        .collect()
}

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// The lines before an inline test module.
fn production(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod ").next().unwrap_or(text)
}

fn is_test(file: &str) -> bool {
    file.contains("/tests/")
        || file.ends_with("tests.rs")
        || file.starts_with("tests/")
        || file.contains("/examples/")
}

/// The names in a manifest's `[dependencies]`.
fn dependencies(manifest: &str) -> Vec<String> {
    manifest
        .split("\n[")
        .filter(|section| section.starts_with("dependencies]"))
        .flat_map(str::lines)
        .skip(1)
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn edges_between_crates_go_one_way() {
    for name in SANS_IO {
        let used = dependencies(&read(&format!("crates/{name}/Cargo.toml")));
        for banned in [
            "tokio",
            "hyper",
            "hyper-util",
            "tower",
            "rusqlite",
            "tokio-postgres",
        ] {
            assert!(
                !used.iter().any(|dependency| dependency == banned),
                "{name} must not use {banned}"
            );
        }
    }
    let below_stages: BTreeMap<&str, &[&str]> = [
        ("core", &[][..]),
        ("wire", &["aegis-core"][..]),
        ("detect", &["aegis-core"][..]),
        ("semantic", &["aegis-core", "aegis-detect"][..]),
    ]
    .into();
    for (name, allowed) in below_stages {
        for used in dependencies(&read(&format!("crates/{name}/Cargo.toml"))) {
            assert!(
                !used.starts_with("aegis-") || allowed.contains(&used.as_str()),
                "{name} must not use {used}"
            );
        }
    }
    for stage in STAGES {
        for used in dependencies(&read(&format!("crates/{stage}/Cargo.toml"))) {
            let ours = used.strip_prefix("aegis-");
            assert!(
                ours.is_none_or(|ours| SANS_IO.contains(&ours) || ours == "semantic"),
                "{stage} must not use {used}"
            );
        }
    }
}

#[test]
fn each_stage_type_is_made_in_its_own_stage() {
    for file in tracked()
        .iter()
        .filter(|file| file.ends_with(".rs") && file.starts_with("crates/"))
    {
        let text = read(file);
        let code: String = production(&text)
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        // Without arguments it is the accessor of the later stages.
        let code = code.replace(".admitted()", "");
        for (call, home) in TRANSITIONS {
            let at_home =
                file.starts_with(&format!("crates/{home}/")) || file.starts_with("crates/core/");
            assert!(
                at_home || is_test(file) || !code.contains(call),
                "{file} calls {call}, which is for {home} alone"
            );
        }
    }
}

#[test]
fn layers_are_added_in_one_place() {
    for file in tracked()
        .iter()
        .filter(|file| file.ends_with(".rs") && file.starts_with("crates/"))
    {
        let outside = file != "crates/gateway/src/stack.rs" && !is_test(file);
        let text = read(file);
        let code: String = production(&text)
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        assert!(
            !outside || !code.contains(".layer("),
            "{file} adds a layer; only stack.rs does"
        );
    }
}

#[test]
fn files_are_small() {
    for file in tracked()
        .iter()
        .filter(|file| file.ends_with(".rs") && !is_test(file))
    {
        let text = read(file);
        let lines = production(&text).lines().count();
        assert!(
            lines <= FILE_LINES_MAX,
            "{file} has {lines} production lines; at most {FILE_LINES_MAX}"
        );
    }
    for file in tracked() {
        let size = std::fs::metadata(root().join(&file)).unwrap().len();
        let allowed = file == "Cargo.lock" || LARGE.iter().any(|folder| file.starts_with(folder));
        assert!(allowed || size <= BLOB_BYTES_MAX, "{file} has {size} bytes");
    }
}

#[test]
fn every_crate_takes_the_lints() {
    for file in tracked()
        .iter()
        .filter(|file| file.ends_with("/Cargo.toml"))
    {
        let manifest = read(file);
        if !manifest.contains("[package]") || file.contains("fuzz/") {
            continue;
        }
        let shared = manifest.contains("[lints]\nworkspace = true");
        let own = manifest.contains("[lints.rust]\nunsafe_code = \"forbid\"");
        assert!(shared || own, "{file} opts into no lints");
        assert!(
            manifest.contains("description = "),
            "{file} says not what it is"
        );
    }
}

#[test]
fn paths_named_in_the_docs_exist() {
    let names_a_path = |word: &str| {
        let top = word.split('/').next().unwrap_or_default();
        word.contains('/')
            && [
                "crates", "config", "docs", "tests", "benches", "deploy", ".ci", "fuzz",
            ]
            .contains(&top)
    };
    for file in tracked().iter().filter(|file| file.ends_with(".md")) {
        for (number, line) in read(file).lines().enumerate() {
            for word in line
                .split('`')
                .skip(1)
                .step_by(2)
                .filter(|word| names_a_path(word))
            {
                let path = word
                    .split([' ', ':', '*'])
                    .next()
                    .unwrap_or(word)
                    .trim_end_matches('/');
                assert!(
                    root().join(path).exists(),
                    "{file}:{}: `{word}` does not exist",
                    number + 1
                );
            }
        }
    }
}

#[test]
fn nothing_is_left_undone_in_code() {
    for file in tracked()
        .iter()
        .filter(|file| file.ends_with(".rs") && *file != "tests/tidy.rs")
    {
        for mark in ["TODO", "FIXME", "unimplemented!", "todo!("] {
            assert!(!read(file).contains(mark), "{file} holds {mark}");
        }
    }
}
