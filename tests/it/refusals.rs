//! Every refusal as a sentence, as data, and with what would lift it.
#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps a refusal has failed"
)]

use std::collections::BTreeSet;

use obeya::domain::{
    andon::Scope,
    command::Role,
    gate::{ClosedGate, Stale, Standing, Verdict},
    id::{AlertId, OrderId},
    order::{Actor, Bucket, Dependency, Status, Wait},
    refusal::Refusal,
    usage::{BudgetView, Money, UsageView},
};

use crate::support::line::NOON;

/// One of every refusal there is, and more where the words differ.
pub(crate) fn every_refusal() -> Vec<Refusal> {
    let (id, other) = (OrderId::work(1), OrderId::work(2));
    let many: Vec<_> = (10..17).map(OrderId::work).collect();
    let wait = |on, state| Dependency { on, state };
    let holder = Actor::agent("ann");
    vec![
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
            given: Some(9),
            current: Some(2),
        },
        Refusal::StaleEpoch {
            id,
            given: Some(1),
            current: None,
        },
        Refusal::NotHolder { id, holder },
        Refusal::Changed { id },
        Refusal::AlertChanged { id: AlertId(3) },
        Refusal::GateClosed {
            id,
            gates: vec![
                ClosedGate {
                    gate: "coverage".into(),
                    approval: false,
                    standing: Standing::Stale { why: Stale::Moved },
                },
                ClosedGate {
                    gate: "review".into(),
                    approval: true,
                    standing: Standing::Missing,
                },
            ],
        },
        Refusal::GateClosed {
            id,
            gates: vec![ClosedGate {
                gate: "tests".into(),
                approval: false,
                standing: Standing::Failed {
                    verdict: Verdict::TimedOut,
                },
            }],
        },
        Refusal::Unmerged {
            id,
            branch: "obeya/WO-001".into(),
        },
        Refusal::NotApprover {
            id,
            gate: "review".into(),
            actor: Actor::agent("ann"),
        },
        Refusal::StaleTerm {
            given: 1,
            current: 2,
        },
        Refusal::EngineOnly,
        Refusal::NothingReady {
            queued: 6,
            blocked: 1,
            held: 2,
            full: 3,
            spent: 2,
            full_buckets: vec![Bucket::Cost],
            shut_buckets: vec![],
            alerts: vec![AlertId(3)],
            stage_full: Some("design".into()),
        },
        Refusal::BudgetSpent {
            scope: Scope::Agent("ann".into()),
            spent: UsageView {
                tokens: 1_200,
                cost: Money(500_000),
            },
            limit: BudgetView {
                tokens: Some(1_000),
                cost: Some(Money(2_000_000)),
            },
            until: Some(NOON),
        },
        Refusal::NothingReady {
            queued: 0,
            blocked: 0,
            held: 0,
            full: 0,
            spent: 0,
            full_buckets: vec![],
            shut_buckets: vec![],
            alerts: vec![],
            stage_full: None,
        },
        Refusal::AgentPaused { name: "ann".into() },
        Refusal::AgentHolds {
            name: "ann".into(),
            orders: vec![id, other],
        },
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
        Refusal::NoReply {
            address: "@tester".into(),
            waited: 1_500,
            letter: 3,
            nobody: false,
        },
        Refusal::NoReply {
            address: "@nobody".into(),
            waited: 5_000,
            letter: 4,
            nobody: true,
        },
        Refusal::NewerLedger {
            kind: "gate_passed".into(),
            seq: 9,
        },
    ]
}

