//! What is asked of an engine elsewhere and not answered yet, through as many connections as it takes.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::Notify;

use super::{LinkState, unreached};
use crate::{
    domain::time::Timestamp,
    ledger::{Fault, FaultKind},
    link::protocol::{Request, Response, socket::Welcome},
};

/// The most calls that may wait for their answers: beyond it callers are told at once, and memory stays bounded.
const MAX_WAITING: usize = 4_096;

/// What becomes of a call while there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsent {
    /// It waits for one.
    Kept,
    /// It is over at once, and nobody did anything about it.
    Refused,
}

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// What is the matter.
    pub fault: Fault,
    /// Whether the engine may have heard the request all the same.
    pub heard: bool,
}

/// What came of a call.
pub type Called = Result<Response, Unanswered>;

/// Who waits for an answer.
type Waiting = Box<dyn FnOnce(Called) + Send>;

struct Call {
    request: Request,
    sent: bool,
    unsent: Unsent,
    /// Until when it is worth sending again; None is for ever.
    until: Option<Instant>,
    waiting: Waiting,
}

#[derive(Default)]
struct Desk {
    calls: BTreeMap<u64, Call>,
    unsent: VecDeque<u64>,
    next: u64,
    link: Option<LinkState>,
    welcome: Option<Welcome>,
}

/// The calls of a way, and how it is reached.
#[derive(Default)]
pub(super) struct Calls {
    desk: Mutex<Desk>,
    called: Notify,
    met: Condvar,
}

/// Calls that are over, each with its answer: told once nothing is held any more.
type Over = Vec<(Waiting, Called)>;

fn tell(over: Over) {
    for (waiting, called) in over {
        waiting(called);
    }
}

impl Calls {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a call, and returns its number.
    pub(super) fn add(
        &self,
        request: Request,
        unsent: Unsent,
        until: Option<Instant>,
        waiting: impl FnOnce(Called) + Send + 'static,
    ) -> u64 {
        let mut desk = self.desk();
        let id = desk.next;
        desk.next += 1;
        if let Some(fault) = desk.cannot_take(unsent) {
            drop(desk);
            let heard = false;
            waiting(Err(Unanswered { fault, heard }));
            return id;
        }
        let call = Call {
            request,
            sent: false,
            unsent,
            until,
            waiting: Box::new(waiting),
        };
        desk.calls.insert(id, call);
        desk.unsent.push_back(id);
        drop(desk);
        self.called.notify_one();
        id
    }

    /// Gives a call up, and returns whether the engine may have heard it; None where it is over, and its answer told.
    pub(super) fn give_up(&self, id: u64) -> Option<bool> {
        let call = self.desk().calls.remove(&id)?;
        Some(call.sent)
    }

    /// Ends a call whose message would be longer than the engine takes.
    pub(super) fn is_too_long(&self, id: u64, bytes: usize, longest: usize) {
        let call = self.desk().calls.remove(&id);
        let what = format!(
            "the request comes to {} KiB, and an engine elsewhere takes {} KiB at once",
            bytes.div_ceil(1 << 10),
            longest >> 10
        );
        let fault = Fault::new(FaultKind::Misuse, Path::new(""), what)
            .mend("Do it on the engine's machine, or in parts.");
        if let Some(call) = call {
            let heard = false;
            (call.waiting)(Err(Unanswered { fault, heard }));
        }
    }

    /// Ends a call whose answer this version does not know.
    pub(super) fn not_understood(&self, id: u64) {
        let call = self.desk().calls.remove(&id);
        let fault = Fault::new(
            FaultKind::NewerFormat,
            Path::new(""),
            "the engine answered what this version of obeya does not know",
        );
        let fault = fault.mend("Use the same version of obeya on both sides.");
        if let Some(call) = call {
            let heard = true;
            (call.waiting)(Err(Unanswered { fault, heard }));
        }
    }

    /// Takes the engine's answer.
    pub(super) fn answered(&self, id: u64, response: Response) {
        let call = self.desk().calls.remove(&id);
        // Who gave up does not wait for it.
        if let Some(call) = call {
            (call.waiting)(Ok(response));
        }
    }

