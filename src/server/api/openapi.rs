//! The document of the API (OpenAPI 3.1), made from the table and the types.

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::{Map, Value, json};

use super::{
    book::{BOOK, Field, Shape, Sort, said},
    table::{Does, ROUTES, Route, Wanted},
};
use crate::{domain::command::Role, server::PROBLEM_JSON};

/// Returns the document.
pub fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(make);
    &DOCUMENT
}

fn make() -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in ROUTES {
        let method = route.method.as_str().to_lowercase();
        paths
            .entry(route.path)
            .or_default()
            .insert(method, operation(route));
    }
    for (path, about) in [
        ("/health/live", "Whether the engine's loop makes progress"),
        ("/health/ready", "Whether requests can be answered"),
        ("/health/startup", "Whether the line is loaded"),
    ] {
        let health = json!({
            "operationId": operation_id("get", path),
            "summary": about,
            "tags": ["health"],
            "security": [],
            "responses": {
                "200": content("It is", "application/json", said("Health")),
                "503": content("It is not", "application/json", said("Health")),
                "default": problem("What went wrong"),
            },
        });
        paths.entry(path).or_default().insert("get".into(), health);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "obeya",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The API of an engine that runs under `obeya serve`. Errors are problem documents (RFC 9457).",
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token made by `obeya token create`.",
                },
            },
            "schemas": BOOK.schemas,
        },
    })
}

fn operation(route: &Route) -> Value {
    let needs = match route.does {
        Does::TellAny => "The role that the command needs.".to_owned(),
        Does::Bus | Does::Folder => "The role that what is wanted needs.".to_owned(),
        _ => format!("Needs the role {}.", route.needs()),
    };
    let mut operation = json!({
        "operationId": operation_id(route.method.as_str(), route.path),
        "summary": route.about(),
        "description": needs,
        "tags": [tag(route)],
        "x-obeya-role": route.needs(),
        "parameters": parameters(route),
        "responses": responses(route),
    });
    if let Some(schema) = body(route)
        && let Some(operation) = operation.as_object_mut()
    {
        let optional =
            schema["required"].as_array().is_none_or(Vec::is_empty) && schema.get("$ref").is_none();
        let body = json!({ "required": !optional, "content": { "application/json": { "schema": schema } } });
        operation.insert("requestBody".into(), body);
    }
    operation
}

fn operation_id(method: &str, path: &str) -> String {
    let words = path
        .split(['/', '-', '{', '}', '.'])
        .filter(|word| !word.is_empty() && *word != "api");
    let words: Vec<_> = words.collect();
    format!("{}_{}", method.to_lowercase(), words.join("_"))
}

fn tag(route: &Route) -> &'static str {
    let mut parts = route
        .path
        .split('/')
        .filter(|part| !part.is_empty() && *part != "api");
    parts.next().unwrap_or("api")
}

/// Returns the fields that a path gives.
fn given<'a>(route: &Route, id: &'a str) -> Vec<&'a str> {
    let name = |name: &'static str| match name {
        "id" => id.split('.').next().unwrap_or_default(),
        other => other,
    };
    route.parameters().map(name).collect()
}

