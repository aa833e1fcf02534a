use super::*;

#[test]
fn tokens_flow_and_the_whole_text_ends_them() {
    let mut reader = reader(Operation::GenerateStream);
    assert_frames(
        &mut reader,
        &[
            (
                r#"{"index":1,"token":{"id":5,"text":"Hel","logprob":-0.5,"special":false},"top_tokens":[{"id":6,"text":"x"}],"generated_text":null,"details":null}"#,
                r#"[Text 0.0: Hel]-5-[{"id":6,"text":"x"}]"#,
            ),
            (
                r#"{"index":2,"token":{"id":0,"text":"","logprob":0,"special":true},"generated_text":null,"details":null}"#,
                "-0 essential",
            ),
        ],
    );
    assert_closes(
        &mut reader,
        channel(Kind::Text, 0, 0),
        r#"{"token":{"id":0,"text":"TEXT","logprob":0.0,"special":false},"generated_text":null,"details":null,"index":2}"#,
    );
    assert_frames(
        &mut reader,
        &[(
            r#"{"index":3,"token":{"id":9,"text":"lo","logprob":0,"special":false},"generated_text":"Hello","details":{"finish_reason":"length","generated_tokens":3,"input_length":4,"prefill":[{"text":"p"}],"tokens":[],"seed":null}}"#,
            r#"[Text 0.0: lo](Text: Hello)-9-[{"text":"p"}] ends Text 0.0 ends all essential last"#,
        )],
    );
}

#[test]
fn errors_are_text_and_the_end() {
    assert_frames(
        &mut reader(Operation::Generate),
        &[(
            r#"{"error":"it broke","error_type":"generation"}"#,
            "(Text: it broke) ends all essential last",
        )],
    );
}
