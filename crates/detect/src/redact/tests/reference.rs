//! `redact(whole)` by its definition: every start, every form, every end. No sketch, no window, no
//! hold; slow, and independent of the automata and of the fold.

use std::ops::Range;

use regex_automata::meta::Regex;

use aegis_core::{DigestKey, TextDigest};

use super::super::action::{digest, hashed, placeholder};
use super::super::{Detector, Finding, Form, Mask, Tail};

const INVISIBLE: &[char] = &['\u{200B}', '\u{200D}', '\u{AD}', '\u{FE0F}', '\u{2060}'];

pub(super) struct Reference {
    rules: Vec<(Detector, Mask)>,
    forms: Vec<(usize, Form, Regex, Option<Regex>)>,
    key: DigestKey,
}

/// A character that is looked at: as folded, and where it stands in the original.
struct Seen {
    folded: char,
    original: Range<usize>,
}

/// The text as it is being judged.
struct Sheet {
    text: String,
    seen: Vec<Seen>,
    /// Byte offset in `text` of each character, and the end.
    at: Vec<usize>,
    /// By character: the region that hides it.
    region: Vec<Option<usize>>,
    /// By region: what it shows.
    shown: Vec<String>,
    /// By character: what is invisible behind it is hidden too.
    swallows: Vec<bool>,
}

struct Value {
    rule: usize,
    form: usize,
    end: usize,
}

impl Reference {
    pub(super) fn new(rules: &[(Detector, Mask)], key: DigestKey) -> Self {
        let whole = |core: &str| {
            let core = core.strip_prefix(r"\b").unwrap_or(core);
            let core = core.strip_suffix(r"\b").unwrap_or(core);
            Regex::new(&format!(r"\A(?:{core})\z")).unwrap()
        };
        let forms = rules.iter().enumerate().flat_map(|(rule, (detector, _))| {
            detector.forms.iter().map(move |form| {
                let close = match &form.tail {
                    Some(Tail::Until(close)) => Some(whole(close)),
                    Some(Tail::Run { .. }) | None => None,
                };
                (rule, form.clone(), whole(&form.core), close)
            })
        });
        Self {
            forms: forms.collect(),
            rules: rules.to_vec(),
            key,
        }
    }

    pub(super) fn redact(&self, original: &str) -> (String, Vec<Finding>, bool) {
        let mut sheet = Sheet::new(original);
        let mut findings = Vec::new();
        let (mut at, mut cov) = (0, 0);
        let mut flagged = vec![0; self.rules.len()];
        while at < sheet.seen.len() {
            let values = self.values(&sheet, at);
            let (masks, rest): (Vec<_>, Vec<_>) =
                values.into_iter().partition(|value| self.masks(value));
            if let Some(block) = rest
                .iter()
                .rev()
                .find(|value| self.mask(value) == Mask::Block)
            {
                findings.push(self.finding(&sheet, at, block));
                return (sheet.write(original, Some(at)), findings, true);
            }
            for flag in rest {
                if flag.end > flagged[flag.rule] {
                    flagged[flag.rule] = flag.end;
                    findings.push(self.finding(&sheet, at, &flag));
                }
            }
            if masks.is_empty() {
                at += 1;
                continue;
            }
            let far = masks.iter().map(|value| value.end).max().unwrap();
            let tail = self.best(masks.iter().filter(|value| self.tail(value).is_some()));
            let label = self
                .best(masks.iter().filter(|value| value.end > cov))
                .or(tail);
            if let Some(label) = label {
                findings.push(self.finding(&sheet, at, label));
            }
            let tail_end = tail.map_or(far, |tail| self.tail_end(&sheet, tail));
            let region = if at >= cov {
                let label = label.unwrap();
                let (lead, shown) = self.show(&sheet, (at, &masks), label, (far, tail_end));
                cov = lead;
                sheet.shown.push(shown);
                sheet.shown.len() - 1
            } else {
                sheet.region[cov - 1].unwrap()
            };
            while cov < far.max(tail_end) {
                sheet.region[cov] = Some(region);
                cov += 1;
            }
            at += 1;
            if let Some(tail) = tail {
                at = tail_end;
                if matches!(self.tail(tail), Some(Tail::Run { .. })) {
                    sheet.swallows[at - 1] = true;
                }
            }
        }
        (sheet.write(original, None), findings, false)
    }

