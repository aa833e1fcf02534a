//! Mock provider, load generator and the ladder, as ratios to nginx.
