//! A file of another system comes in.

use super::{Context, Decision};
use crate::domain::{
    cold::{Cold, Needs},
    command::ImportItem,
    state::State,
};

/// Returns which closed orders and earlier records the import has to look at.
pub(super) fn needs(_: &State, _: &Cold, _: &str, _: &[ImportItem]) -> Needs {
    Needs::default()
}

/// Decides what an import brings in and what it merges.
pub(super) fn import(_: &State, _: &Cold, _: &str, _: &[ImportItem], _: &Context<'_>) -> Decision {
    Ok(vec![])
}
