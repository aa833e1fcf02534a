//! Nothing passes unseen, whatever an event holds.

use proptest::prelude::*;

use super::*;
use crate::reply::tests::coverage::{FRAMES, assert_covered, bodies, prose};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn every_prose_string_of_an_event_is_found(tree in bodies(), frame in prop::sample::select(FRAMES)) {
        let data = format!("{}{tree}{}", frame.0, frame.1);
        let parsed = json::parse(data.as_bytes()).unwrap();
        let mut expected = Vec::new();
        prose(parsed.root(), &mut expected);
        let event = event(None, &data);
        for operation in Operation::ALL {
            // Random members may state an index that is none, or text where a choice has ended.
            let Ok(frame) = reader(operation).read(&event) else { continue };
            let deltas = frame.deltas.iter().map(|delta| delta.literal.clone());
            let wholes = frame.wholes.iter().map(|whole| whole.literal.clone());
            prop_assert!(deltas.clone().is_sorted_by_key(|range| range.start));
            prop_assert!(wholes.clone().is_sorted_by_key(|range| range.start));
            let found: Vec<_> = deltas.chain(wholes).collect();
            assert_covered(&expected, &found, &frame.drops, &data);
            prop_assert!(frame.essential || !frame.deltas.is_empty());
        }
    }
}
