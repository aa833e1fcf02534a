//! Providers' streams as they write them, and clients as they read them; independent of `wire`.

use std::collections::BTreeMap;

use aegis_core::{GenericFields, Operation, Route};
use serde_json::{Value, json};

/// A way of streaming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Chat,
    Completions,
    Responses,
    Messages,
    Tgi,
    Generic,
}

/// Where in a reply a text stands.
pub(super) type Slot = &'static str;

/// One delta.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) slot: Slot,
    pub(super) text: String,
}

/// What a client has in the end.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Client {
    /// The deltas of each slot, joined.
    pub(super) texts: BTreeMap<String, String>,
    /// Whole texts that repeat a slot's deltas.
    pub(super) repeats: Vec<(String, String)>,
    /// The code or type of an error event.
    pub(super) error: Option<String>,
    /// Whether the stream said that it ended.
    pub(super) finished: bool,
}

impl Format {
    pub(super) const ALL: [Self; 6] = [
        Self::Chat,
        Self::Completions,
        Self::Responses,
        Self::Messages,
        Self::Tgi,
        Self::Generic,
    ];

    pub(super) fn route(self) -> Route {
        let operation = match self {
            Self::Chat => Operation::ChatCompletions,
            Self::Completions => Operation::Completions,
            Self::Responses => Operation::Responses,
            Self::Messages => Operation::Messages,
            Self::Tgi => Operation::GenerateStream,
            Self::Generic => Operation::Generic,
        };
        let mut route = Route::builtin(operation);
        if self == Self::Generic {
            route.generic = Some(
                GenericFields {
                    answer: vec!["/answer".into()],
                    ..GenericFields::default()
                }
                .into(),
            );
        }
        route
    }

    /// Every place where a delta's text may stand.
    pub(super) const fn slots(self) -> &'static [Slot] {
        match self {
            Self::Chat => &[
                "content/0",
                "content/1",
                "refusal/0",
                "reasoning/0",
                "tool/0",
                "tool/1",
            ],
            Self::Completions => &["text/0", "text/1"],
            Self::Responses => &["text/0", "refusal/1", "reasoning/2", "tool/3"],
            Self::Messages => &["text/0", "thinking/1", "tool/2", "text/3"],
            Self::Tgi | Self::Generic => &["text/0"],
        }
    }

    /// The bytes of a stream of `pieces`.
    pub(super) fn encode(self, pieces: &[Piece]) -> Vec<u8> {
        let mut out = Stream::default();
        match self {
            Self::Chat => chat(pieces, &mut out),
            Self::Completions => completions(pieces, &mut out),
            Self::Responses => responses(pieces, &mut out),
            Self::Messages => messages(pieces, &mut out),
            Self::Tgi => tgi(pieces, &mut out),
            Self::Generic => {
                for piece in pieces {
                    out.data(&json!({"answer": piece.text, "n": 1}));
                }
            }
        }
        out.0.into_bytes()
    }

    /// What a client makes of the bytes of a stream.
    pub(super) fn decode(self, raw: &[u8]) -> Client {
        let mut client = Client::default();
        let text = std::str::from_utf8(raw).unwrap();
        for event in text.split("\n\n").filter(|event| !event.is_empty()) {
            let lines = event.lines().filter_map(|line| line.strip_prefix("data: "));
            let data = lines.collect::<Vec<_>>().join("\n");
            if data == "[DONE]" {
                client.finished = true;
                continue;
            }
            let data: Value =
                serde_json::from_str(&data).unwrap_or_else(|e| panic!("{e}: {event}"));
            client.read(self, &data);
        }
        client
    }
}

/// Whether the texts of `slot` are JSON inside a string.
pub(super) fn is_arguments(slot: Slot) -> bool {
    slot.starts_with("tool")
}

fn index(slot: Slot) -> u32 {
    slot.rsplit('/').next().unwrap().parse().unwrap()
}

#[derive(Default)]
struct Stream(String);

impl Stream {
    fn data(&mut self, data: &Value) {
        self.0.push_str(&format!("data: {data}\n\n"));
    }

    fn named(&mut self, data: &Value) {
        let name = data["type"].as_str().unwrap();
        self.0.push_str(&format!("event: {name}\ndata: {data}\n\n"));
    }
}

fn chat_chunk(index: u32, delta: &Value, finish: Option<&str>) -> Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": index, "delta": delta, "logprobs": null, "finish_reason": finish}]})
}

