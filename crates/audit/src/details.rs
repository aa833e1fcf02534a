//! What the events of a request say. Never content, secrets or tokens: checks report rules, places
//! and keyed digests, and a place is named only as far as its names are plain.

use aegis_core::{Ending, Exchange, Reason, Scores, Threat, Trail, ValidationResult, Verdict};
use serde_json::{Map, Value, json};

use crate::canonical::Details;
use crate::event::Event;

/// Characters of an internal detail that are kept.
const DETAIL_CHARS_MAX: usize = 1_024;
/// Characters of one step of a path that are kept.
const STEP_CHARS_MAX: usize = 64;
/// Roles that are listed.
const ROLES_MAX: usize = 32;

/// The event of a decision to let a request through.
pub(crate) fn decided(exchange: &Exchange, validation: &ValidationResult) -> Event {
    let trail = exchange.trail();
    let mut details = common(exchange, &trail);
    let threats = validation.threats.iter().map(threat).collect();
    details.insert("confidence".into(), score(validation.confidence));
    details.insert("is_safe".into(), validation.is_safe.into());
    details.insert("threats".into(), Value::Array(threats));
    if let Some(said) = validation.scores.filter(|_| !validation.threats.is_empty()) {
        details.insert("scores".into(), scores(&said));
    }
    details.insert("verdict".into(), validation.verdict.as_str().into());
    let event = Event::new("request.decided", validation.verdict.as_str());
    about(event, exchange, &trail).with_details(Details::new(details.into()))
}

/// The event of a request that goes to its provider before the input checks are done.
pub(crate) fn dispatched(exchange: &Exchange) -> Event {
    let trail = exchange.trail();
    let mut details = common(exchange, &trail);
    details.insert("speculative".into(), true.into());
    details.insert("verdict".into(), "pending".into());
    let event = Event::new("request.dispatched", "pending");
    about(event, exchange, &trail).with_details(Details::new(details.into()))
}

/// The event that ends a request.
pub(crate) fn completed(exchange: &Exchange) -> Event {
    let trail = exchange.trail();
    let ending = trail.ending.unwrap_or(Ending::Completed);
    let duration = exchange.started.elapsed().as_millis();
    let threats = trail.threats.iter().map(threat).collect();
    let detail = trail.detail.as_deref().map(shortened);
    let mut details = common(exchange, &trail);
    for (name, value) in [
        ("detail", detail.map(Value::from)),
        ("duration_ms", u64::try_from(duration).ok().map(Value::from)),
        ("ending", Some(ending.as_str().into())),
        ("reason", trail.reason.map(|reason| reason.as_str().into())),
        ("request_bytes", Some(trail.request_bytes.into())),
        ("response_bytes", Some(trail.response_bytes.into())),
        ("status", trail.status.map(Value::from)),
        ("threats", Some(Value::Array(threats))),
        ("usage", Some(usage(&trail))),
        ("verdict", Some(trail.verdict.as_str().into())),
    ] {
        details.insert(name.into(), value.unwrap_or_default());
    }
    if let Some(said) = trail.scores.filter(|_| !trail.threats.is_empty()) {
        details.insert("scores".into(), scores(&said));
    }
    let event = Event::new(event_type(ending), trail.verdict.as_str());
    about(event, exchange, &trail).with_details(Details::new(details.into()))
}

/// Changes a refusal's event whose caller is told 503 because it could not be recorded in time.
pub(crate) fn unavailable(event: &mut Event) {
    let Value::Object(mut details) = event.details() else {
        return;
    };
    let intended = json!({ "reason": details.get("reason"), "status": details.get("status") });
    let reason = Reason::AuditUnavailable;
    details.insert("intended".into(), intended);
    details.insert("reason".into(), reason.as_str().into());
    details.insert("status".into(), reason.status().as_u16().into());
    let verdict = Verdict::Unavailable.as_str();
    details.insert("verdict".into(), verdict.into());
    event.action = verdict.into();
    event.details = Details::new(details.into()).into_string();
}

const fn event_type(ending: Ending) -> &'static str {
    match ending {
        Ending::Completed => "request.completed",
        Ending::Refused => "request.refused",
        Ending::Stopped => "request.stopped",
        Ending::ClientGone => "request.client_gone",
        Ending::UpstreamFailed => "request.upstream_failed",
        Ending::Panicked => "request.panicked",
    }
}

