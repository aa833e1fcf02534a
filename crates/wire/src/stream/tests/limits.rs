use super::channels::CHANNELS_MAX;
use super::*;
use crate::reply::finds::NAMES_MAX;

#[test]
fn channels_are_limited() {
    let mut reader = reader(Operation::ChatCompletions);
    for number in 0..=CHANNELS_MAX {
        let data = format!("{{\"choices\":[{{\"index\":{number},\"text\":\"x\"}}]}}");
        let outcome = reader.read(&event(None, &data));
        assert_eq!(outcome.is_ok(), number < CHANNELS_MAX, "{number}");
    }
}

#[test]
fn ended_parts_are_limited() {
    let mut reader = reader(Operation::ChatCompletions);
    for number in 0..=CHANNELS_MAX {
        let data = format!("{{\"choices\":[{{\"index\":{number},\"finish_reason\":\"stop\"}}]}}");
        let outcome = reader.read(&event(None, &data));
        assert_eq!(outcome.is_ok(), number < CHANNELS_MAX, "{number}");
    }
}

#[test]
fn unknown_kinds_of_text_are_limited() {
    let mut reader = reader(Operation::Responses);
    for number in 0..=NAMES_MAX {
        let data = format!("{{\"type\":\"response.new_{number}.delta\",\"delta\":\"x\"}}");
        let outcome = reader.read(&event(None, &data));
        assert_eq!(outcome.is_ok(), number < NAMES_MAX, "{number}");
    }
}

#[test]
fn indexes_are_limited() {
    for (index, reads) in [(65_534, true), (65_535, true), (65_536, false)] {
        for data in [
            format!(
                r#"{{"choices":[{{"delta":{{"tool_calls":[{{"index":{index},"function":{{"arguments":"x"}}}}]}}}}]}}"#
            ),
            format!(
                r#"{{"choices":[{{"delta":{{"reasoning_details":[{{"index":{index},"text":"x"}}]}}}}]}}"#
            ),
        ] {
            let outcome = reader(Operation::ChatCompletions).read(&event(None, &data));
            assert_eq!(outcome.is_ok(), reads, "{data}");
        }
        let data = format!(
            r#"{{"type":"response.output_text.delta","output_index":0,"content_index":{index},"delta":"x"}}"#
        );
        assert_eq!(
            reader(Operation::Responses)
                .read(&event(None, &data))
                .is_ok(),
            reads
        );
        let data =
            format!(r#"{{"type":"content_block_delta","index":{index},"delta":{{"text":"x"}}}}"#);
        assert_eq!(
            reader(Operation::Messages)
                .read(&event(None, &data))
                .is_ok(),
            reads
        );
    }
}
