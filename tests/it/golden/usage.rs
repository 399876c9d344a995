//! The part of the story that is about usage and budgets.

use obeya::domain::{
    budget::BudgetScope,
    event::Event,
    order::Bucket,
    usage::{Budget, Usage},
};

use super::{
    scribe::Scribe,
    story::{agent, wo},
};

/// Budgets of every scope, usage of an agent and of a person, and a receipt that says so.
pub(super) fn told(scribe: &mut Scribe) {
    let budgets = [
        (BudgetScope::Line, Some(1_000), None),
        (BudgetScope::Bucket(Bucket::Cost), None, Some(2_500_000)),
        (BudgetScope::Order, Some(200), Some(1)),
        (BudgetScope::Agent("rust-dev".into()), Some(u64::MAX), None),
    ];
    for (scope, tokens, cost) in budgets {
        let budget = Budget { tokens, cost };
        scribe.engine(Event::BudgetSet { scope, budget });
    }
    scribe.engine(Event::BudgetRemoved {
        scope: BudgetScope::Line,
    });
    let id = wo(7);
    let bucket = scribe.state.order(id).unwrap().bucket;
    scribe.start(id, agent(), 9);
    for (name, tokens, cost) in [(Some("rust-dev"), 120, 420_000), (None, 3, 0)] {
        scribe.engine(Event::UsageRecorded {
            id,
            bucket,
            agent: name.map(Into::into),
            run: name.map(|_| "0193".into()),
            tokens,
            cost,
        });
    }
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
        usage: Usage {
            tokens: 123,
            cost: 420_000,
        },
    });
    let form = Box::new(scribe.closed[&id].clone());
    scribe.ada(Event::OrderReopened {
        id,
        form,
        reason: None,
    });
}
