//! Files of other systems, read into items that the rules understand, and what came of it as text and as JSON.
//!
//! [`SOURCES`] is the table of systems. `frame` and `columns` part a file into records, one file a system reads one of
//! them into a `Raw` item in that system's words, `item` puts it into ours, and `file` gathers them.

mod beads;
mod columns;
mod command;
mod file;
mod frame;
mod github;
mod item;
mod mapping;
mod obeya;
mod parts;
mod report;
mod source;
mod taskwarrior;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod torn_tests;

pub(super) use self::{
    columns::FORMULA,
    command::{grammar, run},
};
pub use self::{
    columns::Field,
    file::{BrokenFile, LineProblem, MAX_LINE, MAX_PROBLEMS, ReadFile, Unit},
    mapping::{BadMapping, Mapping},
    report::{Imported, render_report},
    source::{Options, SOURCES, Source},
};
