//! What must stand in every match of a pattern, read from the pattern itself.
//!
//! Keywords alone let common words start a search on every page of honest prose. So the search of
//! a rule waits until all of its clauses are met near each other:
//!
//! 1. A clause is a set of literals one of which stands in every match. The keywords are a clause.
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

/// The commonest words of prose to assistants, with how often they stand in a million bytes.
#[rustfmt::skip]
const COMMON: &[(&str, u16)] = &[
    ("the", 5703), ("to", 2997), ("and", 2563), ("of", 2300), ("in", 1856), ("you", 1467),
    ("is", 1413), ("for", 1354), ("that", 1011), ("with", 796), ("are", 778), ("it", 770),
    ("on", 704), ("this", 653), ("or", 652), ("your", 650), ("as", 602), ("be", 597), ("an", 582),
    ("if", 575), ("not", 527), ("can", 519), ("from", 511), ("time", 502), ("how", 465),
    ("what", 465), ("by", 414), ("user", 392), ("all", 388), ("do", 381), ("have", 363),
    ("my", 360), ("est", 356), ("name", 353), ("com", 340), ("at", 337), ("about", 334),
    ("actual", 321), ("will", 312), ("use", 312), ("access", 311), ("when", 296), ("de", 294),
    ("input", 278), ("list", 271), ("card", 269), ("should", 265), ("id", 264), ("http", 261),
    ("status", 250), ("code", 248), ("any", 243), ("was", 241), ("has", 234), ("write", 231),
    ("no", 227), ("one", 226), ("me", 224), ("but", 219), ("they", 216), ("https", 211),
    ("find", 202), ("model", 198), ("get", 193), ("create", 191), ("new", 189), ("their", 189),
    ("he", 188), ("files", 187), ("first", 185), ("only", 185), ("python", 183), ("more", 182),
    ("search", 181), ("answer", 177), ("each", 176), ("need", 175), ("arrival", 174), ("up", 174),
    ("departure", 173), ("which", 173), ("information", 169), ("using", 167), ("given", 167),
    ("www", 167), ("ufffd", 166), ("file", 162), ("there", 160), ("system", 158), ("like", 157),
    ("landed", 156), ("we", 155), ("example", 154), ("prompt", 154), ("current", 153),
    ("account", 152), ("re", 152), ("number", 152), ("out", 152), ("output", 151),
    ("following", 151), ("would", 151), ("subject", 150), ("other", 150), ("many", 150),
    ("toolformer", 148), ("make", 147), ("address", 147), ("type", 146), ("so", 146),
];

/// Literals one of which must stand in a match, each with whether it must start a word.
pub(super) type Clause = BTreeMap<Vec<u8>, bool>;

/// The clauses that a match of `hir` with one of `keywords` meets, [`CLAUSES_MAX`] at most;
/// `reach`: its longest match in bytes.
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
