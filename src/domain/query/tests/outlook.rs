//! What is to be expected: forecasts, the risk of breaches, and the handover.

use serde_json::{Value, json};

use super::line;
use crate::domain::{
    andon::{Scope, Severity},
    event::Event,
    id::AlertId,
    order::{Actor, Bucket, Wait},
    query::testing::{Line, id},
};

const DAY: i64 = 24 * 60;

/// Returns a line on which one order a day was started at 09:00 and completed two hours later, for some days until
/// yesterday, with an epic of three open orders.
fn steady(days: u32) -> Line {
    let ada = Actor::person("ada");
    let mut line = Line::new();
    for number in 1..=days {
        let name = format!("WO-{number:03}");
        line.create(&name, "Steady work", Bucket::Security, 5);
        line.wait(59);
        line.start(&name, "design", &ada);
        line.wait(120);
        line.complete(&name, &ada, None);
        line.wait(DAY - 180);
    }
    line.create("EPIC-001", "An epic", Bucket::Security, 5);
    for number in 1..=3 {
        let name = format!("WO-{:03}", days + number);
        line.create_in(
            &name,
            "Open work",
            Bucket::Security,
            5,
            Some("EPIC-001"),
            None,
        );
    }
    line
}

#[test]
fn a_steady_line_has_one_answer() {
    let line = steady(20);
    for query in [
        json!({"forecast": {"since": 0, "seed": 99, "trials": 500}}),
        json!({"forecast": {"since": 0, "filter": {"bucket": "security"}}}),
    ] {
        line.check(
            query,
            &[
                ("/remaining", json!(3)),
                ("/throughput", json!({"of": "own", "since": "2026-02-02", "until": "2026-02-21", "days": 20, "idle_days": 0, "completed": 20, "per_day": 1})),
                ("/p50", json!({"percent": 50, "days": 3, "date": "2026-02-25"})),
                ("/p95/days", json!(3)),
                ("/odds/18/percent", json!(95)),
                ("/odds/19", Value::Null),
                ("/doubts", json!(["only 20 days were sampled: bad weeks may not be among them"])),
            ],
        );
    }
    // The epic has no history of its own: the line's is sampled, and that is said.
    let epic = json!({"forecast": {"since": 0, "filter": {"epic": "EPIC-001"}}});
    line.check(
        epic,
        &[
            ("/epic", json!("EPIC-001")),
            ("/throughput/of", json!("line")),
            ("/p85/days", json!(3)),
            ("/seed", json!(1)),
            ("/trials", json!(10_000)),
            ("/doubts/0", json!("these orders have too little history of their own: it holds if the whole line works on nothing else")),
        ],
    );
    // Only the days that were asked for are sampled.
    let since = line.now.0 - 10 * DAY * 60_000_000;
    line.check(
        json!({"forecast": {"since": since}}),
        &[("/throughput/days", json!(10))],
    );
}

#[test]
fn too_little_history_gives_no_date_and_says_so() {
    for days in [0, 6, 9] {
        steady(days).check(
            json!({"forecast": {"since": 0}}),
            &[
                ("/p50", Value::Null),
                ("/odds", json!([])),
                ("/remaining", json!(3)),
                ("/throughput/completed", json!(days)),
                (
                    "/doubts/0",
                    json!(format!("too little history: {days} completed on {days} days, and a forecast needs 10 on 7")),
                ),
            ],
        );
    }
    let line = steady(3);
    line.check(
        json!({"forecast": {"since": 0, "filter": {"text": "nowhere"}}}),
        &[
            ("/remaining", json!(0)),
            ("/p50/days", json!(0)),
            ("/doubts", json!([])),
        ],
    );
    line.check(
        json!({"forecast": {"since": 0, "filter": {"epic": "EPIC-009"}}}),
        &[("/refused/rule", json!("not_found"))],
    );
}

#[test]
fn risk_is_the_chance_of_a_breach_times_the_work_behind_it() {
    let mut line = steady(20);
    let ada = Actor::person("ada");
    // WO-021 is under way and two others wait for it, one through the other. All orders took two hours.
    line.start("WO-021", "design", &ada);
    for (after, before) in [("WO-022", "WO-021"), ("WO-023", "WO-022")] {
        let event = Event::DependencyAdded {
            id: id(after),
            on: id(before),
            state: Wait::Open,
        };
        line.tell(&ada, event);
    }
    line.wait(60);
    let risk = json!({"risk": {"since": 0}});
    line.check(
        risk.clone(),
        &[
            ("/total", json!(3)),
            ("/orders/0/id", json!("WO-021")),
            ("/orders/0/basis", json!("bucket")),
            ("/orders/0/percent", json!(0)),
            ("/orders/0/sample", json!(20)),
            ("/orders/0/age_seconds", json!(3600)),
            ("/expected_breaches", json!(0)),
        ],
    );
    // After three hours it has outlasted all of them; nothing is known of what comes then but the time that is gone.
    line.wait(120);
    line.check(
        risk.clone(),
        &[
            ("/orders/0/id", json!("WO-021")),
            ("/orders/0/basis", json!("assumed")),
            ("/orders/0/percent", json!(12.7)),
            ("/orders/0/blocks", json!(2)),
            ("/orders/0/expected_late", json!(0.381)),
            ("/orders/1/blocks", json!(1)),
            ("/orders/2/blocks", json!(0)),
        ],
    );
    line.wait(DAY);
    line.check(
        risk,
        &[
            ("/orders/0/basis", json!("breached")),
            ("/orders/0/percent", json!(100)),
            ("/orders/0/expected_late", json!(3)),
            ("/orders/2/expected_late", json!(1)),
            ("/expected_breaches", json!(0)),
        ],
    );
    line.check(
        json!({"risk": {"since": 0, "filter": {"stage": "design"}, "limit": 0}}),
        &[("/total", json!(1)), ("/orders", json!([]))],
    );
}

