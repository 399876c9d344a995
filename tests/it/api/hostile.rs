//! Whatever comes, the API answers in its own words, writes nothing by mistake, and goes on.

use obeya::domain::command::Role;
use serde_json::json;

use super::support::Engine;
use crate::support::random::Random;

/// What the fuzzers make their requests from: pieces that mean something here, and some that mean something elsewhere.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "null",
    "true",
    "-1",
    "1e999",
    "18446744073709551616",
    "\"title\"",
    "\"id\"",
    "\"WO-001\"",
    "\"command\"",
    "\"create_order\"",
    "\"order\"",
    "\"bucket\"",
    "\"features\"",
    "\"epoch\"",
    "\"dry_run\"",
    "\"work_orders\"",
    "\"filter\"",
    "\"since\"",
    "\u{202e}",
    "\u{0}",
    "\\u0000",
    "\\ud800",
    "é",
    "x",
    " ",
    "\n",
];

/// The same for what stands behind the question mark.
const WORDS: &[&str] = &[
    "limit",
    "after",
    "status",
    "at",
    "since",
    "scope",
    "epoch",
    "dry_run",
    "actor",
    "all",
    "=",
    "=",
    "&",
    "&",
    "30d",
    "-1",
    "open:1,2,3,WO-001",
    "closed:9,WO-1",
    "bucket:features",
    "true",
    "%00",
    "%ff",
    "%",
    "+",
    "WO-001",
    "99999999999999999999",
    "2026-02-02T10:00:00Z",
    "agent:x",
    "%F0%9F%92%A9",
    "text",
];

#[test]
fn what_cannot_be_read_is_said_to_be_so() {
    let engine = Engine::start();
    let ana = engine.client("ana", Role::Operator);
    let before = engine.head();
    let create = |body: &[u8]| ana.send("POST", "/api/work-orders", &[], body);
    for body in [
        &b"{"[..],
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{\"title\":1}",
        b"{\"titel\":\"x\"}",
        b"{}",
    ] {
        create(body).problem(400);
    }
    create(format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)).as_bytes()).problem(400);
    let plain = [("Content-Type", "text/plain")];
    ana.send("POST", "/api/work-orders", &plain, br#"{"title":"x"}"#)
        .problem(415);
    for path in [
        "/api/work-orders?limit=x",
        "/api/work-orders?limit=-1",
        "/api/work-orders?limit=1&limit=2",
        "/api/work-orders?nonsense=1",
        "/api/work-orders?after=nowhere",
        "/api/work-orders?status=asleep",
        "/api/work-orders/%ff",
        "/api/andon/WO-001",
        "/api/andon/blast?scope=everything",
        "/api/reports/flow?since=yesterday",
        "/api/events?after=-1",
        "/api/stream?after=x",
    ] {
        ana.get(path).problem(400);
    }
    ana.get("/api/nothing").problem(404);
    ana.get("/api/work-orders/WO-999").problem(404);
    ana.get("/api/work-orders/..%2f..%2fetc").problem(404);
    ana.send("PUT", "/api/work-orders", &[], b"").problem(405);
    let long = json!({ "title": "x".repeat(10_000) });
    assert!([400, 422].contains(&ana.post("/api/work-orders", &long).status));
    assert_eq!(engine.head(), before);
}

#[test]
fn a_body_without_end_takes_no_memory() {
    let engine = Engine::start();
    let ana = engine.client("ana", Role::Operator);
    let body = vec![b' '; (4 << 20) + 1];
    ana.send("POST", "/api/query", &[], &body).problem(413);
    assert_eq!(ana.get("/health/live").status, 200);
}

#[test]
fn noise_is_answered_and_nothing_breaks() {
    let count = std::env::var("OBEYA_FUZZ")
        .ok()
        .and_then(|count| count.parse().ok());
    let count: usize = count.unwrap_or(300);
    let engine = Engine::start();
    let ana = engine.client("ana", Role::Operator);
    let mut random = Random(5);
    let mut noise = |pieces: &[&str]| {
        let length = random.below(14);
        (0..length)
            .map(|_| pieces[random.below(pieces.len())])
            .collect::<String>()
    };
    for n in 0..count {
        let answer = match n % 4 {
            0 => ana.send("POST", "/api/query", &[], noise(PIECES).as_bytes()),
            1 => ana.send("POST", "/api/commands", &[], noise(PIECES).as_bytes()),
            2 => ana.send("POST", "/api/work-orders", &[], noise(PIECES).as_bytes()),
            _ => ana.get(&format!("/api/work-orders?{}", noise(WORDS))),
        };
        assert!((200..500).contains(&answer.status), "{answer:?}");
        if answer.status >= 400 {
            answer.problem(answer.status);
        }
    }
    assert_eq!(ana.get("/health/live").status, 200);
}
