//! What is written of every type that crosses a socket is what its schema says, and nothing that the schema is silent of.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeSet;

use obeya::{
    domain::{
        command::{Command, Role, Submission},
        event::Event,
        id::{AlertId, OrderId},
        message::{self, Address},
        order::Actor,
        query::{Answer, Query, life::Life, receipts::file::ReceiptFile},
        record::{Door, Record},
        refusal::Refusal,
        schema::{schema_of, schema_of_input},
    },
    link::{Failure, Fault, FaultKind, GateAsk, Heartbeat, Outcome, Reply, RunNote, Wish},
};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    golden, model, refusals, roles,
    support::{demo, line::NOON, sample, schema::Schema, world::World},
};

fn check(what: &str, schema: &Schema, value: &Value) {
    if let Err(why) = schema.check(value) {
        panic!("{what}: {why}\n{value:#}");
    }
}

/// Checks values of a type against what is said of what is written and of what is read, and returns their tags.
fn checked<T: JsonSchema + Serialize>(values: impl IntoIterator<Item = T>) -> BTreeSet<String> {
    let [written, read] = [schema_of::<T>(), schema_of_input::<T>()].map(Schema);
    let name = T::schema_name();
    let mut tags = BTreeSet::new();
    for value in values {
        let value = serde_json::to_value(value).unwrap();
        check(&format!("{name} as written"), &written, &value);
        check(&format!("{name} as read"), &read, &value);
        tags.extend(tag(&value));
    }
    assert!(!tags.is_empty(), "no {name}");
    tags
}

/// Returns the word by which a value of an enum is told.
fn tag(value: &Value) -> Option<String> {
    let rule = value.get("rule").and_then(Value::as_str);
    let only = || value.as_object()?.keys().next().cloned();
    value.as_str().or(rule).map(str::to_owned).or_else(only)
}

/// Returns the tags that an enum's schema names.
fn tags_of<T: JsonSchema>() -> BTreeSet<String> {
    let schema = schema_of::<T>();
    let mut tags = BTreeSet::new();
    for variant in schema["oneOf"].as_array().unwrap() {
        let word = variant
            .get("const")
            .or(variant.pointer("/properties/rule/const"));
        let words = variant["enum"].as_array().into_iter().flatten().chain(word);
        let before = tags.len();
        tags.extend(words.map(|word| word.as_str().unwrap().to_owned()));
        if tags.len() == before {
            let field = variant["required"][0].as_str();
            tags.extend(field.map(str::to_owned));
        }
    }
    tags
}

/// Every question, in JSON as a stranger would write it; the names in capitals stand for what a line has.
const QUESTIONS: &str = r#"
{"work_orders": {}}
{"work_orders": {"all": true, "limit": 3, "sort": "age"}}
{"work_orders": {"filter": {"status": "queued", "min_priority": 2}, "limit": 2}}
{"work_orders": {"filter": {"status": "completed"}, "all": true, "limit": 2}}
{"work_order": {"order": "WO-OPEN"}}
{"work_order": {"order": "WO-DONE"}}
{"work_order": {"order": "EPIC-OPEN"}}
{"status": {"order": "WO-OPEN"}}
{"status": {"order": "WO-DONE"}}
{"history": {"subject": "WO-OPEN"}}
{"history": {"subject": "ledger", "limit": 5}}
{"log": {}}
{"log": {"after": 10, "limit": 500}}
{"why": {"order": "WO-OPEN"}}
{"why": {"order": "WO-DONE"}}
{"why": {"order": "EPIC-OPEN"}}
{"blast": {"scope": "line"}}
{"blast": {"scope": {"bucket": "features"}, "limit": 2}}
{"blast": {"scope": {"epic": "EPIC-OPEN"}}}
{"tree": {"order": "EPIC-OPEN"}}
{"tree": {"order": "WO-OPEN", "direction": "blocks"}}
{"path": {"from": "WO-OPEN", "to": "WO-DONE"}}
{"topological_order": {}}
{"layers": {"epic": "EPIC-OPEN"}}
{"layers": {}}
{"critical_path": {}}
{"diagram": {}}
{"diagram": {"root": "EPIC-OPEN"}}
{"graph": {"closed": true}}
{"graph": {"root": "EPIC-OPEN"}}
{"alerts": {"all": true}}
{"alerts": {"severity": "critical", "limit": 1}}
{"alert": {"id": "ALERT-OPEN"}}
{"agents": {}}
{"agents": {"limit": 1}}
{"agent": {"name": "AN-AGENT"}}
{"receipt": {"order": "WO-DONE"}}
{"verify_receipt": {"order": "WO-DONE"}}
{"receipt_chain": {"order": "WO-DONE"}}
"buckets"
"stages"
{"gates": {}}
{"gates": {"order": "WO-OPEN"}}
{"progress": {"epic": "EPIC-OPEN"}}
{"velocity": {"since": 0}}
{"usage": {"since": 0}}
{"sla": {"since": 0}}
{"flow": {"since": 0, "filter": {"bucket": "features"}}}
{"lead_time": {"since": 0}}
{"cycle_times": {"since": 0}}
{"ageing": {"since": 0}}
{"forecast": {"since": 0, "trials": 100, "seed": 7}}
{"risk": {"since": 0}}
{"handover": {"since": 0}}
"summary"
"metrics"
{"trace": {"of": {"order": "WO-OPEN"}, "after": 0, "limit": null}}
{"trace": {"of": {"order": "WO-DONE"}, "after": 0, "limit": null}}
{"trace": {"of": {"agent": "AN-AGENT"}, "after": 0, "limit": 20}}
{"names": {"sort": "order", "typed": "", "limit": 5}}
{"names": {"sort": "alert", "typed": "", "limit": null}}
"#;

