use aegis_core::DigestKey;

use super::*;
use crate::OutputSpec;

fn redactor(policy: &str) -> Arc<Redactor> {
    let spec: OutputSpec = serde_saphyr::from_str(policy).unwrap();
    let filter = spec.build(&DigestKey::from_bytes(b"test")).unwrap();
    filter.redactor().clone()
}

fn filter<'a>(
    redactor: &Arc<Redactor>,
    pieces: impl IntoIterator<Item = &'a str>,
) -> Result<(String, bool, usize), ArgumentsError> {
    let mut filter = ArgumentsFilter::new(redactor.clone());
    let (mut out, mut findings) = (String::new(), Vec::new());
    for piece in pieces {
        filter.push(piece, &mut out, &mut findings)?;
    }
    filter.finish(&mut out, &mut findings)?;
    Ok((out, filter.blocked(), findings.len()))
}

fn halves(text: &str, cut: usize) -> [&str; 2] {
    text.split_at(cut).into()
}

/// Arguments as a model writes them, and as they are released.
const CASES: &[(&str, &str)] = &[
    (r#"{"a":"x"}"#, r#"{"a":"x"}"#),
    // Without a value every spelling stays.
    (
        r#"{ "\u0061" : "\u00e9\/\n\ud83d\ude00 \t" , "b":[1, -2.5e+3,true,null] }"#,
        r#"{ "\u0061" : "\u00e9\/\n\ud83d\ude00 \t" , "b":[1, -2.5e+3,true,null] }"#,
    ),
    (r#"{"a":"jane\u0040example.com"}"#, r#"{"a":"[EMAIL]"}"#),
    (r#"{"a":"j\u0061ne@example.com"}"#, r#"{"a":"[EMAIL]"}"#),
    // Before the value a spelling stays, behind it the usual one is written.
    (
        r#"{"a":"\u00e9 jane@example.com \u00e9\/ \"x\""}"#,
        r#"{"a":"\u00e9 [EMAIL] é/ \"x\""}"#,
    ),
    (r#"{"jane@example.com":1}"#, r#"{"[EMAIL]":1}"#),
    // Two strings are never one value.
    (
        r#"["4111 1111","1111 1111"]"#,
        r#"["4111 1111","1111 1111"]"#,
    ),
    (r#"["jane","@example.com"]"#, r#"["jane","@example.com"]"#),
    // Cut off by a token limit.
    (r#"{"a":"to jane@example.com"#, r#"{"a":"to [EMAIL]"#),
    (r#"{"a":"x\u00"#, r#"{"a":"x\u00"#),
    (r#"{"a":12"#, r#"{"a":12"#),
];

#[test]
fn every_cut_gives_the_same() {
    let redactor = redactor("pii: {}");
    for (sent, released) in CASES {
        let whole = filter(&redactor, [*sent]).unwrap();
        assert_eq!(whole.0, *released);
        for (a, _) in sent.char_indices() {
            for (b, _) in sent.char_indices().skip_while(|(b, _)| *b < a) {
                let (head, tail) = sent.split_at(b);
                let (head, middle) = head.split_at(a);
                let pieces = [head, middle, tail];
                assert_eq!(filter(&redactor, pieces).unwrap(), whole, "{pieces:?}");
            }
        }
    }
}

#[test]
fn a_number_with_a_value_in_it_blocks_however_it_is_cut() {
    let redactor = redactor("pii: {}");
    let sent = r#"{"a":"x","card":4111111111111111,"b":"behind"}"#;
    for (cut, _) in sent.char_indices() {
        let (out, blocked, findings) = filter(&redactor, halves(sent, cut)).unwrap();
        assert_eq!((&*out, blocked), (r#"{"a":"x","card":"#, true), "{cut}");
        assert_eq!(findings, 1);
    }
}

#[test]
fn a_number_blocks_in_every_spelling() {
    let redactor = redactor("pii: {}");
    for spelling in [
        "4111111111111111.0",
        "4.111111111111111e15",
        "4111111111111111E0",
    ] {
        let sent = format!(r#"{{"card":{spelling}}}"#);
        let (_, blocked, _) = filter(&redactor, [&*sent]).unwrap();
        assert!(blocked, "{spelling}");
    }
    let (out, blocked, _) = filter(&redactor, [r#"{"n":4.5,"m":1e300,"k":-0.0}"#]).unwrap();
    assert_eq!((&*out, blocked), (r#"{"n":4.5,"m":1e300,"k":-0.0}"#, false));
}

#[test]
fn a_blocked_value_stops_the_text_before_it() {
    let redactor = redactor("pii: { action: block }");
    let sent = r#"{"a":"to jane@example.com","b":"behind"}"#;
    for (cut, _) in sent.char_indices() {
        let (out, blocked, _) = filter(&redactor, halves(sent, cut)).unwrap();
        assert_eq!((&*out, blocked), (r#"{"a":"to "#, true), "{cut}");
    }
}

#[test]
fn numbers_have_a_limit() {
    let redactor = redactor("pii: {}");
    let number = |digits: usize| format!("[{}]", "7".repeat(digits));
    for digits in [NUMBER_BYTES_MAX - 1, NUMBER_BYTES_MAX] {
        assert!(filter(&redactor, [&*number(digits)]).is_ok(), "{digits}");
    }
    let too_long = filter(&redactor, [&*number(NUMBER_BYTES_MAX + 1)]);
    assert!(matches!(too_long, Err(ArgumentsError::NumberTooLong)));
}

#[test]
fn what_is_not_json_is_refused() {
    let redactor = redactor("pii: {}");
    for sent in ["{'a':1}", "jane@example.com", "{\"a\":jane}", "[\"\\x\"]"] {
        let refused = filter(&redactor, [sent]);
        assert!(
            matches!(refused, Err(ArgumentsError::Malformed(_))),
            "{sent}"
        );
    }
}
