//! Whether anything is left to do, for a host that ends when there is not.

use crate::{
    domain::{
        query::life::{Life, LifeState},
        state::State,
    },
    link::Session,
};

/// How the line stands, for a host that ends when there is nothing more to do.
#[derive(PartialEq, Eq)]
pub(super) enum Rest {
    /// Something is done, or is about to be.
    Busy,
    /// Something is ready, and nobody takes it.
    Left,
    /// Nothing is left.
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
    let in_progress = state.counts.wip.iter().any(|count| *count > 0);
    let works = |life: &Life| life.runs.iter().any(|run| run.order.is_some());
    // One that waits after a crash, is paused or throttled may go on.
    let over = |life: &Life| match life.state {
        LifeState::Idle => life.note.is_none(),
        state => matches!(
            state,
            LifeState::Parked | LifeState::Stopped | LifeState::Unknown
        ),
    };
    match is_ready(&state) {
        _ if in_progress || lives.values().any(works) => Rest::Busy,
        false => Rest::Done,
        true if lives.values().all(over) => Rest::Left,
        true => Rest::Busy,
    }
}

fn is_ready(state: &State) -> bool {
    state.work_orders().any(|order| state.is_ready(order))
}
