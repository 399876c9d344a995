//! The obeya binary.
fn main() {}
