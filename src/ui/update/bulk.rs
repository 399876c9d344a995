//! Marks, and one act on all that is marked: one dialog before, one summary after.

use std::collections::VecDeque;

use super::{errands, storm};
use crate::{
    domain::{
        command::{Command, Destination},
        event::Changes,
        id::OrderId,
        order::{Bucket, Priority},
    },
    ui::{
        action::Action,
        board::Kind,
        effect::Effect,
        errand::Step,
        model::{Model, View},
        overlay::{
            Overlay,
            confirm::{Confirm, Yes},
            palette::{Choice, Item, Palette},
            prompt::{Claim, Prompt, Purpose},
        },
        theme::Role,
        words,
    },
};

/// Most orders that one act changes: enough for a morning's clearing up, and soon done. More is a job for a script.
pub(super) const MAX_MANY: usize = 500;
/// How many orders a question names.
pub(super) const NAMED: usize = 8;

/// Marks, or unmarks, what `what` says: the selected order, all that are shown, those of the selected column.
pub(super) fn mark(model: &mut Model, what: &str) -> Vec<Effect> {
    if model.view == View::Andon {
        return storm::mark(model, what);
    }
    let column = match what {
        "all" => None,
        "column" => Some(model.board.column),
        "none" => {
            model.marks.clear();
            return Vec::new();
        }
        _ => {
            toggle(model);
            if what == "next" {
                model.board.step(1);
            }
            return Vec::new();
        }
    };
    let shown = shown(model, column);
    if shown.iter().all(|id| model.marks.contains(id)) {
        model.marks.retain(|id| !shown.contains(id));
    } else {
        model.marks.extend(shown);
    }
    Vec::new()
}

fn toggle(model: &mut Model) {
    let Some(id) = model.board.selected else {
        return;
    };
    if model.marks.remove(&id) {
        return;
    }
    match model.state.order(id) {
        Some(_) => drop(model.marks.insert(id)),
        None => model.say(format!("{id} is closed: it takes no mark"), Role::Warning),
    }
}

/// Returns the open orders on the board, or in one of its columns, as far as the filter lets them.
fn shown(model: &Model, column: Option<usize>) -> Vec<OrderId> {
    let columns = model.board.columns.iter().enumerate();
    let wanted = columns.filter(|(at, _)| column.is_none_or(|column| column == *at));
    let open = wanted.filter(|(_, column)| column.kind != Kind::Done);
    open.flat_map(|(_, column)| column.ids.iter().copied())
        .collect()
}

/// Returns the marked orders that the filter lets be seen, in the order of the board. Nothing is done to what is
/// hidden.
pub(super) fn marked(model: &Model) -> Vec<OrderId> {
    let mut ids = shown(model, None);
    ids.retain(|id| model.marks.contains(id));
    ids
}

/// Asks before an act on the marked orders, or offers what to set.
pub(super) fn run(model: &mut Model, action: Action, ids: Vec<OrderId>) -> Vec<Effect> {
    let count = words::count(ids.len(), "marked order");
    if ids.len() > MAX_MANY {
        let text = format!("{count}: at most {MAX_MANY} at once");
        model.say(text, Role::Warning);
        return Vec::new();
    }
    let choose = |title: String, items: Vec<Item>| {
        Some(Overlay::Palette(Box::new(Palette::new(title, items))))
    };
    let edit = |changes| Choice::Edit(ids.clone(), Box::new(changes));
    match action {
        Action::Priority => {
            let items = (1..=10).rev().filter_map(|n: u8| {
                let changes = Changes {
                    priority: Some(Priority::new(n)?),
                    ..Changes::default()
                };
                Some(Item::new(
                    n.to_string(),
                    super::acts::urgency(n),
                    edit(changes),
                ))
            });
            model.overlay = choose(format!("Priority of {count}"), items.collect());
        }
        Action::Bucket => {
            let items = Bucket::ALL.iter().map(|bucket| {
                let changes = Changes {
                    bucket: Some(*bucket),
                    ..Changes::default()
                };
                let label = words::plain(bucket.word());
                Item::new(label, super::acts::standing(model, *bucket), edit(changes))
            });
            let items = items.collect();
            model.overlay = choose(format!("Bucket of {count}"), items);
        }
        Action::Cancel => {
            let prompt = Prompt::new(Purpose::CancelMany(ids), "");
            model.overlay = Some(Overlay::Prompt(Box::new(prompt)));
        }
        _ => {
            if let Some((act, wish)) = wish(action) {
                confirm(model, act, &ids, wish, &[]);
            }
        }
    }
    Vec::new()
}

