//! Who may what: by every way in that there is.

use obeya::{domain::command::Role, server::document};
use serde_json::{Value, json};

use super::support::{Client, Engine};

/// Sends something well-formed to every way in, as the document has it.
fn everywhere(client: &Client, mut each: impl FnMut(&str, &str, Role, u16, &Value)) {
    for (path, operations) in document()["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let Ok(needs) = serde_json::from_value(operation["x-obeya-role"].clone()) else {
                continue;
            };
            if path == "/api/stream" {
                continue;
            }
            let filled = path
                .replace("{id}", "WO-001")
                .replace("{on}", "WO-002")
                .replace("{to}", "WO-002");
            let filled = match path.split('/').nth(2) {
                Some("andon") => filled.replace("WO-001", "ALERT-001"),
                Some("buckets") => filled.replace("WO-001", "features"),
                Some("agents") => filled.replace("WO-001", "rust-dev"),
                Some("stages") => filled.replace("WO-001", "code"),
                Some("tokens") => filled.replace("WO-001", "ana"),
                _ => filled,
            };
            let mut filled = filled.replace("{gate}", "format");
            let parameters = operation["parameters"].as_array().unwrap().iter();
            for parameter in
                parameters.filter(|one| one["in"] == "query" && one["required"] == true)
            {
                let value = sample(&parameter["schema"]);
                let name = parameter["name"].as_str().unwrap();
                filled += &format!("?{name}={}", value.as_str().unwrap());
            }
            let body = match path.as_str() {
                "/api/query" => json!("summary"),
                "/api/commands" => json!({ "command": { "pause_agent": { "name": "rust-dev" } } }),
                "/api/bus" => json!({ "publish": [] }),
                "/api/folder" => json!("tokens"),
                _ => sample(&operation["requestBody"]["content"]["application/json"]["schema"]),
            };
            let body = match operation.get("requestBody") {
                Some(_) => body.to_string(),
                None => String::new(),
            };
            let answer = client.send(&method.to_uppercase(), &filled, &[], body.as_bytes());
            let said = serde_json::from_str(&answer.body).unwrap_or_default();
            each(method, path, needs, answer.status, &said);
        }
    }
}

/// Returns something that a schema of the document admits.
fn sample(schema: &Value) -> Value {
    let named = |reference: &str| {
        &document()["components"]["schemas"][reference.rsplit('/').next().unwrap()]
    };
    if let Some(reference) = schema["$ref"].as_str() {
        return sample(named(reference));
    }
    if let Some(example) = schema["examples"]
        .get(0)
        .or(schema.get("const"))
        .or(schema["enum"].get(0))
    {
        return example.clone();
    }
    if let Some(one) = schema["oneOf"].get(0).or(schema["anyOf"].get(0)) {
        return sample(one);
    }
    let sort = match &schema["type"] {
        Value::Array(sorts) => sorts[0].clone(),
        sort => sort.clone(),
    };
    match sort.as_str() {
        Some("string") => json!("some-text"),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(false),
        Some("array") => json!([]),
        _ => {
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let field = |name: Value| {
                let name = name.as_str().unwrap().to_owned();
                let value = sample(&schema["properties"][&name]);
                (name, value)
            };
            Value::Object(required.into_iter().map(field).collect())
        }
    }
}

#[test]
fn a_viewer_looks_and_writes_nothing_by_any_way_in() {
    let engine = Engine::start();
    let ana = engine.client("ana", Role::Operator);
    for title in ["a", "b"] {
        ana.post("/api/work-orders", &json!({ "title": title }))
            .done();
    }
    ana.post(
        "/api/andon/trigger",
        &json!({ "reason": "x", "severity": "low" }),
    )
    .done();
    let wall = engine.client("wall", Role::Viewer);
    let before = engine.head();
    let mut tried = 0;
    everywhere(&wall, |method, path, needs, status, said| {
        tried += 1;
        let own = ["/api/commands", "/api/bus", "/api/folder"];
        if needs > Role::Viewer || own.contains(&path) {
            assert_eq!(status, 403, "{method} {path}: {said}");
            assert_eq!(said["refusal"]["rule"], "role", "{method} {path}");
        } else {
            assert!(
                [200, 404, 409].contains(&status),
                "{method} {path}: {status} {said}"
            );
        }
    });
    assert!(tried > 80, "only {tried}");
    assert_eq!(engine.head(), before, "zero records");
    // An admin is refused nothing for want of a right: the same requests are good ones.
    let root = engine.client("root", Role::Admin);
    everywhere(&root, |method, path, _, status, said| {
        assert!(
            ![400, 401, 403, 405, 415].contains(&status) && status < 500,
            "{method} {path}: {status} {said}"
        );
    });
    assert!(engine.head() > before);
}

