//! What is in the way, and what a hold stops.

use serde_json::{Value, json};

use super::line;
use crate::domain::{
    andon::{Scope, Severity},
    event::Event,
    id::AlertId,
    order::{Actor, Bucket, Wait},
    query::{
        testing::{Line, id},
        why::MAX_STEPS,
    },
    settings::{BucketRule, Stage},
};

#[test]
fn why_names_the_shortest_proof() {
    let mut line = line();
    let texts = |line: &Line, name: &str| -> Vec<String> {
        let document = line.document(json!({"why": {"order": name}}));
        let reasons = document["reasons"].as_array().cloned().unwrap_or_default();
        reasons
            .iter()
            .filter_map(|reason| reason["text"].as_str().map(str::to_owned))
            .collect()
    };
    for (name, wanted) in [
        ("WO-002", &["in progress in code with rust-dev for 5m"][..]),
        (
            "WO-004",
            &[
                "waits for WO-003: Architecture",
                "which waits for WO-002: Pseudocode",
                "WO-002: in progress in code with rust-dev for 5m",
            ],
        ),
        (
            "WO-005",
            &["held by ALERT-001 (bucket:security) for 5m: the gate leaks"],
        ),
        ("WO-006", &["ready: first in line"]),
        (
            "WO-007",
            &["waits for WO-008, which was cancelled: remove the dependency or reopen it"],
        ),
        ("WO-008", &["cancelled 5m ago: Duplicate"]),
        ("WO-009", &["completed 2d 1h ago"]),
        (
            "EPIC-001",
            &[
                "an epic: 3 children are open",
                "waits for WO-002: Pseudocode",
                "WO-002: in progress in code with rust-dev for 5m",
            ],
        ),
    ] {
        assert_eq!(texts(&line, name), wanted, "{name}");
    }
    line.wait(60);
    let ada = Actor::person("ada");
    line.tell(
        &ada,
        Event::AgentPaused {
            name: "rust-dev".into(),
            reason: None,
        },
    );
    assert_eq!(
        texts(&line, "WO-002"),
        [
            "in progress in code with rust-dev for 1h 5m",
            "its lease ran out 50m ago",
            "agent rust-dev is paused"
        ]
    );
    let hold = Some(Scope::Stage("test".into()));
    let reason = "flaky".into();
    let (id_of, severity, fingerprint, order) = (AlertId(3), Severity::Medium, None, None);
    line.tell(
        &ada,
        Event::AlertRaised {
            id: id_of,
            severity,
            reason,
            fingerprint,
            hold,
            order,
        },
    );
    assert_eq!(
        texts(&line, "WO-002").last().map(String::as_str),
        Some("the next stage, test, is held by ALERT-003: flaky")
    );
    let stages = ["design", "code", "test"].map(|name| Stage {
        name: name.into(),
        wip_limit: Some(0),
    });
    line.tell(
        &ada,
        Event::StagesSet {
            stages: stages.to_vec(),
        },
    );
    assert_eq!(texts(&line, "WO-006"), ["stage design is full: 0/0"]);
    assert_eq!(
        texts(&line, "WO-002").last().map(String::as_str),
        Some("stage test is full: 0/0")
    );
    let stages = ["design", "code", "test"].map(|name| Stage {
        name: name.into(),
        wip_limit: None,
    });
    line.tell(
        &ada,
        Event::StagesSet {
            stages: stages.to_vec(),
        },
    );
    let rule = BucketRule {
        wip_limit: 0,
        sla_hours: Some(1),
    };
    line.tell(
        &ada,
        Event::BucketSet {
            bucket: Bucket::Security,
            rule,
        },
    );
    assert_eq!(texts(&line, "WO-006"), ["security is full: 0/0"]);
    line.check(
        json!({"status": {"order": "WO-006"}}),
        &[("/sla", json!("breached")), ("/ready", json!(true))],
    );
    line.create("WO-010", "New hole", Bucket::Security, 1);
    line.wait(47);
    line.check(
        json!({"status": {"order": "WO-010"}}),
        &[("/sla", json!("at_risk"))],
    );
    line.check(
        json!({"work_orders": {"filter": {"status": "at_risk"}}}),
        &[("/total", json!(1))],
    );
    for n in 11..30 {
        line.create(&format!("WO-{n:03}"), "Step", Bucket::Cost, 4);
    }
    for n in 11..29 {
        let (after, before) = (id(&format!("WO-{n:03}")), id(&format!("WO-{:03}", n + 1)));
        line.tell(
            &ada,
            Event::DependencyAdded {
                id: after,
                on: before,
                state: Wait::Open,
            },
        );
    }
    let long = texts(&line, "WO-011");
    assert_eq!(long.len(), MAX_STEPS + 2, "{long:#?}");
    assert_eq!(long[4], "… through 10 more …");
    assert_eq!(
        long.last().map(String::as_str),
        Some("WO-029 is ready to start")
    );
}

