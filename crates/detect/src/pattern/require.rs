//! What must stand in every match of a pattern, read from the pattern itself.
//!
//! Keywords alone let common words start a search on every page of honest prose. So the search of
//! a rule waits until all of its clauses are met near each other:
//!
//! 1. A clause is a set of literals one of which stands in every match. The keywords are a clause,
//!    for that was proven before.
//! 2. A sequence yields, at each of its places, the literals that the rest may begin with, and the
//!    clauses of its parts; a choice yields the union of the best clauses of its branches.
//! 3. A literal that only stands at the start of a word is marked so ([`Clause`]).
//! 4. The few clauses are kept that are rarest by a guess: their letters, and common words.
//!
//! **Not derived:** the order of the clauses and their distance; the pattern checks those.

use std::collections::BTreeMap;

use regex_syntax::hir::literal::Extractor;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// Clauses of a rule, its keywords among them.
pub(super) const CLAUSES_MAX: usize = 4;
/// Literals of a derived clause.
const LITERALS_MAX: usize = 96;
/// The shortest literal of a derived clause, in bytes.
const LITERAL_BYTES_MIN: usize = 2;
/// Parts of a sequence after a place that its literals may reach into.
const PARTS_AHEAD: usize = 4;
/// Clauses that a choice passes on.
const BRANCH_CLAUSES_MAX: usize = 2;
/// A clause is no help that is met within the reach of most matches, by the guess.
const SHARE_MAX: f64 = 0.6;
/// No more clauses are added once the pattern is searched as seldom, per byte by the guess.
const RATE_MIN: f64 = 2e-6;

/// Words that are common in most English prose, and some of other languages and of requests to
/// assistants, with a rough guess at how often they stand in a million bytes. The guesses are
/// rounded and by general knowledge, counted on no corpus; only speed depends on them.
#[rustfmt::skip]
const COMMON: &[(&str, u16)] = &[
    ("the", 10000), ("of", 5000), ("and", 4500), ("to", 4300), ("in", 3200), ("that", 1800),
    ("is", 1700), ("it", 1700), ("for", 1500), ("was", 1500), ("you", 1200), ("on", 1100),
    ("be", 1100), ("with", 1100), ("as", 1100), ("he", 1000), ("by", 850), ("at", 800),
    ("are", 800), ("this", 800), ("not", 800), ("but", 750), ("have", 750), ("from", 700),
    ("they", 700), ("or", 700), ("his", 700), ("an", 600), ("which", 600), ("had", 600),
    ("we", 600), ("she", 550), ("her", 500), ("were", 500), ("there", 450), ("one", 450),
    ("all", 450), ("if", 450), ("can", 450), ("has", 450), ("what", 450), ("will", 450),
    ("do", 450), ("would", 400), ("their", 400), ("your", 400), ("my", 400), ("when", 350),
    ("no", 350), ("who", 350), ("so", 350), ("more", 350), ("out", 300), ("up", 300),
    ("about", 300), ("me", 300), ("how", 300), ("them", 250), ("than", 250), ("into", 250),
    ("only", 250), ("other", 250), ("some", 250), ("time", 250), ("could", 250), ("new", 250),
    ("like", 250), ("use", 250), ("any", 200), ("these", 200), ("then", 200), ("first", 200),
    ("now", 200), ("make", 200), ("get", 200), ("just", 200), ("over", 200), ("after", 200),
    ("de", 200), ("please", 150), ("write", 150), ("need", 150), ("give", 150), ("also", 150),
    ("know", 150), ("see", 150), ("where", 150), ("should", 150), ("our", 150), ("may", 150),
    ("each", 150), ("la", 150), ("en", 120), ("que", 120), ("following", 100), ("example", 100),
    ("text", 100), ("information", 100), ("name", 100), ("code", 100), ("data", 100),
    ("answer", 100), ("question", 100), ("list", 100), ("system", 100), ("user", 100),
    ("word", 100), ("line", 100), ("number", 100), ("before", 100), ("same", 100), ("file", 100),
    ("el", 100), ("given", 80), ("order", 80), ("model", 80), ("die", 80), ("message", 70),
    ("rule", 60), ("prompt", 60), ("http", 60), ("com", 60), ("les", 60), ("der", 60), ("und", 60),
    ("est", 60), ("instruction", 50), ("https", 50), ("www", 40), ("para", 40),
];

