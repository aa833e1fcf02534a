use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

use super::*;

/// What a text amounts to: its strings and numbers in order, and its bytes written back.
#[derive(Debug, Default, PartialEq, Clone)]
struct Seen {
    strings: Vec<String>,
    numbers: Vec<String>,
    written: String,
}

fn decode(text: &str, cuts: &[usize]) -> Result<Seen, WireError> {
    let mut decoder = Decoder::new();
    let mut tokens = Vec::new();
    let mut from = 0;
    for &cut in cuts.iter().chain([&text.len()]) {
        decoder.push(text.get(from..cut).unwrap(), &mut tokens)?;
        from = cut;
    }
    decoder.finish(&mut tokens);
    Ok(collect(&tokens))
}

fn collect(tokens: &[Token<'_>]) -> Seen {
    let mut seen = Seen::default();
    let (mut string, mut number) = (String::new(), String::new());
    for token in tokens {
        match token {
            Token::Raw(raw) => seen.written.push_str(raw),
            Token::Text(text) => {
                string.push_str(text);
                encode_into(text, &mut seen.written);
            }
            Token::StringEnd => seen.strings.push(std::mem::take(&mut string)),
            Token::Number(digits) => {
                number.push_str(digits);
                seen.written.push_str(digits);
            }
            Token::NumberEnd => seen.numbers.push(std::mem::take(&mut number)),
        }
    }
    assert_eq!((string, number), (String::new(), String::new()));
    seen
}

/// The strings (keys included) and numbers of a value, in the order serde_json writes them.
fn expected(value: &Value, seen: &mut Seen) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => seen.numbers.push(number.to_string()),
        Value::String(text) => seen.strings.push(text.clone()),
        Value::Array(elements) => elements.iter().for_each(|element| expected(element, seen)),
        Value::Object(members) => {
            for (key, member) in members {
                seen.strings.push(key.clone());
                expected(member, seen);
            }
        }
    }
}

#[test]
fn escapes_are_decoded() {
    let text = r#"{"to":"jane\u0040example.com","x":"a\"b\\c\/d\n\t\ud83d\ude00\u00e9"}"#;
    for cut in 0..=text.len() {
        let seen = decode(text, &[cut]).unwrap();
        assert_eq!(
            seen.strings,
            ["to", "jane@example.com", "x", "a\"b\\c/d\n\t😀é"]
        );
    }
}

#[test]
fn usual_escapes_are_written_back_as_they_were() {
    let text = r#"{"a":"\"\\\n\r\t\b\f\u0001\u001f é😀","b":[-1.5e+3,0,true,false,null,{}]}"#;
    assert_eq!(decode(text, &[]).unwrap().written, text);
}

