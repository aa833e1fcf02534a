//! From specs to automata, with every check that can be made before traffic comes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aegis_core::Role;
use aho_corasick::{AhoCorasickBuilder, AhoCorasickKind, MatchKind};
use regex_automata::meta;
use regex_automata::util::syntax;
use regex_syntax::hir::{Hir, HirKind};

use super::require::Clause;
use super::{Compiled, KEYWORDS_MAX, MATCH_BYTES_MAX, PackError, PackSpec, Patterns, RULES_MAX};
use super::{Cue, NOT_AFTER_BYTES_MAX, Rule, RuleSpec, cover, require};
use crate::normalize::normalize;

/// The longest keyword, in bytes.
const KEYWORD_BYTES_MAX: usize = 64;
/// Memory of one compiled pattern, in bytes.
const REGEX_BYTES_MAX: usize = 4 << 20;
/// Memory for the states that one search of a pattern makes, in bytes.
const REGEX_CACHE_BYTES: usize = 1 << 20;
/// What a blank in a pattern stands for: what may stand between two words of one sentence.
/// A group, so that `?` after a blank makes it optional.
const GAP: &str = r#"(?:[ \n,;:"'`*_~()<>\[\]{}#|/\\-]{1,4})"#;
/// How to mend a pattern that is none.
const MEND: &str = "mend the pattern";
/// How to mend a literal that cannot match.
const CANONICAL: &str = "patterns meet normalised text: lower case, no accents, ASCII marks";
/// How to mend a rule whose search would not start at all of its matches.
const COVER: &str = "add a keyword that this holds, or make the pattern narrower";
/// The role under which a rule for all roles is tried on its examples.
const ANY_ROLE: Role = Role::User;

