//! The story of the newest golden ledger: a few days on a line, in which every event occurs, and every word it may hold.

use obeya::domain::{
    agent::PullFilter,
    andon::{Freed, Scope, Severity},
    event::{Baseline, Changes, Event, ImportedEnd, ImportedItem, Parent},
    id::{AlertId, OrderId},
    order::{Actor, Bucket, Dependency, External, Kind, Link, Outcome, Priority, PullSignal, Wait},
    record::{Door, Record},
    settings::{BucketRule, Policy, Stage},
    state::State,
    time::{HOUR, MINUTE},
};
use uuid::Uuid;

use super::{gates, scribe::Scribe, usage, workspaces};
use crate::support::line::NOON;

/// Returns the whole ledger and the state that it comes to.
pub(super) fn told() -> (Vec<Record>, State) {
    let mut scribe = Scribe::default();
    books(&mut scribe);
    orders(&mut scribe);
    edges(&mut scribe);
    work(&mut scribe);
    alerts(&mut scribe);
    gates::told(&mut scribe);
    workspaces::told(&mut scribe);
    usage::told(&mut scribe);
    imports(&mut scribe);
    (scribe.records, scribe.state)
}

pub(super) fn wo(number: u32) -> OrderId {
    OrderId::work(number)
}

pub(super) fn agent() -> Actor {
    Actor::agent("rust-dev")
}

/// Genesis, the rules and the agent.
fn books(scribe: &mut Scribe) {
    let uuid = Uuid::from_u128(0x0b_e7a);
    let mut genesis = vec![Event::LedgerCreated {
        uuid,
        incarnation: 1,
    }];
    genesis.extend((1..).zip(Bucket::ALL).map(|(limit, bucket)| {
        let sla_hours = (limit < 6).then_some(24 * limit);
        let rule = BucketRule {
            wip_limit: limit,
            sla_hours,
        };
        Event::BucketSet {
            bucket: *bucket,
            rule,
        }
    }));
    let stage = |(name, wip_limit): (&str, _)| Stage {
        name: name.into(),
        wip_limit,
    };
    let stages = [("design", None), ("code", Some(3)), ("test", None)].map(stage);
    genesis.push(Event::StagesSet {
        stages: stages.into(),
    });
    genesis.push(Event::PolicySet {
        policy: Policy {
            lease_seconds: 900,
            escalate_minutes: [0, 240, 60, 0],
        },
    });
    scribe.write(&Actor::system(), Door::Engine, genesis);
    scribe.engine(Event::HostElected { term: 1, pid: 4242 });
    let name = String::from("rust-dev");
    scribe.agent(Event::AgentRegistered {
        name: name.clone(),
        role: None,
        capabilities: PullFilter::default(),
    });
    scribe.agent(Event::AgentRegistered {
        name: name.clone(),
        role: Some("developer".into()),
        capabilities: PullFilter {
            buckets: Bucket::ALL.into(),
            kinds: Kind::ALL.into(),
            labels: vec!["rust".into()],
        },
    });
    for reason in [Some("the build host is full".into()), None] {
        scribe.ada(Event::AgentPaused {
            name: name.clone(),
            reason,
        });
        scribe.ada(Event::AgentResumed { name: name.clone() });
    }
    let name = String::from("old-dev");
    scribe.agent(Event::AgentRegistered {
        name: name.clone(),
        role: None,
        capabilities: PullFilter::default(),
    });
    scribe.ada(Event::AgentUnregistered { name });
}

/// An epic with the orders 1 to 6, of every kind and bucket, and what is said and changed.
fn orders(scribe: &mut Scribe) {
    let created = |id: OrderId, kind, title: &str, bucket| Event::OrderCreated {
        id,
        kind,
        title: title.into(),
        description: None,
        bucket,
        priority: Priority::DEFAULT,
        labels: vec![],
        estimate: None,
        assignee: None,
        parent: None,
        corrective: vec![],
        signal: PullSignal {
            kind: "cli".into(),
            source: None,
        },
    };
    let epic = OrderId::epic(1);
    scribe.ada(created(epic, Kind::Epic, "Payments", Bucket::Features));
    scribe.ada(Event::OrderCreated {
        id: wo(1),
        kind: Kind::Story,
        title: "Pay by invoice – ¥, € and \"quotes\"".into(),
        description: Some("Two lines,\nand a tab\tin one.".into()),
        bucket: Bucket::Features,
        priority: Priority::new(10).unwrap(),
        labels: vec!["api".into(), "rust".into()],
        estimate: Some(90),
        assignee: Some("rust-dev".into()),
        parent: Some(epic),
        corrective: vec![],
        signal: PullSignal {
            kind: "github_issue".into(),
            source: Some("https://example.org/issues/1".into()),
        },
    });
    let rest = [
        (Kind::Task, "Rotate the keys", Bucket::Security),
        (Kind::Bug, "Restarts lose a job", Bucket::Reliability),
        (Kind::Chore, "Keep logs a year", Bucket::Compliance),
        (Kind::Task, "Smaller machines", Bucket::Cost),
        (Kind::Chore, "Split the crate", Bucket::TechnicalDebt),
    ];
    for (number, (kind, title, bucket)) in (2..).zip(rest) {
        scribe.agent(created(wo(number), kind, title, bucket));
    }
    let edited = |id, changes| Event::OrderEdited {
        id,
        changes: Box::new(changes),
    };
    let full = Changes {
        title: Some("Rotate every key".into()),
        description: Some("Also the old ones.".into()),
        kind: Some(Kind::Bug),
        bucket: Some(Bucket::Reliability),
        priority: Priority::new(8),
        labels: Some(vec!["keys".into()]),
        estimate: Some(30),
        assignee: Some("ada".into()),
        parent: Some(Parent::Of(epic)),
    };
    let empty = Changes {
        description: Some(String::new()),
        labels: Some(vec![]),
        estimate: Some(0),
        assignee: Some(String::new()),
        parent: Some(Parent::None),
        ..Changes::default()
    };
    scribe.ada(edited(wo(2), full));
    scribe.ada(edited(wo(2), empty));
    for author in [None, Some("grace".into())] {
        let text = "Looks good.\nShip it.".into();
        let id = wo(1);
        scribe.ada(Event::OrderCommented { id, text, author });
    }
}

