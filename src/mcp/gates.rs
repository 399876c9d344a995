//! The tool `gates`: how an order stands, runs of its gates, and what a run said.

use std::{
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    answers::then,
    arguments::{Gates, GatesLook},
    line::Run,
    snag::Snag,
    tools::Done,
    visit::{Visit, unexpected},
};
use crate::{
    domain::{
        gate::Standing,
        id::OrderId,
        query::{Answer, Query, gates::GateView},
        refusal::Refusal,
    },
    link::{self, Asked, Fault, GateAsk, Project, rule_of},
    text,
};

/// How long an answer waits for runs: below the minute after which clients give a call up.
const PATIENCE: Duration = Duration::from_secs(45);
/// How many runs one server has under way at once: as many as run at once over a ledger.
const AT_ONCE: usize = 4;
/// How much of a run's output is shown, its end, in characters.
const OUTPUT: usize = 4_000;

/// Answers `gates`.
pub(super) fn gates(visit: &mut Visit, arguments: Gates) -> Done {
    let id = visit.order(&arguments.order)?;
    match (arguments.run, arguments.log) {
        (None, None) => standing(visit, id),
        (None, Some(gate)) => log(visit, id, gate.trim()),
        (Some(gate), None) => run(visit, id, gate.trim()),
        (Some(_), Some(_)) => Err(Snag::Usage("give run or log, not both.".into())),
    }
}

/// Answers `gates` where nothing can be changed.
pub(super) fn look(visit: &mut Visit, arguments: GatesLook) -> Done {
    let id = visit.order(&arguments.order)?;
    match arguments.log {
        None => standing(visit, id),
        Some(gate) => log(visit, id, gate.trim()),
    }
}

fn views(visit: &mut Visit, id: OrderId) -> Result<Vec<GateView>, Snag> {
    let order = Some(id.to_string());
    match visit.ask(&Query::Gates { order })? {
        Answer::Gates(gates) => Ok(gates.gates),
        _ => Err(unexpected().into()),
    }
}

fn standing(visit: &mut Visit, id: OrderId) -> Done {
    let views = views(visit, id)?;
    let gates: Vec<Value> = views.iter().map(|view| shown(visit, id, view)).collect();
    let running = |view: &&GateView| visit.line.is_running(&(id, view.gate.clone()));
    let closed =
        |view: &&GateView| view.rule.required && !matches!(view.standing, Some(Standing::Passed));
    let next = if let Some(view) = views.iter().find(running) {
        format!(
            "{} still runs: call gates with order {id} again later.",
            view.gate
        )
    } else if let Some(view) = views
        .iter()
        .find(|view| closed(view) && !view.rule.approval)
    {
        format!("Call gates with order {id} and run {}.", view.gate)
    } else if let Some(view) = views.iter().find(closed) {
        format!("A person has to approve {}.", view.gate)
    } else {
        format!("Nothing at the gates holds {id}.")
    };
    Ok(then(json!({ "order": id, "gates": gates }), next))
}

fn shown(visit: &Visit, id: OrderId, view: &GateView) -> Value {
    let running = visit.line.is_running(&(id, view.gate.clone()));
    let standing = view
        .standing
        .as_ref()
        .map(|standing| standing.words(view.rule.approval));
    let run = view.evidence.as_ref().map(|seen| &seen.run);
    let mut shown = json!({
        "gate": view.gate,
        "standing": if running { "running".into() } else { standing.unwrap_or_default() },
        "required": view.rule.required,
        "approval": view.rule.approval,
    });
    if let Some(stage) = &view.rule.stage {
        shown["to_leave"] = stage.as_str().into();
    }
    if let Some(run) = run {
        shown["last"] = json!({
            "verdict": run.verdict,
            "command": run.command.as_deref().map(text::clean),
            "exit": run.exit,
            "note": run.note.as_deref().map(text::clean),
        });
    }
    shown
}

fn log(visit: &mut Visit, id: OrderId, gate: &str) -> Done {
    let views = views(visit, id)?;
    let Some(view) = views.iter().find(|view| view.gate == gate) else {
        return Err(
            Refusal::not_found(format!("quality gate '{}' of {id}", text::clean(gate))).into(),
        );
    };
    let kept = view
        .evidence
        .as_ref()
        .and_then(|seen| seen.run.output.as_ref());
    let project = Project::of(&visit.line.options.home);
    let output = kept.and_then(|hash| project.output(id, gate, hash));
    let said = output.map(|output| {
        let output = text::clean_block(&String::from_utf8_lossy(&output)).into_owned();
        let left = output.chars().count().saturating_sub(OUTPUT);
        let end: String = output.chars().skip(left).collect();
        (end, left)
    });
    let (output, left) = said.unwrap_or_default();
    let mut answer = json!({ "gate": shown(visit, id, view), "output": output });
    if left > 0 {
        answer["left_out"] = format!("{left} characters before these").into();
    }
    Ok(answer)
}

/// Returns the gates that are run for an order. The project's file may say more than the ledger does yet.
fn all_of(visit: &mut Visit, id: OrderId) -> Result<Vec<String>, Snag> {
    let known = views(visit, id)?;
    let (specs, _) = Project::of(&visit.line.options.home).gates(&[]);
    let run = known.iter().filter(|view| !view.rule.approval);
    let mut names: Vec<String> = run.map(|view| view.gate.clone()).collect();
    if known.is_empty() {
        let run = specs.iter().filter(|spec| !rule_of(spec).approval);
        names.extend(run.map(|spec| spec.name.clone()));
    }
    Ok(names)
}

/// Runs gates, each on a thread that outlives the call, and waits a while for them.
fn run(visit: &mut Visit, id: OrderId, gate: &str) -> Done {
    visit.no_dry_run("A run of a gate")?;
    if !link::is_trusted(&visit.line.options.home) {
        let why = "obeya.toml names programs, and this user has not yet let them run here: a person starts `obeya host` in the project once";
        return Err(Refusal::invalid("run", why).into());
    }
    let gates = match gate {
        "all" => all_of(visit, id)?,
        gate => vec![gate.to_owned()],
    };
    let (sender, ran) = mpsc::channel();
    let mut under_way = 0;
    for gate in gates {
        begin(visit, (id, gate), sender.clone())?;
        under_way += 1;
    }
    drop(sender);
    let end = Instant::now() + PATIENCE;
    while under_way > 0 {
        match ran.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(asked) => {
                asked??;
                under_way -= 1;
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    standing(visit, id)
}

fn begin(visit: &Visit, run: Run, sender: mpsc::Sender<Asked>) -> Result<(), Snag> {
    let line = Arc::clone(&visit.line);
    if !line.begin(&run, AT_ONCE) {
        let (order, gate) = run;
        let gate = text::clean(&gate);
        let why = format!(
            "{gate} is being run on {order} already, or {AT_ONCE} others are: call gates with order {order} later"
        );
        return Err(Refusal::invalid("run", why).into());
    }
    let ask = GateAsk {
        order: run.0,
        gate: run.1.clone(),
        actor: Some(visit.actor.clone()),
        role: visit.role,
    };
    let job = {
        let (line, run) = (Arc::clone(&line), run.clone());
        move || {
            let asked = link::run_gate(&line.options.home, &ask, &line.ended());
            line.finish(&run);
            // Who asked may have stopped waiting: the record says it too.
            let _ = sender.send(asked);
        }
    };
    let started = thread::Builder::new().name("gate".into()).spawn(job);
    started.map(drop).map_err(|error| {
        line.finish(&run);
        Fault::io("".as_ref(), "running a gate", &error).into()
    })
}
