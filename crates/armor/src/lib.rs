//! Stage 3: Admitted -> Cleared; Prompt Armor: validate_input.
