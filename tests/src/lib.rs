//! The running gateway, end to end; one binary.
