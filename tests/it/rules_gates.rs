//! Quality gates: what they hold, what opens them, what makes a pass stale, and who may say so.
#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps a refusal has failed"
)]

use obeya::domain::{
    command::{Command, Role},
    event::{Changes, Event},
    gate::{GateHold, GateRule, GateRun, Stale, Standing, Tree, Verdict},
    id::OrderId,
    order::{Actor, Bucket, Kind},
    query::{self, Live},
    receipt::{Evidence, Receipt},
    record::Hash,
    refusal::Refusal,
};

use crate::support::{
    gates::{rule, run, tree},
    hand::Outcome,
    line::{self, Line, open, system},
};

fn set(line: &mut Line, name: &str, rule: GateRule) -> Outcome {
    let (name, rule) = (name.into(), Box::new(rule));
    line.submit(&system(), &Command::SetGate { name, rule })
}

/// Records what the engine saw just now, of the code as it is.
fn seen(line: &mut Line, id: OrderId, gate: &str, verdict: Verdict) -> Outcome {
    let run = GateRun {
        tree: line.tree.clone(),
        ..run(verdict, line.state.head.seq)
    };
    record(line, id, gate, run)
}

fn record(line: &mut Line, id: OrderId, gate: &str, run: GateRun) -> Outcome {
    let (gate, run) = (gate.into(), Box::new(run));
    line.submit(&system(), &Command::RecordGate { id, gate, run })
}

fn approve(line: &mut Line, actor: Actor, role: Role, id: OrderId) -> Outcome {
    let (gate, note) = ("review".into(), Some("fine".into()));
    line.hand(actor, role)
        .submit(Command::ApproveGate { id, gate, note })
}

/// Returns why the only closed gate is closed.
#[track_caller]
fn standing(outcome: Outcome) -> Standing {
    match outcome {
        Err(Refusal::GateClosed { gates, .. }) if gates.len() == 1 => gates[0].standing.clone(),
        other => panic!("one gate should hold: {other:?}"),
    }
}

/// A line with a gate at the end of `design`, and an order of ada's that stands there.
fn guarded() -> (Line, OrderId) {
    let mut line = Line::new();
    let design = GateRule {
        stage: Some("design".into()),
        ..rule()
    };
    set(&mut line, "build", design).unwrap();
    line.tree = tree("a");
    let id = line.order("work");
    line.person().start(id).unwrap();
    (line, id)
}

#[test]
fn a_gate_holds_its_stage_and_completion_and_a_pass_opens_both() {
    let (mut line, id) = guarded();
    assert_eq!(standing(line.person().to(id, "code")), Standing::Missing);
    // Past the gate in one step is past the gate.
    assert_eq!(standing(line.person().to(id, "test")), Standing::Missing);
    assert_eq!(standing(line.person().complete(id)), Standing::Missing);
    for verdict in [Verdict::Failed, Verdict::TimedOut, Verdict::CouldNotRun] {
        seen(&mut line, id, "build", verdict).unwrap();
        assert_eq!(
            standing(line.person().to(id, "code")),
            Standing::Failed { verdict }
        );
    }
    seen(&mut line, id, "build", Verdict::Passed).unwrap();
    line.person().to(id, "code").unwrap();
    line.person().complete(id).unwrap();
    let record = line.records.last().unwrap();
    let Evidence::Gates(evidence) = Receipt::of(record).unwrap().evidence else {
        panic!("the receipt has no evidence");
    };
    assert_eq!(evidence.len(), 1);
    assert_eq!(
        (evidence[0].gate.as_str(), evidence[0].run.verdict),
        ("build", Verdict::Passed)
    );
    assert_eq!(evidence[0].run.command.as_deref(), Some("make"));
    assert_eq!(
        line.records[evidence[0].seq as usize - 1].kind,
        "gate_recorded"
    );
}