type Words = BTreeMap<String, String>;
/// A problem and its fix.
type Wrong = (String, &'static str);

pub(super) fn load<'a>(
    packs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Patterns, PackError> {
    let mut rules = Vec::new();
    let mut clauses = Vec::new();
    let mut specs = Vec::new();
    let mut ids = BTreeSet::new();
    for (pack, yaml) in packs {
        let spec = PackSpec::read(pack, yaml)?;
        for rule in spec.rules {
            let (compiled, required) =
                compile(pack, &spec.words, &rule).map_err(|e| e.in_rule(&rule.id))?;
            if !ids.insert(rule.id.clone()) {
                return Err(
                    PackError::new(pack, "two rules have this id", "rename one").in_rule(&rule.id)
                );
            }
            if rules.len() >= RULES_MAX {
                let problem = format!("there are more than {RULES_MAX} rules");
                return Err(PackError::new(pack, problem, "remove some"));
            }
            rules.push(compiled);
            clauses.push(required);
            specs.push(rule);
        }
    }
    let patterns = assemble(rules, &clauses)?;
    for (compiled, spec) in patterns.rules.iter().zip(&specs) {
        try_examples(&patterns, &compiled.rule, spec).map_err(|e| e.in_rule(&spec.id))?;
    }
    Ok(patterns)
}

fn assemble(rules: Vec<Compiled>, clauses: &[Vec<Clause>]) -> Result<Patterns, PackError> {
    let mut cues: BTreeMap<&[u8], Vec<Cue>> = BTreeMap::new();
    for (rule, clauses) in clauses.iter().enumerate() {
        for (clause, literals) in clauses.iter().enumerate() {
            for (literal, &word_start) in literals {
                cues.entry(literal).or_default().push(Cue {
                    rule,
                    clause,
                    word_start,
                });
            }
        }
    }
    // A DFA: one table look-up a byte, however many keywords there are.
    let prefilter = AhoCorasickBuilder::new()
        .kind(Some(AhoCorasickKind::DFA))
        .match_kind(MatchKind::Standard)
        .build(cues.keys())
        .map_err(|e| PackError::new("all", e.to_string(), "use fewer or shorter keywords"))?;
    Ok(Patterns {
        rules,
        prefilter,
        cues: cues.into_values().collect(),
    })
}

fn compile(
    pack: &str,
    words: &Words,
    spec: &RuleSpec,
) -> Result<(Compiled, Vec<Clause>), PackError> {
    let wrong = |(problem, fix): Wrong| PackError::new(pack, problem, fix);
    check_fields(spec).map_err(wrong)?;
    let hir = parse(&spec.pattern, words).map_err(wrong)?;
    let match_bytes_max = longest(&hir, MATCH_BYTES_MAX).map_err(wrong)?;
    check_cover(&hir, &spec.keywords).map_err(wrong)?;
    let not_after = match &spec.not_after {
        Some(pattern) => {
            let hir = parse(&format!("(?:{pattern})$"), words).map_err(wrong)?;
            longest(&hir, NOT_AFTER_BYTES_MAX).map_err(wrong)?;
            Some(build(&hir).map_err(wrong)?)
        }
        None => None,
    };
    let clauses = require::clauses(&hir, &spec.keywords, match_bytes_max);
    let compiled = Compiled {
        rule: Arc::new(describe(pack, spec)),
        regex: build(&hir).map_err(wrong)?,
        not_after,
        match_bytes_max,
        clauses: clauses.len(),
    };
    Ok((compiled, clauses))
}

/// Reads a pattern as the language of packs means it.
pub(super) fn parse(pattern: &str, words: &Words) -> Result<Hir, Wrong> {
    let pattern = expand(pattern, words)
        .and_then(|pattern| translate(&pattern))
        .map_err(|problem| (problem, MEND))?;
    let hir = regex_syntax::ParserBuilder::new()
        .dot_matches_new_line(true)
        .build()
        .parse(&pattern)
        .map_err(|e| (e.to_string(), MEND))?;
    check_literals(&hir).map_err(|problem| (problem, CANONICAL))?;
    Ok(hir)
}

/// The longest match of `hir` in bytes, which is not to exceed `max`.
fn longest(hir: &Hir, max: usize) -> Result<usize, Wrong> {
    let bytes = hir.properties().maximum_len();
    bytes.filter(|bytes| *bytes <= max).ok_or_else(|| {
        let problem = format!("a match may be longer than {max} bytes");
        (problem, "give its repeats upper limits (`{0,40}` for `*`)")
    })
}

/// Refuses keywords none of which need stand in a match of `hir`.
fn check_cover(hir: &Hir, keywords: &[String]) -> Result<(), Wrong> {
    match cover::uncovered(hir, keywords) {
        Ok(None) => Ok(()),
        Ok(Some(sample)) => {
            let problem = format!("no keyword stands in {sample:?}, which it may match");
            Err((problem, COVER))
        }
        Err(problem) => Err((problem, "use fewer or shorter keywords")),
    }
}

/// What is wrong with the parts of `spec` besides its pattern, and the fix.
fn check_fields(spec: &RuleSpec) -> Result<(), Wrong> {
    if spec.keywords.is_empty() || spec.keywords.len() > KEYWORDS_MAX {
        let problem = format!("it has {} keywords", spec.keywords.len());
        return Err((problem, "give it at least 1 and at most 64"));
    }
    for keyword in &spec.keywords {
        check_keyword(keyword)
            .map_err(|fix| (format!("keyword `{keyword}` cannot be met"), fix))?;
    }
    if spec.hits.is_empty() || spec.near_misses.is_empty() {
        return Err((
            "it has too few examples".into(),
            "give it a hit and a near miss",
        ));
    }
    if spec.source.trim().is_empty() {
        return Err(("it has no source".into(), "say where it comes from"));
    }
    Ok(())
}

fn describe(pack: &str, spec: &RuleSpec) -> Rule {
    Rule {
        id: spec.id.as_str().into(),
        category: spec.category,
        severity: spec.severity,
        lang: spec.lang.as_str().into(),
        roles: spec.applies_to.clone(),
        source: spec.source.as_str().into(),
        pack: pack.into(),
    }
}

fn build(hir: &Hir) -> Result<meta::Regex, Wrong> {
    let config = meta::Config::new()
        .nfa_size_limit(Some(REGEX_BYTES_MAX))
        .hybrid_cache_capacity(REGEX_CACHE_BYTES);
    meta::Builder::new()
        .configure(config)
        .syntax(syntax::Config::new())
        .build_from_hir(hir)
        .map_err(|e| (e.to_string(), "make the pattern smaller"))
}

fn check_keyword(keyword: &str) -> Result<(), &'static str> {
    if keyword.chars().count() < 2 || keyword.len() > KEYWORD_BYTES_MAX {
        return Err("a keyword has two characters and 64 bytes at most");
    }
    if keyword.contains(char::is_whitespace) {
        return Err("a keyword is one word: gaps differ from text to text");
    }
    if normalize(keyword).text != keyword {
        return Err("write it as normalisation leaves it: lower case, no accents, ASCII marks");
    }
    Ok(())
}

