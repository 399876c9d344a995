//! Reports that follow a filter, and single orders in time.

use serde_json::{Value, json};

use super::line;
use crate::domain::{
    event::Event,
    order::{Actor, Bucket},
    query::testing::{Line, id},
};

const DAY: i64 = 24 * 60;

fn release(name: &str) -> Event {
    Event::OrderReleased {
        id: id(name),
        forced: false,
        reason: None,
    }
}

fn moved(name: &str, from: &str, to: &str) -> Event {
    Event::OrderMoved {
        id: id(name),
        from: from.into(),
        to: to.into(),
    }
}

/// Three days: an order goes through all stages, one is given back, one is given up in the middle.
fn three_days() -> Line {
    let ada = Actor::person("ada");
    let mut line = Line::new();
    line.create("WO-001", "Through", Bucket::Features, 5);
    line.create("WO-002", "Given back", Bucket::Features, 5);
    line.create("WO-003", "Given up", Bucket::Cost, 5);
    line.start("WO-001", "design", &ada);
    line.start("WO-002", "design", &ada);
    line.start("WO-003", "code", &ada);
    line.wait(DAY);
    line.tell(&ada, moved("WO-001", "design", "code"));
    line.tell(&ada, release("WO-002"));
    let reason = "no use".into();
    line.tell(
        &ada,
        Event::OrderCancelled {
            id: id("WO-003"),
            reason,
        },
    );
    line.wait(DAY);
    line.tell(&ada, moved("WO-001", "code", "test"));
    line.complete("WO-001", &ada, None);
    line
}

#[test]
fn a_filter_that_admits_all_changes_no_figure() {
    for line in [line(), three_days()] {
        for report in ["velocity", "flow", "lead_time", "sla"] {
            let plain = line.document(json!({report: {"since": 0}}));
            // The first is answered by the archive's columns, the second by the orders' whole forms.
            for filter in [json!({"text": ""}), json!({"min_priority": 1})] {
                let counted = line.document(json!({report: {"since": 0, "filter": filter}}));
                assert_eq!(plain, counted, "{report}");
            }
        }
    }
}

#[test]
fn the_flow_shows_every_stage_at_each_days_end() {
    let line = three_days();
    line.check(
        json!({"flow": {"since": 0}}),
        &[
            ("/stages", json!(["design", "code", "test"])),
            ("/days/0", json!({"date": "2026-02-02", "arrived": 3, "departed": 0, "queued": 0, "in_progress": 3, "done": 0, "stages": [2, 1, 0]})),
            ("/days/1", json!({"date": "2026-02-03", "arrived": 0, "departed": 1, "queued": 1, "in_progress": 1, "done": 1, "stages": [0, 1, 0]})),
            ("/days/2/stages", json!([0, 0, 0])),
            ("/days/2/done", json!(2)),
        ],
    );
    // From the middle of it, what stood in a stage before is looked up.
    let since = line.now.0 - DAY * 60_000_000;
    line.check(
        json!({"flow": {"since": since}}),
        &[
            ("/days/0/date", json!("2026-02-03")),
            ("/days/0/stages", json!([0, 1, 0])),
            ("/days/1/stages", json!([0, 0, 0])),
        ],
    );
    line.check(
        json!({"flow": {"since": since, "filter": {"bucket": "cost"}}}),
        &[
            ("/bucket", json!("cost")),
            ("/days/0", json!({"date": "2026-02-03", "arrived": 0, "departed": 1, "queued": 0, "in_progress": 0, "done": 1, "stages": [0, 0, 0]})),
        ],
    );
    line.check(
        json!({"flow": {"since": 0, "filter": {"text": "back"}}}),
        &[
            ("/days/0/stages", json!([1, 0, 0])),
            ("/days/1/stages", json!([0, 0, 0])),
            ("/days/2/queued", json!(1)),
            ("/arrived", json!(1)),
        ],
    );
}

#[test]
fn throughput_is_counted_by_day_and_week_and_follows_the_filter() {
    let line = line();
    line.check(
        json!({"velocity": {"since": 0}}),
        &[
            // 2026-02-02 was a Monday.
            ("/weeks", json!([{"date": "2026-01-26", "completed": 1}, {"date": "2026-02-02", "completed": 1}])),
        ],
    );
    line.check(
        json!({"velocity": {"since": 0, "filter": {"epic": "EPIC-001", "label": "old"}}}),
        &[("/completed", json!(1)), ("/days/2/completed", json!(1))],
    );
    // What is only so now has no past, and narrows nothing that is over.
    line.check(
        json!({"velocity": {"since": 0, "filter": {"status": "queued", "stage": "code"}}}),
        &[("/completed", json!(2))],
    );
}

#[test]
fn cycle_times_are_exact_and_name_their_orders() {
    let line = three_days();
    line.check(
        json!({"cycle_times": {"since": 0}}),
        &[
            ("/total", json!(1)),
            ("/without_start", json!(0)),
            ("/orders/0/id", json!("WO-001")),
            ("/orders/0/title", json!("Through")),
            ("/orders/0/cycle_seconds", json!(2 * DAY * 60)),
            ("/orders/0/lead_seconds", json!((2 * DAY + 3) * 60)),
            ("/cycle/p95_seconds", json!(2 * DAY * 60)),
        ],
    );
    line.check(
        json!({"cycle_times": {"since": 0, "filter": {"bucket": "cost"}, "limit": 1}}),
        &[("/total", json!(0)), ("/cycle", json!({"count": 0}))],
    );
    super::line().check(
        json!({"cycle_times": {"since": 0}}),
        &[("/total", json!(1)), ("/without_start", json!(1))],
    );
}

#[test]
fn work_ages_from_its_first_start_beside_what_was_done() {
    let ada = Actor::person("ada");
    let mut line = three_days();
    line.start("WO-002", "code", &ada);
    line.wait(60);
    line.check(
        json!({"ageing": {"since": 0}}),
        &[
            ("/total", json!(1)),
            ("/stages", json!(["design", "code", "test"])),
            ("/orders/0/id", json!("WO-002")),
            ("/orders/0/stage", json!("code")),
            ("/orders/0/age_seconds", json!((2 * DAY + 60) * 60)),
            ("/orders/0/in_stage_seconds", json!(3600)),
            ("/orders/0/older_than_percent", json!(100)),
            ("/cycle/count", json!(1)),
        ],
    );
    line.check(
        json!({"ageing": {"since": 0, "filter": {"stage": "test"}}}),
        // The stage narrows what is under way now; what was done is compared with all the same.
        &[("/total", json!(0)), ("/cycle/count", json!(1))],
    );
    line.check(
        json!({"ageing": {"since": 0, "filter": {"text": "back"}}}),
        &[
            ("/orders/0/older_than_percent", Value::Null),
            ("/total", json!(1)),
        ],
    );
}

#[test]
fn promises_are_told_day_by_day_and_by_what_is_left() {
    let line = line();
    line.check(
        json!({"sla": {"since": 0, "limit": 1}}),
        &[
            (
                "/days/4",
                json!({"date": "2026-02-02", "met": 1, "missed": 0, "compliance_percent": 100}),
            ),
            ("/days/0/compliance_percent", Value::Null),
            ("/due/total", json!(5)),
            ("/due/orders/0/id", json!("WO-005")),
            ("/due/orders/0/left_seconds", json!(24 * 3600 - 69 * 60)),
            ("/due/orders/1", Value::Null),
        ],
    );
    line.check(
        json!({"sla": {"since": 0, "filter": {"text": "Spec"}}}),
        &[
            ("/compliance_percent", json!(100)),
            ("/due/total", json!(0)),
        ],
    );
}
