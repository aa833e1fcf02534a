//! Texts made of values, pieces of values, words and separators, the same ones in every run.

/// Whole values.
const VALUES: &[&str] = &[
    "jane.doe@example.com",
    "x@a.co",
    "4111 1111 1111 1111",
    "5555-5555-5555-4444",
    "378282246310005",
    "415-555-2671",
    "+44 20 7946 0958",
    "(415) 555-2671 x22",
    "020 7946 0958",
    "00971501234567",
    "DE89 3704 0044 0532 0130 00",
    "123-45-6789",
    "784-1984-1234567-9",
    "943 476 5919",
    "NHS number: 9434765919",
    "SSN is 123456789",
    "10.20.30.40",
    "2001:db8::8a2e:370:7334",
    "sk-proj-abcdEFGH1234ijklMNOP5678",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----",
    "postgres://bob:s3cr3t!x@db.example.com:5432/app",
    "https://bob:hunter2@example.com/",
    "Bearer abcdef0123456789abcdef",
    "password = \"tr0ub4dor&3\"",
    "password: jane1@example.com",
    "api_key=a1b2c3d4e5f6g7h8i9",
    "phone: 5321234567",
];

/// Beginnings that never become values, some longer than 32 bytes, and near misses.
const PIECES: &[&str] = &[
    "@example.com",
    "1111 1111 1111 1112",
    "4111 1111",
    "555-2671",
    "12-34-5678",
    "999.1.1.1",
    "1.2.3",
    "2024-05-17T10:30:00Z",
    "-----BEGIN RSA PRIVATE",
    "-----END RSA PRIVATE KEY-----",
    "-----",
    "eyJhbGciOiJIUzI1NiJ9abcdefghijklmnopqrstuvwxyzABCDEFGHIJ",
    "eyJ0aGlzIGlzIG5vdCBhIHRva2VuIGJ1dCBsb25nIGVub3VnaCB0byBiZSBoZWxk",
    "postgres://someone.with.a.long.name:and-an-even-longer-word",
    "a.very.long.local.part.that.goes.on.and.on.and.on.and.never.meets.it",
    "passwordpasswordpassword is ",
    "password: ",
    "token",
    "sk-proj-abcd",
    "https://bob:hunter2/",
    "GB82 WEST 1234 5698 7654 3",
    "00000000000000000000000000000000000000",
    "NHS number",
];

const GLUE: &[&str] = &[
    "",
    "",
    " ",
    " ",
    " ",
    "-",
    ".",
    ", ",
    "\n",
    "1",
    "a",
    "_",
    "é",
    "号",
    "٤",
    "\u{200B}",
    "\u{A0}",
    "\"",
    "@",
    ":",
    "/",
    "(",
    "😀",
    "\u{AD}\u{200D}",
];

const WORDS: &[&str] = &[
    "the",
    "card",
    "naïve",
    "Straße",
    "私の番号は",
    "رقمي",
    "ok",
    "I",
    "call",
    "a@b",
    "x2",
    "№",
];

/// Where invisible and look-alike characters are put into a text.
const INVISIBLE: &[char] = &['\u{200B}', '\u{200D}', '\u{AD}', '\u{FE0F}', '\u{2060}'];

/// A small generator (xorshift64*).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        high as usize % sides
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.roll(from.len())]
    }
}

/// The text with this number.
pub(super) fn text(seed: u64) -> String {
    let mut dice = Dice::new(seed);
    let mut text = String::new();
    for _ in 0..1 + dice.roll(4) {
        let part = match dice.roll(8) {
            0..=3 => dice.pick(VALUES).to_owned(),
            4..=5 => dice.pick(PIECES).to_owned(),
            6 => part_of(dice.pick(VALUES), &mut dice),
            _ => dice.pick(WORDS).to_owned(),
        };
        let part = if dice.roll(4) == 0 {
            disguised(&part, &mut dice)
        } else {
            part
        };
        text.push_str(&part);
        text.push_str(dice.pick(GLUE));
    }
    text
}

/// Text of a small alphabet, in which toy values overlap all the time.
pub(super) fn toy_text(seed: u64) -> String {
    const MARKS: &[char] = &[
        'a', 'b', '1', ' ', 'a', 'b', '1', 'é', '１', '\u{200B}', '\u{A0}',
    ];
    let mut dice = Dice::new(seed);
    let len = 1 + dice.roll(40);
    let marks = 2 + dice.roll(MARKS.len() - 1);
    let mut text: String = (0..len).map(|_| MARKS[dice.roll(marks)]).collect();
    if dice.roll(3) == 0 {
        // An unfinished head that is longer than holds are before they are refined.
        text.push_str(&"1".repeat(20 + dice.roll(60)));
    }
    text
}

fn part_of(value: &str, dice: &mut Dice) -> String {
    let (a, b) = (dice.roll(value.len() + 1), dice.roll(value.len() + 1));
    value[a.min(b)..a.max(b)].to_owned()
}

/// The text with invisible characters in it and some digits written otherwise.
fn disguised(text: &str, dice: &mut Dice) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match (dice.roll(10), c) {
            (0, '0'..='9') => out.push(char::from_u32(0x660 + u32::from(c) - 0x30).unwrap()),
            (1, '!'..='~') if c.is_ascii_alphanumeric() || "@.-".contains(c) => {
                out.push(char::from_u32(u32::from(c) + 0xFEE0).unwrap());
            }
            (2, ' ') => out.push('\u{A0}'),
            (3, '-') => out.push('\u{2013}'),
            _ => out.push(c),
        }
        if dice.roll(8) == 0 {
            let run = if dice.roll(12) == 0 {
                15 + dice.roll(4)
            } else {
                1 + dice.roll(2)
            };
            let c = INVISIBLE[dice.roll(INVISIBLE.len())];
            out.extend(std::iter::repeat_n(c, run));
        }
    }
    out
}
