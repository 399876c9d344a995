//! What reaches the loop from other threads.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::{
    domain::{record::Record, state::State, time::Timestamp},
    ui::{model::EVENTS_KEPT, msg::Msg},
};

#[derive(Debug, Default)]
struct Bag {
    state: Option<Arc<State>>,
    records: Vec<Record>,
    messages: Vec<Msg>,
}

#[derive(Debug, Default)]
struct Shared {
    bag: Mutex<Bag>,
    rung: Notify,
}

/// Puts messages into the loop, from any thread, without waiting.
#[derive(Clone, Debug, Default)]
pub struct Post(Arc<Shared>);

impl Post {
    /// Tells of a new version. Versions nobody took yet are told together; of their records the newest are kept,
    /// as many as the console keeps.
    pub fn changed(&self, state: Arc<State>, records: &[Record]) {
        self.put(|bag| {
            bag.state = Some(state);
            bag.records.extend_from_slice(records);
            let over = bag.records.len().saturating_sub(EVENTS_KEPT);
            bag.records.drain(..over);
        });
    }

    /// Tells how the line stood when somebody began to listen: a version that was told meanwhile is newer.
    pub fn begin(&self, state: Arc<State>, records: Vec<Record>) {
        self.put(|bag| {
            bag.state.get_or_insert(state);
            bag.records.splice(..0, records);
        });
    }

    /// Tells of anything else.
    pub fn tell(&self, msg: Msg) {
        self.put(|bag| bag.messages.push(msg));
    }

    fn put(&self, put: impl FnOnce(&mut Bag)) {
        put(&mut self.0.bag.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.rung.notify_one();
    }

    /// Returns what came, the version first: an answer may speak of orders that only the new version has.
    pub(super) fn take(&self, now: Timestamp) -> Vec<Msg> {
        let mut bag = self.0.bag.lock().unwrap_or_else(PoisonError::into_inner);
        let bag = std::mem::take(&mut *bag);
        let changed = bag.state.map(|state| Msg::Changed {
            state,
            records: bag.records,
            now,
        });
        changed.into_iter().chain(bag.messages).collect()
    }

    pub(super) async fn rung(&self) {
        self.0.rung.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_meanwhile_is_newer_than_the_beginning() {
        let post = Post::default();
        let mut newer = State::default();
        newer.term = 2;
        post.changed(Arc::new(newer), &[]);
        post.begin(Arc::default(), Vec::new());
        let taken = post.take(Timestamp(1));
        assert!(matches!(taken.as_slice(), [Msg::Changed { state, .. }] if state.term == 2));
    }

    #[test]
    fn versions_nobody_took_are_told_together_and_first() {
        let post = Post::default();
        post.tell(Msg::Copied(Ok("x".into())));
        for _ in 0..3 {
            post.changed(Arc::new(State::default()), &[]);
        }
        let taken = post.take(Timestamp(1));
        assert!(matches!(
            taken.as_slice(),
            [
                Msg::Changed {
                    now: Timestamp(1),
                    ..
                },
                Msg::Copied(_)
            ]
        ));
        assert!(post.take(Timestamp(2)).is_empty());
    }
}
