//! The part of the story that is about quality gates.

use obeya::domain::{
    andon::Severity,
    event::Event,
    gate::{GateHold, GateRule, GateRun, Tree, Verdict},
    order::{Actor, Bucket, Kind},
    record::Hash,
    usage::Usage,
};

use super::{
    scribe::Scribe,
    story::{agent, wo},
};

/// Gates of both sorts, and an order that fails at one, passes all of them and is done with the evidence.
pub(super) fn told(scribe: &mut Scribe) {
    let rule = |name: &str| GateRule {
        stage: Some("design".into()),
        buckets: vec![Bucket::Reliability],
        kinds: vec![Kind::Bug, Kind::Task],
        required: name != "lint",
        approval: name == "review",
        severity: Severity::High,
        hold: GateHold::Order,
        digest: Hash::of(name.as_bytes()),
    };
    for name in ["build", "lint", "review"] {
        let name = String::from(name);
        let rule = Box::new(rule(&name));
        scribe.engine(Event::GateSet { name, rule });
    }
    let name = String::from("lint");
    let bare = GateRule {
        stage: None,
        buckets: vec![],
        kinds: vec![],
        ..rule(&name)
    };
    scribe.engine(Event::GateSet {
        name: name.clone(),
        rule: Box::new(bare),
    });
    scribe.engine(Event::GateRemoved { name });
    let id = wo(7);
    scribe.start(id, agent(), 1);
    let git = Tree::Git {
        commit: Some("c0ffee".into()),
        tree: "feed".into(),
    };
    let trees = [git, Tree::Unknown, Tree::Unversioned];
    let seen = |verdict, tree, began| GateRun {
        verdict,
        command: Some("make build".into()),
        exit: Some(2),
        duration_ms: Some(1_500),
        tree,
        output: Some(Hash::of(b"output")),
        note: Some("exit 2".into()),
        definition: rule("build").digest,
        began,
        term: Some(1),
        asked: Some(Actor::person("ada")),
    };
    for (verdict, tree) in Verdict::ALL.iter().zip(trees.iter().cycle()) {
        let run = Box::new(seen(*verdict, tree.clone(), scribe.state.head.seq));
        let gate = "build".into();
        scribe.engine(Event::GateRecorded { id, gate, run });
    }
    for verdict in [Verdict::Failed, Verdict::Passed] {
        let run = GateRun {
            verdict,
            command: None,
            exit: None,
            duration_ms: None,
            tree: trees[2].clone(),
            output: None,
            note: None,
            definition: rule("review").digest,
            began: scribe.state.head.seq,
            term: None,
            asked: None,
        };
        scribe.ada(Event::GateJudged {
            id,
            gate: "review".into(),
            run: Box::new(run),
        });
    }
    scribe.agent(Event::OrderMoved {
        id,
        from: "design".into(),
        to: "code".into(),
    });
    let gating = scribe.state.order(id).unwrap().gating.as_ref();
    let evidence = gating.unwrap().evidence.clone();
    scribe.ada(Event::OrderCompleted {
        id,
        sku: None,
        note: None,
        by: agent(),
        receipt: scribe.state.receipts.count + 1,
        previous_receipt: scribe.state.receipts.hash,
        evidence,
        workspace: None,
        usage: Usage::default(),
    });
    let form = Box::new(scribe.closed[&id].clone());
    scribe.ada(Event::OrderReopened {
        id,
        form,
        reason: None,
    });
}
