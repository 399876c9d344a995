//! Every command there is: who may have it, and when nobody may: on a ledger from the future, torn, or open already.
#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps a refusal has failed"
)]

use std::collections::BTreeSet;

use obeya::domain::{
    agent::PullFilter,
    andon::Severity,
    budget::BudgetScope,
    command::{COMMANDS, Command, Danger, Destination, NewOrder, Role, StageChange},
    event::Changes,
    evolve,
    gate::Verdict,
    id::{AlertId, OrderId},
    order::{Actor, Bucket, Landing, Link},
    refusal::Refusal,
    state::State,
    usage::Budget,
};
use uuid::Uuid;

use crate::support::{
    gates,
    line::{Line, Who, rule},
    workspaces,
};

/// One of every command there is.
pub(crate) fn every_command(id: OrderId, closed: OrderId, alert: AlertId) -> Vec<Command> {
    let link = Link {
        kind: "related".into(),
        target: "here".into(),
    };
    let text = String::from("why");
    vec![
        Command::CreateOrder {
            order: NewOrder::task("a"),
        },
        Command::EditOrder {
            id,
            changes: Changes {
                title: Some("b".into()),
                ..Changes::default()
            },
            add_labels: vec![],
            remove_labels: vec![],
        },
        Command::RecordUsage {
            id,
            agent: None,
            run: None,
            tokens: 1,
            cost: 1,
        },
        Command::SetBudget {
            scope: BudgetScope::Line,
            budget: Budget {
                tokens: Some(1),
                cost: None,
            },
        },
        Command::RemoveBudget {
            scope: BudgetScope::Line,
        },
        Command::StartOrder { id },
        Command::ClaimOrder {
            id,
            lease_seconds: None,
        },
        Command::PullNext {
            filter: PullFilter::default(),
            lease_seconds: None,
        },
        Command::MoveOrder {
            id,
            to: Destination::Right,
        },
        Command::CompleteOrder {
            id,
            sku: None,
            note: None,
        },
        Command::CancelOrder {
            id,
            reason: text.clone(),
        },
        Command::ReopenOrder {
            id: closed,
            reason: None,
        },
        Command::ReleaseOrder {
            id,
            force: true,
            reason: Some(text.clone()),
        },
        Command::CommentOrder {
            id,
            text: text.clone(),
        },
        Command::AddDependency { id, on: closed },
        Command::RemoveDependency { id, on: closed },
        Command::AddLink {
            id,
            link: link.clone(),
        },
        Command::RemoveLink { id, link },
        Command::TriggerAndon {
            reason: text.clone(),
            severity: Severity::Low,
            hold: None,
            fingerprint: None,
            order: None,
        },
        Command::AcknowledgeAlert { id: alert },
        Command::SnoozeAlert {
            id: alert,
            seconds: 60,
        },
        Command::EscalateAlert {
            id: alert,
            to: None,
            reason: None,
        },
        Command::RecoverAlert {
            fingerprint: "ci:red".into(),
        },
        Command::ResolveAlert {
            id: alert,
            resolution: text.clone(),
        },
        Command::LinkCorrective {
            id: alert,
            order: id,
        },
        Command::SetBucket {
            bucket: Bucket::Cost,
            wip_limit: Some(1),
            sla: None,
        },
        Command::SetStage {
            name: "code".into(),
            change: StageChange::Remove,
        },
        Command::RegisterAgent {
            name: "ann".into(),
            role: None,
            capabilities: PullFilter::default(),
        },
        Command::PauseAgent {
            name: "ann".into(),
            reason: None,
        },
        Command::ResumeAgent { name: "ann".into() },
        Command::UnregisterAgent { name: "ann".into() },
        Command::SetGate {
            name: "build".into(),
            rule: Box::new(gates::rule()),
        },
        Command::RemoveGate {
            name: "build".into(),
        },
        Command::RecordGate {
            id,
            gate: "build".into(),
            run: Box::new(gates::run(Verdict::Passed, 1)),
        },
        Command::RecordWorkspace {
            id,
            workspace: Box::new(workspaces::at(Landing::Open)),
            term: 0,
        },
        Command::ApproveGate {
            id,
            gate: "review".into(),
            note: None,
        },
        Command::RejectGate {
            id,
            gate: "review".into(),
            note: text,
        },
        Command::Import {
            source: "beads".into(),
            items: vec![],
        },
        Command::Genesis {
            uuid: Uuid::from_u128(9),
        },
        Command::ElectHost { pid: 1 },
        Command::NoteRestore { incarnation: 2 },
    ]
}

fn furnished() -> (Line, Vec<Command>) {
    let mut line = Line::new();
    let (id, closed) = (line.order("a"), line.order("b"));
    line.person().cancel(closed).unwrap();
    line.person().condition(Severity::Low, "ci:red").unwrap();
    (line, every_command(id, closed, AlertId(1)))
}

