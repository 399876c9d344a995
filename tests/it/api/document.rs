//! The document of the API.

use std::{fs, path::Path};

use obeya::{domain::command::Role, server::document};
use serde_json::Value;

use super::support::Engine;

/// Returns JSON whose first levels are on lines of their own: each path and each schema is one, so that a change shows.
fn lines(value: &Value, levels: usize) -> String {
    match value {
        Value::Object(fields) if levels > 0 && !fields.is_empty() => {
            let field = |(name, value)| {
                format!(
                    "{}:{}",
                    Value::String(String::clone(name)),
                    lines(value, levels - 1)
                )
            };
            let fields: Vec<_> = fields.iter().map(field).collect();
            format!("{{\n{}\n}}", fields.join(",\n"))
        }
        other => other.to_string(),
    }
}

#[test]
fn the_committed_document_is_that_of_this_version() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let text = lines(document(), 3) + "\n";
    if std::env::var_os("OBEYA_BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "docs/openapi.json is of another version; OBEYA_BLESS=1 writes it anew"
    );
}

#[test]
fn what_is_served_is_the_document_and_every_reference_in_it_leads_somewhere() {
    let engine = Engine::start();
    let served = engine
        .client("wall", Role::Viewer)
        .get("/api/openapi.json")
        .done();
    assert_eq!(&served, document());
    let mut references = 0;
    let mut waiting = vec![&served];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(reference)) = fields.get("$ref") {
                    references += 1;
                    let found = served.pointer(reference.strip_prefix('#').unwrap());
                    assert!(found.is_some(), "{reference}");
                }
                waiting.extend(fields.values());
            }
            Value::Array(items) => waiting.extend(items),
            _ => {}
        }
    }
    assert!(references > 300, "only {references}");
}

#[test]
fn the_owners_endpoints_are_as_the_owner_wrote_them() {
    for (method, path) in [
        ("get", "/api/dashboard/summary"),
        ("get", "/api/dashboard/work-orders"),
        ("get", "/api/dashboard/agents"),
        ("get", "/api/dashboard/metrics"),
        ("get", "/api/stream"),
        ("post", "/api/work-orders"),
        ("post", "/api/work-orders/{id}/start"),
        ("post", "/api/andon/trigger"),
        ("get", "/health/live"),
        ("get", "/health/ready"),
        ("get", "/health/startup"),
    ] {
        assert!(
            document()["paths"][path].get(method).is_some(),
            "{method} {path}"
        );
    }
}