    /// Returns the next request that is to be sent, with its number.
    pub(super) fn next(&self) -> Option<(u64, Request)> {
        let mut desk = self.desk();
        loop {
            let id = desk.unsent.pop_front()?;
            if let Some(call) = desk.calls.get_mut(&id) {
                call.sent = true;
                return Some((id, call.request.clone()));
            }
        }
    }

    /// Waits until something is to be sent.
    pub(super) async fn called(&self) {
        self.called.notified().await;
    }

    /// A connection begins: what was asked and not answered is asked again. Returns how the link is: what is known is as
    /// late as it was.
    pub(super) fn begin(&self, welcome: Welcome, now: Timestamp) -> LinkState {
        let mut desk = self.desk();
        let over = desk.end(Instant::now(), "the connection came back too late", None);
        desk.unsent = desk.calls.keys().copied().collect();
        let late = LinkState::Late {
            since: desk.known_until(now),
        };
        (desk.welcome, desk.link) = (Some(welcome), Some(late.clone()));
        drop(desk);
        self.met.notify_all();
        tell(over);
        late
    }

    /// A connection is lost, or did not come about: what cannot wait for another one is over, and whatever is asked from
    /// then on finds the link down. Returns how it is.
    pub(super) fn lost(
        &self,
        why: String,
        denied: bool,
        now: Timestamp,
        next_try: Timestamp,
    ) -> LinkState {
        let mut desk = self.desk();
        let since = desk.known_until(now);
        let over = desk.end(Instant::now(), &why, Some(denied));
        let down = LinkState::Down {
            since,
            why,
            next_try,
            denied,
        };
        (desk.welcome, desk.link) = (None, Some(down.clone()));
        drop(desk);
        self.met.notify_all();
        tell(over);
        down
    }

    /// Notes how the engine is reached.
    pub(super) fn tell(&self, link: LinkState) {
        self.desk().link = Some(link);
        self.met.notify_all();
    }

    /// Returns how the engine is reached; None before the first try has ended.
    pub(super) fn link(&self) -> Option<LinkState> {
        self.desk().link.clone()
    }

