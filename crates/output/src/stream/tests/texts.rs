//! Texts that hold values, halves of values, look-alikes of values, and none.

/// A small generator of pseudo-random numbers (xorshift): tests must give the same every time.
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed ^ 0x9E37_79B9_7F4A_7C15)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    pub(super) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

/// Values that are masked, by themselves.
pub(super) const VALUES: &[&str] = &[
    "jane.doe@example.com",
    "a@b.co",
    "4111 1111 1111 1111",
    "4111111111111111",
    "٤١١١ ١١١١ ١١١١ ١١١١",
    "DE89 3704 0044 0532 0130 00",
    "GB82WEST12345698765432",
    "+1 415 555 2671",
    "784-1980-1234567-8",
    "192.168.1.77",
    "2001:db8::ff00:42:8329",
    "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH",
    "sk-ant-api03-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqr",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq\n-----END RSA PRIVATE KEY-----",
    "postgres://app:hunter22@db.example.org:5432/prod",
];

const WORDS: &[&str] = &[
    "Hello ",
    "the number is ",
    "write to ",
    "😀 ",
    "naïve ",
    "البريد ",
    "x",
    "1",
    " and ",
    ", ",
    ". ",
    "\n",
    "\"quoted\" ",
    "back\\slash ",
    "tab\t",
    "4111 1111 ",
    "jane.doe@",
    "@example.com ",
    "sk-proj-abc ",
    "-----BEGIN ",
    "192.168.",
    "é",
    "日本語",
    "\u{200b}",
    "/",
    "</b>",
    " (",
    ") ",
];

/// `count` texts of up to about 100 bytes, the same for the same seed.
pub(super) fn texts(count: usize, seed: u64) -> Vec<String> {
    let mut random = Random::new(seed);
    let parts = |random: &mut Random| {
        let mut text = String::new();
        for _ in 0..1 + random.below(4) {
            let list = if random.below(3) == 0 { VALUES } else { WORDS };
            text.push_str(random.pick(list));
        }
        text
    };
    (0..count).map(|_| parts(&mut random)).collect()
}

/// `text` cut into deltas at character boundaries.
pub(super) fn deltas(text: &str, random: &mut Random) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let cut = rest.floor_char_boundary(1 + random.below(64).min(rest.len()));
        let cut = if cut == 0 {
            rest.ceil_char_boundary(1)
        } else {
            cut
        };
        let (head, tail) = rest.split_at(cut);
        out.push(head.to_owned());
        rest = tail;
    }
    out
}
