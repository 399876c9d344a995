//! A storm of alerts: put together, marked, and done with at one stroke; and what is left of one that is over.

use std::time::Instant;

use obeya::{
    domain::{
        andon::{Scope, Severity},
        command::{Command, Hold},
        id::AlertId,
        order::Actor,
    },
    ui::model::{Focus, View},
};

use crate::support::{
    console::{Console, lacks, shows},
    sample,
    world::World,
};

/// Returns a line in a storm: so many alerts of one condition, two of another that hold, and those of the sample.
fn storm(disks: usize) -> World {
    let mut world = sample::line();
    let bo = Actor::person("bo");
    let mut raise = |reason: String, severity, hold| {
        let cord = Command::TriggerAndon {
            reason,
            severity,
            hold: Some(hold),
            fingerprint: None,
            order: None,
        };
        world.order(&bo, cord);
    };
    for disk in 0..disks {
        let reason = format!("disk of node-{disk} is full");
        raise(reason, Severity::High, Hold::Nothing);
    }
    for belt in 1..=2 {
        let hold = Hold::Scope(Scope::Stage("test".into()));
        raise(format!("belt {belt} broke"), Severity::Critical, hold);
    }
    world
}

fn console(disks: usize) -> Console {
    let mut console = Console::new(storm(disks), (120, 40));
    console.keys("4");
    console
}

fn of(console: &Console, reason: &str) -> Vec<AlertId> {
    let alerts = console.world.state.alerts.values();
    let alike = alerts.filter(|alert| alert.reason.starts_with(reason));
    alike.map(|alert| alert.id).collect()
}

#[test]
fn five_hundred_alerts_are_a_few_rows_and_one_answer() {
    let mut console = console(490);
    shows(&console, "494 open alerts");
    shows(&console, "and 1 more");
    let begun = Instant::now();
    console.keys("f");
    shows(&console, "alerts by condition");
    shows(&console, "490 alerts");
    shows(&console, "disk of node-# is full");
    shows(&console, "belt # broke");
    console.keys("jj");
    let first = of(&console, "disk")[0];
    assert_eq!(console.model.selected_alert(), Some(first));
    console.keys("a");
    shows(&console, "Acknowledge 490 alerts?");
    shows(&console, "and 482 more");
    console.keys("y");
    shows(&console, "Acknowledge: 490 alerts done");
    let seen = |id: &AlertId| {
        console
            .world
            .state
            .alert(*id)
            .unwrap()
            .acknowledged
            .is_some()
    };
    assert!(of(&console, "disk").iter().all(seen));
    assert!(!of(&console, "belt").iter().any(seen));
    // Well within a debug build's means; it was quadratic once.
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}

#[test]
fn where_no_two_are_alike_grouping_says_so() {
    let mut console = Console::new(sample::line(), (120, 40));
    console.keys("4f");
    shows(&console, "alerts by condition: no two are alike");
}

#[test]
fn a_group_opens_and_closes_and_the_ways_lead_round() {
    let mut console = console(5);
    console.keys("fjj<enter>");
    shows(&console, "disk of node-3 is full");
    assert_eq!(console.model.focus, Focus::View);
    lacks(&console, "disk of node-#");
    console.keys("<esc>");
    shows(&console, "disk of node-#");
    console.keys("f");
    shows(&console, "holds stage:test");
    console.keys("f");
    shows(&console, "raised by bo");
    console.keys("f");
    shows(&console, "alerts one by one");
    assert_eq!(console.model.queue.rows.len(), 9);
    // An alert that is gone to by name is seen, whatever hides it.
    console.keys("f");
    let last = of(&console, "disk")[4];
    console.keys(&format!(";{last}<enter>"));
    assert_eq!(console.model.selected_alert(), Some(last));
    shows(&console, "disk of node-4 is full");
}

#[test]
fn whoever_comes_to_the_queue_stands_on_what_calls() {
    let mut console = console(3);
    let disk = of(&console, "disk")[1];
    console.model.andon.selected = Some(disk);
    console.keys("14");
    let belts = of(&console, "belt");
    assert_eq!(console.model.selected_alert(), Some(belts[0]));
    // Within the view nothing moves the selection; and what was acknowledged calls nobody.
    console.keys("a1");
    console.model.andon.selected = Some(belts[1]);
    console.keys("4a");
    console.model.andon.selected = Some(disk);
    console.keys("14");
    assert_eq!(console.model.selected_alert(), Some(disk));
}

