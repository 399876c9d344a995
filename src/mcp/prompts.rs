//! What a person can have a model told: to pick work up, and to hand it over.

use rmcp::model::{GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, Role};

use super::{looks, snag::Snag, visit::Visit};
use crate::text;

/// Picks work up.
const PICK_UP: &str = "pick-up";
/// Hands work over.
const HAND_OVER: &str = "hand-over";
/// How many orders a prompt names.
const NAMED: usize = 10;

/// Returns every prompt.
pub(super) fn all() -> Vec<Prompt> {
    let order = |about: &str| {
        let argument = PromptArgument::new("order");
        vec![argument.with_description(about).with_required(false)]
    };
    vec![
        Prompt::new(
            PICK_UP,
            Some("Take one work order and do it, from the pull to the receipt."),
            Some(order("Which; the most urgent ready one if not given")),
        ),
        Prompt::new(
            HAND_OVER,
            Some("Leave what you hold so that somebody else can go on with it."),
            Some(order("Which; all that you hold if not given")),
        ),
    ]
}

/// Returns a prompt with what it is about.
pub(super) fn get(
    visit: &mut Visit,
    name: &str,
    arguments: Option<&JsonObject>,
) -> Result<GetPromptResult, Snag> {
    let order = arguments
        .and_then(|arguments| arguments.get("order")?.as_str())
        .map(str::trim)
        .filter(|order| !order.is_empty());
    let (about, text) = match name {
        PICK_UP => ("Pick up a work order", pick_up(visit, order)?),
        HAND_OVER => ("Hand over what you hold", hand_over(visit, order)?),
        _ => {
            let name = text::clean(name);
            return Err(Snag::Usage(format!(
                "there is no prompt {name}; there are {PICK_UP} and {HAND_OVER}."
            )));
        }
    };
    let message = PromptMessage::new_text(Role::User, text);
    Ok(GetPromptResult::new(vec![message]).with_description(about))
}

fn pick_up(visit: &mut Visit, order: Option<&str>) -> Result<String, Snag> {
    let take = match order {
        Some(order) => {
            let view = visit.status(order)?;
            format!(
                "Call `claim` with order {}: {}. If that is refused, say why and stop.",
                view.id,
                text::clean(&view.title)
            )
        }
        None => "Call `next`. If nothing is ready, say what is in the way and stop.".to_owned(),
    };
    Ok(format!(
        "Take one work order from the board and do it.\n\
         1. {take}\n\
         2. Read its description and comments, and what it depends on. Do only what it asks for; what else you find \
         becomes an order of its own with `create`.\n\
         3. Call `progress` whenever something is achieved: nothing else renews the lease. When it is refused as stale, \
         stop: the order is somebody else's now.\n\
         4. When something is wrong that others must know or that must stop work, call `andon`.\n\
         5. Before the end, call `gates` and run what is required; mend what fails.\n\
         6. Call `complete` with a note of what was done. If you cannot do it, `comment` what you know and call `complete` \
         with outcome release."
    ))
}

fn hand_over(visit: &mut Visit, order: Option<&str>) -> Result<String, Snag> {
    let named = match order {
        Some(order) => vec![*visit.status(order)?],
        None => looks::mine(visit, NAMED)?.work_orders,
    };
    if named.is_empty() {
        return Ok("You hold no work order: there is nothing to hand over. Say so.".into());
    }
    let lines: Vec<String> = named
        .iter()
        .map(|view| format!("- {}: {}", view.id, text::clean(&view.title)))
        .collect();
    Ok(format!(
        "Hand over so that whoever comes next can go on without asking you:\n{}\n\
         For each of them:\n\
         1. `comment` what is done, what is left, where the work lies (branch, files), what you tried that failed, and what \
         you would do next.\n\
         2. Turn what is separate into orders with `create`, and connect them with `deps`.\n\
         3. Call `complete` with outcome release and one line why; with outcome done only if it really is.\n\
         Then say in three sentences what you left.",
        lines.join("\n")
    ))
}
