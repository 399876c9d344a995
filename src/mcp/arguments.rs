//! What each tool takes. The schemas that a model reads are made from these, so that the two cannot differ.

use std::sync::Arc;

use rmcp::model::JsonObject;
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::snag::Snag;
use crate::domain::{
    andon::Severity,
    id::AlertId,
    order::{Bucket, Kind},
    query::filter::Condition,
};

/// What `next` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Next {
    #[serde(default)]
    #[schemars(schema_with = "buckets")]
    pub(super) buckets: Option<Vec<Bucket>>,
    #[serde(default)]
    #[schemars(schema_with = "kinds")]
    pub(super) kinds: Option<Vec<Kind>>,
    /// One of these.
    #[serde(default)]
    pub(super) labels: Option<Vec<String>>,
    #[serde(default)]
    pub(super) lease_minutes: Option<u32>,
}

/// What `claim` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Claim {
    pub(super) order: String,
    #[serde(default)]
    pub(super) lease_minutes: Option<u32>,
    /// Of your own claim in an earlier session, to go on with it.
    #[serde(default)]
    pub(super) epoch: Option<u32>,
}

/// What `show` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Show {
    /// One order; else the board.
    #[serde(default)]
    pub(super) order: Option<String>,
    /// List these instead.
    #[serde(default)]
    #[schemars(schema_with = "conditions")]
    pub(super) status: Option<Condition>,
    /// Next page: the "after" that a list ended with.
    #[serde(default)]
    pub(super) after: Option<String>,
}

/// What `progress` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Progress {
    pub(super) order: String,
    /// One line: what was achieved.
    pub(super) note: String,
    /// Also move it: a stage's name, "right" or "left".
    #[serde(default)]
    pub(super) stage: Option<String>,
}

/// What `comment` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Comment {
    pub(super) order: String,
    pub(super) text: String,
}

/// What `create` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    /// One line.
    pub(super) title: String,
    /// All that somebody else needs to do it.
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default)]
    #[schemars(schema_with = "kind")]
    pub(super) kind: Option<Kind>,
    #[serde(default)]
    #[schemars(schema_with = "bucket")]
    pub(super) bucket: Option<Bucket>,
    /// 1 to 10, 10 most urgent.
    #[serde(default)]
    pub(super) priority: Option<u8>,
    #[serde(default)]
    pub(super) labels: Option<Vec<String>>,
    /// Orders that come first.
    #[serde(default)]
    pub(super) depends_on: Option<Vec<String>>,
    /// Its epic.
    #[serde(default)]
    pub(super) parent: Option<String>,
    /// Alerts that it mends.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) mends: Option<Vec<AlertId>>,
}

/// What `deps` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Deps {
    pub(super) order: String,
    /// Orders it is to wait for.
    #[serde(default)]
    pub(super) add: Option<Vec<String>>,
    #[serde(default)]
    pub(super) remove: Option<Vec<String>>,
}

/// What `gates` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Gates {
    pub(super) order: String,
    /// A gate to run, or "all".
    #[serde(default)]
    pub(super) run: Option<String>,
    /// A gate whose last output is wanted.
    #[serde(default)]
    pub(super) log: Option<String>,
}

/// What `gates` takes where nothing can be changed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GatesLook {
    pub(super) order: String,
    /// A gate whose last output is wanted.
    #[serde(default)]
    pub(super) log: Option<String>,
}

/// What `complete` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Complete {
    pub(super) order: String,
    /// Default done; release gives it back to the queue.
    #[serde(default)]
    #[schemars(schema_with = "ending")]
    pub(super) outcome: Option<Ending>,
    /// What was done, or why not.
    #[serde(default)]
    pub(super) note: Option<String>,
    /// What was delivered: a commit, a version.
    #[serde(default)]
    pub(super) sku: Option<String>,
}

/// How the caller's work on an order ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ending {
    /// It is done.
    Done,
    /// Somebody else is to do it.
    Release,
}

/// What `andon` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Andon {
    /// What is wrong; raises an alert.
    #[serde(default)]
    pub(super) reason: Option<String>,
    /// Needed to raise.
    #[serde(default)]
    #[schemars(schema_with = "severity")]
    pub(super) severity: Option<Severity>,
    /// What stops: none, line, order:ID, epic:ID, bucket:NAME or stage:NAME. Default: critical stops the line, else none.
    #[serde(default)]
    pub(super) hold: Option<String>,
    /// The order it is about.
    #[serde(default)]
    pub(super) order: Option<String>,
    /// The condition's stable name: repeats count up in one alert.
    #[serde(default)]
    pub(super) fingerprint: Option<String>,
    /// The fingerprint of a condition that is over, as the list of alerts shows it.
    #[serde(default)]
    pub(super) recovered: Option<String>,
}