/// What is wished of an order.
type Wish = fn(OrderId) -> Command;

/// Returns an act's words and what it wishes of an order.
fn wish(action: Action) -> Option<(&'static str, Wish)> {
    Some(match action {
        Action::Start => ("Start", |id| Command::StartOrder { id }),
        Action::Forward => ("Stage on", |id| Command::MoveOrder {
            id,
            to: Destination::Right,
        }),
        Action::Backward => ("Stage back", |id| Command::MoveOrder {
            id,
            to: Destination::Left,
        }),
        Action::Complete => ("Complete", |id| Command::CompleteOrder {
            id,
            sku: None,
            note: None,
        }),
        Action::Release => ("Release", |id| Command::ReleaseOrder {
            id,
            force: false,
            reason: None,
        }),
        _ => return None,
    })
}

/// Returns whether an act can be done to all that is marked.
pub(super) fn fits(action: Action) -> bool {
    wish(action).is_some() || matches!(action, Action::Priority | Action::Bucket | Action::Cancel)
}

/// Asks whether the marked orders are to be cancelled for a reason.
pub(super) fn cancel(model: &mut Model, ids: &[OrderId], reason: String) -> Vec<Effect> {
    let facts = [
        format!("Reason: {reason}"),
        "What waits for them stays blocked until the dependency is removed.".into(),
    ];
    let wish = |id| Command::CancelOrder {
        id,
        reason: reason.clone(),
    };
    confirm(model, "Cancel", ids, wish, &facts);
    Vec::new()
}

/// Asks once more before a wish is made of every marked order, with all that is known of them.
pub(super) fn confirm(
    model: &mut Model,
    act: &str,
    ids: &[OrderId],
    wish: impl Fn(OrderId) -> Command,
    more: &[String],
) {
    let mut facts = Vec::new();
    let mut steps = Vec::new();
    let mut agents = Vec::new();
    for id in ids {
        let Some(order) = model.state.order(*id) else {
            continue;
        };
        if facts.len() < NAMED {
            facts.push(format!("{id} {}", order.title));
        }
        let claim = Claim::on(order).filter(Claim::is_agents);
        let others = claim.filter(|claim| claim.holder != model.session.me);
        if let Some(claim) = &others {
            agents.push(format!("{} ({id})", claim.holder));
        }
        steps.push(Step {
            epoch: others.map(|claim| claim.epoch),
            ..Step::from(wish(*id))
        });
    }
    if steps.len() > facts.len() {
        facts.push(format!("and {} more", steps.len() - facts.len()));
    }
    facts.extend_from_slice(more);
    if !agents.is_empty() {
        let shown = agents.iter().take(NAMED).cloned().collect::<Vec<_>>();
        facts.push(format!("Agents at work on them: {}", shown.join(", ")));
    }
    let hidden = model.marks.len().saturating_sub(ids.len());
    if hidden > 0 {
        let text = format!("{hidden} more marked, which the filter hides: left alone");
        facts.push(text);
    }
    let count = words::count(steps.len(), "marked order");
    let yes = Yes::Each(act.to_owned(), steps);
    ask(model, act, &count, facts, yes);
}

/// Asks once more before one act on many is done.
pub(super) fn ask(model: &mut Model, act: &str, what: &str, facts: Vec<String>, yes: Yes) {
    model.overlay = Some(Overlay::Confirm(Confirm {
        question: format!("{act} {what}?"),
        facts,
        stake: None,
        yes,
        form: None,
    }));
}

/// Does one thing with many orders or alerts.
pub(super) fn each(model: &mut Model, act: String, steps: Vec<Step>) -> Vec<Effect> {
    // What was done about an alert is not done again by itself.
    if let Some(first) = steps.first().filter(|step| step.command.order().is_some()) {
        model.last = Some(first.command.clone());
    }
    let each = steps.into_iter().map(|step| VecDeque::from([step]));
    errands::send_many(model, act, each.collect(), false, Vec::new())
}

/// Changes fields of many orders.
pub(super) fn edit(model: &mut Model, ids: Vec<OrderId>, changes: &Changes) -> Vec<Effect> {
    let act = match (changes.priority, changes.bucket) {
        (Some(priority), _) => format!("Priority {priority}"),
        (_, Some(bucket)) => format!("Bucket {}", words::plain(bucket.word())),
        _ => "Edit".to_owned(),
    };
    let steps = ids.into_iter().map(|id| {
        Step::from(Command::EditOrder {
            id,
            changes: changes.clone(),
            add_labels: Vec::new(),
            remove_labels: Vec::new(),
        })
    });
    each(model, act, steps.collect())
}