#[test]
fn a_viewer_trying_every_command_there_is_leaves_no_record() {
    let (mut line, commands) = furnished();
    let tried: BTreeSet<_> = commands
        .iter()
        .map(|command| command.spec().about)
        .collect();
    assert_eq!(tried.len(), COMMANDS.len(), "every command is tried");
    let before = (line.state.head, line.state.state_hash());
    for actor in [Actor::person("eve"), Actor::agent("eve"), Actor::system()] {
        let who = Who {
            actor,
            role: Role::Viewer,
            epoch: None,
        };
        for command in &commands {
            assert_eq!(rule(line.submit(&who, command)), "role", "{command:?}");
        }
    }
    assert_eq!((line.state.head, line.state.state_hash()), before);
}

#[test]
fn each_role_may_do_what_the_table_says() {
    let (line, commands) = furnished();
    for role in Role::ALL {
        let who = Who {
            actor: Actor::person("ada"),
            role: *role,
            epoch: None,
        };
        for command in &commands {
            let refused = matches!(line.decide(&who, command), Err(Refusal::Role { .. }));
            assert_eq!(refused, *role < command.spec().role, "{role}: {command:?}");
        }
    }
}

#[test]
fn the_table_of_commands() {
    let rows = COMMANDS.iter().map(|spec| {
        let danger = if spec.danger == Danger::Destructive {
            "destructive"
        } else {
            ""
        };
        let name = format!("{} {}", spec.noun, spec.verb);
        format!("{name:20} {:9} {danger}", spec.role.word())
            .trim_end()
            .to_owned()
    });
    let table = rows.collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(table, @r##"
    work-order create    agent
    work-order edit      agent
    work-order start     agent
    work-order claim     agent
    work-order next      agent
    work-order move      agent
    work-order complete  agent
    work-order cancel    operator  destructive
    work-order reopen    operator
    work-order release   agent
    work-order usage     agent
    work-order comment   agent
    deps add             agent
    deps remove          agent
    work-order link      agent
    work-order unlink    agent
    andon trigger        agent     destructive
    andon ack            operator
    andon snooze         operator
    andon escalate       agent
    andon recover        agent
    andon resolve        operator
    andon correct        operator
    bucket set           admin
    stage set            admin
    quality-gate set     admin
    quality-gate remove  admin
    quality-gate record  admin
    quality-gate approve operator
    quality-gate reject  operator
    work-order workspace admin
    budget set           admin
    budget remove        admin
    agent register       agent
    agent pause          operator
    agent resume         operator
    agent unregister     operator  destructive
    import beads         operator
    init                 admin
    host elect           admin
    ledger restore       admin     destructive
    "##);
}

#[test]
fn a_command_reads_back_from_its_json() {
    for command in furnished().1 {
        let text = serde_json::to_string(&command).unwrap();
        assert_eq!(
            serde_json::from_str::<Command>(&text).unwrap(),
            command,
            "{text}"
        );
    }
}

#[test]
fn a_newer_ledger_is_only_read() {
    let (mut line, commands) = furnished();
    let mut record = line.records.last().unwrap().clone();
    record.seq += 1;
    record.kind = "gate_passed".into();
    record.body = r#"{"gate_passed":{}}"#.into();
    record.hash = record.seal(&line.state.head.hash);
    assert_eq!(evolve::evolve(&mut line.state, &record), Ok(vec![]));
    assert_eq!(line.state.head.seq, record.seq, "it reads on");
    let who = Who {
        actor: Actor::person("ada"),
        role: Role::Admin,
        epoch: None,
    };
    for command in &commands {
        assert_eq!(
            rule(line.decide(&who, command)),
            "newer_ledger",
            "{command:?}"
        );
    }
    assert_eq!(line.state.to_snapshot(), None);
    line.wait(1_000_000_000);
    assert_eq!(
        line.tick(),
        [],
        "nothing falls due where nothing may be written"
    );
}

#[test]
fn a_damaged_record_is_an_error_and_changes_nothing() {
    let mut line = Line::new();
    let id = line.order("a");
    let record = line.records.last().unwrap();
    for body in [
        "",
        "{",
        "null",
        r#"{"order_started":{}}"#,
        r#"{"order_created":{"id":"WO-0"}}"#,
    ] {
        let mut torn = record.clone();
        torn.body = body.into();
        let mut state = line.state.clone();
        assert!(evolve::evolve(&mut state, &torn).is_err(), "{body}");
        assert_eq!(state.state_hash(), line.state.state_hash());
    }
    let bytes = line.state.to_snapshot().unwrap();
    for end in 0..bytes.len() {
        if let Some(state) = State::from_snapshot(bytes[..end].to_vec()) {
            state.order(id);
            assert!(
                state.is_damaged() || state.state_hash() != line.state.state_hash(),
                "{end}"
            );
        }
    }
}

#[test]
fn a_ledger_opens_once_and_a_restore_raises_its_incarnation() {
    let mut line = Line::new();
    let uuid = Uuid::from_u128(9);
    assert_eq!(
        rule(line.person().submit(Command::Genesis { uuid })),
        "invalid"
    );
    for incarnation in [0, 1] {
        assert_eq!(
            rule(line.person().submit(Command::NoteRestore { incarnation })),
            "invalid"
        );
    }
    line.person()
        .submit(Command::NoteRestore { incarnation: 2 })
        .unwrap();
    line.person().submit(Command::ElectHost { pid: 7 }).unwrap();
    assert_eq!((line.state.incarnation, line.state.term), (2, 1));
}
