//! The machine against a model that knows the rules in another shape: a plain list of all that ever happened.

use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp(1_000_000 * SECOND).plus(seconds * SECOND)
}

fn crash() -> Ending {
    Ending::Crashed("exit 1".into())
}

/// Runs and ends slot 0 once, at the first moment it may; returns that moment and what was to be done.
fn once(machine: &mut Machine, from: Timestamp, ending: Ending) -> (Timestamp, Vec<Action>) {
    let now = match machine.open(from) {
        Some(_) => from,
        None => machine.wakes(from).expect("it will run again"),
    };
    let slot = machine.open(now).expect("it may run");
    assert!(machine.step(now, Event::Began(slot)).is_empty());
    (now, machine.step(now, Event::Ended(slot, ending)))
}

#[test]
fn an_agent_that_never_comes_up_is_parked_once_and_soon() {
    let mut machine = Machine::new(Mode::Stdio, Restart::Permanent, 1, 7);
    let (mut now, mut alerts) = (at(0), vec![]);
    for _ in 0..=INTENSITY {
        let (ran, actions) = once(&mut machine, now, crash());
        now = ran;
        alerts.extend(actions);
    }
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert!(matches!(machine.standing(), Standing::Parked(why) if why.contains("11 times")));
    assert!(now.since(at(0)) < PERIOD);
    assert_eq!((machine.open(at(9_999)), machine.wakes(now)), (None, None));
    machine.step(now, Event::Spawn);
    assert_eq!(machine.open(now), Some(0));
    assert_eq!(machine.crashes(now), 0);
}

#[test]
fn an_agent_whose_program_is_missing_is_parked_at_once() {
    for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
        let mut machine = Machine::new(Mode::Exec, restart, 2, 7);
        let missing = || Ending::Missing("'x' is not installed".into());
        machine.step(at(0), Event::Began(1));
        let (_, actions) = once(&mut machine, at(0), missing());
        assert_eq!(actions, [Action::Park("'x' is not installed".into())]);
        let again = machine.step(at(1), Event::Ended(1, missing()));
        assert_eq!(again, [], "one alert says it for all of its runs");
        assert_eq!((machine.open(at(9)), machine.crashes(at(1))), (None, 0));
        machine.step(at(9), Event::Spawn);
        assert_eq!(machine.open(at(9)), Some(0));
    }
}

#[test]
fn a_crash_after_a_healthy_run_counts_too() {
    let mut machine = Machine::new(Mode::Exec, Restart::Permanent, 1, 7);
    let mut parked = false;
    for n in 0..=INTENSITY as i64 {
        let now = at(n * 5);
        once(&mut machine, now, Ending::Well);
        let (_, actions) = once(&mut machine, now, crash());
        parked |= !actions.is_empty();
    }
    assert!(parked, "success in between must not make it go on for ever");
}

#[test]
fn crashes_far_apart_never_park() {
    let mut machine = Machine::new(Mode::Exec, Restart::Permanent, 1, 7);
    for n in 0..100 {
        let (_, actions) = once(&mut machine, at(n * 31), crash());
        assert!(actions.is_empty());
    }
}

#[test]
fn restarts_are_those_of_otp() {
    let check = |mode, restart, ending: Ending, again: bool| {
        let mut machine = Machine::new(mode, restart, 1, 7);
        once(&mut machine, at(0), ending.clone());
        let runs = machine.open(at(60)).is_some();
        assert_eq!(runs, again, "{mode:?} {restart:?} {ending:?}");
    };
    check(Mode::Stdio, Restart::Permanent, Ending::Well, true);
    check(Mode::Stdio, Restart::Permanent, crash(), true);
    check(Mode::Stdio, Restart::Transient, Ending::Well, false);
    check(Mode::Stdio, Restart::Transient, crash(), true);
    check(Mode::Stdio, Restart::Temporary, Ending::Well, false);
    check(Mode::Stdio, Restart::Temporary, crash(), false);
    check(Mode::Exec, Restart::Transient, Ending::Well, true);
    check(Mode::Exec, Restart::Temporary, Ending::Well, true);
    check(Mode::Exec, Restart::Temporary, crash(), false);
}

#[test]
fn throttling_is_no_crash_and_ends_at_its_time() {
    let mut machine = Machine::new(Mode::Exec, Restart::Permanent, 2, 7);
    let throttled = Ending::Throttled {
        source: "provider".into(),
        until: at(300),
    };
    once(&mut machine, at(0), throttled);
    assert_eq!(machine.crashes(at(0)), 0);
    assert_eq!(machine.throttled(at(299)), Some(("provider", at(300))));
    assert_eq!(
        (machine.open(at(299)), machine.open(at(300))),
        (None, Some(0))
    );
    assert_eq!(machine.wakes(at(0)), Some(at(300)));
}

