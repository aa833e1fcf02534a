//! Which character of JSON (RFC 8259) may come next; strings' insides are the decoder's.

use super::FRAGMENT_DEPTH_MAX;

// The containers are bits of one word.
const _: () = assert!(FRAGMENT_DEPTH_MAX <= 64);

/// What a character was.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Punctuation, white space, part of a literal.
    Structure,
    /// Part of a number.
    Number,
    /// The opening quote of a string.
    Opened,
}

#[derive(Debug, Default)]
pub(super) struct Automaton {
    state: State,
    /// One bit a container, the innermost lowest; set for an object.
    objects: u64,
    depth: usize,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    /// A value, or nothing: the start of the text.
    #[default]
    Start,
    Value,
    /// A value or `]`.
    FirstElement,
    Key,
    /// A key or `}`.
    FirstKey,
    Colon,
    /// `,` or the end of the container.
    Comma,
    /// After a whole value: white space, or another container if it was one.
    End {
        container: bool,
    },
    String {
        key: bool,
    },
    /// At the closing quote.
    Closing {
        key: bool,
    },
    Number(Digits),
    /// The characters of `true`, `false` or `null` still to come.
    Literal(&'static str),
}

/// How far a number has come.
#[derive(Debug, Clone, Copy)]
enum Digits {
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    Power,
}

// === impl Automaton ===

impl Automaton {
    pub(super) const fn in_string(&self) -> bool {
        matches!(self.state, State::String { .. })
    }

    pub(super) const fn in_number(&self) -> bool {
        matches!(self.state, State::Number(_))
    }

    /// Ends the string; its closing quote is the next character.
    pub(super) const fn close_string(&mut self) {
        if let State::String { key } = self.state {
            self.state = State::Closing { key };
        }
    }

    /// Takes one character outside strings; `None` if JSON has no place for it here.
    pub(super) fn step(&mut self, character: char) -> Option<Step> {
        if let State::Number(digits) = self.state {
            if let Some(next) = digits.next(character) {
                self.state = State::Number(next);
                return Some(Step::Number);
            }
            if !digits.is_whole() {
                return None;
            }
            self.end_value(false);
        }
        if let State::Literal(rest) = self.state {
            return self.literal(rest, character);
        }
        if matches!(character, ' ' | '\t' | '\n' | '\r') {
            return Some(Step::Structure);
        }
        match (self.state, character) {
            (State::Closing { key: true }, '"') => self.enter(State::Colon),
            (State::Closing { key: false }, '"') => self.end_value(false),
            (State::Colon, ':') => self.enter(State::Value),
            (State::Comma, ',') if self.in_object() => self.enter(State::Key),
            (State::Comma, ',') => self.enter(State::Value),
            (State::Comma, '}') if self.in_object() => self.close(),
            (State::Comma, ']') if !self.in_object() => self.close(),
            (State::FirstKey, '}') | (State::FirstElement, ']') => self.close(),
            (State::Key | State::FirstKey, '"') => {
                self.enter(State::String { key: true });
                return Some(Step::Opened);
            }
            (State::End { container: true }, '{' | '[')
            | (State::Start | State::Value | State::FirstElement, _) => {
                return self.value(character);
            }
            _ => return None,
        }
        Some(Step::Structure)
    }

    /// The first character of a value.
    fn value(&mut self, character: char) -> Option<Step> {
        match character {
            '"' => {
                self.enter(State::String { key: false });
                return Some(Step::Opened);
            }
            '{' => self.open(true)?,
            '[' => self.open(false)?,
            't' => self.enter(State::Literal("rue")),
            'f' => self.enter(State::Literal("alse")),
            'n' => self.enter(State::Literal("ull")),
            _ => {
                self.enter(State::Number(Digits::first(character)?));
                return Some(Step::Number);
            }
        }
        Some(Step::Structure)
    }

    fn literal(&mut self, rest: &'static str, character: char) -> Option<Step> {
        let rest = rest.strip_prefix(character)?;
        if rest.is_empty() {
            self.end_value(false);
        } else {
            self.enter(State::Literal(rest));
        }
        Some(Step::Structure)
    }

    fn open(&mut self, object: bool) -> Option<()> {
        if self.depth == FRAGMENT_DEPTH_MAX {
            return None;
        }
        self.depth += 1;
        self.objects = (self.objects << 1) | u64::from(object);
        self.enter(if object {
            State::FirstKey
        } else {
            State::FirstElement
        });
        Some(())
    }

    const fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.objects >>= 1;
        self.end_value(true);
    }

    const fn end_value(&mut self, container: bool) {
        self.state = if self.depth == 0 {
            State::End { container }
        } else {
            State::Comma
        };
    }

    const fn enter(&mut self, state: State) {
        self.state = state;
    }

    const fn in_object(&self) -> bool {
        self.objects & 1 == 1
    }
}

// === impl Digits ===

impl Digits {
    const fn first(character: char) -> Option<Self> {
        match character {
            '-' => Some(Self::Minus),
            '0' => Some(Self::Zero),
            '1'..='9' => Some(Self::Integer),
            _ => None,
        }
    }

    const fn next(self, character: char) -> Option<Self> {
        match (self, character) {
            (Self::Minus, '0') => Some(Self::Zero),
            (Self::Minus, '1'..='9') | (Self::Integer, '0'..='9') => Some(Self::Integer),
            (Self::Zero | Self::Integer, '.') => Some(Self::Point),
            (Self::Point | Self::Fraction, '0'..='9') => Some(Self::Fraction),
            (Self::Zero | Self::Integer | Self::Fraction, 'e' | 'E') => Some(Self::Exponent),
            (Self::Exponent, '+' | '-') => Some(Self::ExponentSign),
            (Self::Exponent | Self::ExponentSign | Self::Power, '0'..='9') => Some(Self::Power),
            _ => None,
        }
    }

    const fn is_whole(self) -> bool {
        match self {
            Self::Zero | Self::Integer | Self::Fraction | Self::Power => true,
            Self::Minus | Self::Point | Self::Exponent | Self::ExponentSign => false,
        }
    }
}
