//! `aegis check`: is the policy good, and what does it enforce where?

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use aegis_armor::{LevelsSpec, SemanticSpec};
use aegis_core::{Action, Api, OnError, Operation};

use super::{CommandError, Outcome};
use crate::assemble;
use crate::policy::{Policy, PolicySpec, Secrets};

pub(super) fn run(config: &Path) -> Result<Outcome, CommandError> {
    let policy = Policy::load(config)?;
    assemble::check(&policy, &Secrets::from_environment())?;
    write!(std::io::stdout(), "{}", report(&policy)?)?;
    Ok(Outcome::Done)
}

/// What is enforced, as text.
fn report(policy: &Policy) -> Result<String, CommandError> {
    let spec = &policy.spec;
    let mut out = String::new();
    writeln!(
        out,
        "policy   {} (sha256 {})",
        policy.file.display(),
        policy.digest
    )?;
    match (&spec.listen.gateway.address, &spec.listen.gateway.unix) {
        (Some(address), _) => writeln!(out, "listens  {address}")?,
        (None, Some(path)) => writeln!(out, "listens  unix:{}", path.display())?,
        (None, None) => {}
    }
    match &spec.listen.admin {
        Some(admin) => writeln!(out, "admin    {} (health and metrics)", admin.address)?,
        None => writeln!(out, "admin    off")?,
    }
    let issuers: Vec<&str> = spec
        .auth
        .issuers
        .iter()
        .map(|issuer| issuer.name.as_str())
        .collect();
    let development = if spec.auth.has_development() {
        " + development tokens"
    } else {
        ""
    };
    writeln!(out, "issuers  {}{development}", list(&issuers))?;
    writeln!(
        out,
        "audit    {}, {:?}",
        store(&spec.audit.store),
        spec.audit.durability
    )?;
    writeln!(
        out,
        "\nevery route: credential, limits, strict JSON, decision and completion audited\n"
    )?;
    for operation in Operation::ALL {
        if operation != Operation::Generic {
            route(&mut out, spec, operation.as_str(), operation)?;
        }
    }
    for (path, generic) in policy.generic_routes()? {
        route(
            &mut out,
            spec,
            &format!("{} ({path})", generic.name),
            Operation::Generic,
        )?;
    }
    checks(&mut out, spec)?;
    Ok(out)
}

/// One route: whether anybody serves it, and which roles may use it.
fn route(
    out: &mut String,
    spec: &PolicySpec,
    name: &str,
    operation: Operation,
) -> std::fmt::Result {
    let served = spec
        .providers
        .iter()
        .filter(|provider| operation.served_by(provider.api));
    let providers: Vec<&str> = served
        .filter(|provider| provider.api != Api::Generic || operation == Operation::Generic)
        .map(|provider| provider.name.as_str())
        .collect();
    let short = name.split(' ').next().unwrap_or(name);
    let opens = |routes: &[String]| routes.iter().any(|route| route == "*" || route == short);
    let roles: Vec<&str> = spec
        .roles
        .0
        .iter()
        .filter(|role| opens(&role.routes))
        .map(|role| role.name.as_str())
        .collect();
    let providers = if operation == Operation::Models {
        "the gateway".to_owned()
    } else {
        list(&providers)
    };
    writeln!(
        out,
        "{name:<28} served by {providers}; roles {}",
        list(&roles)
    )
}

fn checks(out: &mut String, spec: &PolicySpec) -> std::fmt::Result {
    requests(out, spec)?;
    replies(out, spec)
}

fn requests(out: &mut String, spec: &PolicySpec) -> std::fmt::Result {
    let (pattern, context) = (&spec.armor.pattern, &spec.armor.context);
    writeln!(out, "\nrequests")?;
    writeln!(
        out,
        "  pattern   packs {}, {} files; {}",
        list(&pattern.packs),
        pattern.files.len(),
        if pattern.packs.is_empty() && pattern.files.is_empty() {
            "OFF: NO RULES".to_owned()
        } else {
            fate(pattern.action, pattern.on_error)
        }
    )?;
    writeln!(
        out,
        "  context   roles {:?}, tool results {:?}, many-shot from {} turns; {}",
        context.roles,
        context.tool_results,
        context.many_shot,
        fate(context.action, context.on_error)
    )?;
    semantic(out, spec.armor.semantic.as_ref())?;
    let dispatch = if spec.armor.speculative {
        "SPECULATIVE: the provider may see what is refused; no reply before the verdict"
    } else {
        "after the verdict"
    };
    writeln!(out, "  dispatch  {dispatch}")?;
    let media = &spec.armor.media;
    writeln!(
        out,
        "  media     image {:?}, audio {:?}, file {:?}",
        media.image, media.audio, media.file
    )?;
    for limit in &spec.limits {
        let (requests, tokens) = (
            limit.requests.map(|rate| rate.to_string()),
            limit.tokens.map(|rate| rate.to_string()),
        );
        let concurrency = limit.concurrency.map(|count| count.to_string());
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "unlimited".to_owned());
        writeln!(
            out,
            "  limit     per {:?}: requests {}, tokens {}, at once {}",
            limit.per,
            or_none(requests),
            or_none(tokens),
            or_none(concurrency)
        )?;
    }
    Ok(())
}

fn replies(out: &mut String, spec: &PolicySpec) -> std::fmt::Result {
    writeln!(out, "replies, whole and streamed")?;
    match &spec.output.pii {
        Some(pii) => writeln!(
            out,
            "  pii       {}: {:?}{}",
            list(&pii.entities),
            pii.action,
            exceptions(&pii.per_entity)
        )?,
        None => writeln!(out, "  pii       off")?,
    }
    match &spec.output.secrets {
        Some(secrets) => writeln!(
            out,
            "  secrets   {}: {:?}{}",
            list(&secrets.entities),
            secrets.action,
            exceptions(&secrets.per_entity)
        ),
        None => writeln!(out, "  secrets   off"),
    }
}

fn semantic(out: &mut String, spec: Option<&SemanticSpec>) -> std::fmt::Result {
    let Some(spec) = spec else {
        return writeln!(out, "  semantic  OFF");
    };
    let levels = |levels: Option<LevelsSpec>| {
        levels.map_or("the model's".to_owned(), |levels| {
            format!("block {} flag {}", levels.block_at, levels.flag_at)
        })
    };
    let toxicity = spec
        .toxicity
        .map_or("off".to_owned(), |_| levels(spec.toxicity));
    writeln!(
        out,
        "  semantic  model {}; thresholds: users {}, documents {}, toxicity {toxicity}; {}",
        spec.model,
        levels(spec.user),
        levels(spec.documents),
        fate(spec.action, spec.on_error)
    )
}

/// The store without whatever credentials its address may hold.
fn store(address: &str) -> &str {
    if address.starts_with("postgres") {
        "PostgreSQL"
    } else {
        address
    }
}

fn fate(action: Action, on_error: OnError) -> String {
    let action = match action {
        Action::Block => "blocks",
        Action::Flag => "flags only",
    };
    let on_error = match on_error {
        OnError::Block => "refuses what it can't check",
        OnError::Allow => "LETS PASS what it can't check",
    };
    format!("{action}, {on_error}")
}

fn exceptions(
    per_entity: &std::collections::BTreeMap<String, aegis_output::EntityAction>,
) -> String {
    per_entity
        .iter()
        .map(|(entity, action)| format!(", {entity}: {action:?}"))
        .collect()
}

fn list<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