#[test]
fn marks_are_by_hand_by_condition_by_scope_and_all() {
    let mut console = console(5);
    let marked = |console: &Console| console.model.queue.marks.len();
    console.keys("<space><space>");
    assert_eq!(marked(&console), 2);
    shows(&console, "2 marked of 9 open alerts");
    console.keys("U");
    assert_eq!(marked(&console), 0);
    let disk = of(&console, "disk")[0];
    console.model.andon.selected = Some(disk);
    console.keys("M");
    assert_eq!(marked(&console), 5);
    console.keys("M");
    assert_eq!(marked(&console), 0, "the same again takes them off");
    console.model.andon.selected = Some(of(&console, "belt")[0]);
    console.keys("S");
    assert_eq!(
        console.model.queue.marks,
        of(&console, "belt").into_iter().collect()
    );
    console.keys("V");
    assert_eq!(marked(&console), 9);
    console.keys("<esc>");
    assert_eq!(marked(&console), 0);
    assert_eq!(console.model.view, View::Andon);
}

#[test]
fn what_is_refused_is_counted_and_said() {
    let mut console = console(3);
    console.keys("V");
    let records = console.world.records.len();
    console.keys("e");
    // The belts are critical already: that is said before, and nothing of them is asked.
    shows(&console, "Escalate 5 alerts?");
    shows(&console, "2 more: critical already, left out.");
    console.keys("n");
    assert_eq!(console.world.records.len(), records);
    // What somebody else did since the question is refused.
    let disks = of(&console, "disk");
    console.keys("e");
    let worst = Command::EscalateAlert {
        id: disks[0],
        to: Some(Severity::Critical),
        reason: None,
    };
    console.world.order(&Actor::person("bo"), worst);
    console.keys("y");
    shows(&console, "Escalate: 4 alerts done, 1 refused");
    shows(&console, "is critical already: nothing");
    for id in of(&console, "disk") {
        let alert = console.world.state.alert(id).unwrap();
        assert_eq!(alert.severity, Severity::Critical);
    }
    // What was done is marked no more; what was refused is a row that leads to it.
    let marks = &console.model.queue.marks;
    assert!(marks.contains(&disks[0]) && !marks.contains(&disks[1]));
    console.keys("<enter>");
    assert_eq!(console.model.selected_alert(), Some(disks[0]));
}

#[test]
fn what_somebody_took_notice_of_is_not_asked_again() {
    let mut console = console(3);
    let disks = of(&console, "disk");
    let bo = Actor::person("bo");
    console
        .world
        .order(&bo, Command::AcknowledgeAlert { id: disks[0] });
    console.publish();
    console.model.andon.selected = Some(disks[1]);
    console.keys("Ma");
    shows(&console, "Acknowledge 2 alerts?");
    shows(&console, "1 more: acknowledged already, left out.");
    console.keys("y");
    shows(&console, "Acknowledge: 2 alerts done");
    console.keys("UMa");
    shows(&console, "3 alerts: acknowledged already");
    assert!(console.model.overlay.is_none());
}

#[test]
fn a_storm_is_taken_though_one_of_it_is_over_meanwhile() {
    let mut console = console(4);
    let disks = of(&console, "disk");
    console.model.andon.selected = Some(disks[1]);
    console.keys("Mt");
    shows(&console, "Take 4 alerts?");
    let resolution = "it was emptied".into();
    let over = Command::ResolveAlert {
        id: disks[0],
        resolution,
    };
    console.world.order(&Actor::person("bo"), over);
    console.publish();
    console.keys("y");
    let state = &console.world.state;
    let mends = state.alert(disks[1]).unwrap().corrective[0];
    assert!(state.order(mends).unwrap().work().is_some());
    for id in &disks[1..] {
        let alert = state.alert(*id).unwrap();
        assert_eq!(alert.corrective, [mends]);
        assert!(alert.acknowledged.is_some());
    }
    shows(&console, "Take: 3 alerts done");
    lacks(&console, "refused");
}

#[test]
fn nobody_takes_notice_where_the_order_is_refused() {
    let mut console = console(3);
    let disks = of(&console, "disk");
    console.model.andon.selected = Some(disks[0]);
    console.keys("Mt");
    let resolution = "it was emptied".into();
    let over = Command::ResolveAlert {
        id: disks[0],
        resolution,
    };
    // The console does not know of it yet.
    console.world.order(&Actor::person("bo"), over);
    console.keys("y");
    shows(&console, "1 refused");
    for id in &disks[1..] {
        let alert = console.world.state.alert(*id).unwrap();
        assert!(alert.acknowledged.is_none() && alert.corrective.is_empty());
    }
}

