//! The tools: their names, what a model is told of them, and what does them.

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::Value;

use super::{
    acts,
    arguments::{
        Andon, Claim, Comment, Complete, Create, Deps, Gates, GatesLook, Look, Messages, Next,
        Nothing, Progress, Show, read, schema,
    },
    gates, looks, messages,
    snag::Snag,
    visit::Visit,
};
use crate::domain::{command::Role, refusal::Refusal};

/// What a tool answers, or why it did nothing.
pub(super) type Done = Result<Value, Snag>;

/// A tool as one sort of caller has it.
#[derive(Clone, Copy)]
struct Face {
    about: &'static str,
    takes: fn() -> Arc<JsonObject>,
    run: fn(&mut Visit, Option<JsonObject>) -> Done,
}

/// One tool.
struct Spec {
    name: &'static str,
    /// For whoever may change something.
    full: Face,
    /// For whoever only looks; None keeps the tool from them.
    look: Option<Face>,
}

macro_rules! face {
    ($takes:ty, $about:literal, $run:expr) => {
        Face {
            about: $about,
            takes: schema::<$takes>,
            run: |visit, arguments| $run(visit, read::<$takes>(arguments)?),
        }
    };
}

macro_rules! tools {
    ($($name:literal $takes:ty => $run:expr, $about:literal $(| $looks:ty => $look:expr, $looking:literal)?;)+) => {
        /// Every tool, in the order in which work needs them.
        const TOOLS: &[Spec] = &[$(Spec {
            name: $name,
            full: face!($takes, $about, $run),
            look: [$(Some(face!($looks, $looking, $look)),)? None][0],
        }),+];
    };
}

tools! {
    "next" Next => acts::next,
        "Pull the most urgent ready order and hold it under a lease. Do it, report with progress, end with complete.";
    "claim" Claim => acts::claim,
        "Hold one order under a lease, if nothing is in its way.";
    "show" Show => looks::show,
        "The board with what is ready and what you hold; one order in full; or a list by status."
        | Show => looks::show, "The board; one order in full; or a list by status.";
    "progress" Progress => acts::progress,
        "Say what was achieved on an order you hold: this alone renews its lease.";
    "comment" Comment => acts::comment,
        "Leave a lasting note on an order for whoever works on it next.";
    "create" Create => acts::create,
        "Add an order: a follow-up you found, or a part of a large one.";
    "deps" Deps => acts::deps,
        "What an order waits for and what waits for it; adds and removes dependencies."
        | Look => looks::deps, "What an order waits for and what waits for it.";
    "gates" Gates => gates::gates,
        "How an order stands at its quality gates; runs them, or shows the output of the last run."
        | GatesLook => gates::look, "How an order stands at its quality gates, or the output of the last run.";
    "complete" Complete => acts::complete,
        "End your work on an order: done, with a receipt, or released. Required gates have to pass first.";
    "andon" Andon => acts::andon,
        "Open alerts; or raise one when something is wrong that others must know or that must stop work."
        | Nothing => |visit, _: Nothing| looks::alerts(visit), "Open alerts, worst first.";
    "messages" Messages => messages::messages,
        "Read your inbox, acknowledge what you dealt with, send, or answer a request."
        | Nothing => |visit, _: Nothing| messages::waiting(visit), "What waits in your inbox.";
    "why" Look => looks::why,
        "Why an order is not moving, and what would free it."
        | Look => looks::why, "Why an order is not moving, and what would free it.";
}

impl Spec {
    fn face(&self, read_only: bool) -> Option<&Face> {
        match read_only {
            true => self.look.as_ref(),
            false => Some(&self.full),
        }
    }
}

/// Returns the tools that are offered, in a fixed order.
pub(super) fn offered(read_only: bool) -> Vec<Tool> {
    TOOLS
        .iter()
        .filter_map(|spec| {
            let face = spec.face(read_only)?;
            // What says of itself that it only looks may be called without asking a person.
            let looks = read_only || matches!(spec.name, "show" | "why");
            let hints = ToolAnnotations::new().read_only(looks);
            let hints = if looks {
                hints
            } else {
                hints.destructive(false)
            };
            Some(Tool::new(spec.name, face.about, (face.takes)()).annotate(hints))
        })
        .collect()
}

/// Returns whether there is such a tool.
pub(super) fn is_known(name: &str) -> bool {
    TOOLS.iter().any(|spec| spec.name == name)
}

/// Does what a tool does.
pub(super) fn call(name: &str, arguments: Option<JsonObject>, visit: &mut Visit) -> Done {
    let Some(spec) = TOOLS.iter().find(|spec| spec.name == name) else {
        return Err(Snag::Usage(format!("there is no tool {name}.")));
    };
    match spec.face(visit.line.is_read_only()) {
        Some(face) => (face.run)(visit, arguments),
        None => {
            let (has, needs) = (Role::Viewer, Role::Agent);
            Err(Refusal::Role { has, needs }.into())
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    /// The most bytes of the tool list as JSON. Some four bytes are a token of English and JSON, so that this keeps the
    /// list below the 3,000 tokens that `.ci/mcp` counts.
    const MOST: usize = 9_000;
    const MOST_TOOLS: usize = 12;

    #[test]
    fn the_list_is_short_enough_to_be_read_each_time() {
        let tools = offered(false);
        assert!(tools.len() <= MOST_TOOLS);
        let bytes = serde_json::to_vec(&tools).unwrap().len();
        assert!(bytes <= MOST, "{bytes} bytes of tools");
        let looking = offered(true);
        assert!(looking.len() < tools.len());
        assert!(serde_json::to_vec(&looking).unwrap().len() < bytes);
    }

    #[test]
    fn every_tool_is_told_and_takes_an_object() {
        for tool in offered(false).iter().chain(&offered(true)) {
            assert!(
                tool.description
                    .as_ref()
                    .is_some_and(|about| about.ends_with('.'))
            );
            let schema = serde_json::to_value(&*tool.input_schema).unwrap();
            assert_eq!(schema["type"], "object", "{}", tool.name);
            assert_eq!(schema["additionalProperties"], false, "{}", tool.name);
            for (name, property) in schema["properties"].as_object().unwrap() {
                assert!(
                    property["type"].is_string(),
                    "{} {name}: {property}",
                    tool.name
                );
            }
        }
    }
}
