//! What becomes of single characters.

use unicode_normalization::char::{canonical_combining_class, is_combining_mark};
use unicode_normalization::{IsNormalized, is_nfc_quick};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Scripts, as far as look-alikes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    /// Latin, ASCII included.
    Latin,
    /// Cyrillic.
    Cyrillic,
    /// Greek.
    Greek,
    /// Another script with letters that pass for Latin ones (Armenian, Cherokee, Coptic, Lisu …).
    Other,
    /// A script that is never folded.
    Foreign,
}

/// What white space becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blank {
    /// A space.
    Space,
    /// A line feed.
    Line,
}

/// Whether `c` is white space, and of what kind.
pub(super) fn blank(c: char) -> Option<Blank> {
    match c {
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(Blank::Line),
        // BRAILLE PATTERN BLANK is drawn as a space, though Unicode does not call it one.
        '\u{2800}' => Some(Blank::Space),
        _ if c.is_whitespace() => Some(Blank::Space),
        _ => None,
    }
}

/// Whether `c` is drawn as nothing, or has no agreed meaning, and is dropped.
pub(super) const fn dropped(c: char) -> bool {
    matches!(c,
        '\0'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{640}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}')
}

/// Whether `c` is written as it is, whatever stands before it: nothing need be looked up.
pub(super) const fn settled(c: char) -> bool {
    matches!(c,
        '\u{627}' | '\u{628}' | '\u{62a}'..='\u{63a}' | '\u{641}'..='\u{648}' | '\u{64a}'
        | '\u{e01}'..='\u{e30}' | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
}

/// Whether `c` can change, or change with, what stands before it.
pub(super) fn continues(c: char) -> bool {
    // ASCII controls too: what stands on both sides of one comes together.
    if dropped(c) {
        return true;
    }
    if c.is_ascii() || settled(c) {
        return false;
    }
    let mut first = None;
    unicode_normalization::char::decompose_compatible(c, |d| {
        first.get_or_insert(d);
    });
    let first = first.unwrap_or(c);
    canonical_combining_class(first) != 0
        || is_combining_mark(first)
        || is_nfc_quick(std::iter::once(first)) != IsNormalized::Yes
}

/// Whether the mark `c` is dropped from any letter: accents, Hebrew points, Arabic harakat.
pub(super) const fn stacked_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}'
        | '\u{5c4}' | '\u{5c5}' | '\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e4}' | '\u{6e7}' | '\u{6e8}' | '\u{6ea}'..='\u{6ed}'
        | '\u{898}'..='\u{89f}' | '\u{8ca}'..='\u{8e1}' | '\u{8e3}'..='\u{8ff}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// The script of a letter.
pub(super) const fn script(c: char) -> Script {
    match c {
        '\0'..='\u{2af}'
        | '\u{1d00}'..='\u{1dbf}'
        | '\u{1e00}'..='\u{1eff}'
        | '\u{2c60}'..='\u{2c7f}'
        | '\u{a720}'..='\u{a7ff}'
        | '\u{ab30}'..='\u{ab6f}' => Script::Latin,
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Script::Greek,
        '\u{400}'..='\u{52f}' | '\u{1c80}'..='\u{1c8f}' | '\u{a640}'..='\u{a69f}' => {
            Script::Cyrillic
        }
        '\u{530}'..='\u{58f}'
        | '\u{13a0}'..='\u{167f}'
        | '\u{16a0}'..='\u{16ff}'
        | '\u{2c80}'..='\u{2cff}'
        | '\u{2d30}'..='\u{2d7f}'
        | '\u{a4d0}'..='\u{a4ff}'
        | '\u{ab70}'..='\u{abbf}'
        | '\u{10280}'..='\u{104ff}'
        | '\u{118a0}'..='\u{118ff}'
        | '\u{16f00}'..='\u{16f9f}' => Script::Other,
        _ => Script::Foreign,
    }
}

/// The ASCII digit for a digit of any script.
pub(super) fn digit(c: char) -> Option<char> {
    if !is_digit(c) {
        return None;
    }
    // Every run of digits holds ten and begins with zero.
    let mut value = 0;
    let mut code = u32::from(c);
    while value < 9 {
        code -= 1;
        match char::from_u32(code) {
            Some(before) if is_digit(before) => value += 1,
            Some(_) | None => break,
        }
    }
    char::from_digit(value, 10)
}

fn is_digit(c: char) -> bool {
    c.general_category() == GeneralCategory::DecimalNumber
}

/// The one form for characters that are written in several; `None` leaves the character.
pub(super) const fn unified(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' | 'ẞ' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ς' => "σ",
        'ٱ' => "ا",
        'ى' | 'ی' | 'ې' | 'ے' => "ي",
        'ک' | 'ڪ' => "ك",
        'ة' | 'ہ' | 'ھ' | 'ە' | 'ۃ' => "ه",
        '‘' | '’' | '‚' | '‛' | '′' | 'ʹ' | 'ʼ' | '´' => "'",
        '“' | '”' | '„' | '‟' | '«' | '»' | '〝' | '〞' => "\"",
        '‐'..='―' | '−' | '﹘' | '⸺' | '־' => "-",
        '⁄' | '∕' => "/",
        '。' | '۔' => ".",
        '、' | '،' => ",",
        '؛' => ";",
        '؟' => "?",
        '٪' => "%",
        '∶' | '꞉' | 'ː' => ":",
        '▁' => "_",
        '∣' | '❘' | '│' | '┃' | 'ǀ' => "|",
        '‹' | '〈' | '❮' | '⟨' => "<",
        '›' | '〉' | '❯' | '⟩' => ">",
        _ => return None,
    })
}

/// Small capitals and enclosed letters, which neither NFKC nor UTS #39 folds.
pub(super) fn drawn_letter(c: char) -> Option<char> {
    const SMALL_CAPITALS: &str = "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡ\0ʏᴢ";
    let first = match c {
        '🅐'..='🅩' => '🅐',
        '🅰'..='🆉' => '🅰',
        '🇦'..='🇿' => '🇦',
        // The blocks that small capitals stand in.
        '\u{250}'..='\u{2af}' | '\u{1d00}'..='\u{1d7f}' | '\u{a720}'..='\u{a7ff}' => {
            let position = SMALL_CAPITALS.chars().position(|small| small == c)?;
            return letter(u32::try_from(position).ok()?);
        }
        _ => return None,
    };
    letter(u32::from(c) - u32::from(first))
}

fn letter(index: u32) -> Option<char> {
    char::from_digit(index + 10, 36)
}
