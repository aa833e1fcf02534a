//! Anthropic: messages and count_tokens.

use serde_json::{Value, json};

use super::reply::{Answer, named};
use super::script::{Script, tokens};

pub(super) fn count_tokens(request: &Value) -> Answer {
    Answer::Whole(json!({"input_tokens": tokens(&request.to_string())}))
}

fn message(request: &Value, content: &Value, stop: &Value, output: u64) -> Value {
    json!({"id": "msg_mock", "type": "message", "role": "assistant", "model": request["model"], "content": content,
        "stop_reason": stop, "stop_sequence": null,
        "usage": {"input_tokens": tokens(&request.to_string()), "output_tokens": output}})
}

fn tool_use(input: &Value) -> Value {
    json!({"type": "tool_use", "id": "toolu_1", "name": "lookup", "input": input})
}

pub(super) fn messages(request: &Value, script: &Script) -> Answer {
    if request["stream"] == true {
        return stream(request, script);
    }
    let mut content = Vec::new();
    if let Some(reasoning) = &script.reasoning {
        content.push(json!({"type": "thinking", "thinking": reasoning, "signature": "c2ln"}));
    }
    let stop = match &script.tool_arguments {
        Some(arguments) => {
            content.push(tool_use(
                &serde_json::from_str(arguments).unwrap_or(Value::Null),
            ));
            "tool_use"
        }
        None => {
            content.push(json!({"type": "text", "text": script.text}));
            "end_turn"
        }
    };
    Answer::Whole(message(
        request,
        &json!(content),
        &json!(stop),
        tokens(&script.text),
    ))
}

fn block(index: usize, start: &Value, deltas: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut events =
        vec![json!({"type": "content_block_start", "index": index, "content_block": start})];
    events.extend(
        deltas.map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})),
    );
    events.push(json!({"type": "content_block_stop", "index": index}));
    events
}

fn stream(request: &Value, script: &Script) -> Answer {
    let mut events = vec![
        json!({"type": "message_start", "message": message(request, &json!([]), &Value::Null, 1)}),
        json!({"type": "ping"}),
    ];
    let mut index = 0;
    if let Some(reasoning) = &script.reasoning {
        let deltas = script
            .pieces(reasoning)
            .into_iter()
            .map(|piece| json!({"type": "thinking_delta", "thinking": piece}));
        let signature = std::iter::once(json!({"type": "signature_delta", "signature": "c2ln"}));
        events.extend(block(
            index,
            &json!({"type": "thinking", "thinking": "", "signature": ""}),
            deltas.chain(signature),
        ));
        index += 1;
    }
    let stop = if let Some(arguments) = &script.tool_arguments {
        let deltas = script
            .pieces(arguments)
            .into_iter()
            .map(|piece| json!({"type": "input_json_delta", "partial_json": piece}));
        events.extend(block(index, &tool_use(&json!({})), deltas));
        "tool_use"
    } else {
        let deltas = script
            .pieces(&script.text)
            .into_iter()
            .map(|piece| json!({"type": "text_delta", "text": piece}));
        events.extend(block(index, &json!({"type": "text", "text": ""}), deltas));
        "end_turn"
    };
    events.push(
        json!({"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": null},
        "usage": {"output_tokens": tokens(&script.text)}}),
    );
    events.push(json!({"type": "message_stop"}));
    Answer::Events(events.iter().map(named).collect())
}
