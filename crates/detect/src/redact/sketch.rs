//! From a detector's expression to the three languages the automata are built of.
//!
//! 1. The *core* is exact: it decides. It holds no look-around and has a longest match.
//! 2. The *sketch* is larger: counted repeats lose their limits, so that its automaton is small.
//! 3. The *prefixes* of the sketch are every text that may still become a value.
//!
//! The sketch may say yes too often and never no wrongly; what it lets through, the core decides.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind, Look, Repetition};

use super::DetectorError;

/// Counted repeats up to this maximum stay as they are in the sketch.
const REPEAT_KEPT_MAX: u32 = 4;

/// The least number of repeats that the sketch of a longer one still demands.
const REPEAT_MIN_MAX: u32 = 2;

/// A checked core expression.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) hir: Hir,
    /// The longest match, in bytes.
    pub(super) len_max: usize,
    /// A `\b` stood in front.
    pub(super) left_word: bool,
    /// A `\b` stood at the end.
    pub(super) right_word: bool,
}

impl Core {
    /// Parses and checks `pattern`.
    pub(super) fn parse(pattern: &str) -> Result<Self, DetectorError> {
        let hir = ParserBuilder::new()
            .build()
            .parse(pattern)
            .map_err(|error| DetectorError::Syntax(error.to_string()))?;
        let (hir, left_word, right_word) = strip_boundaries(hir);
        let properties = hir.properties();
        if !properties.look_set().is_empty() {
            return Err(DetectorError::LookAround);
        }
        if properties.minimum_len().unwrap_or(0) == 0 {
            return Err(DetectorError::Empty);
        }
        let len_max = properties.maximum_len().ok_or(DetectorError::Unbounded)?;
        Ok(Self {
            hir,
            len_max,
            left_word,
            right_word,
        })
    }
}

/// Takes a `\b` off either end.
fn strip_boundaries(hir: Hir) -> (Hir, bool, bool) {
    let HirKind::Concat(parts) = hir.kind() else {
        return (hir, false, false);
    };
    let left = parts.first().is_some_and(is_boundary);
    let right = parts.last().is_some_and(is_boundary);
    if !left && !right {
        return (hir, false, false);
    }
    let kept = parts.len() - usize::from(left) - usize::from(right);
    let parts = parts.iter().skip(usize::from(left)).take(kept);
    (Hir::concat(parts.cloned().collect()), left, right)
}

fn is_boundary(hir: &Hir) -> bool {
    matches!(
        hir.kind(),
        HirKind::Look(Look::WordAscii | Look::WordUnicode)
    )
}

/// The language of `hir`, enlarged so that its automaton is small.
pub(super) fn sketch(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => hir.clone(),
        HirKind::Capture(group) => sketch(&group.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(sketch).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(sketch).collect()),
        HirKind::Repetition(repeat) => {
            let (min, max) = match repeat.max {
                Some(max) if max <= REPEAT_KEPT_MAX => (repeat.min, Some(max)),
                Some(_) | None => (repeat.min.min(REPEAT_MIN_MAX), None),
            };
            Hir::repetition(Repetition {
                min,
                max,
                greedy: repeat.greedy,
                sub: Box::new(sketch(&repeat.sub)),
            })
        }
    }
}

/// Every prefix of every word of `hir`, the empty one and whole words included.
pub(super) fn prefixes(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Hir::empty(),
        HirKind::Class(_) => optional(hir.clone()),
        HirKind::Capture(group) => prefixes(&group.sub),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(prefixes).collect()),
        HirKind::Literal(literal) => literal.0.iter().rev().fold(Hir::empty(), |rest, &byte| {
            optional(Hir::concat(vec![Hir::literal([byte]), rest]))
        }),
        HirKind::Concat(parts) => parts.iter().rev().fold(Hir::empty(), |rest, part| {
            let through = Hir::concat(vec![part.clone(), rest]);
            Hir::alternation(vec![prefixes(part), through])
        }),
        HirKind::Repetition(repeat) => {
            if repeat.max == Some(0) {
                return Hir::empty();
            }
            let whole = Hir::repetition(Repetition {
                min: 0,
                max: repeat.max.map(|max| max - 1),
                greedy: repeat.greedy,
                sub: repeat.sub.clone(),
            });
            Hir::concat(vec![whole, prefixes(&repeat.sub)])
        }
    }
}

fn optional(hir: Hir) -> Hir {
    Hir::repetition(Repetition {
        min: 0,
        max: Some(1),
        greedy: true,
        sub: Box::new(hir),
    })
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "a slip fails the test")]
mod tests {
    use regex_automata::meta::Regex;

    use super::*;

    /// Whether all of `text` is in the language.
    fn is_word(hir: &Hir, text: &str) -> bool {
        let whole = Hir::concat(vec![
            Hir::look(Look::Start),
            hir.clone(),
            Hir::look(Look::End),
        ]);
        Regex::builder()
            .build_from_hir(&whole)
            .unwrap()
            .is_match(text)
    }

    const CORES: &[(&str, &[&str])] = &[
        ("abc", &["abc"]),
        ("(?:ab|cd)e{2,3}", &["abee", "cdeee"]),
        ("x[0-9]{6,9}y", &["x123456y", "x123456789y"]),
        ("(?:a-?){3,12}é?", &["aaa", "a-a-a-é", "aaaaaaaaaaaa"]),
        ("k(?:[a-z]{1,8}\\.){1,6}z", &["ka.z", "kabc.de.z"]),
    ];

    #[test]
    fn every_prefix_of_every_word_is_a_prefix() {
        for (core, words) in CORES {
            let hir = Core::parse(core).unwrap().hir;
            let (sketch, prefixes) = (sketch(&hir), prefixes(&sketch(&hir)));
            for word in *words {
                assert!(
                    is_word(&hir, word) && is_word(&sketch, word),
                    "{core} {word}"
                );
                for (end, _) in word.char_indices().chain([(word.len(), ' ')]) {
                    assert!(is_word(&prefixes, &word[..end]), "{core} {}", &word[..end]);
                }
            }
            assert!(!is_word(&prefixes, "q"), "{core}");
        }
    }

    #[test]
    fn boundaries_become_guards_and_other_look_around_is_refused() {
        let core = Core::parse(r"\bab{1,2}\b").unwrap();
        assert!(core.left_word && core.right_word);
        assert_eq!(core.len_max, 3);
        assert!(matches!(
            Core::parse(r"^ab"),
            Err(DetectorError::LookAround)
        ));
        assert!(matches!(
            Core::parse(r"a\bb"),
            Err(DetectorError::LookAround)
        ));
        assert!(matches!(
            Core::parse(r"(?m)ab$"),
            Err(DetectorError::LookAround)
        ));
    }

    #[test]
    fn a_core_must_be_bounded_and_not_empty() {
        assert!(matches!(Core::parse("ab+"), Err(DetectorError::Unbounded)));
        assert!(matches!(Core::parse("a?"), Err(DetectorError::Empty)));
        assert!(matches!(Core::parse("a("), Err(DetectorError::Syntax(_))));
        assert_eq!(Core::parse("[^)]{1,200}").unwrap().len_max, 800);
    }
}
