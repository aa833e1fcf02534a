//! Findings put in their place: which message, which JSON Pointer.

use std::sync::Arc;

use aegis_core::{Check, Document, Threat};

use crate::cache::Finding;

/// Threats that one check reports on one request; the rest would say nothing new.
pub const THREATS_MAX: usize = 64;

/// Threats of one check on one document, each rule once a message and role.
pub(crate) struct Threats<'a> {
    document: &'a Document,
    check: Check,
    found: Vec<(usize, Threat)>,
}

// === impl Threats ===

impl<'a> Threats<'a> {
    pub(crate) const fn new(document: &'a Document, check: Check) -> Self {
        Self {
            document,
            check,
            found: Vec::new(),
        }
    }

    /// Adds what was found in the segment at `index`.
    pub(crate) fn extend(&mut self, index: usize, findings: &[Finding]) {
        let Some(segment) = self.document.segments.get(index) else {
            return;
        };
        for finding in findings {
            let known = |(at, threat): &(usize, Threat)| {
                threat.rule == finding.rule
                    && threat.role == Some(segment.role)
                    && self.message(*at) == Some(segment.message)
            };
            // A joined text reports again what its parts reported; the surer report stands.
            if let Some(known) = self.found.iter().position(known) {
                let slighter = self.found.get(known).is_some_and(|(_, threat)| {
                    (threat.grave, threat.score) < (finding.grave, finding.score)
                });
                if !slighter {
                    continue;
                }
                self.found.remove(known);
            } else if !self.make_room(finding) {
                continue;
            }
            let mut threat = Threat::new(
                finding.category,
                self.check,
                finding.rule.clone(),
                finding.score,
            );
            threat.role = Some(segment.role);
            threat.grave = finding.grave;
            threat.digest = Some(finding.digest);
            self.found.push((index, threat));
        }
    }

    /// How many there are.
    pub(crate) const fn count(&self) -> usize {
        self.found.len()
    }

    /// Everything added, with its JSON Pointer.
    pub(crate) fn finish(self) -> Vec<Threat> {
        let Self {
            document, found, ..
        } = self;
        let mut last: Option<(usize, Option<Arc<str>>)> = None;
        let placed = found.into_iter().map(|(index, mut threat)| {
            if last.as_ref().is_none_or(|(at, _)| *at != index) {
                last = Some((index, pointer(document, index)));
            }
            threat.path = last.as_ref().and_then(|(_, path)| path.clone());
            threat
        });
        placed.collect()
    }

    /// Whether one more may be kept. A graver one takes a slighter one's place, so that a flood of
    /// hints can't hide it.
    fn make_room(&mut self, finding: &Finding) -> bool {
        if self.found.len() < THREATS_MAX {
            return true;
        }
        let slighter =
            |(_, kept): &(usize, Threat)| (kept.grave, kept.score) < (finding.grave, finding.score);
        let slighter = self.found.iter().position(slighter);
        slighter.map(|at| self.found.remove(at)).is_some()
    }

    fn message(&self, index: usize) -> Option<u32> {
        self.document
            .segments
            .get(index)
            .map(|segment| segment.message)
    }
}

fn pointer(document: &Document, index: usize) -> Option<Arc<str>> {
    let segment = document.segments.get(index)?;
    aegis_wire::json::pointer_at(&document.raw, segment.literal.start).map(Arc::from)
}

#[cfg(test)]
mod tests {
    use aegis_core::{Category, DigestKey, Kind, Role, Segment, Text, Trust};

    use super::*;

    fn document(messages: u32) -> Document {
        let raw = bytes::Bytes::from_static(br#"{"messages":[{"content":"hello"}]}"#);
        let mut document = Document::new(raw);
        document
            .segments
            .extend((0..messages).map(|message| Segment {
                role: Role::User,
                trust: Trust::Untrusted,
                kind: Kind::Text,
                message,
                literal: 24..31,
                text: Text::Plain(25..30),
            }));
        document
    }

    fn finding(rule: &'static str, score: f32) -> Finding {
        Finding {
            category: Category::Injection,
            rule: rule.into(),
            score,
            grave: score >= aegis_core::UNSAFE_SCORE,
            digest: DigestKey::from_bytes(b"test").digest(&[b"x"]),
        }
    }

    #[test]
    fn a_rule_is_reported_once_a_message_with_role_and_pointer() {
        let document = document(2);
        let mut threats = Threats::new(&document, Check::Pattern);
        threats.extend(
            0,
            &[finding("a", 0.9), finding("a", 0.9), finding("b", 0.5)],
        );
        threats.extend(1, &[finding("a", 0.9)]);
        let threats = threats.finish();
        let rules: Vec<_> = threats.iter().map(|threat| &*threat.rule).collect();
        assert_eq!(rules, ["a", "b", "a"]);
        for threat in threats {
            assert_eq!(threat.role, Some(Role::User));
            assert_eq!(threat.path.as_deref(), Some("/messages/0/content"));
        }
    }

    #[test]
    fn of_two_reports_of_a_rule_in_one_message_the_surer_stands() {
        let document = document(1);
        for scores in [[0.5, 0.95], [0.95, 0.5]] {
            let mut threats = Threats::new(&document, Check::Semantic);
            threats.extend(0, &scores.map(|score| finding("a", score)));
            let threats = threats.finish();
            let told: Vec<_> = threats.iter().map(|t| (t.score, t.grave)).collect();
            assert_eq!(told, [(0.95, true)]);
        }
    }

    #[test]
    fn a_flood_of_hints_does_not_hide_a_grave_threat() {
        let messages = u32::try_from(THREATS_MAX).unwrap() + 1;
        let document = document(messages);
        let mut threats = Threats::new(&document, Check::Pattern);
        for index in 0..THREATS_MAX {
            threats.extend(index, &[finding("hint", 0.3)]);
        }
        threats.extend(THREATS_MAX, &[finding("hint", 0.3)]);
        assert_eq!(threats.found.len(), THREATS_MAX);
        threats.extend(THREATS_MAX, &[finding("grave", 0.9)]);
        assert_eq!(threats.found.len(), THREATS_MAX);
        assert!(
            threats
                .found
                .iter()
                .any(|(_, threat)| threat.rule == "grave")
        );
    }
}
