//! The owner's endpoints, and what makes them safe to use: keys, tags, pages.

use obeya::domain::command::Role;
use serde_json::json;

use super::support::Engine;

#[test]
fn an_order_goes_through_the_line() {
    let engine = Engine::start();
    let ana = engine.client("ana", Role::Operator);
    let made = ana.post("/api/work-orders", &json!({ "title": "parse frames" }));
    assert_eq!(
        (made.status, made.headers["location"].as_str()),
        (201, "/api/work-orders/WO-001")
    );
    let record = made.json()["records"][0].clone();
    assert_eq!(
        (&record["door"], &record["actor"]),
        (&json!("api"), &json!("ana"))
    );
    ana.post("/api/work-orders/WO-001/start", &json!({})).done();
    assert_eq!(ana.get("/api/dashboard/summary").done()["wip"]["count"], 1);
    let listed = ana
        .get("/api/dashboard/work-orders?status=in_progress&bucket=features")
        .done();
    assert_eq!(listed["work_orders"][0]["id"], "WO-001");
    assert_eq!(
        ana.get("/api/dashboard/work-orders?status=queued").done()["total"],
        0
    );
    let alert = ana.post(
        "/api/andon/trigger",
        &json!({ "reason": "red", "severity": "critical" }),
    );
    assert_eq!(
        (alert.status, alert.headers["location"].as_str()),
        (201, "/api/andon/ALERT-001")
    );
    let held = ana
        .post("/api/work-orders/WO-001/complete", &json!({}))
        .problem(409);
    assert_eq!(held["type"], "urn:obeya:problem:held");
    assert_eq!(held["refusal"]["alerts"], json!(["ALERT-001"]));
    ana.post(
        "/api/andon/ALERT-001/resolve",
        &json!({ "resolution": "mended" }),
    )
    .done();
    ana.send("POST", "/api/work-orders/WO-001/complete", &[], b"")
        .done();
    assert_eq!(
        ana.get("/api/work-orders/WO-001").done()["status"],
        "completed"
    );
    assert_eq!(
        ana.get("/api/work-orders/WO-001/receipt/verification")
            .status,
        200
    );
    assert_eq!(ana.get("/api/dashboard/agents").done()["total"], 0);
    assert!(
        !ana.get("/api/dashboard/metrics").done()["metrics"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn everything_can_be_asked_and_told_by_the_generic_pair() {
    let engine = Engine::start();
    let ana = engine.client("ana", Role::Operator);
    let order = json!({
        "kind": "task", "title": "x", "bucket": "security", "priority": 7, "signal": { "kind": "test" },
    });
    let told = json!({ "command": { "create_order": { "order": order } }, "dry_run": true });
    let dry = ana.post("/api/commands", &told);
    assert_eq!(
        (dry.status, dry.json()["dry_run"].clone()),
        (200, json!(true))
    );
    assert_eq!(ana.get("/api/work-orders").done()["total"], 0);
    let told = json!({ "command": { "create_order": { "order": order } } });
    assert_eq!(ana.post("/api/commands", &told).status, 201);
    let answer = ana
        .post("/api/query", &json!({ "status": { "order": "WO-001" } }))
        .done();
    assert_eq!(answer["status"]["priority"], 7);
}

#[test]
fn a_key_makes_a_retry_the_same_act() {
    let engine = Engine::start();
    let ana = engine.client("ana", Role::Operator);
    let eve = engine.client("eve", Role::Operator);
    let body = br#"{"title":"once"}"#;
    let key = [("Idempotency-Key", "deploy 42")];
    // The first answer is lost on its way: the caller hangs up at once.
    drop(ana.say("POST", "/api/work-orders", &key, body));
    let first = ana.send("POST", "/api/work-orders", &key, body);
    let again = ana.send("POST", "/api/work-orders", &key, body);
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(first.json()["records"], again.json()["records"]);
    assert_eq!(ana.get("/api/work-orders").done()["total"], 1);
    // Another's key of the same words is another key, and the same key for something else is a mistake.
    assert!(
        !eve.send("POST", "/api/work-orders", &key, body)
            .headers
            .contains_key("idempotency-replayed")
    );
    let other = ana
        .send("POST", "/api/work-orders", &key, br#"{"title":"twice"}"#)
        .problem(422);
    assert_eq!(other["refusal"]["rule"], "command_reused");
    assert_eq!(ana.get("/api/work-orders").done()["total"], 2);
    let uuid = [(
        "Idempotency-Key",
        "\"0190a1b2-0000-7000-8000-000000000001\"",
    )];
    let made = ana.send("POST", "/api/work-orders", &uuid, body).done();
    assert_eq!(
        made["records"][0]["command"],
        "0190a1b2-0000-7000-8000-000000000001"
    );
    for key in ["", &"k".repeat(256)] {
        ana.send(
            "POST",
            "/api/work-orders",
            &[("Idempotency-Key", key)],
            body,
        )
        .problem(400);
    }
}

#[test]
fn who_looked_before_another_wrote_does_not_write_over_it() {
    let engine = Engine::start();
    let ana = engine.client("ana", Role::Operator);
    ana.post("/api/work-orders", &json!({ "title": "x" }))
        .done();
    let seen = ana.get("/api/work-orders/WO-001");
    let tag = seen.headers["etag"].clone();
    let unchanged = ana.send(
        "GET",
        "/api/work-orders/WO-001",
        &[("If-None-Match", &tag)],
        b"",
    );
    assert_eq!((unchanged.status, unchanged.body.as_str()), (304, ""));
    let edit = |tag: &str, title: &str| {
        let body = json!({ "title": title }).to_string();
        ana.send(
            "PATCH",
            "/api/work-orders/WO-001",
            &[("If-Match", tag)],
            body.as_bytes(),
        )
    };
    let edited = edit(&tag, "mine");
    assert_eq!(edited.status, 200, "{edited:?}");
    assert_eq!(
        edit(&tag, "theirs").problem(412)["refusal"]["rule"],
        "changed"
    );
    assert_eq!(edit(&edited.headers["etag"], "mine again").status, 200);
    edit("yesterday", "x").problem(400);
    let changed = ana.send(
        "GET",
        "/api/work-orders/WO-001",
        &[("If-None-Match", &tag)],
        b"",
    );
    assert_eq!(changed.done()["title"], "mine again");
    let list = ana.get("/api/work-orders").headers["etag"].clone();
    let same = ana.send("GET", "/api/work-orders", &[("If-None-Match", &list)], b"");
    assert_eq!(same.status, 304);
}

#[test]
fn pages_lead_to_each_other_without_gap_or_repeat() {
    let engine = Engine::start();
    let ana = engine.client("ana", Role::Operator);
    for n in 0..7 {
        ana.post(
            "/api/work-orders",
            &json!({ "title": format!("order {n}") }),
        )
        .done();
    }
    for (first, list, key) in [
        ("/api/work-orders?sort=age&limit=3", "work_orders", "id"),
        ("/api/events?limit=3", "records", "seq"),
        ("/api/log?after=0&limit=3", "events", "seq"),
    ] {
        let (mut path, mut found) = (first.to_owned(), vec![]);
        loop {
            let page = ana.get(&path);
            let items = page.done()[list].as_array().unwrap().clone();
            assert!(items.len() <= 3);
            found.extend(items.iter().map(|item| item[key].clone()));
            let Some(link) = page.headers.get("link") else {
                break;
            };
            path = link
                .strip_prefix('<')
                .unwrap()
                .strip_suffix(">; rel=\"next\"")
                .unwrap()
                .to_owned();
        }
        let (all, whole) = (
            ana.get(first.split('?').next().unwrap()).done(),
            found.len(),
        );
        let all: Vec<_> = all[list]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item[key].clone())
            .collect();
        assert!(
            whole >= 7 && found.iter().all(|one| all.contains(one)),
            "{first}: {found:?}"
        );
        found.dedup();
        assert_eq!((found.len(), all.len()), (whole, whole), "{first}");
    }
}

#[test]
fn a_claim_is_renewed_by_whoever_holds_it() {
    let engine = Engine::start();
    let ana = engine.client("ana", Role::Operator);
    let rust = engine.client("rust-dev", Role::Agent);
    let java = engine.client("java-dev", Role::Agent);
    for _ in 0..2 {
        ana.post("/api/work-orders", &json!({ "title": "x" }))
            .done();
    }
    rust.post(
        "/api/work-orders/next",
        &json!({ "lease_seconds": 60, "buckets": ["features"] }),
    )
    .done();
    java.post("/api/work-orders/WO-002/claim", &json!({}))
        .done();
    let beat = json!({ "epoch": 1, "note": "compiling" });
    assert!(rust.post("/api/work-orders/WO-001/heartbeat", &beat).done()["until"].is_string());
    let other = java
        .post("/api/work-orders/WO-001/heartbeat", &beat)
        .problem(403);
    assert_eq!(other["refusal"]["rule"], "not_holder");
    java.post("/api/work-orders/WO-001/complete?epoch=1", &json!({}))
        .problem(403);
    rust.post("/api/work-orders/WO-001/complete?epoch=1", &json!({}))
        .done();
    rust.post("/api/work-orders/WO-002/cancel", &json!({ "reason": "no" }))
        .problem(403);
}

#[test]
fn the_bus_and_what_lies_beside_the_ledger_are_reached_too() {
    let engine = Engine::start();
    let ana = engine.client("ana", Role::Operator);
    let sent = ana.post(
        "/api/bus",
        &json!({ "publish": [{
            "address": "coordination_events",
            "sender": { "kind": "person", "name": "somebody else" },
            "body": "hear",
        }] }),
    );
    assert_eq!(sent.status, 200, "{}", sent.body);
    let wall = engine.client("wall", Role::Viewer);
    let heard = wall.post(
        "/api/bus",
        &json!({ "replay": { "address": "coordination_events", "after": 0, "limit": 10 } }),
    );
    assert!(heard.body.contains("hear"), "{}", heard.body);
    assert!(!heard.body.contains("somebody else"), "{}", heard.body);
    let refused = wall.post("/api/bus", &json!({ "publish": [] }));
    assert_eq!(refused.status, 403, "{}", refused.body);
    let stats = wall.post("/api/folder", &json!("stats"));
    assert!(stats.body.contains("state_hash"), "{}", stats.body);
    let refused = wall.post("/api/folder", &json!("tokens"));
    assert_eq!(refused.status, 403, "{}", refused.body);
}
