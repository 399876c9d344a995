//! What is due comes before the command that finds it, and clocks that jump take nobody's lease.

use std::time::Duration;

use obeya::{
    domain::{
        command::{Command, Sla},
        order::Phase,
        refusal::Refusal,
        time::{DAY, HOUR, MINUTE},
    },
    ledger::Home,
};

use super::*;

/// How long a rival waits for the turn that nobody else has.
const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn a_lapsed_lease_is_free_for_the_very_command_that_finds_it() {
    let shop = Shop::new();
    let mut writer = shop.writer();
    let id = subject(&done(writer.submit(&create("leased"))));
    let first = done(writer.submit(&claim(id, 60)));
    shop.clock.advance(61 * SECOND);
    let before = shop.records().len();
    let second = done(shop.writer().submit(&claim(id, 60)));
    assert_eq!(
        kinds(&shop.records()[before..]),
        ["lease_lapsed", "order_started"]
    );
    assert_eq!((first.records.len(), second.records.len()), (1, 1));
    let refused = shop
        .writer()
        .heartbeat(id, 1, &Actor::agent("robot"), Role::Agent, "");
    assert!(matches!(
        refused,
        Ok(Err(Refusal::StaleEpoch {
            current: Some(2),
            ..
        }))
    ));
}

#[test]
fn who_only_looks_records_nothing_that_is_due() {
    let shop = Shop::new();
    let mut writer = shop.writer();
    let id = subject(&done(writer.submit(&create("leased"))));
    done(writer.submit(&claim(id, 60)));
    shop.clock.advance(61 * SECOND);
    let before = shop.records().len();
    let dry = Submission {
        dry_run: true,
        ..claim(id, 60)
    };
    let shown = done(shop.writer().submit(&dry));
    assert_eq!(kinds(&shown.records), ["order_started"]);
    let viewer = Submission {
        role: Role::Viewer,
        ..create("mine")
    };
    let refused = shop.writer().submit(&viewer);
    assert!(matches!(refused, Reply::Refused(Refusal::Role { .. })));
    assert_eq!(shop.records().len(), before);
    shop.writer().settle().unwrap();
    assert_eq!(kinds(&shop.records()[before..]), ["lease_lapsed"]);
}

#[test]
fn heartbeats_renew_a_lease_and_leave_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path()).unwrap();
    // What lies beside a ledger lies nowhere else.
    std::fs::write(home.database(), "").unwrap();
    let shop = Shop::new();
    for kept in [Some(&home), None] {
        let clock = Arc::new(shop.clock.clone());
        let mut writer = Writer::new(Box::new(shop.ledger.clone()), clock, kept);
        let id = subject(&done(writer.submit(&create("alive"))));
        done(writer.submit(&claim(id, 60)));
        let epoch = writer.state().order(id).unwrap().lease().unwrap().epoch;
        let before = shop.records().len();
        let other = writer.heartbeat(id, epoch, &Actor::agent("thief"), Role::Agent, "");
        assert!(matches!(other, Ok(Err(Refusal::NotHolder { .. }))));
        for _ in 0..10 {
            shop.clock.advance(40 * SECOND);
            let robot = Actor::agent("robot");
            let until = writer
                .heartbeat(id, epoch, &robot, Role::Agent, "working")
                .unwrap();
            assert_eq!(until, Ok(shop.clock.read_wall().plus(MINUTE)));
        }
        shop.clock.advance(59 * SECOND);
        writer.settle().unwrap();
        assert_eq!(shop.records().len(), before, "nothing of it on the ledger");
        shop.clock.advance(2 * SECOND);
        let late = writer.heartbeat(id, epoch, &Actor::agent("robot"), Role::Agent, "late");
        assert!(
            matches!(late, Ok(Err(Refusal::StaleEpoch { .. }))),
            "{late:?}"
        );
        assert_eq!(kinds(&shop.records()[before..]), ["lease_lapsed"]);
        assert_eq!(writer.state().order(id).unwrap().phase, Phase::Queued);
    }
}