#[test]
fn a_blast_counts_what_stops_and_who_waits_for_it() {
    let line = line();
    let counts = |scope: Value| {
        let document = line.document(json!({"blast": {"scope": scope}}));
        let total = |list: &str| document[list]["total"].as_u64().unwrap_or_default();
        (
            document["queued"].as_u64().unwrap_or_default(),
            total("ready"),
            total("in_progress"),
            total("downstream"),
        )
    };
    for (scope, wanted) in [
        (json!("line"), (5, 1, 1, 1)),
        (json!({"bucket": "features"}), (2, 0, 1, 1)),
        (json!({"bucket": "security"}), (2, 1, 0, 0)),
        (json!({"epic": "EPIC-001"}), (2, 0, 1, 1)),
        (json!({"stage": "code"}), (0, 0, 1, 3)),
        (json!({"stage": "design"}), (5, 1, 0, 1)),
        (json!({"order": "WO-003"}), (1, 0, 0, 2)),
        (json!({"agent": "rust-dev"}), (0, 0, 1, 3)),
    ] {
        assert_eq!(counts(scope.clone()), wanted, "{scope}");
    }
    line.check(
        json!({"blast": {"scope": {"stage": "test"}}}),
        &[
            ("/cannot_enter/orders/0/id", json!("WO-002")),
            ("/in_progress/total", json!(0)),
        ],
    );
    line.check(
        json!({"blast": {"scope": {"order": "WO-005"}}}),
        &[
            ("/held_already_by", json!(["ALERT-001"])),
            ("/scope", json!("order:WO-005")),
        ],
    );
    line.check(
        json!({"alert": {"id": "ALERT-001"}}),
        &[
            ("/status", json!("open")),
            ("/escalates_at", json!("2026-02-02T10:09:00Z")),
            ("/blast/exempt", json!(["WO-006"])),
            ("/blast/ready/orders/0/id", json!("WO-005")),
            ("/blast/held_already_by", json!([])),
            ("/corrective_orders/0/status", json!("queued")),
            (
                "/timeline/0/text",
                json!("ALERT-001 raised, high, holds bucket:security: the gate leaks"),
            ),
        ],
    );
    line.check(
        json!({"alerts": {"all": true}}),
        &[
            ("/total", json!(1)),
            ("/alerts/1/status", json!("resolved")),
            ("/alerts/1/resolution", json!("looked at it")),
        ],
    );
    line.check(
        json!({"alerts": {"all": true, "limit": 1}}),
        &[("/alerts/1", Value::Null)],
    );
    line.check(
        json!({"agent": {"name": "rust-dev"}}),
        &[
            ("/status", json!("working")),
            ("/last_heartbeat_at", json!("2026-02-02T09:14:00Z")),
            (
                "/holds/0/lease",
                json!({"epoch": 1, "expires_at": "2026-02-02T09:24:00Z"}),
            ),
            ("/completed", json!(1)),
        ],
    );
}
