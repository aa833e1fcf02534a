//! The packs that are part of the program.

/// A pack: the names and texts of its files.
type Files = &'static [(&'static str, &'static str)];

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$((
            concat!("core/", $name, ".yaml"),
            include_str!(concat!("../../../../config/packs/core/", $name, ".yaml")),
        )),+]
    };
}

const CORE: Files = files![
    "injection",
    "jailbreak",
    "roles",
    "extraction",
    "training_data",
    "indirect",
    "encoded",
    "exfiltration",
    "arabic",
    "languages",
];

/// The files of the pack `name`, as [`Patterns::load`](super::Patterns::load) takes them.
#[must_use]
pub fn builtin_pack(name: &str) -> Option<&'static [(&'static str, &'static str)]> {
    match name {
        "core" => Some(CORE),
        _ => None,
    }
}
