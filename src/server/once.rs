//! What is done once under a key though no record has it: runs of gates, and errands about agents. Commands need none of
//! this, for the ledger knows each by its id.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use uuid::Uuid;

use super::shared::Denial;
use crate::{domain::record::Hash, link::protocol::Response};

/// How many answers are kept, the newest: days of what people and scripts ask for by hand.
const MAX_KEPT: usize = 1_024;

/// An answer that comes; None if whoever was to give it is lost.
pub(super) type Begun = BoxFuture<'static, Option<Result<Response, Denial>>>;
/// An answer that comes, or has come, for everybody who waits for it.
pub(super) type Answering = Shared<Begun>;

/// The newest answers under keys, as long as the server runs.
#[derive(Default)]
pub(super) struct Once {
    kept: Mutex<VecDeque<Kept>>,
}

struct Kept {
    key: Uuid,
    /// What was asked.
    what: Hash,
    answer: Answering,
}

/// A key that came before with something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reused;

impl Once {
    /// Returns the answer under a key, and whether it is that of an earlier asking; begins it where there is none.
    pub(super) fn answer(
        &self,
        key: Uuid,
        what: Hash,
        begin: impl FnOnce() -> Begun,
    ) -> Result<(Answering, bool), Reused> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // What did not come to be is asked for anew.
        kept.retain(|kept| kept.answer.peek().is_none_or(is_done));
        if let Some(known) = kept.iter().find(|kept| kept.key == key) {
            return match known.what == what {
                true => Ok((known.answer.clone(), true)),
                false => Err(Reused),
            };
        }
        if kept.len() >= MAX_KEPT {
            kept.pop_front();
        }
        let answer = begin().shared();
        kept.push_back(Kept {
            key,
            what,
            answer: answer.clone(),
        });
        Ok((answer, false))
    }
}

/// Returns whether something was done: only that is not to be done twice.
fn is_done(answer: &Option<Result<Response, Denial>>) -> bool {
    match answer {
        Some(Ok(Response::GateRan(ran))) => matches!(ran.as_ref(), Ok(Ok(_))),
        Some(Ok(Response::Supervised(done))) => done.is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    fn key(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    fn ran() -> Begun {
        let answer = Response::GateRan(Box::new(Ok(Ok(None))));
        async { Some(Ok(answer)) }.boxed()
    }

    fn lost() -> Begun {
        async { None }.boxed()
    }

    #[tokio::test]
    async fn what_was_done_is_kept_and_what_was_not_is_begun_anew() {
        let (once, build) = (Once::default(), Hash::of(b"build"));
        let begun = |n, begin: fn() -> _| once.answer(key(n), build, begin).unwrap();
        let (answer, known) = begun(1, lost);
        assert!(!known);
        // As long as nobody knows what came of it, nobody begins it again.
        assert!(begun(1, ran).1);
        assert!(answer.await.is_none());
        let (answer, known) = begun(1, ran);
        assert!(!known && answer.await.is_some());
        assert!(begun(1, ran).1);
        let other = once.answer(key(1), Hash::of(b"lint"), ran);
        assert_eq!(other.err(), Some(Reused));
    }

    #[tokio::test]
    async fn the_newest_are_kept() {
        let (once, build) = (Once::default(), Hash::of(b"build"));
        for n in 0..2 * MAX_KEPT as u128 {
            drop(once.answer(key(n), build, ran).unwrap().0.await);
        }
        assert_eq!(once.kept.lock().unwrap().len(), MAX_KEPT);
        let known = |n| once.answer(key(n), build, ran).unwrap().1;
        assert!(known(2 * MAX_KEPT as u128 - 1) && !known(0));
    }
}
