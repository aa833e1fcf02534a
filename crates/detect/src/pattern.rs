//! Rules as data: packs of patterns, compiled at start, searched behind one prefilter.
