//! Stage 2: Authenticated -> Admitted; body, rate, tokens, concurrency.
