//! Figures.

use serde_json::{Value, json};

use super::line;
use crate::domain::query::testing::Line;

#[test]
fn reports_count_every_day_once() {
    let line = line();
    line.check(
        json!({"progress": {"epic": "EPIC-001"}}),
        &[
            ("/total", json!(5)),
            ("/completed", json!(2)),
            ("/in_progress", json!(1)),
            ("/blocked", json!(2)),
            ("/percent", json!(40)),
            ("/percent_by_estimate", json!(37.5)),
            ("/critical_path/total_minutes", json!(222)),
        ],
    );
    line.check(
        json!({"velocity": {"since": 0}}),
        &[
            ("/days/2", json!({"date": "2026-01-31", "completed": 1})),
            ("/days/3", json!({"date": "2026-02-01", "completed": 0})),
            ("/per_day", json!(0.4)),
            ("/per_week", json!(2.8)),
            ("/trend", json!(0.5)),
            ("/buckets/4", json!({"bucket": "features", "completed": 1})),
        ],
    );
    line.check(
        json!({"flow": {"since": 0}}),
        &[
            ("/days/0", json!({"date": "2026-01-29", "arrived": 1, "departed": 0, "queued": 1, "in_progress": 0, "done": 0, "stages": [0, 0, 0]})),
            ("/days/4", json!({"date": "2026-02-02", "arrived": 9, "departed": 2, "queued": 6, "in_progress": 1, "done": 3, "stages": [0, 1, 0]})),
            ("/arrived", json!(10)),
        ],
    );
    line.check(
        json!({"flow": {"since": 0, "filter": {"bucket": "cost"}}}),
        &[("/days/4/done", json!(2)), ("/days/4/queued", json!(0))],
    );
    line.check(
        json!({"sla": {"since": 0, "filter": {"bucket": "features"}}}),
        &[
            ("/buckets/0/met", json!(1)),
            ("/buckets/1", Value::Null),
            ("/compliance_percent", json!(100)),
        ],
    );
    line.check(
        json!({"lead_time": {"since": 0}}),
        &[
            ("/lead/count", json!(2)),
            (
                "/cycle",
                json!({"count": 1, "p50_seconds": 3600, "p85_seconds": 3600, "p95_seconds": 3600}),
            ),
            ("/buckets/1/lead/p50_seconds", json!(4320)),
        ],
    );
    line.check(
        json!("summary"),
        &[
            ("/wip", json!({"count": 1, "limit": 35})),
            ("/queued", json!(5)),
            ("/ready", json!(1)),
            ("/blocked", json!(3)),
            ("/held", json!(1)),
            ("/completed", json!(2)),
            ("/sla_percent", json!(100)),
            ("/velocity_per_day", json!(0.4)),
            (
                "/alerts",
                json!({"total": 1, "low": 0, "medium": 0, "high": 1, "critical": 0, "holding": 1}),
            ),
            ("/agents/active", json!(1)),
            ("/buckets/0/held_by", json!(["ALERT-001"])),
            ("/stages/1/orders", json!(1)),
            ("/recent/0/text", json!("ALERT-002 resolved: looked at it")),
        ],
    );
    let metrics = line.document(json!("metrics"));
    let completed = json!({"name": "obeya_work_orders_total", "type": "counter",
                           "labels": {"bucket": "features", "status": "completed"}, "value": 1});
    assert!(
        metrics["metrics"]
            .as_array()
            .is_some_and(|all| all.contains(&completed)),
        "{metrics:#}"
    );
    line.check(
        json!({"log": {"limit": 1}}),
        &[("/events/0/seq", json!(26)), ("/total", json!(26))],
    );
    line.check(
        json!({"history": {"subject": "wo-1", "limit": 2}}),
        &[
            ("/events/1/event", json!("order_started")),
            ("/last", json!(16)),
        ],
    );
}

#[test]
fn an_empty_ledger_answers_everything() {
    let line = Line::new();
    for query in [
        json!({"velocity": {"since": 0}}),
        json!({"velocity": {"since": i64::MAX}}),
        json!({"velocity": {"since": i64::MIN}}),
    ] {
        line.check(
            query,
            &[
                ("/days", json!([{"date": "2026-02-02", "completed": 0}])),
                ("/per_day", json!(0)),
                ("/trend", Value::Null),
            ],
        );
    }
    line.check(
        json!({"sla": {"since": 0}}),
        &[
            ("/compliance_percent", Value::Null),
            ("/buckets/5/bucket", json!("technical_debt")),
        ],
    );
    line.check(
        json!({"flow": {"since": 0}}),
        &[("/days/0/queued", json!(0)), ("/days/1", Value::Null)],
    );
    line.check(
        json!({"lead_time": {"since": 0}}),
        &[("/lead", json!({"count": 0})), ("/buckets", json!([]))],
    );
    line.check(
        json!("summary"),
        &[
            ("/queued", json!(0)),
            ("/sla_percent", Value::Null),
            ("/recent", json!([])),
        ],
    );
    line.check(
        json!({"critical_path": {}}),
        &[("", json!({"chain": [], "total": 0, "total_minutes": 0}))],
    );
    line.check(
        json!({"layers": {}}),
        &[("", json!({"layers": [], "total": 0}))],
    );
    line.check(
        json!({"work_orders": {"all": true, "limit": 0}}),
        &[("", json!({"work_orders": [], "total": 0}))],
    );
    line.check(
        json!({"log": {}}),
        &[("", json!({"events": [], "total": 0, "last": 0}))],
    );
}
