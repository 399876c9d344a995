//! Whether the engine says that it is well when it is, and does not when it is not.

use std::{
    sync::{Arc, Condvar, Mutex},
    time::Instant,
};

use obeya::domain::command::Role;
use serde_json::json;

use super::support::{Engine, PATIENCE};

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
    // The engine's thread hangs in what it calls, as it would on a disk that does not answer.
    let wedge = Arc::new((Mutex::new(true), Condvar::new()));
    let held = Arc::clone(&wedge);
    let listening = engine.session.watching().subscribe(move |_| {
        let (stuck, freed) = &*held;
        drop(
            freed
                .wait_while(stuck.lock().unwrap(), |stuck| *stuck)
                .unwrap(),
        );
    });
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
    let (stuck, freed) = &*wedge;
    *stuck.lock().unwrap() = false;
    freed.notify_all();
    assert_eq!(becomes(200)["checks"], json!({ "engine": "ok" }));
    drop((listening, unheard));
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
