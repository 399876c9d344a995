//! What an agent's hooks say: kept beside the ledger with the other signs of life, and never on it. The ledger itself is
//! not opened, so that whoever calls a hook hardly waits for it.

use crate::{
    domain::{message::Name, query::life::LifeState},
    ledger::{Fault, Home, Telemetry},
};

/// Notes what a session of an agent is about, or with None that it is over, and that the agent is alive.
///
/// # Errors
///
/// There is no ledger, or what lies beside it cannot be written.
pub fn report(
    home: &Home,
    agent: &Name,
    session: &str,
    state: Option<LifeState>,
    note: &str,
) -> Result<(), Fault> {
    let (now, agent) = (super::now(), agent.as_str());
    let mut telemetry = Telemetry::new(home);
    telemetry.report(agent, session, state, note, now)?;
    telemetry.beat_agent(agent, now, note)
}