/// What `messages` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Messages {
    #[schemars(schema_with = "action")]
    pub(super) action: Action,
    /// To send to, or to read from instead of your inbox: @NAME or a topic such as andon_alerts.
    #[serde(default)]
    pub(super) address: Option<String>,
    #[serde(default)]
    pub(super) body: Option<String>,
    /// Of messages to ack, or of the request to answer.
    #[serde(default)]
    pub(super) seqs: Option<Vec<u64>>,
}

/// What is done with messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    /// Take what waits.
    Read,
    /// Acknowledge what was read.
    Ack,
    /// Send one.
    Send,
    /// Answer a request.
    Reply,
}

/// What a tool takes that looks at one order.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Look {
    pub(super) order: String,
}

/// What a tool takes that needs to be told nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Reads a tool's arguments. What does not fit is said with its argument's name and with what belongs there.
pub(super) fn read<T: DeserializeOwned + JsonSchema>(
    arguments: Option<JsonObject>,
) -> Result<T, Snag> {
    let arguments = arguments.unwrap_or_default();
    let parsed = |arguments: &JsonObject| {
        serde_json::from_value(Value::Object(arguments.clone())).map_err(|error| error.to_string())
    };
    parsed(&arguments).map_err(|error: String| {
        let wrong = culprit(&arguments, |part| parsed(part).map(|_: T| ()).err(), &error);
        Snag::Usage(match wrong {
            None => format!("{error}."),
            Some(name) => {
                let schema = schema::<T>();
                let about = schema
                    .get("properties")
                    .and_then(|all| all.get(name)?.get("description")?.as_str());
                let about = about.map_or(String::new(), |about| format!(" It is: {about}"));
                format!("{name}: {error}.{about}")
            }
        })
    })
}

/// Returns the argument that an error is about, unless the error names it itself. They are read in order, so that it is the last
/// of the shortest beginning that fails alike.
fn culprit<'a>(
    arguments: &'a JsonObject,
    fails: impl Fn(&JsonObject) -> Option<String>,
    error: &str,
) -> Option<&'a str> {
    if error.starts_with("missing field") || error.starts_with("unknown field") {
        return None;
    }
    let mut beginning = JsonObject::new();
    arguments.iter().find_map(|(name, value)| {
        beginning.insert(name.clone(), value.clone());
        let same = fails(&beginning).as_deref() == Some(error);
        same.then_some(name.as_str())
    })
}

/// Returns a tool's schema, without what only a validator's reader wants: every word of it is read by a model each time.
pub(super) fn schema<T: JsonSchema>() -> Arc<JsonObject> {
    let mut settings = SchemaSettings::draft2020_12();
    settings.meta_schema = None;
    settings.inline_subschemas = true;
    let mut value = settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    plain(&mut value);
    match value {
        Value::Object(mut object) => {
            object.remove("description");
            object
                .entry("properties")
                .or_insert_with(|| Value::Object(JsonObject::new()));
            Arc::new(object)
        }
        _ => Arc::default(),
    }
}

/// Takes titles, formats, defaults and "or null" out of a schema: what is not given is not given.
fn plain(schema: &mut Value) {
    let Value::Object(object) = schema else {
        return;
    };
    for name in ["title", "format", "default", "minimum", "maximum"] {
        object.remove(name);
    }
    if let Some(Value::Array(sorts)) = object.get_mut("type") {
        sorts.retain(|sort| sort != "null");
        if let [only] = sorts.as_slice() {
            let only = only.clone();
            object.insert("type".into(), only);
        }
    }
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        properties.values_mut().for_each(plain);
    }
    if let Some(items) = object.get_mut("items") {
        plain(items);
    }
}

fn one_of<'a>(words: impl Iterator<Item = &'a str>) -> Schema {
    let words: Vec<&str> = words.collect();
    json_schema!({ "type": "string", "enum": words })
}

fn any_of<'a>(words: impl Iterator<Item = &'a str>) -> Schema {
    json_schema!({ "type": "array", "items": one_of(words) })
}

fn bucket(_: &mut SchemaGenerator) -> Schema {
    one_of(Bucket::ALL.iter().map(|word| word.word()))
}

fn buckets(_: &mut SchemaGenerator) -> Schema {
    any_of(Bucket::ALL.iter().map(|word| word.word()))
}

fn kind(_: &mut SchemaGenerator) -> Schema {
    one_of(Kind::ALL.iter().map(|word| word.word()))
}

/// Epics are never pulled.
fn kinds(_: &mut SchemaGenerator) -> Schema {
    let pulled = Kind::ALL.iter().filter(|kind| **kind != Kind::Epic);
    any_of(pulled.map(|word| word.word()))
}

fn severity(_: &mut SchemaGenerator) -> Schema {
    one_of(Severity::ALL.iter().map(|word| word.word()))
}

fn conditions(_: &mut SchemaGenerator) -> Schema {
    one_of(Condition::ALL.iter().map(|word| word.word()))
}

fn ending(_: &mut SchemaGenerator) -> Schema {
    one_of(["done", "release"].into_iter())
}

fn action(_: &mut SchemaGenerator) -> Schema {
    one_of(["read", "ack", "send", "reply"].into_iter())
}
