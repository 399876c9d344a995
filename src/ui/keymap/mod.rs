//! Keys, chords and the actions they run.