    /// The values that start at `at`, one for each form that has any.
    fn values(&self, sheet: &Sheet, at: usize) -> Vec<Value> {
        let before = at.checked_sub(1).map(|before| sheet.seen[before].folded);
        let forms = self.forms.iter().enumerate();
        let values = forms.filter_map(|(form, (rule, spec, whole, _))| {
            if !spec.left.holds(before) {
                return None;
            }
            let ends = (at + 1..=sheet.seen.len())
                .take(600)
                .filter(|&end| whole.is_match(sheet.slice(at, end)));
            let ends: Vec<usize> = ends.collect();
            let fits = |end: &&usize| {
                let rest = sheet.slice(**end, sheet.seen.len());
                spec.right.holds(rest, true).unwrap() || spec.tail.is_some()
            };
            let accepted = |end: &&usize| {
                let text = sheet.slice(at, **end);
                spec.accept.is_none_or(|accept| accept(text))
            };
            let end = match spec.tail {
                Some(_) => ends.first().filter(accepted),
                None => ends.iter().rev().filter(fits).find(accepted),
            };
            end.map(|&end| Value {
                rule: *rule,
                form,
                end,
            })
        });
        values.collect()
    }

    fn mask(&self, value: &Value) -> Mask {
        self.rules[value.rule].1
    }

    fn masks(&self, value: &Value) -> bool {
        !matches!(self.mask(value), Mask::Block | Mask::Flag)
    }

    fn tail(&self, value: &Value) -> Option<&Tail> {
        self.forms[value.form].1.tail.as_ref()
    }

    fn best<'v>(&self, values: impl Iterator<Item = &'v Value>) -> Option<&'v Value> {
        values.min_by_key(|value| {
            let priority = self.rules[value.rule].0.priority;
            (u8::MAX - priority, usize::MAX - value.end, value.form)
        })
    }

    fn lead(&self, sheet: &Sheet, at: usize, value: &Value) -> usize {
        let Some(lead) = self.forms[value.form].1.lead else {
            return at;
        };
        let bytes = sheet.at[at] + lead(sheet.slice(at, value.end));
        sheet.at.iter().position(|&offset| offset == bytes).unwrap()
    }

    fn tail_end(&self, sheet: &Sheet, value: &Value) -> usize {
        let len = sheet.seen.len();
        let is = |at: usize, class: fn(char) -> bool| at < len && class(sheet.seen[at].folded);
        match self.tail(value).unwrap() {
            Tail::Run { class, glue } => {
                let mut end = value.end;
                while is(end, *class)
                    || (end < len && glue.contains(sheet.seen[end].folded) && is(end + 1, *class))
                {
                    end += 1;
                }
                end
            }
            Tail::Until(_) => {
                let close = self.forms[value.form].3.as_ref().unwrap();
                let closes = |end: &usize| {
                    (value.end..*end).any(|from| close.is_match(sheet.slice(from, *end)))
                };
                (value.end..=len).find(closes).unwrap_or(len)
            }
        }
    }

    /// Where the hidden part of a new region begins, and what the region shows.
    fn show(
        &self,
        sheet: &Sheet,
        (at, masks): (usize, &[Value]),
        label: &Value,
        (far, tail_end): (usize, usize),
    ) -> (usize, String) {
        let leads = masks.iter().map(|value| self.lead(sheet, at, value));
        let lead = leads.min().unwrap();
        let hides = |at: usize, value: &Value| match self.mask(value) {
            Mask::Flag => false,
            Mask::Block => true,
            Mask::Redact | Mask::Hash | Mask::Mask { .. } => self.lead(sheet, at, value) < lead,
        };
        let claimed = |at| self.values(sheet, at).iter().any(|value| hides(at, value));
        let lead = if (at + 1..lead).any(claimed) {
            at
        } else {
            lead
        };
        let name = self.rules[label.rule].0.name;
        let shown = match (self.mask(label), self.stars(sheet, (at, far), masks)) {
            (Mask::Mask { .. }, Some(keep)) => sheet.stars(lead..far, keep),
            (Mask::Hash, _) => {
                let from = self.lead(sheet, at, label);
                hashed(name, self.digest(sheet, label, (from, tail_end)))
            }
            _ => placeholder(name),
        };
        (lead, shown)
    }

    /// How many characters a region keeps, if it consists of values that keep some.
    fn stars(&self, sheet: &Sheet, (at, far): (usize, usize), masks: &[Value]) -> Option<usize> {
        let keep = |value: &Value| match self.mask(value) {
            Mask::Mask { keep_last } if self.tail(value).is_none() && value.end <= far => {
                Some(keep_last)
            }
            Mask::Flag => Some(usize::MAX),
            Mask::Mask { .. } | Mask::Redact | Mask::Hash | Mask::Block => None,
        };
        let inner = (at + 1..far).flat_map(|inner| self.values(sheet, inner));
        let keeps: Option<Vec<usize>> = masks
            .iter()
            .map(keep)
            .chain(inner.map(|value| keep(&value)))
            .collect();
        keeps?.into_iter().min()
    }

    fn digest(&self, sheet: &Sheet, value: &Value, (from, tail_end): (usize, usize)) -> TextDigest {
        let detector = &self.rules[value.rule].0;
        if self.tail(value).is_none() {
            let text = sheet.slice(from, value.end);
            return digest(&self.key, detector.name, detector.canon, text);
        }
        let mut digest = self.key.pieces(detector.name.as_bytes());
        digest.update(sheet.slice(from, tail_end).as_bytes());
        digest.finish()
    }

    fn finding(&self, sheet: &Sheet, at: usize, value: &Value) -> Finding {
        let (detector, mask) = &self.rules[value.rule];
        let from = self.lead(sheet, at, value);
        let text = sheet.slice(from, value.end);
        let is_tail = self.tail(value).is_some();
        Finding {
            entity: detector.name,
            category: detector.category,
            range: sheet.seen[from].original.start..sheet.seen[value.end - 1].original.end,
            mask: *mask,
            digest: (!is_tail).then(|| digest(&self.key, detector.name, detector.canon, text)),
        }
    }
}

