//! `aegis scan`: the checks of the gateway on texts, one JSON object a line.

use std::path::Path;

use aegis_core::{Category, DigestKey, Role, Threat, ValidationResult};
use aegis_detect::redact::Finding;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CommandError, Outcome, lines};
use crate::policy::Policy;

/// A text to scan.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    /// Echoed.
    id: Value,
    text: String,
    #[serde(default = "user")]
    role: Role,
    /// Read by the leakage check, which this version does not have.
    #[serde(default, rename = "system")]
    _system: Option<String>,
    /// Read by the grounding check, which this version does not have.
    #[serde(default, rename = "sources")]
    _sources: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Output {
    id: Value,
    is_safe: bool,
    confidence: f32,
    threats: Vec<Found>,
    scores: Scores,
}

#[derive(Debug, Serialize)]
struct Found {
    category: &'static str,
    check: &'static str,
    rule: String,
    score: f32,
    owasp: Option<&'static str>,
}

/// Calibrated probabilities; `null` where no model assessed the text.
#[derive(Debug, Default, Serialize)]
struct Scores {
    injection: Option<f32>,
    jailbreak: Option<f32>,
    indirect_injection: Option<f32>,
    extraction: Option<f32>,
    toxicity: Option<f32>,
    grounding: Option<f32>,
}

const fn user() -> Role {
    Role::User
}

pub(super) fn run(config: Option<&Path>) -> Result<Outcome, CommandError> {
    let policy = config.map(Policy::load).transpose()?;
    let key = DigestKey::random()?;
    let folder = policy.as_ref().map_or(Path::new("."), Policy::folder);
    let armor = policy
        .as_ref()
        .map(|policy| policy.spec.armor.clone())
        .unwrap_or_default()
        .build(folder, &key)?;
    let output = policy
        .as_ref()
        .map_or_else(super::redact::defaults, |policy| policy.spec.output.clone())
        .build(&key)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    lines::map(|input: Input| {
        let Input { id, text, role, .. } = input;
        Ok(match role {
            Role::Assistant => leaving(id, &output.redactor().redact(&text).findings),
            Role::System
            | Role::Developer
            | Role::User
            | Role::Tool
            | Role::Document
            | Role::Unknown => answer(id, &runtime.block_on(armor.guard().scan_text(&text, role))),
        })
    })?;
    Ok(Outcome::Done)
}

fn answer(id: Value, result: &ValidationResult) -> Output {
    Output {
        id,
        is_safe: result.is_safe,
        confidence: result.confidence,
        threats: result.threats.iter().map(found).collect(),
        scores: Scores::default(),
    }
}

/// What the output checks find in an answer. A detector's find is certain: its value validates.
fn leaving(id: Value, findings: &[Finding]) -> Output {
    let threats = findings.iter().map(|finding| Found {
        category: finding.category.as_str(),
        check: if finding.category == Category::Secret {
            "secret"
        } else {
            "pii"
        },
        rule: finding.entity.to_string(),
        score: 1.0,
        owasp: finding.category.owasp(),
    });
    Output {
        id,
        is_safe: findings.is_empty(),
        confidence: 1.0,
        threats: threats.collect(),
        scores: Scores::default(),
    }
}

fn found(threat: &Threat) -> Found {
    Found {
        category: threat.category.as_str(),
        check: threat.check.as_str(),
        rule: threat.rule.to_string(),
        score: threat.score,
        owasp: threat.category.owasp(),
    }
}
