//! `obeya quality-gate …`.

mod preset;
mod show;

use clap::{ArgMatches, Command, builder::PossibleValuesParser};

use self::preset::PRESETS;
use super::{
    arguments::{order, positional, prose, verb, verbs},
    context::{Call, answer, folder, text, word},
    error::{CliError, Done},
    events::{sentences, submit},
    output::Tone,
};
use crate::{
    domain::{
        command::Command as Intent,
        gate::Verdict,
        id::OrderId,
        query::{Query, gates::GateView},
    },
    link::{
        GateAsk,
        protocol::{FolderCall, GatesFile},
    },
    text as outside,
};

const NOUN: &str = "quality-gate";

pub(super) fn grammar(noun: Command) -> Command {
    let gate = || positional("gate", "GATE", "Which gate");
    verbs(
        noun,
        [
            verb(NOUN, "list"),
            verb(NOUN, "status").arg(order().required(false)),
            verb(NOUN, "run").args([
                order(),
                gate()
                    .required(false)
                    .help("Which gate; all that are run for it, if none is named"),
            ]),
            verb(NOUN, "log").args([order(), gate()]),
            verb(NOUN, "approve").args([
                order(),
                gate(),
                prose("note", "TEXT", "What to remember"),
            ]),
            verb(NOUN, "reject").args([
                order(),
                gate(),
                prose("note", "TEXT", "Why").required(true),
            ]),
            verb(NOUN, "check"),
            verb(NOUN, "preset").arg(positional("tool", "TOOL", "For which tool").value_parser(
                PossibleValuesParser::new(PRESETS.iter().map(|(tool, _)| *tool)),
            )),
        ],
    )
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let Some((verb, matches)) = matches.subcommand() else {
        return Ok(());
    };
    match verb {
        "run" => run_gates(matches, call),
        "log" => log(matches, call),
        "approve" => {
            let (id, gate) = (call.order_of(matches)?, word(matches, "gate").to_owned());
            let note = text(matches, "note");
            judge(call, id, Intent::ApproveGate { id, gate, note })
        }
        "reject" => {
            let (id, gate) = (call.order_of(matches)?, word(matches, "gate").to_owned());
            let note = word(matches, "note").to_owned();
            judge(call, id, Intent::RejectGate { id, gate, note })
        }
        "check" => check(call),
        "preset" => {
            let tool = word(matches, "tool");
            let preset = PRESETS.iter().find(|(name, _)| *name == tool);
            call.out.verbatim(preset.map_or("", |(_, toml)| toml))
        }
        "status" => match text(matches, "id") {
            Some(_) => {
                let order = Some(word(matches, "id").to_owned());
                let gates = answer!(call, Query::Gates { order }, Gates);
                match call.json() {
                    true => call.out.json(&gates),
                    false => show::order(call, &gates),
                }
            }
            None => show::orders(call),
        },
        _ => {
            let gates = answer!(call, Query::Gates { order: None }, Gates);
            match call.json() {
                true => call.out.json(&gates),
                false => show::rules(call, &gates.gates),
            }
        }
    }
}

/// Submits a judgement and shows how the order then stands at the gate.
fn judge(call: &mut Call<'_>, id: OrderId, intent: Intent) -> Done {
    let gate = match &intent {
        Intent::ApproveGate { gate, .. } | Intent::RejectGate { gate, .. } => gate.clone(),
        _ => String::new(),
    };
    let Some(outcome) = submit(call, intent)? else {
        return Ok(());
    };
    match call.json() {
        true => {
            let view = view(call, id, &gate)?;
            call.out.json(&view)
        }
        false => sentences(call, &outcome),
    }
}

fn view(call: &mut Call<'_>, id: OrderId, gate: &str) -> Result<Option<GateView>, CliError> {
    let order = Some(id.to_string());
    let gates = answer!(call, Query::Gates { order }, Gates);
    Ok(gates.gates.into_iter().find(|view| view.gate == gate))
}

