//! The bus of an engine elsewhere.

use std::time::Duration;

use super::{Attached, operator::PATIENCE};
use crate::{
    domain::message::{Address, MessageSeq},
    ledger::{Fault, FaultKind},
    link::{
        bus::{Caller, MessageBus, Ruled, millis},
        protocol::{BusAnswer, BusCall, Request, Response},
    },
};

/// A bus that is reached over a way to its engine.
pub struct RemoteBus(Attached);

impl RemoteBus {
    /// Returns the bus at the end of a way.
    pub fn new(attached: Attached) -> RemoteBus {
        RemoteBus(attached)
    }
}

impl MessageBus for RemoteBus {
    fn call(&mut self, caller: &Caller, call: BusCall) -> Ruled<BusAnswer> {
        let longer = match &call {
            BusCall::Request { timeout, .. } => Duration::from_millis(*timeout),
            BusCall::Wait { patience, .. } => Duration::from_millis(*patience),
            _ => Duration::ZERO,
        };
        let request = Request::Bus {
            caller: self.0.caller(caller),
            call: Box::new(call),
        };
        match self.0.call(request, PATIENCE + longer)? {
            Response::Bus(answered) => *answered,
            Response::Refused(refusal) => Ok(Err(refusal)),
            _ => Err(super::operator::other()),
        }
    }

    fn wait(
        &mut self,
        caller: &Caller,
        address: &Address,
        seen: MessageSeq,
        patience: Duration,
    ) -> Result<MessageSeq, Fault> {
        let call = BusCall::Wait {
            address: address.clone(),
            seen,
            patience: millis(patience),
        };
        match self.call(caller, call)? {
            Ok(BusAnswer::Last(last)) => Ok(last),
            Ok(_) => Err(super::operator::other()),
            Err(refusal) => Err(Fault::new(
                FaultKind::Permission,
                "".as_ref(),
                refusal.to_string(),
            )),
        }
    }
}
