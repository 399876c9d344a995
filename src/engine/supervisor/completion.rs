//! What is done is completed: behind its gates, free of holds, and merged where it was made apart.

use std::sync::atomic::Ordering;

use tokio::{sync::watch, task::JoinHandle};

use super::{
    context::{Claim, Context, Holding, Trouble},
    dispatch::renewal,
    inbox::Note,
    landing::Landing,
};
use crate::{
    config::line::AgentRule,
    domain::{
        command::{Command, Role},
        gate::{ClosedGate, Standing},
        id::{AlertId, OrderId},
        query::gates,
        refusal::Refusal,
    },
    engine::gates::{Desk, GateAsk},
};

/// How often the gates of an order are run for one `done`: once for the work, and once more where the code moved meanwhile.
const GATE_ROUNDS: u32 = 2;

/// Why work that is done is not completed.
pub(super) enum Undone {
    /// It waited for something, and was told to end or lost its claim meanwhile.
    Stopped(String),
    /// It waited for a person's approval when its host ended: the claim stays, and the next host goes on with it.
    Waits(String),
    /// It could not be brought onto the project's branch, and an alert says so.
    Unmerged(String),
    /// The ledger could not be written, which is nobody's fault at work.
    Unwritten(String),
    /// A rule does not let it be completed.
    Refused(String),
}

impl Undone {
    /// Returns why, in words.
    pub(super) fn into_words(self) -> String {
        match self {
            Undone::Stopped(why)
            | Undone::Waits(why)
            | Undone::Unmerged(why)
            | Undone::Unwritten(why)
            | Undone::Refused(why) => why,
        }
    }
}

impl From<Trouble> for Undone {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused(refusal) => Undone::Refused(refusal.to_string()),
            Trouble::Failed(what) => Undone::Unwritten(format!("done; {what}")),
        }
    }
}

/// What is written down of work that is done.
pub(super) struct Completion {
    pub(super) sku: Option<String>,
    pub(super) note: Option<String>,
}

/// Completes an order. Gates that are asked of it are run first. While an alert holds it or a person has to approve it, the
/// work is done and waits: the lease is renewed until then.
pub(super) async fn complete(
    context: &Context,
    rule: &AgentRule,
    claim: &Claim,
    done: Completion,
    landing: &mut Option<Landing>,
    stop: &mut watch::Receiver<bool>,
) -> Result<(), Undone> {
    let mut news = context.news.clone();
    let mut rounds = 0;
    let mut rejected_before: Option<Vec<String>> = None;
    let waiting = Waiting {
        context,
        order: claim.order,
    };
    loop {
        if let Some(landing) = landing
            && landing.ready(context, rule, claim, stop).await?
        {
            // On other code the gates are to be seen anew.
            rounds = 0;
        }
        news.mark_unchanged();
        let command = Command::CompleteOrder {
            id: claim.order,
            sku: done.sku.clone(),
            note: done.note.clone(),
        };
        let tried = context.act(&rule.name, Some(claim.epoch), command).await;
        let mut approvals_wanted = vec![];
        match tried {
            Ok(_) => return Ok(()),
            Err(Trouble::Refused(Refusal::Held { alerts, .. })) => {
                let held: Vec<_> = alerts.iter().map(ToString::to_string).collect();
                if rounds > 0 && failed_gate(context, claim, &alerts) {
                    let why = format!("a gate failed, so that {} holds it", held.join(", "));
                    return Err(Undone::Refused(why));
                }
                let waits = format!("done; waits for {}", held.join(", "));
                if is_told(stop) || !context.renew(&rule.name, claim, &waits).await {
                    return Err(Undone::Stopped(waits));
                }
            }
            Err(Trouble::Refused(Refusal::GateClosed { id, gates })) => {
                let failed = |gate: &&ClosedGate| matches!(gate.standing, Standing::Failed { .. });
                let (approvals, runs): (Vec<_>, Vec<_>) =
                    gates.iter().partition(|gate| gate.approval);
                let name = |gate: &ClosedGate| gate.gate.clone();
                let mut rejected = approvals.iter().copied().filter(failed).map(name);
                // What failed before this work was done is run again, and rejected before, looked at again; what fails
                // of it has failed.
                let before = rejected_before.get_or_insert_with(|| rejected.by_ref().collect());
                let is_rejected = rejected.any(|gate: String| !before.contains(&gate));
                let fails =
                    is_rejected || (rounds > 0 && runs.iter().copied().any(|gate| failed(&gate)));
                let runs: Vec<_> = runs.into_iter().map(name).collect();
                if fails || (!runs.is_empty() && rounds == GATE_ROUNDS) {
                    let refusal = Refusal::GateClosed { id, gates };
                    return Err(Undone::Refused(refusal.to_string()));
                }
                if !runs.is_empty() {
                    rounds += u32::from(pass(context, rule, claim, runs, stop).await?);
                    continue;
                }
                approvals_wanted = approvals.into_iter().map(name).collect();
                let waits = gates::waits(id, &approvals_wanted);
                if is_told(stop) && context.leaving.load(Ordering::Relaxed) {
                    return Err(Undone::Waits(waits));
                }
                if is_told(stop) || !context.renew(&rule.name, claim, &waits).await {
                    return Err(Undone::Stopped(waits));
                }
            }
            // All else is as it should be: the rules want it merged, and nothing more.
            Err(Trouble::Refused(Refusal::Unmerged { id, branch })) => match landing {
                Some(landing) => {
                    landing.merge(context, rule, claim, stop).await?;
                    continue;
                }
                None => {
                    let refusal = Refusal::Unmerged { id, branch };
                    return Err(Undone::Refused(refusal.to_string()));
                }
            },
            // The agent did it by itself.
            Err(_) if context.holding(&rule.name, claim) == Holding::Completed => return Ok(()),
            Err(trouble) => return Err(trouble.into()),
        }
        waiting.tell(approvals_wanted);
        tokio::select! {
            // An engine that is gone has no more news.
            Ok(()) = news.changed() => {}
            () = told(stop) => {}
            () = tokio::time::sleep(renewal(claim)) => {}
        }
    }
}

