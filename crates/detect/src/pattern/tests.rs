//! Tests of the rules and of the search.

use super::*;

#[test]
fn the_core_pack_loads_and_keeps_its_promises() {
    let patterns = Patterns::builtin(&["core"]).unwrap();
    assert!(patterns.rules().count() > 0);
}