#[test]
fn a_refusal_says_what_lifts_it_and_so_does_why() {
    let (mut line, id) = guarded();
    let refusal = line.person().to(id, "code").unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "WO-001 is held by gate build (not run yet)"
    );
    assert_eq!(refusal.lift(), ["obeya quality-gate run WO-001 build"]);
    let why: Vec<_> = query::why::why(&line.state, &Live::default(), id, line.now)
        .into_iter()
        .map(|reason| reason.text)
        .collect();
    assert!(
        why.contains(&"gate build: not run yet".to_owned()),
        "{why:?}"
    );
}

#[test]
fn every_way_in_which_a_pass_goes_stale() {
    type Change = fn(&mut Line, OrderId);
    let stale: [(Change, Option<Stale>); 10] = [
        (|_, _| {}, None),
        (|line, _| line.tree = tree("b"), Some(Stale::Moved)),
        (|line, _| line.tree = Tree::Unversioned, Some(Stale::Moved)),
        (|line, _| line.tree = Tree::Unknown, Some(Stale::Unknown)),
        (
            |line, id| {
                let title = Some("other work".into());
                let changes = Changes {
                    title,
                    ..Changes::default()
                };
                drop(line.person().edit(id, changes).unwrap());
            },
            Some(Stale::Edited),
        ),
        // How urgent it is does not change what is to be done.
        (
            |line, id| {
                let priority = obeya::domain::order::Priority::new(9);
                let changes = Changes {
                    priority,
                    ..Changes::default()
                };
                drop(line.person().edit(id, changes).unwrap());
            },
            None,
        ),
        (
            |line, id| {
                line.person().to(id, "code").unwrap();
                line.person().to(id, "design").unwrap();
            },
            Some(Stale::Entered),
        ),
        (
            |line, id| {
                line.person().release(id).unwrap();
                line.person().start(id).unwrap();
            },
            Some(Stale::Entered),
        ),
        (
            |line, _| {
                let changed = GateRule {
                    stage: Some("design".into()),
                    digest: Hash::of(b"2"),
                    ..rule()
                };
                set(line, "build", changed).unwrap();
            },
            Some(Stale::Defined),
        ),
        (
            |line, id| {
                line.person().cancel(id).unwrap();
                line.person().reopen(id).unwrap();
                line.person().start(id).unwrap();
            },
            Some(Stale::Edited),
        ),
    ];
    for (at, (change, why)) in stale.into_iter().enumerate() {
        let (mut line, id) = guarded();
        seen(&mut line, id, "build", Verdict::Passed).unwrap();
        change(&mut line, id);
        match why {
            None => drop(line.person().to(id, "code").unwrap()),
            Some(why) => {
                assert_eq!(
                    standing(line.person().to(id, "code")),
                    Standing::Stale { why },
                    "{at}"
                );
                let state = line.state.clone();
                let bytes = state.to_snapshot().unwrap();
                let read = obeya::domain::state::State::from_snapshot(bytes).unwrap();
                assert_eq!(read.state_hash(), state.state_hash());
            }
        }
    }
}

#[test]
fn a_run_counts_from_its_beginning() {
    let (mut line, id) = guarded();
    let began = line.state.head.seq;
    let title = Some("other work".into());
    line.person()
        .edit(
            id,
            Changes {
                title,
                ..Changes::default()
            },
        )
        .unwrap();
    let run = GateRun {
        tree: line.tree.clone(),
        ..run(Verdict::Passed, began)
    };
    record(&mut line, id, "build", run).unwrap();
    let why = Stale::Edited;
    assert_eq!(
        standing(line.person().to(id, "code")),
        Standing::Stale { why }
    );
}

