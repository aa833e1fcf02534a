//! What `redact` means, by example.

use std::borrow::Cow;

use aegis_core::Category;

use super::super::{Detector, Form, Left, Mask, RedactError, RedactStream, Redactor, Right};
use super::{key, redactor, streamed};
use crate::entity::detector;

fn rules(kinds: &[(&str, Mask)]) -> Vec<(Detector, Mask)> {
    let rules = kinds
        .iter()
        .map(|&(kind, mask)| (detector(kind).unwrap(), mask));
    rules.collect()
}

fn redacted(kinds: &[(&str, Mask)], text: &str) -> String {
    redactor(rules(kinds)).redact(text).text.into_owned()
}

const KEEP_4: Mask = Mask::Mask { keep_last: 4 };

#[test]
fn text_without_values_is_borrowed() {
    let redactor = redactor(rules(&[("email", Mask::Redact), ("card", Mask::Block)]));
    for text in [
        "",
        "nothing here",
        "ｆｕｌｌ width, zero\u{200B}width, ٤٢",
        "a@b @ c.d 4111 1112",
    ] {
        let redacted = redactor.redact(text);
        assert!(matches!(redacted.text, Cow::Borrowed(_)), "{text}");
        assert!(!redacted.blocked && redacted.findings.is_empty(), "{text}");
        let (out, ..) = streamed(&redactor, [text]);
        assert_eq!(out, text);
    }
}

#[test]
fn a_flagged_value_stays_and_the_text_is_borrowed() {
    let redactor = redactor(rules(&[("email", Mask::Flag)]));
    let redacted = redactor.redact("to jane@example.com");
    assert!(matches!(redacted.text, Cow::Borrowed(_)));
    assert_eq!(redacted.findings.len(), 1);
    assert_eq!(redacted.findings[0].range, 3..19);
}

#[test]
fn each_action_writes_its_own() {
    let text = "to jane@example.com!";
    assert_eq!(redacted(&[("email", Mask::Redact)], text), "to [EMAIL]!");
    assert_eq!(redacted(&[("email", KEEP_4)], text), "to ****@******e.com!");
    assert_eq!(redacted(&[("email", Mask::Block)], text), "to ");
    assert_eq!(redacted(&[("email", Mask::Flag)], text), text);
    let hashed = redacted(
        &[("email", Mask::Hash)],
        "JANE@example.com jane@example.com j@x.co",
    );
    let hashes: Vec<&str> = hashed.split(' ').collect();
    assert_eq!(hashes[0], hashes[1]);
    assert_ne!(hashes[0], hashes[2]);
    assert_eq!(hashes[0].len(), "[EMAIL:]".len() + 12);
}

#[test]
fn overlapping_values_share_a_placeholder_and_touching_ones_do_not() {
    let both = [("phone", Mask::Redact), ("card", Mask::Redact)];
    assert_eq!(redacted(&both, "415 555 4111 1111 1111 1111"), "[PHONE]");
    let text = "4111 1111 1111 1111\u{200B}, é";
    assert_eq!(
        redacted(&both, text),
        "[CARD]\u{200B}, é",
        "the mark does not belong to the value"
    );
    let mails = redacted(
        &[("email", Mask::Redact), ("ip", Mask::Redact)],
        "a@b.co,10.0.0.1",
    );
    assert_eq!(mails, "[EMAIL],[IP]");
}

#[test]
fn a_flag_does_not_unmask_what_overlaps_it() {
    let kinds = [("phone", Mask::Flag), ("card", Mask::Redact)];
    assert_eq!(
        redacted(&kinds, "415 555 4111 1111 1111 1111"),
        "415 555 [CARD]"
    );
    let found = redactor(rules(&kinds))
        .redact("415 555 4111 1111 1111 1111")
        .findings;
    let found: Vec<_> = found
        .iter()
        .map(|finding| (finding.entity, finding.mask))
        .collect();
    assert_eq!(found, [("phone", Mask::Flag), ("card", Mask::Redact)]);
}

#[test]
fn last_characters_stay_only_if_no_other_value_reaches_them() {
    let kinds = [("phone", KEEP_4), ("card", Mask::Redact)];
    assert_eq!(redacted(&kinds, "call 415 555 2671"), "call *** *** 2671");
    assert_eq!(redacted(&kinds, "415 555 4111 1111 1111 1111"), "[PHONE]");
    let kinds = [("basic_auth_url", KEEP_4), ("email", Mask::Redact)];
    assert_eq!(
        redacted(&kinds, "https://bob:hunter2@example.com"),
        "https://[BASIC_AUTH_URL]",
        "hunter2@example.com may be an address"
    );
}

