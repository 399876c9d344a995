//! What the people of the demo do once its agents are processes: they hand over what was held, approve, and look after
//! orders that no agent gets done.

use super::{
    Simulator,
    simulator::{ask, orders, person},
    workshop::REVIEW,
};
use crate::{
    domain::{
        command::Command,
        order::Bucket,
        query::{Answer, Query, filter::Condition},
    },
    link::{Failure, Operator},
};

/// One order in so many looks is approved: so that a newcomer can see one wait, and be quicker.
const APPROVAL_ODDS: usize = 4;
/// How long an alert is there before somebody looks whether it is over, in seconds.
const LOOK_SECONDS: i64 = 8;

impl Simulator {
    /// Gives back everything that is held, and plays people only from here on: agents are processes of their own now.
    ///
    /// # Errors
    ///
    /// The ledger or its engine could not do it.
    pub(super) fn hand_over(&mut self, line: &mut dyn Operator) -> Result<(), Failure> {
        self.people_only = true;
        for order in orders(line, Condition::InProgress, None)? {
            let release = Command::ReleaseOrder {
                id: order.id,
                force: true,
                reason: Some("The shift ends; whoever is free takes it from here".into()),
            };
            self.submit(line, &person(0), None, release)?;
        }
        Ok(())
    }

    /// Lets somebody look at what waits for a person.
    pub(super) fn attend(&mut self, line: &mut dyn Operator) -> Result<(), Failure> {
        let alerts = Query::Alerts {
            all: false,
            severity: None,
            limit: None,
            after: None,
        };
        if let Some(Answer::Alerts(page)) = ask(line, &alerts)? {
            let looked_at = page.alerts.iter().find_map(|alert| {
                let condition = alert.fingerprint.as_deref().unwrap_or_default();
                let said = match alert.recovered_at {
                    _ if alert.age_seconds < LOOK_SECONDS => None,
                    Some(_) => Some("The gate has passed since"),
                    None if condition.starts_with("order:") => {
                        Some("Looked at it with the agent; it may try again")
                    }
                    None => None,
                };
                said.map(|said| (alert.id, said))
            });
            if let Some((id, said)) = looked_at {
                let resolution = said.into();
                let resolve = Command::ResolveAlert { id, resolution };
                return self.submit(line, &person(1), None, resolve).map(drop);
            }
        }
        if !self.random.one_in(APPROVAL_ODDS) {
            return Ok(());
        }
        let at_work = orders(line, Condition::InProgress, None)?;
        let sensitive = at_work.iter().filter(|order| {
            order.bucket == Bucket::Security && order.stage.as_deref() == Some("test")
        });
        for order in sensitive {
            let approve = Command::ApproveGate {
                id: order.id,
                gate: REVIEW.into(),
                note: Some("Read it, and the tests".into()),
            };
            self.submit(line, &person(1), None, approve)?;
        }
        Ok(())
    }
}
