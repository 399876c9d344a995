//! What several test files share.

pub(crate) mod invariants;
pub(crate) mod line;
pub(crate) mod random;
