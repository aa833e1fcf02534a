//! Dialogues inside one text: many made-up turns teach the model to go on in kind (many-shot
//! jailbreaking).
//!
//! 1. A line that begins with a speaker's label and a colon is a turn: `User:`, `**Assistant**:`,
//!    `Q:`, `3. Answer:`, their Arabic names, and bare model or persona labels paired with them.
//! 2. Turns that alternate between asking and answering are counted.
//! 3. Chat labels (`User`/`Assistant` …): from the policy's `many_shot` on an attack. Question
//!    labels (`Q`/`A` …) are how honest question lists look: a hint from `many_shot` on, an attack
//!    from [`QUESTION_FACTOR`] times as many.
//!
//! A pasted talk of a few turns, or one between named people, passes.

use std::ops::Range;

use aegis_core::Category;

use super::Hit;

/// So many times more turns make a dialogue of questions and answers an attack.
pub(super) const QUESTION_FACTOR: u32 = 4;

/// A label is looked for in so many bytes of a line; longer labels are no labels.
const LABEL_BYTES_MAX: usize = 32;

/// Score of an attack.
const ATTACK: f32 = 0.85;

/// Score of a dialogue that may be honest.
const HINT: f32 = 0.5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Asks,
    Answers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Chat,
    Questions,
}

/// Alternating turns of one style.
#[derive(Default)]
struct Run {
    turns: u32,
    last: Option<Side>,
    range: Range<usize>,
}

/// As normalisation writes them (hamza carriers lose their hamza).
const LABELS: &[(&str, Style, Side)] = &[
    ("user", Style::Chat, Side::Asks),
    ("human", Style::Chat, Side::Asks),
    ("me", Style::Chat, Side::Asks),
    ("prompt", Style::Chat, Side::Asks),
    ("المستخدم", Style::Chat, Side::Asks),
    ("assistant", Style::Chat, Side::Answers),
    ("ai", Style::Chat, Side::Answers),
    ("bot", Style::Chat, Side::Answers),
    ("chatbot", Style::Chat, Side::Answers),
    ("model", Style::Chat, Side::Answers),
    ("chatgpt", Style::Chat, Side::Answers),
    ("gpt", Style::Chat, Side::Answers),
    ("claude", Style::Chat, Side::Answers),
    ("llm", Style::Chat, Side::Answers),
    ("completion", Style::Chat, Side::Answers),
    ("المساعد", Style::Chat, Side::Answers),
    ("q", Style::Questions, Side::Asks),
    ("question", Style::Questions, Side::Asks),
    ("input", Style::Questions, Side::Asks),
    ("س", Style::Questions, Side::Asks),
    ("سوال", Style::Questions, Side::Asks),
    ("السوال", Style::Questions, Side::Asks),
    ("a", Style::Questions, Side::Answers),
    ("answer", Style::Questions, Side::Answers),
    ("output", Style::Questions, Side::Answers),
    ("ج", Style::Questions, Side::Answers),
    ("جواب", Style::Questions, Side::Answers),
    ("الجواب", Style::Questions, Side::Answers),
];

/// The dialogue in `text` (normalised), if it has `many_shot` turns or more; 0 is off.
pub(super) fn find(text: &str, many_shot: u32) -> Option<Hit> {
    if many_shot == 0 {
        return None;
    }
    let (mut chat, mut questions) = (Run::default(), Run::default());
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let range = at..at + line.len();
        at = range.end;
        match label(line) {
            Some((Style::Chat, side)) => chat.turn(side, range),
            Some((Style::Questions, side)) => questions.turn(side, range),
            None => {}
        }
    }
    let attack = |run: Run| run.hit("many-shot-dialogue", ATTACK);
    if chat.turns >= many_shot {
        return Some(attack(chat));
    }
    if questions.turns >= many_shot.saturating_mul(QUESTION_FACTOR) {
        return Some(attack(questions));
    }
    (questions.turns >= many_shot).then(|| questions.hit("question-list", HINT))
}

