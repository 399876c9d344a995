//! What the engine says in the random worlds, and what is said of gates and usage.

use obeya::domain::{
    budget::BudgetScope,
    command::Command,
    gate::{GateHold, GateRule, GateRun, Tree, Verdict},
    order::{Bucket, Landing},
    usage::Budget,
};

use super::{World, commands::AGENTS};
use crate::support::{gates, workspaces};

const GATES: [&str; 3] = ["build", "lint", "review"];

impl World {
    /// Returns something about a gate. There are three, so that they meet: a run, an approval and an advisory one.
    pub(super) fn gate(&mut self) -> Command {
        let gate = self.random.of(&GATES);
        let name = String::from(gate);
        let rule = GateRule {
            stage: self
                .random
                .of(&[None, Some("design".into()), Some("code".into())]),
            buckets: self
                .random
                .of(&[vec![], vec![Bucket::Features, Bucket::Cost]]),
            approval: gate == "review",
            required: gate != "lint",
            hold: self.random.of(GateHold::ALL),
            ..gates::rule()
        };
        // The code moves now and then, and sometimes nobody can tell.
        self.line.tree = self.random.of(&[
            gates::tree("a"),
            gates::tree("a"),
            gates::tree("b"),
            Tree::Unversioned,
            Tree::Unknown,
        ]);
        let id = self.working();
        match self.random.below(16) {
            0 => Command::SetGate {
                name,
                rule: Box::new(rule),
            },
            1 => {
                let workspace = Box::new(workspaces::at(self.random.of(Landing::ALL)));
                let term = self.line.state.term;
                Command::RecordWorkspace {
                    id,
                    workspace,
                    term,
                }
            }
            2..4 => Command::RemoveGate { name },
            4..10 => {
                let verdict = self.random.of(Verdict::ALL);
                let run = GateRun {
                    verdict: self.random.of(&[Verdict::Passed, Verdict::Passed, verdict]),
                    tree: self.line.tree.clone(),
                    term: self.random.one_in(6).then_some(1),
                    ..gates::run(Verdict::Passed, self.line.state.head.seq)
                };
                Command::RecordGate {
                    id,
                    gate: name,
                    run: Box::new(run),
                }
            }
            10..15 => Command::ApproveGate {
                id,
                gate: name,
                note: None,
            },
            _ => Command::RejectGate {
                id,
                gate: name,
                note: "not yet".into(),
            },
        }
    }

    /// Returns something about usage. Days and budgets are small, so that some are spent.
    pub(super) fn usage(&mut self) -> Command {
        let agent = || -> String { AGENTS[1].into() };
        let scope = self.random.of(&[
            BudgetScope::Line,
            BudgetScope::Bucket(Bucket::Features),
            BudgetScope::Order,
            BudgetScope::Agent(agent()),
        ]);
        match self.random.below(14) {
            0 => Command::SetBudget {
                scope,
                budget: Budget {
                    tokens: self.random.of(&[None, Some(40), Some(90)]),
                    cost: self.random.of(&[None, None, Some(0), Some(70)]),
                },
            },
            1..4 => Command::RemoveBudget { scope },
            _ => Command::RecordUsage {
                id: self.working(),
                agent: self.random.one_in(4).then(agent),
                run: None,
                tokens: self.random.of(&[0, 1, 7, 30, u64::MAX]),
                cost: self.random.of(&[0, 2, 20]),
            },
        }
    }
}