impl Sheet {
    fn new(original: &str) -> Self {
        let mut seen = Vec::new();
        let mut run = 0;
        for (at, c) in original.char_indices() {
            if INVISIBLE.contains(&c) && run < 16 {
                run += 1;
                continue;
            }
            run = 0;
            let folded = match c {
                '٠'..='٩' => char::from_digit(u32::from(c) - 0x660, 10).unwrap(),
                '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' | '＠' | '．' | '－' => {
                    char::from_u32(u32::from(c) - 0xFEE0).unwrap()
                }
                '\u{A0}' | '\u{3000}' => ' ',
                '\u{2013}' => '-',
                other => other,
            };
            let original = at..at + c.len_utf8();
            seen.push(Seen { folded, original });
        }
        let text: String = seen.iter().map(|seen| seen.folded).collect();
        let at = text
            .char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .collect();
        Self {
            region: seen.iter().map(|_| None).collect(),
            swallows: seen.iter().map(|_| false).collect(),
            shown: Vec::new(),
            at,
            text,
            seen,
        }
    }

    fn slice(&self, from: usize, to: usize) -> &str {
        &self.text[self.at[from]..self.at[to]]
    }

    fn stars(&self, range: Range<usize>, keep: usize) -> String {
        let mark = |at: &usize| self.seen[*at].folded.is_alphanumeric();
        let marks: Vec<usize> = range.clone().filter(mark).collect();
        let hidden = &marks[..marks.len().saturating_sub(keep)];
        // `\0` stands for the original character; `write` puts it back.
        let chars = range.map(|at| {
            if hidden.contains(&at) {
                "*".to_owned()
            } else {
                format!("\0{at}\0")
            }
        });
        chars.collect()
    }

    /// The original with its regions replaced, up to the character `stop`.
    fn write(&self, original: &str, stop: Option<usize>) -> String {
        let mut out = String::new();
        let mut upto = 0;
        let mut before: Option<usize> = None;
        let mut open = None;
        for (at, seen) in self.seen.iter().enumerate() {
            let region = self.region[at];
            let hidden = (before.is_some() && before == region)
                || at.checked_sub(1).is_some_and(|at| self.swallows[at]);
            if !hidden {
                out.push_str(&original[upto..seen.original.start]);
            }
            if stop == Some(at) && region.is_none() {
                return out;
            }
            match region {
                None => out.push_str(&original[seen.original.clone()]),
                Some(region) if open != Some(region) => {
                    out.push_str(&self.restored(original, &self.shown[region]));
                    open = Some(region);
                }
                Some(_) => {}
            }
            if stop == Some(at) {
                return out;
            }
            before = region;
            upto = seen.original.end;
        }
        if !self.swallows.last().copied().unwrap_or(false) {
            out.push_str(&original[upto..]);
        }
        out
    }

    fn restored(&self, original: &str, shown: &str) -> String {
        let parts = shown
            .split('\0')
            .enumerate()
            .map(|(odd, part)| match odd % 2 {
                0 => part,
                _ => &original[self.seen[part.parse::<usize>().unwrap()].original.clone()],
            });
        parts.collect()
    }
}
