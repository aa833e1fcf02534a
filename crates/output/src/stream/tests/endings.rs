//! Streams that end before their time: blocked, broken off, malformed, over a limit.

use aegis_core::Reason;
use aegis_wire::sse::EVENT_BYTES_MAX;

use super::*;
use crate::stream::channel::CHANNELS_MAX;

fn everything() -> Arc<Redactor> {
    redactor("pii: {}\nsecrets: {}\n")
}

fn blocking() -> Arc<Redactor> {
    redactor("pii: { per_entity: { card: block } }")
}

fn error(format: Format, out: &Outcome) -> Option<String> {
    format.decode(&out.bytes).error
}

#[test]
fn a_blocked_value_stops_the_stream_in_the_clients_format() {
    let redactor = blocking();
    for format in Format::ALL {
        for slot in format.slots() {
            let text = "to a@b.co: 4111 1111 1111 1111, and more";
            let (sent, safe) = if clients::is_arguments(slot) {
                (format!("{{\"a\":\"{text}\"}}"), "{\"a\":\"to [EMAIL]: ")
            } else {
                (text.to_owned(), "to [EMAIL]: ")
            };
            for (cut, _) in sent.char_indices().skip(1) {
                let (head, tail) = sent.split_at(cut);
                let raw = format.encode(&[piece(slot, head), piece(slot, tail)]);
                let out = whole(&redactor, format, &raw);
                let client = format.decode(&out.bytes);
                assert_eq!(client.texts[*slot], safe, "{format:?} {slot} {cut}");
                assert!(
                    client.error.is_some() && !client.finished,
                    "{format:?} {slot}"
                );
                assert!(client.repeats.is_empty());
                assert_eq!(out.trail.ending, Some(Ending::Stopped));
                assert_eq!(out.trail.reason, Some(Reason::OutputBlocked));
                assert_eq!(out.trail.verdict, Verdict::Block);
                assert!(!String::from_utf8_lossy(&out.bytes).contains("1111 1111"));
            }
        }
    }
}

#[test]
fn a_blocked_value_in_one_channel_keeps_what_others_held() {
    let format = Format::Completions;
    let pieces = [
        piece("text/1", "write to jane"),
        piece("text/0", "4111 1111 1111 1111!"),
        piece("text/1", "@example.com"),
    ];
    let out = whole(&blocking(), format, &format.encode(&pieces));
    assert_eq!(format.decode(&out.bytes).texts["text/1"], "write to ");
    assert_eq!(error(format, &out).as_deref(), Some("output_blocked"));
}

#[test]
fn a_blocked_value_in_a_whole_text_stops_the_stream() {
    let unknown = "data: {\"type\":\"from.the.future\",\"x\":\"4111 1111 1111 1111\"}\n\n";
    let out = whole(&blocking(), Format::Responses, unknown.as_bytes());
    assert_eq!(
        error(Format::Responses, &out).as_deref(),
        Some("output_blocked")
    );
    assert_eq!(out.trail.ending, Some(Ending::Stopped));
}

#[test]
fn a_number_with_a_value_in_it_stops_the_stream() {
    let redactor = everything();
    for (format, slot) in [
        (Format::Chat, "tool/0"),
        (Format::Responses, "tool/3"),
        (Format::Messages, "tool/2"),
    ] {
        let sent = "{\"card\": 4111111111111111}";
        for cut in 1..sent.len() {
            let (head, tail) = sent.split_at(cut);
            let raw = format.encode(&[piece(slot, head), piece(slot, tail)]);
            let out = whole(&redactor, format, &raw);
            assert_eq!(
                format.decode(&out.bytes).texts[slot],
                "{\"card\": ",
                "{format:?} {cut}"
            );
            assert_eq!(out.trail.ending, Some(Ending::Stopped));
        }
    }
}

#[test]
fn a_provider_that_breaks_off_leaves_filtered_text_and_an_error() {
    let redactor = everything();
    for format in Format::ALL {
        let slot = format.slots()[0];
        for (text, released) in [
            ("write to jane@example.com", "write to [EMAIL]"),
            ("write to jane@exa", "write to jane@exa"),
            ("card 4111 1111 1111 1111", "card [CARD]"),
            ("-----BEGIN PRIVATE KEY-----\nMIIE", "[PRIVATE_KEY]"),
        ] {
            let raw = format.encode(&[piece(slot, text)]);
            // Cut behind the event that has the text.
            let at = raw
                .windows(4)
                .position(|w| w == &text.as_bytes()[..4])
                .unwrap();
            let end = at + raw[at..].windows(2).position(|w| w == b"\n\n").unwrap() + 2;
            let out = run(&redactor, format, [&raw[..end]], false);
            let client = format.decode(&out.bytes);
            assert_eq!(client.texts[slot], released, "{format:?}");
            assert!(client.error.is_some() && !client.finished, "{format:?}");
            assert_eq!(out.trail.ending, Some(Ending::UpstreamFailed));
            assert_eq!(out.trail.reason, Some(Reason::UpstreamUnavailable));
        }
    }
}

