//! What the ledger and the messages say afterwards.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::Arc,
};

use obeya::{
    domain::{
        command::Role,
        event::Event,
        evolve::evolve,
        id::OrderId,
        message::{Reader, Topic, delivery::Terms},
        order::{Actor, Bucket},
        state::State,
        time::MINUTE,
    },
    engine::{Clock as _, HeldClock, bus::Broker, supervisor::runner::marked},
    ledger::{Home, Ledger as _, SqliteLedger},
    link::{self, bus::Caller},
};

use super::{super::Project, crowd::SUBSCRIBERS};

/// What a replay counted.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) starts: usize,
    pub(super) lapses: usize,
    pub(super) releases: usize,
    pub(super) terms: usize,
}

/// Replays the ledger, and looks after each record.
pub(super) fn replayed(home: &Home, orders: usize, limits: &[(Bucket, u32)]) -> Seen {
    let mut state = State::default();
    let mut done: BTreeMap<OrderId, usize> = BTreeMap::new();
    let mut seen = Seen::default();
    for record in SqliteLedger::open(home)
        .unwrap()
        .read(0, usize::MAX)
        .unwrap()
    {
        let seq = record.seq;
        let actor = Actor {
            kind: record.actor_kind.known().unwrap(),
            name: record.actor.clone(),
        };
        let held = |id: OrderId| state.order(id).and_then(|order| order.work()).cloned();
        match record.decode().unwrap() {
            Event::OrderStarted { id, .. } => {
                seen.starts += 1;
                let waits = &state.order(id).unwrap().depends_on;
                let open: Vec<_> = waits
                    .iter()
                    .filter(|one| state.order(one.on).is_some())
                    .collect();
                assert!(open.is_empty(), "{id} began before {open:?} at {seq}");
            }
            Event::OrderCompleted { id, sku, .. } => {
                *done.entry(id).or_default() += 1;
                let work = held(id).unwrap_or_else(|| panic!("{id} was held by nobody at {seq}"));
                assert_eq!(work.holder, actor, "{id} was another's at {seq}");
                // What was delivered says under which claim it was made: that of the day.
                let claim = format!("{id}:{}:{}", work.lease.unwrap().epoch, actor.name);
                assert_eq!(sku, Some(claim), "a stale write at {seq}");
            }
            Event::OrderReleased { id, .. } => {
                seen.releases += 1;
                assert_eq!(
                    held(id).unwrap().holder,
                    actor,
                    "{id} was another's at {seq}"
                );
            }
            Event::LeaseLapsed { .. } => seen.lapses += 1,
            Event::HostElected { .. } => seen.terms += 1,
            _ => {}
        }
        evolve(&mut state, &record).unwrap();
        for (bucket, limit) in limits {
            let wip = state.counts.wip[bucket.index()];
            assert!(wip <= *limit, "{wip} of {limit} in {bucket:?} after {seq}");
        }
    }
    assert_eq!(done.len(), orders, "none is lost");
    let twice: Vec<_> = done.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "completed more than once: {twice:?}");
    assert_eq!(state.open_count(), 0);
    assert!(state.counts.wip.iter().all(|wip| *wip == 0));
    assert_eq!(link::verify(home, None, &mut |_| {}).unwrap().bad, None);
    seen
}

fn lines(project: &Project, name: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(project.path(name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Looks whether everything that was sent, and acknowledged to its sender, came to each who follows, or is a dead letter.
/// Returns how many messages there were, and how many letters.
pub(super) fn delivered(project: &Project, home: &Home) -> (usize, usize) {
    let sent = lines(project, "sent");
    // What somebody had in hand who was killed is given out again when its time is up.
    let clock = HeldClock::at(link::now().plus(MINUTE));
    let mut broker = Broker::with(home, Terms::default(), Arc::new(clock.clone())).unwrap();
    let caller = Caller {
        actor: Actor::person("ada"),
        role: Role::Admin,
    };
    for (at, name) in SUBSCRIBERS.iter().enumerate() {
        let mut heard: BTreeSet<String> = lines(project, &format!("out-{}", at + 4))
            .iter()
            // A line that was cut off by a kill was not acknowledged.
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter_map(|message| Some(message["body"].as_str()?.to_owned()))
            .collect();
        let reader = Reader::of_topic(Topic::CoordinationEvents, name.parse().unwrap());
        loop {
            let rest = broker.take(&caller, &reader, 100).unwrap().unwrap();
            if rest.is_empty() {
                break;
            }
            let seqs: Vec<_> = rest.iter().map(|one| one.message.seq).collect();
            heard.extend(rest.iter().map(|one| one.message.draft.body.clone()));
            broker
                .acknowledge(&caller, &reader, &seqs)
                .unwrap()
                .unwrap();
        }
        let dead = dead(&mut broker, name);
        let lost: Vec<_> = sent
            .iter()
            .filter(|one| !heard.contains(*one) && !dead.contains(*one))
            .collect();
        assert!(lost.is_empty(), "{name} never heard {lost:?}");
    }
    assert!(clock.now() > link::now());
    let nobodys = lines(project, "sent-nobody");
    let letters = dead(&mut broker, "nobody");
    let lost: Vec<_> = nobodys.difference(&letters).collect();
    assert!(lost.is_empty(), "neither taken nor a dead letter: {lost:?}");
    (sent.len(), letters.len())
}

fn dead(broker: &mut Broker, subscriber: &str) -> BTreeSet<String> {
    let letters = broker.dead_letters(10_000).unwrap();
    let of = letters.into_iter().filter(|letter| {
        letter
            .subscriber
            .as_ref()
            .is_some_and(|name| name.as_str() == subscriber)
    });
    of.filter_map(|letter| Some(letter.message.body.as_str()?.to_owned()))
        .collect()
}

/// Waits until nothing runs any more that was given this ledger.
pub(super) fn nothing_runs(project: &Project, home: &Home) {
    let ledger = home.path().display().to_string();
    project.until("the end of all that it ran", |_| {
        marked("OBEYA_LEDGER", &ledger).is_empty()
    });
}
