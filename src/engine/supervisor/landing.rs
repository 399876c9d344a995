//! An order with a worktree of its own: it is made before the agent begins, and what was made in it gets onto the project's
//! branch before the order is done.
//!
//! Each step can be taken again: whoever comes after a host that was killed finds the worktree, what the agent said, and
//! what is merged already, and goes on from there.

use tokio::sync::watch;

use super::{
    completion::{Undone, keep},
    context::{Claim, Context, Trouble},
    dispatch::{Report, Verdict, Worked, done_before, sentence},
};
use crate::{
    config::line::{AgentRule, Merge, Workspace as Wanted},
    domain::{
        andon::{Scope, Severity},
        command::{Command, Hold},
        order::{Landing as State, Workspace},
    },
    engine::workspace::{self, Landed, Stand, Unlanded, Worktree},
};

/// How much of an alert says what went wrong, in characters; what mends it follows.
const WHAT: usize = 400;

/// Returns the worktree in which an agent is to work on an order, if it has one of its own.
///
/// # Errors
///
/// What the agent's work comes to without it: the work was done before and has yet to be brought home, or there is no
/// worktree.
pub(super) async fn begin(
    context: &Context,
    rule: &AgentRule,
    claim: &Claim,
    stop: &mut watch::Receiver<bool>,
) -> Result<Option<Worktree>, Worked> {
    let known = context
        .handle
        .state()
        .order(claim.order)
        .and_then(|order| order.workspace.clone());
    // Whoever takes an order that was begun in a worktree goes on there.
    let done = done_before(context, claim);
    if rule.workspace == Wanted::Shared && known.is_none() {
        return done.map_or(Ok(None), |report| Err(Worked::Reported(report)));
    }
    let (home, order, agent) = (context.home.clone(), claim.order, rule.name.clone());
    let was_known = known.is_some();
    let open = move || {
        let worktree = Worktree::open(&home, order, was_known)?;
        // What was done and does not fit any more is work again.
        let done = done.filter(|_| worktree.rebase(&agent).is_ok());
        if done.is_none() {
            workspace::forget_done(&home, order);
        }
        let stand = worktree.stand().map_err(|why| why.to_string())?;
        Ok::<_, String>((worktree, stand, done))
    };
    let waits = "its worktree is made";
    let opened = step(context, rule, claim, waits, stop, open).await;
    let (worktree, stand, done) = match opened {
        Ok(Ok(opened)) => opened,
        Ok(Err(why)) => return Err(Worked::Reported(Report::blocked(why))),
        Err(undone) => return Err(Worked::Stopped(undone.into_words())),
    };
    let stand = as_noted(known.as_deref(), stand);
    let merged = known.is_some_and(|known| known.landing == State::Merged);
    if !(merged && done.is_some())
        && let Err(trouble) = note(context, claim, &worktree, &stand, State::Open).await
    {
        return Err(Worked::Stopped(format!("its worktree: {trouble}")));
    }
    match done {
        Some(report) => Err(Worked::Reported(report)),
        None => Ok(Some(worktree)),
    }
}

/// Returns where work stands, with the commit that was there before it: once it is merged, only the ledger knows that.
fn as_noted(known: Option<&Workspace>, stand: Stand) -> Stand {
    match known {
        Some(known) if known.head == stand.head && stand.base == stand.head => Stand {
            base: known.base.clone(),
            ..stand
        },
        _ => stand,
    }
}

/// Does something that waits for git, and renews the lease meanwhile. It is seen to its end even where nobody waits for
/// it any more: half of it is worse than all.
async fn step<T: Send + 'static>(
    context: &Context,
    rule: &AgentRule,
    claim: &Claim,
    waits: &str,
    stop: &mut watch::Receiver<bool>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Undone> {
    let mut ran = tokio::task::spawn_blocking(work);
    let kept = keep(context, rule, claim, waits, stop, &mut ran).await;
    if kept.is_err() && !ran.is_finished() {
        let _ = ran.await;
    }
    kept
}

/// Notes how an order's workspace stands, under the host's term and the claim's epoch: one that is over changes nothing.
async fn note(
    context: &Context,
    claim: &Claim,
    worktree: &Worktree,
    stand: &Stand,
    landing: State,
) -> Result<(), Trouble> {
    let workspace = Box::new(Workspace {
        branch: worktree.branch(),
        base: stand.base.clone(),
        head: stand.head.clone(),
        landing,
    });
    let (id, term) = (claim.order, context.term);
    let command = Command::RecordWorkspace {
        id,
        workspace,
        term,
    };
    context.own_under(claim.epoch, command).await.map(drop)
}

/// Work that is done, on its way onto the project's branch.
pub(super) struct Landing {
    worktree: Worktree,
    keep: bool,
    stand: Option<Stand>,
}

