//! Quality gates: put up and taken down by the engine, opened by what it saw or by a person, and what they hold.

use super::{
    Context, Decision, andon, guard,
    validate::{self, MAX_NAME, MAX_REASON},
};
use crate::domain::{
    andon::Scope,
    cold::Cold,
    command::{Command, Destination, Hold},
    event::Event,
    gate::{Exit, GateEvidence, GateRule, GateRun, MAX_GATES, Verdict},
    id::OrderId,
    order::{Actor, Order},
    record::{ActorKind, Door},
    refusal::Refusal,
    state::State,
};

/// Refuses what only the engine does by itself.
pub(super) fn engine(context: &Context<'_>) -> Result<(), Refusal> {
    match context.door {
        Door::Engine => Ok(()),
        _ => Err(Refusal::EngineOnly),
    }
}

/// Decides a gate's rule.
pub(super) fn set(state: &State, name: &str, rule: &GateRule, context: &Context<'_>) -> Decision {
    engine(context)?;
    let name = gate_name(name)?;
    let mut rule = rule.clone();
    if let Some(stage) = &rule.stage {
        rule.stage = Some(validate::stage_name(stage)?);
    }
    rule.buckets.sort();
    rule.buckets.dedup();
    rule.kinds.sort();
    rule.kinds.dedup();
    match state.settings.gates.get(&name) {
        Some(known) if *known == rule => Ok(vec![]),
        None if state.settings.gates.len() >= MAX_GATES => Err(Refusal::Limit {
            what: "quality gates".into(),
            limit: MAX_GATES as u64,
        }),
        _ => {
            let rule = Box::new(rule);
            Ok(vec![Event::GateSet { name, rule }.into()])
        }
    }
}

/// Decides that a gate is taken down. What was seen at it stays in the books.
pub(super) fn remove(state: &State, name: &str, context: &Context<'_>) -> Decision {
    engine(context)?;
    known(state, name)?;
    let name = name.to_owned();
    Ok(vec![Event::GateRemoved { name }.into()])
}

/// Returns the name of a gate: letters, digits, `-` and `_`, so that it can be typed, and be the name of a file.
fn gate_name(value: &str) -> Result<String, Refusal> {
    let name = validate::line("gate", value, MAX_NAME)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match name.chars().all(plain) {
        true => Ok(name),
        false => Err(Refusal::invalid("gate", "use letters, digits, '-' and '_'")),
    }
}

fn known<'a>(state: &'a State, name: &str) -> Result<&'a GateRule, Refusal> {
    let rule = state.settings.gates.get(name);
    rule.ok_or_else(|| Refusal::not_found(format!("quality gate '{name}'")))
}

/// Returns an order that can be looked at: an epic, or one in progress.
fn looked_at<'a>(state: &'a State, cold: &Cold, id: OrderId) -> Result<&'a Order, Refusal> {
    let order = guard::open(state, cold, id)?;
    match order.is_epic() || order.work().is_some() {
        true => Ok(order),
        false => Err(Refusal::NotStarted { id }),
    }
}

/// Decides that what the engine saw is noted, with the alert of a failure or the recovery of a pass.
pub(super) fn record(
    state: &State,
    cold: &Cold,
    id: OrderId,
    gate: &str,
    run: &GateRun,
    context: &Context<'_>,
) -> Decision {
    engine(context)?;
    if let Some(given) = run.term.filter(|term| *term != state.term) {
        let current = state.term;
        return Err(Refusal::StaleTerm { given, current });
    }
    let rule = known(state, gate)?;
    let order = looked_at(state, cold, id)?;
    if rule.approval {
        return Err(Refusal::invalid(
            "gate",
            format!("{gate} is an approval: a person opens it"),
        ));
    }
    if run.definition != rule.digest {
        return Err(Refusal::invalid(
            "gate",
            format!("{gate} was defined otherwise meanwhile: run it again"),
        ));
    }
    let mut run = run.clone();
    run.command = validate::optional_line("command", run.command.as_deref(), MAX_REASON)?;
    run.note = validate::optional_line("note", run.note.as_deref(), MAX_REASON)?;
    let mut drafts = vec![];
    let why = run
        .note
        .as_ref()
        .map_or(String::new(), |note| format!(": {note}"));
    let reason = format!("gate {gate} {} on {id}{why}", run.verdict.words());
    drafts.extend(condition(
        state,
        cold,
        order,
        (gate, rule),
        run.verdict,
        &reason,
    ));
    let (gate, run) = (gate.to_owned(), Box::new(run));
    drafts.insert(0, Event::GateRecorded { id, gate, run }.into());
    Ok(drafts)
}

/// Decides what a person says at an approval gate: `approved` has the note of an approval.
pub(super) fn judge(
    state: &State,
    cold: &Cold,
    id: OrderId,
    gate: &str,
    approved: Option<Option<&str>>,
    context: &Context<'_>,
) -> Decision {
    let note = validate::optional_line("note", approved.flatten(), MAX_REASON)?;
    say(state, cold, id, gate, (Verdict::Passed, note), context)
}

