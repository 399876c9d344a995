//! What happens in dialogs: typing, choosing, answering.

use super::{
    acts::{submit, submit_under},
    agents, arrange, bulk, finder,
    forms::{changes, cord, new_order},
    go, looks, moves, perform, search, storm, travel,
};
use crate::{
    domain::{
        andon::{Scope as Held, Severity},
        command::{Command, Hold},
        id::OrderId,
    },
    ui::{
        action::Action,
        effect::Effect,
        filter::Filter,
        keymap::Key,
        model::{Model, View},
        overlay::{
            Overlay,
            confirm::{Confirm, Stake, Yes},
            form::{Form, Purpose as For},
            help::Page,
            palette::{Choice, Palette},
            prompt::{Claim, Prompt, Purpose},
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
        Action::Filter if !argument.is_empty() => return arrange::filter(model, argument),
        Action::Filter if matches!(model.view, View::Events | View::Andon) => {
            let prompt = Prompt::new(Purpose::Words, model.filtered_by());
            model.overlay = Some(Overlay::Prompt(Box::new(prompt)));
        }
        Action::Filter if search::fits(model) => search::ask(model),
        Action::Filter => {
            let mut prompt = Prompt::new(Purpose::Filter, model.filter.text());
            prompt.check();
            model.board.set_out();
            model.overlay = Some(Overlay::Prompt(Box::new(prompt)));
        }
        Action::Palette => {
            let palette = finder::everything(model);
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
            prompt.typed(key);
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
            prompt.pasted(text);
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
    if let Some(Overlay::Prompt(prompt)) = &model.overlay {
        let (purpose, text) = (prompt.purpose.clone(), prompt.editor.text());
        narrow(model, &purpose, &text);
    }
}

fn narrow(model: &mut Model, purpose: &Purpose, text: &str) {
    match purpose {
        Purpose::Filter => model.filter = Filter::parse(text).0,
        Purpose::Words if model.view == View::Andon => {
            text.trim().clone_into(&mut model.queue.words);
        }
        Purpose::Words => text.trim().clone_into(&mut model.events.words),
        Purpose::Search => model.runs.search(text.trim(), false),
        _ => {}
    }
}

/// Takes back what a dialog did while it was open: a filter that is not wanted after all.
pub(super) fn left(model: &mut Model, overlay: &Overlay) {
    if let Overlay::Prompt(prompt) = overlay {
        narrow(model, &prompt.purpose, &prompt.before);
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
    if let Some(problem) = prompt.refuses(&text) {
        prompt.problem = Some(problem);
        model.overlay = Some(Overlay::Prompt(prompt));
        return Vec::new();
    }
    let some = (!text.is_empty()).then(|| text.clone());
    let command = match prompt.purpose {
        Purpose::Filter | Purpose::Words => {
            narrow(model, &prompt.purpose, &text);
            if prompt.purpose == Purpose::Filter && !model.follows_filter() && text != prompt.before
            {
                go(model, View::Kanban.name());
                model.say("the filter is about orders: this is the board", Role::Muted);
            }
            return Vec::new();
        }
        Purpose::Search => {
            search::accept(model, &text);
            return Vec::new();
        }
        Purpose::Scale(name) => return agents::scale(model, &name, &text),
        Purpose::Command => return run_line(model, text),
        Purpose::Moment => return travel::at(model, &text),
        Purpose::CancelMany(ids) => return bulk::cancel(model, &ids, text),
        Purpose::Cancel(id) => return end(model, Command::CancelOrder { id, reason: text }),
        Purpose::Complete(id) => {
            let note = None;
            return end(
                model,
                Command::CompleteOrder {
                    id,
                    sku: some,
                    note,
                },
            );
        }
        Purpose::Reopen(id) => Command::ReopenOrder { id, reason: some },
        Purpose::ForceRelease(claim) => return take(model, &claim, some),
        Purpose::Resolve(ids) => return storm::resolve(model, ids, text),
        Purpose::PauseAgent(name) => Command::PauseAgent { name, reason: some },
    };
    submit(model, command, None)
}

/// Ends an order: a cancellation is asked about, and so is the end of what an agent works on.
pub(super) fn end(model: &mut Model, command: Command) -> Vec<Effect> {
    let facts = match &command {
        Command::CancelOrder { reason, .. } => vec![
            format!("Reason: {reason}"),
            "What waits for it stays blocked until the dependency is removed.".into(),
        ],
        _ => Vec::new(),
    };
    match command.order() {
        Some(id) if !facts.is_empty() || leased_elsewhere(model, id).is_some() => {
            confirm_end(model, id, facts, command)
        }
        _ => submit(model, command, None),
    }
}

/// Returns the lease by which an agent other than this console's owner holds an order.
fn leased_elsewhere(model: &Model, id: OrderId) -> Option<Claim> {
    let claim = Claim::on(model.state.order(id)?)?;
    (claim.is_agents() && claim.holder != model.session.me).then_some(claim)
}

/// Asks before an order is ended; of one that an agent works on, how long it still may, and a yes is about that lease.
fn confirm_end(
    model: &mut Model,
    id: OrderId,
    mut facts: Vec<String>,
    command: Command,
) -> Vec<Effect> {
    let verb = match command {
        Command::CancelOrder { .. } => "Cancel",
        _ => "Complete",
    };
    let title = model.state.order(id).map(|order| order.title.clone());
    facts.insert(0, title.unwrap_or_default());
    let claim = leased_elsewhere(model, id);
    let question = match &claim {
        Some(claim) => format!("{verb} {id}, which {} holds?", claim.holder),
        None => format!("{verb} {id}?"),
    };
    if let Some(claim) = &claim {
        let holder = &claim.holder;
        facts.push(format!("What {holder} then writes to it is refused."));
    }
    model.overlay = Some(Overlay::Confirm(Confirm {
        question,
        facts,
        stake: claim.as_ref().map(|_| Stake::Lease(id)),
        yes: Yes::Submit(Box::new(command), claim.map(|claim| claim.epoch)),
        form: None,
    }));
    Vec::new()
}

/// Breaks the hold that was to be broken, and no other that came after it.
fn take(model: &mut Model, claim: &Claim, reason: Option<String>) -> Vec<Effect> {
    let id = claim.id;
    let now = model.state.order(id).and_then(|order| Claim::on(order));
    if now.as_ref() != Some(claim) {
        let who = now.map_or("nobody".to_owned(), |now| now.holder.name);
        let text = format!("{id} changed hands meanwhile, {who} has it now: nothing was taken");
        model.say(text, Role::Warning);
        return Vec::new();
    }
    let command = Command::ReleaseOrder {
        id,
        force: true,
        reason,
    };
    let epoch = claim.leased.then_some(claim.epoch);
    submit_under(model, command, epoch, None)
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
    if model.travel.present.is_some() {
        // It would answer about the present, or change it, while the screen shows the past.
        model.say(
            "the past takes no command lines; go back to now first",
            Role::Warning,
        );
        return Vec::new();
    }
    let line = line.strip_prefix("obeya ").unwrap_or(&line).to_owned();
    if agents::logs(model, &line) {
        return Vec::new();
    }
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
            moves::go_to_alert(model, id);
            Vec::new()
        }
        Choice::Theme(name) => looks::keep(model, name),
        Choice::Edit(ids, changes) => bulk::edit(model, ids, &changes),
        Choice::Snooze(ids, seconds) => storm::snooze(model, ids, seconds),
        Choice::Submit(command) => submit(model, *command, None),
        Choice::Line(line) => run_line(model, line),
        Choice::Depend(id, on) => submit(model, Command::AddDependency { id, on }, None),
    }
}

fn accept_form(model: &mut Model, mut form: Box<Form>) -> Vec<Effect> {
    let made = match &form.purpose {
        For::Create => new_order(&form).map(|order| Command::CreateOrder { order }),
        For::Correct(alerts) => new_order(&form).map(|mut order| {
            order.corrective = alerts.clone();
            Command::CreateOrder { order }
        }),
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
        None => (*severity == Severity::Critical).then_some(Held::Line),
    };
    let mut facts = vec![format!("{}: {reason}", severity.word())];
    if scope.is_none() {
        facts.push("It holds nothing: work goes on.".into());
    }
    model.overlay = Some(Overlay::Confirm(Confirm {
        question: "Pull the andon cord?".into(),
        facts,
        stake: scope.map(Stake::Hold),
        yes: Yes::Submit(Box::new(command), None),
        form: Some(form),
    }));
    Vec::new()
}

/// Asks before what was written is thrown away.
pub(super) fn confirm_discard(model: &mut Model, form: Box<Form>) {
    model.overlay = Some(Overlay::Confirm(Confirm {
        question: "Discard what you wrote?".into(),
        facts: vec![form.title().to_owned()],
        stake: None,
        yes: Yes::Discard,
        form: Some(form),
    }));
}

fn yes(model: &mut Model) -> Vec<Effect> {
    match model.overlay.take() {
        Some(Overlay::Confirm(confirm)) if confirm.is_informed(model) => match confirm.yes {
            Yes::Submit(command, epoch) => submit_under(model, *command, epoch, confirm.form),
            Yes::Each(act, steps) => bulk::each(model, act, steps),
            Yes::Take(ids) => storm::take(model, &ids),
            Yes::Mail(act) => vec![Effect::Mail(act)],
            Yes::Line(line) => agents::line(model, line),
            Yes::Discard => Vec::new(),
        },
        other => {
            model.overlay = other;
            Vec::new()
        }
    }
}