#[test]
fn gates_are_asked_of_their_buckets_and_kinds_and_advice_holds_nothing() {
    let cases = [
        (
            GateRule {
                buckets: vec![Bucket::Cost],
                ..rule()
            },
            true,
        ),
        (
            GateRule {
                kinds: vec![Kind::Bug],
                ..rule()
            },
            true,
        ),
        (
            GateRule {
                required: false,
                ..rule()
            },
            true,
        ),
        (
            GateRule {
                buckets: vec![Bucket::Features],
                kinds: vec![Kind::Task],
                ..rule()
            },
            false,
        ),
    ];
    for (rule, passes) in cases {
        let mut line = Line::new();
        set(&mut line, "build", rule.clone()).unwrap();
        let id = line.order("work");
        line.person().start(id).unwrap();
        assert_eq!(line.person().complete(id).is_ok(), passes, "{rule:?}");
    }
    let mut line = Line::new();
    set(&mut line, "build", rule()).unwrap();
    let epic = line.epic("an epic is asked for nothing that does not name epics");
    line.person().complete(epic).unwrap();
}

#[test]
fn a_failure_raises_one_alert_and_a_pass_notes_the_recovery() {
    let (mut line, id) = guarded();
    let holding = GateRule {
        stage: Some("design".into()),
        hold: GateHold::Order,
        ..rule()
    };
    set(&mut line, "build", holding).unwrap();
    let events = seen(&mut line, id, "build", Verdict::Failed).unwrap();
    assert!(
        matches!(
            &events[..],
            [Event::GateRecorded { .. }, Event::AlertRaised { .. }]
        ),
        "{events:?}"
    );
    let events = seen(&mut line, id, "build", Verdict::TimedOut).unwrap();
    assert!(
        matches!(
            &events[..],
            [Event::GateRecorded { .. }, Event::AlertRepeated { .. }]
        ),
        "{events:?}"
    );
    assert_eq!(line.state.alerts.len(), 1);
    let alert = line.state.alerts.values().next().unwrap();
    assert_eq!(alert.fingerprint.as_deref(), Some("gate:build:WO-001"));
    let events = seen(&mut line, id, "build", Verdict::Passed).unwrap();
    assert!(
        matches!(
            &events[..],
            [Event::GateRecorded { .. }, Event::AlertRecovered { .. }]
        ),
        "{events:?}"
    );
    // What was held stays so until somebody looked.
    assert_eq!(line::rule(line.person().to(id, "code")), "held");
}

#[test]
fn only_the_engine_defines_gates_and_records_runs() {
    let (mut line, id) = guarded();
    let before = line.state.state_hash();
    for command in [
        Command::SetGate {
            name: "build".into(),
            rule: Box::new(rule()),
        },
        Command::RemoveGate {
            name: "build".into(),
        },
        Command::RecordGate {
            id,
            gate: "build".into(),
            run: Box::new(run(Verdict::Passed, 1)),
        },
    ] {
        assert_eq!(line::rule(line.person().submit(command)), "engine_only");
    }
    assert_eq!(line.state.state_hash(), before);
    // A host that was replaced records nothing, whatever it saw.
    line.submit(&system(), &Command::ElectHost { pid: 1 })
        .unwrap();
    line.submit(&system(), &Command::ElectHost { pid: 2 })
        .unwrap();
    let head = line.state.head.seq;
    let under = |term| GateRun {
        term: Some(term),
        ..run(Verdict::Passed, head)
    };
    assert_eq!(
        line::rule(record(&mut line, id, "build", under(1))),
        "stale_term"
    );
    record(&mut line, id, "build", under(2)).unwrap();
    let other = GateRun {
        definition: Hash::of(b"other"),
        ..run(Verdict::Passed, head)
    };
    assert_eq!(line::rule(record(&mut line, id, "build", other)), "invalid");
    let queued = line.order("queued");
    assert_eq!(
        line::rule(seen(&mut line, queued, "build", Verdict::Passed)),
        "not_started"
    );
    assert_eq!(
        line::rule(seen(&mut line, id, "nothing", Verdict::Passed)),
        "not_found"
    );
}