#[test]
fn half_of_what_lasted_as_long_makes_a_risk_of_a_half() {
    let ada = Actor::person("ada");
    let mut line = Line::new();
    // Security promises 24 hours. Ten orders were done in an hour, ten in 30.
    for number in 1..=20 {
        let name = format!("WO-{number:03}");
        line.create(&name, "Work", Bucket::Security, 5);
        line.start(&name, "design", &ada);
        line.wait(if number <= 10 { 60 } else { 30 * 60 });
        line.complete(&name, &ada, None);
    }
    line.create("WO-021", "Queued", Bucket::Security, 5);
    line.create("WO-022", "Elsewhere", Bucket::Reliability, 5);
    line.check(
        json!({"risk": {"since": 0}}),
        &[
            ("/orders/0/id", json!("WO-021")),
            ("/orders/0/percent", json!(50)),
            ("/orders/0/basis", json!("bucket")),
            // Reliability promises a week and has no history: the line's has none that lasted so long.
            ("/orders/1/id", json!("WO-022")),
            ("/orders/1/basis", json!("line")),
            ("/orders/1/percent", json!(0)),
        ],
    );
    // Two hours later it has outlasted the quick ones.
    line.wait(120);
    line.check(
        json!({"risk": {"since": 0}}),
        &[
            ("/orders/0/percent", json!(100)),
            ("/orders/0/sample", json!(10)),
        ],
    );
}

#[test]
fn open_work_alone_tells_nothing_of_how_long_work_lasts() {
    let mut line = Line::new();
    for number in 1..=9 {
        line.create(&format!("WO-{number:03}"), "Open", Bucket::Security, 5);
    }
    line.wait(6 * 60 - 9);
    line.check(
        json!({"risk": {"since": 0}}),
        &[
            ("/orders/0/basis", json!("assumed")),
            ("/orders/0/percent", json!(25)),
            ("/orders/8/basis", json!("assumed")),
            ("/orders/8/percent", json!(24.4)),
        ],
    );
}

#[test]
fn a_handover_tells_what_the_next_shift_needs() {
    let mut line = line();
    let ada = Actor::person("ada");
    line.tell(&ada, Event::AlertAcknowledged { id: AlertId(1) });
    line.check(
        json!({"handover": {"since": 0, "limit": 2}}),
        &[
            ("/alerts_total", json!(1)),
            ("/alerts/0/id", json!("ALERT-001")),
            ("/alerts/0/acknowledged_by/name", json!("ada")),
            ("/alerts/0/owners", json!([])),
            ("/completed/total", json!(1)),
            ("/completed/deeds/0/subject", json!("WO-001")),
            ("/completed/deeds/0/text", json!("Specification")),
            ("/completed/deeds/0/by/name", json!("rust-dev")),
            ("/cancelled/deeds/0/note", json!("Duplicate")),
            ("/started/total", json!(2)),
            ("/started/deeds/0/subject", json!("WO-002")),
            ("/blocked/total", json!(3)),
            ("/blocked/deeds/0/note", json!("waits for WO-008")),
            ("/raised/total", json!(2)),
            ("/resolved/deeds/0/note", json!("looked at it")),
            ("/resolved/deeds/0/text", json!("the gate leaks")),
            ("/working/0/holder/name", json!("rust-dev")),
            ("/working/0/orders/0/id", json!("WO-002")),
            ("/working_total", json!(1)),
            ("/leases/0/id", json!("WO-002")),
            ("/leases/0/lease/epoch", json!(1)),
            ("/due/total", json!(5)),
            ("/due/orders/0/id", json!("WO-005")),
            ("/due/orders/0/held", json!(true)),
            ("/due/orders/2", Value::Null),
            ("/due/breached", json!(0)),
        ],
    );
    // Who mends it is its owner, and what happened before the shift is not told.
    let since = line.now.0;
    line.wait(1);
    line.start("WO-006", "code", &ada);
    line.check(
        json!({"handover": {"since": since + 1}}),
        &[
            ("/alerts/0/owners/0/name", json!("ada")),
            ("/started/total", json!(1)),
            ("/completed", json!({"deeds": [], "total": 0})),
            ("/raised/total", json!(0)),
            ("/due_next_shift", json!(0)),
        ],
    );
    line.wait(25 * 60);
    line.check(
        json!({"handover": {"since": line.now.0 - 8 * 3_600_000_000}}),
        &[
            ("/due/breached", json!(2)),
            ("/due/orders/0/sla", json!("breached")),
        ],
    );
    let before = line.now.0 - 30 * 3_600_000_000;
    let event = Event::AlertRaised {
        id: AlertId(3),
        severity: Severity::Critical,
        reason: "the worst comes first".into(),
        fingerprint: None,
        hold: Some(Scope::Line),
        order: None,
    };
    line.tell(&ada, event);
    line.check(
        json!({"handover": {"since": before}}),
        &[
            ("/alerts/0/id", json!("ALERT-003")),
            ("/alerts_total", json!(2)),
        ],
    );
}
