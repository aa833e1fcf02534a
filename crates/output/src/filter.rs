//! `filter_output(model_output, request_context) -> String`, and what every path shares with it.
//!
//! The stages of the filter, in order: personal data and secrets are masked by one redactor in one
//! pass (`redact_pii`). Leakage and content checks take their seats behind it.

use std::sync::Arc;

use aegis_core::{Category, Check, Exchange, Role, Threat, Verdict};
use aegis_detect::redact::{Finding, Mask, Redactor};

/// Numbers from here on are longer than any value that is looked for.
const WHOLE_NUMBER_MAX: f64 = 1e30;

/// The output checks, compiled; shared by all replies.
#[derive(Debug)]
pub struct OutputFilter {
    redactor: Arc<Redactor>,
    body_max: usize,
}

/// The request whose reply is filtered.
#[derive(Debug, Clone, Copy)]
pub struct RequestContext<'a> {
    /// Where findings are noted.
    pub exchange: &'a Exchange,
}

// === impl OutputFilter ===

impl OutputFilter {
    pub(crate) const fn new(redactor: Arc<Redactor>, body_max: usize) -> Self {
        Self { redactor, body_max }
    }

    /// Filters a whole text. Where the policy blocks a value the text ends in front of it.
    #[must_use]
    pub fn filter_output(&self, model_output: &str, request: RequestContext<'_>) -> String {
        let redacted = self.redactor.redact(model_output);
        note(request.exchange, &redacted.findings);
        redacted.text.into_owned()
    }

    /// The redactor, for `aegis redact`.
    #[must_use]
    pub const fn redactor(&self) -> &Arc<Redactor> {
        &self.redactor
    }

    /// The longest whole reply that is read, in bytes.
    #[must_use]
    pub const fn body_max(&self) -> usize {
        self.body_max
    }
}

/// Notes what was found on the exchange; never the text, a keyed digest of it.
pub(crate) fn note(exchange: &Exchange, findings: &[Finding]) {
    if findings.is_empty() {
        return;
    }
    exchange.note_threats(verdict(findings), findings.iter().map(threat));
}

/// Whether `finding` changes the text that it stands in.
pub(crate) const fn is_masked(finding: &Finding) -> bool {
    match finding.mask {
        Mask::Redact | Mask::Mask { .. } | Mask::Hash | Mask::Block => true,
        Mask::Flag => false,
    }
}

pub(crate) fn threat(finding: &Finding) -> Threat {
    let check = if finding.category == Category::Secret {
        Check::Secret
    } else {
        Check::Pii
    };
    let mut threat = Threat::new(finding.category, check, finding.entity, 1.0);
    threat.role = Some(Role::Assistant);
    threat.digest = finding.digest;
    threat
}

/// The gravest verdict on `findings`.
pub(crate) fn verdict(findings: &[Finding]) -> Verdict {
    let verdicts = findings.iter().map(|finding| match finding.mask {
        Mask::Flag => Verdict::Flag,
        Mask::Redact | Mask::Mask { .. } | Mask::Hash => Verdict::Redact,
        Mask::Block => Verdict::Block,
    });
    verdicts.max().unwrap_or_default()
}

/// What `redactor` finds in a bare JSON number, also where it is written as a decimal or with an
/// exponent: `4.111e15` is a card's digits to whoever parses it.
pub(crate) fn number_findings(redactor: &Redactor, literal: &str) -> Vec<Finding> {
    let mut found = redactor.redact(literal).findings;
    if literal.contains(['.', 'e', 'E'])
        && let Ok(value) = literal.parse::<f64>()
        && value.fract() == 0.0
        && value.abs() < WHOLE_NUMBER_MAX
    {
        found.extend(redactor.redact(&format!("{value:.0}")).findings);
    }
    found
}

#[cfg(test)]
mod tests {
    use aegis_core::{DigestKey, Peer};

    use super::*;
    use crate::OutputSpec;

    #[test]
    fn a_whole_text_is_filtered_and_findings_are_noted_without_it() {
        for (policy, filtered, verdict) in [
            ("pii: {}", "mail [EMAIL] now", Verdict::Redact),
            (
                "pii: { action: flag }",
                "mail a@example.com now",
                Verdict::Flag,
            ),
            ("pii: { action: block }", "mail ", Verdict::Block),
            ("{}", "mail a@example.com now", Verdict::Allow),
        ] {
            let spec: OutputSpec = serde_saphyr::from_str(policy).unwrap();
            let filter = spec.build(&DigestKey::from_bytes(b"test")).unwrap();
            let exchange = Exchange::new(Peer { address: None }, None, "policy".into());
            let request = RequestContext {
                exchange: &exchange,
            };
            let out = filter.filter_output("mail a@example.com now", request);
            assert_eq!(out, filtered, "{policy}");
            let trail = exchange.trail();
            assert_eq!(trail.verdict, verdict, "{policy}");
            assert!(!format!("{:?}", trail.threats).contains("example.com"));
        }
    }

    #[test]
    fn secrets_and_personal_data_are_told_apart() {
        let exchange = Exchange::new(Peer { address: None }, None, "policy".into());
        let spec: OutputSpec = serde_saphyr::from_str("pii: {}\nsecrets: {}").unwrap();
        let filter = spec.build(&DigestKey::from_bytes(b"test")).unwrap();
        let request = RequestContext {
            exchange: &exchange,
        };
        drop(filter.filter_output("a@example.com AKIAIOSFODNN7EXAMPLE", request));
        let checks: Vec<_> = exchange.trail().threats.iter().map(|t| t.check).collect();
        assert_eq!(checks, [Check::Pii, Check::Secret]);
    }
}
