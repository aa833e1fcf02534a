use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// Parses `input` in pieces that end at `cuts`.
fn parse(input: &[u8], cuts: &[usize]) -> Result<Vec<Event>, WireError> {
    let mut parser = Parser::new();
    let mut out = Vec::new();
    let mut from = 0;
    for &cut in cuts {
        parser.feed(&input[from..cut], &mut out)?;
        from = cut;
    }
    parser.feed(&input[from..], &mut out)?;
    out.extend(parser.finish()?);
    Ok(out)
}

fn raw(events: &[Event]) -> Vec<u8> {
    events.iter().flat_map(|event| event.raw.to_vec()).collect()
}

/// Input, then name and data of each event that has data.
type Case = (
    &'static str,
    &'static [u8],
    &'static [(Option<&'static str>, &'static str)],
);

const TABLE: &[Case] = &[
    ("one line", b"data: hi\n\n", &[(None, "hi")]),
    ("no space", b"data:hi\n\n", &[(None, "hi")]),
    ("two spaces", b"data:  hi\n\n", &[(None, " hi")]),
    (
        "carriage returns",
        b"data: a\r\rdata: b\r\r",
        &[(None, "a"), (None, "b")],
    ),
    (
        "pairs",
        b"data: a\r\n\r\ndata: b\r\n\r\n",
        &[(None, "a"), (None, "b")],
    ),
    (
        "mixed ends",
        b"data: a\r\n\ndata: b\n\r\n",
        &[(None, "a"), (None, "b")],
    ),
    (
        "a CR line, then a pair",
        b"data: a\r\r\ndata: b\n\n",
        &[(None, "a"), (None, "b")],
    ),
    (
        "several lines",
        b"data: a\ndata\ndata: b\n\n",
        &[(None, "a\n\nb")],
    ),
    (
        "empty data",
        b"data\n\ndata:\n\n",
        &[(None, ""), (None, "")],
    ),
    (
        "name",
        b"event: ping\ndata: {}\n\n",
        &[(Some("ping"), "{}")],
    ),
    (
        "last name counts",
        b"event: a\nevent: b\ndata: x\n\n",
        &[(Some("b"), "x")],
    ),
    (
        "empty name",
        b"event: a\nevent\ndata: x\n\n",
        &[(None, "x")],
    ),
    (
        "name is not inherited",
        b"event: a\n\ndata: x\n\n",
        &[(None, "x")],
    ),
    (
        "comments",
        b": hello\n\n:\ndata: x\n: bye\n\n",
        &[(None, "x")],
    ),
    (
        "ids and unknown fields",
        b"id: 1\nretry: 5\nfoo: bar\ndata: x\n\n",
        &[(None, "x")],
    ),
    ("NUL in an id", b"id: a\0b\ndata: x\n\n", &[(None, "x")]),
    ("colon in the value", b"data: a: b\n\n", &[(None, "a: b")]),
    (
        "field names are whole",
        b"dat: a\ndatas: b\n data: c\n\n",
        &[],
    ),
    (
        "byte order mark",
        b"\xef\xbb\xbfdata: x\n\n",
        &[(None, "x")],
    ),
    (
        "mark alone on the first line",
        b"\xef\xbb\xbf\ndata: x\n\n",
        &[(None, "x")],
    ),
    (
        "mark in the middle",
        b"data: x\n\n\xef\xbb\xbfdata: y\n\n",
        &[(None, "x")],
    ),
    ("blank lines", b"\n\r\n\rdata: x\n\n\n\n", &[(None, "x")]),
    (
        "no final blank line",
        b"data: x\n\ndata: y\n",
        &[(None, "x"), (None, "y")],
    ),
    (
        "no final line end",
        b"data: x\n\ndata: y",
        &[(None, "x"), (None, "y")],
    ),
    ("not ASCII", "data: ä€😀\n\n".as_bytes(), &[(None, "ä€😀")]),
    ("nothing", b"", &[]),
];

#[test]
fn table_is_read_for_every_cut_in_two() {
    for (what, input, expected) in TABLE {
        let whole = parse(input, &[]).unwrap();
        let seen: Vec<_> = whole
            .iter()
            .filter(|event| event.has_data)
            .map(|event| (event.name.as_deref(), event.data.as_str()))
            .collect();
        assert_eq!(seen, *expected, "{what}");
        assert_eq!(raw(&whole), *input, "{what}");
        for cut in 0..=input.len() {
            assert_eq!(parse(input, &[cut]).unwrap(), whole, "{what}, cut at {cut}");
        }
    }
}

#[test]
fn only_a_missing_blank_line_leaves_an_event_open() {
    for (input, terminated) in [
        ("data: x\n\n", true),
        ("data: x\r\r", true),
        ("data: x\n\r", true),
        ("data: x\n", false),
        ("data: x", false),
    ] {
        let events = parse(input.as_bytes(), &[]).unwrap();
        assert_eq!(events.len(), 1, "{input:?}");
        assert_eq!(events[0].terminated, terminated, "{input:?}");
    }
}

#[test]
fn an_event_is_ready_as_soon_as_its_blank_line_is() {
    for input in ["data: x\n\n", "data: x\r\n\r\n", "data: x\r\r"] {
        let mut out = Vec::new();
        Parser::new().feed(input.as_bytes(), &mut out).unwrap();
        assert_eq!(out.len(), 1, "{input:?}");
    }
}