/// The speaker whose turn `line` opens.
fn label(line: &str) -> Option<(Style, Side)> {
    let line = line.trim_start_matches(|c: char| {
        c.is_whitespace() || c.is_ascii_digit() || "*_>#-.()[<•".contains(c)
    });
    let head = line.get(..line.floor_char_boundary(LABEL_BYTES_MAX))?;
    let (name, _) = head.split_once(':')?;
    // `Q1`, `User 2`, `**Assistant**`, `[AI]`
    let name = name.trim_end_matches(|c: char| {
        c.is_whitespace() || c.is_ascii_digit() || "*_)]>.#".contains(c)
    });
    LABELS
        .iter()
        .find(|(known, _, _)| name.eq_ignore_ascii_case(known))
        .map(|&(_, style, side)| (style, side))
}

// === impl Run ===

impl Run {
    fn turn(&mut self, side: Side, range: Range<usize>) {
        if self.turns == 0 {
            self.range.start = range.start;
        }
        // Two turns of one side are one: only alternation is a dialogue.
        if self.last != Some(side) {
            self.turns += 1;
        }
        self.last = Some(side);
        self.range.end = range.end;
    }

    fn hit(self, rule: &'static str, score: f32) -> Hit {
        Hit {
            rule,
            category: Category::Jailbreak,
            score,
            range: self.range,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANY: u32 = 8;

    fn dialogue(turns: u32, asks: &str, answers: &str) -> String {
        (0..turns)
            .map(|turn| {
                let label = if turn % 2 == 0 { asks } else { answers };
                format!("{label} some words\n")
            })
            .collect()
    }

    fn rule(text: &str, many_shot: u32) -> Option<&'static str> {
        let normal = aegis_detect::normalize::normalize(text);
        find(&normal.text, many_shot).map(|hit| hit.rule)
    }

    #[test]
    fn chat_labels_are_an_attack_from_the_limit_on() {
        for (asks, answers) in [
            ("User:", "Assistant:"),
            ("Human:", "AI:"),
            ("**User**:", "**Assistant**:"),
            ("**User:**", "**Claude:**"),
            ("> user :", "> bot :"),
            ("1. User:", "2. ChatGPT:"),
            ("[USER]:", "[MODEL]:"),
            ("المستخدم:", "المساعد:"),
        ] {
            assert_eq!(
                rule(&dialogue(MANY - 1, asks, answers), MANY),
                None,
                "{asks}"
            );
            for turns in [MANY, MANY + 1, 300] {
                let text = dialogue(turns, asks, answers);
                assert_eq!(rule(&text, MANY), Some("many-shot-dialogue"), "{asks}");
            }
        }
    }

    #[test]
    fn question_lists_are_a_hint_until_there_are_many() {
        for (asks, answers) in [
            ("Q:", "A:"),
            ("Question 1:", "Answer:"),
            ("سؤال:", "جواب:"),
            ("Input:", "Output:"),
        ] {
            let at = |turns| rule(&dialogue(turns, asks, answers), MANY);
            assert_eq!(at(MANY - 1), None);
            assert_eq!(at(MANY), Some("question-list"));
            assert_eq!(at(MANY * QUESTION_FACTOR - 1), Some("question-list"));
            assert_eq!(at(MANY * QUESTION_FACTOR), Some("many-shot-dialogue"));
        }
    }

    #[test]
    fn honest_texts_pass() {
        for text in [
            dialogue(3, "User:", "Assistant:"),
            dialogue(40, "Interviewer:", "Dr. Smith:"),
            dialogue(40, "Alice:", "Bob:"),
            // One side only: a list, not a dialogue.
            dialogue(40, "User:", "User:"),
            dialogue(40, "- Model:", "- Model:"),
            dialogue(MANY - 1, "User:", "AI:") + &"User: and on, alone\n".repeat(40),
            "The user: a person. The assistant: a program. ".repeat(50),
            String::new(),
        ] {
            assert_eq!(rule(&text, MANY), None, "{text}");
        }
    }

    #[test]
    fn zero_turns_the_check_off_and_the_range_is_the_dialogue() {
        let text = format!("intro\n{}", dialogue(20, "User:", "AI:"));
        assert_eq!(find(&text, 0), None);
        let hit = find(&text, MANY).unwrap();
        assert_eq!(hit.range, "intro\n".len()..text.len());
    }
}
