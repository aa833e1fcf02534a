//! OpenAI Chat Completions and Completions, whole and chunk by chunk; TGI and others speak it too.
//!
//! A chunk's `delta` has the members of a whole `message`, so one grammar reads both.

use aegis_core::{Kind, MediaKind};

use super::finds::{Ends, Finds};
use super::looks::{index_of, is_structural, whole_text};
use super::place::{Place, Step, Template, written};
use crate::WireError;
use crate::json::Value;

const CONTENT: Template = Template::new("\"delta\":{\"content\":", "}");
const CONTENT_PART: Template = Template::new(
    "\"delta\":{\"content\":[{\"type\":\"text\",\"text\":",
    "}]}",
);
const THINKING_PART: Template = Template::new(
    "\"delta\":{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":",
    "}]}]}",
);
const REFUSAL: Template = Template::new("\"delta\":{\"refusal\":", "}");
const REASONING: Template = Template::new("\"delta\":{\"reasoning\":", "}");
const REASONING_CONTENT: Template = Template::new("\"delta\":{\"reasoning_content\":", "}");
const REASONING_TEXT: Template = Template::new("\"delta\":{\"reasoning_text\":", "}");
const THINKING: Template = Template::new("\"delta\":{\"thinking\":", "}");
const FUNCTION_CALL: Template = Template::new("\"delta\":{\"function_call\":{\"arguments\":", "}}");
const AUDIO: Template = Template::new("\"delta\":{\"audio\":{\"transcript\":", "}}");
const TEXT: Template = Template::new("\"text\":", "");

/// The literal of the member that a chunk's text stands in.
const DELTA: &str = "\"delta\"";

/// Subs of text: content, then the transcript of spoken content.
const AUDIO_SUB: u32 = 1;
/// Subs of reasoning: providers name it differently, some send it twice.
const REASONING_CONTENT_SUB: u32 = 1;
const REASONING_TEXT_SUB: u32 = 2;
const THINKING_SUB: u32 = 3;
/// From here on, two for each entry of `reasoning_details`: text and summary.
const DETAILS_SUB: u32 = 0x1_0000;
/// Subs of tool arguments: the call's index; the single call of old; calls without an index.
const FUNCTION_CALL_SUB: u32 = 0x1_0000;
const UNNUMBERED_SUB: u32 = 0x2_0000;

/// Reads a reply or a chunk.
pub(crate) fn completion<'a>(finds: &mut Finds<'a>, root: Value<'a>) -> Result<(), WireError> {
    finds.members(root, |finds, name, value| {
        match name {
            "id" | "object" | "created" | "system_fingerprint" | "service_tier" | "obfuscation"
            | "provider" => finds.structural(value),
            "model" => {
                finds.model = Some(value);
                finds.structural(value);
            }
            "choices" => choices(finds, value)?,
            "usage" => usage(finds, value),
            "citations" | "search_results" | "related_questions" => {
                finds.within(value, Kind::Document);
            }
            "prompt_logprobs" | "prompt_token_ids" => finds.repeat(value),
            "error" if !value.is_null() => {
                finds.last = true;
                finds.within(value, Kind::Text);
            }
            _ => return Ok(false),
        }
        Ok(true)
    })
}

fn usage<'a>(finds: &mut Finds<'a>, value: Value<'a>) {
    let count = |name| value.get(name).and_then(|count| count.as_u64());
    finds.usage.input_tokens = count("prompt_tokens");
    finds.usage.output_tokens = count("completion_tokens");
    finds.notable(value);
}

fn choices<'a>(finds: &mut Finds<'a>, value: Value<'a>) -> Result<(), WireError> {
    // A chunk without choices carries the usage, or something that has no name here.
    finds.essential |= value.elements().next().is_none();
    finds.elements(value, |finds, position, choice| {
        finds.index = index_of(choice.get("index"))?.unwrap_or(position);
        finds.members(choice, |finds, name, value| {
            match name {
                "index" => finds.structural(value),
                "finish_reason" => {
                    finds.notable(value);
                    // Some servers send an empty reason until there is one.
                    if !matches!(value.literal(), "null" | "\"\"") {
                        finds.ends.push(Ends::Index(finds.index));
                    }
                }
                "native_finish_reason" => finds.notable(value),
                // All text so far, beside the new piece of it.
                "message" if finds.flowing && choice.get("delta").is_some() => finds.repeat(value),
                "message" | "delta" => message(finds, value)?,
                "text" => finds.flow(value, Kind::Text, 0, Place::Choice(TEXT)),
                "logprobs" | "token_ids" | "prompt_logprobs" | "prompt_token_ids" => {
                    finds.repeat(value);
                }
                // The stop string or token that was met (vLLM).
                "stop_reason" => finds.unplaced(value),
                _ => return Ok(false),
            }
            Ok(true)
        })
    })
}

