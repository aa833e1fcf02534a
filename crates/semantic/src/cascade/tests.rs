//! The rules, on logits made up for them.

use super::*;
use crate::testing;

/// Both models weigh 1, `low` is .05 and `high` .95 on every head.
fn rules(source: Source) -> Rules {
    let manifest = testing::manifest().to_string();
    Rules::new(&Manifest::parse(manifest.as_bytes()).unwrap(), source)
}

/// A window with these logits on injection and toxicity, and -9 on the others.
const fn window(injection: f32, toxicity: f32) -> PerHead<f32> {
    [injection, -9.0, -9.0, -9.0, toxicity]
}

const SAFE: PerHead<f32> = window(-9.0, -9.0);

#[test]
fn only_windows_between_low_and_high_are_uncertain() {
    let rules = rules(Source::User);
    // sigmoid(±2.944) are .95 and .05.
    for (logit, uncertain) in [(-2.95, false), (-2.94, true), (2.94, true), (2.95, false)] {
        let sifted = rules.sift(&[SAFE, window(logit, -9.0)]);
        assert_eq!(sifted.uncertain, [1][usize::from(!uncertain)..], "{logit}");
    }
    assert!(rules.sift(&[]).uncertain.is_empty());
}

#[test]
fn a_settled_head_is_settled_for_the_whole_text_and_for_no_other_head() {
    let rules = rules(Source::User);
    let attack = window(5.0, -9.0);
    let sifted = rules.sift(&[attack, window(1.0, -9.0)]);
    assert!(sifted.uncertain.is_empty());
    let sifted = rules.sift(&[window(1.0, 5.0), SAFE]);
    assert_eq!(sifted.uncertain, [0], "toxicity does not hide injection");
    let scores = rules.both(&sifted, [(window(1.0, 5.0), Some(window(-8.0, -20.0)))]);
    assert!(scores[0] < 0.01, "the encoder cleared it: {}", scores[0]);
    assert!(scores[4] > 0.99, "it stands: {}", scores[4]);
}

#[test]
fn the_most_suspicious_windows_go_to_the_encoder_and_the_others_keep_their_score() {
    let rules = rules(Source::User);
    // Five windows, of which the test manifest sends four.
    let windows = [0.1, 0.5, 0.3, 0.3, 0.4].map(|x| window(x, -9.0));
    let sifted = rules.sift(&windows);
    assert_eq!(sifted.uncertain, [1, 4, 2, 3]);
    let read = sifted.uncertain.iter().map(|_| (SAFE, Some(SAFE)));
    let scores = rules.both(&sifted, read);
    assert!((scores[0] - sigmoid(0.1)).abs() < 1e-6);
}

#[test]
fn a_window_has_both_models_together_or_the_first_where_the_second_is_mute() {
    let rules = rules(Source::User);
    let linear = window(1.0, -9.0);
    let sifted = rules.sift(&[linear]);
    let both = rules.both(&sifted, [(linear, Some([2.0; 5]))]);
    assert!((both[0] - sigmoid(3.0)).abs() < 1e-6);
    let mute = rules.both(&sifted, [(linear, None)]);
    assert_eq!(mute, rules.first_only(&sifted));
    assert!((mute[0] - sigmoid(1.0)).abs() < 1e-6);
}

#[test]
fn nothing_a_user_says_is_indirect() {
    let window = [-9.0, -9.0, -9.0, 1.0, -9.0];
    assert!(rules(Source::User).sift(&[window]).uncertain.is_empty());
    assert_eq!(rules(Source::Untrusted).sift(&[window]).uncertain, [0]);
}

#[test]
fn many_windows_lower_a_score_by_the_manifests_measure() {
    let mut rules = rules(Source::Untrusted);
    rules.pool = 0.5;
    let one = rules.first_only(&rules.sift(&[window(6.0, -9.0)]))[0];
    assert!((one - sigmoid(6.0)).abs() < 1e-6);
    let windows = [[window(6.0, -9.0)].as_slice(), &[SAFE; 99]].concat();
    let many = rules.first_only(&rules.sift(&windows))[0];
    assert!((many - sigmoid(6.0 - 0.5 * 100_f32.ln())).abs() < 1e-4);
    rules.linear_only[0] = [100.0, 0.0];
    let extreme = rules.first_only(&rules.sift(&windows))[0];
    assert!(extreme.is_finite() && extreme > 0.99);
}
