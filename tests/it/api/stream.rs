//! The stream of records: nothing lost, nothing twice.

use obeya::domain::command::Role;
use serde_json::json;

use super::support::Engine;

#[test]
fn a_reader_that_comes_back_gets_what_it_missed_once() {
    let mut engine = Engine::start();
    let ana = engine.client("ana", Role::Operator);
    let create = |ana: &super::support::Client, n: usize| {
        for n in 0..n {
            ana.post(
                "/api/work-orders",
                &json!({ "title": format!("order {n}") }),
            )
            .done();
        }
    };
    let from = engine.head();
    let mut stream = ana.stream(None);
    create(&ana, 5);
    let mut seen = vec![];
    for _ in 0..3 {
        let (id, sort, record) = stream.next();
        assert_eq!(
            (&record["seq"], &record["kind"]),
            (&json!(id), &json!(sort))
        );
        seen.push(id);
    }
    // The reader goes, more happens, the server ends and comes back on another port.
    drop(stream);
    create(&ana, 4);
    engine.serve();
    let mut ana = ana;
    ana.address = engine.address();
    create(&ana, 3);
    let mut stream = ana.stream(seen.last().copied());
    create(&ana, 2);
    let head = engine.head();
    while seen.last() != Some(&head) {
        seen.push(stream.next().0);
    }
    let all: Vec<_> = (from + 1..=head).collect();
    assert_eq!(seen, all, "without loss or repeat");
    // Two at once are told the same, and whoever is behind the feed reads from the ledger.
    let (mut one, mut two) = (ana.stream(Some(0)), ana.stream(Some(head)));
    create(&ana, 1);
    let last = engine.head();
    let all: Vec<_> = (1..=last).map(|_| one.next().0).collect();
    assert_eq!(all, (1..=last).collect::<Vec<_>>());
    assert_eq!(two.next().0, head + 1);
    ana.send("GET", "/api/stream", &[("Last-Event-ID", "x")], b"")
        .problem(400);
}