fn parameters(route: &Route) -> Vec<Value> {
    let shape = match route.does {
        Does::Ask(name, id) => BOOK.query(name).map(|shape| (shape, id)),
        Does::Tell(name, id) => BOOK.command(name).map(|shape| (shape, id)),
        _ => None,
    };
    let mut all = vec![];
    for name in route.parameters() {
        let field =
            shape.and_then(|(shape, id)| shape.fields.get(if name == "id" { id } else { name }));
        let schema = match field {
            Some(field) if field.sort == Sort::Text => field.schema.clone(),
            _ => json!({ "type": "string" }),
        };
        all.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
    }
    let optional =
        |name: &str, schema: Value| json!({ "name": name, "in": "query", "schema": schema });
    let whole = || json!({ "type": "integer", "minimum": 0 });
    let moment = || {
        json!({
            "type": "string",
            "description": "A moment (RFC 3339), or a span back from now.",
            "examples": ["2026-02-02T10:00:00Z", "30d"],
        })
    };
    match route.does {
        Does::Ask(_, id) => {
            let said = given(route, id);
            let fields = shape.map(|(shape, _)| &shape.fields).into_iter().flatten();
            for (name, field) in fields.filter(|(name, _)| !said.contains(&name.as_str())) {
                all.push(in_query(name, field));
            }
            all.push(optional("at", moment()));
        }
        Does::Tell(..) => {
            all.push(optional(
                "epoch",
                json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
            ));
            all.push(optional("dry_run", json!({ "type": "boolean" })));
            all.push(optional(
                "actor",
                json!({ "type": "string", "pattern": "^(agent|person):[a-z0-9-]+$" }),
            ));
        }
        Does::Beat | Does::RunGate => {
            all.push(optional(
                "actor",
                json!({ "type": "string", "pattern": "^(agent|person):[a-z0-9-]+$" }),
            ));
        }
        Does::Events => all.extend([optional("after", whole()), optional("limit", whole())]),
        Does::Stream => all.push(optional("after", whole())),
        Does::Audit => {
            all.extend([
                optional("after", whole()),
                optional("limit", whole()),
                optional("since", moment()),
            ]);
            all.extend(["actor", "token"].map(|name| optional(name, json!({ "type": "string" }))));
            all.push(optional("denied", json!({ "type": "boolean" })));
        }
        _ => {}
    }
    let told = matches!(route.does, Does::Tell(..) | Does::TellAny);
    if told || matches!(route.does, Does::RunGate | Does::Supervise(_)) {
        let about =
            "A text of the caller's choice: sent again with it, the request is not done again.";
        let schema = json!({ "type": "string", "pattern": "^[ -~]{1,255}$", "description": about });
        all.push(json!({ "name": "Idempotency-Key", "in": "header", "schema": schema }));
    }
    if told {
        let about =
            "The ETag of the work order as the caller knows it: changed since, it is left alone.";
        let schema = json!({ "type": "string", "pattern": "^\"[0-9]{1,16}-[0-9]{1,9}-[0-9]{1,9}\"$", "description": about });
        all.push(json!({ "name": "If-Match", "in": "header", "schema": schema }));
    }
    if matches!(route.does, Does::Stream) {
        let schema = json!({ "type": "string", "pattern": "^[0-9]{1,18}$" });
        all.push(json!({ "name": "Last-Event-ID", "in": "header", "schema": schema }));
    }
    all
}

/// Returns a field as it stands in a query string.
fn in_query(name: &str, field: &Field) -> Value {
    let schema = match field.sort {
        Sort::Text | Sort::Whole | Sort::Truth => present(&field.schema),
        Sort::Moment => json!({ "type": "string", "examples": ["30d", "2026-02-02T10:00:00Z"] }),
        Sort::Scope => {
            json!({ "type": "string", "examples": ["line", "bucket:features", "epic:EPIC-001"] })
        }
        Sort::Json => json!({ "type": "string", "contentMediaType": "application/json" }),
    };
    let about = field.schema.get("description").cloned().unwrap_or_default();
    json!({ "name": name, "in": "query", "required": field.required, "description": about.as_str().unwrap_or_default(), "schema": schema })
}

/// Returns a schema without the null that stands for what is not said.
fn present(schema: &Value) -> Value {
    if let Some(any) = schema["anyOf"].as_array() {
        return any
            .iter()
            .find(|one| one["type"] != "null")
            .cloned()
            .unwrap_or_default();
    }
    let mut schema = schema.clone();
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("default");
        let one = fields
            .get("type")
            .and_then(|types| types.as_array()?.iter().find(|one| *one != "null").cloned());
        if let Some(one) = one {
            fields.insert("type".into(), one);
        }
    }
    schema
}

fn body(route: &Route) -> Option<Value> {
    match route.does {
        Does::Tell(name, id) => command_body(BOOK.command(name)?, &given(route, id)),
        Does::AskAny => Some(BOOK.read("Query")),
        Does::TellAny => Some(BOOK.read("Told")),
        Does::Bus => Some(BOOK.read("BusCall")),
        Does::Folder => Some(BOOK.read("FolderCall")),
        Does::Beat => Some(BOOK.read("Beat")),
        Does::Supervise(Wanted::Scale) => Some(BOOK.read("Scale")),
        Does::CreateToken => Some(BOOK.read("TokenWish")),
        _ => None,
    }
}

