//! Files of other systems, read into items that the rules understand, and what came of it as text and as JSON.

mod beads;
mod command;
mod convert;
mod line;
mod mapping;
mod report;
#[cfg(test)]
mod tests;

pub(super) use self::command::{grammar, run};
pub use self::{
    beads::{BrokenFile, LineProblem, MAX_LINE, MAX_PROBLEMS, ReadFile, read_beads},
    mapping::{BadMapping, Mapping},
    report::{Imported, render_report},
};