#[test]
fn a_stranger_gets_nothing() {
    let engine = Engine::start();
    let before = engine.head();
    let mut bad = engine.client("gone", Role::Viewer);
    bad.token = Some(format!("obeya_{}", "0".repeat(64)));
    let stranger = engine.stranger();
    everywhere(&stranger, |method, path, _, status, said| {
        assert_eq!(status, 401, "{method} {path}");
        let fields: Vec<_> = said.as_object().unwrap().keys().collect();
        assert_eq!(
            fields,
            ["detail", "status", "title", "type"],
            "{method} {path}"
        );
    });
    for stranger in [stranger, bad] {
        for path in [
            "/api/stream",
            "/api/openapi.json",
            "/metrics",
            "/api/tokens",
        ] {
            stranger.get(path).problem(401);
        }
    }
    assert_eq!(engine.head(), before);
}

#[test]
fn admins_keep_the_keys_and_what_they_do_is_noted() {
    let engine = Engine::start();
    let root = engine.client("root", Role::Admin);
    let made = root.post(
        "/api/tokens",
        &json!({ "name": "ci", "role": "operator", "expires_in": 3600 }),
    );
    assert_eq!(
        (made.status, made.headers["cache-control"].as_str()),
        (201, "no-store")
    );
    let mut ci = engine.stranger();
    ci.token = Some(made.json()["secret"].as_str().unwrap().to_owned());
    ci.post("/api/work-orders", &json!({ "title": "x" })).done();
    ci.get("/api/tokens").problem(403);
    ci.post("/api/tokens", &json!({ "name": "more", "role": "admin" }))
        .problem(403);
    let list = root.get("/api/tokens");
    assert!(!list.body.contains(ci.token.as_ref().unwrap().as_str()));
    assert_eq!(list.done()["tokens"].as_array().unwrap().len(), 2);
    root.send("DELETE", "/api/tokens/ci", &[], b"").done();
    ci.get("/api/work-orders").problem(401);
    root.send("DELETE", "/api/tokens/nobody", &[], b"")
        .problem(404);
    root.post(
        "/api/tokens",
        &json!({ "name": "x".repeat(1_000), "role": "admin" }),
    )
    .problem(400);
    let noted = root.get("/api/audit?after=0&limit=100").done();
    let rows = noted["rows"].as_array().unwrap();
    let has = |what: &str, outcome: &str| {
        let row = |row: &&Value| row["what"] == what && row["outcome"] == outcome;
        assert!(
            rows.iter().any(|one| row(&one)),
            "{what} {outcome}: {rows:#?}"
        );
    };
    has("token create ci operator", "done");
    has("token revoke ci", "done");
    has("token create more admin", "refused");
    has("work-order create", "done");
}

#[test]
fn an_agent_runs_gates_on_what_it_claimed_and_registers_itself_alone() {
    let engine = Engine::start();
    let root = engine.client("root", Role::Admin);
    root.post("/api/work-orders", &json!({ "title": "x" }))
        .done();
    let [ann, bob] = ["ann", "bob"].map(|name| engine.client(name, Role::Agent));
    ann.post("/api/work-orders/WO-001/claim", &json!({})).done();
    let run = "/api/work-orders/WO-001/gates/build/run";
    let refused = bob.send("POST", run, &[], b"").problem(403);
    assert_eq!(refused["refusal"]["rule"], "not_holder");
    // Its holder hears of the gate, which there is none.
    ann.send("POST", run, &[], b"").problem(404);
    root.send("POST", run, &[], b"").problem(404);
    let agent = |name: &str| json!({ "name": name, "role": "developer" });
    ann.post("/api/agents", &agent("ann")).done();
    let refused = bob.post("/api/agents", &agent("ann")).problem(403);
    assert_eq!(refused["refusal"]["rule"], "role");
    root.post("/api/agents", &agent("bob")).done();
}
