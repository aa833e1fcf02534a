//! Roles and the routes they open. What no role opens is closed.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use aegis_core::{Operation, Principal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::BuildError;

/// At most this many roles.
const ROLES_MAX: usize = 1_024;

/// A role's name may be this many bytes long.
const NAME_BYTES_MAX: usize = 128;

/// The name that stands for every route.
const EVERY_ROUTE: &str = "*";

/// The policy's `roles`. Models name the roles that may use them; here stands which routes a role
/// may use at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RolesSpec(pub Vec<RoleSpec>);

/// One role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleSpec {
    /// The role's name, as the credential holds it (at most 128 bytes).
    pub name: String,
    /// Routes it may use: operations (`chat_completions`, `responses`, `completions`,
    /// `embeddings`, `models`, `messages`, `count_tokens`, `generate`, `generate_stream`), names of
    /// generic routes, or `*` for all.
    pub routes: Vec<String>,
}

/// The roles, ready to be asked.
#[derive(Debug, Default)]
pub(crate) struct Roles(HashMap<Arc<str>, Routes>);

#[derive(Debug)]
enum Routes {
    Every,
    Named(BTreeSet<Box<str>>),
}

// === impl RolesSpec ===

impl RolesSpec {
    /// Checks every name; `generic` are the names of the policy's own routes.
    pub(crate) fn build(&self, generic: &[Arc<str>]) -> Result<Roles, BuildError> {
        if self.0.len() > ROLES_MAX {
            return Err(BuildError::new(
                "roles",
                format!("more than {ROLES_MAX} roles"),
            ));
        }
        let mut roles = HashMap::with_capacity(self.0.len());
        for (at, role) in self.0.iter().enumerate() {
            let path = format!("roles[{at}]");
            if !is_name(&role.name) {
                return Err(BuildError::new(
                    format!("{path}.name"),
                    format!(
                        "give a name of 1 to {NAME_BYTES_MAX} bytes without control characters"
                    ),
                ));
            }
            let routes = role.build_routes(&path, generic)?;
            if roles.insert(role.name.as_str().into(), routes).is_some() {
                return Err(BuildError::new(
                    format!("{path}.name"),
                    format!(
                        "the role `{}` stands twice; put its routes in one entry",
                        role.name
                    ),
                ));
            }
        }
        Ok(Roles(roles))
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.chars().any(char::is_control)
}

// === impl RoleSpec ===

impl RoleSpec {
    fn build_routes(&self, path: &str, generic: &[Arc<str>]) -> Result<Routes, BuildError> {
        let mut named = BTreeSet::new();
        let mut every = false;
        for (at, route) in self.routes.iter().enumerate() {
            let is_builtin = Operation::ALL
                .iter()
                .any(|operation| *operation != Operation::Generic && operation.as_str() == route);
            if route == EVERY_ROUTE {
                every = true;
            } else if is_builtin || generic.iter().any(|known| **known == **route) {
                named.insert(route.as_str().into());
            } else {
                return Err(BuildError::new(
                    format!("{path}.routes[{at}]"),
                    format!(
                        "there is no route `{route}`; name an operation such as `chat_completions`, a generic route of the policy, or `*`"
                    ),
                ));
            }
        }
        if self.routes.is_empty() {
            return Err(BuildError::new(
                format!("{path}.routes"),
                "a role without routes opens nothing; name routes or `*`",
            ));
        }
        Ok(if every {
            Routes::Every
        } else {
            Routes::Named(named)
        })
    }
}

// === impl Roles ===

impl Roles {
    /// The policy's own name for a role that a credential names. Roles that the policy does not
    /// know are dropped: they can mean nothing to it.
    pub(crate) fn known(&self, name: &str) -> Option<Arc<str>> {
        self.0.get_key_value(name).map(|(known, _)| known.clone())
    }

    /// Whether any role of `principal` opens `route`.
    pub(crate) fn permit(&self, principal: &Principal, route: &str) -> bool {
        principal.roles.iter().any(|role| match self.0.get(role) {
            Some(Routes::Every) => true,
            Some(Routes::Named(routes)) => routes.contains(route),
            None => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(roles: &[(&str, &[&str])]) -> RolesSpec {
        RolesSpec(
            roles
                .iter()
                .map(|(name, routes)| RoleSpec {
                    name: (*name).to_owned(),
                    routes: routes.iter().map(|route| (*route).to_owned()).collect(),
                })
                .collect(),
        )
    }

    #[test]
    fn names_that_mean_nothing_are_refused() {
        for (roles, path) in [
            (&[("a", &["chat_completion"][..])][..], "roles[0].routes[0]"),
            (&[("a", &["generic"])], "roles[0].routes[0]"),
            (&[("a", &["*", "orchestra"])], "roles[0].routes[1]"),
            (&[("a", &[])], "roles[0].routes"),
            (&[("", &["*"])], "roles[0].name"),
            (&[("a\n", &["*"])], "roles[0].name"),
            (&[("a", &["*"]), ("a", &["*"])], "roles[1].name"),
        ] {
            let error = spec(roles).build(&["orchestrator".into()]).expect_err(path);
            assert_eq!(error.path(), path, "{error}");
        }
    }

    #[test]
    fn limits_hold() {
        let many = |count: usize| {
            RolesSpec(
                (0..count)
                    .map(|number| RoleSpec {
                        name: format!("r{number}"),
                        routes: vec!["*".to_owned()],
                    })
                    .collect(),
            )
        };
        assert!(many(ROLES_MAX).build(&[]).is_ok());
        assert!(many(ROLES_MAX + 1).build(&[]).is_err());
        for (bytes, good) in [(NAME_BYTES_MAX, true), (NAME_BYTES_MAX + 1, false)] {
            assert_eq!(
                spec(&[(&"n".repeat(bytes), &["*"])]).build(&[]).is_ok(),
                good
            );
        }
    }
}
