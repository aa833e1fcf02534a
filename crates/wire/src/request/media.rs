//! Media told from text: base64 payloads and data URLs.

use aegis_core::MediaKind;
use memchr::memchr;

/// Strings of base64 letters from this length on are taken for a payload, not for a word.
const BINARY_BYTES_MIN: usize = 256;

/// The longest media type of a data URL, in bytes.
const MEDIA_TYPE_BYTES_MAX: usize = 256;

/// Whether `text` is made of base64's letters only, of either alphabet, with padding at its end.
pub(super) fn is_base64(text: &str) -> bool {
    text.trim_end_matches('=').bytes().all(
        |byte| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'+' | b'/' | b'-' | b'_'),
    )
}

/// Whether `text` is long enough for a payload and looks like one.
pub(super) fn is_binary(text: &str) -> bool {
    text.len() >= BINARY_BYTES_MIN && is_base64(text)
}

/// The kind of media in `text`, if it is a data URL (RFC 2397) in base64 and nothing else.
pub(super) fn data_url(text: &str) -> Option<MediaKind> {
    let scheme = text.get(..5)?;
    let rest = text
        .get(5..)
        .filter(|_| scheme.eq_ignore_ascii_case("data:"))?;
    let comma = memchr(b',', rest.as_bytes()).filter(|at| *at <= MEDIA_TYPE_BYTES_MAX)?;
    let (head, data) = (rest.get(..comma)?, rest.get(comma + 1..)?);
    let media_type = head.strip_suffix(";base64")?;
    let plain = media_type
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/+.-_;=".contains(&byte));
    (plain && is_base64(data)).then(|| media_kind(media_type))
}

/// The kind of media that a media type names.
pub(super) fn media_kind(media_type: &str) -> MediaKind {
    let family = media_type.split('/').next().unwrap_or_default();
    if family.eq_ignore_ascii_case("image") {
        MediaKind::Image
    } else if family.eq_ignore_ascii_case("audio") {
        MediaKind::Audio
    } else {
        MediaKind::File
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_told_from_words() {
        assert!(is_binary(&"A".repeat(BINARY_BYTES_MIN)));
        assert!(!is_binary(&"A".repeat(BINARY_BYTES_MIN - 1)));
        assert!(!is_binary(&"a word ".repeat(BINARY_BYTES_MIN)));
        assert!(is_base64("AA==") && !is_base64("A=A"));
    }

    #[test]
    fn data_urls_are_known_by_their_media_type() {
        for (text, kind) in [
            ("data:image/png;base64,AA==", Some(MediaKind::Image)),
            ("DATA:Image/SVG+xml;base64,AA", Some(MediaKind::Image)),
            ("data:audio/wav;base64,AA", Some(MediaKind::Audio)),
            (
                "data:application/pdf;name=a.pdf;base64,AA",
                Some(MediaKind::File),
            ),
            ("data:;base64,AA", Some(MediaKind::File)),
            ("data:text/plain,ignore", None),
            ("data:image/png;base64,not base64", None),
            ("data:ignore this;base64,AA", None),
            ("https://example.com/a.png", None),
            ("dätä:", None),
        ] {
            assert_eq!(data_url(text), kind, "{text}");
        }
        let long = |length| format!("data:{};base64,AA", "a".repeat(length - ";base64".len()));
        assert!(data_url(&long(MEDIA_TYPE_BYTES_MAX)).is_some());
        assert!(data_url(&long(MEDIA_TYPE_BYTES_MAX + 1)).is_none());
    }
}
