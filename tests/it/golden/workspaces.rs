//! The part of the story that is about workspaces.

use obeya::domain::{
    event::Event,
    order::{Landing, Workspace},
    usage::Usage,
};

use super::{
    scribe::Scribe,
    story::{agent, wo},
};

/// An order is made on a branch of its own in every way that there is, done with what was merged, and opened again.
pub(super) fn told(scribe: &mut Scribe) {
    let id = wo(7);
    scribe.start(id, agent(), 2);
    let at = |head: &str, landing| {
        Box::new(Workspace {
            branch: "obeya/WO-007".into(),
            base: "a".repeat(40),
            head: head.repeat(40),
            landing,
        })
    };
    let merged = at("b", Landing::Merged);
    for workspace in [
        at("a", Landing::Open),
        at("c", Landing::Kept),
        at("b", Landing::Open),
        merged.clone(),
    ] {
        let term = scribe.state.term;
        scribe.engine(Event::WorkspaceRecorded {
            id,
            workspace,
            term,
        });
    }
    scribe.ada(Event::OrderCompleted {
        id,
        sku: None,
        note: None,
        by: agent(),
        receipt: scribe.state.receipts.count + 1,
        previous_receipt: scribe.state.receipts.hash,
        evidence: vec![],
        workspace: Some(merged),
        usage: Usage::default(),
    });
    let form = Box::new(scribe.closed[&id].clone());
    scribe.ada(Event::OrderReopened {
        id,
        form,
        reason: None,
    });
}
