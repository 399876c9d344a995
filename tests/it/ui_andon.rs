//! Andon at three in the morning: it calls, and each thing to do about it is one key.

use std::time::{Duration, Instant};

use obeya::{
    domain::{
        andon::{Alert, Scope, Severity},
        command::{Command, Hold},
        id::AlertId,
        order::Actor,
    },
    ui::{effect::Effect, model::View, view::frame},
};

use crate::{
    cli::Room,
    support::{
        console::{Console, lacks, shows},
        pty::Start,
        sample,
    },
};

fn pull(console: &mut Console, severity: Severity, by: &str) -> AlertId {
    let id = AlertId(console.world.state.numbers.alert);
    let cord = Command::TriggerAndon {
        reason: "The belt broke".into(),
        severity,
        hold: Some(Hold::Scope(Scope::Line)),
        fingerprint: Some("belt".into()),
        order: None,
    };
    console.world.order(&Actor::person(by), cord);
    console.publish();
    id
}

/// Returns a console whose andon view has a cord of somebody else selected.
fn console(severity: Severity) -> (Console, AlertId) {
    let mut console = Console::new(sample::line(), (120, 40));
    let id = pull(&mut console, severity, "bo");
    console.keys("4");
    console.model.andon.selected = Some(id);
    console.keys("<f9>");
    assert_eq!(console.model.selected_alert(), Some(id));
    (console, id)
}

fn alert(console: &Console, id: AlertId) -> Alert {
    Alert::clone(console.world.state.alert(id).unwrap())
}

fn calls(console: &Console) -> usize {
    let calls = console.wishes.iter();
    calls.filter(|w| matches!(w, Effect::Notify(_))).count()
}

#[test]
fn only_what_is_critical_and_somebody_elses_calls() {
    let mut console = Console::new(sample::line(), (120, 40));
    assert_eq!(calls(&console), 0, "what was there before is no news");
    pull(&mut console, Severity::High, "bo");
    assert_eq!(calls(&console), 0);
    // The same condition grows worse.
    pull(&mut console, Severity::Critical, "bo");
    assert_eq!(calls(&console), 1);
    pull(&mut console, Severity::Critical, "bo");
    assert_eq!(calls(&console), 1, "a repeat is no news");
    console.keys(":notify test<enter>");
    assert_eq!(calls(&console), 2);
}

#[test]
fn the_window_says_what_is_critical() {
    let mut console = Console::new(sample::line(), (120, 40));
    assert!(frame::title(&console.model).ends_with("obeya demo"));
    let id = pull(&mut console, Severity::Critical, "bo");
    for id in console
        .world
        .state
        .alerts
        .keys()
        .copied()
        .collect::<Vec<_>>()
    {
        if alert(&console, id).reason != "The belt broke" {
            let resolution = "mended".into();
            let resolve = Command::ResolveAlert { id, resolution };
            console.world.order(&Actor::person("bo"), resolve);
        }
    }
    console.publish();
    let title = frame::title(&console.model);
    assert_eq!(title, format!("■ {id} The belt broke - obeya demo"));
}

#[test]
fn take_acknowledges_and_starts_the_order_that_mends() {
    let (mut console, id) = console(Severity::High);
    console.keys("t");
    let taken = alert(&console, id);
    let made = taken.corrective[0];
    shows(
        &console,
        &format!("{made} created and started; it mends {id}"),
    );
    assert_eq!(taken.acknowledged.unwrap().by, Actor::person("ada"));
    assert_eq!(taken.corrective.len(), 1);
    let state = &console.world.state;
    let order = state.order(taken.corrective[0]).unwrap();
    // The line is held, and what mends it goes on.
    assert_eq!(order.work().unwrap().holder, Actor::person("ada"));
    assert!(order.title.contains("The belt broke"), "{}", order.title);
    let count = console.world.records.len();
    console.keys("t");
    shows(&console, "is yours already");
    assert_eq!(console.world.records.len(), count);
}

#[test]
fn a_mending_order_that_waits_is_taken_instead_of_a_new_one() {
    let (mut console, id) = console(Severity::High);
    console.keys("c");
    shows(&console, "Mend ");
    console.keys("<ctrl-s>");
    let mending = alert(&console, id).corrective;
    assert_eq!(mending.len(), 1);
    assert!(
        console
            .world
            .state
            .order(mending[0])
            .unwrap()
            .work()
            .is_none()
    );
    console.keys("t");
    assert_eq!(alert(&console, id).corrective, mending);
    assert!(
        console
            .world
            .state
            .order(mending[0])
            .unwrap()
            .work()
            .is_some()
    );
}

#[test]
fn what_another_alert_holds_too_is_taken_with_it_or_not_at_all() {
    let (mut console, id) = console(Severity::High);
    let other = Command::TriggerAndon {
        reason: "The motor burns".into(),
        severity: Severity::High,
        hold: Some(Hold::Scope(Scope::Line)),
        fingerprint: None,
        order: None,
    };
    console.world.order(&Actor::person("bo"), other);
    console.publish();
    let records = console.world.records.len();
    shows(&console, "ready, also held by ALERT-");
    console.keys("t");
    shows(
        &console,
        "nothing was done: what mends it is also held by ALERT-",
    );
    assert_eq!(console.world.records.len(), records);
    console.model.andon.selected = Some(id);
    console.keys("Sty");
    let made = alert(&console, id).corrective[0];
    let state = &console.world.state;
    assert!(state.order(made).unwrap().work().is_some());
    assert_eq!(state.order(made).unwrap().corrective.len(), 2);
}

