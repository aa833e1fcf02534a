use aegis_core::{Role, Trust};

use super::super::voice::DESCRIPTION;
use super::*;

pub(super) const COMPLETIONS: &[Table] = &[
    Table {
        around: r#"{"model":"m","prompt":§}"#,
        message: 1,
        rows: &[(r#""@@""#, USER), (r#"["@@","x"]"#, USER)],
    },
    Table {
        around: r#"{"model":"m","prompt":§}"#,
        message: 2,
        rows: &[(r#"["x","@@"]"#, USER)],
    },
    Table {
        around: r#"{"model":"m","prompt":"x",§}"#,
        message: 0,
        rows: &[
            (r#""suffix":"@@""#, USER),
            (r#""stop":["@@"]"#, USER),
            (r#""user":"@@""#, USER),
            (r#""echo":"@@""#, UNPLACED),
            (r#""unheard_of":"@@""#, UNPLACED),
        ],
    },
];

pub(super) const EMBEDDINGS: &[Table] = &[
    Table {
        around: r#"{"model":"m","input":§}"#,
        message: 1,
        rows: &[(r#""@@""#, USER), (r#"["@@","x"]"#, USER)],
    },
    Table {
        around: r#"{"model":"m","input":"x",§}"#,
        message: 0,
        rows: &[
            (r#""user":"@@""#, USER),
            (r#""encoding_format":"@@""#, UNPLACED),
            (r#""unheard_of":{"@@":1}"#, KEY),
        ],
    },
];

pub(super) const TGI: &[Table] = &[
    Table {
        around: r#"{"inputs":§}"#,
        message: 1,
        rows: &[(r#""@@""#, USER)],
    },
    Table {
        around: r#"{"inputs":"x","parameters":{§}}"#,
        message: 0,
        rows: &[
            (r#""stop":["x","@@"]"#, USER),
            (r#""grammar":{"type":"regex","value":"@@"}"#, DESCRIPTION),
            (
                r#""grammar":{"value":{"properties":{"a":{"description":"@@"}}}}"#,
                DESCRIPTION,
            ),
            (r#""adapter_id":"@@""#, UNPLACED),
            (r#""unheard_of":"@@""#, UNPLACED),
        ],
    },
    Table {
        around: r#"{"inputs":"x",§}"#,
        message: 0,
        rows: &[(r#""unheard_of":["@@"]"#, UNPLACED)],
    },
];

pub(super) const GENERIC: &[Table] = &[
    Table {
        around: "§",
        message: 1,
        rows: &[
            (r#"{"task":{"goal":"@@"}}"#, USER),
            (r#"{"task":{"goal":{"content":["@@"]}}}"#, USER),
            (r#"{"task":{"goal":{"@@":1}}}"#, USER.of(Kind::Key)),
            (r#"{"steps":{"any":{"text":"@@"}}}"#, USER),
            (r#"{"list":["x","@@"]}"#, USER),
            (r#"{"a/b":{"m~n":"@@"}}"#, USER),
            (r#"{"by":{"a":"@@"}}"#, USER),
        ],
    },
    Table {
        around: "§",
        message: 2,
        rows: &[(r#"{"steps":[{"text":"x"},{"text":"@@"}]}"#, USER)],
    },
    Table {
        around: "§",
        message: 0,
        rows: &[
            (r#"{"steps":{"@@":{"text":"x"}}}"#, KEY),
            (r#"{"list":["@@","x"]}"#, UNPLACED),
            (r#"{"task":{"other":"@@"}}"#, UNPLACED),
            (r#"{"task":"@@"}"#, UNPLACED),
            (r#"{"other":{"goal":"@@"}}"#, UNPLACED),
            (r#"{"model":"@@"}"#, UNPLACED),
            (r#"{"@@":1}"#, KEY),
            (r#"[{"x":"@@"}]"#, UNPLACED),
            (r#""@@""#, UNPLACED),
        ],
    },
];

#[test]
fn every_place_is_found() {
    assert_found(Operation::Completions, COMPLETIONS);
    assert_found(Operation::Embeddings, EMBEDDINGS);
    assert_found(Operation::Generate, TGI);
    assert_found(Operation::GenerateStream, TGI);
    assert_found(Operation::Generic, GENERIC);
}

#[test]
fn the_whole_body_can_be_the_prompt() {
    let fields = GenericFields {
        prompt: vec!["".into()],
        ..GenericFields::default()
    };
    let raw = Bytes::from_static(br#"{"a":["x y"]}"#);
    let document = read_request(Operation::Generic, Some(&fields), raw).unwrap();
    let roles: Vec<Role> = document
        .segments
        .iter()
        .map(|segment| segment.role)
        .collect();
    assert_eq!(roles, [Role::User; 2]);
}

#[test]
fn without_named_fields_everything_is_unplaced() {
    let raw = Bytes::from_static(br#"{"task":{"goal":"x y"}}"#);
    let document = read_request(Operation::Generic, None, raw).unwrap();
    let segment = document.segments.last().unwrap();
    assert_eq!(document.text(segment), "x y");
    assert_eq!(
        (segment.kind, segment.trust),
        (Kind::Unplaced, Trust::Untrusted)
    );
}
