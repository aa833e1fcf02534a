//! One canonical form of a text, with an offset map back to the original bytes.
