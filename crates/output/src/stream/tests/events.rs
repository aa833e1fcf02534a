//! Single events: what stays, what goes, what is replaced.

use super::*;

fn everything() -> Arc<Redactor> {
    redactor("pii: {}\nsecrets: {}\n")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_stream_without_values_keeps_every_byte() {
    let redactor = everything();
    for format in Format::ALL {
        for slot in format.slots() {
            // Every delta ends where no value can be in progress.
            let pieces: Vec<_> = if clients::is_arguments(slot) {
                vec![piece(slot, "{\"a\":[1,"), piece(slot, "\"\\u00e9! \"]}")]
            } else {
                vec![
                    piece(slot, "Hi! "),
                    piece(slot, ""),
                    piece(slot, "é 😀 \"x\" \\ fine. "),
                ]
            };
            let raw = format.encode(&pieces);
            let out = whole(&redactor, format, &raw);
            // Token numbers spell the text: a filter that may hold text takes them out.
            let expected = text(&raw).replace("\"token\":{\"id\":1", "\"token\":{\"id\":0");
            assert_eq!(text(&out.bytes), expected, "{format:?} {slot}");
            assert_eq!(out.trail.verdict, Verdict::Allow);
        }
    }
}

#[test]
fn without_detectors_every_byte_stays_however_unusual() {
    let redactor = redactor("{}");
    let raw = concat!(
        "\u{feff}: hello\r\n\r\ndata:{\"choices\":[{\"index\":0,\"text\":\"jane@ex\"}]}\n\n",
        "id: 7\rdata: {\"choices\":\rdata: [{\"index\":0,\"text\":\"ample.com\"}]}\r\r",
        ": ping\n\nretry: 3\n\ndata: {\"choices\":[{\"index\":0,\"text\":\"\",\"finish_reason\":\"stop\"}]}\n\n",
        "data: [DONE]\n\n",
    );
    for cut in 0..raw.len() {
        let (head, tail) = raw.as_bytes().split_at(cut);
        let out = run(&redactor, Format::Completions, [head, tail], true);
        assert_eq!(text(&out.bytes), raw);
    }
}

#[test]
fn an_event_left_without_text_is_dropped_and_its_text_comes_later() {
    let raw = Format::Generic.encode(&[
        piece("text/0", "jane"),
        piece("text/0", "@example"),
        piece("text/0", ".com is it. "),
    ]);
    let raw = text(&raw).replace(",\"n\":1", "").replace("\"n\":1,", "");
    let out = whole(&everything(), Format::Generic, raw.as_bytes());
    assert_eq!(
        text(&out.bytes),
        "data: {\"answer\":\"[EMAIL] is it. \"}\n\n"
    );
}

#[test]
fn what_is_held_at_a_channels_end_goes_out_before_the_end() {
    for format in [
        Format::Chat,
        Format::Completions,
        Format::Responses,
        Format::Messages,
    ] {
        let slot = format.slots()[0];
        let out = whole(
            &everything(),
            format,
            &format.encode(&[piece(slot, "write to jane")]),
        );
        let out = text(&out.bytes);
        let held = out.find("jane").unwrap();
        let ends = [
            "finish_reason\":\"stop\"",
            "output_text.done",
            "content_block_stop",
        ];
        let end = ends.iter().filter_map(|end| out.find(end)).min().unwrap();
        assert!(held < end, "{format:?} {out}");
    }
}

#[test]
fn two_choices_never_join() {
    for (format, a, b) in [
        (Format::Chat, "content/0", "content/1"),
        (Format::Chat, "content/0", "refusal/0"),
        (Format::Chat, "content/0", "reasoning/0"),
        (Format::Completions, "text/0", "text/1"),
        (Format::Responses, "text/0", "refusal/1"),
        (Format::Messages, "text/0", "text/3"),
    ] {
        let pieces = [
            piece(a, "jane"),
            piece(b, "@example.com"),
            piece(a, "@example.org"),
            piece(b, "!"),
        ];
        let out = whole(&everything(), format, &format.encode(&pieces));
        let client = format.decode(&out.bytes);
        assert_eq!(client.texts[a], "[EMAIL]", "{format:?}");
        assert_eq!(client.texts[b], "@example.com!", "{format:?}");
    }
}

#[test]
fn what_repeats_the_text_token_by_token_is_emptied() {
    let raw = concat!(
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi! \"},\"logprobs\":",
        "{\"content\":[{\"token\":\"Hi! \",\"logprob\":-0.1,\"bytes\":[72]}]}}]}\n\n",
        "data: [DONE]\n\n",
    );
    let masked = whole(&everything(), Format::Chat, raw.as_bytes());
    assert_eq!(
        text(&masked.bytes),
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi! \"},\"logprobs\":null}]}\n\ndata: [DONE]\n\n"
    );
    let off = whole(&redactor("{}"), Format::Chat, raw.as_bytes());
    assert_eq!(text(&off.bytes), raw);
}

#[test]
fn halves_of_a_character_are_joined_across_events() {
    let event =
        |text: &str| format!("data: {{\"choices\":[{{\"index\":0,\"text\":\"{text}\"}}]}}\n\n");
    let raw = event("a \\ud83d") + &event("\\ude00 b") + "data: [DONE]\n\n";
    for redactor in [everything(), redactor("{}")] {
        let out = whole(&redactor, Format::Completions, raw.as_bytes());
        assert_eq!(
            Format::Completions.decode(&out.bytes).texts["text/0"],
            "a 😀 b"
        );
    }
}

#[test]
fn values_around_the_data_are_left_out() {
    let raw = concat!(
        ": mail jane@example.com\n\n",
        ": jane@example.com\nid: AKIAIOSFODNN7EXAMPLE\nevent: note\ndata: {\"answer\":\"Hi! \"}\n\n",
        ": fine\ndata: {\"answer\":\"you! \"}\n\n",
    );
    let out = whole(&everything(), Format::Generic, raw.as_bytes());
    assert_eq!(
        text(&out.bytes),
        "event: note\ndata: {\"answer\":\"Hi! \"}\n\n: fine\ndata: {\"answer\":\"you! \"}\n\n"
    );
}

#[test]
fn events_of_unknown_type_are_filtered_as_whole_texts() {
    let unknown = "{\"type\":\"from.the.future\",\"x\":{\"y\":[\"to jane@example.com\"]}}";
    for format in [Format::Responses, Format::Messages] {
        let raw = [
            b"data: ".as_slice(),
            unknown.as_bytes(),
            b"\n\n",
            &format.encode(&[]),
        ]
        .concat();
        let out = whole(&everything(), format, &raw);
        assert!(text(&out.bytes).contains("to [EMAIL]"), "{format:?}");
    }
}

#[test]
fn usage_and_findings_are_noted() {
    for format in [Format::Chat, Format::Responses, Format::Messages] {
        let slot = format.slots()[0];
        let out = whole(
            &everything(),
            format,
            &format.encode(&[piece(slot, "a@b.co 4111 1111 1111 1111 ")]),
        );
        assert_eq!(out.trail.usage.input_tokens, Some(3), "{format:?}");
        assert_eq!(out.trail.usage.output_tokens, Some(5), "{format:?}");
        assert_eq!(out.trail.verdict, Verdict::Redact);
        let rules: Vec<_> = out
            .trail
            .threats
            .iter()
            .map(|threat| &*threat.rule)
            .collect();
        assert!(
            rules.contains(&"email") && rules.contains(&"card"),
            "{rules:?}"
        );
        assert!(
            out.trail
                .threats
                .iter()
                .all(|threat| threat.digest.is_some())
        );
        assert_eq!(out.trail.ending, None);
    }
}