#[test]
fn every_refusal_explains_itself() {
    let mut pages = vec![];
    let mut rules = BTreeSet::new();
    for refusal in every_refusal() {
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
    assert_eq!(rules.len(), 31, "one of every rule");
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
    epoch 1 does not hold WO-001; the claim that holds has epoch 2
      {"rule":"stale_epoch","id":"WO-001","given":1,"current":2}
        nothing: a newer claim holds it
    WO-001 is leased, and no epoch was given; the claim that holds has epoch 2
      {"rule":"stale_epoch","id":"WO-001","given":null,"current":2}
        pass --epoch N, or OBEYA_EPOCH=WO-001:N, with the claim's epoch
    epoch 9 does not hold WO-001; the claim that holds has epoch 2
      {"rule":"stale_epoch","id":"WO-001","given":9,"current":2}
        obeya work-order show WO-001
    epoch 1 does not hold WO-001; nobody holds it now
      {"rule":"stale_epoch","id":"WO-001","given":1,"current":null}
        obeya work-order claim WO-001
    WO-001 is held by ann
      {"rule":"not_holder","id":"WO-001","holder":{"kind":"agent","name":"ann"}}
        obeya work-order release WO-001 --force --reason …
    WO-001 was changed meanwhile
      {"rule":"changed","id":"WO-001"}
        obeya work-order show WO-001
    something was done about ALERT-003 meanwhile
      {"rule":"alert_changed","id":"ALERT-003"}
        obeya andon show ALERT-003
    WO-001 is held by gates coverage (stale: the code moved since), review (not approved yet)
      {"rule":"gate_closed","id":"WO-001","gates":[{"gate":"coverage","approval":false,"state":"stale","why":"moved"},{"gate":"review","approval":true,"state":"missing"}]}
        obeya quality-gate run WO-001 coverage
        obeya quality-gate approve WO-001 review
    WO-001 is held by gate tests (timed out)
      {"rule":"gate_closed","id":"WO-001","gates":[{"gate":"tests","approval":false,"state":"failed","verdict":"timed_out"}]}
        obeya quality-gate run WO-001 tests
    WO-001 was made on branch obeya/WO-001, which is not merged yet: the host completes that, or a person
      {"rule":"unmerged","id":"WO-001","branch":"obeya/WO-001"}
        an agent that a host runs says that it is done (result done): the host merges obeya/WO-001, and completes it
        any other agent gives it back, for one of those to bring home
        obeya work-order release WO-001
        or a person merges it, and completes it
        git merge obeya/WO-001
        obeya work-order complete WO-001
    ann may not judge WO-001 at review: that takes a person who did not work on it
      {"rule":"not_approver","id":"WO-001","gate":"review","actor":{"kind":"agent","name":"ann"}}
        ask a person who did not work on it: obeya quality-gate approve WO-001 review
    it was done under term 1; the host's term is 2
      {"rule":"stale_term","given":1,"current":2}
        nothing: another host took over
    only the engine does this, by itself
      {"rule":"engine_only"}
        change obeya.toml: the engine reads it
    none of 6 queued can start: 1 waits for others, 2 held by ALERT-003, 3 in a full bucket, 2 under a spent budget, stage design is full
      {"rule":"nothing_ready","queued":6,"blocked":1,"held":2,"full":3,"spent":2,"full_buckets":["cost"],"alerts":["ALERT-003"],"stage_full":"design"}
        obeya andon resolve ALERT-003 --resolution …
        complete or release an order in cost
        move an order out of design
        obeya report usage
        obeya work-order list --status queued
    the budget of agent:ann is spent: 1200 of 1000 tokens, cost 0.5 of 2; it is whole again at 2026-05-28T20:26:40Z
      {"rule":"budget_spent","scope":{"agent":"ann"},"spent":{"tokens":1200,"cost":0.5},"limit":{"tokens":1000,"cost":2},"until":"2026-05-28T20:26:40Z"}
        obeya report usage
        raise budget in [agents.ann] of obeya.toml: the host reads it
    nothing is queued that may be pulled
      {"rule":"nothing_ready","queued":0,"blocked":0,"held":0,"full":0,"full_buckets":[],"alerts":[],"stage_full":null}
        obeya work-order create --title …
    agent ann is paused
      {"rule":"agent_paused","name":"ann"}
        obeya agent resume ann
    agent ann holds WO-001, WO-002
      {"rule":"agent_holds","name":"ann","orders":["WO-001","WO-002"]}
        obeya work-order release WO-001 --force --reason …
        obeya work-order release WO-002 --force --reason …
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
    no answer from @tester within 1.5 s: nobody answered in time; the request is dead letter 3
      {"rule":"no_reply","address":"@tester","waited":1500,"letter":3,"nobody":false}
        obeya bus dead-letters requeue 3
    no answer from @nobody within 5 s: nobody takes messages there; the request is dead letter 4
      {"rule":"no_reply","address":"@nobody","waited":5000,"letter":4,"nobody":true}
        obeya bus dead-letters requeue 4
    record 9 is a 'gate_passed', which a newer obeya wrote; this one only reads
      {"rule":"newer_ledger","kind":"gate_passed","seq":9}
        run the newer version of obeya
    "##);
}
