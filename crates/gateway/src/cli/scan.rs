//! `aegis scan`: the checks of the gateway on texts, one JSON object a line.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aegis_armor::{Armor, ArmorSpec, QUEUE_MAX, QUEUE_WINDOWS_MAX, SemanticSpec, THREADS_MAX};
use aegis_core::{Category, Check, DigestKey, Role, Span, Threat, ValidationResult};
use aegis_detect::redact::{Finding, Redactor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CommandError, Outcome, lines};
use crate::policy::Policy;

/// Time for the checks of one text: as good as none.
const TIME_MAX: Duration = Duration::from_secs(3_600);

/// Checks that may work on one text at once, each in a place of its own.
const CHECKS: usize = 3;

/// What runs on each text.
struct Scanner {
    armor: Armor,
    redactor: Arc<Redactor>,
}

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

/// Probabilities of an attack by category; `null` where nothing assessed the text for it.
#[derive(Debug, Default, Serialize)]
struct Scores {
    injection: Option<f32>,
    jailbreak: Option<f32>,
    indirect_injection: Option<f32>,
    extraction: Option<f32>,
    toxicity: Option<f32>,
    grounding: Option<f32>,
}

/// How many times likelier a match of a blocking rule is in an attack than in an honest text that
/// the model finds as likely. Among texts of all kinds it is sixty times; among those that look like
/// attacks (system prompts, for one) it is about three.
const GRAVE_ODDS: f32 = 4.0;

/// The same for a rule that only flags.
const HINT_ODDS: f32 = 1.5;

const fn user() -> Role {
    Role::User
}

pub(super) fn run(config: Option<&Path>) -> Result<Outcome, CommandError> {
    let policy = config.map(Policy::load).transpose()?;
    let key = DigestKey::random()?;
    let output = policy
        .as_ref()
        .map_or_else(super::redact::defaults, |policy| policy.spec.output.clone())
        .build(&key)?;
    let scanner = Arc::new(Scanner {
        armor: armor(policy.as_ref(), &key)?,
        redactor: output.redactor().clone(),
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let each = move |input| {
        let scanner = scanner.clone();
        async move { scanner.scan(input).await }
    };
    let output = std::io::stdout().lock();
    let tally = runtime.block_on(lines::map_many(
        std::io::stdin(),
        output,
        texts_at_once(),
        each,
    ));
    // A read of stdin may still hang where the output broke.
    runtime.shutdown_background();
    Ok(match tally?.bad {
        0 => Outcome::Done,
        _ => Outcome::Failed,
    })
}

/// The checks of the policy, or all with their defaults. Nobody waits for an answer here, so
/// nothing is late and the model may have every core: verdicts don't depend on how busy it is.
fn armor(policy: Option<&Policy>, key: &DigestKey) -> Result<Armor, CommandError> {
    let mut spec = match policy {
        Some(policy) => policy.spec.armor.clone(),
        None => ArmorSpec {
            semantic: Some(SemanticSpec::default()),
            ..ArmorSpec::default()
        },
    };
    spec.budget.time_max = Span(TIME_MAX);
    if let Some(semantic) = &mut spec.semantic {
        semantic.threads.get_or_insert(cores().min(THREADS_MAX));
        semantic.queue = QUEUE_WINDOWS_MAX;
    }
    let folder = policy.map_or(Path::new("."), Policy::folder);
    let counters = Arc::default();
    match spec.build(folder, key, &counters) {
        Err(error) if policy.is_none() && error.lacks_runtime() => {
            let warning = "aegis: warning: the semantic check is off and its scores are null";
            writeln!(std::io::stderr(), "{warning}: {error}").ok();
            spec.semantic = None;
            Ok(spec.build(folder, key, &counters)?)
        }
        built => Ok(built?),
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// As many texts as there is room for in the checks.
fn texts_at_once() -> usize {
    (cores() + QUEUE_MAX) / CHECKS
}

// === impl Scanner ===

impl Scanner {
    async fn scan(&self, input: Input) -> Output {
        let Input { id, text, role, .. } = input;
        match role {
            Role::Assistant => leaving(id, &self.redactor.redact(&text).findings),
            Role::System
            | Role::Developer
            | Role::User
            | Role::Tool
            | Role::Document
            | Role::Unknown => answer(id, &self.armor.guard().scan_text(&text, role).await),
        }
    }
}

fn answer(id: Value, result: &ValidationResult) -> Output {
    Output {
        id,
        is_safe: result.is_safe,
        confidence: result.confidence,
        threats: result.threats.iter().map(found).collect(),
        scores: Scores::of(result),
    }
}

// === impl Scores ===

impl Scores {
    /// What all checks say together: the model's probability, its odds raised by a rule that
    /// matched; a rule's own score where no model was asked.
    fn of(result: &ValidationResult) -> Self {
        let score = |category| {
            let rules = result.threats.iter();
            let rules =
                rules.filter(|found| found.category == category && found.check != Check::Semantic);
            let surest = rules.max_by(|a, b| a.score.total_cmp(&b.score));
            let of_model = result.scores.and_then(|scores| scores.of(category));
            match (of_model, surest) {
                (Some(p), Some(rule)) => Some(raised(p, rule.grave)),
                (Some(p), None) => Some(p),
                (None, rule) => rule.map(|rule| rule.score),
            }
        };
        Self {
            injection: score(Category::Injection),
            jailbreak: score(Category::Jailbreak),
            indirect_injection: score(Category::IndirectInjection),
            extraction: score(Category::Extraction),
            toxicity: score(Category::Toxicity),
            grounding: score(Category::Grounding),
        }
    }
}

/// The probability `p` after a rule matched, by Bayes' theorem in its odds form.
fn raised(p: f32, grave: bool) -> f32 {
    let raised = p * if grave { GRAVE_ODDS } else { HINT_ODDS };
    raised / (raised + 1.0 - p)
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
