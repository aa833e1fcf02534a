//! HuggingFace Text Generation Inference, and a generic HTTP API for the orchestrator.

use serde_json::{Value, json};

use super::reply::{Answer, data};
use super::script::{Script, tokens};

pub(super) fn generate(script: &Script) -> Answer {
    Answer::Whole(json!({"generated_text": script.text,
        "details": {"finish_reason": "eos_token", "generated_tokens": tokens(&script.text), "seed": null, "prefill": [], "tokens": []}}))
}

pub(super) fn generate_stream(script: &Script) -> Answer {
    let pieces = script.pieces(&script.text);
    let last = pieces.len().saturating_sub(1);
    let events = pieces.iter().enumerate().map(|(index, piece)| {
        let token = json!({"id": index, "text": piece, "logprob": -0.1, "special": false});
        let (text, details) = if index == last {
            (json!(script.text), json!({"finish_reason": "eos_token", "generated_tokens": pieces.len(), "seed": null, "input_length": 4}))
        } else {
            (Value::Null, Value::Null)
        };
        data(&json!({"index": index, "token": token, "generated_text": text, "details": details}))
    });
    Answer::Events(events.collect())
}

/// `{"answer": {"text": …}}`, or events `{"delta": …}` where the request says `"stream": true`.
pub(super) fn generic(request: &Value, script: &Script) -> Answer {
    if request["stream"] == true {
        let mut events: Vec<String> = script
            .pieces(&script.text)
            .iter()
            .map(|piece| data(&json!({"delta": piece})))
            .collect();
        events.push(data(&json!({"done": true})));
        return Answer::Events(events);
    }
    Answer::Whole(json!({"answer": {"text": script.text}, "trace": {"steps": 3}}))
}