#[test]
fn structure_is_told_from_numbers_and_strings() {
    let mut decoder = Decoder::new();
    let mut tokens = Vec::new();
    decoder.push(r#"{"n": 41"#, &mut tokens).unwrap();
    decoder.push(r#"11, "s":"x"}"#, &mut tokens).unwrap();
    decoder.finish(&mut tokens);
    let raw = |text: &'static str| Token::Raw(text.into());
    assert_eq!(
        tokens,
        [
            raw("{\""),
            Token::Text("n".into()),
            Token::StringEnd,
            raw("\": "),
            Token::Number("41".into()),
            Token::Number("11".into()),
            Token::NumberEnd,
            raw(", \""),
            Token::Text("s".into()),
            Token::StringEnd,
            raw("\":\""),
            Token::Text("x".into()),
            Token::StringEnd,
            raw("\"}"),
        ]
    );
}

#[test]
fn what_is_cut_off_comes_out_as_it_stood() {
    for text in [
        "",
        " ",
        "{",
        r#"{"a"#,
        r#"{"a":"#,
        r#"{"a":"x"#,
        r#"{"a":"x\"#,
        r#"{"a":"x\u00"#,
        r#"{"a":"x\ud83d"#,
        r#"{"a":"x\ud83d\"#,
        r#"{"a":"x\ud83d\ude0"#,
        r#"{"a":12"#,
        r#"{"a":-"#,
        r#"{"a":tru"#,
        r#"{"a":[1,"#,
    ] {
        assert_eq!(decode(text, &[]).unwrap().written, text, "{text}");
    }
}

#[test]
fn containers_may_follow_each_other() {
    let seen = decode(r#"{} {"a":"x"}["y"]"#, &[]).unwrap();
    assert_eq!(seen.strings, ["a", "x", "y"]);
}

#[test]
fn what_is_not_json_is_refused() {
    for text in [
        "jane@example.com",
        "'a'",
        "{'a':1}",
        "{a:1}",
        "{\"a\" \"b\"}",
        "{\"a\":1,}",
        "[1,]",
        "[,1]",
        "{,}",
        "{]",
        "[}",
        "}",
        "4111 1111",
        "1 {}",
        "\"a\" \"b\"",
        "{} x",
        "[1 2]",
        "[01]",
        "[-]",
        "[1.]",
        "[1e]",
        "[.5]",
        "[+1]",
        "[tru e]",
        "[trux]",
        "// note\n{}",
        "{\"a\":1}}",
        "\u{feff}{}",
        r#"["\x"]"#,
        r#"["\u00g0"]"#,
        r#"["\u+123"]"#,
        r#"["\ude00"]"#,
        r#"["\ud83d"]"#,
        r#"["\ud83d\ud83d"]"#,
        r#"["\ud83dx"]"#,
        r#"["\ud83d\n"]"#,
    ] {
        assert!(decode(text, &[]).is_err(), "{text}");
        for cut in (0..=text.len()).filter(|cut| text.is_char_boundary(*cut)) {
            assert!(decode(text, &[cut]).is_err(), "{text} at {cut}");
        }
    }
}

#[test]
fn depth_is_limited() {
    for (depth, fits) in [
        (FRAGMENT_DEPTH_MAX - 1, true),
        (FRAGMENT_DEPTH_MAX, true),
        (FRAGMENT_DEPTH_MAX + 1, false),
    ] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            assert_eq!(decode(&text, &[]).is_ok(), fits, "{depth}");
        }
    }
}

#[test]
fn raw_control_characters_are_text() {
    let seen = decode("[\"a\nb\"]", &[]).unwrap();
    assert_eq!(seen.strings, ["a\nb"]);
    assert_eq!(seen.written, r#"["a\nb"]"#);
}

#[test]
fn a_pending_escape_is_told() {
    let mut decoder = Decoder::new();
    let mut tokens = Vec::new();
    decoder.push(r#"["\u00"#, &mut tokens).unwrap();
    assert!(decoder.is_holding());
    decoder.push("40", &mut tokens).unwrap();
    assert!(!decoder.is_holding());
    assert_eq!(tokens.last(), Some(&Token::Text("@".into())));
}

fn values() -> impl Strategy<Value = Value> {
    let text = "[ -~éß😀\u{0}-\u{1f}]{0,12}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // Eighths are written exactly.
        any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((text, inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Writes every character that is not plain ASCII as `\u` escapes, as many serializers do.
fn ascii(text: &str) -> String {
    text.chars()
        .flat_map(|character| {
            let mut units = [0; 2];
            let escaped: Vec<String> = match character.is_ascii() {
                true => vec![character.to_string()],
                false => character
                    .encode_utf16(&mut units)
                    .iter()
                    .map(|unit| format!("\\u{unit:04x}"))
                    .collect(),
            };
            escaped
        })
        .collect()
}

proptest! {
    #[test]
    fn any_cutting_gives_what_serde_json_gives(value in values(), pretty in any::<bool>(), only_ascii in any::<bool>(), cuts in prop::collection::vec(any::<Index>(), 0..10)) {
        let mut text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        if only_ascii {
            text = ascii(&text);
        }
        let mut reference = Seen::default();
        expected(&value, &mut reference);
        let at_boundary = |cut: usize| (cut..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap();
        let mut cuts: Vec<usize> = cuts.iter().map(|at| at_boundary(at.index(text.len() + 1))).collect();
        cuts.sort_unstable();
        let every: Vec<usize> = (0..text.len()).filter(|at| text.is_char_boundary(*at)).collect();
        for cuts in [vec![], cuts, every] {
            let seen = decode(&text, &cuts).unwrap();
            prop_assert_eq!(&seen.strings, &reference.strings);
            prop_assert_eq!(&seen.numbers, &reference.numbers);
            prop_assert_eq!(&serde_json::from_str::<Value>(&seen.written).unwrap(), &value);
            if !only_ascii {
                prop_assert_eq!(&seen.written, &text);
            }
        }
    }

    #[test]
    fn nothing_panics(text in "[\\[\\]{}:,\"\\\\ud8e0-9tfn x+.\u{e9}]{0,40}", cut in any::<Index>()) {
        let at = cut.index(text.len() + 1);
        let cut = (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap();
        let whole = decode(&text, &[]);
        let pieces = decode(&text, &[cut]);
        prop_assert_eq!(whole.ok(), pieces.ok());
    }
}