#[test]
fn a_long_reason_is_cut_to_what_a_title_holds() {
    let reason = |n: u32| format!("pump {n} e\u{301}{} ", "e\u{301}x".repeat(320));
    let mut world = sample::line();
    for n in 1..=3 {
        let cord = Command::TriggerAndon {
            reason: reason(n),
            severity: Severity::High,
            hold: Some(Hold::Nothing),
            fingerprint: None,
            order: None,
        };
        world.order(&Actor::person("bo"), cord);
    }
    let mut console = Console::new(world, (120, 40));
    console.keys("4");
    let pumps = of(&console, "pump");
    console.model.andon.selected = Some(pumps[0]);
    console.keys("t");
    console.model.andon.selected = Some(pumps[1]);
    console.keys("Mty");
    for id in pumps {
        let alert = console.world.state.alert(id).unwrap();
        assert!(alert.acknowledged.is_some(), "{id}");
        let order = console.world.state.order(alert.corrective[0]).unwrap();
        assert!(order.work().is_some());
        assert!(order.title.starts_with("Mend ") && order.title.chars().count() <= 300);
    }
}

#[test]
fn a_group_stays_closed_when_a_worse_alert_comes_to_stand_for_it() {
    let mut console = console(5);
    console.keys("fjj");
    let head = of(&console, "disk")[0];
    assert_eq!(console.model.selected_alert(), Some(head));
    let cord = Command::TriggerAndon {
        reason: "disk of node-99 is full".into(),
        severity: Severity::Critical,
        hold: Some(Hold::Nothing),
        fingerprint: None,
        order: None,
    };
    console.world.order(&Actor::person("bo"), cord);
    console.publish();
    shows(&console, "6 alerts");
    assert_eq!(console.model.queue.open, None);
    let worse = *of(&console, "disk").last().unwrap();
    assert_eq!(console.model.selected_alert(), Some(worse));
    assert_eq!(console.model.queue.row(worse).unwrap().ids.len(), 6);
}

#[test]
fn a_storm_is_taken_with_one_order_put_to_sleep_and_resolved() {
    let mut console = console(4);
    let disks = of(&console, "disk");
    console.model.andon.selected = Some(disks[0]);
    console.keys("Mty");
    shows(&console, "Take: 4 alerts done");
    let state = &console.world.state;
    let mends = state.alert(disks[0]).unwrap().corrective[0];
    shows(&console, &format!("{mends} mends them"));
    for id in &disks {
        let alert = state.alert(*id).unwrap();
        assert_eq!(alert.corrective, [mends]);
        assert_eq!(
            alert.acknowledged.as_ref().unwrap().by,
            Actor::person("ada")
        );
    }
    assert_eq!(
        state.order(mends).unwrap().work().unwrap().holder,
        Actor::person("ada")
    );
    console.model.andon.selected = Some(disks[0]);
    console.keys("Mt");
    shows(&console, "an order mends each of them already");
    console.keys("z");
    shows(&console, "Snooze 4 alerts");
    console.keys("<enter>y");
    shows(&console, "Snooze: 4 alerts done");
    console.keys("Mrlarger disks<enter>");
    shows(&console, "Resolution: larger disks");
    console.keys("y");
    shows(&console, "Resolve: 4 alerts done");
    assert_eq!(of(&console, "disk"), []);
}

#[test]
fn an_alert_that_is_over_is_found_again_and_told_as_one_record() {
    let mut console = console(1);
    let belt = of(&console, "belt")[0];
    console.model.andon.selected = Some(belt);
    console.keys("tera new belt<enter>");
    lacks(&console, "belt 1 broke");
    console.keys("R");
    shows(&console, "belt 1 broke");
    shows(&console, "resolved");
    let heads = console.model.queue.heads();
    assert_eq!(heads.last(), Some(&belt), "behind the open ones");
    console.keys("G");
    assert_eq!(console.model.shown_alert(), Some(belt));
    for told in [
        "Timeline",
        "raised, critical",
        "acknowledged",
        "What it freed",
        "a new belt",
        "What mends it",
    ] {
        shows(&console, told);
    }
    let records = console.world.records.len();
    console.keys("a");
    shows(&console, &format!("{belt} is resolved"));
    assert_eq!(console.world.records.len(), records);
    // A line of the order that mends it leads there.
    console.keys("<enter>");
    assert_eq!(console.model.focus, Focus::Detail);
    console.keys("G");
    let mut steps = 0;
    while console.model.place().is_none() && steps < 40 {
        console.keys("k");
        steps += 1;
    }
    console.keys("<enter>");
    assert!(console.model.detail.is_some(), "after {steps} lines");
    console.keys("<esc>R");
    lacks(&console, "belt 1 broke");
}

#[test]
fn the_past_shows_the_alert_as_it_was() {
    let mut console = console(1);
    let belt = of(&console, "belt")[0];
    console.model.andon.selected = Some(belt);
    console.keys("ra new belt<enter>");
    console.keys("[");
    shows(&console, "belt 1 broke");
    console.model.andon.selected = Some(belt);
    console.keys("<f9>");
    lacks(&console, "a new belt");
    shows(&console, "holds     stage:test until it is resolved");
    let records = console.world.records.len();
    console.keys("a");
    assert_eq!(console.world.records.len(), records);
}
