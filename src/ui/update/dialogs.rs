//! What happens in dialogs: typing, choosing, answering.

use super::{acts::submit, moves, perform};
use crate::{
    domain::{
        andon::{Scope, Severity},
        command::{Command, Hold, NewOrder},
        event::{Changes, Parent},
        order::PullSignal,
    },
    ui::{
        action::Action,
        effect::Effect,
        filter::Filter,
        keymap::Key,
        model::Model,
        overlay::{
            Overlay,
            confirm::Confirm,
            form::{Form, Purpose as For},
            help::Page,
            palette::{Choice, Item, Palette},
            prompt::{Prompt, Purpose},
        },
        theme::Role,
    },
};

/// How many typed lines are remembered.
const HISTORY: usize = 100;

/// Runs an action that opens, fills or closes a dialog.
pub(super) fn run(model: &mut Model, action: Action, argument: &str) -> Vec<Effect> {
    match action {
        Action::Help => model.overlay = Some(Overlay::Page(Page::keys(model))),
        Action::Command => {
            let prompt = Prompt::new(Purpose::Command, "");
            model.overlay = Some(Overlay::Prompt(Box::new(prompt)));
        }
        Action::Filter => {
            let mut prompt = Prompt::new(Purpose::Filter, model.filter.text());
            prompt.check();
            model.board.set_out();
            model.overlay = Some(Overlay::Prompt(Box::new(prompt)));
        }
        Action::Palette => {
            let palette = everything(model);
            model.overlay = Some(Overlay::Palette(Box::new(palette)));
        }
        Action::CompleteWord => {
            if let Some(Overlay::Prompt(prompt)) = &mut model.overlay {
                prompt.complete();
            }
        }
        Action::Field => {
            if let Some(Overlay::Form(form)) = &mut model.overlay {
                form.turn(argument == "next");
            }
        }
        Action::No => {
            // A form's text is not lost by a no.
            if let Some(Overlay::Confirm(confirm)) = model.overlay.take() {
                model.overlay = confirm.form.map(Overlay::Form);
            }
        }
        Action::Yes => return yes(model),
        Action::Accept => return accept(model),
        _ => {}
    }
    Vec::new()
}

/// Takes a key that the keymap gives no meaning: text, where text is typed.
pub(super) fn typed(model: &mut Model, key: Key) {
    match &mut model.overlay {
        Some(Overlay::Prompt(prompt)) => {
            prompt.editor.key(key);
            prompt.check();
            live_filter(model);
        }
        Some(Overlay::Palette(palette)) => palette.typed(key),
        Some(Overlay::Form(form)) => form.key(key),
        _ => {}
    }
}

/// Takes pasted text where text is typed; elsewhere it is no row of keys.
pub(super) fn paste(model: &mut Model, text: &str) {
    match &mut model.overlay {
        Some(Overlay::Prompt(prompt)) => {
            prompt.editor.paste(text);
            prompt.check();
            live_filter(model);
        }
        Some(Overlay::Palette(palette)) => {
            palette.pasted(text);
        }
        Some(Overlay::Form(form)) => form.paste(text),
        _ => model.say("pasted text goes only where text is typed", Role::Muted),
    }
}

/// A filter shows what it does while it is typed.
fn live_filter(model: &mut Model) {
    if let Some(Overlay::Prompt(prompt)) = &model.overlay
        && prompt.purpose == Purpose::Filter
    {
        model.filter = Filter::parse(&prompt.editor.text()).0;
    }
}

/// Takes back what a dialog did while it was open: a filter that is not wanted after all.
pub(super) fn left(model: &mut Model, overlay: &Overlay) {
    if let Overlay::Prompt(prompt) = overlay
        && prompt.purpose == Purpose::Filter
    {
        model.filter = Filter::parse(&prompt.before).0;
    }
}

/// Goes through the lines typed before.
pub(super) fn recall(model: &mut Model, back: isize) {
    if let Some(Overlay::Prompt(prompt)) = &mut model.overlay
        && prompt.purpose == Purpose::Command
    {
        let last = model.history.len();
        prompt.back = prompt.back.saturating_add_signed(back.signum()).min(last);
        let line = last
            .checked_sub(prompt.back)
            .and_then(|at| model.history.get(at));
        prompt.editor.replace(line.map_or("", String::as_str));
    }
}

/// Everything that can be gone to or done from here.
fn everything(model: &Model) -> Palette {
    let scopes = model.scopes();
    let bindings = model.keymap.reachable(&scopes, &[]);
    let mut items: Vec<Item> = Vec::new();
    for binding in bindings {
        let run = binding.run.as_str();
        let moving = Action::parse(run).is_none_or(|(action, _)| {
            action.scope() == crate::ui::keymap::Scope::List || action == Action::Palette
        });
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
        items.push(Item {
            label: about.to_owned(),
            note: crate::ui::keymap::chord(&binding.on),
            choice: Choice::Run(run.to_owned()),
            why_not: action.and_then(|action| action.available(model).err()),
        });
    }
    items.extend(model.alerts().iter().map(|alert| Item {
        label: format!("{} {}", alert.id, alert.reason),
        note: alert.severity.word().into(),
        choice: Choice::Alert(alert.id),
        why_not: None,
    }));
    items.extend(model.state.orders().map(|order| {
        Item {
            label: format!("{} {}", order.id, order.title),
            note: order
                .work()
                .map_or("queued".into(), |work| work.stage.clone()),
            choice: Choice::Order(order.id),
            why_not: None,
        }
    }));
    Palette::new("Go to an order or run an action", items).with_ids(None)
}

