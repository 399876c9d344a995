//! What a host finds that comes after one that was killed.

use std::time::Duration;

use tokio::time::Instant;

use super::{context::Context, meter, process::sweep, runner::Identity, runs};
use crate::domain::command::Command;

/// How long what a killed host left behind may take to end by itself, as its runners do.
const RECOVERY: Duration = Duration::from_secs(15);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Looks after what a host left that was killed: its runners end by themselves, and what does not is killed, once it is
/// seen to be the very process that was noted. Its claims go back to the queue.
pub(super) async fn recover(context: &Context) {
    let until = Instant::now() + RECOVERY;
    for mut note in runs::open(&context.home) {
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
        if let (Some(id), Some(epoch)) = (note.order, note.epoch) {
            let command = Command::ReleaseOrder {
                id,
                force: false,
                reason: Some("the host that ran its agent was killed".into()),
            };
            // Where the claim is over already, the rules refuse it.
            let _ = context.act(&note.agent, Some(epoch), command).await;
            if note.metered && note.usage.is_none() {
                meter::lost(context, &note.agent, id).await;
            }
        }
    }
}