    /// Returns the engine's introduction, and how it is reached, once `wanted` or when there is no more time.
    pub(super) fn meet(
        &self,
        until: Instant,
        wanted: impl Fn(Option<&Welcome>, Option<&LinkState>) -> bool,
    ) -> (Option<Welcome>, Option<LinkState>) {
        let mut desk = self.desk();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || wanted(desk.welcome.as_ref(), desk.link.as_ref()) {
                return (desk.welcome.clone(), desk.link.clone());
            }
            let waited = self.met.wait_timeout(desk, left);
            desk = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Desk {
    /// Returns until when everything is known.
    fn known_until(&self, now: Timestamp) -> Timestamp {
        match &self.link {
            Some(LinkState::Down { since, .. } | LinkState::Late { since }) => *since,
            Some(LinkState::Live) | None => now,
        }
    }

    /// Returns why another call cannot be taken now.
    fn cannot_take(&self, unsent: Unsent) -> Option<Fault> {
        if self.calls.len() >= MAX_WAITING {
            let why = format!("{MAX_WAITING} requests wait for the engine's answers");
            return Some(unreached(FaultKind::Busy, &why));
        }
        match &self.link {
            // It would be told only when its patience is over.
            Some(LinkState::Down {
                why, denied: true, ..
            }) => Some(unreached(FaultKind::Permission, why)),
            Some(LinkState::Down { why, .. }) if unsent == Unsent::Refused => Some(unreached(
                FaultKind::Busy,
                &format!("nothing was sent: {why}"),
            )),
            _ => None,
        }
    }

    /// Takes out the calls whose time is over, and where the connection was `lost` those that do not outlive it; denied,
    /// none does.
    fn end(&mut self, now: Instant, why: &str, lost: Option<bool>) -> Over {
        let ends = |call: &Call| match lost {
            _ if call.until.is_some_and(|until| until < now) => true,
            Some(true) => true,
            Some(false) if call.sent => !call.request.may_repeat(),
            Some(false) => call.unsent == Unsent::Refused,
            None => false,
        };
        let over = self.calls.iter().filter(|(_, call)| ends(call));
        let over: Vec<u64> = over.map(|(id, _)| *id).collect();
        let kind = match lost {
            Some(true) => FaultKind::Permission,
            _ => FaultKind::Busy,
        };
        let calls = over.into_iter().filter_map(|id| self.calls.remove(&id));
        calls
            .map(|call| {
                let (fault, heard) = (unreached(kind, why), call.sent);
                (call.waiting, Err(Unanswered { fault, heard }))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, mpsc},
        time::Duration,
    };

    use super::*;
    use crate::domain::query::Query;

    fn ask(calls: &Calls, unsent: Unsent, until: Option<Instant>) -> mpsc::Receiver<Called> {
        let (tell, told) = mpsc::channel();
        let request = Request::Ask(Query::Summary);
        calls.add(request, unsent, until, move |called| {
            drop(tell.send(called));
        });
        told
    }

    fn lose(calls: &Calls, why: &str, denied: bool) {
        calls.lost(why.to_owned(), denied, Timestamp(1), Timestamp(2));
    }

    #[test]
    fn a_call_without_a_connection_waits_or_is_over_as_it_was_meant() {
        let calls = Arc::<Calls>::default();
        lose(&calls, "cut", false);
        let kept = ask(&calls, Unsent::Kept, None);
        let refused = ask(&calls, Unsent::Refused, None);
        let over = refused
            .try_recv()
            .map(|called| called.map_err(|un| un.heard));
        assert!(matches!(over, Ok(Err(false))));
        lose(&calls, "cut", false);
        assert!(kept.try_recv().is_err(), "it is asked once there is one");
        assert!(calls.next().is_some() && calls.next().is_none());
    }

    #[test]
    fn what_may_have_been_heard_is_asked_again_until_its_time_is_over() {
        let calls = Arc::<Calls>::default();
        let now = Instant::now();
        let later = ask(&calls, Unsent::Refused, Some(now + Duration::from_secs(60)));
        let over = ask(&calls, Unsent::Refused, Some(now));
        assert!(calls.next().is_some() && calls.next().is_some());
        std::thread::sleep(Duration::from_millis(1));
        lose(&calls, "cut", false);
        let over = over.try_recv().map(|called| called.map_err(|un| un.heard));
        assert!(matches!(over, Ok(Err(true))));
        assert!(later.try_recv().is_err());
        lose(&calls, "not wanted", true);
        let denied = later
            .try_recv()
            .map(|called| called.map_err(|un| un.fault.kind));
        assert!(matches!(denied, Ok(Err(FaultKind::Permission))));
    }

    #[test]
    fn what_is_given_up_was_heard_or_not_or_is_over() {
        let calls = Calls::default();
        let told = ask(&calls, Unsent::Kept, None);
        assert!(calls.next().is_some());
        let unsent = ask(&calls, Unsent::Kept, None);
        calls.answered(0, Response::Yielding);
        // It was answered after all: whoever gives it up finds its answer.
        assert_eq!(calls.give_up(0), None);
        assert!(matches!(told.try_recv(), Ok(Ok(Response::Yielding))));
        assert_eq!(calls.give_up(1), Some(false));
        assert!(unsent.try_recv().is_err());
        ask(&calls, Unsent::Kept, None);
        assert!(calls.next().is_some());
        assert_eq!(calls.give_up(2), Some(true));
    }

    #[test]
    fn what_cannot_be_answered_is_over_at_once() {
        let calls = Calls::default();
        let long = ask(&calls, Unsent::Kept, None);
        let (id, _) = calls.next().expect("it waits");
        calls.is_too_long(id, 11, 10);
        let over = long
            .try_recv()
            .map(|called| called.map_err(|un| un.fault.kind));
        assert!(matches!(over, Ok(Err(FaultKind::Misuse))));
        let waiting: Vec<_> = (0..MAX_WAITING)
            .map(|_| ask(&calls, Unsent::Kept, None))
            .collect();
        let beyond = ask(&calls, Unsent::Kept, None).try_recv();
        assert!(matches!(beyond, Ok(Err(Unanswered { heard: false, .. }))));
        assert!(waiting.iter().all(|told| told.try_recv().is_err()));
        // An engine that does not want this caller will not want the next call either.
        lose(&calls, "not wanted", true);
        let denied = ask(&calls, Unsent::Kept, None).try_recv();
        let denied = denied.map(|called| called.map_err(|un| un.fault.kind));
        assert!(matches!(denied, Ok(Err(FaultKind::Permission))));
    }
}
