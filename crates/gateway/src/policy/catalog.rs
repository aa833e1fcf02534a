//! `models` and `routes`: what there is to call.

use std::sync::Arc;

use aegis_core::{Api, Catalog, GenericFields, Model, Operation, Route};
use schemars::JsonSchema;
use serde::Deserialize;

/// A model that clients may name.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// The name clients use. A trailing `*` matches any suffix.
    pub name: String,
    /// The provider that serves it.
    pub provider: String,
    /// The provider's name for it; `name` where absent.
    #[serde(default)]
    pub model: Option<String>,
    /// Roles that may use it.
    pub roles: Vec<String>,
}

/// A route of your own: any HTTP API that takes and answers JSON.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteSpec {
    /// Its name, for `roles[].routes`, events and metrics.
    pub name: String,
    /// Its path, matched exactly; only POST is served.
    pub path: String,
    /// The provider (`api: generic`) it goes to.
    pub provider: String,
    /// JSON Pointers (RFC 6901) to the prompt text of a request; `*` matches every element.
    pub prompt: Vec<String>,
    /// JSON Pointers to the answer text of a reply, or of each event of a streamed one.
    pub answer: Vec<String>,
    /// JSON Pointer to a boolean of the request that asks for a stream.
    #[serde(default)]
    pub stream: Option<String>,
}

/// The catalogue of `models`, given each provider's name and API.
///
/// # Errors
/// Names the key and the fix.
pub(super) fn catalog(
    models: &[ModelSpec],
    providers: &[(Arc<str>, Api)],
) -> Result<Catalog, String> {
    let mut built: Vec<Model> = Vec::with_capacity(models.len());
    for (index, spec) in models.iter().enumerate() {
        let key = format!("models[{index}]");
        let (provider, api) = providers
            .iter()
            .find(|(name, _)| **name == *spec.provider)
            .ok_or_else(|| {
                format!(
                    "{key}.provider: no provider is called `{}`; add it to `providers`",
                    spec.provider
                )
            })?;
        if spec.name.is_empty() || spec.name.trim_end_matches('*').contains('*') {
            return Err(format!(
                "{key}.name: a model name, with `*` at its end only"
            ));
        }
        if *api == Api::Generic {
            return Err(format!(
                "{key}.provider: `{}` is a generic provider; its routes stand under `routes`",
                spec.provider
            ));
        }
        if spec.roles.is_empty() {
            return Err(format!(
                "{key}.roles: nobody could use `{}`; name at least one role",
                spec.name
            ));
        }
        if spec.name.ends_with('*') && spec.model.is_some() {
            return Err(format!(
                "{key}.model: a name with `*` goes upstream as it is; remove `model`"
            ));
        }
        if built.iter().any(|other| *other.name == *spec.name) {
            return Err(format!("{key}.name: `{}` is listed twice", spec.name));
        }
        built.push(Model {
            name: spec.name.as_str().into(),
            provider: provider.clone(),
            api: *api,
            upstream_name: spec.model.as_deref().map(Into::into),
            roles: spec.roles.iter().map(|role| role.as_str().into()).collect(),
        });
    }
    Ok(Catalog::new(built))
}

/// A route of the policy's own, with its path.
pub type RouteAt = (Box<str>, Arc<Route>);

/// The policy's own routes.
///
/// # Errors
/// Names the key and the fix.
pub(super) fn generic_routes(
    routes: &[RouteSpec],
    providers: &[(Arc<str>, Api)],
) -> Result<Vec<RouteAt>, String> {
    let mut built: Vec<RouteAt> = Vec::with_capacity(routes.len());
    for (index, spec) in routes.iter().enumerate() {
        let key = format!("routes[{index}]");
        let provider = providers
            .iter()
            .find(|(name, api)| **name == *spec.provider && *api == Api::Generic)
            .ok_or_else(|| {
                format!(
                    "{key}.provider: no provider with `api: generic` is called `{}`",
                    spec.provider
                )
            })?;
        if !spec.path.starts_with('/')
            || spec.path.contains(['?', '#', '%', '*'])
            || spec.path.contains("//")
        {
            return Err(format!(
                "{key}.path: a plain absolute path such as /orchestrator/run"
            ));
        }
        if crate::router::builtin(&spec.path).is_some()
            || built.iter().any(|(path, _)| **path == *spec.path)
        {
            return Err(format!("{key}.path: `{}` is taken", spec.path));
        }
        if Operation::ALL
            .iter()
            .any(|operation| operation.as_str() == spec.name)
            || built.iter().any(|(_, other)| *other.name == *spec.name)
        {
            return Err(format!("{key}.name: `{}` is taken", spec.name));
        }
        if spec.prompt.is_empty() || spec.answer.is_empty() {
            return Err(format!(
                "{key}: `prompt` and `answer` each need at least one JSON Pointer"
            ));
        }
        let pointers = spec.prompt.iter().chain(&spec.answer).chain(&spec.stream);
        if let Some(bad) = pointers
            .clone()
            .find(|pointer| !pointer.is_empty() && !pointer.starts_with('/'))
        {
            return Err(format!(
                "{key}: `{bad}` is not a JSON Pointer; it starts with `/`"
            ));
        }
        let boxed = |list: &[String]| list.iter().map(|text| text.as_str().into()).collect();
        let route = Route {
            name: spec.name.as_str().into(),
            operation: Operation::Generic,
            generic: Some(Arc::new(GenericFields {
                prompt: boxed(&spec.prompt),
                answer: boxed(&spec.answer),
                stream: spec.stream.as_deref().map(Into::into),
            })),
            provider: Some(provider.0.clone()),
        };
        built.push((spec.path.as_str().into(), Arc::new(route)));
    }
    Ok(built)
}
