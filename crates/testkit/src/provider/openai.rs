//! OpenAI: chat completions, completions, responses, embeddings.

use serde_json::{Value, json};

use super::reply::{Answer, data, named};
use super::script::{Script, tokens};

const CREATED: u64 = 1_760_000_000;

fn usage(request: &Value, script: &Script) -> Value {
    let (input, output) = (tokens(&request.to_string()), tokens(&script.text));
    json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output})
}

fn tool_call(arguments: &str) -> Value {
    json!({"id": "call_1", "type": "function", "function": {"name": "lookup", "arguments": arguments}})
}

pub(super) fn chat(request: &Value, script: &Script) -> Answer {
    if request["stream"] == true {
        chat_stream(request, script)
    } else {
        chat_whole(request, script)
    }
}

fn chat_whole(request: &Value, script: &Script) -> Answer {
    let choices: Vec<Value> = (0..request["n"].as_u64().unwrap_or(1) as usize)
        .map(|index| match &script.tool_arguments {
            Some(arguments) => json!({"index": index, "finish_reason": "tool_calls", "logprobs": null,
                "message": {"role": "assistant", "content": null, "refusal": null, "tool_calls": [tool_call(arguments)]}}),
            None => {
                let mut message = json!({"role": "assistant", "content": script.choice(index), "refusal": null});
                if let Some(reasoning) = &script.reasoning {
                    message["reasoning_content"] = json!(reasoning);
                }
                json!({"index": index, "finish_reason": "stop", "logprobs": null, "message": message})
            }
        })
        .collect();
    Answer::Whole(
        json!({"id": "chatcmpl-mock", "object": "chat.completion", "created": CREATED,
        "model": request["model"], "choices": choices, "usage": usage(request, script), "service_tier": "default"}),
    )
}

fn chat_stream(request: &Value, script: &Script) -> Answer {
    let chunk = |choices: Value| {
        data(
            &json!({"id": "chatcmpl-mock", "object": "chat.completion.chunk", "created": CREATED,
            "model": request["model"], "choices": choices}),
        )
    };
    let delta = |index: usize, delta: Value| {
        chunk(json!([{"index": index, "delta": delta, "finish_reason": null}]))
    };
    let count = request["n"].as_u64().unwrap_or(1) as usize;
    let mut events: Vec<String> = (0..count)
        .map(|index| delta(index, json!({"role": "assistant", "content": ""})))
        .collect();
    if let Some(arguments) = &script.tool_arguments {
        events.push(delta(
            0,
            json!({"tool_calls": [{"index": 0, "id": "call_1", "type": "function",
            "function": {"name": "lookup", "arguments": ""}}]}),
        ));
        for piece in script.pieces(arguments) {
            events.push(delta(
                0,
                json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}),
            ));
        }
        events.push(chunk(
            json!([{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]),
        ));
    } else {
        if let Some(reasoning) = &script.reasoning {
            events.extend(
                script
                    .pieces(reasoning)
                    .iter()
                    .map(|piece| delta(0, json!({"reasoning_content": piece}))),
            );
        }
        let texts: Vec<String> = (0..count).map(|index| script.choice(index)).collect();
        let pieces: Vec<Vec<&str>> = texts.iter().map(|text| script.pieces(text)).collect();
        // Choices interleaved, as providers send them.
        for step in 0..pieces.iter().map(Vec::len).max().unwrap_or(0) {
            for (index, list) in pieces.iter().enumerate() {
                events.extend(
                    list.get(step)
                        .map(|piece| delta(index, json!({"content": piece}))),
                );
            }
        }
        events.extend(
            (0..count).map(|index| {
                chunk(json!([{"index": index, "delta": {}, "finish_reason": "stop"}]))
            }),
        );
    }
    if request["stream_options"]["include_usage"] == true {
        events.push(data(
            &json!({"id": "chatcmpl-mock", "object": "chat.completion.chunk", "created": CREATED,
            "model": request["model"], "choices": [], "usage": usage(request, script)}),
        ));
    }
    events.push("data: [DONE]\n\n".into());
    Answer::Events(events)
}