#[test]
fn events_up_to_the_limit_are_read() {
    let frame = "data: \n\n".len();
    for (length, fits) in [
        (EVENT_BYTES_MAX - 1, true),
        (EVENT_BYTES_MAX, true),
        (EVENT_BYTES_MAX + 1, false),
    ] {
        let input = format!("data: {}\n\n", "x".repeat(length - frame));
        for cuts in [
            vec![],
            vec![1],
            vec![length - 1],
            vec![length / 3, length / 2],
        ] {
            assert_eq!(
                parse(input.as_bytes(), &cuts).is_ok(),
                fits,
                "{length}, {cuts:?}"
            );
        }
    }
}

#[test]
fn an_event_that_never_ends_is_refused_while_it_arrives() {
    let mut parser = Parser::new();
    let mut out = Vec::new();
    let chunk = [b'x'; 4096];
    let refused =
        (0..=EVENT_BYTES_MAX / chunk.len()).any(|_| parser.feed(&chunk, &mut out).is_err());
    assert!(refused);
    assert!(out.is_empty());
}

#[test]
fn many_events_in_one_chunk_may_be_longer_than_one_event_may() {
    let input = format!("data: {}\n\n", "x".repeat(1000)).repeat(2000);
    assert_eq!(parse(input.as_bytes(), &[]).unwrap().len(), 2000);
}

#[test]
fn what_is_not_utf8_is_refused_wherever_it_stands() {
    for input in [
        b"data: \xff\n\n".as_slice(),
        b": \xff\n\n",
        b"data: \xc3\n\n",
        b"data: x\n\ndata: \xe2\x82",
    ] {
        for cut in 0..=input.len() {
            assert!(parse(input, &[cut]).is_err(), "{input:?}");
        }
    }
}

#[test]
fn other_data_keeps_all_other_bytes() {
    let table = [
        ("data: old\n\n", "new", "data: new\n\n"),
        ("data:old\r\n\r\n", "new", "data:new\r\n\r\n"),
        (
            ": c\nid: 7\ndata: old\nevent: e\n\n",
            "new",
            ": c\nid: 7\ndata: new\nevent: e\n\n",
        ),
        (
            "data: a\r\nid: 7\r\ndata: b\r\n\r\n",
            "new",
            "data: new\r\nid: 7\r\n\r\n",
        ),
        ("data: old\r\r", "a\nb", "data: a\rdata: b\r\r"),
        ("data: old", "a\r\nb\rc", "data: a\ndata: b\ndata: c\n"),
        ("id: 7\n\n", "new", "id: 7\ndata: new\n\n"),
        ("\u{feff}data: old\n\n", "new", "\u{feff}data: new\n\n"),
        (
            "\u{feff}data: old\ndata\n\n",
            "new",
            "\u{feff}data: new\n\n",
        ),
        ("data: old\n\n", "", "data: \n\n"),
        ("data\n\n", "new", "data: new\n\n"),
        ("data:old\n\n", " new", "data:  new\n\n"),
    ];
    for (input, data, expected) in table {
        let event = parse(input.as_bytes(), &[]).unwrap().remove(0);
        assert_eq!(event.with_data(data), expected, "{input:?}");
    }
}

#[test]
fn own_events_are_read_back() {
    let bytes = write_event(Some("error"), "{\"a\":1}");
    assert_eq!(bytes, "event: error\ndata: {\"a\":1}\n\n");
    let events = parse(&bytes, &[]).unwrap();
    assert_eq!(events[0].name.as_deref(), Some("error"));
    assert_eq!(events[0].data, "{\"a\":1}");
}

/// Streams made of the pieces that matter, so that all line ends meet.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "data", ":", " ", "event", "x", "\n", "\r", "\r\n", "\n\n", "\r\r", "\u{feff}", "é", "😀",
        "id", "\0",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn no_cutting_changes_what_is_read(input in streams(), cuts in prop::collection::vec(any::<Index>(), 0..12)) {
        let whole = parse(&input, &[]).unwrap();
        prop_assert_eq!(raw(&whole), input.clone());
        for cut in 0..=input.len() {
            prop_assert_eq!(&parse(&input, &[cut]).unwrap(), &whole);
        }
        let mut cuts: Vec<usize> = cuts.iter().map(|at| at.index(input.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(&parse(&input, &cuts).unwrap(), &whole);
        let bytes: Vec<usize> = (0..input.len()).collect();
        prop_assert_eq!(&parse(&input, &bytes).unwrap(), &whole);
    }

    #[test]
    fn other_data_is_read_back(input in streams(), data in "[a-z \n]{0,20}") {
        let events = parse(&input, &[]).unwrap();
        for at in 0..events.len().saturating_sub(1) {
            // Read in its place: a mark counts only at the start.
            let changed = events[at].with_data(&data);
            let stream = [&raw(&events[..at]), &changed[..], &raw(&events[at + 1..])].concat();
            let again = parse(&stream, &[]).unwrap();
            prop_assert_eq!(again.len(), events.len());
            prop_assert_eq!(&again[at].data, &data);
            prop_assert_eq!(&again[at].name, &events[at].name);
        }
    }
}

#[test]
fn a_line_left_out_joins_no_line_ends() {
    let mut parser = Parser::new();
    let mut events = Vec::new();
    parser.feed(b"data\rdata\n\n", &mut events).unwrap();
    let changed = [&events[0].with_data("x")[..], b"data: next\n\n"].concat();
    let mut again = Vec::new();
    Parser::new().feed(&changed, &mut again).unwrap();
    assert_eq!(
        again.iter().map(|event| &*event.data).collect::<Vec<_>>(),
        ["x", "next"]
    );
}
