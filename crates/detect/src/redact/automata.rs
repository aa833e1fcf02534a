//! The lazy automata over all forms, and their caches.
//!
//! | | kind | answers |
//! |---|---|---|
//! | `forward` | unanchored, over the sketches, stops at the first end | where does the first value end? |
//! | `reverse` | anchored at the end, over the prefixes of the sketches | what is the leftmost start still in progress? |
//! | `exact` | anchored, one start state per form, over the cores | which ends has a form here, and may it go on? |
//! | `closers` | unanchored, one per closing expression | where does an open tail end? |
//!
//! A state of a lazy automaton dies when its cache is cleared, and caches are shared: no state
//! outlives a call.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::util::pool::{Pool, PoolGuard};
use regex_automata::util::start;
use regex_automata::{Anchored, Input, MatchKind, PatternID};
use regex_syntax::hir::Hir;

use super::DetectorError;
use super::sketch::{prefixes, sketch};

/// Bytes that each lazy automaton may cache, per thread. At a tenth of this, text full of
/// candidates clears the caches all the time, and is scanned many times slower.
pub(super) const CACHE_BYTES_MAX: usize = 16 << 20;

/// Forms that one redactor may have.
pub(super) const FORMS_MAX: usize = 256;

const SET_WORDS: usize = FORMS_MAX / 64;

/// A set of forms.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FormSet([u64; SET_WORDS]);

/// A lazy automaton gave up. None is configured to; whoever meets it lets nothing more pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct GaveUp;

#[derive(Debug)]
pub(super) struct Automata {
    forward: DFA,
    reverse: DFA,
    exact: DFA,
    closers: Vec<DFA>,
    /// By first byte: the forms that can begin with it.
    first: Vec<FormSet>,
}

/// What the automata have built so far, for one thread at a time.
#[derive(Debug)]
pub(super) struct Caches {
    forward: Cache,
    reverse: Cache,
    exact: Cache,
    closers: Vec<Cache>,
}

type NewCaches = Box<dyn Fn() -> Caches + Send + Sync + UnwindSafe + RefUnwindSafe>;

/// Caches that threads take turns with; a thread mostly gets the ones it had before.
pub(super) struct CachePool(Pool<Caches, NewCaches>);

// === impl FormSet ===

impl FormSet {
    fn insert(&mut self, form: usize) {
        if let Some(word) = self.0.get_mut(form / 64) {
            *word |= 1 << (form % 64);
        }
    }

    /// The forms, lowest first.
    pub(super) fn iter(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(at, mut word)| {
            std::iter::from_fn(move || {
                let bit = word.trailing_zeros();
                word &= word.wrapping_sub(1);
                (bit < 64).then_some(at * 64 + bit as usize)
            })
        })
    }
}

// === impl Automata ===

impl Automata {
    /// Builds the automata of `cores` (one per form) and `closers`.
    pub(super) fn new(
        cores: &[Hir],
        closers: &[Hir],
        cache_bytes: usize,
    ) -> Result<Self, DetectorError> {
        let sketches: Vec<Hir> = cores.iter().map(sketch).collect();
        let starts = sketches.iter().map(prefixes).collect();
        let closers = closers.iter().map(|closer| {
            let nfa = nfa(std::slice::from_ref(closer), false)?;
            dfa(nfa, MatchKind::LeftmostFirst, cache_bytes)
        });
        let mut automata = Self {
            forward: dfa(
                nfa(&[Hir::alternation(sketches)], false)?,
                MatchKind::LeftmostFirst,
                cache_bytes,
            )?,
            reverse: dfa(
                nfa(&[Hir::alternation(starts)], true)?,
                MatchKind::All,
                cache_bytes,
            )?,
            exact: dfa(nfa(cores, false)?, MatchKind::All, cache_bytes)?,
            closers: closers.collect::<Result<_, _>>()?,
            first: Vec::new(),
        };
        automata.first = automata.first_bytes(cores.len())?;
        Ok(automata)
    }

    fn first_bytes(&self, forms: usize) -> Result<Vec<FormSet>, DetectorError> {
        let mut cache = self.exact.create_cache();
        let mut first = vec![FormSet::default(); 256];
        for form in 0..forms {
            for (byte, set) in (0..=u8::MAX).zip(&mut first) {
                let next = self
                    .start(&mut cache, form)
                    .and_then(|state| Ok(self.exact.next_state(&mut cache, state, byte)?))
                    .map_err(|_| DetectorError::Automaton("an automaton gave up".into()))?;
                if !next.is_dead() {
                    set.insert(form);
                }
            }
        }
        Ok(first)
    }

    /// Where in `text[from..]` the first value, or what looks like one, ends.
    pub(super) fn first_end(
        &self,
        caches: &mut Caches,
        text: &str,
        from: usize,
    ) -> Result<Option<usize>, GaveUp> {
        let input = Input::new(text).span(from..text.len()).earliest(true);
        let end = self.forward.try_search_fwd(&mut caches.forward, &input)?;
        Ok(end.map(|end| end.offset()))
    }