/// Actor, resource and address.
fn about(event: Event, exchange: &Exchange, trail: &Trail) -> Event {
    let event = event
        .by(trail.principal.as_deref())
        .from_address(exchange.peer.address);
    match (&trail.model, &exchange.route) {
        (Some(model), _) => event.on("model", model),
        (None, Some(route)) => event.on("route", &route.name),
        (None, None) => event,
    }
}

/// What every event of a request holds.
fn common(exchange: &Exchange, trail: &Trail) -> Map<String, Value> {
    let principal = trail.principal.as_deref();
    let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    let roles = principal.map_or(&[][..], |principal| &principal.roles);
    let roles: Vec<Value> = roles
        .iter()
        .take(ROLES_MAX)
        .map(|role| text(Some(role)))
        .collect();
    let route = exchange.route.as_deref().map(|route| &*route.name);
    let mut details = Map::new();
    for (name, value) in [
        (
            "credential_id",
            text(principal.and_then(|p| p.credential_id.as_deref())),
        ),
        ("issuer", text(principal.map(|p| &*p.issuer))),
        ("policy", text(Some(&exchange.policy))),
        ("provider", text(trail.provider.as_deref())),
        ("request_id", exchange.id.to_string().into()),
        ("roles", Value::Array(roles)),
        ("route", text(route)),
        ("stream", trail.stream.into()),
        ("tenant", text(principal.and_then(|p| p.tenant.as_deref()))),
    ] {
        details.insert(name.into(), value);
    }
    details
}

fn usage(trail: &Trail) -> Value {
    json!({
        "input_tokens": trail.usage.input_tokens,
        "output_tokens": trail.usage.output_tokens,
    })
}

fn threat(threat: &Threat) -> Value {
    json!({
        "category": threat.category.as_str(),
        "check": threat.check.as_str(),
        "digest": threat.digest.map(|digest| digest.to_string()),
        "owasp": threat.category.owasp(),
        "path": threat.path.as_deref().map(plain_path),
        "role": threat.role,
        "rule": threat.rule,
        "score": score(threat.score),
    })
}

/// What a model said of the input, in steps of 0.001; `null` where it was not asked.
fn scores(said: &Scores) -> Value {
    let rounded = |score: f32| {
        let rounded = (f64::from(score) * 1_000.0).round() / 1_000.0;
        serde_json::Number::from_f64(rounded).map_or(Value::Null, Value::Number)
    };
    json!({
        "extraction": rounded(said.extraction),
        "indirect_injection": said.indirect_injection.map(rounded),
        "injection": rounded(said.injection),
        "jailbreak": rounded(said.jailbreak),
        "toxicity": rounded(said.toxicity),
    })
}

/// A score in steps of 0.0001, which every number format holds alike.
fn score(score: f32) -> Value {
    let rounded = (f64::from(score) * 10_000.0).round() / 10_000.0;
    serde_json::Number::from_f64(rounded).map_or(Value::Null, Value::Number)
}

/// A JSON Pointer whose steps are plain names; another step could be content and becomes `*`.
fn plain_path(path: &str) -> String {
    let plain = |step: &str| {
        step.len() <= STEP_CHARS_MAX
            && step.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'$')
            })
    };
    let steps: Vec<&str> = path
        .split('/')
        .map(|step| if plain(step) { step } else { "*" })
        .collect();
    steps.join("/")
}

fn shortened(detail: &str) -> &str {
    match detail.char_indices().nth(DETAIL_CHARS_MAX) {
        Some((end, _)) => detail.get(..end).unwrap_or_default(),
        None => detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_keep_plain_names_only() {
        assert_eq!(plain_path("/messages/0/content"), "/messages/0/content");
        assert_eq!(plain_path("/tools/0/my secret/x"), "/tools/0/*/x");
        let long = "x".repeat(STEP_CHARS_MAX + 1);
        assert_eq!(plain_path(&format!("/a/{long}")), "/a/*");
        assert_eq!(
            plain_path(&format!("/a/{}", long.get(1..).unwrap())),
            format!("/a/{}", long.get(1..).unwrap())
        );
    }

    #[test]
    fn scores_are_short_numbers() {
        assert_eq!(score(0.93).to_string(), "0.93");
        assert_eq!(score(1.0).to_string(), "1.0");
        assert_eq!(score(f32::NAN), Value::Null);
    }

    #[test]
    fn details_are_cut_at_characters() {
        let long = "é".repeat(DETAIL_CHARS_MAX + 1);
        assert_eq!(shortened(&long).chars().count(), DETAIL_CHARS_MAX);
        assert_eq!(
            shortened(long.get(2..).unwrap()).chars().count(),
            DETAIL_CHARS_MAX
        );
    }
}
