//! Scanners: text in, findings out (normalise, patterns, PII, secrets); synchronous, sans-I/O.
