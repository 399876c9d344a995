//! A hundred thousand random commands in a world so small that the rules collide, every invariant checked as it goes.

mod commands;
mod engine;

use std::{collections::BTreeSet, thread};

use obeya::domain::{command::Command, event::EVENTS, evolve, record::Record, state::State};

use self::commands::written;
use crate::support::{
    invariants,
    line::{Line, Who, system},
    random::Random,
};

/// Worlds, each from its own seed, and commands in each.
const WORLDS: u64 = 10;
const COMMANDS: usize = 10_000;
/// Every so many commands the whole state is worked out anew; the first few hundred are checked one by one.
const WHOLE: usize = 50;

/// Rules that no command can run into here, each with the test or the place that covers it.
const UNREACHED: &[(&str, &str)] = &[
    ("command_reused", "the engine finds it in the ledger"),
    ("newer_ledger", "roles::a_newer_ledger_is_only_read"),
    ("changed", "ui_undo::nobody_elses_change_is_taken_back"),
    ("limit", "limits::every_list_has_a_limit"),
];
/// Events that no command here brings about: those of imports.
const UNSEEN: &[&str] = &[
    "order_imported",
    "order_merged",
    "order_closed_elsewhere",
    "import_finished",
];

#[derive(Default)]
struct Seen {
    accepted: usize,
    rules: BTreeSet<&'static str>,
    kinds: BTreeSet<&'static str>,
}

#[test]
fn a_hundred_thousand_random_commands_break_nothing() {
    let worlds: Vec<_> = (1..=WORLDS)
        .map(|seed| thread::spawn(move || World::new(seed).live()))
        .collect();
    let mut seen = Seen::default();
    for world in worlds {
        let other = world
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        seen.accepted += other.accepted;
        seen.rules.extend(other.rules);
        seen.kinds.extend(other.kinds);
    }
    let percent = seen.accepted * 100 / (WORLDS as usize * COMMANDS);
    assert!(percent >= 30, "only {percent} % were accepted");
    let unseen: Vec<_> = EVENTS
        .iter()
        .map(|(kind, _)| *kind)
        .filter(|kind| !seen.kinds.contains(kind))
        .collect();
    assert_eq!(unseen, UNSEEN, "events that never happened");
    let unreached: BTreeSet<_> = UNREACHED.iter().map(|(rule, _)| *rule).collect();
    let missed: Vec<_> = RULES
        .iter()
        .filter(|rule| !seen.rules.contains(*rule) && !unreached.contains(*rule))
        .collect();
    assert!(missed.is_empty(), "rules that refused nothing: {missed:?}");
}

/// Every refusal's rule.
const RULES: &[&str] = &[
    "not_found",
    "closed",
    "not_closed",
    "not_started",
    "already_started",
    "epic",
    "wip_limit",
    "blocked",
    "held",
    "cycle",
    "children_open",
    "stale_epoch",
    "not_holder",
    "gate_closed",
    "unmerged",
    "not_approver",
    "engine_only",
    "changed",
    "nothing_ready",
    "agent_paused",
    "budget_spent",
    "role",
    "invalid",
    "limit",
    "stage_in_use",
    "command_reused",
    "stale_term",
    "newer_ledger",
];

struct World {
    seed: u64,
    done: usize,
    last: Option<(Who, Command)>,
    random: Random,
    line: Line,
    snapshots: Vec<(usize, Vec<u8>)>,
    seen: Seen,
}

/// Returns the commands of a random world, as they were said one after another.
pub(crate) fn said(seed: u64, count: usize) -> Vec<Command> {
    let mut world = World::new(seed);
    let mut say = || {
        world.pass_time();
        let (who, command) = world.command();
        // Most are refused: what counts is what was said.
        drop(world.line.submit(&who, &command));
        command
    };
    (0..count).map(|_| say()).collect()
}

impl Drop for World {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("seed {}, command {}: {:?}", self.seed, self.done, self.last);
        }
    }
}

impl World {
    fn new(seed: u64) -> World {
        World {
            seed,
            done: 0,
            last: None,
            random: Random(seed),
            line: Line::new(),
            snapshots: vec![],
            seen: Seen::default(),
        }
    }