/// Reads values that their schema allows.
fn read_all<T: JsonSchema + DeserializeOwned>(values: &Value) -> Vec<T> {
    let schema = Schema(schema_of_input::<T>());
    let read = |value: &Value| {
        check("a value from outside", &schema, value);
        serde_json::from_value(value.clone()).unwrap()
    };
    values.as_array().unwrap().iter().map(read).collect()
}

/// Asks everything of a line, and returns what was asked and what came of it.
fn asked_of(world: &World) -> (Vec<Query>, Vec<Answer>) {
    let name = |orders: &mut dyn Iterator<Item = OrderId>| orders.next().map(|id| id.to_string());
    let state = &world.state;
    let order = name(&mut state.work_orders().map(|order| order.id)).unwrap();
    let epic = name(&mut state.open_epics().map(|order| order.id)).unwrap();
    let closed = world.records.iter().rev();
    let closed = closed.filter(|record| record.kind == "order_completed");
    let other = closed.map(|record| record.subject.clone()).next().unwrap();
    let alert = state.alerts.keys().next().map(AlertId::to_string).unwrap();
    let agent = state.agents.keys().next().unwrap().clone();
    let names = [
        ("WO-OPEN", order),
        ("WO-DONE", other),
        ("EPIC-OPEN", epic),
        ("ALERT-OPEN", alert),
        ("AN-AGENT", agent),
    ];
    let fill = |text: String, (word, name): &(&str, String)| text.replace(word, name);
    let text = names.iter().fold(QUESTIONS.trim().to_owned(), fill);
    let asked = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let mut asked: Vec<Query> = read_all(&Value::Array(asked.collect()));
    let completed = |at: &usize| world.records[*at].kind == "order_completed";
    let at = (1..world.records.len()).find(completed).unwrap();
    let before = world.records[at - 1].hash;
    let file = ReceiptFile::of(world.records[at].clone(), before).unwrap();
    asked.push(Query::VerifyReceiptFile {
        file: Box::new(file),
    });
    let answers = asked.iter().filter_map(|query| world.ask(query).ok());
    let answers: Vec<_> = answers.collect();
    (asked, answers)
}

#[test]
fn every_question_and_every_answer_is_what_its_schema_says() {
    let mut asked = vec![];
    let mut answers = vec![];
    for mut world in [demo::line(), sample::line(), sample::stopped()] {
        let life: Life = serde_json::from_value(json!({
            "state": "busy", "source": "protocol", "since": "2026-02-02T10:00:00Z", "note": "reads", "wanted": 1,
            "crashes": 0, "runs": [{"run": "r1", "pid": 7, "order": "WO-001", "since": "2026-02-02T10:00:00Z"}],
        }))
        .unwrap();
        let agent = world.state.agents.keys().next().unwrap().clone();
        world.lives.insert(agent, life);
        let (queries, answered) = asked_of(&world);
        asked.extend(queries);
        answers.extend(answered);
    }
    assert!(answers.len() > 150, "{}", answers.len());
    assert_eq!(checked(asked), tags_of::<Query>());
    assert_eq!(checked(answers), tags_of::<Answer>());
}

#[test]
fn every_command_is_what_its_schema_says() {
    let every = roles::every_command(OrderId::work(1), OrderId::work(2), AlertId(1));
    let commands: Vec<Command> = (1..=3)
        .flat_map(|seed| model::said(seed, 1_000))
        .chain(every)
        .collect();
    let submissions = commands.iter().map(|command| Submission {
        id: Uuid::from_u128(7),
        actor: Actor::agent("ann"),
        role: Role::Agent,
        door: Door::Mcp,
        uid: 1_000,
        epoch: Some(3),
        causation: None,
        correlation: Some(Uuid::from_u128(8)),
        dry_run: false,
        until: None,
        as_of: Some(NOON),
        command: command.clone(),
    });
    checked(submissions);
    assert_eq!(checked(commands), tags_of::<Command>());
}

