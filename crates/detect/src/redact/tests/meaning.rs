//! What `redact` means, by example.
