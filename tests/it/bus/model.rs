//! The bus as a state machine against a model that keeps every message of every reader in a list.
//!
//! The store keeps a cursor and rows for what is in hand; the model keeps a state for each message and reader. After each
//! step both must tell the same, so that every message is queued, in somebody's hands, done, or a dead letter.

use std::collections::BTreeMap;

use obeya::{
    domain::{
        message::{
            Address, Draft, MessageSeq, Reader, Topic,
            delivery::{Reason, Terms},
        },
        order::Actor,
        time::{SECOND, Timestamp},
    },
    ledger::{
        Home, Messages,
        messages::{Letters, Start},
    },
};
use proptest::prelude::*;

const USUAL: Terms = Terms {
    visibility: 10 * SECOND,
    max_deliveries: 3,
    keep_for: 500 * SECOND,
    keep: 25,
    keep_bytes: 60,
    ttl: Some(300 * SECOND),
};

/// What a handle goes by after the settings changed, and what it went by before.
const TERMS: [Terms; 2] = [
    USUAL,
    Terms {
        keep: 8,
        keep_bytes: 20,
        max_deliveries: 1,
        ttl: None,
        ..USUAL
    },
];

/// How far one message is, to one reader.
#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Queued,
    Held {
        attempts: u32,
        due: Timestamp,
        expired: bool,
    },
    Done,
    Dead,
}

#[derive(Clone, Debug)]
enum Op {
    /// To which address, for how many seconds, and how many bytes.
    Publish(usize, Option<i64>, usize),
    Take(usize, usize),
    /// The so manyeth of those in hand.
    Acknowledge(usize, usize),
    Through(usize, u64),
    Refuse(usize, usize),
    Extend(usize, usize),
    GiveBack(usize, usize),
    Pass(i64),
    Requeue(usize),
    Purge(usize),
    Reopen,
    /// The file with the settings changed.
    Settings(usize),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (0..3_usize, prop::option::weighted(0.3, 1..40_i64), 1..9_usize).prop_map(|(to, ttl, size)| Op::Publish(to, ttl, size)),
        6 => (0..3_usize, 0..4_usize).prop_map(|(who, limit)| Op::Take(who, limit)),
        3 => (0..3_usize, 0..4_usize).prop_map(|(who, nth)| Op::Acknowledge(who, nth)),
        1 => (0..3_usize, 0..60_u64).prop_map(|(who, seq)| Op::Through(who, seq)),
        1 => (0..3_usize, 0..4_usize).prop_map(|(who, nth)| Op::Refuse(who, nth)),
        1 => (0..3_usize, 0..4_usize).prop_map(|(who, nth)| Op::Extend(who, nth)),
        1 => (0..3_usize, 0..4_usize).prop_map(|(who, nth)| Op::GiveBack(who, nth)),
        3 => (1..30_i64).prop_map(Op::Pass),
        1 => (0..5_usize).prop_map(Op::Requeue),
        1 => (0..5_usize).prop_map(Op::Purge),
        1 => Just(Op::Reopen),
        1 => (0..TERMS.len()).prop_map(Op::Settings),
    ]
}

struct Sent {
    seq: MessageSeq,
    to: usize,
    time: Timestamp,
    expires: Option<Timestamp>,
    settled: bool,
    size: u64,
}

type Letter = (MessageSeq, Option<usize>, Reason);

struct Model {
    terms: Terms,
    now: Timestamp,
    floor: MessageSeq,
    sent: Vec<Sent>,
    /// By reader, then by message.
    at: [BTreeMap<MessageSeq, At>; 3],
    /// In the order of their deaths.
    dead: Vec<Letter>,
}

/// Two subscribers of one topic, an inbox, and a topic that nobody takes from.
fn readers() -> [Reader; 3] {
    let topic = |name: &str| Reader::of_topic(Topic::AndonAlerts, name.parse().unwrap());
    [
        topic("x"),
        topic("y"),
        Reader::of_inbox("ann".parse().unwrap()),
    ]
}

fn addresses() -> [Address; 3] {
    [
        Topic::AndonAlerts.into(),
        "@ann".parse().unwrap(),
        Topic::SystemEvents.into(),
    ]
}

const TAKERS: [&[usize]; 3] = [&[0, 1], &[2], &[]];

impl Model {
    fn bury(&mut self, seq: MessageSeq, whose: Option<usize>, reason: Reason) {
        if !self
            .dead
            .iter()
            .any(|letter| (letter.0, letter.1) == (seq, whose))
        {
            self.dead.push((seq, whose, reason));
        }
    }

    fn settle(&mut self, index: usize) {
        let (seq, to, expires) = {
            let sent = &mut self.sent[index];
            if sent.settled {
                return;
            }
            sent.settled = true;
            (sent.seq, sent.to, sent.expires.take())
        };
        if TAKERS[to].is_empty() && expires.is_some() {
            self.bury(seq, None, Reason::NoSubscriber);
        }
        for reader in TAKERS[to] {
            match self.at[*reader].get_mut(&seq) {
                Some(At::Held { expired, .. }) => *expired = true,
                Some(at @ At::Queued) => {
                    *at = At::Dead;
                    self.bury(seq, Some(*reader), Reason::Expired);
                }
                _ => {}
            }
        }
    }

