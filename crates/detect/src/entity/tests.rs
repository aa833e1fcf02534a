//! Every kind with texts that it must find and near misses that it must not.

mod pii;
mod secrets;

use aegis_core::{Category, DigestKey};

use super::{PII, SECRETS, detector, detectors};
use crate::redact::{Mask, Redactor};

/// A kind, texts with its values in `⟦⟧`, and texts without any.
type Case = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

/// Hits and near misses that a kind needs at least.
const EXAMPLES_MIN: usize = 3;

fn check((kind, hits, misses): &Case) {
    let detector = detector(kind).unwrap_or_else(|| panic!("{kind}"));
    let key = DigestKey::from_bytes(b"test");
    let redactor = Redactor::new(vec![(detector, Mask::Redact)], key).unwrap();
    let placeholder = format!("[{}]", kind.to_ascii_uppercase());
    assert!(hits.len() >= EXAMPLES_MIN, "{kind}");
    assert!(misses.len() >= EXAMPLES_MIN, "{kind}");
    for hit in *hits {
        let text = plain(hit).replace(['⟦', '⟧'], "");
        let redacted = redactor.redact(&text);
        assert_eq!(redacted.text, expected(&plain(hit), &placeholder), "{kind}");
        assert!(
            redacted
                .findings
                .iter()
                .all(|finding| finding.entity == *kind)
        );
        // What was masked is not found again.
        let again = redactor.redact(&redacted.text).findings;
        assert!(again.is_empty(), "{kind}: {}", redacted.text);
    }
    for miss in *misses {
        let text = plain(miss);
        let redacted = redactor.redact(&text);
        assert_eq!(redacted.text, text, "{kind}");
        assert!(redacted.findings.is_empty(), "{kind}: {miss}");
    }
}

/// The text without the marks that keep scanners from taking examples for real keys.
fn plain(text: &str) -> String {
    text.replace('¦', "")
}

/// The text with its marked values replaced.
fn expected(text: &str, placeholder: &str) -> String {
    let mut out = String::new();
    for (at, part) in text.split('⟦').enumerate() {
        let rest = match part.split_once('⟧') {
            Some((_, rest)) if at > 0 => {
                out.push_str(placeholder);
                rest
            }
            _ => part,
        };
        out.push_str(rest);
    }
    out
}

#[test]
fn every_kind_has_its_examples() {
    let cases = || pii::CASES.iter().chain(secrets::CASES);
    for kind in PII.iter().chain(SECRETS) {
        assert!(cases().any(|case| case.0 == *kind), "{kind}");
    }
    cases().for_each(check);
}

#[test]
fn names_and_groups_are_known() {
    for (names, category) in [(PII, Category::Pii), (SECRETS, Category::Secret)] {
        for name in names {
            let found = detector(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!((found.name(), found.category()), (*name, category));
        }
    }
    assert_eq!(detectors("pii").unwrap().len(), PII.len());
    assert_eq!(detectors("secrets").unwrap().len(), SECRETS.len());
    assert_eq!(detectors("iban").unwrap().len(), 1);
    assert!(detectors("shoe_size").is_none() && detector("pii").is_none());
}

#[test]
fn all_kinds_load_together_and_hold_little() {
    let rules = [detectors("pii").unwrap(), detectors("secrets").unwrap()].concat();
    let rules = rules.into_iter().map(|rule| (rule, Mask::Redact)).collect();
    let redactor = Redactor::new(rules, DigestKey::from_bytes(b"test")).unwrap();
    assert!(redactor.hold_max() <= 1_100, "{}", redactor.hold_max());
}

#[test]
fn ordinary_texts_hold_nothing() {
    let rules = [detectors("pii").unwrap(), detectors("secrets").unwrap()].concat();
    let rules = rules.into_iter().map(|rule| (rule, Mask::Redact)).collect();
    let redactor = Redactor::new(rules, DigestKey::from_bytes(b"test")).unwrap();
    for text in [
        "On 2024-05-17T10:30:00Z version 1.2.3 of 12 modules (5,000 lines) was released at 10:30:00.",
        "Order 112-7654321-1234567 from 17/05/2024 costs $1,234.56; ISBN 978-3-16-148410-0.",
        "uuid 550e8400-e29b-41d4-a716-446655440000, sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "let token = parser.next_token(); password = get_password(user); api_key: Option<String>",
        "π = 3.14159265358979, c = 299792458 m/s, 6.02214076e23; coordinates 40.7128, -74.0060",
        "Timestamps 1715941800, 1715941800123 and 1700000001; port 8080; room 415; 24/7.",
        "Use std::vector, a::b, foo@2x.png, npm i react@18.2.0, git@github.com:org/repo.git.",
        "| 2019 | 2020 | 2021 |\n| 1200 | 3400 | 5600 |\n| 0.12 | 0.34 | 0.56 |",
        "اتصل بنا في عام 2024 على المنصة، الإصدار 1.2.3",
    ] {
        let redacted = redactor.redact(text);
        assert_eq!(redacted.text, text, "{:?}", redacted.findings);
    }
}