#[test]
fn a_value_to_block_ends_the_text_inside_a_region_too() {
    let redactor = redactor(rules(&[("phone", Mask::Redact), ("card", Mask::Block)]));
    let text = "x 415 555 4111 1111 1111 1111 y";
    let whole = redactor.redact(text);
    assert!(whole.blocked);
    assert_eq!(whole.text, "x [PHONE]");
    let (out, findings, mut stream) =
        streamed(&redactor, ["x 415 555 4111 1111", " 1111 1111", " y"]);
    assert_eq!((out.as_str(), &findings), ("x [PHONE]", &whole.findings));
    assert!(stream.blocked());
    let mut more = String::new();
    stream.push("more", &mut more, &mut Vec::new());
    stream.finish(&mut more, &mut Vec::new());
    assert!(more.is_empty());
}

#[test]
fn context_stays_visible_unless_another_value_hides_it() {
    assert_eq!(
        redacted(&[("nhs", KEEP_4)], "NHS number: 9434765919"),
        "NHS number: ******5919"
    );
    let toy = |name, core, lead: Option<fn(&str) -> usize>| {
        let form = Form::new(core).left(Left::Any).right(Right::Any);
        let form = match lead {
            Some(lead) => form.lead(lead),
            None => form,
        };
        (
            Detector::new(name, Category::Pii, 1).form(form),
            Mask::Redact,
        )
    };
    let named = || toy("named", "id: [0-9]{4}", Some(|_| 4));
    assert_eq!(
        redactor(vec![named()]).redact("id: 1234").text,
        "id: [NAMED]"
    );
    let claims = toy("claims", "d: [0-9]{2}", None);
    assert_eq!(
        redactor(vec![named(), claims]).redact("id: 1234").text,
        "[NAMED]"
    );
    let behind = toy("behind", "d: [0-9]{4}", Some(|_| 3));
    assert_eq!(
        redactor(vec![named(), behind]).redact("id: 1234").text,
        "id: [NAMED]"
    );
}

#[test]
fn the_highest_priority_gives_its_name_and_of_equals_the_longest() {
    let toy = |name, priority, core: &'static str| {
        let form = Form::new(core).left(Left::Any).right(Right::Any);
        (
            Detector::new(name, Category::Pii, priority).form(form),
            Mask::Redact,
        )
    };
    let text = |rules| redactor(rules).redact("abc").text.into_owned();
    assert_eq!(
        text(vec![toy("low", 1, "abc"), toy("high", 2, "ab")]),
        "[HIGH]"
    );
    assert_eq!(
        text(vec![toy("short", 1, "ab"), toy("long", 1, "abc")]),
        "[LONG]"
    );
    assert_eq!(
        text(vec![toy("first", 1, "abc"), toy("second", 1, "abc")]),
        "[FIRST]"
    );
}

#[test]
fn a_tail_is_masked_as_it_comes_and_never_held() {
    let redactor = redactor(rules(&[
        ("openai_key", Mask::Redact),
        ("private_key", Mask::Redact),
    ]));
    let mut stream = redactor.stream();
    let (mut out, mut findings) = (String::new(), Vec::new());
    stream.push("key sk-proj-Ab1Cd2Ef3Gh4Ij5Kl6Mn7", &mut out, &mut findings);
    assert_eq!(out, "key [OPENAI_KEY]");
    for _ in 0..10_000 {
        stream.push("Op8Qr9St0", &mut out, &mut findings);
        assert_eq!(stream.held(), 0);
    }
    stream.push(" -----BEGIN PRIVATE KEY-----", &mut out, &mut findings);
    for _ in 0..1_000 {
        stream.push("MIIEowIBAAKCAQEA\n", &mut out, &mut findings);
        assert!(stream.held() <= redactor.hold_max());
    }
    stream.push("-----END PRIVATE KEY----- done", &mut out, &mut findings);
    stream.finish(&mut out, &mut findings);
    assert_eq!(out, "key [OPENAI_KEY] [PRIVATE_KEY] done");
    assert!(findings.iter().all(|finding| finding.digest.is_none()));
}

#[test]
fn hashes_of_equal_values_are_equal_with_a_tail_too() {
    let redactor = redactor(rules(&[("openai_key", Mask::Hash)]));
    let text = |last: char| format!("sk-proj-Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9{last}");
    let [a, b, c] = ['x', 'x', 'y'].map(|last| redactor.redact(&text(last)).text.into_owned());
    assert_eq!(a, b);
    assert_ne!(a, c);
}

#[test]
fn ranges_count_the_bytes_of_the_text_as_received() {
    let redactor = redactor(rules(&[("email", Mask::Redact), ("card", Mask::Redact)]));
    let text = "→\u{200B}\u{200B}ｊane＠example．com ٤١١١ ١١١١ ١١١١ ١١١١!";
    let whole = redactor.redact(text);
    assert_eq!(whole.text, "→\u{200B}\u{200B}[EMAIL] [CARD]!");
    let found: Vec<&str> = whole
        .findings
        .iter()
        .map(|f| &text[f.range.clone()])
        .collect();
    assert_eq!(found, ["ｊane＠example．com", "٤١١١ ١١١١ ١١١١ ١١١١"]);
}