    fn live(mut self) -> Seen {
        while self.done < COMMANDS {
            self.done += 1;
            self.pass_time();
            self.submit();
            if self.done < 300 || self.done.is_multiple_of(WHOLE) {
                invariants::whole(&self.line);
            }
            if self.done.is_multiple_of(20 * WHOLE) {
                invariants::tallies(&self.line);
            }
            if self.random.one_in(1_000) {
                self.snapshot();
            }
        }
        invariants::whole(&self.line);
        invariants::tallies(&self.line);
        invariants::receipts(&self.line);
        self.replay();
        let mut seen = std::mem::take(&mut self.seen);
        seen.kinds = std::mem::take(&mut self.line.kinds);
        seen
    }

    fn submit(&mut self) {
        let (who, command) = self.command();
        self.last = Some((who.clone(), command.clone()));
        let before = self.line.state.clone();
        let due = self.line.tick();
        invariants::step(&before, &self.line.state, &system(), None, &due);
        invariants::nothing_overdue(&self.line);
        let before = self.line.state.clone();
        match self.line.submit(&who, &command) {
            Ok(events) => {
                assert!(who.role >= command.spec().role);
                let written = written(&command);
                invariants::step(&before, &self.line.state, &who, written, &events);
                self.seen.accepted += usize::from(!events.is_empty());
            }
            Err(refusal) => {
                self.seen.rules.insert(refusal.rule());
                assert_eq!(self.line.state.head, before.head);
                if self.random.one_in(64) {
                    assert_eq!(
                        self.line.state.state_hash(),
                        before.state_hash(),
                        "{refusal}"
                    );
                }
            }
        }
    }

    /// Takes a snapshot, not of the state that lived but of one that came from the snapshot before it: what was never
    /// looked into since is passed on as it was.
    fn snapshot(&mut self) {
        let from = match self.snapshots.last() {
            Some((at, bytes)) => {
                let state = State::from_snapshot(bytes.clone()).expect("a snapshot reads back");
                follow(state, &self.line.records[*at..])
            }
            None => self.line.state.clone(),
        };
        let bytes = from.to_snapshot().expect("a sound state");
        let back = State::from_snapshot(bytes.clone()).expect("a snapshot reads back");
        assert_eq!(
            back.state_hash(),
            self.line.state.state_hash(),
            "a snapshot forgets"
        );
        assert_eq!(back.tallies, self.line.state.tallies, "a snapshot forgets");
        self.snapshots.push((self.line.records.len(), bytes));
    }

    /// Replays the records: all of them with and without an index, and those after each snapshot.
    fn replay(&self) {
        let live = &self.line.state;
        let hash = live.state_hash();
        let indexed = State::default();
        indexed.graph();
        for start in [State::default(), indexed] {
            let state = follow(start, &self.line.records);
            assert_eq!(state.state_hash(), hash, "replay is not what was lived");
            assert_eq!(state.tallies, live.tallies, "replay is not what was lived");
            assert!(state.graph() == live.graph());
        }
        for (at, bytes) in &self.snapshots {
            let state = State::from_snapshot(bytes.clone()).expect("a snapshot reads back");
            assert_eq!(state.head.seq, *at as u64);
            let state = follow(state, &self.line.records[*at..]);
            assert_eq!(
                state.state_hash(),
                hash,
                "the snapshot at {at} is not the state"
            );
            assert_eq!(state.tallies, live.tallies, "the snapshot at {at}");
            assert!(!state.is_damaged() && state.graph() == live.graph());
        }
    }

    fn pass_time(&mut self) {
        let line = &mut self.line;
        match self.random.below(1_000) {
            0 => {
                line.jump(i64::from(self.random.within(0, 2_000)) * 60 - 60_000);
            }
            1..10 => line.wait(-30),
            10..20 => line.wait(3_600),
            20..320 => line.wait(120),
            // A heartbeat beside the ledger, now and then of an epoch that is over.
            320..380 => {
                let leased: Vec<_> = line
                    .state
                    .work_orders()
                    .filter_map(|o| Some((o.id, o.lease()?)))
                    .collect();
                if !leased.is_empty() {
                    let (id, lease) = self.random.of(&leased);
                    let epoch = lease.epoch - u32::from(self.random.one_in(4));
                    line.heartbeat(id, epoch, i64::from(lease.seconds));
                }
            }
            _ => {}
        }
    }
}

fn follow(mut state: State, records: &[Record]) -> State {
    for record in records {
        evolve::evolve(&mut state, record).expect("a known event");
    }
    state
}
