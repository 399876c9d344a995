//! What the audit has of those who come over the API: whatever they did, from where, and however they left.

use obeya::{
    domain::command::Role,
    link::access::{AuditOutcome, LocalToken},
};
use serde_json::json;

use super::support::{Client, Engine, Wedge};

#[test]
fn what_was_begun_is_noted_though_its_caller_hangs_up() {
    let engine = Engine::start();
    let ana = engine.client("ana", Role::Operator);
    let wedge = Wedge::of(&engine);
    let unheard = ana.say("POST", "/api/work-orders", &[], br#"{"title":"x"}"#);
    wedge.reached();
    drop(unheard);
    // By the time that others are answered the server knows that the caller is gone.
    for _ in 0..20 {
        assert_eq!(ana.get("/health/live").status, 200);
    }
    wedge.free();
    let row = engine.noted(|row| row.what == "work-order create");
    assert_eq!(row.token.as_deref(), Some("ana"));
    let done = AuditOutcome::Done {
        first_seq: Some(engine.head()),
        last_seq: Some(engine.head()),
    };
    assert_eq!(row.outcome, done);
}

#[test]
fn a_token_that_was_taken_back_is_named_where_it_is_denied() {
    let engine = Engine::start();
    let root = engine.client("root", Role::Admin);
    let wall = engine.client("wall", Role::Viewer);
    root.send("DELETE", "/api/tokens/wall", &[], b"").done();
    wall.get("/api/work-orders").problem(401);
    let denied = |why: &str| AuditOutcome::Denied { why: why.into() };
    let row = engine.noted(|row| row.outcome == denied("revoked"));
    assert_eq!(row.token.as_deref(), Some("wall"));
    assert_eq!(row.address, "127.0.0.1");
    // Of one that was never given nobody is named. One second of an address is one row, so that this is another line.
    let engine = Engine::start();
    let mut guess = engine.client("wall", Role::Viewer);
    let token = guess.token.as_mut().unwrap();
    let last = if token.pop() == Some('0') { '1' } else { '0' };
    token.push(last);
    guess.get("/api/work-orders").problem(401);
    let row = engine.noted(|row| row.outcome == denied("unknown"));
    assert_eq!(row.token, None);
}

#[test]
fn a_token_that_is_made_from_afar_is_one_row_that_says_from_where() {
    let engine = Engine::start();
    let root = engine.client("root", Role::Admin);
    let new = json!({ "name": "one", "role": "viewer", "expires": null });
    root.post("/api/folder", &json!({ "create_token": new }))
        .done();
    root.post("/api/tokens", &json!({ "name": "two", "role": "viewer" }))
        .done();
    root.send("DELETE", "/api/tokens/two", &[], b"").done();
    engine.noted(|row| row.what == "token revoke two");
    let own = |token: &Option<String>| token.as_deref() == Some("root");
    let rows = engine.audit();
    let told: Vec<_> = rows
        .iter()
        .filter(|row| row.address == "127.0.0.1" && own(&row.token))
        .map(|row| row.what.as_str())
        .collect();
    assert_eq!(
        told,
        [
            "token create one viewer",
            "token create two viewer",
            "token revoke two"
        ]
    );
    // The first is the token of root itself, which was made beside the server.
    assert_eq!(rows.len(), told.len() + 1, "{rows:?}");
}

#[test]
fn a_token_called_local_shares_no_key_with_the_own_processes() {
    let engine = Engine::start();
    let named = engine.client("local", Role::Admin);
    let (secret, _) = LocalToken::read(&engine.home).unwrap().unwrap();
    let own = Client {
        address: engine.address(),
        token: Some(secret.expose().to_owned()),
    };
    let key = [("Idempotency-Key", "deploy 42")];
    for client in [named, own] {
        let made = client.send("POST", "/api/work-orders", &key, br#"{"title":"x"}"#);
        assert_eq!(made.status, 201);
        assert!(!made.headers.contains_key("idempotency-replayed"));
    }
}
