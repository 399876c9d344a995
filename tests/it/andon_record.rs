//! An alert as one record: it is made worse, what its end frees is counted, and all of it is one timeline.

use obeya::domain::{
    andon::{Freed, Scope, Severity},
    command::{Command, Hold, NewOrder, Role},
    event::Event,
    id::{AlertId, OrderId},
    moment::Moment,
    order::Actor,
    query::{Answer, Query, andon::AlertDetail},
    refusal::Refusal,
};

use crate::support::{
    line::{Line, rule},
    world::World,
};

fn raise(world: &mut World, hold: Option<Scope>, fingerprint: Option<&str>) -> AlertId {
    let id = AlertId(world.state.numbers.alert);
    let cord = Command::TriggerAndon {
        reason: "the belt broke".into(),
        severity: Severity::High,
        hold: hold.map(Hold::Scope),
        fingerprint: fingerprint.map(Into::into),
        order: None,
    };
    world.order(&Actor::person("bo"), cord);
    id
}

fn create(world: &mut World, corrective: Vec<AlertId>) -> OrderId {
    let id = OrderId::work(world.state.numbers.work);
    let order = NewOrder {
        corrective,
        ..NewOrder::task("work")
    };
    world.order(&Actor::person("ada"), Command::CreateOrder { order });
    id
}

fn start(world: &mut World, id: OrderId) {
    world.order(&Actor::person("ada"), Command::StartOrder { id });
}

fn resolve(world: &mut World, id: AlertId) {
    let resolution = "a new belt".into();
    let ada = Actor::person("ada");
    world.order(&ada, Command::ResolveAlert { id, resolution });
}

