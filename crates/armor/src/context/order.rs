//! The order of turns, where the API's grammar gives one.
//!
//! Only what no honest client sends is a threat: a tool result that answers no tool call. Such a
//! turn makes the model believe that it asked for a text which somebody else chose. A result whose
//! id differs from every call's is a hint, because some clients leave ids out. A system or
//! developer turn behind an untrusted one is a hint too: APIs allow it and some agents do it, but
//! it is also how a forged turn looks.
//!
//! Conversations that the provider keeps (`previous_response_id`, `conversation`) are only partly
//! visible; results in them are not judged.

use std::collections::HashSet;

use aegis_core::{Category, Check, Document, Kind, Operation, Role, Threat, Trust};
use aegis_wire::json::{self, Value};

/// A tool result without a call before it.
const ORPHAN: (&str, f32) = ("tool-result-without-call", 0.9);

/// A tool result whose id no call has.
const MISMATCH: (&str, f32) = ("tool-result-id-unknown", 0.5);

/// A system or developer turn after an untrusted one.
const LATE: (&str, f32) = ("late-system-turn", 0.4);

/// Threats of order that are reported on one request.
const THREATS_MAX: usize = 16;

/// Calls that the turns so far have made.
#[derive(Default)]
struct Calls<'a> {
    any: bool,
    ids: HashSet<std::borrow::Cow<'a, str>>,
}

/// Collects threats by their JSON Pointer.
struct Report(Vec<Threat>);

/// Checks the order of `document`'s turns.
pub(super) fn check(document: &Document, operation: Operation) -> Vec<Threat> {
    let walk: fn(Value<'_>, &mut Report) = match operation {
        Operation::ChatCompletions => chat,
        Operation::Messages | Operation::CountTokens => messages,
        Operation::Responses => responses,
        Operation::Completions
        | Operation::Embeddings
        | Operation::Models
        | Operation::Generate
        | Operation::GenerateStream
        | Operation::Generic => return Vec::new(),
    };
    // The body was read once already; an error can't come from it.
    let Ok(parsed) = json::parse(&document.raw) else {
        return Vec::new();
    };
    let mut report = Report(Vec::new());
    walk(parsed.root(), &mut report);
    report.0
}

/// Most requests hold neither a tool result nor a system turn after another one: no second parse.
pub(super) fn is_worth_reading(document: &Document) -> bool {
    let mut untrusted = false;
    document.segments.iter().any(|segment| {
        untrusted |= segment.trust == Trust::Untrusted;
        segment.role == Role::Tool
            || segment.kind == Kind::ToolResult
            || (untrusted && segment.trust == Trust::Trusted)
    })
}

/// OpenAI chat: a `tool` message answers a call of the assistant message before it.
fn chat(root: Value<'_>, report: &mut Report) {
    let mut calls = Calls::default();
    let mut untrusted = false;
    for (index, message) in elements(root.get("messages")) {
        let role = string(message, "role");
        match role.as_deref().unwrap_or_default() {
            "assistant" => {
                calls = Calls::default();
                calls.any |= message
                    .get("function_call")
                    .is_some_and(|call| !call.is_null());
                for (_, call) in elements(message.get("tool_calls")) {
                    calls.add(string(call, "id"));
                }
            }
            "tool" => calls.answer(
                string(message, "tool_call_id"),
                || format!("/messages/{index}"),
                report,
            ),
            "function" if !calls.any => {
                report.add(ORPHAN, Role::Tool, format!("/messages/{index}"));
            }
            "system" | "developer" if untrusted => {
                report.add(LATE, Role::System, format!("/messages/{index}"));
            }
            _ => {}
        }
        untrusted |= !matches!(role.as_deref(), Some("system" | "developer"));
    }
}

/// Anthropic: a `tool_result` block answers a `tool_use` of an assistant turn before it.
fn messages(root: Value<'_>, report: &mut Report) {
    let mut calls = Calls::default();
    for (index, message) in elements(root.get("messages")) {
        for (part, block) in elements(message.get("content")) {
            match string(block, "type").as_deref().unwrap_or_default() {
                "tool_use" => calls.add(string(block, "id")),
                "tool_result" => calls.answer(
                    string(block, "tool_use_id"),
                    || format!("/messages/{index}/content/{part}"),
                    report,
                ),
                _ => {}
            }
        }
    }
}

/// OpenAI Responses: a `…_call_output` item answers a `…_call` item before it.
fn responses(root: Value<'_>, report: &mut Report) {
    let kept = ["previous_response_id", "conversation"];
    if kept
        .iter()
        .any(|name| root.get(name).is_some_and(|id| !id.is_null()))
    {
        return;
    }
    let mut calls = Calls::default();
    let mut untrusted = false;
    for (index, item) in elements(root.get("input")) {
        let kind = string(item, "type").unwrap_or_default();
        let role = string(item, "role");
        let trusted = matches!(role.as_deref(), Some("system" | "developer"));
        if kind.ends_with("_call") {
            calls.add(string(item, "call_id"));
        } else if kind.ends_with("_call_output") {
            calls.answer(
                string(item, "call_id"),
                || format!("/input/{index}"),
                report,
            );
        } else if trusted && untrusted {
            report.add(LATE, Role::System, format!("/input/{index}"));
        }
        // An item by reference may be a call that only the provider knows.
        calls.any |= kind == "item_reference";
        untrusted |= !trusted;
    }
}

fn elements(list: Option<Value<'_>>) -> impl Iterator<Item = (usize, Value<'_>)> {
    list.into_iter()
        .flat_map(|list| list.elements())
        .enumerate()
}

fn string<'a>(value: Value<'a>, name: &str) -> Option<std::borrow::Cow<'a, str>> {
    value.get(name).and_then(|value| value.as_str())
}

// === impl Calls ===

impl<'a> Calls<'a> {
    fn add(&mut self, id: Option<std::borrow::Cow<'a, str>>) {
        self.any = true;
        self.ids.extend(id);
    }

    /// Judges the result that names `id`.
    fn answer(
        &self,
        id: Option<std::borrow::Cow<'a, str>>,
        path: impl FnOnce() -> String,
        report: &mut Report,
    ) {
        if !self.any {
            report.add(ORPHAN, Role::Tool, path());
        } else if !self.ids.is_empty() && !id.is_some_and(|id| self.ids.contains(&id)) {
            report.add(MISMATCH, Role::Tool, path());
        }
    }
}

// === impl Report ===

impl Report {
    fn add(&mut self, (rule, score): (&'static str, f32), role: Role, path: String) {
        if self.0.len() < THREATS_MAX || self.0.iter().all(|known| known.score < score) {
            let mut threat = Threat::new(Category::RoleConfusion, Check::Context, rule, score);
            threat.role = Some(role);
            threat.path = Some(path.into());
            self.0.push(threat);
        }
    }
}

#[cfg(test)]
mod tests;
