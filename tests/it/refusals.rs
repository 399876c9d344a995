//! Every refusal as data and as a sentence; roles; limits; hostile text; a ledger from the future.
#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps a refusal has failed"
)]

use std::collections::BTreeSet;

use obeya::domain::{
    agent::PullFilter,
    andon::{Scope, Severity},
    command::{COMMANDS, Command, Danger, Destination, NewOrder, Role, StageChange},
    event::Changes,
    evolve,
    id::{AlertId, OrderId},
    order::{Actor, Bucket, Dependency, Link, PullSignal, Status, Wait},
    refusal::Refusal,
    state::State,
};
use uuid::Uuid;

use crate::support::line::{Line, Who, rule};

/// One of every command there is.
fn every_command(id: OrderId, closed: OrderId, alert: AlertId) -> Vec<Command> {
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
    work-order comment   agent
    deps add             agent
    deps remove          agent
    work-order link      agent
    work-order unlink    agent
    andon trigger        agent     destructive
    andon ack            operator
    andon snooze         operator
    andon recover        agent
    andon resolve        operator
    andon correct        operator
    bucket set           admin
    stage set            admin
    agent register       agent
    agent pause          operator
    agent resume         operator
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
fn every_refusal_explains_itself() {
    let (id, other) = (OrderId::work(1), OrderId::work(2));
    let many: Vec<_> = (10..17).map(OrderId::work).collect();
    let wait = |on, state| Dependency { on, state };
    let holder = Actor::agent("ann");
    let refusals = [
        Refusal::not_found(id),
        Refusal::Closed {
            id,
            status: Status::Cancelled,
        },
        Refusal::NotClosed { id },
        Refusal::NotStarted { id },
        Refusal::AlreadyStarted {
            id,
            holder: holder.clone(),
            stage: "code".into(),
        },
        Refusal::Epic {
            id: OrderId::epic(1),
        },
        Refusal::WipLimit {
            scope: Scope::Bucket(Bucket::Features),
            limit: 10,
            count: 10,
        },
        Refusal::WipLimit {
            scope: Scope::Stage("code".into()),
            limit: 2,
            count: 3,
        },
        Refusal::Blocked {
            id,
            waits_for: vec![
                wait(other, Wait::Open),
                wait(OrderId::epic(3), Wait::Cancelled),
            ],
        },
        Refusal::Held {
            id,
            alerts: vec![AlertId(3), AlertId(4)],
            scope: Scope::Line,
        },
        Refusal::Cycle {
            path: vec![id, other, OrderId::epic(1), id],
        },
        Refusal::Cycle {
            path: vec![id, other, id],
        },
        Refusal::Cycle { path: vec![id, id] },
        Refusal::ChildrenOpen { id, children: many },
        Refusal::StaleEpoch {
            id,
            given: Some(1),
            current: Some(2),
        },
        Refusal::StaleEpoch {
            id,
            given: None,
            current: Some(2),
        },
        Refusal::StaleEpoch {
            id,
            given: Some(1),
            current: None,
        },
        Refusal::NotHolder { id, holder },
        Refusal::NothingReady {
            queued: 6,
            blocked: 1,
            held: 2,
            full: 3,
            full_buckets: vec![Bucket::Cost],
            alerts: vec![AlertId(3)],
            stage_full: Some("design".into()),
        },
        Refusal::NothingReady {
            queued: 0,
            blocked: 0,
            held: 0,
            full: 0,
            full_buckets: vec![],
            alerts: vec![],
            stage_full: None,
        },
        Refusal::AgentPaused { name: "ann".into() },
        Refusal::Role {
            has: Role::Viewer,
            needs: Role::Admin,
        },
        Refusal::invalid("title", "it is empty"),
        Refusal::Limit {
            what: "open alerts".into(),
            limit: 2_000,
        },
        Refusal::StageInUse {
            stage: "code".into(),
            orders: 2,
        },
        Refusal::CommandReused { seq: 7 },
        Refusal::StaleTerm {
            given: 1,
            current: 2,
        },
        Refusal::NewerLedger {
            kind: "gate_passed".into(),
            seq: 9,
        },
    ];
    let mut pages = vec![];
    let mut rules = BTreeSet::new();
    for refusal in refusals {
        let json = serde_json::to_string(&refusal).unwrap();
        assert_eq!(serde_json::from_str::<Refusal>(&json).unwrap(), refusal);
        assert!(
            json.contains(&format!(r#""rule":"{}""#, refusal.rule())),
            "{json}"
        );
        rules.insert(refusal.rule());
        let lift: String = refusal
            .lift()
            .iter()
            .map(|lift| format!("\n    {lift}"))
            .collect();
        pages.push(format!("{refusal}\n  {json}{lift}"));
    }
    assert_eq!(rules.len(), 22, "one of every rule");
    insta::assert_snapshot!(pages.join("\n"), @r##"
    there is no WO-001
      {"rule":"not_found","subject":"WO-001"}
        obeya work-order list --all
    WO-001 is cancelled
      {"rule":"closed","id":"WO-001","status":"cancelled"}
        obeya work-order reopen WO-001
    WO-001 is still open
      {"rule":"not_closed","id":"WO-001"}
    WO-001 is not in progress
      {"rule":"not_started","id":"WO-001"}
        obeya work-order start WO-001
    ann has WO-001 already, in code
      {"rule":"already_started","id":"WO-001","holder":{"kind":"agent","name":"ann"},"stage":"code"}
        obeya work-order release WO-001 --force --reason …
    EPIC-001 is an epic: it is never pulled, and is done when its children are
      {"rule":"epic","id":"EPIC-001"}
        obeya deps show EPIC-001
    bucket:features is full: 10 of 10 in progress
      {"rule":"wip_limit","scope":{"bucket":"features"},"limit":10,"count":10}
        complete or release an order in features
        obeya bucket set features --wip 11
    stage:code is full: 3 of 2 in progress
      {"rule":"wip_limit","scope":{"stage":"code"},"limit":2,"count":3}
        move an order out of code
        obeya stage set code --wip 4
    WO-001 waits for WO-002 (open), EPIC-003 (cancelled)
      {"rule":"blocked","id":"WO-001","waits_for":[{"on":"WO-002","state":"open"},{"on":"EPIC-003","state":"cancelled"}]}
        obeya work-order complete WO-002
        obeya deps remove WO-001 --depends-on EPIC-003
    WO-001 is held by ALERT-003, ALERT-004 (line)
      {"rule":"held","id":"WO-001","alerts":["ALERT-003","ALERT-004"],"scope":"line"}
        obeya andon resolve ALERT-003 --resolution …
        obeya andon resolve ALERT-004 --resolution …
    it would wait for itself: WO-001 waits for WO-002 waits for EPIC-001 waits for WO-001
      {"rule":"cycle","path":["WO-001","WO-002","EPIC-001","WO-001"]}
        obeya deps show EPIC-001
    it would wait for itself: WO-001 waits for WO-002 waits for WO-001
      {"rule":"cycle","path":["WO-001","WO-002","WO-001"]}
        obeya deps show WO-002
    it would wait for itself: WO-001 waits for WO-001
      {"rule":"cycle","path":["WO-001","WO-001"]}
    WO-001 has open children: WO-010, WO-011, WO-012, WO-013, WO-014 and 2 more
      {"rule":"children_open","id":"WO-001","children":["WO-010","WO-011","WO-012","WO-013","WO-014","WO-015","WO-016"]}
        obeya work-order complete WO-010
        obeya work-order complete WO-011
        obeya work-order complete WO-012
        obeya work-order complete WO-013
        obeya work-order complete WO-014
    epoch 1 no longer holds WO-001; the claim that holds has epoch 2
      {"rule":"stale_epoch","id":"WO-001","given":1,"current":2}
        nothing: a newer claim holds it
    WO-001 is leased, and no epoch was given; the claim that holds has epoch 2
      {"rule":"stale_epoch","id":"WO-001","given":null,"current":2}
        pass --epoch or OBEYA_EPOCH with the claim's epoch
    epoch 1 no longer holds WO-001; nobody holds it now
      {"rule":"stale_epoch","id":"WO-001","given":1,"current":null}
        obeya work-order claim WO-001
    WO-001 is held by ann
      {"rule":"not_holder","id":"WO-001","holder":{"kind":"agent","name":"ann"}}
        obeya work-order release WO-001 --force --reason …
    none of 6 queued can start: 1 wait for others, 2 held by an alert, 3 in a full bucket, and stage design is full
      {"rule":"nothing_ready","queued":6,"blocked":1,"held":2,"full":3,"full_buckets":["cost"],"alerts":["ALERT-003"],"stage_full":"design"}
        obeya andon resolve ALERT-003 --resolution …
        complete or release an order in cost
        move an order out of design
        obeya work-order list --status queued
    nothing is queued that may be pulled
      {"rule":"nothing_ready","queued":0,"blocked":0,"held":0,"full":0,"full_buckets":[],"alerts":[],"stage_full":null}
        obeya work-order create --title …
    agent ann is paused
      {"rule":"agent_paused","name":"ann"}
        obeya agent resume ann
    a viewer may not do this; it takes admin
      {"rule":"role","has":"viewer","needs":"admin"}
        ask someone with the role admin
    title: it is empty
      {"rule":"invalid","field":"title","why":"it is empty"}
    no more than 2000 open alerts
      {"rule":"limit","what":"open alerts","limit":2000}
        close or archive what is no longer needed
    stage code still holds 2 order(s)
      {"rule":"stage_in_use","stage":"code","orders":2}
        move the orders out of code first
    this command id stands for another command, recorded at 7
      {"rule":"command_reused","seq":7}
    host term 1 is over; the current one is 2
      {"rule":"stale_term","given":1,"current":2}
        nothing: another host took over
    record 9 is a 'gate_passed', which a newer obeya wrote; this one only reads
      {"rule":"newer_ledger","kind":"gate_passed","seq":9}
        run the newer version of obeya
    "##);
}

#[test]
fn hostile_text_is_cleaned_or_refused() {
    let mut line = Line::new();
    let titles = [
        ("\u{1b}[31mred\u{1b}[0m alert", Some("red alert")),
        ("a\u{202e}b\u{200b}c", Some("abc")),
        ("  two\r\nlines\t", Some("two lines")),
        ("\u{1b}[2J", None),
        ("", None),
        (" \n ", None),
    ];
    for (title, wanted) in titles {
        let created = line.person().create(NewOrder::task(title));
        match wanted {
            Some(wanted) => assert_eq!(line.state.order(created.unwrap()).unwrap().title, wanted),
            None => assert_eq!(rule(created), "invalid", "{title:?}"),
        }
    }
    let long = NewOrder::task("x".repeat(301));
    assert_eq!(rule(line.person().create(long)), "invalid");
    let id = line
        .person()
        .create(NewOrder::task("é".repeat(300)))
        .unwrap();
    assert_eq!(
        rule(line.person().comment(id, &"x".repeat(64 * 1024 + 1))),
        "invalid"
    );
    assert_eq!(rule(line.person().comment(id, "\u{1b}[2J \n")), "invalid");
    line.person().comment(id, "fine\u{1b}[31m\nby me").unwrap();
    assert!(line.records.last().unwrap().body.contains(r"fine\nby me"));
    let signal = PullSignal {
        kind: "\u{7}".into(),
        source: None,
    };
    assert_eq!(
        rule(line.person().create(NewOrder {
            signal,
            ..NewOrder::task("a")
        })),
        "invalid"
    );
    let estimate = Some(u32::MAX);
    assert_eq!(
        rule(line.person().create(NewOrder {
            estimate,
            ..NewOrder::task("a")
        })),
        "invalid"
    );
    for name in ["", "a\u{1b}b", " a", "\u{202e}", "x".repeat(81).as_str()] {
        let outcome = line
            .hand(Actor::person(name), Role::Admin)
            .comment(id, "who?");
        assert_eq!(rule(outcome), "invalid", "{name:?}");
    }
}

#[test]
fn labels_are_sorted_single_and_plain() {
    let mut line = Line::new();
    let labels = |labels: &[&str]| labels.iter().map(ToString::to_string).collect::<Vec<_>>();
    let id = line
        .person()
        .create(NewOrder {
            labels: labels(&["b", " a ", "b"]),
            ..NewOrder::task("x")
        })
        .unwrap();
    assert_eq!(line.state.order(id).unwrap().labels, ["a", "b"]);
    let mut edit = |add: &[&str], remove: &[&str]| {
        line.person().submit(Command::EditOrder {
            id,
            changes: Changes::default(),
            add_labels: labels(add),
            remove_labels: labels(remove),
        })
    };
    assert_eq!(edit(&["a"], &["z"]).unwrap(), []);
    edit(&["c"], &[" a "]).unwrap();
    assert_eq!(rule(edit(&["x,y"], &[])), "invalid");
    assert_eq!(rule(edit(&[""], &[])), "invalid");
    assert_eq!(line.state.order(id).unwrap().labels, ["b", "c"]);
    let many = (0..33).map(|n| n.to_string()).collect();
    assert_eq!(
        rule(line.person().create(NewOrder {
            labels: many,
            ..NewOrder::task("x")
        })),
        "limit"
    );
}

#[test]
fn every_list_has_a_limit() {
    let mut line = Line::new();
    let id = line.order("hub");
    let orders: Vec<_> = (0..2_001).map(|_| line.order("x")).collect();
    let all = NewOrder {
        depends_on: orders.clone(),
        ..NewOrder::task("x")
    };
    assert_eq!(rule(line.person().create(all)), "limit");
    let most = NewOrder {
        depends_on: orders[1..].to_vec(),
        ..NewOrder::task("x")
    };
    let most = line.person().create(most).unwrap();
    assert_eq!(rule(line.person().depend(most, id)), "limit");
    for n in 0..200 {
        let link = Link {
            kind: "related".into(),
            target: n.to_string(),
        };
        line.person().submit(Command::AddLink { id, link }).unwrap();
    }
    let link = Link {
        kind: "related".into(),
        target: "one more".into(),
    };
    assert_eq!(
        rule(line.person().submit(Command::AddLink { id, link })),
        "limit"
    );
    let alert = line.person().andon(Severity::Low, None).unwrap();
    for order in &orders[..200] {
        line.person().correct(alert, *order).unwrap();
    }
    assert_eq!(rule(line.person().correct(alert, id)), "limit");
    let corrective = NewOrder {
        corrective: vec![alert],
        ..NewOrder::task("x")
    };
    assert_eq!(rule(line.person().create(corrective)), "limit");
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
        if let Some(state) = State::from_snapshot(&bytes[..end]) {
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
