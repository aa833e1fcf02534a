//! Which model and provider a request goes to.

use aegis_core::{
    Api, Authenticated, Catalog, Document, Operation, Principal, Reason, Rejection, Route, Target,
};
use http::HeaderMap;

/// Names the model on routes whose bodies have no place for it (TGI).
pub const MODEL_HEADER: &str = "x-aegis-model";

/// The target of `request`; `None` for what the gateway answers itself.
pub(crate) fn choose(
    catalog: &Catalog,
    route: &Route,
    request: &Authenticated,
    document: &Document,
) -> Result<Option<Target>, Rejection> {
    let operation = route.operation;
    match operation {
        Operation::Models => Ok(None),
        Operation::Generic => generic(route).map(Some),
        Operation::Generate | Operation::GenerateStream => {
            let headers = &request.head().headers;
            by_header(catalog, operation, headers, request.principal()).map(Some)
        }
        Operation::ChatCompletions
        | Operation::Responses
        | Operation::Completions
        | Operation::Embeddings
        | Operation::Messages
        | Operation::CountTokens => {
            let (_, name) = document
                .model
                .as_ref()
                .ok_or_else(|| refuse("The request names no model (member `model`)."))?;
            catalog
                .resolve(name, request.principal(), |api| operation.served_by(api))
                .map(Some)
        }
    }
}

fn generic(route: &Route) -> Result<Target, Rejection> {
    let provider = route.provider.clone().ok_or_else(|| {
        Rejection::new(Reason::Internal, "The route leads nowhere.")
            .with_detail("a generic route without a provider")
    })?;
    Ok(Target {
        provider,
        model: route.name.clone(),
        upstream_model: route.name.clone(),
    })
}

fn by_header(
    catalog: &Catalog,
    operation: Operation,
    headers: &HeaderMap,
    principal: &Principal,
) -> Result<Target, Rejection> {
    let mut values = headers.get_all(MODEL_HEADER).iter();
    let name = match (values.next(), values.next()) {
        (None, _) => the_only_one(catalog, principal)?,
        (Some(value), None) => value
            .to_str()
            .map_err(|_| refuse("The header x-aegis-model is not text."))?,
        (Some(_), Some(_)) => return Err(refuse("The header x-aegis-model stands there twice.")),
    };
    catalog.resolve(name, principal, |api| operation.served_by(api))
}

/// Without the header, there must be nothing to choose from.
fn the_only_one<'a>(catalog: &'a Catalog, principal: &'a Principal) -> Result<&'a str, Rejection> {
    let mut models = catalog
        .permitted(principal)
        .filter(|model| model.api == Api::Huggingface);
    match (models.next(), models.next()) {
        (Some(model), None) if !model.name.ends_with('*') => Ok(&model.name),
        (Some(_), _) | (None, _) => Err(refuse("Name the model in the header x-aegis-model.")),
    }
}

fn refuse(message: &'static str) -> Rejection {
    Rejection::new(Reason::InvalidRequest, message)
}
