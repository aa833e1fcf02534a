//! How to write one more event of a channel.
//!
//! Events are written anew, with the ids that clients need to place them, and never copied from one that
//! came: what else such an event holds may be text that a filter has masked.

use std::borrow::Cow;

use bytes::Bytes;

use crate::json::{Value, encode_string};
use crate::reply::looks::{is_structural, whole_text};
use crate::reply::place::{Item, Place, Step, Template};
use crate::sse::{Event, write_event};

/// The members of a chunk that name the completion it belongs to.
const CHUNK_MEMBERS: [&str; 6] = [
    "id",
    "object",
    "created",
    "model",
    "system_fingerprint",
    "service_tier",
];

/// The event that a channel's text was found in.
pub(super) struct Scene<'a> {
    pub(super) event: &'a Event,
    pub(super) root: Value<'a>,
}

/// An event with a hole for a string.
#[derive(Debug)]
pub(super) struct Shape {
    name: Option<Box<str>>,
    body: Body,
    template: Option<Template>,
    stem: Option<Cow<'static, str>>,
}

#[derive(Debug)]
enum Body {
    Frame {
        before: String,
        after: String,
        /// The last member: the event's number under this name.
        counter: Option<&'static str>,
    },
    Path(Box<[Step]>),
}

// === impl Scene ===

impl Scene<'_> {
    /// The shape of an event for the text at `place`.
    pub(super) fn shape(&self, index: u32, place: &Place<'_>) -> Shape {
        match place {
            Place::Choice(template) => self.choice(index, *template),
            Place::Block(template) => {
                let (before, after) = filled(*template);
                Shape {
                    template: Some(*template),
                    ..self.block(index, &before, &after)
                }
            }
            Place::BlockMember(kind, key) => {
                let (kind, key) = (kind.literal(), key.literal());
                self.block(index, &format!("{{\"type\":{kind},{key}:"), "}")
            }
            Place::Response(item) => self.response(index, item),
            Place::Token => Shape {
                name: self.name(None),
                body: Body::Frame {
                    before: "{\"token\":{\"id\":0,\"text\":".to_owned(),
                    after: ",\"logprob\":0.0,\"special\":false},\"generated_text\":null,\"details\":null"
                        .to_owned(),
                    counter: Some("index"),
                },
                template: None,
                stem: None,
            },
            Place::ChoicePath(steps) => {
                let (head, tail) = path_halves(steps);
                // The choice's own braces are written around it.
                let head = head.strip_prefix('{').unwrap_or(&head);
                let tail = tail.strip_suffix('}').unwrap_or(&tail);
                self.in_choice(index, head, tail)
            }
            Place::Path(steps) => Shape {
                name: self.name(None),
                body: Body::Path(steps.clone()),
                template: None,
                stem: None,
            },
        }
    }

    fn choice(&self, index: u32, template: Template) -> Shape {
        let (head, tail) = filled(template);
        Shape {
            template: Some(template),
            ..self.in_choice(index, &head, &tail)
        }
    }

    fn in_choice(&self, index: u32, head: &str, tail: &str) -> Shape {
        let mut before = "{".to_owned();
        for name in CHUNK_MEMBERS {
            if let Some(value) = self.root.get(name).filter(|value| is_plain(*value)) {
                before.push_str(&format!("\"{name}\":{},", value.literal()));
            }
        }
        before.push_str(&format!("\"choices\":[{{\"index\":{index},{head}"));
        Shape {
            name: self.name(None),
            body: Body::Frame {
                before,
                after: format!("{tail},\"finish_reason\":null}}]}}"),
                counter: None,
            },
            template: None,
            stem: None,
        }
    }

    fn block(&self, index: u32, head: &str, tail: &str) -> Shape {
        const NAME: &str = "content_block_delta";
        Shape {
            name: self.name(Some(NAME)),
            body: Body::Frame {
                before: format!("{{\"type\":\"{NAME}\",\"index\":{index},\"delta\":{head}"),
                after: format!("{tail}}}"),
                counter: None,
            },
            template: None,
            stem: None,
        }
    }

    fn response(&self, index: u32, item: &Item<'_>) -> Shape {
        let name = format!("{}.delta", item.stem);
        let mut before = format!("{{\"type\":{}", quoted(&name));
        if let Some(id) = item.id.filter(|id| is_plain(*id)) {
            before.push_str(&format!(",\"item_id\":{}", id.literal()));
        }
        before.push_str(&format!(",\"output_index\":{index}"));
        if let Some((name, part)) = item.part {
            before.push_str(&format!(",\"{name}\":{part}"));
        }
        before.push_str(",\"delta\":");
        let mut after = String::new();
        if let Some(member) = &item.member {
            before.push_str(&format!("{{{}:", quoted(member)));
            after.push('}');
        }
        if item.stem == "response.output_text" {
            after.push_str(",\"logprobs\":[]");
        }
        Shape {
            name: self.name(Some(&name)),
            body: Body::Frame {
                before,
                after,
                counter: Some("sequence_number"),
            },
            template: None,
            stem: Some(item.stem.clone()),
        }
    }

    /// The event's name, or what stands for it, where the stream names its events.
    fn name(&self, typed: Option<&str>) -> Option<Box<str>> {
        let name = self.event.name.as_deref()?;
        let name = typed.unwrap_or(name);
        is_structural(name).then(|| name.into())
    }
}