/// Literals one of which must stand in a match, each with whether it must start a word.
pub(super) type Clause = BTreeMap<Vec<u8>, bool>;

/// The clauses that every match of `hir` meets, [`CLAUSES_MAX`] at most and one at least; one of
/// `keywords` must stand in every match. `reach`: the longest match in bytes.
pub(super) fn clauses(hir: &Hir, keywords: &[String], reach: usize) -> Vec<Clause> {
    let literals = keywords
        .iter()
        .map(|word| (word.clone().into_bytes(), false));
    let keywords: Clause = literals.collect();
    let reach = u32::try_from(reach).map_or(f64::INFINITY, f64::from);
    let mut rate = cost(&keywords);
    let mut chosen: Vec<Clause> = Vec::new();
    let mut derived = derive(hir, false);
    derived.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
    for clause in derived {
        let share = (cost(&clause) * reach).min(1.0);
        let is_known = implies(&keywords, &clause) || chosen.iter().any(|c| implies(c, &clause));
        let is_enough = rate <= RATE_MIN || chosen.len() + 1 == CLAUSES_MAX;
        if !is_known && !is_enough && share <= SHARE_MAX {
            rate *= share;
            chosen.push(clause);
        }
    }
    if !chosen.iter().any(|clause| implies(clause, &keywords)) {
        chosen.push(keywords);
    }
    chosen
}

/// The clauses of `hir`; `at_start`: whether it stands where a word may only start.
fn derive(hir: &Hir, at_start: bool) -> Vec<Clause> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Vec::new(),
        HirKind::Literal(_) | HirKind::Class(_) => prefixes(hir, at_start).into_iter().collect(),
        HirKind::Capture(capture) => derive(&capture.sub, at_start),
        HirKind::Repetition(repetition) if repetition.min == 0 => Vec::new(),
        HirKind::Repetition(repetition) => derive(&repetition.sub, at_start),
        HirKind::Concat(parts) => sequence(parts, at_start),
        HirKind::Alternation(branches) => choice(branches, at_start),
    }
}

fn sequence(parts: &[Hir], at_start: bool) -> Vec<Clause> {
    let mut found = Vec::new();
    let mut at_start = at_start;
    for (place, part) in parts.iter().enumerate() {
        let rest: Vec<Hir> = parts
            .iter()
            .skip(place)
            .take(PARTS_AHEAD)
            .cloned()
            .collect();
        found.extend(prefixes(&Hir::concat(rest), at_start));
        if !matches!(part.kind(), HirKind::Literal(_) | HirKind::Class(_)) {
            found.extend(derive(part, at_start));
        }
        at_start = leaves_start(part, at_start);
    }
    found
}

fn choice(branches: &[Hir], at_start: bool) -> Vec<Clause> {
    let mut unions = vec![Clause::new(); BRANCH_CLAUSES_MAX];
    for branch in branches {
        let mut clauses = derive(branch, at_start);
        clauses.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
        unions.truncate(clauses.len());
        for (union, clause) in unions.iter_mut().zip(clauses) {
            for (literal, word_start) in clause {
                let both = union.entry(literal).or_insert(word_start);
                *both &= word_start;
            }
        }
    }
    unions.retain(is_useful);
    unions
}