    fn tend(&mut self) {
        let mut due: Vec<_> = (0..self.sent.len())
            .filter(|n| self.sent[*n].expires.is_some_and(|at| at <= self.now))
            .collect();
        due.sort_by_key(|n| self.sent[*n].expires);
        due.into_iter().for_each(|n| self.settle(n));
        let last = self.sent.len() as u64;
        for n in 0..self.sent.len() {
            let (seq, time) = (self.sent[n].seq, self.sent[n].time);
            if seq <= self.floor {
                continue;
            }
            let old = self.now.since(time) > self.terms.keep_for;
            let bytes: u64 = self.sent[n..].iter().map(|sent| sent.size).sum();
            let fits = bytes <= self.terms.keep_bytes;
            if !old && fits && last - self.floor <= self.terms.keep {
                break;
            }
            self.floor = seq;
            self.settle(n);
        }
        while self.dead_bytes() > self.terms.keep_bytes {
            self.dead.remove(0);
        }
    }

    fn dead_bytes(&self) -> u64 {
        let size = |letter: &Letter| self.sent[letter.0 as usize - 1].size;
        self.dead.iter().map(size).sum()
    }

    fn take(&mut self, who: usize, limit: usize) -> Vec<(MessageSeq, u32)> {
        self.tend();
        let due = self.now.plus(self.terms.visibility);
        let mut given = Vec::new();
        let held: Vec<_> = self.at[who].iter().map(|(seq, at)| (*seq, *at)).collect();
        for (seq, at) in held {
            let At::Held {
                attempts,
                due: until,
                expired,
            } = at
            else {
                continue;
            };
            if until > self.now {
                continue;
            }
            if expired || attempts >= self.terms.max_deliveries {
                let reason = match expired {
                    true => Reason::Expired,
                    false => Reason::TooManyDeliveries,
                };
                self.at[who].insert(seq, At::Dead);
                self.bury(seq, Some(who), reason);
            } else if given.len() < limit {
                let attempts = attempts + 1;
                let again = At::Held {
                    attempts,
                    due,
                    expired,
                };
                self.at[who].insert(seq, again);
                given.push((seq, attempts));
            }
        }
        let room = limit - given.len();
        let queued: Vec<_> = self.at[who]
            .iter()
            .filter(|(_, at)| **at == At::Queued)
            .map(|(seq, _)| *seq)
            .take(room)
            .collect();
        for seq in queued {
            let first = At::Held {
                attempts: 1,
                due,
                expired: false,
            };
            self.at[who].insert(seq, first);
            given.push((seq, 1));
        }
        given
    }

    fn held(&self, who: usize) -> Vec<MessageSeq> {
        let held = self.at[who]
            .iter()
            .filter(|(_, at)| matches!(at, At::Held { .. }));
        held.map(|(seq, _)| *seq).collect()
    }

    fn pending(&self, who: usize) -> Vec<(MessageSeq, u32)> {
        let open = self.at[who].iter().filter_map(|(seq, at)| match at {
            At::Queued => Some((*seq, 0)),
            At::Held { attempts, .. } => Some((*seq, *attempts)),
            _ => None,
        });
        open.collect()
    }

    fn through(&mut self, who: usize, seq: MessageSeq) {
        for (_, at) in self.at[who].range_mut(..=seq) {
            if matches!(at, At::Queued | At::Held { .. }) {
                *at = At::Done;
            }
        }
    }
}