#[test]
fn a_provider_that_breaks_off_anywhere_never_lets_a_value_out() {
    let redactor = everything();
    for format in Format::ALL {
        let slot = format.slots()[0];
        let value = "jane.doe@example.com";
        let pieces = [
            piece(slot, "to jane.d"),
            piece(slot, "oe@example.com, "),
            piece(slot, "ok"),
        ];
        let raw = format.encode(&pieces);
        for cut in 0..raw.len() {
            for ends in [false, true] {
                let out = run(&redactor, format, [&raw[..cut]], ends);
                let client = format.decode(&out.bytes);
                let text = client.texts.get(slot).map_or("", |text| text);
                assert!(!text.contains(value), "{format:?} {cut}: {text}");
                assert!(
                    !(client.error.is_some() && client.finished),
                    "{format:?} {cut}"
                );
                if client.error.is_none() && !client.finished && format != Format::Generic {
                    // All was said but for the last event.
                    assert_eq!(text, "to [EMAIL], ok", "{format:?} {cut}");
                }
            }
        }
    }
}

#[test]
fn a_stream_that_ends_without_its_last_event_is_a_failure_unless_all_was_said() {
    let redactor = everything();
    let chunk = |finish: &str| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"text\":\"Hi! \",\"finish_reason\":{finish}}}]}}\n\n"
        )
    };
    let open = whole(&redactor, Format::Completions, chunk("null").as_bytes());
    assert_eq!(
        error(Format::Completions, &open).as_deref(),
        Some("upstream_unavailable")
    );
    let closed = whole(&redactor, Format::Completions, chunk("\"stop\"").as_bytes());
    assert_eq!(error(Format::Completions, &closed), None);
    assert_eq!(closed.trail.ending, None);
}

#[test]
fn malformed_events_stop_the_stream() {
    let redactor = everything();
    for bad in [
        "data: {\"choices\":\n\n",
        "data: <html>\n\n",
        "data: {\"a\":1,\"a\":2}\n\n",
        "data: {\"choices\":[{\"index\":0,\"text\":\"\\ud800 \"}]}\n\n",
        "data: {\"choices\":[{\"index\":-1,\"text\":\"x\"}]}\n\n",
    ] {
        let good = "data: {\"choices\":[{\"index\":0,\"text\":\"to jane\"}]}\n\n";
        let out = whole(
            &redactor,
            Format::Completions,
            format!("{good}{bad}{good}").as_bytes(),
        );
        let client = Format::Completions.decode(&out.bytes);
        assert_eq!(client.error.as_deref(), Some("upstream_invalid"), "{bad}");
        assert_eq!(client.texts["text/0"], "to jane", "{bad}");
        assert_eq!(out.trail.ending, Some(Ending::UpstreamFailed));
    }
    let not_utf8 = whole(&redactor, Format::Completions, b"data: \xff\n\n");
    assert_eq!(
        error(Format::Completions, &not_utf8).as_deref(),
        Some("upstream_invalid")
    );
}

#[test]
fn text_behind_a_channels_end_stops_the_stream() {
    let end = "data: {\"choices\":[{\"index\":0,\"text\":\"4111 1111 \",\"finish_reason\":\"stop\"}]}\n\n";
    let more =
        "data: {\"choices\":[{\"index\":0,\"text\":\"1111 1111\",\"finish_reason\":null}]}\n\n";
    let out = whole(
        &everything(),
        Format::Completions,
        format!("{end}{more}").as_bytes(),
    );
    assert_eq!(
        error(Format::Completions, &out).as_deref(),
        Some("upstream_invalid")
    );
}

#[test]
fn nothing_is_read_behind_the_last_event() {
    let raw = Format::Completions.encode(&[piece("text/0", "Hi! ")]);
    let more = [
        &*raw,
        b"data: {\"choices\":[{\"index\":7,\"text\":\"late\"}]}\n\n",
    ]
    .concat();
    let out = whole(&everything(), Format::Completions, &more);
    assert_eq!(out.bytes, raw);
}

#[test]
fn an_event_and_a_stream_have_limits() {
    let redactor = everything();
    let event = |bytes: usize| {
        let (head, tail) = ("data: {\"answer\":\"", "\"}\n\n");
        format!(
            "{head}{}{tail}",
            "é".repeat((bytes - head.len() - tail.len()) / 2)
        )
    };
    for (bytes, fits) in [
        (EVENT_BYTES_MAX - 1, true),
        (EVENT_BYTES_MAX, true),
        (EVENT_BYTES_MAX + 3, false),
    ] {
        let out = whole(&redactor, Format::Generic, event(bytes).as_bytes());
        assert_eq!(error(Format::Generic, &out).is_none(), fits, "{bytes}");
    }
    for (channels, fits) in [
        (CHANNELS_MAX - 1, true),
        (CHANNELS_MAX, true),
        (CHANNELS_MAX + 1, false),
    ] {
        let choices = (0..channels).map(|index| {
            format!("data: {{\"choices\":[{{\"index\":{index},\"text\":\"x\"}}]}}\n\n")
        });
        let raw = choices.collect::<String>() + "data: [DONE]\n\n";
        let out = whole(&redactor, Format::Completions, raw.as_bytes());
        assert_eq!(
            error(Format::Completions, &out).is_none(),
            fits,
            "{channels}"
        );
    }
}