/// The literals that a match of `hir` begins with, if they are few and long enough.
fn prefixes(hir: &Hir, at_start: bool) -> Option<Clause> {
    let mut extractor = Extractor::new();
    extractor.limit_total(LITERALS_MAX).limit_literal_len(16);
    let sequence = extractor.extract(hir);
    let clause: Clause = sequence
        .literals()?
        .iter()
        .map(|literal| {
            let bytes = literal.as_bytes();
            let word_start = at_start && bytes.first().copied().is_some_and(is_word);
            (bytes.to_vec(), word_start)
        })
        .collect();
    is_useful(&clause).then_some(clause)
}

fn is_useful(clause: &Clause) -> bool {
    let is_long = |literal: &Vec<u8>| literal.len() >= LITERAL_BYTES_MIN;
    !clause.is_empty() && clause.len() <= LITERALS_MAX && clause.keys().all(is_long)
}

/// A guess at how often `clause` is met, per byte of text.
fn cost(clause: &Clause) -> f64 {
    let literal = |(literal, word_start): (&Vec<u8>, &bool)| {
        let letters: f64 = literal
            .iter()
            .take(8)
            .map(|byte| frequency(*byte))
            .product();
        let letters = if *word_start { letters * 0.3 } else { letters };
        letters + common(literal, *word_start)
    };
    clause.iter().map(literal).sum()
}

/// How often `literal` is met in the commonest words, per byte of text.
fn common(literal: &[u8], word_start: bool) -> f64 {
    let is_in = |word: &[u8]| match word_start {
        true => word.starts_with(literal),
        false => word.windows(literal.len()).any(|window| window == literal),
    };
    let words = COMMON.iter().filter(|(word, _)| is_in(word.as_bytes()));
    words.map(|(_, count)| f64::from(*count) * 1e-6).sum()
}

/// A guess at how often `byte` follows what stands before it in prose.
const fn frequency(byte: u8) -> f64 {
    match byte {
        b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' | b'h' => 0.16,
        b'j' | b'k' | b'q' | b'x' | b'z' | b'0'..=b'9' => 0.04,
        b'a'..=b'z' | b' ' => 0.1,
        0x80.. => 0.3,
        _ => 0.02,
    }
}

/// Whether every text that meets `clause` meets `other` too.
fn implies(clause: &Clause, other: &Clause) -> bool {
    clause.iter().all(|(literal, word_start)| {
        other.iter().any(|(part, part_start)| match part_start {
            true => *word_start && literal.starts_with(part),
            false => literal.windows(part.len()).any(|window| window == part),
        })
    })
}

/// Whether a word character right behind a match of `hir` starts a word; `at_start`: whether one
/// at the place where the match begins does.
fn leaves_start(hir: &Hir, at_start: bool) -> bool {
    match hir.kind() {
        HirKind::Empty => at_start,
        HirKind::Look(look) => at_start || matches!(look, Look::Start | Look::WordAscii),
        HirKind::Literal(literal) => !literal.0.last().copied().is_some_and(is_word),
        HirKind::Class(class) => !holds_word(class),
        HirKind::Capture(capture) => leaves_start(&capture.sub, at_start),
        HirKind::Repetition(repetition) => {
            let kept = at_start && leaves_start(&repetition.sub, true);
            kept || (repetition.min > 0 && leaves_start(&repetition.sub, false))
        }
        HirKind::Concat(parts) => parts
            .iter()
            .fold(at_start, |at_start, part| leaves_start(part, at_start)),
        HirKind::Alternation(branches) => {
            branches.iter().all(|branch| leaves_start(branch, at_start))
        }
    }
}

fn holds_word(class: &Class) -> bool {
    match class {
        Class::Unicode(class) => class.iter().any(|range| {
            (range.start()..=range.end())
                .take(128)
                .any(|c| c.is_ascii() && is_word(c as u8))
        }),
        Class::Bytes(class) => class
            .iter()
            .any(|range| (range.start()..=range.end()).any(is_word)),
    }
}

/// Whether `\w` matches `byte`, as `\b` sees it.
pub(super) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