#[test]
fn a_beat_takes_no_turn_while_its_lease_runs() {
    let shop = Shop::new();
    let mut writer = shop.writer();
    let id = subject(&done(writer.submit(&create("leased"))));
    done(writer.submit(&claim(id, 60)));
    let robot = Actor::agent("robot");
    let mut rival = shop.ledger.clone();
    // Renewed twice, so that the lease which the ledger knows is over while the one that was renewed runs.
    for _ in 0..2 {
        shop.clock.advance(50 * SECOND);
        rival.begin(PATIENCE).unwrap();
        let until = writer.heartbeat(id, 1, &robot, Role::Agent, "").unwrap();
        rival.end();
        assert_eq!(until, Ok(shop.clock.read_wall().plus(MINUTE)));
    }
    assert!(writer.state().order(id).unwrap().lease().is_some());
}

#[test]
fn a_viewer_renews_nothing() {
    let shop = Shop::new();
    let mut writer = shop.writer();
    let id = subject(&done(writer.submit(&create("leased"))));
    done(writer.submit(&claim(id, 60)));
    shop.clock.advance(30 * SECOND);
    let beat = writer.heartbeat(id, 1, &Actor::agent("robot"), Role::Viewer, "");
    let refused = Refusal::Role {
        has: Role::Viewer,
        needs: Role::Agent,
    };
    assert_eq!(beat.unwrap(), Err(refused));
    shop.clock.advance(31 * SECOND);
    writer.settle().unwrap();
    assert_eq!(writer.state().order(id).unwrap().phase, Phase::Queued);
}

trait Wall {
    fn read_wall(&self) -> Timestamp;
}

impl Wall for HeldClock {
    fn read_wall(&self) -> Timestamp {
        obeya::engine::Clock::read(self).wall
    }
}

#[test]
fn a_long_absence_is_caught_up_in_several_commits_before_the_command() {
    let shop = Shop::new();
    let mut writer = shop.writer();
    let promise = Command::SetBucket {
        bucket: Bucket::Cost,
        wip_limit: None,
        sla: Some(Sla::Hours(1)),
    };
    done(writer.submit(&person(promise)));
    for _ in 0..2_500 {
        done(writer.submit(&create_in(Bucket::Cost)));
    }
    let before = shop.records().len();
    shop.clock.advance(400 * DAY);
    let own = done(writer.submit(&create("at last")));
    let records = shop.records();
    let breaches = records[before..]
        .iter()
        .filter(|record| record.kind == "sla_breached")
        .count();
    assert_eq!(breaches, 2_500);
    assert_eq!(records.last().unwrap(), &own.records[0], "due things first");
    assert_eq!(writer.state().state_hash(), replayed(&records));
    assert_eq!(writer.state().alerts.len(), 1, "one condition, one alert");
}

/// Claims two orders, lets the clock jump, and returns the kinds of what the next command found.
fn after_a_jump(jump: impl Fn(&HeldClock)) -> (Shop, Writer, Vec<String>) {
    let shop = Shop::new();
    let mut writer = shop.writer();
    for _ in 0..2 {
        let id = subject(&done(writer.submit(&create("leased"))));
        done(writer.submit(&claim(id, 600)));
    }
    shop.clock.advance(MINUTE);
    let before = shop.records().len();
    jump(&shop.clock);
    done(writer.submit(&create("after the jump")));
    let found = shop.records()[before..]
        .iter()
        .map(|record| record.kind.clone())
        .collect();
    (shop, writer, found)
}

