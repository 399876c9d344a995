//! Dependencies and receipts.

use serde_json::{Value, json};

use super::line;
use crate::domain::{
    order::{Actor, Bucket},
    query::{graph::GRAPH_LIMIT, testing::Line},
};

#[test]
fn of_many_closed_orders_the_nearest_are_drawn_and_the_rest_is_counted() {
    let mut line = Line::new();
    line.create("EPIC-001", "All", Bucket::Cost, 5);
    line.create_in("EPIC-002", "Part", Bucket::Cost, 5, Some("EPIC-001"), None);
    // The far ones have the lower numbers.
    let many = GRAPH_LIMIT + 100;
    for n in 1..=many {
        let parent = if n > GRAPH_LIMIT {
            "EPIC-001"
        } else {
            "EPIC-002"
        };
        line.import_closed(&format!("WO-{n:03}"), "Old", &n.to_string(), parent);
    }
    let document = line.document(json!({"graph": {"root": "EPIC-001", "closed": true}}));
    assert_eq!(document["total"], json!(many + 1));
    assert_eq!(document["omitted"], json!(101));
    let nodes = document["nodes"].as_array().cloned().unwrap_or_default();
    assert_eq!(nodes.len(), GRAPH_LIMIT);
    let near = (GRAPH_LIMIT + 1..=many).map(|n| json!(format!("WO-{n:03}")));
    let has = |id: Value| nodes.iter().any(|node| node["id"] == id);
    assert!(near.into_iter().all(has));
    assert!(has(json!("EPIC-002")));
}

#[test]
fn dependencies_are_drawn_ordered_and_measured() {
    let line = line();
    line.check(
        json!({"tree": {"order": "WO-004"}}),
        &[
            ("/total", json!(4)),
            ("/critical_path", json!(["WO-002", "WO-003", "WO-004"])),
            ("/critical_minutes", json!(222)),
            (
                "/rows/3",
                json!({"id": "WO-001", "title": "Specification", "status": "completed", "depth": 3, "link": "wait",
                       "last": [true, true, true], "repeated": false, "hidden": 0, "critical": false}),
            ),
        ],
    );
    line.check(
        json!({"tree": {"order": "EPIC-001", "limit": 2}}),
        &[
            ("/rows/2", Value::Null),
            ("/omitted", json!(4)),
            ("/total", json!(6)),
        ],
    );
    line.check(
        json!({"tree": {"order": "WO-002", "direction": "blocks"}}),
        &[("/rows/1/id", json!("WO-003")), ("/total", json!(4))],
    );
    // The whole neighbourhood of an order, both ways; of an epic what is beneath it, without itself.
    line.check(
        json!({"graph": {"root": "WO-003", "closed": true}}),
        &[
            (
                "/nodes/0",
                json!({"id": "WO-001", "title": "Specification", "status": "completed"}),
            ),
            ("/edges/0", json!({"before": "WO-001", "after": "WO-002"})),
            ("/omitted", json!(0)),
        ],
    );
    line.check(
        json!({"graph": {"root": "WO-003"}}),
        &[
            ("/nodes/0/id", json!("WO-002")),
            ("/edges/0/before", json!("WO-002")),
        ],
    );
    line.check(
        json!({"graph": {"root": "EPIC-001", "closed": true}}),
        &[
            ("/root", json!("EPIC-001")),
            ("/nodes/0/id", json!("WO-001")),
            ("/critical_path", json!(["WO-002", "WO-003", "WO-004"])),
        ],
    );
    line.check(
        json!({"graph": {"filter": {"text": "no such order"}}}),
        &[("/nodes", json!([])), ("/total", json!(0))],
    );
    line.check(
        json!({"path": {"from": "WO-002", "to": "WO-004"}}),
        &[("/path", json!([]))],
    );
    line.check(
        json!({"path": {"from": "WO-004", "to": "WO-002"}}),
        &[("/path/1/title", json!("Architecture"))],
    );
    line.check(
        json!({"topological_order": {"epic": "EPIC-001", "limit": 2}}),
        &[
            ("/order/1/id", json!("WO-003")),
            ("/order/2", Value::Null),
            ("/total", json!(3)),
        ],
    );
    line.check(
        json!({"layers": {}}),
        &[("/layers/3/0/id", json!("EPIC-001")), ("/total", json!(7))],
    );
    // An order of which nothing is known is reckoned as a working day, and outlasts the epic.
    line.check(
        json!({"critical_path": {}}),
        &[
            ("/total_minutes", json!(480)),
            ("/chain/0/basis", json!("assumed")),
        ],
    );
    line.check(
        json!({"critical_path": {"epic": "EPIC-001"}}),
        &[
            ("/total_minutes", json!(222)),
            ("/chain/0", json!({"id": "WO-002", "title": "Pseudocode", "status": "in_progress", "minutes": 72, "basis": "median"})),
        ],
    );
    line.check(
        json!({"diagram": {"root": "EPIC-001"}}),
        &[(
            "/mermaid",
            json!(
                "graph TD\n    WO001[Specification]:::completed --> WO002[Pseudocode]:::in_progress\n    \
                 WO002 --> WO003[Architecture]:::queued\n    WO003 --> WO004[Testing]:::queued\n    \
                 WO009[\"Old work\"]:::completed\n\n    classDef completed fill:#90ee90\n    \
                 classDef in_progress fill:#ffff00\n    classDef queued fill:#add8e6\n"
            ),
        )],
    );
    line.check(
        json!({"diagram": {"root": "WO-007"}}),
        &[("/total", json!(2))],
    );
    line.check(json!({"diagram": {}}), &[("/total", json!(7))]);
}

#[test]
fn receipts_are_checked_against_their_record_and_their_neighbours() {
    let mut line = line();
    line.complete("WO-002", &Actor::agent("rust-dev"), None);
    line.check(
        json!({"verify_receipt": {"order": "WO-001"}}),
        &[("/verified", json!(true)), ("/number", json!(1))],
    );
    line.check(
        json!({"receipt_chain": {"order": "WO-002"}}),
        &[
            ("/receipts/0/number", json!(2)),
            ("/receipts/1/order", json!("WO-001")),
            ("/total", json!(2)),
        ],
    );
    line.check(
        json!({"receipt_chain": {"order": "WO-002", "limit": 1}}),
        &[("/receipts/1", Value::Null)],
    );
    let failed = |line: &Line, order: &str| -> Vec<String> {
        let document = line.document(json!({"verify_receipt": {"order": order}}));
        let checks = document["checks"].as_array().cloned().unwrap_or_default();
        let failed = checks.iter().filter(|check| check["ok"] == false);
        failed
            .filter_map(|check| check["name"].as_str().map(str::to_owned))
            .collect()
    };
    // Another sku in the record: its hash no longer fits. Another hash as well: nothing fits any more.
    line.records[16].body = line.records[16].body.replace("sku-1", "sku-2").into();
    assert_eq!(failed(&line, "WO-001"), ["record"]);
    let before = line.records[15].hash;
    line.records[16].hash = line.records[16].seal(&before);
    assert_eq!(failed(&line, "WO-001"), ["receipt", "next"]);
    assert_eq!(failed(&line, "WO-002"), Vec::<String>::new());
}