#[test]
fn stop_and_scale_end_each_run_once() {
    let mut machine = Machine::new(Mode::Stdio, Restart::Permanent, 3, 7);
    for slot in 0..3 {
        machine.step(at(0), Event::Began(slot));
    }
    assert_eq!(machine.step(at(1), Event::Scale(2)), [Action::End(2)]);
    assert_eq!(
        machine.step(at(1), Event::Stop),
        [Action::End(0), Action::End(1)]
    );
    assert_eq!(machine.step(at(1), Event::Stop), []);
    for slot in 0..3 {
        machine.step(at(2), Event::Ended(slot, crash()));
    }
    assert_eq!((machine.running(), machine.crashes(at(2))), (0, 0));
    assert_eq!(machine.open(at(3)), None);
    machine.step(at(3), Event::Spawn);
    assert_eq!((machine.open(at(3)), machine.wanted()), (Some(0), 2));
}

/// What the model does: it remembers everything and reads the rules off that.
#[derive(Clone, Debug)]
enum Move {
    /// Some seconds pass, in hundredths.
    Wait(i64),
    /// Whatever may run begins.
    Begin,
    /// A run ends so.
    End(u8),
    Pause,
    Resume,
    Stop,
    Spawn,
    Scale(usize),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        4 => (0i64..2_000).prop_map(Move::Wait),
        6 => Just(Move::Begin),
        6 => (0u8..5).prop_map(Move::End),
        1 => Just(Move::Pause),
        2 => Just(Move::Resume),
        1 => Just(Move::Stop),
        2 => Just(Move::Spawn),
        1 => (0usize..4).prop_map(Move::Scale),
    ];
    prop::collection::vec(one, 1..200)
}

proptest! {
    #[test]
    fn the_machine_does_what_the_model_says(
        moves in moves(),
        seed in any::<u64>(),
        restart in prop_oneof![Just(Restart::Permanent), Just(Restart::Transient), Just(Restart::Temporary)],
    ) {
        let mut machine = Machine::new(Mode::Exec, restart, 2, seed);
        let mut now = at(0);
        // The model: crashes since somebody looked, what runs and whether it was told to end, who said what last.
        let mut crashes: Vec<Timestamp> = vec![];
        let mut runs: Vec<(usize, bool)> = vec![];
        let (mut paused, mut stopped, mut parked, mut wanted) = (false, false, false, 2usize);
        let mut throttled = at(-1);
        let mut alerts = 0;
        let mut expected = 0;
        for step in moves {
            let actions = match step {
                Move::Wait(hundredths) => {
                    now = now.plus(hundredths * SECOND / 100);
                    vec![]
                }
                Move::Begin => match machine.open(now) {
                    Some(slot) => {
                        prop_assert!(!(paused || stopped || parked) && throttled <= now);
                        prop_assert!(slot < wanted && runs.iter().all(|(other, _)| *other != slot));
                        runs.push((slot, false));
                        machine.step(now, Event::Began(slot))
                    }
                    None => {
                        let full = (0..wanted).all(|slot| runs.iter().any(|(other, _)| *other == slot));
                        let waits = machine.wakes(now).is_some_and(|until| until.since(now) <= LONGEST_PAUSE || until == throttled);
                        prop_assert!(paused || stopped || parked || full || waits, "nothing keeps it from running");
                        vec![]
                    }
                },
                Move::End(how) => {
                    if runs.is_empty() {
                        continue;
                    }
                    let (slot, told) = runs.remove(0);
                    let ending = match how {
                        0 => Ending::Well,
                        1 => Ending::Failed,
                        2 => Ending::Stopped,
                        3 => Ending::Throttled { source: "p".into(), until: now.plus(10 * SECOND) },
                        _ => crash(),
                    };
                    if !told && matches!(ending, Ending::Throttled { .. }) {
                        throttled = now.plus(10 * SECOND);
                    }
                    if !told && how == 4 {
                        crashes.push(now);
                        let lately = crashes.iter().filter(|at| now.since(**at) < PERIOD).count();
                        let gives_up = restart == Restart::Temporary || lately > INTENSITY;
                        if gives_up && !(parked || stopped) {
                            parked = true;
                            expected += 1;
                        }
                    }
                    machine.step(now, Event::Ended(slot, ending))
                }
                Move::Pause => { paused = true; machine.step(now, Event::Pause) }
                Move::Resume => { paused = false; machine.step(now, Event::Resume) }
                Move::Stop => { stopped = true; parked = false; machine.step(now, Event::Stop) }
                Move::Spawn => {
                    (stopped, parked, throttled) = (false, false, at(-1));
                    crashes.clear();
                    machine.step(now, Event::Spawn)
                }
                Move::Scale(count) => { wanted = count; machine.step(now, Event::Scale(count)) }
            };
            for action in actions {
                match action {
                    Action::Park(_) => alerts += 1,
                    Action::End(slot) => {
                        let run = runs.iter_mut().find(|(other, _)| *other == slot);
                        let (_, told) = run.expect("only what runs is ended");
                        prop_assert!(!std::mem::replace(told, true), "each is told once");
                    }
                }
            }
            prop_assert_eq!(alerts, expected);
            prop_assert_eq!(machine.running(), runs.len());
            prop_assert_eq!(matches!(machine.standing(), Standing::Parked(_)), parked);
            if stopped {
                prop_assert!(runs.iter().all(|(_, told)| *told), "nothing runs on that was not told to end");
            }
        }
    }
}