/// Runs one gate, or all that are run for an order, one after the other.
fn run_gates(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    call.no_dry_run("A run of a gate")?;
    let order = call.order_of(matches)?;
    let gates = match text(matches, "gate") {
        Some(gate) => vec![gate],
        None => all_of(call, order)?,
    };
    if gates.is_empty() {
        return call.out.line(&format!("no gate is run for {order}"));
    }
    let (mut passed, mut views) = (true, vec![]);
    for gate in gates {
        let Some(outcome) = call.run_gate(order, &gate)? else {
            call.out.line(&format!(
                "{gate} is being run on {order}; what it comes to shows there"
            ))?;
            continue;
        };
        if !call.json() {
            sentences(call, &outcome)?;
        }
        let view = view(call, order, &gate)?;
        let verdict = view
            .as_ref()
            .and_then(|view| Some(view.evidence.as_ref()?.run.verdict));
        passed &= verdict == Some(Verdict::Passed);
        views.extend(view);
    }
    if call.json() {
        call.out.json(&views)?;
    }
    match passed {
        true => Ok(()),
        false => Err(CliError::Wrong),
    }
}

/// Returns the gates that are run for an order. The project's file may say more than the ledger does yet.
fn all_of(call: &mut Call<'_>, id: OrderId) -> Result<Vec<String>, CliError> {
    let order = Some(id.to_string());
    let gates = answer!(call, Query::Gates { order }, Gates).gates;
    let mut names: Vec<_> = gates
        .iter()
        .filter(|view| !view.rule.approval)
        .map(|view| view.gate.clone())
        .collect();
    if names.is_empty() && !call.is_lent() {
        let known = answer!(call, Query::Gates { order: None }, Gates).gates;
        let file = folder!(call, FolderCall::Gates, Gates);
        let unknown = file
            .gates
            .iter()
            .filter(|spec| known.iter().all(|view| view.gate != spec.name));
        names.extend(
            unknown
                .filter(|spec| !spec.approval)
                .map(|spec| spec.name.clone()),
        );
    }
    Ok(names)
}

/// Prints the output that was kept of the newest run.
fn log(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let (id, gate) = (call.order_of(matches)?, word(matches, "gate").to_owned());
    let order = Some(id.to_string());
    let gates = answer!(call, Query::Gates { order }, Gates);
    let view = gates.gates.iter().find(|view| view.gate == gate);
    let Some(seen) = view.and_then(|view| view.evidence.as_ref()) else {
        return Err(CliError::Usage(format!(
            "nothing was seen at {} on {id} yet",
            outside::clean(&gate)
        )));
    };
    let output = match &seen.run.output {
        Some(hash) => {
            let (order, gate, hash) = (id, gate, *hash);
            folder!(
                call,
                FolderCall::GateOutput { order, gate, hash },
                GateOutput
            )
        }
        None => None,
    };
    if call.json() {
        return call
            .out
            .json(&serde_json::json!({ "evidence": seen, "output": output }));
    }
    show::evidence(call, seen)?;
    match (output, &seen.run.output) {
        // Line by line: a text as a whole would be cut where cleaning has its bound.
        (Some(output), _) => output.lines().try_for_each(|line| call.out.line(line)),
        (None, Some(_)) => call.out.tone(
            Tone::Warn,
            "its output is not kept any more, or is not what it was",
        ),
        (None, None) => Ok(()),
    }
}

/// Reads the project's file and says what is wrong in it.
fn check(call: &mut Call<'_>) -> Done {
    let GatesFile {
        file,
        gates: specs,
        problems,
    } = folder!(call, FolderCall::Gates, Gates);
    if call.json() {
        let gates: Vec<_> = specs.iter().map(|spec| &spec.name).collect();
        call.out
            .json(&serde_json::json!({ "file": file, "gates": gates, "problems": problems }))?;
    } else {
        for problem in &problems {
            call.out.tone(Tone::Bad, problem)?;
        }
        let stages = answer!(call, Query::Stages, Stages).stages;
        for spec in &specs {
            let unknown = spec
                .stage
                .as_ref()
                .filter(|name| stages.iter().all(|stage| stage.stage != **name));
            if let Some(stage) = unknown {
                call.out.tone(
                    Tone::Warn,
                    &format!(
                        "{}: there is no stage {stage}; it guards completion only",
                        spec.name
                    ),
                )?;
            }
        }
        call.out.line(&format!(
            "{}: {} gates, {} problems",
            file,
            specs.len(),
            problems.len()
        ))?;
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(CliError::Wrong),
    }
}

impl Call<'_> {
    /// Has a gate run and returns what was recorded; None where it goes on behind the caller's back.
    fn run_gate(
        &mut self,
        order: OrderId,
        gate: &str,
    ) -> Result<Option<crate::link::Outcome>, CliError> {
        let (actor, role) = self.acting();
        let ask = GateAsk {
            order,
            gate: gate.into(),
            actor: Some(actor),
            role,
        };
        Ok(self.operator()?.run_gate(&ask)??)
    }
}