// === impl Shape ===

impl Shape {
    /// Whether an event of this shape carries text at `place`.
    pub(super) fn is_of(&self, place: &Place<'_>) -> bool {
        match place {
            Place::Choice(template) | Place::Block(template) => self.template == Some(*template),
            Place::BlockMember(..)
            | Place::Response(_)
            | Place::Token
            | Place::Path(_)
            | Place::ChoicePath(_) => true,
        }
    }

    pub(super) fn has_stem(&self, stem: &str) -> bool {
        self.stem.as_deref() == Some(stem)
    }

    /// The event with `text` in it.
    pub(super) fn write(&self, text: &str, sequence: Option<u64>) -> Bytes {
        let data = match &self.body {
            Body::Frame {
                before,
                after,
                counter,
            } => {
                let mut data = format!("{before}{}{after}", quoted(text));
                if let Some(counter) = counter {
                    if let Some(number) = sequence {
                        data.push_str(&format!(",\"{counter}\":{number}"));
                    }
                    data.push('}');
                }
                data
            }
            Body::Path(steps) => at_path(steps, text),
        };
        write_event(self.name.as_deref(), &data)
    }
}

/// JSON in which `text` stands at the end of the path, with as little else as possible.
fn at_path(steps: &[Step], text: &str) -> String {
    let (before, after) = path_halves(steps);
    format!("{before}{}{after}", quoted(text))
}

/// What stands before and behind the text at the end of a path.
fn path_halves(steps: &[Step]) -> (String, String) {
    let mut before = String::new();
    let mut after = String::new();
    for step in steps {
        match step {
            Step::Member(literal) => {
                before.push('{');
                before.push_str(literal);
                before.push(':');
                after.push('}');
            }
            Step::Element(position) => {
                before.push('[');
                before.push_str(&"null,".repeat(*position));
                after.push(']');
            }
        }
    }
    (before, after.chars().rev().collect())
}

/// The template's two halves, its number in place.
fn filled(template: Template) -> (String, String) {
    let Template { head, number, tail } = template;
    let before = match number {
        Some((number, middle)) => format!("{head}{number}{middle}"),
        None => head.to_owned(),
    };
    (before, tail.to_owned())
}

/// Whether a value is a number or an identifier.
fn is_plain(value: Value<'_>) -> bool {
    value.is_number() || whole_text(value).is_some_and(|text| is_structural(&text))
}

fn quoted(text: &str) -> String {
    let mut literal = Vec::with_capacity(text.len() + 2);
    encode_string(text, &mut literal);
    // Made of UTF-8 and ASCII.
    String::from_utf8(literal).unwrap_or_default()
}
