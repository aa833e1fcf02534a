//! Stage 5: Reply -> Released; filter_output: redact, leak, content; whole bodies and streams.