/// Returns what a command's body is without what the path says, if anything is left.
fn command_body(shape: &Shape, given: &[&str]) -> Option<Value> {
    let fields = shape
        .fields
        .iter()
        .filter(|(name, _)| !given.contains(&name.as_str()));
    let fields: Vec<_> = fields.collect();
    if fields.is_empty() {
        return None;
    }
    let required: Vec<_> = fields
        .iter()
        .filter(|(_, field)| field.required)
        .map(|(name, _)| name)
        .collect();
    let properties: Map<String, Value> = fields
        .iter()
        .map(|(name, field)| ((*name).clone(), field.schema.clone()))
        .collect();
    Some(json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    }))
}

fn responses(route: &Route) -> Value {
    let mut all = Map::new();
    let ok = |schema: Value| content("Done", "application/json", schema);
    match route.does {
        Does::Ask(name, _) => {
            all.insert(
                "200".into(),
                ok(BOOK.answer(name).cloned().unwrap_or_default()),
            );
            all.insert("304".into(), json!({ "description": "The caller has it" }));
        }
        Does::Tell(..) | Does::TellAny => {
            all.insert("200".into(), ok(said("Outcome")));
            all.insert("201".into(), ok(said("Outcome")));
        }
        Does::AskAny => drop(all.insert("200".into(), ok(said("Answer")))),
        Does::Bus => drop(all.insert("200".into(), ok(said("BusAnswer")))),
        Does::Folder => drop(all.insert("200".into(), ok(said("FolderAnswer")))),
        Does::Events => drop(all.insert("200".into(), ok(said("Events")))),
        Does::Beat => drop(all.insert("200".into(), ok(said("Renewed")))),
        Does::RunGate => {
            all.insert("200".into(), ok(said("Outcome")));
            all.insert("202".into(), json!({ "description": "It runs" }));
        }
        Does::Supervise(_) => drop(all.insert("200".into(), ok(said("Life")))),
        Does::Stream => {
            let text = json!({ "type": "string" });
            all.insert(
                "200".into(),
                content("The records", "text/event-stream", text),
            );
        }
        Does::Figures => {
            let text = json!({ "type": "string" });
            all.insert("200".into(), content("The figures", "text/plain", text));
        }
        Does::Document => drop(all.insert("200".into(), ok(json!({ "type": "object" })))),
        Does::Tokens => drop(all.insert("200".into(), ok(said("Tokens")))),
        Does::CreateToken => drop(all.insert("201".into(), ok(said("Made")))),
        Does::RevokeToken => drop(all.insert("200".into(), ok(said("TokenView")))),
        Does::Audit => drop(all.insert("200".into(), ok(said("Audit")))),
    }
    let mut wrong = vec![
        ("400", "The request cannot be read"),
        ("401", "No token, or one that is not good"),
        ("404", "There is no such thing"),
        ("413", "The body is too long"),
        ("429", "Too many requests"),
        (
            "503",
            "The engine is busy, or nobody knows what it came to: ask again with the same Idempotency-Key",
        ),
    ];
    if route.needs() > Role::Viewer
        || matches!(route.does, Does::TellAny | Does::Bus | Does::Folder)
    {
        wrong.push(("403", "The token's role may not do this"));
    }
    if body(route).is_some() {
        wrong.push(("415", "The body is not JSON"));
    }
    wrong.extend(match route.does {
        Does::Ask(..) | Does::AskAny => &[
            ("409", "A rule refuses it"),
            ("422", "A field is not what it should be"),
        ][..],
        Does::Events
        | Does::Stream
        | Does::Figures
        | Does::Document
        | Does::Tokens
        | Does::Audit => &[][..],
        _ => &[
            ("409", "A rule refuses it"),
            ("412", "It changed since the caller looked"),
            ("422", "A field is not what it should be"),
        ][..],
    });
    for (code, about) in wrong {
        all.insert(code.into(), problem(about));
    }
    all.into()
}

fn content(about: &str, sort: &str, schema: Value) -> Value {
    json!({ "description": about, "content": { sort: { "schema": schema } } })
}

fn problem(about: &str) -> Value {
    content(about, PROBLEM_JSON, said("Problem"))
}
