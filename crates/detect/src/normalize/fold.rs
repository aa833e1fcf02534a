//! Look-alike letters: UTS #39, held back from genuine words.
//!
//! A word is a run of letters and digits. Its look-alikes are folded if it mixes scripts (`pаypal`
//! with a Cyrillic `а`), or if it consists of look-alikes alone (`асе`) and neither neighbour is a
//! word that only its own script can spell. So `все` between Russian words stays Russian.

use std::sync::LazyLock;

use smallvec::SmallVec;
use unicode_security::skeleton;

use super::chars::{self, Script};
use super::map::{OffsetMap, Rewriter};

/// Code points whose look-alikes are looked up once; above them on each use.
const TABLE_CHARS: u32 = 0x600;

/// A letter that may be an ASCII letter in disguise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lookalike {
    /// Where it stands.
    pub(super) at: usize,
    /// What it passes for.
    pub(super) letter: u8,
}

/// What a word is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Make {
    /// Nothing to fold, and no witness for its neighbours.
    Plain,
    /// At least two of the scripts that share letter shapes.
    Mixed,
    /// Look-alikes of one script and nothing else.
    Disguised(Script),
    /// One script, with letters that pass for nothing else.
    Genuine(Script),
}

struct Word {
    make: Make,
    /// Its look-alikes, as a range of the list.
    folds: std::ops::Range<usize>,
}

/// The lower-case ASCII letter that `c` passes for.
pub(super) fn lookalike(c: char) -> Option<u8> {
    static TABLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let entry = |code| char::from_u32(code).and_then(search).unwrap_or(0);
        (0..TABLE_CHARS).map(entry).collect()
    });
    if c.is_ascii() {
        return None;
    }
    match TABLE.get(c as usize) {
        Some(&letter) => (letter != 0).then_some(letter),
        None => search(c),
    }
}

fn search(c: char) -> Option<u8> {
    if c.is_ascii() || !c.is_alphabetic() || chars::script(c) == Script::Foreign {
        return None;
    }
    match ascii_skeleton(c) {
        // The skeleton of every capital I is `l`.
        Some(b'l') if c.is_uppercase() => Some(b'i'),
        Some(letter) => Some(letter),
        None => c.to_lowercase().find_map(ascii_skeleton),
    }
}

fn ascii_skeleton(c: char) -> Option<u8> {
    let mut buffer = [0; 4];
    let mut prototype = skeleton(c.encode_utf8(&mut buffer));
    let letter = u8::try_from(prototype.next()?).ok()?;
    (letter.is_ascii_alphabetic() && prototype.next().is_none())
        .then(|| letter.to_ascii_lowercase())
}

/// Folds the look-alikes of `text` that disguise a word; `None` if there are none.
pub(super) fn fold(text: &str, lookalikes: &[Lookalike]) -> Option<(String, OffsetMap)> {
    if lookalikes.is_empty() {
        return None;
    }
    let words = words(text, lookalikes);
    let chosen = words.iter().enumerate().flat_map(|(index, word)| {
        let neighbour = |at: Option<usize>| at.and_then(|at| words.get(at)).map(|word| word.make);
        let around = [
            neighbour(index.checked_sub(1)),
            neighbour(index.checked_add(1)),
        ];
        let all = disguised(word.make, around);
        let folds = lookalikes.get(word.folds.clone()).unwrap_or_default();
        folds
            .iter()
            .filter(move |fold| all || is_latin(text, fold.at))
    });
    let mut out = Rewriter::with_capacity(text.len());
    let mut done = 0;
    let mut any = false;
    for fold in chosen {
        out.copy(done, text.get(done..fold.at).unwrap_or_default());
        out.replace(fold.at);
        out.text.push(char::from(fold.letter));
        done = fold.at + char_at(text, fold.at).map_or(0, char::len_utf8);
        any = true;
    }
    out.copy(done, text.get(done..).unwrap_or_default());
    any.then(|| out.finish(text.len()))
}

fn disguised(make: Make, around: [Option<Make>; 2]) -> bool {
    match make {
        Make::Mixed => true,
        Make::Disguised(script) => !around.contains(&Some(Make::Genuine(script))),
        Make::Plain | Make::Genuine(_) => false,
    }
}

fn char_at(text: &str, at: usize) -> Option<char> {
    text.get(at..).and_then(|rest| rest.chars().next())
}

/// Latin letters in disguise (`ɡ`, `ø`) have no genuine words of another script to protect.
fn is_latin(text: &str, at: usize) -> bool {
    char_at(text, at).is_some_and(|c| chars::script(c) == Script::Latin)
}

fn words(text: &str, lookalikes: &[Lookalike]) -> Vec<Word> {
    let mut words = Vec::new();
    let mut letters: SmallVec<[(usize, char); 32]> = SmallVec::new();
    let mut folds = 0;
    let ends = std::iter::once((text.len(), ' '));
    for (at, c) in text.char_indices().chain(ends) {
        if c.is_alphanumeric() {
            letters.push((at, c));
        } else if !letters.is_empty() {
            let first = folds;
            let pending = lookalikes.get(first..).unwrap_or_default();
            folds += pending.iter().take_while(|fold| fold.at < at).count();
            let own = lookalikes.get(first..folds).unwrap_or_default();
            words.push(Word {
                make: make(&letters, own),
                folds: first..folds,
            });
            letters.clear();
        }
    }
    words
}

fn make(letters: &[(usize, char)], folds: &[Lookalike]) -> Make {
    let scripts = letters
        .iter()
        .filter(|(_, c)| c.is_alphabetic())
        .map(|&(_, c)| chars::script(c));
    let mut only = None;
    for script in scripts.filter(|&script| script != Script::Foreign) {
        match only {
            None => only = Some(script),
            Some(before) if before != script => return Make::Mixed,
            Some(_) => {}
        }
    }
    let spelled = letters.iter().filter(|(_, c)| c.is_alphabetic()).count();
    match only {
        None | Some(Script::Latin | Script::Foreign) => Make::Plain,
        Some(script) if spelled == folds.len() => Make::Disguised(script),
        Some(script) => Make::Genuine(script),
    }
}