pub(super) fn completions(request: &Value, script: &Script) -> Answer {
    let body = |choices: Value| json!({"id": "cmpl-mock", "object": "text_completion", "created": CREATED, "model": request["model"], "choices": choices});
    let count = request["n"].as_u64().unwrap_or(1) as usize;
    if request["stream"] != true {
        let choices: Vec<Value> = (0..count)
            .map(|index| json!({"index": index, "text": script.choice(index), "logprobs": null, "finish_reason": "stop"}))
            .collect();
        let mut whole = body(json!(choices));
        whole["usage"] = usage(request, script);
        return Answer::Whole(whole);
    }
    let mut events = Vec::new();
    for index in 0..count {
        let text = script.choice(index);
        events.extend(script.pieces(&text).iter().map(|piece| {
            data(&body(
                json!([{"index": index, "text": piece, "logprobs": null, "finish_reason": null}]),
            ))
        }));
        events.push(data(&body(
            json!([{"index": index, "text": "", "logprobs": null, "finish_reason": "stop"}]),
        )));
    }
    events.push("data: [DONE]\n\n".into());
    Answer::Events(events)
}

pub(super) fn embeddings(request: &Value) -> Answer {
    let count = request["input"].as_array().map_or(1, Vec::len);
    let rows: Vec<Value> = (0..count)
        .map(|index| json!({"object": "embedding", "index": index, "embedding": [0.25, -0.5, 0.125]}))
        .collect();
    Answer::Whole(
        json!({"object": "list", "data": rows, "model": request["model"], "usage": {"prompt_tokens": 8, "total_tokens": 8}}),
    )
}

fn response_item(script: &Script) -> Value {
    match &script.tool_arguments {
        Some(arguments) => {
            json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "lookup",
            "arguments": arguments, "status": "completed"})
        }
        None => {
            json!({"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
            "content": [{"type": "output_text", "text": script.text, "annotations": []}]})
        }
    }
}

fn response_object(request: &Value, script: &Script, status: &str, output: &Value) -> Value {
    let (input, out) = (tokens(&request.to_string()), tokens(&script.text));
    json!({"id": "resp_mock", "object": "response", "created_at": CREATED, "status": status, "error": null,
        "incomplete_details": null, "instructions": null, "metadata": {}, "model": request["model"], "output": output,
        "parallel_tool_calls": true, "temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0,
        "usage": {"input_tokens": input, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": out,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": input + out}})
}

pub(super) fn responses(request: &Value, script: &Script) -> Answer {
    let item = response_item(script);
    let done = response_object(request, script, "completed", &json!([item]));
    if request["stream"] != true {
        return Answer::Whole(done);
    }
    let start = response_object(request, script, "in_progress", &json!([]));
    let mut events = vec![
        json!({"type": "response.created", "response": start}),
        json!({"type": "response.in_progress", "response": start}),
    ];
    if let Some(arguments) = &script.tool_arguments {
        let mut opening = item.clone();
        opening["arguments"] = json!("");
        opening["status"] = json!("in_progress");
        events.push(
            json!({"type": "response.output_item.added", "output_index": 0, "item": opening}),
        );
        events.extend(script.pieces(arguments).iter().map(|piece| {
            json!({"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 0, "delta": piece})
        }));
        events.push(json!({"type": "response.function_call_arguments.done", "item_id": "fc_1", "output_index": 0, "arguments": arguments, "name": "lookup"}));
    } else {
        events.push(json!({"type": "response.output_item.added", "output_index": 0,
            "item": {"type": "message", "id": "msg_1", "status": "in_progress", "role": "assistant", "content": []}}));
        events.push(json!({"type": "response.content_part.added", "item_id": "msg_1", "output_index": 0, "content_index": 0,
            "part": {"type": "output_text", "text": "", "annotations": []}}));
        events.extend(script.pieces(&script.text).iter().map(|piece| {
            json!({"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": piece, "logprobs": []})
        }));
        events.push(json!({"type": "response.output_text.done", "item_id": "msg_1", "output_index": 0, "content_index": 0,
            "text": script.text, "logprobs": []}));
        events.push(json!({"type": "response.content_part.done", "item_id": "msg_1", "output_index": 0, "content_index": 0,
            "part": {"type": "output_text", "text": script.text, "annotations": []}}));
    }
    events.push(json!({"type": "response.output_item.done", "output_index": 0, "item": item}));
    events.push(json!({"type": "response.completed", "response": done}));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = json!(number);
    }
    Answer::Events(events.iter().map(named).collect())
}
