//! Every way of cutting gives the whole-text result, and that is the reference's.

use std::sync::Arc;

use aegis_core::Category;

use super::super::{Detector, Form, Left, Mask, Redactor, Right};
use super::reference::Reference;
use super::texts::{Dice, text, toy_text};
use super::{key, redactor, streamed};
use crate::entity::{PII, SECRETS, detector};

/// Random ways of cutting that each text is cut.
const MULTI_CUTS: usize = 12;

fn all(mask: impl Fn(&str) -> Mask) -> Vec<(Detector, Mask)> {
    let names = PII.iter().chain(SECRETS).copied();
    // The forms of most keys are alike; a few stand for all.
    let tested = names.filter(|name| {
        !matches!(detector(name), Some(found) if found.priority == 90) || *name == "openai_key"
    });
    tested
        .map(|name| (detector(name).unwrap(), mask(name)))
        .collect()
}

/// Whole equals reference; every cutting equals whole; what is released stays.
fn check(redactor: &Arc<Redactor>, reference: &Reference, (seed, text): (u64, &str)) -> bool {
    let whole = redactor.redact(text);
    let expected = reference.redact(text);
    assert_eq!(whole.text, expected.0, "seed {seed}: {text:?}");
    assert_eq!(whole.findings, expected.1, "seed {seed}: {text:?}");
    assert_eq!(whole.blocked, expected.2, "seed {seed}: {text:?}");
    let same = |pieces: &[&str]| {
        let (out, findings, stream) = streamed(redactor, pieces.iter().copied());
        assert_eq!(out, whole.text, "seed {seed}: {pieces:?}");
        assert_eq!(findings, whole.findings, "seed {seed}: {pieces:?}");
        assert_eq!(stream.blocked(), whole.blocked, "seed {seed}: {pieces:?}");
    };
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    for &cut in &places {
        same(&[&text[..cut], &text[cut..]]);
    }
    let mut buffer = [0; 4];
    let singles: Vec<String> = text
        .chars()
        .map(|c| c.encode_utf8(&mut buffer).to_owned())
        .collect();
    same(&singles.iter().map(String::as_str).collect::<Vec<_>>());
    let mut dice = Dice::new(seed + 1);
    for _ in 0..MULTI_CUTS {
        let sides = 1 + dice.roll(12);
        let cuts = places.iter().copied().filter(|_| dice.roll(sides) == 0);
        let bounds: Vec<usize> = cuts.chain([text.len()]).collect();
        let mut from = 0;
        let pieces = bounds
            .iter()
            .map(|&to| &text[std::mem::replace(&mut from, to)..to]);
        same(&pieces.collect::<Vec<_>>());
    }
    !whole.findings.is_empty()
}

fn check_all(
    rules: Vec<(Detector, Mask)>,
    cache_bytes: Option<usize>,
    seeds: std::ops::Range<u64>,
) {
    let reference = Reference::new(&rules, key());
    let redactor = match cache_bytes {
        Some(bytes) => Arc::new(Redactor::with_cache(rules, key(), bytes).unwrap()),
        None => redactor(rules),
    };
    let count = seeds.clone().count();
    let hits = seeds
        .filter(|&seed| check(&redactor, &reference, (seed, &text(seed))))
        .count();
    assert!(
        hits * 2 > count,
        "only {hits} of {count} texts hold a value"
    );
}

/// Detectors that use everything a form can have, on an alphabet of four characters.
fn toys(dice: &mut Dice) -> Vec<(Detector, Mask)> {
    let forms = [
        Form::new("a[ab]{0,3}b"),
        Form::new("a{1,2} ?b{1,3}1")
            .left(Left::Any)
            .lead(|text| text.find('b').unwrap_or(0)),
        Form::new("1a")
            .left(Left::Any)
            .run(|c| c == 'a' || c == '1', "b"),
        Form::new("ba1").left(Left::Any).until("1b{1,2}1"),
        Form::new("b{2,3}").left(Left::Any).right(Right::Only('1')),
        Form::new("[ab1 ]{4,9}")
            .left(Left::Any)
            .right(Right::Any)
            .accept(|text| text.len() % 2 == 0),
        Form::new("(?:a1?){2,9}b")
            .left(Left::Number)
            .right(Right::Group),
        Form::new(r"\b1{40,60}\b"),
        Form::new("é[ab1]{1,12} b")
            .right(Right::Any)
            .left(Left::Any),
    ];
    let names = ["t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8"];
    let rules = names.into_iter().zip(forms).filter_map(|(name, form)| {
        let priority = u8::try_from(dice.roll(4)).unwrap();
        let mask = match dice.roll(9) {
            0..=2 => Mask::Redact,
            3 | 4 => Mask::Mask {
                keep_last: dice.roll(4),
            },
            5 => Mask::Hash,
            6 => Mask::Flag,
            7 if dice.roll(3) == 0 => Mask::Block,
            _ => return None,
        };
        Some((
            Detector::new(name, Category::Pii, priority).form(form),
            mask,
        ))
    });
    rules.collect()
}

#[test]
fn toy_values_that_overlap_all_the_time() {
    for set in 0..60 {
        let rules = toys(&mut Dice::new(set));
        let reference = Reference::new(&rules, key());
        let redactor = redactor(rules);
        for seed in 0..30 {
            check(&redactor, &reference, (seed, &toy_text(set * 1_000 + seed)));
        }
    }
}

#[test]
fn each_kind_alone() {
    // Together, one kind's prefixes hide another's: nearly everything may become an e-mail.
    for (rule, seeds) in all(|_| Mask::Redact)
        .into_iter()
        .zip((6_000..).step_by(100))
    {
        let reference = Reference::new(std::slice::from_ref(&rule), key());
        let redactor = redactor(vec![rule]);
        for seed in seeds..seeds + 30 {
            check(&redactor, &reference, (seed, &text(seed)));
        }
    }
}

#[test]
fn redacted_values() {
    check_all(all(|_| Mask::Redact), None, 0..250);
}

#[test]
fn masked_values() {
    check_all(all(|_| Mask::Mask { keep_last: 4 }), None, 1_000..1_120);
}

#[test]
fn hashed_values() {
    check_all(all(|_| Mask::Hash), None, 2_000..2_120);
}

#[test]
fn all_actions_together() {
    let mask = |name: &str| match name {
        "email" | "jwt" => Mask::Hash,
        "phone" => Mask::Mask { keep_last: 2 },
        "card" | "password" | "openai_key" => Mask::Mask { keep_last: 4 },
        "ip" | "nhs" | "generic_secret" => Mask::Flag,
        "iban" | "private_key" => Mask::Block,
        _ => Mask::Redact,
    };
    check_all(all(mask), None, 3_000..3_200);
}

#[test]
fn flagged_values_change_nothing() {
    check_all(all(|_| Mask::Flag), None, 4_000..4_060);
}

#[test]
fn caches_that_are_cleared_all_the_time() {
    check_all(all(|_| Mask::Redact), Some(1), 5_000..5_040);
}