fn detail(world: &World, id: AlertId) -> AlertDetail {
    match world.ask(&Query::Alert { id }).unwrap() {
        Answer::Alert(detail) => *detail,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_alert_is_made_worse_by_one_step_or_to_a_severity_and_never_milder() {
    let mut line = Line::new();
    let id = line.person().andon(Severity::Low, None).unwrap();
    let grown = |severity| Event::AlertEscalated {
        id,
        severity,
        reason: Some("it spreads".into()),
    };
    let once = line.person().escalate(id, None).unwrap();
    assert_eq!(once, [grown(Severity::Medium)]);
    for milder in [Severity::Low, Severity::Medium] {
        let refused = line.person().escalate(id, Some(milder)).unwrap_err();
        assert!(
            refused.to_string().contains("is medium already"),
            "{refused}"
        );
    }
    let far = line.agent("ann").escalate(id, Some(Severity::Critical));
    assert_eq!(far.unwrap(), [grown(Severity::Critical)]);
    for to in [None, Some(Severity::Critical)] {
        let refused = line.person().escalate(id, to).unwrap_err();
        assert!(
            refused.to_string().contains("nothing is worse"),
            "{refused}"
        );
    }
    // It calls louder, and holds what it held.
    assert_eq!(line.state.alert(id).unwrap().hold, None);
    line.person().resolve(id).unwrap();
    assert_eq!(rule(line.person().escalate(id, None)), "not_found");
    assert_eq!(rule(line.person().escalate(AlertId(9), None)), "not_found");
    let viewer = line.hand(Actor::person("eve"), Role::Viewer);
    assert_eq!(rule(viewer.escalate(id, None)), "role");
}

#[test]
fn whoever_is_called_does_not_find_it_asleep() {
    let mut line = Line::new();
    let id = line.person().andon(Severity::Low, None).unwrap();
    line.person().snooze(id, 3_600).unwrap();
    let events = line.person().escalate(id, None).unwrap();
    assert!(matches!(
        events[..],
        [Event::AlertWoke { .. }, Event::AlertEscalated { .. }]
    ));
    assert_eq!(line.state.alert(id).unwrap().snoozed_until, None);
    // It grows by itself no sooner than from here on.
    line.wait(60);
    assert_eq!(line.tick(), []);
}

#[test]
fn what_an_end_frees_is_counted_and_what_another_holds_is_not() {
    let mut world = World::new();
    let [working, _ready, waiting] = [(); 3].map(|()| create(&mut world, vec![]));
    start(&mut world, working);
    let on = working;
    let depend = Command::AddDependency { id: waiting, on };
    world.order(&Actor::person("ada"), depend);
    let id = raise(&mut world, Some(Scope::Line), None);
    let mends = create(&mut world, vec![id]);
    start(&mut world, mends);
    let other = raise(&mut world, Some(Scope::Order(working)), None);
    let none = raise(&mut world, None, None);
    resolve(&mut world, none);
    assert_eq!(detail(&world, none).thaw, None);
    resolve(&mut world, id);
    let thaw = detail(&world, id).thaw.unwrap();
    let freed = |in_progress, ready| Freed { in_progress, ready };
    assert_eq!(thaw.freed, freed(0, 1), "one is held still, one waits");
    resolve(&mut world, other);
    assert_eq!(detail(&world, other).thaw.unwrap().freed, freed(1, 0));
}

#[test]
fn one_timeline_tells_of_the_alert_of_what_mends_it_and_of_the_thaw() {
    let mut world = World::new();
    let stopped = create(&mut world, vec![]);
    start(&mut world, stopped);
    let id = raise(&mut world, Some(Scope::Line), Some("belt"));
    for _ in 0..300 {
        raise(&mut world, None, Some("belt"));
    }
    let ada = Actor::person("ada");
    world.order(&ada, Command::AcknowledgeAlert { id });
    let mends = create(&mut world, vec![id]);
    start(&mut world, mends);
    let (to, reason) = (None, Some("the second belt went".into()));
    world.order(&ada, Command::EscalateAlert { id, to, reason });
    let complete = |id| Command::CompleteOrder {
        id,
        sku: None,
        note: None,
    };
    world.order(&ada, complete(mends));
    resolve(&mut world, id);
    let then = world.state.head.seq;
    world.wait(2);
    world.order(&ada, complete(stopped));
    let told = |detail: &AlertDetail| -> Vec<(String, u32)> {
        let steps = detail.timeline.iter();
        steps.map(|h| (h.entry.event.clone(), h.times)).collect()
    };
    let all = detail(&world, id);
    let expected = [
        ("alert_raised", 1),
        ("alert_repeated", 300),
        ("alert_acknowledged", 1),
        ("order_created", 1),
        ("order_started", 1),
        ("alert_escalated", 1),
        ("order_completed", 1),
        ("alert_resolved", 1),
    ];
    let expected = expected.map(|(event, times)| (event.to_owned(), times));
    assert_eq!(told(&all), expected);
    let thaw = all.thaw.unwrap();
    assert_eq!(thaw.freed.in_progress, 1);
    let resumed = thaw.resumed.unwrap();
    assert_eq!(resumed.subject, stopped.to_string(), "not what mended it");
    // Then, work had not gone on yet; and before its end nothing had thawed.
    let then = world.then(Moment::After(then - 1));
    assert_eq!(detail(&then, id).thaw.unwrap().resumed, None);
    let before = world.then(Moment::Before(then.state.head.seq));
    let open = detail(&before, id);
    assert_eq!((told(&open).len(), open.thaw), (7, None));
}

#[test]
fn a_storm_of_happenings_keeps_how_it_began() {
    let mut world = World::new();
    let id = raise(&mut world, None, Some("belt"));
    for _ in 0..80 {
        raise(&mut world, None, Some("belt"));
        let ada = Actor::person("ada");
        world.order(&ada, Command::SnoozeAlert { id, seconds: 60 });
    }
    let timeline = detail(&world, id).timeline;
    assert_eq!(timeline.len(), 100);
    assert_eq!(timeline[0].entry.event, "alert_raised");
    assert_eq!(timeline[99].entry.seq, world.state.head.seq);
    assert_eq!(detail(&world, id).omitted, 61);
}

#[test]
fn what_was_done_is_never_left_out_for_what_happens_often() {
    let mut world = World::new();
    let id = raise(&mut world, None, Some("belt"));
    let ada = Actor::person("ada");
    world.order(&ada, Command::AcknowledgeAlert { id });
    // More orders than had their steps told once, and one that goes to and fro.
    let mends: Vec<OrderId> = (0..30).map(|_| create(&mut world, vec![id])).collect();
    for _ in 0..60 {
        start(&mut world, mends[0]);
        let release = Command::ReleaseOrder {
            id: mends[0],
            force: false,
            reason: None,
        };
        world.order(&ada, release);
        raise(&mut world, None, Some("belt"));
        world.order(&ada, Command::SnoozeAlert { id, seconds: 60 });
    }
    let told = detail(&world, id);
    let has = |event: &str, subject: String| {
        let mut steps = told.timeline.iter();
        steps.any(|h| h.entry.event == event && h.entry.subject == subject)
    };
    assert!(has("alert_acknowledged", id.to_string()));
    assert!(has("order_started", mends[0].to_string()));
    assert_eq!(told.timeline.len(), 100);
    let all = 1 + 1 + 30 + 60 * 4;
    let shown: u32 = told.timeline.iter().map(|h| h.times).sum();
    let links = world
        .records
        .iter()
        .filter(|r| r.kind == "corrective_linked" && r.subject == id.to_string())
        .count();
    assert_eq!(u64::from(shown) + told.omitted, all + links as u64);
}

#[test]
fn a_cord_is_taken_back_as_it_was_pulled_or_not_at_all() {
    let ada = Actor::person("ada");
    let deeds: [fn(AlertId) -> Command; 3] = [
        |id| Command::AcknowledgeAlert { id },
        |id| Command::SnoozeAlert { id, seconds: 60 },
        |id| Command::EscalateAlert {
            id,
            to: None,
            reason: None,
        },
    ];
    for deed in deeds {
        let mut world = World::new();
        let id = raise(&mut world, None, None);
        let as_of = Some(world.now);
        let back = Command::ResolveAlert {
            id,
            resolution: "undone".into(),
        };
        world.order(&Actor::person("bo"), deed(id));
        let refused = world.submit_as_of(&ada, Role::Operator, &back, None, as_of);
        assert_eq!(refused, Err(Refusal::AlertChanged { id }));
        // Without such a wish it ends as ever.
        assert!(world.submit(&ada, Role::Operator, &back).is_ok());
    }
    let mut world = World::new();
    let id = raise(&mut world, None, None);
    let back = Command::ResolveAlert {
        id,
        resolution: "undone".into(),
    };
    let (now, role) = (world.now, Role::Operator);
    let other = Some(now.plus(-1));
    let refused = world.submit_as_of(&ada, role, &back, None, other);
    assert_eq!(refused, Err(Refusal::AlertChanged { id }));
    assert!(
        world
            .submit_as_of(&ada, role, &back, None, Some(now))
            .is_ok()
    );
}
