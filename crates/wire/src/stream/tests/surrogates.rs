use proptest::prelude::*;

use super::*;

fn chunk(index: u32, literal: &str) -> Event {
    let data =
        format!("{{\"choices\":[{{\"index\":{index},\"delta\":{{\"content\":\"{literal}\"}}}}]}}");
    event(None, &data)
}

fn text(reader: &mut StreamReader, event: &Event) -> (String, bool) {
    let frame = reader.read(event).unwrap();
    let delta = &frame.deltas[0];
    (delta.text.clone(), delta.altered)
}

#[test]
fn halves_are_joined_within_their_channel() {
    let mut reader = reader(Operation::ChatCompletions);
    assert_eq!(text(&mut reader, &chunk(0, r"a\ud83d")), ("a".into(), true));
    assert_eq!(text(&mut reader, &chunk(1, r"x\ud83c")), ("x".into(), true));
    // An empty piece in between changes nothing.
    assert!(reader.read(&chunk(0, "")).unwrap().deltas.is_empty());
    assert_eq!(
        text(&mut reader, &chunk(0, r"\ude00b")),
        ("😀b".into(), true)
    );
    assert_eq!(
        text(&mut reader, &chunk(1, r"\udf89\ud83d")),
        ("🎉".into(), true)
    );
    assert_eq!(text(&mut reader, &chunk(1, r"\ude00")), ("😀".into(), true));
    assert_eq!(
        text(&mut reader, &chunk(0, "plain")),
        ("plain".into(), false)
    );
    assert_eq!(
        text(&mut reader, &chunk(0, r"\ud83d\ude00")),
        ("😀".into(), false)
    );
    assert!(reader.finish().is_ok());
}

#[test]
fn a_half_alone_is_refused() {
    for pieces in [
        &[r"\ude00"][..],
        &[r"\ud83d", "x"],
        &[r"\ud83d", r"\ud83d"],
        &[r"\ud83d", r"x\ude00"],
        &[r"\ud83dx"],
        &[r"x\ude00"],
        &[r"\ud83d", r"\ude00", r"\ude00"],
    ] {
        let mut reader = reader(Operation::ChatCompletions);
        let outcomes: Vec<_> = pieces
            .iter()
            .map(|piece| reader.read(&chunk(0, piece)).is_ok())
            .collect();
        assert_eq!(outcomes.last(), Some(&false), "{pieces:?}");
    }
}

#[test]
fn a_channel_can_not_end_on_a_half() {
    let ends = [
        r#"{"choices":[{"index":0,"finish_reason":"stop"}]}"#,
        "[DONE]",
        r#"{"error":{"message":"x"}}"#,
    ];
    for end in ends {
        let mut reader = reader(Operation::ChatCompletions);
        reader.read(&chunk(0, r"\ud83d")).unwrap();
        assert!(reader.read(&event(None, end)).is_err(), "{end}");
    }
    let mut reader = reader(Operation::ChatCompletions);
    reader.read(&chunk(0, r"\ud83d")).unwrap();
    assert!(reader.finish().is_err());
}

#[test]
fn halves_outside_of_flowing_text_are_refused() {
    for data in [
        r#"{"id":"\ud83d","choices":[]}"#,
        r#"{"id\ud83d":"x","choices":[]}"#,
        r#"{"model":"m\ud83d"}"#,
        r#"{"usage":{"x":"\ud83d"}}"#,
        r#"{"choices":[{"index":0,"delta":{"content\ud83d":"x"}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"annotations":[{"title":"\ud83d"}]}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"audio":{"data":"\ud83d"}}}]}"#,
        r#"{"choices":[{"index":0,"finish_reason":"stop\ud83d"}]}"#,
        r#"{"unknown":{"a":["\ude00"]}}"#,
    ] {
        let mut reader = reader(Operation::ChatCompletions);
        assert!(reader.read(&event(None, data)).is_err(), "{data}");
    }
    for (operation, data) in [
        (
            Operation::Responses,
            r#"{"type":"response.output_text.done","text":"\ud83d"}"#,
        ),
        (
            Operation::Responses,
            r#"{"type":"response.x\ud83d.delta","delta":"x"}"#,
        ),
        (Operation::Messages, r#"{"type":"ping\ud83d"}"#),
        (
            Operation::Messages,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"\ud83d"}}"#,
        ),
        (Operation::GenerateStream, r#"{"generated_text":"\ud83d"}"#),
        (Operation::Generic, r#"{"a":"\ud83d"}"#),
    ] {
        assert!(
            reader(operation).read(&event(None, data)).is_err(),
            "{data}"
        );
    }
}

proptest! {
    /// A text written in UTF-16 escapes and cut between any two code units comes out as it was.
    #[test]
    fn any_cutting_between_code_units_gives_the_text(text in "[a\u{e9}\u{20ac}\u{1f600}\u{1f389}\\\\\"]{0,12}", cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let units: Vec<u16> = text.encode_utf16().collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(units.len() + 1)).collect();
        cuts.push(units.len());
        cuts.sort_unstable();
        let mut reader = reader(Operation::ChatCompletions);
        let (mut from, mut out) = (0, String::new());
        for cut in cuts {
            let literal: String = units[from..cut].iter().map(|unit| format!("\\u{unit:04x}")).collect();
            for delta in reader.read(&chunk(0, &literal)).unwrap().deltas {
                out.push_str(&delta.text);
            }
            from = cut;
        }
        prop_assert!(reader.finish().is_ok());
        prop_assert_eq!(out, text);
    }
}