fn accept(model: &mut Model) -> Vec<Effect> {
    match model.overlay.take() {
        Some(Overlay::Prompt(prompt)) => accept_line(model, prompt),
        Some(Overlay::Palette(palette)) => accept_choice(model, &palette),
        Some(Overlay::Form(form)) => accept_form(model, form),
        other => {
            model.overlay = other;
            Vec::new()
        }
    }
}

fn accept_line(model: &mut Model, mut prompt: Box<Prompt>) -> Vec<Effect> {
    let text = prompt.editor.text().trim().to_owned();
    if text.is_empty() && !prompt.may_be_empty() {
        prompt.problem = Some("this needs a text".into());
        model.overlay = Some(Overlay::Prompt(prompt));
        return Vec::new();
    }
    let some = (!text.is_empty()).then(|| text.clone());
    let command = match prompt.purpose {
        Purpose::Filter => {
            model.filter = Filter::parse(&text).0;
            return Vec::new();
        }
        Purpose::Command => return run_line(model, text),
        Purpose::Cancel(id) => {
            let title = model.state.order(id).map(|order| order.title.clone());
            model.overlay = Some(Overlay::Confirm(Confirm {
                question: format!("Cancel {id}?"),
                facts: vec![
                    title.unwrap_or_default(),
                    format!("Reason: {text}"),
                    "What waits for it stays blocked until the dependency is removed.".into(),
                ],
                scope: None,
                command: Box::new(Command::CancelOrder { id, reason: text }),
                form: None,
            }));
            return Vec::new();
        }
        Purpose::Complete(id) => Command::CompleteOrder {
            id,
            sku: some,
            note: None,
        },
        Purpose::Reopen(id) => Command::ReopenOrder { id, reason: some },
        Purpose::ForceRelease(id) => Command::ReleaseOrder {
            id,
            force: true,
            reason: some,
        },
        Purpose::Resolve(id) => Command::ResolveAlert {
            id,
            resolution: text,
        },
        Purpose::PauseAgent(name) => Command::PauseAgent { name, reason: some },
    };
    submit(model, command, None)
}

fn run_line(model: &mut Model, line: String) -> Vec<Effect> {
    if line.is_empty() {
        return Vec::new();
    }
    model.history.retain(|old| *old != line);
    model.history.push(line.clone());
    if model.history.len() > HISTORY {
        model.history.remove(0);
    }
    if Action::parse(&line).is_some() {
        return perform(model, &line);
    }
    let line = line.strip_prefix("obeya ").unwrap_or(&line).to_owned();
    let ticket = model.tickets.issue();
    vec![Effect::Run { ticket, line }]
}

fn accept_choice(model: &mut Model, palette: &Palette) -> Vec<Effect> {
    let Some(item) = palette.chosen() else {
        return Vec::new();
    };
    if let Some(why) = &item.why_not {
        model.say(why.clone(), Role::Warning);
        return Vec::new();
    }
    match item.choice.clone() {
        Choice::Run(run) => perform(model, &run),
        Choice::Order(id) => {
            moves::jump(model, id);
            Vec::new()
        }
        Choice::Alert(id) => {
            model.view = crate::ui::model::View::Andon;
            model.detail = None;
            model.focus = crate::ui::model::Focus::View;
            model.andon.selected = Some(id);
            Vec::new()
        }
        Choice::Submit(command) => submit(model, *command, None),
        Choice::Depend(id, on) => submit(model, Command::AddDependency { id, on }, None),
    }
}

fn accept_form(model: &mut Model, mut form: Box<Form>) -> Vec<Effect> {
    let made = match &form.purpose {
        For::Create => new_order(&form).map(|order| Command::CreateOrder { order }),
        For::Edit(id) => changes(model, &form, *id).map(|changes| Command::EditOrder {
            id: *id,
            changes,
            add_labels: Vec::new(),
            remove_labels: Vec::new(),
        }),
        For::Comment(id) => match form.value("comment") {
            text if text.is_empty() => Err(("comment", "there is nothing in it".into())),
            text => Ok(Command::CommentOrder { id: *id, text }),
        },
        For::Andon(order) => match cord(&form, *order) {
            Ok(command) => return confirm_cord(model, command, form),
            Err(problem) => Err(problem),
        },
    };
    match made {
        Ok(command) => submit(model, command, Some(form)),
        Err((field, problem)) => {
            form.go(field);
            form.problem = Some(problem);
            model.overlay = Some(Overlay::Form(form));
            Vec::new()
        }
    }
}