#[test]
fn every_record_and_its_event_is_what_its_schema_says() {
    let golden = golden::goldens();
    let records = golden.into_iter().flat_map(|golden| golden.records);
    let records: Vec<Record> = records.chain(demo::line().records).collect();
    let events = records.iter().map(|record| record.decode().unwrap());
    assert_eq!(checked(events), tags_of::<Event>());
    // A body as it was stored, by an older version too, is what is read as an event.
    let read = Schema(schema_of_input::<Event>());
    for record in &records {
        let body = serde_json::from_str(&record.body).unwrap();
        check(&record.kind, &read, &body);
    }
    checked(records.iter().map(|record| Outcome {
        records: vec![record.clone()],
        dry_run: false,
        repeated: true,
    }));
    checked(records);
}

#[test]
fn every_refusal_and_every_reply_is_what_its_schema_says() {
    let refusals = refusals::every_refusal();
    let fault = Fault::new(
        FaultKind::DiskFull,
        "ledger.db".as_ref(),
        "no space is left",
    );
    let failures = [Failure::NotApplied(fault.clone()), Failure::Unknown(fault)];
    let replies = refusals.iter().cloned().map(Reply::Refused);
    let replies = replies.chain(failures.map(Reply::Failed));
    let done = Reply::Done(Outcome {
        records: demo::line().records,
        dry_run: false,
        repeated: false,
    });
    assert_eq!(checked(replies.chain([done])), tags_of::<Reply>());
    assert_eq!(checked(refusals), tags_of::<Refusal>());
}

#[test]
fn what_else_is_asked_of_a_host_is_what_its_schema_says() {
    let actor = json!({"kind": "agent", "name": "ann"});
    checked(read_all::<Heartbeat>(&json!([
        {"order": "WO-001", "epoch": 3, "actor": actor, "role": "agent"},
        {"order": "WO-001", "epoch": 3, "actor": actor, "role": "agent", "note": "reads"},
    ])));
    checked(read_all::<Wish>(&json!([
        {"agent": "ann", "errand": "stop", "role": "operator"},
        {"agent": "ann", "errand": {"scale": 3}, "role": "operator"},
    ])));
    checked(read_all::<GateAsk>(&json!([
        {"order": "WO-001", "gate": "tests", "actor": actor, "role": "operator"},
        {"order": "EPIC-001", "gate": "tests", "actor": null, "role": "admin"},
    ])));
    checked(read_all::<RunNote>(&json!([{
        "run": "r1", "agent": "ann", "order": "WO-001", "epoch": 1, "term": 2, "began": NOON,
        "runner": {"pid": 7, "start": "12"}, "process": null, "end": null, "usage": {"tokens": 7},
    }])));
    checked([message::Sent {
        seq: 1,
        fresh: true,
    }]);
}

#[test]
fn a_schema_refuses_what_is_not_read() {
    let refused = |schema: Value, value: Value| {
        assert!(Schema(schema).check(&value).is_err(), "{value}");
    };
    for id in ["WO-", "WO-1", "wo-001", "EPIC-001 ", "ALERT-001"] {
        refused(schema_of_input::<OrderId>(), id.into());
    }
    for address in ["", "@", "@@a", "Work Orders"] {
        refused(schema_of_input::<Address>(), address.into());
    }
    refused(schema_of_input::<Query>(), json!({"alert": {}}));
    refused(schema_of_input::<Query>(), json!({"why": {"order": 7}}));
    refused(schema_of_input::<Query>(), json!("everything"));
    let priority = json!({"edit_order": {"id": "WO-001", "changes": {"priority": 11}}});
    refused(schema_of_input::<Command>(), priority);
    let until = json!({"rule": "budget_spent", "scope": "line", "spent": {"tokens": 1, "cost": 1},
        "limit": {}, "until": "tomorrow"});
    refused(schema_of::<Refusal>(), until);
}

#[test]
fn a_schema_that_is_wrong_about_any_field_is_seen() {
    let record = serde_json::to_value(&golden::goldens()[0].records[0]).unwrap();
    let whole = schema_of::<Record>();
    let fields = whole["properties"].as_object().unwrap();
    assert_eq!(fields.len(), record.as_object().unwrap().len());
    for field in fields.keys() {
        let mut silent = whole.clone();
        silent["properties"].as_object_mut().unwrap().remove(field);
        let mut wrong = whole.clone();
        wrong["properties"][field] = json!({"type": "array"});
        for schema in [silent, wrong] {
            let why = Schema(schema).check(&record).unwrap_err();
            assert!(why.contains(field.as_str()), "{field}: {why}");
        }
    }
}
