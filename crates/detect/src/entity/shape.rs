//! What validators look at: where a value begins behind its context, how its digits are grouped,
//! and how random it looks.

use smallvec::SmallVec;

/// The lengths of the groups of digits of a value, and what stands between them.
pub(super) struct Groups<'t> {
    pub(super) lens: SmallVec<[usize; 8]>,
    pub(super) gaps: SmallVec<[&'t str; 8]>,
}

// === impl Groups ===

impl<'t> Groups<'t> {
    /// The groups of ASCII digits in `text`.
    pub(super) fn of(text: &'t str) -> Self {
        let mut groups = Self {
            lens: SmallVec::new(),
            gaps: SmallVec::new(),
        };
        let mut rest = text.trim_start_matches(|c: char| !c.is_ascii_digit());
        loop {
            let len = rest.bytes().take_while(u8::is_ascii_digit).count();
            if len == 0 {
                return groups;
            }
            groups.lens.push(len);
            rest = rest.get(len..).unwrap_or_default();
            let gap = rest
                .bytes()
                .take_while(|byte| !byte.is_ascii_digit())
                .count();
            let (gap, after) = rest.split_at_checked(gap).unwrap_or_default();
            if !after.is_empty() {
                groups.gaps.push(gap);
            }
            rest = after;
        }
    }

    /// Whether all gaps are alike.
    pub(super) fn uniform(&self) -> bool {
        let first = self.gaps.first();
        self.gaps.iter().all(|gap| Some(gap) == first)
    }
}

/// Where the first digit stands.
pub(super) fn at_digit(text: &str) -> usize {
    text.find(|c: char| c.is_ascii_digit()).unwrap_or(0)
}

/// Where the number of a `word: number` begins: at its first digit, bracket or plus.
pub(super) fn at_number(text: &str) -> usize {
    let starts = |c: char| c.is_ascii_digit() || c == '(' || c == '+';
    text.find(starts).unwrap_or(0)
}

/// Where the value of a `key = value`, `"key": "value"` or `key is value` begins.
pub(super) fn at_value(text: &str) -> usize {
    let sign = text.find(['=', ':', '?']).unwrap_or(text.len());
    let word = text.find(" is ").unwrap_or(text.len());
    let from = if word < sign {
        word + " is ".len()
    } else {
        sign
    };
    let skipped = |c: char| matches!(c, '=' | ':' | '?' | '>' | ' ' | '\t' | '"' | '\'' | '`');
    let rest = text.get(from..).unwrap_or_default();
    from + rest.find(|c| !skipped(c)).unwrap_or(0)
}

/// Where the last word of `text` begins.
pub(super) fn at_last_word(text: &str) -> usize {
    text.rfind(' ').map_or(0, |at| at + 1)
}

/// How many different ASCII letters and digits `text` holds.
pub(super) fn distinct(text: &str) -> u32 {
    let seen = text
        .bytes()
        .filter(u8::is_ascii_alphanumeric)
        .fold(0_u128, |seen, byte| seen | 1 << byte);
    seen.count_ones()
}

/// Shannon entropy, in bits per byte.
pub(super) fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let len = f64::from(counts.iter().sum::<u32>());
    let seen = counts.iter().filter(|&&count| count > 0);
    seen.map(|&count| f64::from(count) / len)
        .map(|share| -share * share.log2())
        .sum()
}

/// Whether `text` looks like a random key: many different characters, not `xxxx…` or `0000…`.
pub(super) fn is_varied(text: &str) -> bool {
    distinct(text) >= 8
}

/// Whether `text` has letters and digits and looks random.
pub(super) fn is_random(text: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| text.bytes().any(|byte| kind(&byte));
    has(u8::is_ascii_digit)
        && has(u8::is_ascii_alphabetic)
        && is_varied(text)
        && entropy(text) >= 3.0
}

/// Words that stand where a secret would.
const STAND_INS: &[&str] = &[
    "password",
    "passwd",
    "passw0rd",
    "secret",
    "none",
    "null",
    "nil",
    "true",
    "false",
    "undefined",
    "string",
    "required",
    "optional",
    "redacted",
    "hidden",
    "changeme",
    "change_me",
    "placeholder",
    "username",
    "pass",
    "pwd",
    "token",
    "user",
    "test",
    "xxx",
];

/// How stand-ins begin that tell the reader to put in his own.
const OWN: &[&str] = &["your", "my_", "my-"];

/// What stand-ins are filled with.
const FILLERS: &[&str] = &["xxxx", "****", "...."];

/// Whether `value` only stands where a secret would: `${PASSWORD}`, `$PASSWORD`, `<password>`,
/// `********`, `your-password`, `[PASSWORD]`.
pub(super) fn is_stand_in(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let first = lower.chars().next().unwrap_or(' ');
    let bare = lower.trim_start_matches(['<', '[', '{']);
    let word = |text: &str| text.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
    let bracketed = match first {
        '$' => {
            word(lower.get(1..).unwrap_or_default())
                || lower.starts_with("$(")
                || lower.starts_with("${")
        }
        '{' | '<' | '%' | '[' => {
            let inner = lower.get(1..).unwrap_or_default();
            lower.contains(['}', '>', ']']) || lower.ends_with('%') || word(inner)
        }
        _ => false,
    };
    bracketed
        || lower.chars().all(|c| c == first)
        || OWN.iter().any(|own| bare.starts_with(own))
        || FILLERS.iter().any(|filler| lower.contains(filler))
        || STAND_INS.contains(&&*lower)
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "a slip fails the test")]
mod tests {
    use super::*;

    #[test]
    fn groups_are_read_with_their_gaps() {
        let groups = Groups::of("(415) 555-2671");
        assert_eq!(groups.lens.as_slice(), [3, 3, 4]);
        assert_eq!(groups.gaps.as_slice(), [") ", "-"]);
        assert!(!groups.uniform() && Groups::of("1 2 3").uniform());
        assert!(Groups::of("none").lens.is_empty());
    }

    #[test]
    fn values_begin_behind_their_context() {
        for (text, value) in [
            ("password=hunter2", "hunter2"),
            ("\"password\": \"hunter2", "hunter2"),
            ("pwd := 'x", "x"),
            ("password is x", "x"),
            ("password is a=b", "a=b"),
            ("api key => abc", "abc"),
        ] {
            assert_eq!(&text[at_value(text)..], value, "{text}");
        }
        assert_eq!(at_digit("NHS no. 943"), 8);
        assert_eq!(at_number("tel: (0)1"), 5);
        assert_eq!(at_last_word("Bearer  abc"), 8);
    }

    #[test]
    fn stand_ins_are_no_secrets() {
        for text in [
            "${PASSWORD}",
            "<password>",
            "********",
            "your-password",
            "[PASSWORD]",
            "aaaaaaaa",
            "changeme",
            "{{ password }}",
            "$(cat file)",
            "%PASSWORD%",
            "None",
        ] {
            assert!(is_stand_in(text), "{text}");
        }
        for text in [
            "hunter2",
            "$j5KvPo^Y",
            "#b3EJm%mBE+0T",
            "Tr0ub4dor&3",
            "%Rd7Od^Y",
        ] {
            assert!(!is_stand_in(text), "{text}");
        }
    }

    #[test]
    fn keys_look_random_and_words_do_not() {
        assert!(is_random("dafa7817e24648f3") && is_random("Xw937qtWSXJss1lF"));
        assert!(!is_random("internationalisation") && !is_random("1111111111111111"));
        assert!(!is_random("aaaaaaaaaaaaaaa1"));
        assert!(entropy("aaaa") < 0.1 && entropy("abcd") > 1.9);
    }
}