fn apply(op: &Op, model: &mut Model, store: &mut Messages) -> Result<(), TestCaseError> {
    let (readers, now) = (readers(), model.now);
    match op {
        Op::Publish(to, ttl, size) => {
            let said = ttl.map(|ttl| now.plus(ttl * SECOND));
            let body = "x".repeat(*size);
            let mut draft = Draft::new(addresses()[*to].clone(), Actor::agent("ann"), body);
            draft.expires = said;
            // Mail has a time to live by the settings; news has none.
            let usual = model.terms.ttl.filter(|_| *to == 1);
            let expires = said.or(usual.map(|ttl| now.plus(ttl)));
            let sent = store.publish(&[draft], now).unwrap();
            let seq = sent[0].as_ref().unwrap().seq;
            prop_assert_eq!(seq, model.sent.len() as u64 + 1);
            model.sent.push(Sent {
                seq,
                to: *to,
                time: now,
                expires,
                settled: false,
                size: *size as u64,
            });
            for reader in TAKERS[*to] {
                model.at[*reader].insert(seq, At::Queued);
            }
            model.tend();
        }
        Op::Take(who, limit) => {
            let taken = store.take(&readers[*who], *limit, now).unwrap().unwrap();
            let taken: Vec<_> = taken.iter().map(|d| (d.message.seq, d.attempt)).collect();
            prop_assert_eq!(taken, model.take(*who, *limit));
        }
        Op::Acknowledge(who, nth) => {
            let held = model.held(*who).get(*nth).copied();
            let seq = held.unwrap_or(1_000);
            let done = store.acknowledge(&readers[*who], &[seq], now).unwrap();
            prop_assert_eq!(done, usize::from(held.is_some()));
            held.map(|seq| model.at[*who].insert(seq, At::Done));
        }
        Op::Through(who, seq) => {
            store
                .acknowledge_through(&readers[*who], *seq, now)
                .unwrap()
                .unwrap();
            model.through(*who, *seq);
        }
        Op::Refuse(who, nth) => {
            let held = model.held(*who).get(*nth).copied();
            let seq = held.unwrap_or(1_000);
            let done = store.refuse(&readers[*who], seq, "no", now).unwrap();
            prop_assert_eq!(done, held.is_some());
            if let Some(seq) = held {
                model.at[*who].insert(seq, At::Dead);
                model.bury(seq, Some(*who), Reason::Refused);
            }
        }
        Op::Extend(who, nth) | Op::GiveBack(who, nth) => {
            let held = model.held(*who).get(*nth).copied();
            let seq = held.unwrap_or(1_000);
            let (reader, extend) = (&readers[*who], matches!(op, Op::Extend(..)));
            let done = match extend {
                true => store.extend(reader, &[seq], now).unwrap(),
                false => store.give_back(reader, &[seq]).unwrap(),
            };
            let mut expected = vec![];
            if let Some(At::Held { due, expired, .. }) = model.at[*who].get_mut(&seq)
                && !*expired
            {
                expected.push(seq);
                *due = match extend {
                    true => now.plus(model.terms.visibility),
                    false => Timestamp(0),
                };
            }
            prop_assert_eq!(done, expected);
        }
        Op::Settings(which) => {
            model.terms = TERMS[*which];
            store.set_terms(model.terms);
        }
        Op::Pass(seconds) => model.now = now.plus(seconds * SECOND),
        Op::Requeue(nth) => {
            let letters = store.dead_letters(1_000).unwrap();
            let nth = letters.len().checked_sub(nth + 1);
            if let Some((letter, n)) =
                nth.and_then(|n| Some((letters.get(n)?, letters.len() - 1 - n)))
            {
                let done = store.requeue(&Letters::These(vec![letter.number])).unwrap();
                let (seq, whose, _) = model.dead[n];
                prop_assert_eq!(done.is_ok(), whose.is_some());
                if let Some(who) = whose {
                    let fresh = At::Held {
                        attempts: 0,
                        due: Timestamp(0),
                        expired: false,
                    };
                    model.at[who].insert(seq, fresh);
                    model.dead.remove(n);
                }
            }
        }
        Op::Purge(nth) => {
            let letters = store.dead_letters(1_000).unwrap();
            let nth = letters.len().checked_sub(nth + 1);
            if let Some((letter, n)) =
                nth.and_then(|n| Some((letters.get(n)?, letters.len() - 1 - n)))
            {
                store
                    .purge(&Letters::These(vec![letter.number]))
                    .unwrap()
                    .unwrap();
                model.dead.remove(n);
            }
        }
        Op::Reopen => {}
    }
    Ok(())
}

fn compare(model: &Model, store: &mut Messages) -> Result<(), TestCaseError> {
    let readers = readers();
    for (who, reader) in readers.iter().enumerate() {
        let pending = store.pending(reader, 1_000).unwrap();
        let pending: Vec<_> = pending
            .iter()
            .map(|d| (d.message.seq, d.attempts))
            .collect();
        prop_assert_eq!(pending, model.pending(who), "{}", reader.name());
    }
    let mut letters = store.dead_letters(1_000).unwrap();
    letters.reverse();
    let whose = |name: Option<&str>| {
        name.map(|name| {
            readers
                .iter()
                .position(|reader| reader.name().as_str() == name)
                .unwrap()
        })
    };
    let letters: Vec<Letter> = letters
        .iter()
        .map(|l| {
            (
                l.message.seq,
                whose(l.subscriber.as_ref().map(|n| n.as_str())),
                l.reason,
            )
        })
        .collect();
    prop_assert_eq!(letters, model.dead.clone());
    let kept = store.replay(None, 0, None, 1_000).unwrap();
    let kept: Vec<_> = kept.iter().map(|m| m.seq).collect();
    let known = model
        .sent
        .iter()
        .map(|s| s.seq)
        .filter(|seq| *seq > model.floor);
    prop_assert_eq!(kept, known.collect::<Vec<_>>());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_message_is_where_the_model_has_it(ops in prop::collection::vec(op(), 1..120)) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path()).unwrap();
        std::fs::write(home.database(), "").unwrap();
        let mut model = Model {
            terms: USUAL,
            now: Timestamp(1_000 * SECOND),
            floor: 0,
            sent: vec![],
            at: Default::default(),
            dead: vec![],
        };
        let mut store = Messages::open(&home, model.terms).unwrap();
        for reader in readers() {
            store.subscribe(&reader, Start::Here, model.now).unwrap().unwrap();
        }
        for op in &ops {
            if matches!(op, Op::Reopen) {
                drop(store);
                store = Messages::open(&home, model.terms).unwrap();
            }
            apply(op, &mut model, &mut store)?;
            compare(&model, &mut store)?;
        }
    }
}
