//! What is found by typing: everything that can be gone to or done, and what may come next in a line.

use crate::ui::{
    action::Action,
    complete::{self, Grammar},
    effect::Effect,
    keymap::{Scope, chord},
    model::{Model, View},
    overlay::{
        Overlay,
        palette::{Choice, Item, Palette},
        prompt::Purpose,
    },
};

/// Returns everything that can be gone to or done from here.
pub(super) fn everything(model: &Model) -> Palette {
    let scopes = model.scopes();
    let bindings = model.keymap.reachable(&scopes, &[]);
    let mut items: Vec<Item> = Vec::new();
    for binding in bindings {
        let run = binding.run.as_str();
        let moving = Action::parse(run)
            .is_none_or(|(action, _)| action.scope() == Scope::List || action == Action::Palette);
        let known = |item: &Item| item.choice == Choice::Run(run.to_owned());
        if moving || items.iter().any(known) {
            continue;
        }
        let action = Action::parse(run).map(|(action, _)| action);
        let about = if binding.desc.is_empty() {
            action.map_or(run, |action| action.about())
        } else {
            &binding.desc
        };
        let keys = chord(&binding.on);
        items.push(Item {
            why_not: action.and_then(|action| action.available(model).err()),
            known_as: run.to_owned(),
            ..Item::new(about, keys, Choice::Run(run.to_owned()))
        });
    }
    items.extend(unbound(&scopes, model, &items));
    items.extend(model.filters.iter().map(|(name, text)| {
        let run = format!("filter {name}");
        Item {
            known_as: run.clone(),
            ..Item::new(format!("Filter: {text}"), "", Choice::Run(run))
        }
    }));
    items.extend(model.alerts().iter().map(|alert| {
        let label = format!("{} {}", alert.id, alert.reason);
        Item::new(label, alert.severity.word(), Choice::Alert(alert.id))
    }));
    items.extend(model.state.orders().map(|order| {
        let label = format!("{} {}", order.id, order.title);
        let stage = order.work().map_or("queued", |work| work.stage.as_str());
        Item::new(label, stage, Choice::Order(order.id)).known_as(order.external.as_ref())
    }));
    Palette::new("Go to an order or run an action", items).with_ids(None)
}

/// Returns what can be done here and has no key: it is found by its words all the same.
fn unbound(scopes: &[Scope], model: &Model, bound: &[Item]) -> Vec<Item> {
    let views = View::ALL.iter().map(|view| format!("view {}", view.name()));
    let plain = Action::ALL.iter().map(|action| action.name().to_owned());
    let runs = plain.chain(views).filter_map(|run| {
        let (action, argument) = Action::parse(&run)?;
        let here = scopes.contains(&action.scope()) && action.scope() != Scope::List;
        let choice = Choice::Run(run.clone());
        let known = bound.iter().any(|item| item.choice == choice);
        if !here || known || action == Action::Palette {
            return None;
        }
        let label = match argument {
            "" => action.about().to_owned(),
            view => format!("{}: {view}", action.about()),
        };
        Some(Item {
            why_not: action.available(model).err(),
            known_as: run,
            ..Item::new(label, "", choice)
        })
    });
    runs.collect()
}

/// Brings what may come next up to date with what is typed, and returns what the grammar is to be asked.
pub(super) fn offers(model: &mut Model) -> Option<Effect> {
    let Some(Overlay::Prompt(prompt)) = &model.overlay else {
        return None;
    };
    if !complete::offers_for(&prompt.purpose) {
        return None;
    }
    let line = complete::wanted(prompt)?;
    if prompt.purpose == Purpose::Command {
        return Some(Effect::Complete(line));
    }
    let offers = complete::filter(model, line);
    if let Some(Overlay::Prompt(prompt)) = &mut model.overlay {
        prompt.offers = Some(offers);
    }
    None
}

/// Takes what the grammar says about the line, if that is still what is typed.
pub(super) fn completed(model: &mut Model, grammar: Grammar) {
    let typed = match &model.overlay {
        Some(Overlay::Prompt(prompt)) => prompt.editor.text(),
        _ => return,
    };
    if typed != grammar.line {
        return;
    }
    let offers = complete::command(model, grammar);
    if let Some(Overlay::Prompt(prompt)) = &mut model.overlay {
        prompt.offers = Some(offers);
    }
}
