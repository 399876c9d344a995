//! Workspaces: noted by the engine as it finds them, and merged before an agent's order is done.

use super::{Context, Decision, gates::engine, guard, validate};
use crate::domain::{
    cold::Cold,
    event::Event,
    id::OrderId,
    order::{Landing, Order, Workspace},
    record::ActorKind,
    refusal::Refusal,
    state::State,
};

/// The lengths of a commit's name in hexadecimal: SHA-1 and SHA-256.
const COMMIT: [usize; 2] = [40, 64];
/// The longest name of a branch, in characters.
const BRANCH: usize = 200;

/// Decides that the engine's word on an order's workspace is noted: by the host that is in office, of work in progress.
pub(super) fn record(
    state: &State,
    cold: &Cold,
    id: OrderId,
    workspace: &Workspace,
    term: u64,
    context: &Context<'_>,
) -> Decision {
    engine(context)?;
    if term != state.term {
        let (given, current) = (term, state.term);
        return Err(Refusal::StaleTerm { given, current });
    }
    let order = guard::open(state, cold, id)?;
    if order.work().is_none() {
        return Err(Refusal::NotStarted { id });
    }
    let branch = validate::line("branch", &workspace.branch, BRANCH)?;
    for (field, name) in [("base", &workspace.base), ("head", &workspace.head)] {
        let hexadecimal = name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !hexadecimal || !COMMIT.contains(&name.len()) {
            return Err(Refusal::invalid(field, "it is no name of a commit"));
        }
    }
    let workspace = Workspace {
        branch,
        ..workspace.clone()
    };
    match &order.workspace {
        Some(known) if **known == workspace => Ok(vec![]),
        _ => {
            let workspace = Box::new(workspace);
            Ok(vec![
                Event::WorkspaceRecorded {
                    id,
                    workspace,
                    term,
                }
                .into(),
            ])
        }
    }
}

/// Refuses that an agent's order is done while its work is on a branch that the project's does not have: nobody would
/// look for it there. A person may leave it so.
pub(super) fn landed(order: &Order, context: &Context<'_>) -> Result<(), Refusal> {
    let open = order
        .workspace
        .as_ref()
        .filter(|workspace| workspace.landing == Landing::Open);
    match open {
        Some(workspace) if context.actor.kind == ActorKind::Agent => Err(Refusal::Unmerged {
            id: order.id,
            branch: workspace.branch.clone(),
        }),
        _ => Ok(()),
    }
}