/// Waits in every state, and links.
fn edges(scribe: &mut Scribe) {
    for on in [2, 3, 4] {
        scribe.ada(Event::DependencyAdded {
            id: wo(1),
            on: wo(on),
            state: Wait::Open,
        });
    }
    scribe.ada(Event::DependencyRemoved {
        id: wo(1),
        on: wo(4),
    });
    for target in ["WO-005", "https://example.org"] {
        let kind = "related".into();
        let target = target.into();
        let link = Link { kind, target };
        scribe.ada(Event::LinkAdded { id: wo(1), link });
    }
    scribe.ada(Event::LinkRemoved {
        id: wo(1),
        link: Link {
            kind: "related".into(),
            target: "WO-005".into(),
        },
    });
}

/// Holds that end in every way, receipts, a cancelled order and both reopened.
fn work(scribe: &mut Scribe) {
    let ada = Actor::person("ada");
    scribe.start(wo(2), ada.clone(), 1);
    scribe.ada(Event::OrderReleased {
        id: wo(2),
        forced: false,
        reason: None,
    });
    scribe.start(wo(2), agent(), 2);
    scribe.ada(Event::OrderReleased {
        id: wo(2),
        forced: true,
        reason: Some("it is stuck".into()),
    });
    scribe.start(wo(2), agent(), 3);
    let until = scribe.now().plus(20 * MINUTE);
    scribe.engine(Event::LeasesRenewed {
        leases: vec![(wo(2), until)],
    });
    scribe.minutes += 30;
    scribe.engine(Event::LeaseLapsed {
        id: wo(2),
        holder: agent(),
        epoch: 3,
    });
    scribe.start(wo(2), agent(), 4);
    for (from, to) in [("design", "code"), ("code", "test"), ("test", "code")] {
        scribe.agent(Event::OrderMoved {
            id: wo(2),
            from: from.into(),
            to: to.into(),
        });
    }
    scribe.complete(wo(2), agent(), Some("keys-2.1"));
    scribe.start(wo(4), ada.clone(), 1);
    scribe.complete(wo(4), ada, None);
    scribe.ada(Event::OrderCancelled {
        id: wo(3),
        reason: "the service is gone".into(),
    });
    // Waits for what is closed already.
    for (on, state) in [(4, Wait::Completed), (3, Wait::Cancelled)] {
        scribe.ada(Event::DependencyAdded {
            id: wo(5),
            on: wo(on),
            state,
        });
    }
    for (id, reason) in [(wo(2), None), (wo(3), Some("it is back".into()))] {
        let form = Box::new(scribe.closed[&id].clone());
        scribe.ada(Event::OrderReopened { id, form, reason });
    }
    scribe.minutes += 3 * 24 * 60;
    scribe.engine(Event::SlaBreached {
        id: wo(3),
        bucket: Bucket::Reliability,
    });
}

