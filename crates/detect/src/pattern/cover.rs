//! The proof that every match of a pattern holds a keyword.
//!
//! A rule is searched only where a keyword stands, so a match without one would be missed in
//! silence. At load the pattern is walked with an automaton of the keywords:
//!
//! 1. A state of the automaton is what a text may end with that a keyword begins with. A part of
//!    the pattern maps states to states; those in which a keyword ends are dropped.
//! 2. A sequence maps by its parts in turn, a choice by the union of its branches, a repeat until
//!    nothing new comes. A class steps by each character that stands in a keyword, and by one that
//!    stands in none: all of those lead to the same state.
//! 3. A state that is left behind the whole pattern is a match without a keyword. How it came
//!    about is kept, so that it can be shown.
//!
//! `\b`, `^` and `$` are taken to hold everywhere, so the proof errs to the safe side only.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::noncontiguous::NFA;
use aho_corasick::{Anchored, MatchKind};
use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

/// Characters that a sample is made of where there is a choice, best first.
const READABLE: &str = "xyzabcdefghijklmnopqrstuvw 0123456789-_.";

/// States without a keyword so far, each with the last step of one way there.
type States = BTreeMap<StateID, usize>;

struct Walk {
    keywords: NFA,
    /// The characters of the keywords.
    alphabet: BTreeSet<char>,
    /// Steps, each with the one before; the first is none.
    steps: Vec<(usize, Vec<u8>)>,
}

/// A match of `hir` in which none of `keywords` stands, if there may be one.
///
/// # Errors
/// If there are too many keywords for an automaton.
pub(super) fn uncovered(hir: &Hir, keywords: &[String]) -> Result<Option<String>, String> {
    let mut walk = Walk::new(keywords)?;
    let start = walk.keywords.start_state(Anchored::No);
    let start = start.map_err(|e| e.to_string())?;
    let left = walk.pass(hir, States::from([(start, 0)]));
    let shortest = left.into_values().map(|last| walk.sample(last));
    Ok(shortest.min_by_key(String::len))
}

// === impl Walk ===

impl Walk {
    fn new(keywords: &[String]) -> Result<Self, String> {
        let automaton = NFA::builder()
            .match_kind(MatchKind::Standard)
            .build(keywords);
        Ok(Self {
            keywords: automaton.map_err(|e| e.to_string())?,
            alphabet: keywords.iter().flat_map(|word| word.chars()).collect(),
            steps: vec![(0, Vec::new())],
        })
    }