/// Decides that a person rejects an order at an approval gate.
pub(super) fn reject(
    state: &State,
    cold: &Cold,
    id: OrderId,
    gate: &str,
    note: &str,
    context: &Context<'_>,
) -> Decision {
    let note = validate::line("note", note, MAX_REASON)?;
    say(
        state,
        cold,
        id,
        gate,
        (Verdict::Failed, Some(note)),
        context,
    )
}

fn say(
    state: &State,
    cold: &Cold,
    id: OrderId,
    gate: &str,
    (verdict, note): (Verdict, Option<String>),
    context: &Context<'_>,
) -> Decision {
    let rule = known(state, gate)?;
    let order = looked_at(state, cold, id)?;
    if !rule.approval {
        let why =
            format!("{gate} is no approval: run it with `obeya quality-gate run {id} {gate}`");
        return Err(Refusal::invalid("gate", why));
    }
    if !rule.fits(order) {
        return Err(Refusal::invalid(
            "gate",
            format!("{gate} is not asked of {id}"),
        ));
    }
    if context.actor.kind != ActorKind::Person || worked_on(order, context.actor) {
        let (gate, actor) = (gate.to_owned(), context.actor.clone());
        return Err(Refusal::NotApprover { id, gate, actor });
    }
    let verb = if verdict == Verdict::Passed {
        "approved"
    } else {
        "rejected"
    };
    let why = note
        .as_ref()
        .map_or(String::new(), |note| format!(": {note}"));
    let reason = format!("{id} {verb} at gate {gate} by {}{why}", context.actor);
    let condition = condition(state, cold, order, (gate, rule), verdict, &reason);
    let run = GateRun {
        verdict,
        command: None,
        exit: None,
        duration_ms: None,
        tree: cold.tree().clone(),
        output: None,
        note,
        definition: rule.digest,
        began: state.head.seq,
        term: None,
        asked: None,
    };
    let (gate, run) = (gate.to_owned(), Box::new(run));
    let mut drafts = vec![Event::GateJudged { id, gate, run }.into()];
    drafts.extend(condition);
    Ok(drafts)
}

/// Returns whether somebody works on an order or did. A name is the same whoever bears it: an agent that works under a
/// person's name is not another pair of eyes.
fn worked_on(order: &Order, actor: &Actor) -> bool {
    let holder = order.work().map(|work| &work.holder);
    let before = order.gating.iter().flat_map(|gating| &gating.implementers);
    holder
        .into_iter()
        .chain(before)
        .any(|worker| worker.name.eq_ignore_ascii_case(&actor.name))
}

/// Returns the events of a gate's condition: one alert for as long as it fails, and its recovery.
fn condition(
    state: &State,
    cold: &Cold,
    order: &Order,
    (gate, rule): (&str, &GateRule),
    verdict: Verdict,
    reason: &str,
) -> Vec<super::Draft> {
    let fingerprint = State::gate_condition(gate, order.id);
    if verdict == Verdict::Passed {
        // There is nothing to recover where nothing stands.
        return andon::recover(state, &fingerprint).unwrap_or_default();
    }
    let hold = rule.hold.scope(order).filter(|scope| match scope {
        Scope::Stage(stage) => state.settings.stage_index(stage).is_some(),
        _ => true,
    });
    // What cleaning leaves fits; a long note is cut rather than the alert lost.
    let reason: String = reason.chars().take(MAX_REASON).collect();
    let fingerprint = Some(fingerprint);
    let trigger = |hold: Hold| {
        let cord = andon::Cord {
            reason: &reason,
            severity: rule.severity,
            hold: &Some(hold),
            fingerprint: &fingerprint,
            order: Some(order.id),
        };
        andon::trigger(state, cold, cord)
    };
    // A standing alert that holds something else goes on holding that; and the evidence counts without its alert.
    trigger(hold.map_or(Hold::Nothing, Hold::Scope))
        .or_else(|_| trigger(Hold::Nothing))
        .unwrap_or_default()
}

/// Refuses an order's way where a required gate does not let it pass.
pub(super) fn open(
    state: &State,
    cold: &Cold,
    order: &Order,
    exits: &[Exit<'_>],
) -> Result<(), Refusal> {
    if state.settings.gates.is_empty() {
        return Ok(());
    }
    let gates = state.closed_gates(order, exits, Some(cold.tree()));
    match gates.is_empty() {
        true => Ok(()),
        false => Err(Refusal::GateClosed {
            id: order.id,
            gates,
        }),
    }
}

/// Returns what was seen at the gates that are asked of an order: the proof that its receipt carries.
pub(super) fn evidence(state: &State, order: &Order) -> Vec<GateEvidence> {
    let gating = order.gating.as_deref();
    let seen = state.gates_of(order, Exit::Done);
    seen.filter_map(|(name, _)| gating?.evidence(name).cloned())
        .collect()
}

/// Returns whether a command is decided by the code as it is now.
pub fn needs_tree(state: &State, command: &Command) -> bool {
    if state.settings.gates.is_empty() {
        return false;
    }
    let forward = match command {
        Command::MoveOrder { to, .. } => !matches!(to, Destination::Left),
        Command::CompleteOrder { .. }
        | Command::ApproveGate { .. }
        | Command::RejectGate { .. } => true,
        _ => false,
    };
    let order = command.order().and_then(|id| state.order(id));
    forward && order.is_some_and(|order| state.gates_of(order, Exit::Done).next().is_some())
}