/// An alert for each scope, and one that goes the whole way.
fn alerts(scribe: &mut Scribe) {
    let id = AlertId(1);
    scribe.ada(Event::AlertRaised {
        id,
        severity: Severity::Medium,
        reason: "the disk fills".into(),
        fingerprint: Some("disk".into()),
        hold: None,
        order: Some(wo(1)),
    });
    for order in [None, Some(wo(5))] {
        scribe.agent(Event::AlertRepeated { id, order });
    }
    let until = scribe.now().plus(HOUR);
    let severity = Severity::High;
    let order = wo(5);
    scribe.ada(Event::AlertSnoozed { id, until });
    scribe.minutes += 60;
    scribe.engine(Event::AlertWoke { id });
    scribe.engine(Event::AlertEscalated {
        id,
        severity,
        reason: None,
    });
    scribe.agent(Event::AlertHeld {
        id,
        hold: Scope::Line,
    });
    scribe.ada(Event::AlertAcknowledged { id });
    scribe.ada(Event::CorrectiveLinked { id, order });
    scribe.agent(Event::AlertRecovered { id });
    let scopes = [
        Scope::Line,
        Scope::Bucket(Bucket::Cost),
        Scope::Epic(OrderId::epic(1)),
        Scope::Stage("code".into()),
        Scope::Order(wo(6)),
        Scope::Agent("rust-dev".into()),
    ];
    for ((number, scope), severity) in (2..).zip(scopes).zip(Severity::ALL.iter().cycle()) {
        scribe.ada(Event::AlertRaised {
            id: AlertId(number),
            severity: *severity,
            reason: format!("hold {scope}"),
            fingerprint: None,
            hold: Some(scope),
            order: None,
        });
    }
    scribe.ada(Event::OrderCreated {
        id: wo(7),
        kind: Kind::Task,
        title: "Empty the disk".into(),
        description: None,
        bucket: Bucket::Reliability,
        priority: Priority::new(1).unwrap(),
        labels: vec![],
        estimate: None,
        assignee: None,
        parent: None,
        corrective: vec![id, AlertId(2)],
        signal: PullSignal {
            kind: "andon".into(),
            source: Some(id.to_string()),
        },
    });
    scribe.ada(Event::AlertEscalated {
        id,
        severity: Severity::Critical,
        reason: Some("it fills faster".into()),
    });
    scribe.ada(Event::AlertResolved {
        id,
        resolution: "a larger disk".into(),
        freed: Some(Freed {
            in_progress: 2,
            ready: 1,
        }),
    });
}

/// Items open, completed and cancelled; one merged, one closed elsewhere. Then the ledger is restored.
fn imports(scribe: &mut Scribe) {
    let created = NOON.plus(-100 * HOUR);
    let plain = |title: &str| ImportedItem {
        title: title.into(),
        description: None,
        kind: Kind::Task,
        bucket: Bucket::Features,
        priority: Priority::DEFAULT,
        labels: vec![],
        assignee: None,
        estimate: None,
        created,
        links: vec![],
        closed: None,
        baseline: Baseline::default(),
    };
    let external = |id: &str, digest| External {
        source: "beads".into(),
        id: id.into(),
        base: 0,
        digest,
    };
    let imported = |number, name, item| Event::OrderImported {
        id: wo(number),
        item: Box::new(item),
        external: external(name, u64::MAX - u64::from(number)),
    };
    let full = ImportedItem {
        description: Some("As it was there.".into()),
        labels: vec!["p1".into()],
        assignee: Some("grace".into()),
        estimate: Some(45),
        links: vec![Link {
            kind: "discovered-from".into(),
            target: "bd-9".into(),
        }],
        baseline: Baseline {
            parent: Some(OrderId::epic(1)),
            depends_on: vec![wo(9)],
            comments: vec![7, u64::MAX],
        },
        ..plain("Open there")
    };
    let ended = |title: &str, outcome| ImportedItem {
        closed: Some(ImportedEnd {
            outcome,
            at: NOON.plus(-50 * HOUR),
            parent: Some(OrderId::epic(1)),
            depends_on: vec![Dependency {
                on: wo(8),
                state: Wait::Open,
            }],
        }),
        ..plain(title)
    };
    let done = Outcome::Completed {
        sku: Some("bd-3.0".into()),
        receipt: None,
    };
    let dropped = Outcome::Cancelled {
        reason: "a duplicate".into(),
    };
    let finished = |added, updated, unchanged| Event::ImportFinished {
        source: "beads".into(),
        added,
        updated,
        unchanged,
    };
    let ada = Actor::person("ada");
    let first = vec![
        imported(8, "bd-1", full.clone()),
        imported(9, "bd-2", plain("Plain there")),
        imported(10, "bd-3", ended("Done there", done.clone())),
        imported(11, "bd-4", ended("Dropped there", dropped.clone())),
        imported(12, "bd-5", plain("Dropped there later")),
        finished(5, 0, 0),
    ];
    scribe.write(&ada, Door::Import, first);
    let renamed = ImportedItem {
        title: "Renamed there".into(),
        ..full
    };
    let changes = Changes {
        title: Some(renamed.title.clone()),
        ..Changes::default()
    };
    let closed = NOON.plus(HOUR);
    let second = vec![
        Event::OrderMerged {
            id: wo(8),
            item: Box::new(renamed),
            external: external("bd-1", 3),
            changes: Box::new(changes),
        },
        Event::OrderClosedElsewhere {
            id: wo(9),
            outcome: Outcome::Completed {
                sku: None,
                receipt: None,
            },
            closed,
        },
        Event::OrderClosedElsewhere {
            id: wo(12),
            outcome: dropped,
            closed,
        },
        finished(0, 3, 2),
    ];
    scribe.write(&ada, Door::Import, second);
    scribe.ada(Event::LedgerRestored { incarnation: 2 });
    scribe.engine(Event::HostElected { term: 2, pid: 4343 });
}
