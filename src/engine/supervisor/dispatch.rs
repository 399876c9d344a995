//! An order goes to an agent, and comes back: pulled, completed or released, as the agent, under its claim.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{
    completion::{Completion, Undone, complete, is_told},
    conditions,
    context::{Claim, Context, Holding},
    landing::Landing,
    machine::Ending,
};
use crate::{
    config::line::AgentRule,
    domain::{
        agent::PullFilter,
        andon::{Scope, Severity},
        cold::Cold,
        command::{Command, Hold, Role},
        decide::{self, decide},
        event::Event,
        id::OrderId,
        order::Actor,
        record::Door,
        time::SECOND,
    },
    engine::workspace::{self, Asked, Done},
    text,
};

/// How often an order may fail, with whatever agent, before a person has to look at it.
pub(super) const MAX_FAILURES: u32 = 3;
/// The longest sentence about a failure that goes on the ledger, in characters: a reason there may have a thousand.
const SENTENCE: usize = 500;
/// The longest that a throttling is believed, in microseconds: field reports tell of reset times that were made up.
const LONGEST_THROTTLING: i64 = 24 * 3_600 * SECOND;
/// How long a throttling lasts whose end nobody tells, in microseconds.
const USUAL_THROTTLING: i64 = 60 * SECOND;

/// What an agent says about its work: its last line, or a `result` message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What came of it.
    pub result: Verdict,
    /// What to remember, or what is in the way.
    #[serde(default)]
    pub note: Option<String>,
    /// What was delivered.
    #[serde(default)]
    pub sku: Option<String>,
    /// Who throttles.
    #[serde(default)]
    pub source: Option<String>,
    /// In how many seconds a throttling ends.
    #[serde(default)]
    pub retry_after: Option<u32>,
    /// What it used up, in the words of whatever agent it is.
    #[serde(default)]
    pub usage: Option<serde_json::Value>,
}

/// What came of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is done.
    Done,
    /// It did not work out; it may with another try.
    Failed,
    /// It needs a person.
    Blocked,
    /// The agent's provider takes no more for now.
    Throttled,
    /// A program that the agent needs is not installed.
    Missing,
}

/// How work on an order ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Worked {
    /// As the agent reports.
    Reported(Report),
    /// The agent is at fault: it crashed, hung, or lied.
    Crashed(String),
    /// What the agent runs is not there: nothing was begun.
    Missing(String),
    /// The run was told to end.
    Stopped(String),
    /// The claim is over, and nothing more is written under it.
    Over(Holding),
}

/// Keeps what an agent said of work that is done, until its order is.
fn keep_done(context: &Context, claim: &Claim, report: &Report) {
    let state = context.handle.state();
    let Some(order) = state.order(claim.order) else {
        return;
    };
    let done = Done {
        epoch: claim.epoch,
        asked: Asked::of(order),
        // What it used up is counted once, where it did.
        report: Report {
            usage: None,
            ..report.clone()
        },
    };
    if let Err(error) = workspace::keep_done(&context.home, claim.order, &done) {
        // It would be done again after a crash, which costs time and nothing else.
        tracing::warn!(order = %claim.order, %error, "what was done could not be kept");
    }
}

/// Returns what was said of an order's work that is done, under this claim or the one just before it, if it is still what is
/// asked for: what others did after that was not seen by who said it.
pub(super) fn done_before(context: &Context, claim: &Claim) -> Option<Report> {
    let done = workspace::done::<Report>(&context.home, claim.order)?;
    let last = [Some(done.epoch), done.epoch.checked_add(1)].contains(&Some(claim.epoch));
    let state = context.handle.state();
    let asked = Asked::of(state.order(claim.order)?);
    (last && done.asked == asked).then_some(done.report)
}

/// Pulls the next order for an agent, if there is one for it now. What is done and was left by a host before comes first.
pub(super) async fn pull(context: &Context, rule: &AgentRule) -> Option<Claim> {
    for (_, claim) in context.left_to(|agent| agent == rule.name) {
        context.fates.watch(&claim);
        let goes_on = context.renew(&rule.name, &claim, "done; goes on").await;
        if goes_on && context.holding(&rule.name, &claim) == Holding::Held {
            return Some(claim);
        }
        context.fates.forget(&claim);
    }
    let command = Command::PullNext {
        filter: PullFilter::default(),
        lease_seconds: rule.lease_seconds,
    };
    if !is_worth_it(context, rule, &command) || !conditions::hold(context, rule).await {
        return None;
    }
    let outcome = match context.act(&rule.name, None, command).await {
        Ok(outcome) => outcome,
        Err(trouble) => {
            tracing::debug!(agent = rule.name, %trouble, "nothing was pulled");
            return None;
        }
    };
    let (order, epoch, seconds) = outcome.records.iter().find_map(|record| {
        let Ok(Event::OrderStarted { id, lease, .. }) = record.decode() else {
            return None;
        };
        lease.map(|lease| (id, lease.epoch, lease.seconds))
    })?;
    let state = context.handle.state();
    let claim = Claim {
        order,
        title: state
            .order(order)
            .map(|order| order.title.clone())
            .unwrap_or_default(),
        epoch,
        seconds,
    };
    context.fates.watch(&claim);
    Some(claim)
}