fn message<'a>(finds: &mut Finds<'a>, message: Value<'a>) -> Result<(), WireError> {
    if message.is_null() {
        return Ok(());
    }
    if finds.flowing && message.is_string() {
        return unnamed(finds, message, &mut vec![Step::Member(DELTA.into())]);
    }
    finds.members(message, |finds, name, value| {
        match name {
            "role" | "name" | "tool_call_id" => finds.notable(value),
            "content" if value.is_array() => parts(finds, value)?,
            "content" => finds.flow(value, Kind::Text, 0, Place::Choice(CONTENT)),
            "refusal" => finds.flow(value, Kind::Refusal, 0, Place::Choice(REFUSAL)),
            "reasoning" => reasoning(finds, value, 0, REASONING),
            "reasoning_content" => {
                reasoning(finds, value, REASONING_CONTENT_SUB, REASONING_CONTENT);
            }
            "reasoning_text" => reasoning(finds, value, REASONING_TEXT_SUB, REASONING_TEXT),
            "thinking" => reasoning(finds, value, THINKING_SUB, THINKING),
            "reasoning_details" => finds.elements(value, details)?,
            "tool_calls" if value.is_null() => {}
            "tool_calls" => finds.elements(value, tool_call)?,
            "function_call" if value.is_null() => {}
            "function_call" => {
                function(finds, value, FUNCTION_CALL_SUB, FUNCTION_CALL)?;
            }
            "audio" if value.is_null() => {}
            "audio" => audio(finds, value)?,
            "annotations" | "context" | "citations" => finds.within(value, Kind::Document),
            "images" => images(finds, value)?,
            _ if finds.flowing && is_structural(name) => {
                let path = [DELTA.to_owned(), format!("\"{name}\"")];
                let mut path = path.map(|literal| Step::Member(literal.into())).to_vec();
                unnamed(finds, value, &mut path)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// A member of a delta that has no name here: each string in it is a text that other events may
/// continue, since providers invent members for text (`thinking_blocks`, `thought`) and cut them up
/// as they do content.
fn unnamed<'a>(
    finds: &mut Finds<'a>,
    value: Value<'a>,
    path: &mut Vec<Step>,
) -> Result<(), WireError> {
    finds.essential |= !value.is_null() && !value.is_string();
    if value.is_string() {
        let sub = finds.memory.number(&written(path))?;
        finds.flow(
            value,
            Kind::Unplaced,
            sub,
            Place::ChoicePath(path.as_slice().into()),
        );
    }
    for (key, member) in value.members() {
        match whole_text(key).as_deref() {
            Some("type" | "id" | "index" | "format") => finds.structural(member),
            Some(name) if is_structural(name) => {
                path.push(Step::Member(key.literal().into()));
                unnamed(finds, member, path)?;
                path.pop();
            }
            _ => finds.unknown(key, member),
        }
    }
    for (position, element) in value.elements().enumerate() {
        path.push(Step::Element(position));
        unnamed(finds, element, path)?;
        path.pop();
    }
    Ok(())
}

fn reasoning<'a>(finds: &mut Finds<'a>, value: Value<'a>, sub: u32, template: Template) {
    finds.flow(value, Kind::Reasoning, sub, Place::Choice(template));
}

/// Content as an array of parts; its texts continue plain string content.
fn parts<'a>(finds: &mut Finds<'a>, value: Value<'a>) -> Result<(), WireError> {
    finds.elements(value, |finds, _, part| {
        finds.members(part, |finds, name, value| {
            match name {
                "type" => finds.structural(value),
                "text" => finds.flow(value, Kind::Text, 0, Place::Choice(CONTENT_PART)),
                "refusal" => finds.flow(value, Kind::Refusal, 0, Place::Choice(REFUSAL)),
                "thinking" if value.is_string() => reasoning(finds, value, THINKING_SUB, THINKING),
                "thinking" => finds.elements(value, thought)?,
                "annotations" => finds.within(value, Kind::Document),
                "signature" => finds.opaque(value),
                _ => return Ok(false),
            }
            Ok(true)
        })
    })
}

fn thought<'a>(finds: &mut Finds<'a>, _: u32, part: Value<'a>) -> Result<(), WireError> {
    finds.members(part, |finds, name, value| {
        match name {
            "type" => finds.structural(value),
            "text" => reasoning(finds, value, THINKING_SUB, THINKING_PART),
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// One entry of `reasoning_details`, which repeats the reasoning in pieces of its own.
fn details<'a>(finds: &mut Finds<'a>, position: u32, entry: Value<'a>) -> Result<(), WireError> {
    const HEAD: &str = "\"delta\":{\"reasoning_details\":[{\"index\":";
    let index = index_of(entry.get("index"))?.unwrap_or(position);
    let sub = DETAILS_SUB + 2 * index;
    finds.members(entry, |finds, name, value| {
        match name {
            "type" | "format" | "index" => finds.structural(value),
            "id" => finds.notable(value),
            "text" => {
                let middle = ",\"type\":\"reasoning.text\",\"text\":";
                let template = Template::numbered(HEAD, index, middle, "}]}");
                reasoning(finds, value, sub, template);
            }
            "summary" => {
                let middle = ",\"type\":\"reasoning.summary\",\"summary\":";
                let template = Template::numbered(HEAD, index, middle, "}]}");
                reasoning(finds, value, sub + 1, template);
            }
            "data" | "signature" => finds.opaque(value),
            _ => return Ok(false),
        }
        Ok(true)
    })
}

fn tool_call<'a>(finds: &mut Finds<'a>, position: u32, call: Value<'a>) -> Result<(), WireError> {
    const HEAD: &str = "\"delta\":{\"tool_calls\":[{\"index\":";
    let index = index_of(call.get("index"))?;
    let (sub, place) = match index {
        Some(index) => {
            let middle = ",\"function\":{\"arguments\":";
            let template = Template::numbered(HEAD, index, middle, "}}]}");
            (index, template)
        }
        None => {
            let template = Template::new(
                "\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":",
                "}}]}",
            );
            (unnumbered(finds, position, call), template)
        }
    };
    finds.members(call, |finds, name, value| {
        match name {
            "index" => finds.structural(value),
            "id" | "type" => finds.notable(value),
            "function" => function(finds, value, sub, place)?,
            "custom" => custom(finds, value, sub)?,
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// Some servers leave the index out and send each call whole, with its id.
fn unnumbered<'a>(finds: &mut Finds<'a>, position: u32, call: Value<'a>) -> u32 {
    if !finds.flowing {
        return UNNUMBERED_SUB + position;
    }
    if call.get("id").is_some_and(|id| id.is_string()) {
        finds.memory.unnumbered += 1;
    }
    UNNUMBERED_SUB + finds.memory.unnumbered
}

fn function<'a>(
    finds: &mut Finds<'a>,
    function: Value<'a>,
    sub: u32,
    template: Template,
) -> Result<(), WireError> {
    finds.members(function, |finds, name, value| {
        match name {
            "name" => finds.notable(value),
            "arguments" if value.is_object() => finds.tool_input(value),
            "arguments" => finds.flow(value, Kind::ToolArguments, sub, Place::Choice(template)),
            _ => return Ok(false),
        }
        Ok(true)
    })
}

fn custom<'a>(finds: &mut Finds<'a>, custom: Value<'a>, sub: u32) -> Result<(), WireError> {
    const HEAD: &str = "\"delta\":{\"tool_calls\":[{\"index\":";
    let middle = ",\"type\":\"custom\",\"custom\":{\"input\":";
    let template = Template::numbered(HEAD, sub, middle, "}}]}");
    finds.members(custom, |finds, name, value| {
        match name {
            "name" => finds.notable(value),
            "input" => finds.flow(value, Kind::ToolValue, sub, Place::Choice(template)),
            _ => return Ok(false),
        }
        Ok(true)
    })
}

fn audio<'a>(finds: &mut Finds<'a>, audio: Value<'a>) -> Result<(), WireError> {
    finds.members(audio, |finds, name, value| {
        match name {
            "id" | "expires_at" => finds.notable(value),
            "transcript" => finds.flow(value, Kind::Text, AUDIO_SUB, Place::Choice(AUDIO)),
            "data" => finds.media(value, MediaKind::Audio),
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// Pictures as data URLs.
fn images<'a>(finds: &mut Finds<'a>, images: Value<'a>) -> Result<(), WireError> {
    finds.elements(images, |finds, _, image| {
        finds.members(image, |finds, name, value| {
            match name {
                "type" | "index" => finds.structural(value),
                "image_url" => finds.members(value, |finds, name, value| {
                    if name == "url" {
                        finds.data_url(value, MediaKind::Image);
                    }
                    Ok(name == "url")
                })?,
                _ => return Ok(false),
            }
            Ok(true)
        })
    })
}