#[test]
fn invisible_characters_hide_a_value_only_beyond_the_limit() {
    let redactor = redactor(rules(&[("card", Mask::Redact)]));
    let card = |n: usize| format!("4111{} 1111 1111 1111", "\u{200B}".repeat(n));
    assert_eq!(redactor.redact(&card(15)).text, "[CARD]");
    assert_eq!(redactor.redact(&card(16)).text, "[CARD]");
    assert_eq!(redactor.redact(&card(17)).text, card(17));
}

#[test]
fn text_is_held_only_while_a_value_may_be_in_progress() {
    let redactor = redactor(rules(&[("card", Mask::Redact), ("email", Mask::Redact)]));
    let mut stream = redactor.stream();
    let (mut out, mut findings) = (String::new(), Vec::new());
    let mut after = |piece: &str| {
        out.clear();
        stream.push(piece, &mut out, &mut findings);
        (out.clone(), stream.held())
    };
    assert_eq!(after("Hello "), ("Hello ".into(), 0));
    assert_eq!(after("a@b.com"), (String::new(), 7));
    assert_eq!(after(","), ("[EMAIL],".into(), 0));
    assert_eq!(after("jane"), (String::new(), 4));
    assert_eq!(after(" 4111 "), ("jane ".into(), 5));
    assert_eq!(after("1111 11"), (String::new(), 12));
    assert_eq!(after("11 1112"), (String::new(), 19));
    assert_eq!(after(", ok. "), ("4111 1111 1111 1112, ok. ".into(), 0));
}

#[test]
fn without_detectors_everything_passes() {
    let redactor = redactor(Vec::new());
    assert!(redactor.is_empty() && redactor.hold_max() == 0);
    assert!(matches!(
        redactor.redact("jane@example.com").text,
        Cow::Borrowed(_)
    ));
    assert_eq!(
        streamed(&redactor, ["jane@", "example.com"]).0,
        "jane@example.com"
    );
}

#[test]
fn wrong_detectors_are_refused_with_their_name() {
    let wrong = |core: &'static str| {
        let detector = Detector::new("toy", Category::Pii, 1).form(Form::new(core));
        Redactor::new(vec![(detector, Mask::Redact)], key()).unwrap_err()
    };
    for core in ["a+", "a?", "a(", "a$", "(?=a)b"] {
        let error = wrong(core);
        assert!(error.to_string().starts_with("detector toy: "), "{error}");
    }
    let forms = |count| {
        let forms = std::iter::repeat_n(Form::new("ab"), count);
        let detector = Detector::new("toy", Category::Pii, 1).forms(forms);
        Redactor::new(vec![(detector, Mask::Redact)], key())
    };
    assert!(forms(255).is_ok() && forms(256).is_ok());
    assert!(matches!(forms(257), Err(RedactError::TooManyForms)));
}

#[test]
fn redactors_are_shared_and_streams_move_between_threads() {
    fn shared<T: Send + Sync>() {}
    fn moved<T: Send>() {}
    shared::<Redactor>();
    moved::<RedactStream>();
}

#[test]
fn a_hold_is_as_long_as_the_longest_value_and_no_longer() {
    let form = Form::new("a{1,40}b").left(Left::Any).right(Right::Any);
    let detector = Detector::new("toy", Category::Pii, 1).form(form);
    let redactor = redactor(vec![(detector, Mask::Redact)]);
    for (count, held) in [(39, 39), (40, 40), (41, 40), (1_000, 40)] {
        let mut stream = redactor.stream();
        let mut out = String::new();
        stream.push(&"a".repeat(count), &mut out, &mut Vec::new());
        assert_eq!((stream.held(), out.len()), (held, count - held), "{count}");
        stream.push("b.", &mut out, &mut Vec::new());
        assert_eq!(out, format!("{}[TOY].", "a".repeat(count - held)));
    }
    assert!(redactor.hold_max() >= 41);
}

#[test]
fn nothing_printed_for_debugging_holds_text() {
    let redactor = redactor(rules(&[("email", Mask::Flag)]));
    let mut stream = redactor.stream();
    stream.push("jane@example.com", &mut String::new(), &mut Vec::new());
    let redacted = redactor.redact("jane@example.com");
    for printed in [
        format!("{redacted:?}"),
        format!("{stream:?}"),
        format!("{redactor:?}"),
    ] {
        assert!(!printed.contains("jane"), "{printed}");
    }
}
