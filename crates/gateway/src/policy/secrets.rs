//! `${secret:NAME}`: where secrets come from.
//!
//! 1. The file `NAME` in the folder `AEGIS_SECRETS_DIR`, if that variable is set (mounted secrets).
//! 2. The environment variable `NAME`.
//!
//! A secret that is not there is an error at load: a gateway without its keys does not start.

use std::path::PathBuf;

use aegis_core::Secret;

/// The marks around a secret's name.
const OPEN: &str = "${secret:";

/// Where to look.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    directory: Option<PathBuf>,
}

// === impl Secrets ===

impl Secrets {
    /// As the process's environment says.
    #[must_use]
    pub fn from_environment() -> Self {
        Self {
            directory: std::env::var_os("AEGIS_SECRETS_DIR").map(PathBuf::from),
        }
    }

    /// The secret `name`.
    ///
    /// # Errors
    /// If the name is not a plain one, or nothing has it.
    pub fn get(&self, name: &str) -> Result<Secret, String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || !name.chars().all(plain) {
            return Err(format!(
                "`{name}` is not a secret's name: letters, digits, `_` and `-` only"
            ));
        }
        if let Some(directory) = &self.directory
            && let Ok(text) = std::fs::read_to_string(directory.join(name))
        {
            return Ok(Secret::new(text.trim_end_matches(['\r', '\n'])));
        }
        match std::env::var(name) {
            Ok(text) if !text.is_empty() => Ok(Secret::new(text)),
            _ => Err(format!(
                "secret `{name}` is not set: export {name}, or put it into the file {name} under AEGIS_SECRETS_DIR"
            )),
        }
    }

    /// The secret that `reference` (the whole of it) names.
    ///
    /// # Errors
    /// If `reference` is not of the form `${secret:NAME}`; its text is not repeated, it may be a key.
    pub fn resolve(&self, reference: &str) -> Result<Secret, String> {
        let name = reference
            .strip_prefix(OPEN)
            .and_then(|rest| rest.strip_suffix('}'))
            .ok_or("write secrets as ${secret:NAME}, never as they are")?;
        self.get(name)
    }

    /// `text` with every `${secret:NAME}` in it replaced.
    ///
    /// # Errors
    /// If a secret is missing or a mark is not closed.
    pub fn interpolate(&self, text: &str) -> Result<Secret, String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(OPEN) {
            let (name, tail) = after.split_once('}').ok_or("`${secret:` is not closed")?;
            out.push_str(before);
            out.push_str(self.get(name)?.expose());
            rest = tail;
        }
        out.push_str(rest);
        Ok(Secret::new(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_come_from_files_and_are_interpolated() {
        let directory =
            std::env::temp_dir().join(format!("aegis-secrets-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join("PG_PASSWORD"), "s3cret\n").unwrap();
        let secrets = Secrets {
            directory: Some(directory.clone()),
        };
        assert_eq!(
            secrets.resolve("${secret:PG_PASSWORD}").unwrap().expose(),
            "s3cret"
        );
        let url = secrets
            .interpolate("postgres://u:${secret:PG_PASSWORD}@h/db")
            .unwrap();
        assert_eq!(url.expose(), "postgres://u:s3cret@h/db");
        assert!(secrets.interpolate("${secret:PG_PASSWORD").is_err());
        assert!(secrets.get("../PG_PASSWORD").is_err());
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_literal_key_is_refused_and_not_repeated() {
        let error = Secrets::default().resolve("sk-live-abc").unwrap_err();
        assert!(
            error.contains("${secret:NAME}") && !error.contains("sk-live"),
            "{error}"
        );
    }
}
