//! What several test files share.

pub(crate) mod console;
pub(crate) mod demo;
pub(crate) mod gates;
pub(crate) mod hand;
pub(crate) mod invariants;
pub(crate) mod line;
pub(crate) mod prometheus;
pub(crate) mod pty;
pub(crate) mod random;
pub(crate) mod sample;
pub(crate) mod schema;
pub(crate) mod ssh;
pub(crate) mod svg;
pub(crate) mod workspaces;
pub(crate) mod world;
