//! Which route a request names. Paths match exactly: no normalisation, so that the gateway and a
//! provider can't read one differently.

use std::collections::HashMap;
use std::sync::Arc;

use aegis_core::{Operation, Route};
use http::Method;

use crate::policy::RouteAt;

/// The prefix of one model's own path.
const MODELS_PREFIX: &str = "/v1/models/";

/// The routes of a policy.
#[derive(Debug)]
pub struct Router {
    builtin: [Arc<Route>; Operation::ALL.len()],
    generic: HashMap<Box<str>, Arc<Route>>,
}

/// What a request line names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matched {
    /// A route, asked with its method.
    Route(Arc<Route>),
    /// A route, asked with another method than this one.
    WrongMethod(Arc<Route>, Method),
    /// Nothing.
    Nothing,
}

/// The built-in operation at `path`.
#[must_use]
pub fn builtin(path: &str) -> Option<Operation> {
    match path {
        "/v1/chat/completions" => Some(Operation::ChatCompletions),
        "/v1/responses" => Some(Operation::Responses),
        "/v1/completions" => Some(Operation::Completions),
        "/v1/embeddings" => Some(Operation::Embeddings),
        "/v1/models" => Some(Operation::Models),
        "/v1/messages" => Some(Operation::Messages),
        "/v1/messages/count_tokens" => Some(Operation::CountTokens),
        "/generate" => Some(Operation::Generate),
        "/generate_stream" => Some(Operation::GenerateStream),
        _ => path
            .strip_prefix(MODELS_PREFIX)
            .filter(|model| !model.is_empty())
            .map(|_| Operation::Models),
    }
}

/// The method of an operation.
const fn method(operation: Operation) -> Method {
    match operation {
        Operation::Models => Method::GET,
        Operation::ChatCompletions
        | Operation::Responses
        | Operation::Completions
        | Operation::Embeddings
        | Operation::Messages
        | Operation::CountTokens
        | Operation::Generate
        | Operation::GenerateStream
        | Operation::Generic => Method::POST,
    }
}

// === impl Router ===

impl Router {
    /// The built-in routes and those of the policy.
    #[must_use]
    pub fn new(generic: Vec<RouteAt>) -> Self {
        Self {
            builtin: Operation::ALL.map(|operation| Arc::new(Route::builtin(operation))),
            generic: generic.into_iter().collect(),
        }
    }

    /// The route of a request line.
    #[must_use]
    pub fn find(&self, request: &Method, path: &str) -> Matched {
        let route = match builtin(path) {
            Some(operation) => self
                .builtin
                .iter()
                .find(|route| route.operation == operation),
            None => self.generic.get(path),
        };
        match route {
            None => Matched::Nothing,
            Some(route) if *request == method(route.operation) => Matched::Route(route.clone()),
            Some(route) => Matched::WrongMethod(route.clone(), method(route.operation)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_paths_match() {
        let router = Router::new(Vec::new());
        for (method, path, operation) in [
            (
                Method::POST,
                "/v1/chat/completions",
                Some(Operation::ChatCompletions),
            ),
            (Method::POST, "/v1/chat/completions/", None),
            (Method::POST, "/v1//chat/completions", None),
            (Method::POST, "/V1/chat/completions", None),
            (Method::GET, "/v1/models", Some(Operation::Models)),
            (Method::GET, "/v1/models/gpt-5", Some(Operation::Models)),
            (Method::GET, "/v1/models/", None),
        ] {
            let found = match router.find(&method, path) {
                Matched::Route(route) => Some(route.operation),
                Matched::WrongMethod(..) | Matched::Nothing => None,
            };
            assert_eq!(found, operation, "{method} {path}");
        }
    }

    #[test]
    fn another_method_is_told_apart() {
        let router = Router::new(Vec::new());
        assert!(matches!(
            router.find(&Method::GET, "/v1/messages"),
            Matched::WrongMethod(_, Method::POST)
        ));
    }
}
