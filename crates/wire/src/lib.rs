//! LLM wire formats and SSE: finds the text in a body and writes it back; sans-I/O.