/// Returns whether the rules would let the agent pull something: asked of the newest state, so that an idle agent costs
/// no commit each time something happens.
fn is_worth_it(context: &Context, rule: &AgentRule, command: &Command) -> bool {
    let state = Arc::clone(&context.news.borrow());
    let first = state.settings.stages.first();
    let elsewhere = |stage: &crate::domain::settings::Stage| !rule.stages.contains(&stage.name);
    if !rule.stages.is_empty() && first.is_some_and(elsewhere) {
        return false;
    }
    let actor = Actor::agent(&rule.name);
    let asking = decide::Context {
        door: Door::Engine,
        now: context.now(),
        actor: &actor,
        role: Role::Agent,
        epoch: None,
        as_of: None,
    };
    // What is due is only found when it is tried, so that a refusal for an old reason costs one more piece of news.
    decide(&state, &Cold::default(), command, &asking).is_ok()
}

/// Writes down what became of an order, and returns what that says about the agent.
pub(super) async fn settle(
    context: &Context,
    rule: &AgentRule,
    claim: &Claim,
    worked: Worked,
    stop: &mut watch::Receiver<bool>,
) -> Ending {
    let ending = settled(context, rule, claim, worked, stop).await;
    context.fates.forget(claim);
    ending
}

async fn settled(
    context: &Context,
    rule: &AgentRule,
    claim: &Claim,
    worked: Worked,
    stop: &mut watch::Receiver<bool>,
) -> Ending {
    match worked {
        Worked::Over(Holding::Completed) => {
            forgive(context, claim.order);
            Ending::Well
        }
        Worked::Over(Holding::Lapsed) => {
            count_failure(context, claim.order, "its agent made no progress").await;
            Ending::Crashed(format!(
                "{} lapsed: there was no progress for {} s",
                claim.order, claim.seconds
            ))
        }
        Worked::Over(Holding::Spent(why)) => {
            release(context, rule, claim, &why).await;
            Ending::Stopped
        }
        Worked::Over(_) => Ending::Stopped,
        Worked::Stopped(why) => {
            release(context, rule, claim, &why).await;
            Ending::Stopped
        }
        Worked::Missing(why) => {
            release(context, rule, claim, &why).await;
            Ending::Missing(why)
        }
        Worked::Crashed(why) => {
            give_back(context, rule, claim, &why).await;
            Ending::Crashed(why)
        }
        Worked::Reported(report) => reported(context, rule, claim, report, stop).await,
    }
}

async fn reported(
    context: &Context,
    rule: &AgentRule,
    claim: &Claim,
    report: Report,
    stop: &mut watch::Receiver<bool>,
) -> Ending {
    let note = report
        .note
        .as_deref()
        .map(sentence)
        .filter(|note| !note.is_empty());
    match report.result {
        Verdict::Done => {
            let done = Completion {
                sku: report.sku.as_deref().map(sentence),
                note,
            };
            keep_done(context, claim, &report);
            let mut landing = Landing::of(context, rule, claim).await;
            let completed = complete(context, rule, claim, done, &mut landing, stop).await;
            match &completed {
                // It goes on from here with whoever takes the order next, unless somebody wants it otherwise.
                Err(Undone::Stopped(_)) if is_told(stop) => {}
                Err(Undone::Unmerged(_) | Undone::Unwritten(_) | Undone::Waits(_)) => {}
                Ok(()) | Err(_) => workspace::forget_done(&context.home, claim.order),
            }
            if let (Ok(()), Some(landing)) = (&completed, landing) {
                landing.over(context).await;
            }
            match completed {
                Ok(()) => {
                    forgive(context, claim.order);
                    Ending::Well
                }
                Err(Undone::Stopped(why) | Undone::Unwritten(why)) => {
                    release(context, rule, claim, &why).await;
                    Ending::Stopped
                }
                // The claim stays until it lapses: what was approved under it counts for it alone.
                Err(Undone::Waits(why)) => {
                    tracing::info!(order = %claim.order, why, "is left to the next host");
                    Ending::Stopped
                }
                Err(Undone::Unmerged(why)) => {
                    release(context, rule, claim, &why).await;
                    Ending::Well
                }
                Err(Undone::Refused(why)) => {
                    let why = format!("the agent says that it is done, and {why}");
                    give_back(context, rule, claim, &why).await;
                    Ending::Failed
                }
            }
        }
        Verdict::Failed => {
            let why = note.unwrap_or_else(|| "the agent gave no reason".into());
            give_back(context, rule, claim, &why).await;
            Ending::Failed
        }
        Verdict::Blocked => {
            let why = note.unwrap_or_else(|| "the agent did not say by what".into());
            let said = format!("{} is blocked: {why}", claim.order);
            hold(context, claim.order, "blocked", &said).await;
            release(context, rule, claim, &format!("blocked: {why}")).await;
            Ending::Well
        }
        Verdict::Missing => {
            let why = note.unwrap_or_else(|| "a program that it needs is not installed".into());
            release(context, rule, claim, &why).await;
            Ending::Missing(why)
        }
        Verdict::Throttled => {
            let source = report.source.as_deref().map(sentence);
            let source = source.unwrap_or_else(|| "its provider".into());
            let until = throttled_until(context, report.retry_after);
            release(
                context,
                rule,
                claim,
                &format!("throttled by {source} until {until}"),
            )
            .await;
            Ending::Throttled { source, until }
        }
    }
}