    /// The states behind a match of `hir`.
    fn pass(&mut self, hir: &Hir, states: States) -> States {
        if states.is_empty() {
            return states;
        }
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => states,
            HirKind::Literal(literal) => self.step(&states, &[literal.0.to_vec()]),
            HirKind::Class(class) => {
                let members = self.members(class);
                self.step(&states, &members)
            }
            HirKind::Capture(capture) => self.pass(&capture.sub, states),
            HirKind::Repetition(repetition) => self.repeat(repetition, states),
            HirKind::Concat(parts) => parts
                .iter()
                .fold(states, |states, part| self.pass(part, states)),
            HirKind::Alternation(branches) => {
                let mut all = States::new();
                for branch in branches {
                    join(&mut all, self.pass(branch, states.clone()));
                }
                all
            }
        }
    }

    fn repeat(&mut self, repetition: &Repetition, states: States) -> States {
        let mut all = (0..repetition.min).fold(states, |now, _| self.pass(&repetition.sub, now));
        let mut new = all.clone();
        for _ in repetition.min..repetition.max.unwrap_or(u32::MAX) {
            new = self.pass(&repetition.sub, new);
            new.retain(|state, _| !all.contains_key(state));
            if new.is_empty() {
                break;
            }
            join(&mut all, new.clone());
        }
        all
    }

    /// The states after any of `members`, without those in which a keyword ended.
    fn step(&mut self, states: &States, members: &[Vec<u8>]) -> States {
        let mut after = States::new();
        for (&state, &last) in states {
            for member in members {
                if let Some(state) = self.follow(state, member)
                    && !after.contains_key(&state)
                {
                    self.steps.push((last, member.clone()));
                    after.insert(state, self.steps.len() - 1);
                }
            }
        }
        after
    }

    fn follow(&self, state: StateID, bytes: &[u8]) -> Option<StateID> {
        bytes.iter().try_fold(state, |state, &byte| {
            let state = self.keywords.next_state(Anchored::No, state, byte);
            (!self.keywords.is_match(state)).then_some(state)
        })
    }

    /// Members of `class` that stand for all.
    fn members(&self, class: &Class) -> Vec<Vec<u8>> {
        let class = match class {
            Class::Unicode(class) => class,
            Class::Bytes(class) => {
                let bytes = class.iter().flat_map(|range| range.start()..=range.end());
                return bytes.map(|byte| vec![byte]).collect();
            }
        };
        let holds = |c: char| class.iter().any(|r| (r.start()..=r.end()).contains(&c));
        let other = READABLE.chars().filter(|c| holds(*c));
        let any = class.iter().flat_map(|range| range.start()..=range.end());
        let other = other.chain(any).find(|c| !self.alphabet.contains(c));
        let known = self.alphabet.iter().copied().filter(|c| holds(*c));
        other.into_iter().chain(known).map(encode).collect()
    }

    fn sample(&self, last: usize) -> String {
        let mut parts = Vec::new();
        let mut at = last;
        while let Some((before, bytes)) = self.steps.get(at)
            && at != 0
        {
            parts.push(bytes.as_slice());
            at = *before;
        }
        parts.reverse();
        String::from_utf8_lossy(&parts.concat()).into_owned()
    }
}

fn join(all: &mut States, more: States) {
    for (state, last) in more {
        all.entry(state).or_insert(last);
    }
}

fn encode(c: char) -> Vec<u8> {
    c.encode_utf8(&mut [0; 4]).as_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(pattern: &str, keywords: &[&str]) -> Option<String> {
        let hir = regex_syntax::parse(pattern).unwrap();
        let keywords: Vec<String> = keywords.iter().map(|word| (*word).to_owned()).collect();
        uncovered(&hir, &keywords).unwrap()
    }

    #[test]
    fn what_every_match_holds_is_proven() {
        assert_eq!(sample("one two", &["two"]), None);
        assert_eq!(sample("(?:one|two) three", &["one", "two"]), None);
        assert_eq!(sample("polic(?:y|ies)", &["policy", "policies"]), None);
        assert_eq!(sample("(?:ab){2,9}", &["aba"]), None);
        assert_eq!(sample("x{0,9}gr[ae]y", &["gray", "grey"]), None);
        assert_eq!(sample("[^a]{3}(?:é|è)", &["é", "è"]), None);
        // A keyword across parts, and one that begins within another.
        assert_eq!(sample("aa?b[cd]", &["abc", "bd"]), None);
    }

    #[test]
    fn a_match_without_a_keyword_is_shown() {
        let shown = |pattern, keywords| sample(pattern, keywords).unwrap();
        assert_eq!(shown("(?:one|two) three", &["one"]), "two three");
        assert_eq!(shown("one(?: two)?", &["two"]), "one");
        assert_eq!(shown("orders?", &["orders"]), "order");
        assert_eq!(shown("(?:ab){1,9}", &["aba"]), "ab");
        assert_eq!(shown("gr[aeo]y", &["gray", "grey"]), "groy");
        assert_eq!(shown("inst ?[^a-z]", &["inst]"]).trim_end(), "inst");
        assert_eq!(shown("a.b", &["axb"]), "ayb");
    }

    #[test]
    fn an_endless_repeat_ends() {
        assert_eq!(sample("(?s:.)*one(?s:.)*", &["one"]), None);
        assert_eq!(sample("(?:one|[a-z]+)+", &["one"]).as_deref(), Some("x"));
    }
}