fn chat(pieces: &[Piece], out: &mut Stream) {
    out.data(&chat_chunk(
        0,
        &json!({"role": "assistant", "content": ""}),
        None,
    ));
    let mut called = Vec::new();
    for Piece { slot, text } in pieces {
        let n = index(slot);
        let (choice, delta) = match slot.split('/').next().unwrap() {
            "content" => (n, json!({"content": text})),
            "refusal" => (n, json!({"refusal": text})),
            "reasoning" => (n, json!({"reasoning_content": text})),
            _ if called.contains(&n) => (
                0,
                json!({"tool_calls": [{"index": n, "function": {"arguments": text}}]}),
            ),
            _ => {
                called.push(n);
                (
                    0,
                    json!({"tool_calls": [{"index": n, "id": "call_1", "type": "function",
                    "function": {"name": "f", "arguments": text}}]}),
                )
            }
        };
        out.data(&chat_chunk(choice, &delta, None));
    }
    for choice in [0, 1] {
        out.data(&chat_chunk(choice, &json!({}), Some("stop")));
    }
    out.data(
        &json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}}),
    );
    out.0.push_str("data: [DONE]\n\n");
}

fn completions(pieces: &[Piece], out: &mut Stream) {
    for Piece { slot, text } in pieces {
        out.data(
            &json!({"id": "cmpl-1", "object": "text_completion", "choices":
            [{"index": index(slot), "text": text, "logprobs": null, "finish_reason": null}]}),
        );
    }
    for choice in [0, 1] {
        out.data(
            &json!({"id": "cmpl-1", "object": "text_completion", "choices":
            [{"index": choice, "text": "", "logprobs": null, "finish_reason": "stop"}]}),
        );
    }
    out.0.push_str("data: [DONE]\n\n");
}

fn joined(pieces: &[Piece], slot: Slot) -> String {
    let own = pieces.iter().filter(|piece| piece.slot == slot);
    own.map(|piece| &*piece.text).collect()
}

fn responses_names(slot: Slot) -> (&'static str, &'static str, &'static str) {
    match slot.split('/').next().unwrap() {
        "text" => ("response.output_text", "text", "content_index"),
        "refusal" => ("response.refusal", "refusal", "content_index"),
        "reasoning" => ("response.reasoning_summary_text", "text", "summary_index"),
        _ => (
            "response.function_call_arguments",
            "arguments",
            "content_index",
        ),
    }
}

fn responses(pieces: &[Piece], out: &mut Stream) {
    out.named(&json!({"type": "response.created", "sequence_number": 0,
        "response": {"id": "resp_1", "object": "response", "status": "in_progress", "output": []}}));
    for Piece { slot, text } in pieces {
        let (name, _, sub) = responses_names(slot);
        out.named(
            &json!({"type": format!("{name}.delta"), "item_id": "item_1", "sequence_number": 1,
            "output_index": index(slot), sub: 0, "delta": text}),
        );
    }
    let used = Format::Responses.slots().iter();
    let used: Vec<_> = used
        .filter(|slot| pieces.iter().any(|piece| piece.slot == **slot))
        .collect();
    let mut output = Vec::new();
    for slot in used {
        let (name, field, sub) = responses_names(slot);
        let text = joined(pieces, slot);
        out.named(
            &json!({"type": format!("{name}.done"), "item_id": "item_1", "sequence_number": 2,
            "output_index": index(slot), sub: 0, field: text}),
        );
        output.push(match slot.split('/').next().unwrap() {
            "text" => json!({"type": "message", "id": "item_1", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": text, "annotations": []}]}),
            "refusal" => json!({"type": "message", "id": "item_1", "role": "assistant", "status": "completed",
                "content": [{"type": "refusal", "refusal": text}]}),
            "reasoning" => json!({"type": "reasoning", "id": "item_1",
                "summary": [{"type": "summary_text", "text": text}]}),
            _ => json!({"type": "function_call", "id": "item_1", "call_id": "call_1", "name": "f",
                "status": "completed", "arguments": text}),
        });
    }
    out.named(&json!({"type": "response.completed", "sequence_number": 3,
        "response": {"id": "resp_1", "object": "response", "status": "completed", "output": output,
            "usage": {"input_tokens": 3, "output_tokens": 5, "total_tokens": 8}}}));
}

fn messages(pieces: &[Piece], out: &mut Stream) {
    out.named(
        &json!({"type": "message_start", "message": {"id": "msg_1", "type": "message",
        "role": "assistant", "content": [], "model": "m", "stop_reason": null,
        "usage": {"input_tokens": 3, "output_tokens": 1}}}),
    );
    let mut open = Vec::new();
    for Piece { slot, text } in pieces {
        let (block, delta) = match slot.split('/').next().unwrap() {
            "text" => (
                json!({"type": "text", "text": ""}),
                json!({"type": "text_delta", "text": text}),
            ),
            "thinking" => (
                json!({"type": "thinking", "thinking": "", "signature": ""}),
                json!({"type": "thinking_delta", "thinking": text}),
            ),
            _ => (
                json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}),
                json!({"type": "input_json_delta", "partial_json": text}),
            ),
        };
        if !open.contains(slot) {
            open.push(slot);
            out.named(&json!({"type": "content_block_start", "index": index(slot), "content_block": block}));
        }
        out.named(&json!({"type": "content_block_delta", "index": index(slot), "delta": delta}));
    }
    for slot in open {
        out.named(&json!({"type": "content_block_stop", "index": index(slot)}));
    }
    out.named(&json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
        "usage": {"output_tokens": 5}}));
    out.named(&json!({"type": "message_stop"}));
}