impl Landing {
    /// Returns the way home of what an agent says that is done, if it was made in a worktree.
    pub(super) async fn of(context: &Context, rule: &AgentRule, claim: &Claim) -> Option<Landing> {
        let state = context.handle.state();
        state.order(claim.order)?.workspace.as_ref()?;
        let (home, order) = (context.home.clone(), claim.order);
        let found = move || Worktree::found(&home, order);
        let worktree = tokio::task::spawn_blocking(found).await.ok()??;
        Some(Landing {
            worktree,
            keep: rule.workspace == Wanted::Worktree && rule.merge == Merge::None,
            stand: None,
        })
    }

    /// Commits what is left and puts the work on top of the project's branch, unless it stands there. Returns whether it
    /// was moved.
    pub(super) async fn ready(
        &mut self,
        context: &Context,
        rule: &AgentRule,
        claim: &Claim,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<bool, Undone> {
        if self.stand.is_some() {
            return Ok(false);
        }
        let (worktree, keep) = (self.worktree.clone(), self.keep);
        let (agent, title) = (rule.name.clone(), claim.title.clone());
        let work = move || {
            worktree.commit(&agent, &title)?;
            match keep {
                true => worktree.stand(),
                false => worktree.rebase(&agent),
            }
        };
        let waits = "done; is put on top of the project's branch";
        match step(context, rule, claim, waits, stop, work).await? {
            Ok(stand) => {
                let state = context.handle.state();
                let known = state.order(claim.order);
                let known = known.and_then(|order| order.workspace.as_deref());
                let stand = as_noted(known, stand);
                let landing = match self.keep {
                    true => State::Kept,
                    false => State::Open,
                };
                self.note(context, claim, &stand, landing).await?;
                self.stand = Some(stand);
                Ok(true)
            }
            Err(unlanded) => Err(self.failed(context, claim, unlanded).await),
        }
    }

    /// Makes the work the newest of the project's branch. Where that has moved, [`Landing::ready`] is to be asked again.
    pub(super) async fn merge(
        &mut self,
        context: &Context,
        rule: &AgentRule,
        claim: &Claim,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), Undone> {
        let Some(stand) = self.stand.clone() else {
            return Ok(());
        };
        let waits = "done; is merged";
        if !context.renew(&rule.name, claim, waits).await {
            return Err(Undone::Stopped(waits.into()));
        }
        // By this the rules see that the term and the claim still hold; nothing is merged for a host that was replaced.
        self.note(context, claim, &stand, State::Open).await?;
        let (worktree, onto) = (self.worktree.clone(), stand.clone());
        let merged = step(context, rule, claim, waits, stop, move || {
            worktree.merge(&onto)
        });
        match merged.await? {
            Ok(Landed::Merged) => self.note(context, claim, &stand, State::Merged).await,
            Ok(Landed::Moved) => {
                self.stand = None;
                Ok(())
            }
            Err(unlanded) => Err(self.failed(context, claim, unlanded).await),
        }
    }

    async fn note(
        &self,
        context: &Context,
        claim: &Claim,
        stand: &Stand,
        landing: State,
    ) -> Result<(), Undone> {
        note(context, claim, &self.worktree, stand, landing)
            .await
            .map_err(|trouble| match trouble {
                Trouble::Refused(refusal) => Undone::Stopped(format!("done; {refusal}")),
                failed => failed.into(),
            })
    }

    /// Says that work did not get home. What the agent left unfinished is its own to finish; all else holds the order until
    /// somebody has looked.
    async fn failed(&self, context: &Context, claim: &Claim, unlanded: Unlanded) -> Undone {
        let order = claim.order;
        let mend = unlanded.mend(&self.worktree);
        let why = match unlanded {
            Unlanded::Unfinished(what) => {
                return Undone::Refused(format!("in its worktree {what}"));
            }
            unlanded => format!(
                "{order} is done on branch {} and not merged: {unlanded}",
                self.worktree.branch()
            ),
        };
        // The ledger takes a thousand characters: a long list of files must not cut off what to do.
        let what: String = sentence(&why).chars().take(WHAT).collect();
        let command = Command::TriggerAndon {
            reason: format!("{what}. To mend it: {}", sentence(&mend)),
            severity: Severity::High,
            hold: Some(Hold::Scope(Scope::Order(order))),
            fingerprint: Some(format!("merge:{order}")),
            order: Some(order),
        };
        if let Err(trouble) = context.own(command).await {
            tracing::error!(%order, %trouble, "an alert could not be raised");
        }
        Undone::Unmerged(why)
    }

    /// Puts the worktree away, now that the order is done.
    pub(super) async fn over(self, context: &Context) {
        if self.keep {
            return;
        }
        let (home, order) = (context.home.clone(), self.worktree.order());
        let put_away = tokio::task::spawn_blocking(move || workspace::put_away(&home, order));
        if let Ok(Err(why)) = put_away.await {
            tracing::info!(%order, why, "a worktree is kept");
        }
    }
}

impl Report {
    /// Returns the report of work that needs a person first.
    fn blocked(why: String) -> Report {
        Report {
            result: Verdict::Blocked,
            note: Some(why),
            sku: None,
            source: None,
            retry_after: None,
            usage: None,
        }
    }
}
