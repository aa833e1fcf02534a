//! Decoded views: what an encoding hides, as text of its own.