#[test]
fn an_approval_takes_a_person_who_did_not_work_on_it() {
    let mut line = Line::new();
    let review = GateRule {
        approval: true,
        ..rule()
    };
    set(&mut line, "review", review).unwrap();
    let id = line.order("work");
    line.agent("pat").claim(id).unwrap();
    line.agent("pat").epoch(1).release(id).unwrap();
    line.agent("bot").claim(id).unwrap();
    // An agent; who bears the name of one that worked on it; and who does.
    for actor in [
        Actor::agent("cal"),
        Actor::person("pat"),
        Actor::person("bot"),
        Actor::system(),
    ] {
        let refused = line::rule(approve(&mut line, actor.clone(), Role::Admin, id));
        let expected = match actor.name.as_str() {
            "cal" => ["not_holder", "not_approver"],
            _ => ["not_approver"; 2],
        };
        assert!(expected.contains(&refused), "{actor:?}: {refused}");
    }
    assert_eq!(
        line::rule(approve(&mut line, Actor::person("eve"), Role::Agent, id)),
        "role"
    );
    assert_eq!(
        line::rule(seen(&mut line, id, "review", Verdict::Passed)),
        "invalid"
    );
    assert_eq!(
        standing(line.agent("bot").epoch(1 + 1).complete(id)),
        Standing::Missing
    );
    let reject = Command::RejectGate {
        id,
        gate: "review".into(),
        note: "no tests".into(),
    };
    line.person().submit(reject).unwrap();
    assert_eq!(line.state.alerts.len(), 1);
    let refusal = line.agent("bot").epoch(2).complete(id).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "WO-001 is held by gate review (rejected)"
    );
    approve(&mut line, Actor::person("ada"), Role::Operator, id).unwrap();
    line.agent("bot").epoch(2).complete(id).unwrap();
}

#[test]
fn an_approval_of_a_stage_outlives_the_work_behind_it() {
    let mut line = Line::new();
    let review = GateRule {
        approval: true,
        stage: Some("design".into()),
        ..rule()
    };
    set(&mut line, "review", review).unwrap();
    line.tree = tree("design");
    let id = line.order("work");
    line.agent("bot").claim(id).unwrap();
    approve(&mut line, Actor::person("ada"), Role::Operator, id).unwrap();
    line.tree = tree("another design");
    let why = Stale::Moved;
    assert_eq!(
        standing(line.agent("bot").epoch(1).to(id, "code")),
        Standing::Stale { why }
    );
    approve(&mut line, Actor::person("ada"), Role::Operator, id).unwrap();
    line.agent("bot").epoch(1).to(id, "code").unwrap();
    line.tree = tree("code");
    line.agent("bot").epoch(1).complete(id).unwrap();
}

#[test]
fn the_engine_is_told_once_what_to_run_by_itself() {
    let (mut line, id) = guarded();
    let due = [(id, "build".to_owned())];
    assert_eq!(line.state.gates_due(), due);
    seen(&mut line, id, "build", Verdict::Failed).unwrap();
    assert_eq!(line.state.gates_due(), []);
    seen(&mut line, id, "build", Verdict::Passed).unwrap();
    line.tree = tree("b");
    assert_eq!(line.state.gates_due(), []);
    line.tree = tree("a");
    line.person().to(id, "code").unwrap();
    assert_eq!(line.state.gates_due(), []);
    line.person().to(id, "design").unwrap();
    assert_eq!(line.state.gates_due(), due);
    line.submit(
        &system(),
        &Command::RemoveGate {
            name: "build".into(),
        },
    )
    .unwrap();
    assert_eq!(line.state.gates_due(), []);
    line.person().to(id, "code").unwrap();
}

#[test]
fn a_ledger_without_gates_keeps_nothing_about_them() {
    let mut line = Line::new();
    let id = line.order("work");
    line.person().start(id).unwrap();
    assert_eq!(open(&line, id).gating, None);
    let body = serde_json::to_string(open(&line, id)).unwrap();
    assert!(!body.contains("gating"));
}
