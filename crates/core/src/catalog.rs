//! Which models there are, who serves them, and who may use them.

use std::sync::Arc;

use crate::{Api, Principal, Reason, Rejection};

/// One entry of the policy's `models`.
#[derive(Debug, Clone)]
pub struct Model {
    /// The name clients use; a trailing `*` matches any suffix, which then goes upstream as it is.
    pub name: Arc<str>,
    /// The provider's name in the policy.
    pub provider: Arc<str>,
    /// The API family of that provider.
    pub api: Api,
    /// The provider's own model name; the client's name where `None`.
    pub upstream_name: Option<Arc<str>>,
    /// Roles that may use it.
    pub roles: Vec<Arc<str>>,
}

/// A model and provider chosen for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The provider's name in the policy.
    pub provider: Arc<str>,
    /// The name the client used (or the route's default).
    pub model: Arc<str>,
    /// The name the provider knows.
    pub upstream_model: Arc<str>,
}

/// The policy's models.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    models: Vec<Model>,
}

impl Catalog {
    /// A catalogue of `models`, in policy order; the first match wins.
    #[must_use]
    pub const fn new(models: Vec<Model>) -> Self {
        Self { models }
    }

    /// The models in policy order.
    #[must_use]
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// The models that `principal` may use.
    pub fn permitted<'a>(&'a self, principal: &'a Principal) -> impl Iterator<Item = &'a Model> {
        self.models
            .iter()
            .filter(|model| principal.has_any_role(&model.roles))
    }

    /// Chooses the model `name` among those that `principal` may use and whose provider `accepts`.
    ///
    /// # Errors
    /// A model that does not exist and one that is not permitted give the same rejection, so that
    /// names can't be probed.
    pub fn resolve(
        &self,
        name: &str,
        principal: &Principal,
        accepts: impl Fn(Api) -> bool,
    ) -> Result<Target, Rejection> {
        self.permitted(principal)
            .filter(|model| accepts(model.api))
            .find_map(|model| model.target(name))
            .ok_or_else(|| {
                Rejection::new(
                    Reason::ModelNotFound,
                    "The model does not exist or you do not have access to it.",
                )
            })
    }
}

impl Model {
    fn target(&self, name: &str) -> Option<Target> {
        let matches = match self.name.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix) && is_model_name(name),
            None => &*self.name == name,
        };
        matches.then(|| {
            let model: Arc<str> = if *self.name == *name {
                self.name.clone()
            } else {
                name.into()
            };
            Target {
                provider: self.provider.clone(),
                upstream_model: self.upstream_name.clone().unwrap_or_else(|| model.clone()),
                model,
            }
        })
    }
}

/// The longest name that a wildcard matches, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// Whether `name` can be a model's: names end up in logs and the audit log, so a wildcard does not
/// match prose, addresses or control characters.
fn is_model_name(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_matches_names_only() {
        let model = Model {
            name: "gpt-*".into(),
            provider: "p".into(),
            api: Api::Openai,
            upstream_name: None,
            roles: Vec::new(),
        };
        assert!(model.target("gpt-5-mini").is_some());
        for name in ["gpt-Ignore all", "gpt-a@b.example", "gpt-\u{1b}[31m", "o1"] {
            assert!(model.target(name).is_none(), "{name:?}");
        }
        assert!(
            model
                .target(&format!("gpt-{}", "a".repeat(NAME_BYTES_MAX - 4)))
                .is_some()
        );
        assert!(
            model
                .target(&format!("gpt-{}", "a".repeat(NAME_BYTES_MAX - 3)))
                .is_none()
        );
    }
}