#[test]
fn escalation_goes_one_step_and_stops_at_the_worst() {
    let (mut console, id) = console(Severity::Medium);
    console.keys("e");
    shows(&console, &format!("Escalate {id} from medium to high?"));
    console.keys("n");
    assert_eq!(alert(&console, id).severity, Severity::Medium);
    console.keys("ey");
    assert_eq!(alert(&console, id).severity, Severity::High);
    shows(&console, "an escalation cannot be undone");
    console.keys("ey");
    assert_eq!(alert(&console, id).severity, Severity::Critical);
    assert_eq!(alert(&console, id).hold, Some(Scope::Line));
    console.keys("e");
    shows(&console, "is critical already");
}

#[test]
fn the_work_it_stops_is_one_key_away() {
    let (mut console, id) = console(Severity::High);
    console.keys("b");
    shows(&console, &format!("What {id} stops"));
    shows(&console, "in progress, cannot move on");
    console.keys("<enter>");
    lacks(&console, &format!("What {id} stops"));
    assert!(console.model.detail.is_some() || console.model.view != View::Andon);
}

#[test]
fn the_next_shift_is_told_by_a_key() {
    let (mut console, _) = console(Severity::High);
    console.keys("H");
    let asked = console.wishes.iter().any(
        |wish| matches!(wish, Effect::Run { line, .. } if line.starts_with("report handover")),
    );
    assert!(asked);
}

#[test]
fn another_process_is_heard_within_a_second_in_every_view() {
    let room = Room::new();
    room.done("work-order create --title \"Any work\" --bucket features");
    let mut pty = Start::console(room.path()).go();
    pty.shows("Orders by status").shows("host").settle();
    for (at, view) in ["1", "2", "3", "4", "5", "6"].iter().enumerate() {
        pty.keys(view).settle();
        let (bells, before) = (bells(&pty.bytes), pty.bytes.len());
        let reason = format!("cord {view}");
        room.done(&format!(
            "--actor bo andon trigger --reason \"{reason}\" --severity critical"
        ));
        let raised = Instant::now();
        pty.wait_for("the band", |screen| {
            screen
                .contents()
                .contains(&format!("CRITICAL ALERT-00{}", at + 1))
        });
        assert!(raised.elapsed() < Duration::from_secs(1), "view {view}");
        pty.settle();
        let sent = String::from_utf8_lossy(&pty.bytes[before..]).into_owned();
        assert!(
            sent.contains(&format!("{reason} - obeya")),
            "the title: {sent:?}"
        );
        assert_eq!(self::bells(&pty.bytes), bells + 1, "view {view}");
        room.done(&format!("andon resolve ALERT-00{} --resolution ok", at + 1));
        pty.hides("CRITICAL ALERT").settle();
    }
    pty.keys("<esc>q");
}

/// Returns how often the bell rang; the titles end otherwise.
fn bells(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == 7).count()
}

#[test]
fn three_in_the_morning() {
    let room = Room::new();
    room.done("work-order create --title \"Work on the belt\" --bucket features");
    let mut pty = Start::console(room.path()).size(120, 40).go();
    pty.shows("Orders by status")
        .shows("host")
        .keys("2")
        .settle();
    room.done("--actor bo andon trigger --reason \"the belt broke\" --severity high --hold line");
    room.done("--actor bo andon trigger --reason \"the motor burns\" --severity critical");
    let raised = Instant::now();
    pty.shows("CRITICAL ALERT-002");
    assert!(raised.elapsed() < Duration::from_secs(1));
    // One key leads to the queue, whose first is the worst; then one key each.
    pty.keys("4")
        .shows("2 open alerts")
        .shows("the motor burns");
    pty.keys("a").shows("ALERT-002 acknowledged");
    pty.keys("j").shows("ALERT-001 ─").settle();
    pty.keys("e").shows("Escalate ALERT-001 from high to");
    pty.keys("y").shows("ALERT-001 grew to critical");
    pty.keys("G").settle();
    pty.keys("t").shows("also held by ALERT-00");
    pty.keys("S").settle();
    pty.keys("t").shows("Take 2 alerts?");
    pty.keys("y").shows("What mends it").settle();
    pty.keys("c").shows("Mend ALERT-");
    pty.keys("\x13").hides("bucket").settle();
    pty.keys("r").shows("Resolve ALERT-");
    pty.keys("a new belt\r").shows("1 open alert");
    pty.keys("R").shows("resolved now").settle();
    pty.keys("G").shows("Timeline").shows("a new belt");
    let told = room.done("andon list --all");
    assert!(told.out.contains("resolved"), "{}", told.out);
    assert_eq!(pty.keys("q").end(), Ok(0));
}
