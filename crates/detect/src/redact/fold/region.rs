//! Regions: what overlapping values show, and what is reported of them.

use super::super::automata::GaveUp;
use super::super::decide::{Decision, Hit, Value};
use super::super::tables::CompiledForm;
use super::super::{Finding, Mask, action};
use super::Fold;
use super::tail::OpenTail;

/// What a region shows at its start.
pub(super) struct Show {
    /// Where the visible context before the value ends.
    lead: usize,
    /// How many characters stay visible at the end.
    stars: Option<usize>,
}

// === impl Fold ===

impl Fold<'_> {
    /// The value of highest priority among those that `wanted` names; of equal ones the longest.
    pub(super) fn best(
        &self,
        hit: &Hit,
        wanted: impl Fn(Value, &CompiledForm) -> bool,
    ) -> Option<Value> {
        let ranked = hit.masks.iter().filter_map(|&value| {
            let (form, rule) = self.form(value)?;
            wanted(value, form).then_some(((rule.priority, value.end), value))
        });
        // The first of equals, in the order of the rules.
        let best = ranked.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map(|(_, value)| value)
    }

    /// What a new region shows; `None` while a start inside that is undecided.
    pub(super) fn show(&mut self, at: usize, hit: &Hit) -> Result<Option<Show>, GaveUp> {
        let lead = self.first_hidden(at, hit);
        let far = hit.far();
        let mut stars = self.keep(hit);
        let mut shows_lead = lead > at;
        let mut inner = self.looker.next(at);
        while (shows_lead && inner < lead) || (stars.is_some() && inner < far) {
            match self.looker.at(inner)? {
                Decision::Undecided => return Ok(None),
                Decision::Found(other) if other.masks_text() => {
                    shows_lead &= inner >= lead || self.first_hidden(inner, &other) >= lead;
                    stars = match (stars, self.keep(&other)) {
                        (Some(a), Some(b)) if other.far() <= far => Some(a.min(b)),
                        _ => None,
                    };
                }
                Decision::No | Decision::Found(_) => {}
            }
            inner = self.looker.next(inner);
        }
        let lead = if shows_lead { lead } else { at };
        Ok(Some(Show { lead, stars }))
    }

    /// Where the text begins that the values of `hit` hide, behind their leads.
    fn first_hidden(&self, at: usize, hit: &Hit) -> usize {
        if hit.block.is_some() {
            return at;
        }
        let leads = hit.masks.iter().map(|&value| self.lead(at, value));
        leads.min().unwrap_or(at)
    }

    /// How many characters `hit` lets stay visible; `None` unless all of it says so.
    fn keep(&self, hit: &Hit) -> Option<usize> {
        if hit.block.is_some() {
            return None;
        }
        let keeps = hit.masks.iter().map(|&value| match self.form(value) {
            Some((form, rule)) if form.tail.is_none() => match rule.mask {
                Mask::Mask { keep_last } => Some(keep_last),
                Mask::Redact | Mask::Hash | Mask::Block | Mask::Flag => None,
            },
            Some(_) | None => None,
        });
        keeps.reduce(|a, b| Some(a?.min(b?))).flatten()
    }

    /// Releases what stands before the region at `range` and writes what the region shows.
    pub(super) fn open_region(
        &mut self,
        (at, far): (usize, usize),
        label: Value,
        show: &Show,
        open: Option<&mut OpenTail>,
    ) {
        self.settle(at);
        self.change();
        self.pass_to(self.looker.window.start(show.lead));
        let Some((form, rule)) = self.form(label) else {
            return;
        };
        let window = self.looker.window;
        let from = self.lead(at, label);
        let text = match (rule.mask, show.stars, open) {
            (Mask::Mask { .. }, Some(keep), _) => action::stars(window, (show.lead, far), keep),
            (Mask::Hash, _, Some(open)) if form.tail.is_some() => {
                let mut digest = self.looker.tables.key.pieces(rule.name.as_bytes());
                digest.update(window.folded(from, label.end).as_bytes());
                open.hashed = Some((rule.name, Box::new(digest)));
                return;
            }
            (Mask::Hash, _, _) => {
                let value = window.folded(from, label.end);
                let key = &self.looker.tables.key;
                action::hashed(rule.name, action::digest(key, rule.name, rule.canon, value))
            }
            _ => action::placeholder(rule.name),
        };
        self.sink.out.push_str(&text);
    }

    /// Reports `value`, which is only flagged, unless the same rule's last one covers it.
    pub(super) fn flag(&mut self, at: usize, value: Value) {
        let Some((form, _)) = self.form(value) else {
            return;
        };
        let rule = form.rule;
        let end = self.state.base + self.looker.window.end(value.end);
        match self.state.flagged.iter_mut().find(|last| last.0 == rule) {
            Some((_, last)) if end <= *last => return,
            Some((_, last)) => *last = end,
            None => self.state.flagged.push((rule, end)),
        }
        self.report(at, value);
    }

    /// Reports a value; of one with a tail its head, without a digest.
    pub(super) fn report(&mut self, at: usize, value: Value) {
        let Some((form, rule)) = self.form(value) else {
            return;
        };
        let window = self.looker.window;
        let from = self.lead(at, value);
        let base = self.state.base;
        let text = window.folded(from, value.end);
        let key = &self.looker.tables.key;
        let digest = || action::digest(key, rule.name, rule.canon, text);
        let finding = Finding {
            entity: rule.name,
            category: rule.category,
            range: base + window.start(from)..base + window.end(value.end),
            mask: rule.mask,
            digest: form.tail.is_none().then(digest),
        };
        self.findings.push(finding);
    }

    /// Where the value proper begins, behind its lead.
    pub(super) fn lead(&self, at: usize, value: Value) -> usize {
        let lead = self.form(value).and_then(|(form, _)| form.lead);
        let candidate = self.looker.window.folded(at, value.end);
        lead.map_or(at, |lead| {
            let len = lead(candidate).min(candidate.len());
            at + candidate.floor_char_boundary(len)
        })
    }
}
