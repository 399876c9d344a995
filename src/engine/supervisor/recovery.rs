//! What a host finds that comes after one that was killed.

use std::{sync::PoisonError, time::Duration};

use tokio::time::Instant;

use super::{
    context::{Claim, Context},
    dispatch::done_before,
    meter,
    process::sweep,
    runner::Identity,
    runs::{self, RunNote},
};
use crate::domain::{command::Command, id::OrderId, order::Actor};

/// How long what a killed host left behind may take to end by itself, as its runners do.
const RECOVERY: Duration = Duration::from_secs(15);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Looks after what a host left that was killed: its runners end by themselves, and what does not is killed, once it is
/// seen to be the very process that was noted. What was done under its claims is gone on with; its other claims go back to the queue: those of runs that had ended too, since
/// a host may die between the end of a run and what comes of it, while gates are run or an alert holds the order.
pub(super) async fn recover(context: &Context) {
    let until = Instant::now() + RECOVERY;
    for mut note in runs::all(&context.home) {
        if note.end.is_some() {
            if note.order.is_some() {
                give_back(context, &note).await;
            }
            continue;
        }
        let alive = |identity: &Option<Identity>| identity.as_ref().is_some_and(Identity::is_alive);
        while (alive(&note.runner) || alive(&note.process)) && Instant::now() < until {
            tokio::time::sleep(LOOK).await;
        }
        [&note.runner, &note.process]
            .into_iter()
            .flatten()
            .for_each(Identity::kill);
        let swept = sweep(&note.run).await;
        note.end = Some("lost: its host was killed".into());
        if let Err(error) = note.write(&context.home) {
            tracing::warn!(run = note.run, %error, "a lost run could not be closed");
        }
        tracing::info!(
            agent = note.agent,
            run = note.run,
            swept,
            "a lost run was closed"
        );
        give_back(context, &note).await;
        // Where nothing was started, work that was done before was on its way home, and nothing was used up.
        if let Some(id) = note.order
            && note.runner.is_some()
            && note.metered
            && note.usage.is_none()
        {
            meter::lost(context, &note.agent, id).await;
        }
    }
}

/// Gives back what is still held under a run's claim.
async fn give_back(context: &Context, note: &RunNote) {
    for (id, epoch) in held(context, note) {
        if let Some(claim) = done_under(context, id, epoch) {
            let mut left = context.left.lock().unwrap_or_else(PoisonError::into_inner);
            left.push((note.agent.clone(), claim));
            continue;
        }
        let command = Command::ReleaseOrder {
            id,
            force: false,
            reason: Some("the host that ran its agent was killed".into()),
        };
        // Where the claim is over by now, the rules refuse it.
        let _ = context.act(&note.agent, Some(epoch), command).await;
    }
}

/// Returns the claim, if the work under it is done: its agent goes on with it, so that what was seen and approved of it counts.
fn done_under(context: &Context, id: OrderId, epoch: u32) -> Option<Claim> {
    let state = context.news.borrow().clone();
    let order = state.order(id)?;
    let claim = Claim {
        order: id,
        title: order.title.clone(),
        epoch,
        seconds: order.lease()?.seconds,
    };
    done_before(context, &claim).map(|_| claim)
}

/// Returns the orders that a run's agent still holds under its claim. One that takes order after order has none noted:
/// whatever it holds was its host's to give.
fn held(context: &Context, note: &RunNote) -> Vec<(OrderId, u32)> {
    let state = context.news.borrow();
    let holder = Actor::agent(&note.agent);
    let held = state.work_orders().filter_map(|order| {
        let work = order.work().filter(|work| work.holder == holder)?;
        Some((order.id, work.lease?.epoch))
    });
    let noted = |(id, epoch): &(OrderId, u32)| match note.order {
        Some(order) => order == *id && note.epoch == Some(*epoch),
        None => true,
    };
    held.filter(noted).collect()
}