#[test]
fn a_clock_that_jumps_raises_one_alert_and_renews_every_lease() {
    for jump in [365 * DAY, -365 * DAY, 2 * HOUR] {
        let (shop, mut writer, found) = after_a_jump(|clock| clock.jump(jump));
        assert_eq!(found, ["alert_raised", "leases_renewed", "order_created"]);
        let until = shop.clock.read_wall().plus(600 * SECOND);
        for id in [1, 2].map(OrderId::work) {
            let lease = writer.state().order(id).unwrap().lease().unwrap();
            assert_eq!(lease.expires_at, until);
        }
        let before = shop.records().len();
        shop.clock.advance(9 * MINUTE);
        writer.settle().unwrap();
        let lapsed = |from: usize| {
            let records = shop.records();
            records[from..]
                .iter()
                .filter(|record| record.kind == "lease_lapsed")
                .count()
        };
        assert_eq!(lapsed(before), 0);
        shop.clock.advance(2 * MINUTE);
        writer.settle().unwrap();
        assert_eq!(lapsed(before), 2, "no lock outlives its lease");
    }
}

#[test]
fn a_suspend_and_a_reboot_are_no_jumps() {
    let (_, _, found) = after_a_jump(|clock| clock.advance(5 * MINUTE));
    assert_eq!(found, ["order_created"]);
    let (_, _, found) = after_a_jump(|clock| {
        clock.jump(2 * MINUTE);
        clock.reboot("another");
    });
    assert_eq!(found, ["order_created"]);
}

#[test]
fn a_jump_whose_record_was_not_written_is_noticed_again() {
    let shop = Shop::new();
    let mut writer = shop.writer();
    let id = subject(&done(writer.submit(&create("leased"))));
    done(writer.submit(&claim(id, 600)));
    let before = shop.records().len();
    shop.clock.jump(365 * DAY);
    shop.ledger
        .inject(obeya::ledger::memory::Injection::CommitFails(
            obeya::ledger::FaultKind::Io,
        ));
    assert!(matches!(writer.submit(&create("lost")), Reply::Failed(_)));
    done(writer.submit(&create("written")));
    assert_eq!(
        kinds(&shop.records()[before..]),
        ["alert_raised", "leases_renewed", "order_created"]
    );
}

#[test]
fn a_beat_from_a_clock_that_was_ahead_does_not_hold_an_order_for_a_year() {
    let shop = Shop::new();
    let mut writer = shop.writer();
    let id = subject(&done(writer.submit(&create("leased"))));
    done(writer.submit(&claim(id, 600)));
    shop.clock.jump(365 * DAY);
    writer.settle().unwrap();
    let beat = writer
        .heartbeat(id, 1, &Actor::agent("robot"), Role::Agent, "")
        .unwrap();
    assert!(beat.is_ok());
    shop.clock.jump(-365 * DAY);
    writer.settle().unwrap();
    shop.clock.advance(601 * SECOND);
    writer.settle().unwrap();
    assert_eq!(writer.state().order(id).unwrap().phase, Phase::Queued);
}

#[test]
fn two_processes_tell_of_one_jump_once() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path()).unwrap();
    let shop = Shop::new();
    let open = || {
        let clock = Arc::new(shop.clock.clone());
        Writer::new(Box::new(shop.ledger.clone()), clock, Some(&home))
    };
    let (mut one, mut two) = (open(), open());
    one.settle().unwrap();
    two.settle().unwrap();
    let before = shop.records().len();
    shop.clock.jump(DAY);
    one.settle().unwrap();
    two.settle().unwrap();
    assert_eq!(kinds(&shop.records()[before..]), ["alert_raised"]);
}

#[test]
fn a_viewer_does_not_even_make_due_things_be_written() {
    let shop = Shop::new();
    let mut writer = shop.writer();
    let id = subject(&done(writer.submit(&create("leased"))));
    done(writer.submit(&claim(id, 60)));
    shop.clock.advance(61 * SECOND);
    let before = shop.records();
    let mut attempt = create("by a viewer");
    attempt.role = Role::Viewer;
    let reply = writer.submit(&attempt);
    assert!(matches!(reply, Reply::Refused(Refusal::Role { .. })));
    assert_eq!(shop.records(), before);
}