/// Tells the loop of agents what an order that is done waits for, and that it does no longer once this is dropped.
struct Waiting<'a> {
    context: &'a Context,
    order: OrderId,
}

impl Waiting<'_> {
    fn tell(&self, gates: Vec<String>) {
        let _ = self.context.post.send(Note::Waits(self.order, gates));
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.tell(vec![]);
    }
}

/// Returns whether one of these alerts is that a gate failed on the claim's order, and has not passed since.
fn failed_gate(context: &Context, claim: &Claim, alerts: &[AlertId]) -> bool {
    let state = context.handle.state();
    let mut alerts = alerts.iter().filter_map(|id| state.alerts.get(id));
    alerts.any(|alert| {
        let condition = alert.fingerprint.as_deref().unwrap_or_default();
        let stands = alert.recovered.is_none() && alert.order == Some(claim.order);
        stands && condition.starts_with("gate:")
    })
}

/// Returns once a run is told to end. Where nobody is left who could tell it, it is.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|told| *told).await;
}

/// Returns whether a run was told to end, or nobody is left who could.
pub(super) fn is_told(stop: &watch::Receiver<bool>) -> bool {
    *stop.borrow() || stop.has_changed().is_err()
}

/// Runs the gates that nothing was seen of yet, or not of the code as it is now, and renews the lease meanwhile. What is being
/// run already is waited for. Returns whether anything was run.
async fn pass(
    context: &Context,
    rule: &AgentRule,
    claim: &Claim,
    gates: Vec<String>,
    stop: &mut watch::Receiver<bool>,
) -> Result<bool, Undone> {
    let desk = Desk::new(&context.home, &context.handle, context.term);
    let waits = format!("done; runs gate {}", gates.join(", "));
    let (asked, order) = (desk.clone(), claim.order);
    let mut ran = tokio::task::spawn_blocking(move || {
        let mut any = false;
        for gate in gates {
            if asked.outlast(order, &gate) {
                continue;
            }
            any = true;
            let ask = GateAsk {
                order,
                gate,
                actor: None,
                role: Role::Admin,
            };
            if let Err(failure) = asked.ask(&ask) {
                tracing::warn!(%order, %failure, "a gate was not run");
            }
        }
        any
    });
    let ended = keep(context, rule, claim, &waits, stop, &mut ran).await;
    if ended.is_err() {
        // What it runs ends before the claim does.
        let _ = tokio::task::spawn_blocking(move || desk.close()).await;
    }
    ended
}

/// Waits for something that the host does for a claim, and renews the lease meanwhile.
pub(super) async fn keep<T>(
    context: &Context,
    rule: &AgentRule,
    claim: &Claim,
    waits: &str,
    stop: &mut watch::Receiver<bool>,
    ran: &mut JoinHandle<T>,
) -> Result<T, Undone> {
    loop {
        tokio::select! {
            done = &mut *ran => {
                return done.map_err(|error| Undone::Refused(format!("{waits}: {error}")));
            }
            () = told(stop) => {}
            () = tokio::time::sleep(renewal(claim)) => {}
        }
        if is_told(stop) || !context.renew(&rule.name, claim, waits).await {
            return Err(Undone::Stopped(waits.into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn who_can_be_told_by_nobody_any_more_is_told() {
        let (sender, mut stop) = watch::channel(false);
        let soon = Duration::from_millis(10);
        let waits = tokio::time::timeout(soon, told(&mut stop)).await;
        assert!(waits.is_err() && !is_told(&stop), "nobody told it");
        drop(sender);
        told(&mut stop).await;
        assert!(is_told(&stop));
    }
}