type Problem = (&'static str, String);

fn read<T: std::str::FromStr<Err = String>>(form: &Form, name: &'static str) -> Result<T, Problem> {
    form.value(name).parse().map_err(|why| (name, why))
}

fn title(form: &Form) -> Result<String, Problem> {
    match form.value("title") {
        title if title.is_empty() => Err(("title", "a title is needed".into())),
        title => Ok(title),
    }
}

fn labels(form: &Form) -> Vec<String> {
    let text = form.value("labels");
    let words = text
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty());
    let mut labels: Vec<String> = words.map(str::to_owned).collect();
    labels.sort_unstable();
    labels.dedup();
    labels
}

fn estimate(form: &Form) -> Result<Option<u32>, Problem> {
    match form.value("estimate").as_str() {
        "" => Ok(None),
        text => match text.parse() {
            Ok(minutes) => Ok(Some(minutes)),
            Err(_) => Err(("estimate", format!("'{text}' is no number of minutes"))),
        },
    }
}

fn new_order(form: &Form) -> Result<NewOrder, Problem> {
    let some = |text: String| (!text.is_empty()).then_some(text);
    Ok(NewOrder {
        kind: read(form, "kind")?,
        title: title(form)?,
        description: some(form.value("description")),
        bucket: read(form, "bucket")?,
        priority: read(form, "priority")?,
        labels: labels(form),
        estimate: estimate(form)?,
        assignee: some(form.value("assignee")),
        parent: form.value("part of").parse().ok(),
        depends_on: Vec::new(),
        corrective: Vec::new(),
        signal: PullSignal {
            kind: "console".into(),
            source: None,
        },
    })
}

/// Only what differs from the order as it is now is sent: another's change meanwhile to another field stays.
fn changes(model: &Model, form: &Form, id: crate::domain::id::OrderId) -> Result<Changes, Problem> {
    let new = new_order(form)?;
    let Some(order) = model.state.order(id) else {
        return Err(("title", format!("{id} was closed meanwhile")));
    };
    let detail = model.asks.detail().filter(|detail| detail.order.id == id);
    let before = detail
        .and_then(|detail| detail.description.clone())
        .unwrap_or_default();
    let after = new.description.unwrap_or_default();
    let estimate = new.estimate.unwrap_or(0);
    let assignee = new.assignee.unwrap_or_default();
    Ok(Changes {
        title: (new.title != order.title).then_some(new.title),
        description: (before.trim() != after).then_some(after),
        kind: (new.kind != order.kind).then_some(new.kind),
        bucket: (new.bucket != order.bucket).then_some(new.bucket),
        priority: (new.priority != order.priority).then_some(new.priority),
        labels: (new.labels != order.labels).then_some(new.labels),
        estimate: (order.estimate.unwrap_or(0) != estimate).then_some(estimate),
        assignee: (order.assignee.as_deref().unwrap_or("") != assignee).then_some(assignee),
        parent: (new.parent != order.parent).then(|| new.parent.map_or(Parent::None, Parent::Of)),
    })
}

fn cord(form: &Form, order: Option<crate::domain::id::OrderId>) -> Result<Command, Problem> {
    let reason = form.value("reason");
    if reason.is_empty() {
        return Err(("reason", "say what is wrong".into()));
    }
    let hold = match form.value("hold").as_str() {
        "default" => None,
        "nothing" => Some(Hold::Nothing),
        scope => Some(Hold::Scope(scope.parse().map_err(|why| ("hold", why))?)),
    };
    Ok(Command::TriggerAndon {
        reason,
        severity: read(form, "severity")?,
        hold,
        fingerprint: None,
        order,
    })
}

fn confirm_cord(model: &mut Model, command: Command, form: Box<Form>) -> Vec<Effect> {
    let Command::TriggerAndon {
        reason,
        severity,
        hold,
        ..
    } = &command
    else {
        return Vec::new();
    };
    let scope = match hold {
        Some(Hold::Scope(scope)) => Some(scope.clone()),
        Some(Hold::Nothing) => None,
        None => (*severity == Severity::Critical).then_some(Scope::Line),
    };
    let mut facts = vec![format!("{}: {reason}", severity.word())];
    if scope.is_none() {
        facts.push("It holds nothing: work goes on.".into());
    }
    model.overlay = Some(Overlay::Confirm(Confirm {
        question: "Pull the andon cord?".into(),
        facts,
        scope,
        command: Box::new(command),
        form: Some(form),
    }));
    Vec::new()
}

fn yes(model: &mut Model) -> Vec<Effect> {
    match model.overlay.take() {
        Some(Overlay::Confirm(confirm)) if confirm.is_informed(model) => {
            submit(model, *confirm.command, confirm.form)
        }
        other => {
            model.overlay = other;
            Vec::new()
        }
    }
}