fn tgi(pieces: &[Piece], out: &mut Stream) {
    let token = |text: &str| json!({"id": 1, "text": text, "logprob": -0.5, "special": false});
    for Piece { text, .. } in pieces {
        out.data(
            &json!({"index": 1, "token": token(text), "generated_text": null, "details": null}),
        );
    }
    out.data(
        &json!({"index": 2, "token": token(""), "generated_text": joined(pieces, "text/0"),
        "details": {"finish_reason": "length", "generated_tokens": 5, "seed": null}}),
    );
}

impl Client {
    fn add(&mut self, slot: String, text: &Value) {
        if let Some(text) = text.as_str() {
            self.texts.entry(slot).or_default().push_str(text);
        }
    }

    fn repeat(&mut self, slot: String, text: &Value) {
        if let Some(text) = text.as_str() {
            self.repeats.push((slot, text.to_owned()));
        }
    }

    fn read(&mut self, format: Format, data: &Value) {
        let error = &data["error"];
        if !error.is_null() || data["code"].is_string() {
            let names = [
                &error["code"],
                &error["type"],
                &data["error_type"],
                &data["code"],
            ];
            self.error = names
                .iter()
                .find_map(|name| name.as_str().map(str::to_owned));
            return;
        }
        match format {
            Format::Chat | Format::Completions => {
                for choice in data["choices"].as_array().unwrap() {
                    self.choice(choice);
                }
            }
            Format::Responses => self.response(data),
            Format::Messages => self.message(data),
            Format::Tgi => {
                self.add("text/0".into(), &data["token"]["text"]);
                self.repeat("text/0".into(), &data["generated_text"]);
                self.finished |= data["generated_text"].is_string();
            }
            Format::Generic => self.add("text/0".into(), &data["answer"]),
        }
    }

    fn choice(&mut self, choice: &Value) {
        let (index, delta) = (&choice["index"], &choice["delta"]);
        self.add(format!("text/{index}"), &choice["text"]);
        self.add(format!("content/{index}"), &delta["content"]);
        self.add(format!("refusal/{index}"), &delta["refusal"]);
        self.add(format!("reasoning/{index}"), &delta["reasoning_content"]);
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            self.add(
                format!("tool/{}", call["index"]),
                &call["function"]["arguments"],
            );
        }
    }

    fn response(&mut self, data: &Value) {
        let kind = data["type"].as_str().unwrap();
        let slot = |data: &Value| {
            let name = match kind.split('.').nth(1).unwrap() {
                "output_text" => "text",
                "refusal" => "refusal",
                "reasoning_summary_text" => "reasoning",
                _ => "tool",
            };
            format!("{name}/{}", data["output_index"])
        };
        if kind.ends_with(".delta") {
            self.add(slot(data), &data["delta"]);
        } else if kind.ends_with(".done") {
            for field in ["text", "refusal", "arguments"] {
                self.repeat(slot(data), &data[field]);
            }
        } else if kind == "response.completed" {
            self.finished = true;
        }
    }

    fn message(&mut self, data: &Value) {
        let delta = &data["delta"];
        for (name, field) in [
            ("text", "text"),
            ("thinking", "thinking"),
            ("tool", "partial_json"),
        ] {
            self.add(format!("{name}/{}", data["index"]), &delta[field]);
        }
        self.finished |= data["type"] == "message_stop";
    }
}
