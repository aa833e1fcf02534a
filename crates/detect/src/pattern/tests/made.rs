//! Texts made from the patterns themselves: every branch, repeats and class members at random.

use proptest::strategy::{Strategy, ValueTree};
use proptest::string::string_regex_parsed;
use proptest::test_runner::TestRunner;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look};

use super::*;

/// Texts that are made of each pattern.
const TEXTS: usize = 60;

/// How texts are made of what has no text of its own, or too many.
#[derive(Clone, Copy)]
enum Taste {
    /// `\b` as nothing.
    Any,
    /// Classes by their members of ASCII, which normalisation leaves alone.
    Plain,
    /// The same, and `\b` as a blank.
    Spaced,
}

/// `hir` without looks; `^` and `$` as a line break.
fn makeable(hir: &Hir, taste: Taste) -> Hir {
    let all = |parts: &[Hir]| parts.iter().map(|part| makeable(part, taste)).collect();
    match (hir.kind(), taste) {
        (HirKind::Look(Look::Start | Look::End), _) => Hir::literal(*b"\n"),
        (HirKind::Look(_), Taste::Spaced) => Hir::literal(*b" "),
        (HirKind::Look(_), Taste::Any | Taste::Plain) => Hir::empty(),
        (HirKind::Class(Class::Unicode(class)), Taste::Plain | Taste::Spaced) => ascii_of(class),
        (HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_), _) => hir.clone(),
        (HirKind::Capture(capture), _) => makeable(&capture.sub, taste),
        (HirKind::Repetition(repetition), _) => {
            let mut repetition = repetition.clone();
            *repetition.sub = makeable(&repetition.sub, taste);
            Hir::repetition(repetition)
        }
        (HirKind::Concat(parts), _) => Hir::concat(all(parts)),
        (HirKind::Alternation(parts), _) => Hir::alternation(all(parts)),
    }
}

fn ascii_of(class: &ClassUnicode) -> Hir {
    let mut ascii = class.clone();
    ascii.intersect(&ClassUnicode::new([ClassUnicodeRange::new(' ', '~')]));
    let is_empty = ascii.ranges().is_empty();
    let kept = if is_empty { class.clone() } else { ascii };
    Hir::class(Class::Unicode(kept))
}

/// The rules of the core pack, each with its pattern.
fn patterns() -> impl Iterator<Item = (RuleSpec, Hir)> {
    let files = builtin_pack("core").unwrap();
    files.iter().flat_map(|(name, yaml)| {
        let pack = PackSpec::read(name, yaml).unwrap();
        let words = pack.words;
        pack.rules.into_iter().map(move |rule| {
            let hir = compile::parse(&rule.pattern, &words).unwrap();
            (rule, hir)
        })
    })
}

fn texts(hir: &Hir) -> impl Iterator<Item = String> {
    let tastes = [Taste::Any, Taste::Plain, Taste::Spaced];
    let made = tastes.map(|taste| string_regex_parsed(&makeable(hir, taste)).unwrap());
    let mut runner = TestRunner::deterministic();
    (0..TEXTS).map(move |place| {
        let texts = &made[place % made.len()];
        texts.new_tree(&mut runner).unwrap().current()
    })
}

#[test]
fn a_keyword_stands_in_every_text_made_from_a_pattern() {
    for (spec, hir) in patterns() {
        for text in texts(&hir) {
            let is_held = spec.keywords.iter().any(|word| text.contains(&**word));
            assert!(is_held, "{} without keyword: {text}", spec.id);
        }
    }
}

/// As it is, and where `^`, `$` and `\b` hold around it.
#[test]
fn texts_made_from_a_pattern_are_found() {
    let core = core();
    for ((spec, hir), compiled) in patterns().zip(&core.rules) {
        let mut matching = 0;
        for made in texts(&hir) {
            for text in [made.clone(), format!(". {made}\n")] {
                let mut prepared = Prepared::new(&text);
                prepared.views.clear();
                let canonical = &*prepared.normalized.text;
                let mut matches = compiled.regex.find_iter(canonical);
                if matches.any(|m| !compiled.is_excused(canonical, m.start())) {
                    matching += 1;
                    let found = core.scan_prepared(&prepared, role(&spec));
                    let is_found = found.iter().any(|found| *found.rule.id == spec.id);
                    assert!(is_found, "{} misses {text}", spec.id);
                }
            }
        }
        assert!(matching > 0, "{}: no text of {TEXTS} matches", spec.id);
    }
}
