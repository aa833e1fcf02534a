//! Words that attacks are made of.
//!
//! They only open gates: a view that is made for one of them must still match a rule. So the list
//! is short, and ordinary words on it cost time, not precision.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};

/// Words that, found in disguise, are worth a view.
pub(super) const ATTACK: [&str; 30] = [
    "above",
    "bypass",
    "confidential",
    "developer",
    "disregard",
    "forget",
    "guidelines",
    "hidden",
    "ignore",
    "initial",
    "instruction",
    "instructions",
    "jailbreak",
    "override",
    "password",
    "policies",
    "pretend",
    "previous",
    "prior",
    "prompt",
    "repeat",
    "restrictions",
    "reveal",
    "rules",
    "safety",
    "secret",
    "system",
    "translate",
    "unfiltered",
    "unrestricted",
];

/// Words that stand between them; they help to tell words run together apart.
const COMMON: [&str; 97] = [
    "a",
    "act",
    "activate",
    "admin",
    "ai",
    "all",
    "an",
    "and",
    "any",
    "anything",
    "are",
    "as",
    "assistant",
    "be",
    "begin",
    "bot",
    "can",
    "chatgpt",
    "command",
    "commands",
    "constraints",
    "content",
    "conversation",
    "dan",
    "data",
    "directives",
    "do",
    "dont",
    "earlier",
    "enabled",
    "enter",
    "everything",
    "exactly",
    "filter",
    "filters",
    "follow",
    "following",
    "for",
    "from",
    "full",
    "give",
    "given",
    "have",
    "how",
    "i",
    "in",
    "input",
    "is",
    "it",
    "me",
    "message",
    "messages",
    "mode",
    "model",
    "my",
    "new",
    "no",
    "not",
    "now",
    "of",
    "on",
    "original",
    "output",
    "please",
    "policy",
    "preceding",
    "print",
    "prompts",
    "respond",
    "response",
    "role",
    "rule",
    "say",
    "send",
    "show",
    "start",
    "tell",
    "text",
    "that",
    "the",
    "them",
    "these",
    "this",
    "to",
    "told",
    "training",
    "user",
    "verbatim",
    "warnings",
    "was",
    "were",
    "what",
    "with",
    "without",
    "words",
    "you",
    "your",
];

/// Both lists, found in text with overlaps.
pub(super) static WORDS: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| automaton(ATTACK.iter().chain(&COMMON)));

/// An automaton that finds `words`, overlapping ones too.
pub(super) fn automaton<W: AsRef<[u8]>>(words: impl IntoIterator<Item = W>) -> Option<AhoCorasick> {
    AhoCorasickBuilder::new()
        .kind(Some(AhoCorasickKind::DFA))
        .match_kind(MatchKind::Standard)
        .build(words)
        .ok()
}

/// Whether `word` is an attack word.
pub(super) fn is_attack(word: &str) -> bool {
    ATTACK.binary_search(&word).is_ok()
}

/// Whether `word` is on either list.
pub(super) fn is_known(word: &str) -> bool {
    is_attack(word) || COMMON.binary_search(&word).is_ok()
}
