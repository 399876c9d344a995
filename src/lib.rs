//! obeya.
