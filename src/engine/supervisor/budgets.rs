//! What may be used up, as `obeya.toml` says it, on its way to the ledger, where the rules find it.

use crate::{
    config::line::{Budget as Written, Line},
    domain::{
        budget::BudgetScope,
        command::Command,
        state::State,
        usage::{Budget, Money},
    },
};

/// Returns what has to be submitted so that the ledger's budgets are those of the file. While anything is wrong in it no
/// budget is taken away: a slip of the pen spends nobody's money.
pub(super) fn changes(line: &Line, sound: bool, state: &State) -> Vec<Command> {
    let wanted = wanted(line);
    let known = &state.settings.budgets;
    let mut commands: Vec<_> = wanted
        .iter()
        .filter(|(scope, budget)| known.get(scope) != Some(budget))
        .map(|(scope, budget)| Command::SetBudget {
            scope: scope.clone(),
            budget: *budget,
        })
        .collect();
    let gone = known
        .keys()
        .filter(|scope| sound && wanted.iter().all(|(other, _)| other != *scope));
    commands.extend(gone.cloned().map(|scope| Command::RemoveBudget { scope }));
    commands
}

fn wanted(line: &Line) -> Vec<(BudgetScope, Budget)> {
    let budgets = &line.budgets;
    let mut all: Vec<(BudgetScope, &Written)> = vec![];
    all.extend(budgets.day.iter().map(|budget| (BudgetScope::Line, budget)));
    all.extend(
        budgets
            .order
            .iter()
            .map(|budget| (BudgetScope::Order, budget)),
    );
    for (bucket, budget) in &budgets.buckets {
        // The file was read in the words of this ledger.
        let bucket = bucket.parse().map(BudgetScope::Bucket);
        all.extend(bucket.map(|scope| (scope, budget)));
    }
    for rule in &line.agents {
        let scope = || BudgetScope::Agent(rule.name.clone());
        all.extend(rule.budget.iter().map(|budget| (scope(), budget)));
    }
    let stored = |budget: &Written| Budget {
        tokens: budget.tokens,
        cost: budget.cost.map(|units| Money::of_units(units).0),
    };
    all.into_iter()
        .map(|(scope, budget)| (scope, stored(budget)))
        .collect()
}
