//! Whether anything is left to do, for a host that ends when there is not, and what waits for a person.

use super::{context::Call, error::Done};
use crate::{
    domain::{
        query::{
            gates,
            life::{Life, LifeState},
        },
        state::State,
    },
    link::{self, Session},
};

/// How the line stands, for a host that ends when there is nothing more to do.
#[derive(PartialEq, Eq)]
pub(super) enum Rest {
    /// Something is done, or is about to be.
    Busy,
    /// Something is ready, and nobody takes it.
    Left,
    /// Nothing is left, but for what waits for a person's approval.
    Done,
}

/// Returns how the line stands.
pub(super) fn rest(session: &Session) -> Rest {
    let Some(supervisor) = session
        .supervisor()
        .filter(|running| running.is_under_way())
    else {
        return Rest::Busy;
    };
    let lives = supervisor.lives();
    let state = session.watching().state();
    // What is done and waits for a person may wait for days: nothing here brings it on.
    let waits = lives.values().flat_map(|life| &life.runs);
    let waits = waits.filter(|run| !run.approvals.is_empty()).count();
    let in_progress: usize = state.counts.wip.iter().map(|count| *count as usize).sum();
    let works = |life: &Life| {
        let mut runs = life.runs.iter();
        runs.any(|run| run.order.is_some() && run.approvals.is_empty())
    };
    // One that waits after a crash, is paused or throttled may go on.
    let over = |life: &Life| match life.state {
        LifeState::Idle => life.note.is_none(),
        LifeState::Waiting => !life.runs.iter().any(|run| run.approvals.is_empty()),
        state => matches!(
            state,
            LifeState::Parked | LifeState::Stopped | LifeState::Unknown
        ),
    };
    match is_ready(&state) {
        _ if in_progress > waits || lives.values().any(works) => Rest::Busy,
        false => Rest::Done,
        true if lives.values().all(over) => Rest::Left,
        true => Rest::Busy,
    }
}

/// Says what a host that ends leaves behind that a person can bring on.
pub(super) fn in_the_way(session: &Session, call: &mut Call<'_>) -> Done {
    if call.json() {
        return Ok(());
    }
    let all = waiting(session).into_iter().chain(spent(session));
    all.into_iter().try_for_each(|what| call.out.line(&what))
}

/// Returns which budgets are spent, so that agents begin nothing under them, with what lifts that: a sentence each.
pub(super) fn spent(session: &Session) -> Vec<String> {
    let state = session.watching().state();
    let refusals = state.spent_budgets(link::now()).into_iter();
    let words = refusals.map(|refusal| {
        let lift = refusal.lift().join("; ");
        format!("agents begin nothing under a spent budget: {refusal} ({lift})")
    });
    words.collect()
}

/// Returns what is done and waits for a person's approval, a sentence each.
fn waiting(session: &Session) -> Vec<String> {
    let lives = session.supervisor().map(|running| running.lives());
    let lives = lives.unwrap_or_default();
    let runs = lives.values().flat_map(|life| &life.runs);
    let waits = runs.filter_map(|run| {
        let order = run.order.filter(|_| !run.approvals.is_empty())?;
        Some(format!(
            "{order} is {}",
            gates::waits(order, &run.approvals)
        ))
    });
    waits.collect()
}

fn is_ready(state: &State) -> bool {
    state.work_orders().any(|order| state.is_ready(order))
}
