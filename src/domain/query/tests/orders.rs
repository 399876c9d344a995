//! Lists and single orders.

use serde_json::{Value, json};

use super::line;
use crate::domain::order::Actor;

#[test]
fn lists_are_sorted_narrowed_and_paged() {
    let line = line();
    let ids = |query: Value| -> (Vec<String>, Value) {
        let document = line.document(query);
        let rows = document["work_orders"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let ids = rows
            .iter()
            .filter_map(|row| row["id"].as_str().map(str::to_owned));
        (ids.collect(), document["total"].clone())
    };
    for (query, wanted) in [
        (
            json!({}),
            "WO-005 WO-004 WO-003 WO-002 WO-006 EPIC-001 WO-007",
        ),
        (
            json!({"sort": "age"}),
            "EPIC-001 WO-002 WO-003 WO-004 WO-005 WO-006 WO-007",
        ),
        (
            json!({"sort": "due"}),
            "WO-005 WO-006 WO-002 WO-003 WO-004 EPIC-001 WO-007",
        ),
        (
            json!({"sort": "id"}),
            "WO-002 WO-003 WO-004 WO-005 WO-006 WO-007 EPIC-001",
        ),
        (
            json!({"sort": "changed"}),
            "WO-002 WO-003 WO-004 WO-007 WO-006 WO-005 EPIC-001",
        ),
        (
            json!({"all": true, "sort": "id"}),
            "WO-002 WO-003 WO-004 WO-005 WO-006 WO-007 EPIC-001 WO-008 WO-001 WO-009",
        ),
        (json!({"filter": {"status": "ready"}}), "WO-006"),
        (
            json!({"filter": {"status": "blocked"}}),
            "WO-004 WO-003 WO-007",
        ),
        (json!({"filter": {"status": "held"}}), "WO-005"),
        (json!({"filter": {"status": "in_progress"}}), "WO-002"),
        (json!({"filter": {"status": "completed"}}), "WO-001 WO-009"),
        (json!({"filter": {"status": "cancelled"}}), "WO-008"),
        (json!({"filter": {"status": "at_risk"}}), ""),
        (
            json!({"filter": {"bucket": "security"}, "all": true}),
            "WO-005 WO-006",
        ),
        (json!({"filter": {"kind": "task"}, "all": true}), "WO-009"),
        (json!({"filter": {"stage": "code"}, "all": true}), "WO-002"),
        (
            json!({"filter": {"holder": "rust-dev"}, "all": true}),
            "WO-002 WO-001",
        ),
        (json!({"filter": {"assignee": "bob"}}), "WO-003"),
        (json!({"filter": {"label": "old"}, "all": true}), "WO-009"),
        (json!({"filter": {"min_priority": 9}}), "WO-005 WO-004"),
        (json!({"filter": {"text": "WORK"}, "all": true}), "WO-009"),
        (json!({"filter": {"text": "bd-1"}, "all": true}), "WO-009"),
        (
            json!({"filter": {"parent": "EPIC-001"}}),
            "WO-004 WO-003 WO-002",
        ),
        (
            json!({"filter": {"epic": "EPIC-001"}, "all": true}),
            "WO-004 WO-003 WO-002 WO-001 WO-009",
        ),
        (
            json!({"filter": {"older_than_seconds": 86_400}, "all": true}),
            "WO-009",
        ),
    ] {
        let (found, total) = ids(json!({"work_orders": query}));
        assert_eq!(found.join(" "), wanted, "{query}");
        assert_eq!(total, found.len(), "{query}");
    }
    for (filter, size) in [
        (json!({}), 1),
        (json!({}), 3),
        (json!({"epic": "EPIC-001"}), 2),
        (json!({}), 10),
    ] {
        let query = |limit, after: &Value| json!({"work_orders": {"filter": filter, "all": true, "limit": limit, "after": after}});
        let (whole, total) = ids(query(100, &Value::Null));
        let (mut paged, mut after) = (vec![], Value::Null);
        loop {
            let (rows, counted) = ids(query(size, &after));
            assert_eq!(counted, total);
            assert!(rows.len() <= size);
            paged.extend(rows);
            assert!(paged.len() <= whole.len(), "a page came twice: {paged:?}");
            after = line.document(query(size, &after))["next"].clone();
            if after.is_null() {
                break;
            }
        }
        assert_eq!(paged, whole);
    }
}

#[test]
fn an_order_is_shown_whole() {
    let line = line();
    line.check(
        json!({"status": {"order": "wo-2"}}),
        &[(
            "",
            json!({
                "id": "WO-002", "title": "Pseudocode", "kind": "story", "status": "in_progress",
                "stage": "code", "bucket": "features", "priority": 7,
                "holder": {"kind": "agent", "name": "rust-dev"},
                "lease": {"epoch": 1, "expires_at": "2026-02-02T09:24:00Z"},
                "labels": [], "parent": "EPIC-001", "created_at": "2026-02-02T08:02:00Z",
                "changed_at": "2026-02-02T09:09:00Z", "started_at": "2026-02-02T09:09:00Z",
                "due_at": "2026-03-04T08:02:00Z", "sla": "ok", "age_seconds": 4320,
                "blocked": false, "held_by": [], "ready": false, "waits_for": [],
                "blocks": ["WO-003"], "comments": 0, "corrective_for": []
            }),
        )],
    );
    line.check(
        json!({"work_order": {"order": "WO-003"}}),
        &[
            ("/description", json!("Boxes and lines.")),
            ("/depends_on", json!([{"id": "WO-002", "title": "Pseudocode", "status": "in_progress"}])),
            ("/dependents", json!([{"id": "WO-004", "title": "Testing", "status": "queued"}])),
            ("/parent_order/title", json!("Subscriptions")),
            (
                "/latest_comments",
                json!([
                    {"seq": 21, "at": "2026-02-02T09:09:00Z", "author": "ada", "text": "First."},
                    {"seq": 22, "at": "2026-02-02T09:09:00Z", "author": "bob", "text": "Second\nline."}
                ]),
            ),
            ("/timeline/1/text", json!("WO-003 now waits for WO-002")),
            ("/timeline/2/text", json!("WO-003 edited: description, labels api, assigned to bob")),
            ("/timeline/4/text", json!("WO-003 comment by bob: Second…")),
            ("/why/0/place", json!({"order": "WO-002"})),
            ("/no_receipt", Value::Null),
        ],
    );
    line.check(
        json!({"work_order": {"order": "WO-001"}}),
        &[
            ("/status", json!("completed")),
            ("/sla", json!("ok")),
            ("/age_seconds", json!(4080)),
            ("/proof/completed_by/name", json!("rust-dev")),
            ("/proof/sku", json!("sku-1")),
            ("/dependents/0/id", json!("WO-002")),
            ("/why", json!([])),
        ],
    );
    for name in ["bd-1", "beads:bd-1", "WO-009"] {
        line.check(
            json!({"work_order": {"order": name}}),
            &[
                ("/external_id", json!("beads:bd-1")),
                ("/description", json!("Imported text.")),
                ("/closed_at", json!("2026-01-31T08:09:00Z")),
                ("/age_seconds", json!(172_800)),
                ("/sla", json!("none")),
                (
                    "/no_receipt",
                    json!(crate::domain::query::receipts::NO_RECEIPT),
                ),
                ("/proof", Value::Null),
            ],
        );
    }
    line.check(
        json!({"work_order": {"order": "EPIC-001"}}),
        &[
            (
                "/children",
                json!({"open": 3, "completed": 2, "cancelled": 0}),
            ),
            (
                "/child_orders/3",
                json!({"id": "WO-001", "title": "Specification", "status": "completed"}),
            ),
        ],
    );
    for (query, subject) in [
        (json!({"status": {"order": "WO-099"}}), "WO-099"),
        (json!({"work_order": {"order": "bd-7"}}), "order 'bd-7'"),
        (json!({"why": {"order": ""}}), "order ''"),
        (json!({"tree": {"order": "EPIC-009"}}), "EPIC-009"),
        (json!({"alert": {"id": "ALERT-009"}}), "ALERT-009"),
        (json!({"agent": {"name": "nobody"}}), "agent 'nobody'"),
        (
            json!({"blast": {"scope": {"stage": "paint"}}}),
            "stage 'paint'",
        ),
        (
            json!({"receipt": {"order": "WO-003"}}),
            "receipt of WO-003 (it is not completed)",
        ),
        (
            json!({"verify_receipt": {"order": "WO-008"}}),
            "receipt of WO-008 (it was cancelled)",
        ),
    ] {
        line.check(
            query,
            &[("/refused", json!({"rule": "not_found", "subject": subject}))],
        );
    }
}

#[test]
fn an_agent_that_was_never_registered_is_listed_with_what_it_holds() {
    let mut line = line();
    line.start("WO-006", "design", &Actor::agent("stranger"));
    let agents = line.document(json!({"agents": {}}));
    let rows = agents["agents"].as_array().cloned().unwrap_or_default();
    let stranger = rows.iter().find(|row| row["name"] == "stranger");
    let stranger = stranger.cloned().unwrap_or_default();
    assert_eq!(stranger["registered"], json!(false), "{agents:#}");
    assert_eq!(stranger["registered_at"], Value::Null);
    assert_eq!(stranger["status"], json!("working"));
    assert_eq!(stranger["holds"][0]["id"], json!("WO-006"));
    assert_eq!(agents["total"], json!(rows.len()));
    assert_eq!(agents["unregistered"], json!(1));
    line.check(
        json!({"agent": {"name": "stranger"}}),
        &[("/registered", json!(false))],
    );
    line.check(json!("summary"), &[("/agents/unregistered", json!(1))]);
}