    /// The leftmost start in `text[from..to]` from which the text up to `to` may still become a
    /// value, or `to`.
    pub(super) fn leftmost(
        &self,
        caches: &mut Caches,
        text: &str,
        (from, to): (usize, usize),
    ) -> Result<usize, GaveUp> {
        let input = Input::new(text).span(from..to).anchored(Anchored::Yes);
        let start = self.reverse.try_search_rev(&mut caches.reverse, &input)?;
        Ok(start.map_or(to, |start| start.offset()))
    }

    /// The forms that a value beginning with `byte` can have.
    pub(super) fn starting_with(&self, byte: u8) -> FormSet {
        self.first
            .get(usize::from(byte))
            .copied()
            .unwrap_or_default()
    }

    /// Collects the ends of `form` from `at`, shortest first (only the first one if `head`), and
    /// tells whether the form may still go on behind the text.
    pub(super) fn ends(
        &self,
        caches: &mut Caches,
        (form, head): (usize, bool),
        (text, at): (&str, usize),
        ends: &mut Vec<usize>,
    ) -> Result<bool, GaveUp> {
        let cache = &mut caches.exact;
        let mut state = self.start(cache, form)?;
        for (end, &byte) in text.as_bytes().iter().enumerate().skip(at) {
            state = self.exact.next_state(cache, state, byte)?;
            if !state.is_tagged() {
                continue;
            }
            // A match is reported one byte late: it ended before this byte.
            if state.is_match() {
                ends.push(end);
                if head {
                    return Ok(false);
                }
            } else if state.is_dead() {
                return Ok(false);
            } else if state.is_quit() {
                return Err(GaveUp);
            }
        }
        // A match just reported says nothing about what may follow; elsewhere dead states tell.
        let reported = state.is_match();
        let clears = cache.clear_count();
        let ends_here = self.exact.next_eoi_state(cache, state)?.is_match();
        if ends_here {
            ends.push(text.len());
        }
        if head && ends_here {
            return Ok(false);
        }
        Ok(!reported || cache.clear_count() != clears || self.goes_on(cache, state)?)
    }

    /// Whether any byte leads on from `state`. (If the cache is cleared on the way, `state` is
    /// gone, and the answer is that it may.)
    fn goes_on(&self, cache: &mut Cache, state: LazyStateID) -> Result<bool, GaveUp> {
        let clears = cache.clear_count();
        for unit in self.exact.byte_classes().representatives(0..=u8::MAX) {
            let Some(byte) = unit.as_u8() else { continue };
            let next = self.exact.next_state(cache, state, byte)?;
            if !next.is_dead() || cache.clear_count() != clears {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Where in `text[from..]` the first match of a closing expression ends.
    pub(super) fn close(
        &self,
        caches: &mut Caches,
        closer: usize,
        (text, from): (&str, usize),
    ) -> Result<Option<usize>, GaveUp> {
        let dfa = self.closers.get(closer).ok_or(GaveUp)?;
        let cache = caches.closers.get_mut(closer).ok_or(GaveUp)?;
        let input = Input::new(text).span(from..text.len()).earliest(true);
        Ok(dfa.try_search_fwd(cache, &input)?.map(|end| end.offset()))
    }

    fn start(&self, cache: &mut Cache, form: usize) -> Result<LazyStateID, GaveUp> {
        let form = PatternID::new(form).map_err(|_| GaveUp)?;
        let config = start::Config::new().anchored(Anchored::Pattern(form));
        self.exact.start_state(cache, &config).map_err(|_| GaveUp)
    }

    fn caches(&self) -> Caches {
        Caches {
            forward: self.forward.create_cache(),
            reverse: self.reverse.create_cache(),
            exact: self.exact.create_cache(),
            closers: self.closers.iter().map(DFA::create_cache).collect(),
        }
    }
}

fn nfa(patterns: &[Hir], reverse: bool) -> Result<NFA, DetectorError> {
    let config = thompson::Config::new()
        .utf8(false)
        .reverse(reverse)
        .which_captures(WhichCaptures::None);
    thompson::Compiler::new()
        .configure(config)
        .build_many_from_hir(patterns)
        .map_err(|error| DetectorError::Automaton(error.to_string()))
}

fn dfa(nfa: NFA, kind: MatchKind, cache_bytes: usize) -> Result<DFA, DetectorError> {
    let config = DFA::config()
        .match_kind(kind)
        .starts_for_each_pattern(true)
        .cache_capacity(cache_bytes)
        .skip_cache_capacity_check(true);
    DFA::builder()
        .configure(config)
        .build_from_nfa(nfa)
        .map_err(|error| DetectorError::Automaton(error.to_string()))
}

// === impl CachePool ===

impl CachePool {
    pub(super) fn new(automata: &Arc<Automata>) -> Self {
        let automata = Arc::clone(automata);
        let create: NewCaches = Box::new(move || automata.caches());
        Self(Pool::new(create))
    }

    pub(super) fn get(&self) -> PoolGuard<'_, Caches, NewCaches> {
        self.0.get()
    }
}

impl std::fmt::Debug for CachePool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CachePool(…)")
    }
}

// === impl GaveUp ===

impl From<regex_automata::MatchError> for GaveUp {
    fn from(_: regex_automata::MatchError) -> Self {
        Self
    }
}

impl From<regex_automata::hybrid::CacheError> for GaveUp {
    fn from(_: regex_automata::hybrid::CacheError) -> Self {
        Self
    }
}