/// Replaces `{{name}}` by the words of the pack, once: words do not nest.
fn expand(pattern: &str, words: &Words) -> Result<String, String> {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").ok_or("`{{` is not closed")?;
        let word = words
            .get(name)
            .ok_or_else(|| format!("there is no word `{name}`"))?;
        out.push_str(before);
        out.push_str("(?:");
        out.push_str(word);
        out.push(')');
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Gives blanks and character classes their meaning on normalised text.
fn translate(pattern: &str) -> Result<String, String> {
    let mut out = String::with_capacity(pattern.len() * 2);
    let mut chars = pattern.trim().chars();
    let mut class_depth = 0_usize;
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let escaped = chars.next().ok_or("it ends with a backslash")?;
                out.push_str(&escape(escaped, class_depth > 0)?);
                continue;
            }
            '[' => class_depth += 1,
            ']' => class_depth = class_depth.saturating_sub(1),
            ' ' if class_depth == 0 => {
                out.push_str(GAP);
                continue;
            }
            // In a class a blank is a blank; lines are folded as they are in gaps.
            ' ' => {
                out.push_str(r" \n");
                continue;
            }
            '\n' => continue,
            _ => {}
        }
        out.push(c);
    }
    Ok(out)
}

fn escape(escaped: char, in_class: bool) -> Result<String, String> {
    let meaning = match (escaped, in_class) {
        ('b', false) => r"(?-u:\b)",
        ('B', false) => r"(?-u:\B)",
        ('w', false) => "[a-z0-9_]",
        ('w', true) => "a-z0-9_",
        ('d', false) => "[0-9]",
        ('d', true) => "0-9",
        ('s', false) => r"[ \n]",
        ('s', true) => r" \n",
        ('S', false) => r"[^ \n]",
        ('W' | 'D' | 'S' | 'B' | 'b', _) => {
            return Err(format!("`\\{escaped}` has no meaning here"));
        }
        (other, _) => return Ok(format!("\\{other}")),
    };
    Ok(meaning.to_owned())
}

/// Refuses literals that never stand in normalised text.
fn check_literals(hir: &Hir) -> Result<(), String> {
    match hir.kind() {
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => text.chars().try_for_each(check_char),
            Err(_) => Err("it holds bytes that are no text".into()),
        },
        HirKind::Repetition(repetition) => check_literals(&repetition.sub),
        HirKind::Capture(capture) => check_literals(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().try_for_each(check_literals)
        }
        HirKind::Empty | HirKind::Class(_) | HirKind::Look(_) => Ok(()),
    }
}

fn check_char(c: char) -> Result<(), String> {
    // Beside a letter of each script, so that nothing is folded as a disguise.
    let fixed = [format!("{c}"), format!("ж{c}"), format!("ж{c}ж")]
        .iter()
        .any(|text| normalize(text).text == *text);
    if fixed {
        Ok(())
    } else {
        Err(format!("`{c}` never stands in normalised text"))
    }
}

fn try_examples(patterns: &Patterns, rule: &Rule, spec: &RuleSpec) -> Result<(), PackError> {
    let role = rule.roles.first().copied().unwrap_or(ANY_ROLE);
    let hits = |text: &str| {
        let found = patterns.scan(text, role);
        found.iter().any(|found| found.rule.id == rule.id)
    };
    if let Some(missed) = spec.hits.iter().find(|text| !hits(text)) {
        let problem = format!("it does not hit `{missed}`");
        return Err(PackError::new(
            &rule.pack,
            problem,
            "mend its keywords or pattern",
        ));
    }
    if let Some(hit) = spec.near_misses.iter().find(|text| hits(text)) {
        let problem = format!("it hits its near miss `{hit}`");
        return Err(PackError::new(
            &rule.pack,
            problem,
            "make the pattern narrower",
        ));
    }
    Ok(())
}
