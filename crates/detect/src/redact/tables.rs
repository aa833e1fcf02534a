//! The rules of a redactor, compiled: immutable, shared by all its streams.

use std::sync::Arc;

use aegis_core::{Category, DigestKey};
use regex_syntax::hir::Hir;

use super::automata::{Automata, CachePool, FORMS_MAX};
use super::detector::{Canon, Detector, Form, Left, Right, Tail};
use super::sketch::Core;
use super::{DetectorError, Mask, RedactError};

/// Bytes behind a value that a guard may have to see: two characters.
const GUARD_LEN: usize = 8;

#[derive(Debug)]
pub(super) struct Tables {
    pub(super) rules: Vec<Rule>,
    pub(super) forms: Vec<CompiledForm>,
    pub(super) automata: Arc<Automata>,
    pub(super) pool: CachePool,
    pub(super) key: DigestKey,
    pub(super) hold_max: usize,
}

/// A detector and what the policy does with its values.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) category: Category,
    pub(super) priority: u8,
    pub(super) canon: Canon,
    pub(super) mask: Mask,
}

#[derive(Debug)]
pub(super) struct CompiledForm {
    /// Index of its rule.
    pub(super) rule: usize,
    pub(super) left: Left,
    pub(super) right: Right,
    pub(super) accept: Option<fn(&str) -> bool>,
    pub(super) lead: Option<fn(&str) -> usize>,
    pub(super) tail: Option<CompiledTail>,
    pub(super) len_max: usize,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum CompiledTail {
    Run {
        class: fn(char) -> bool,
        glue: &'static str,
    },
    Until {
        /// Index among the closing expressions.
        closer: usize,
        /// The longest closing match, in bytes.
        len_max: usize,
    },
}

/// What is collected of the forms before the automata are built.
#[derive(Default)]
struct Draft {
    rules: Vec<Rule>,
    forms: Vec<CompiledForm>,
    cores: Vec<Hir>,
    closers: Vec<Hir>,
}

// === impl Tables ===

impl Tables {
    /// Compiles `rules`; `None` if they hold no form.
    pub(super) fn new(
        rules: Vec<(Detector, Mask)>,
        key: DigestKey,
        cache_bytes: usize,
    ) -> Result<Option<Self>, RedactError> {
        let mut draft = Draft::default();
        for (detector, mask) in rules {
            let name = detector.name;
            let wrong = |source| RedactError::Detector { name, source };
            draft.add(detector, mask).map_err(wrong)?;
        }
        if draft.forms.is_empty() {
            return Ok(None);
        }
        if draft.forms.len() > FORMS_MAX {
            return Err(RedactError::TooManyForms);
        }
        let automata = Automata::new(&draft.cores, &draft.closers, cache_bytes)
            .map_err(RedactError::Automata)?;
        let automata = Arc::new(automata);
        Ok(Some(Self {
            hold_max: draft.hold_max(),
            rules: draft.rules,
            forms: draft.forms,
            pool: CachePool::new(&automata),
            automata,
            key,
        }))
    }

    /// The form with this index, and its rule.
    pub(super) fn form(&self, form: usize) -> Option<(&CompiledForm, &Rule)> {
        let form = self.forms.get(form)?;
        Some((form, self.rules.get(form.rule)?))
    }
}

// === impl Draft ===

impl Draft {
    fn add(&mut self, detector: Detector, mask: Mask) -> Result<(), DetectorError> {
        let rule = self.rules.len();
        for form in detector.forms {
            self.add_form(rule, form)?;
        }
        self.rules.push(Rule {
            name: detector.name,
            category: detector.category,
            priority: detector.priority,
            canon: detector.canon,
            mask,
        });
        Ok(())
    }

    fn add_form(&mut self, rule: usize, form: Form) -> Result<(), DetectorError> {
        let core = Core::parse(&form.core)?;
        let tail = match form.tail {
            None => None,
            Some(Tail::Run { class, glue }) => Some(CompiledTail::Run { class, glue }),
            Some(Tail::Until(close)) => {
                let close = Core::parse(&close)?;
                self.closers.push(close.hir);
                Some(CompiledTail::Until {
                    closer: self.closers.len() - 1,
                    len_max: close.len_max,
                })
            }
        };
        let left = if core.left_word {
            Left::Word
        } else {
            form.left
        };
        let right = match (&tail, core.right_word) {
            (Some(_), _) => Right::Any,
            (None, true) => Right::Word,
            (None, false) => form.right,
        };
        self.cores.push(core.hir);
        self.forms.push(CompiledForm {
            rule,
            left,
            right,
            accept: form.accept,
            lead: form.lead,
            tail,
            len_max: core.len_max,
        });
        Ok(())
    }

    /// The most folded bytes that are ever held: a value and what its guard looks at, and where
    /// a value is only written once the starts inside it are decided, another one behind it.
    fn hold_max(&self) -> usize {
        let longest = |forms: &mut dyn Iterator<Item = &CompiledForm>| {
            forms.map(|form| form.len_max).max().unwrap_or(0)
        };
        let all = longest(&mut self.forms.iter());
        let waiting = longest(&mut self.forms.iter().filter(|form| {
            let mask = self.rules.get(form.rule).map(|rule| rule.mask);
            form.lead.is_some() || matches!(mask, Some(Mask::Mask { .. }))
        }));
        let closing = self.forms.iter().filter_map(|form| match form.tail {
            Some(CompiledTail::Until { len_max, .. }) => Some(len_max),
            Some(CompiledTail::Run { .. }) | None => None,
        });
        (all + waiting + GUARD_LEN).max(closing.max().unwrap_or(0))
    }
}