/// Returns until when a throttling is believed.
pub(super) fn throttled_until(
    context: &Context,
    retry_after: Option<u32>,
) -> crate::domain::time::Timestamp {
    let told = retry_after.map(|seconds| i64::from(seconds).saturating_mul(SECOND));
    let length = told.unwrap_or(USUAL_THROTTLING).min(LONGEST_THROTTLING);
    context.now().plus(length)
}

/// Returns how often a lease is renewed: three times in its length, so that one late beat costs nothing.
pub(super) fn renewal(claim: &Claim) -> Duration {
    Duration::from_millis(u64::from(claim.seconds).saturating_mul(1_000) / 3)
}

/// Gives an order back with a comment that says why, and counts the failure.
async fn give_back(context: &Context, rule: &AgentRule, claim: &Claim, why: &str) {
    let why = sentence(why);
    let comment = Command::CommentOrder {
        id: claim.order,
        text: format!("{} failed: {why}", rule.name),
    };
    if let Err(trouble) = context.act(&rule.name, Some(claim.epoch), comment).await {
        tracing::warn!(order = %claim.order, %trouble, "a failure could not be noted");
    }
    count_failure(context, claim.order, &why).await;
    release(context, rule, claim, &why).await;
}

async fn release(context: &Context, rule: &AgentRule, claim: &Claim, why: &str) {
    let command = Command::ReleaseOrder {
        id: claim.order,
        force: false,
        reason: Some(sentence(why)),
    };
    if let Err(trouble) = context.act(&rule.name, Some(claim.epoch), command).await {
        // Whoever holds it now does so by right; nothing is written under a claim that is over.
        tracing::info!(order = %claim.order, %trouble, "an order was not released");
    }
}

fn forgive(context: &Context, order: OrderId) {
    let mut failures = context
        .failures
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    failures.remove(&order);
}

/// Counts a failure of an order. One that fails with every agent is held until a person has looked at it.
async fn count_failure(context: &Context, order: OrderId, why: &str) {
    let failures = {
        let mut all = context
            .failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let failures = all.entry(order).or_default();
        *failures += 1;
        match *failures >= MAX_FAILURES {
            true => all.remove(&order),
            false => None,
        }
    };
    if let Some(times) = failures {
        let reason = format!("{order} failed {times} times, last: {}", sentence(why));
        hold(context, order, "failing", &reason).await;
    }
}

/// Holds an order, so that the rules let nobody pull it, until its alert is resolved.
async fn hold(context: &Context, order: OrderId, condition: &str, reason: &str) {
    let command = Command::TriggerAndon {
        reason: sentence(reason),
        severity: Severity::Medium,
        hold: Some(Hold::Scope(Scope::Order(order))),
        fingerprint: Some(format!("order:{order}:{condition}")),
        order: Some(order),
    };
    if let Err(trouble) = context.own(command).await {
        tracing::error!(%order, %trouble, "an alert could not be raised");
    }
}

/// Returns outside text as one clean line that the ledger takes.
pub(super) fn sentence(outside: &str) -> String {
    let clean = text::clean(outside);
    let line: String = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(SENTENCE).collect()
}
