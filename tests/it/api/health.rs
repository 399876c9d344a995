//! Whether the engine says that it is well when it is, and does not when it is not.

use std::{fs, time::Instant};

use obeya::domain::command::Role;
use serde_json::json;

use super::support::{Answer, Client, Engine, PATIENCE, Wedge};

#[test]
fn a_wedged_loop_turns_live_red_and_green_again() {
    let engine = Engine::start();
    let probe = engine.stranger();
    for path in ["/health/live", "/health/ready", "/health/startup"] {
        let health = probe.get(path);
        assert_eq!(health.status, 200, "{health:?}");
        assert_eq!(health.json()["status"], "healthy");
        assert!(health.json()["timestamp"].as_str().unwrap().ends_with('Z'));
        assert!(
            health.json()["checks"]
                .as_object()
                .unwrap()
                .values()
                .all(|check| check == "ok")
        );
    }
    let wedge = Wedge::of(&engine);
    let ana = engine.client("ana", Role::Operator);
    let unheard = ana.say("POST", "/api/work-orders", &[], br#"{"title":"x"}"#);
    let becomes = |status: u16| {
        let begun = Instant::now();
        loop {
            let health = probe.get("/health/live");
            if health.status == status {
                return health.json();
            }
            assert!(begun.elapsed() < PATIENCE, "never {status}: {health:?}");
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    };
    let red = becomes(503);
    assert_eq!(red["status"], "unhealthy");
    assert!(
        red["checks"]["engine"]
            .as_str()
            .unwrap()
            .contains("has not come round")
    );
    assert_eq!(probe.get("/health/ready").status, 503);
    assert_eq!(probe.get("/health/startup").status, 200);
    wedge.free();
    assert_eq!(becomes(200)["checks"], json!({ "engine": "ok" }));
    drop(unheard);
}

#[test]
fn a_door_that_nobody_can_come_in_by_is_not_ready() {
    let engine = Engine::start();
    let probe = engine.stranger();
    let ana = engine.client("ana", Role::Operator);
    let access = engine.home.access();
    let aside = access.with_extension("aside");
    fs::rename(&access, &aside).unwrap();
    fs::write(&access, "these are no tokens").unwrap();
    ana.get("/api/work-orders").problem(503);
    let ready = probe.get("/health/ready");
    assert_eq!(ready.status, 503, "{ready:?}");
    let said = ready.json()["checks"]["tokens"].clone();
    assert!(said.as_str().unwrap().contains("obeya doctor"), "{said}");
    assert!(!ready.body.contains(engine.home.path().to_str().unwrap()));
    // A process that is started anew would find the same.
    assert_eq!(probe.get("/health/live").status, 200);
    fs::rename(&aside, &access).unwrap();
    assert_eq!(ana.get("/api/work-orders").status, 200);
    ready_becomes(&probe, 200);
}

/// Waits until a probe hears this status.
fn ready_becomes(probe: &Client, status: u16) -> Answer {
    let begun = Instant::now();
    loop {
        let ready = probe.get("/health/ready");
        if ready.status == status {
            return ready;
        }
        assert!(begun.elapsed() < PATIENCE, "never {status}: {ready:?}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

#[test]
fn a_door_that_notes_nothing_is_not_ready() {
    let engine = Engine::start();
    let probe = engine.stranger();
    // Somebody holds the file, so that it is read and not written.
    let other = rusqlite::Connection::open(engine.home.access()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    probe.get("/api/work-orders").problem(401);
    let ready = ready_becomes(&probe, 503).json();
    let said = ready["checks"]["audit"].as_str().unwrap();
    assert!(said.contains("obeya doctor"), "{said}");
    assert_eq!(ready["checks"]["tokens"], "ok");
    other.execute_batch("ROLLBACK").unwrap();
    ready_becomes(&probe, 200);
    // What was to be noted meanwhile is noted.
    engine.noted(|row| row.what == "GET /api/work-orders");
}

#[test]
fn a_process_that_hosts_no_more_is_not_ready() {
    let engine = Engine::start();
    let probe = engine.stranger();
    engine.session.step_down();
    let ready = probe.get("/health/ready");
    assert_eq!(ready.status, 503, "{ready:?}");
    let checks = ready.json()["checks"].clone();
    assert_eq!(checks["host"], "another process is the host");
    assert_eq!(checks["engine"], "ok");
}

#[test]
fn a_ledger_that_is_not_read_is_not_ready() {
    let engine = Engine::start();
    let probe = engine.stranger();
    // Another file lies in its place, as after a disk that came back empty.
    let ledger = engine.home.database();
    fs::rename(&ledger, ledger.with_extension("aside")).unwrap();
    fs::write(&ledger, "this is no ledger").unwrap();
    let ready = probe.get("/health/ready");
    assert_eq!(ready.status, 503, "{ready:?}");
    let said = ready.json()["checks"]["ledger"].clone();
    assert!(said.as_str().unwrap().contains("obeya doctor"), "{said}");
    assert!(!ready.body.contains(engine.home.path().to_str().unwrap()));
}

#[test]
fn the_figures_are_for_who_has_a_token() {
    let engine = Engine::start();
    engine.stranger().get("/metrics").problem(401);
    let page = engine.client("prometheus", Role::Viewer).get("/metrics");
    assert_eq!(page.status, 200);
    assert_eq!(
        page.headers["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    for name in [
        "obeya_work_orders_wip",
        "obeya_engine_tick_age_seconds",
        "obeya_commit_duration_seconds_count",
    ] {
        assert!(page.body.contains(name), "{name}");
    }
}
