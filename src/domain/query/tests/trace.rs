//! Stories: what touches an order or an agent, and what does not.

use serde_json::json;

use crate::domain::{
    agent::PullFilter,
    andon::{Scope, Severity},
    event::{Changes, Event},
    id::AlertId,
    order::{Actor, Bucket, Wait},
    query::testing::{Line, id},
};

fn raise(line: &mut Line, number: u32, hold: Option<Scope>) {
    let raised = Event::AlertRaised {
        id: AlertId(number),
        severity: Severity::High,
        reason: "WO-001 is only spoken of".into(),
        fingerprint: None,
        hold,
        order: None,
    };
    line.tell(&Actor::person("ada"), raised);
}

fn resolve(line: &mut Line, number: u32) {
    let resolved = Event::AlertResolved {
        id: AlertId(number),
        resolution: "mended".into(),
        freed: None,
    };
    line.tell(&Actor::person("ada"), resolved);
}

/// Returns a story in short: each record's place and touch.
fn story(line: &Line, of: &str, name: &str) -> Vec<String> {
    let query = json!({ "trace": { "of": { of: name }, "after": 0, "limit": 1000 } });
    let document = line.document(query);
    let rows = document["records"].as_array().cloned().unwrap_or_default();
    assert_eq!(document["total"], rows.len());
    rows.iter()
        .map(|row| format!("{} {} {}", row["seq"], row["touch"], row["event"]).replace('"', ""))
        .collect()
}

#[test]
fn an_orders_story_has_every_hold_that_covered_it_and_no_other() {
    let (ada, agent) = (Actor::person("ada"), Actor::agent("rust-dev"));
    let mut line = Line::new();
    // Raised before the order was there, and held all along.
    raise(&mut line, 1, Some(Scope::Line)); // 1
    raise(&mut line, 2, Some(Scope::Bucket(Bucket::Cost))); // 2
    raise(&mut line, 3, None); // 3
    line.create("WO-001", "First", Bucket::Features, 5); // 4
    line.create("WO-002", "Second", Bucket::Features, 5); // 5
    let on = Event::DependencyAdded {
        id: id("WO-002"),
        on: id("WO-001"),
        state: Wait::Open,
    };
    line.tell(&ada, on); // 6
    resolve(&mut line, 1); // 7
    raise(&mut line, 4, Some(Scope::Stage("code".into()))); // 8
    line.start("WO-001", "code", &agent); // 9
    // It moves into the bucket that is held.
    let edited = Event::OrderEdited {
        id: id("WO-001"),
        changes: Box::new(Changes {
            bucket: Some(Bucket::Cost),
            ..Changes::default()
        }),
    };
    line.tell(&ada, edited); // 10
    resolve(&mut line, 2); // 11
    resolve(&mut line, 3); // 12
    resolve(&mut line, 4); // 13
    line.complete("WO-001", &agent, Some("sku-1")); // 14
    // What is held when the order is closed is none of its story.
    raise(&mut line, 5, Some(Scope::Line)); // 15
    assert_eq!(
        story(&line, "order", "wo-1"),
        [
            "1 alert alert_raised",
            "2 alert alert_raised",
            "4 own order_created",
            "6 named dependency_added",
            "7 alert alert_resolved",
            "8 alert alert_raised",
            "9 own order_started",
            "10 own order_edited",
            "11 alert alert_resolved",
            "13 alert alert_resolved",
            "14 own order_completed",
        ]
    );
    let query = |after: u64, limit: u64| {
        let of = json!({ "order": "WO-001" });
        line.document(json!({ "trace": { "of": of, "after": after, "limit": limit } }))
    };
    let whole = query(0, 1000);
    assert_eq!(whole["receipts"][0]["number"], 1);
    assert_eq!(whole["work_order"]["status"], "completed");
    // A page ends where the next begins.
    let (first, next) = (query(0, 3), query(4, 1000));
    assert_eq!((&first["total"], &first["last"]), (&json!(11), &json!(4)));
    assert_eq!(next["records"][0]["seq"], 6);
    assert_eq!(next["total"], 8);
}

#[test]
fn an_agents_story_has_what_it_did_and_what_became_of_its_work() {
    let (ada, agent) = (Actor::person("ada"), Actor::agent("id"));
    let mut line = Line::new();
    // A name that is a word of every event's body.
    let registered = Event::AgentRegistered {
        name: "id".into(),
        role: None,
        capabilities: PullFilter::default(),
    };
    line.tell(&ada, registered); // 1
    line.create("WO-001", "First", Bucket::Features, 5); // 2
    line.create("WO-002", "Second", Bucket::Features, 5); // 3
    line.start("WO-001", "code", &agent); // 4
    let moved = Event::OrderMoved {
        id: id("WO-001"),
        from: "code".into(),
        to: "test".into(),
    };
    line.tell(&ada, moved); // 5
    raise(&mut line, 1, Some(Scope::Agent("id".into()))); // 6
    let released = Event::OrderReleased {
        id: id("WO-001"),
        forced: true,
        reason: None,
    };
    line.tell(&ada, released); // 7
    line.start("WO-001", "code", &ada); // 8
    resolve(&mut line, 1); // 9
    assert_eq!(
        story(&line, "agent", "id"),
        [
            "1 own agent_registered",
            "4 act order_started",
            "5 held order_moved",
            "6 alert alert_raised",
            "7 held order_released",
            "9 alert alert_resolved",
        ]
    );
    let stranger = json!({ "trace": { "of": { "agent": "nobody" }, "after": 0, "limit": null } });
    let query = serde_json::from_value(stranger).expect("a question");
    assert!(line.ask(&query).is_err());
}

#[test]
fn names_are_found_by_their_beginning_and_orders_by_their_words() {
    let mut line = Line::new();
    line.create("EPIC-001", "Payments", Bucket::Features, 5);
    line.create("WO-001", "Take a payment", Bucket::Features, 5);
    line.create("WO-002", "Rest", Bucket::Features, 5);
    line.start("WO-002", "design", &Actor::person("ada"));
    raise(&mut line, 1, None);
    let names = |sort: &str, typed: &str| -> String {
        let document =
            line.document(json!({ "names": { "sort": sort, "typed": typed, "limit": 2 } }));
        let names = document["names"].as_array().cloned().unwrap_or_default();
        let names: Vec<&str> = names
            .iter()
            .filter_map(|name| name["name"].as_str())
            .collect();
        format!("{} of {}", names.join(" "), document["total"])
    };
    assert_eq!(names("order", ""), "WO-001 WO-002 of 3");
    assert_eq!(names("order", "wo-002"), "WO-002 of 1");
    assert_eq!(names("order", "PAYM"), "WO-001 EPIC-001 of 2");
    assert_eq!(names("started", ""), "WO-002 WO-001 of 3");
    assert_eq!(names("epic", ""), "EPIC-001 of 1");
    assert_eq!(names("alert", "alert"), "ALERT-001 of 1");
    assert_eq!(names("stage", "CO"), "code of 1");
    assert_eq!(names("agent", ""), " of 0");
}
