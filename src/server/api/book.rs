//! What questions and commands look like, read from the schemas that are made from their types. So a path of the API takes
//! what its question or command takes, and its document says so, without either being written down a second time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::forms;
use crate::{
    domain::{
        command::{COMMANDS, Command, NewOrder, Spec},
        query::{Answer, Query},
        record::Door,
    },
    link::Outcome,
    server::problem::Problem,
};

/// Where the document has its schemas.
const PLACE: &str = "#/components/schemas/";

/// What a value in a query string is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// As it is.
    Text,
    /// A whole number.
    Whole,
    /// `true` or `false`.
    Truth,
    /// RFC 3339, or a span back from now.
    Moment,
    /// What an alert holds, as `line` or `bucket:features`.
    Scope,
    /// JSON.
    Json,
}

/// A field of a question or of a command.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// Its schema.
    pub(super) schema: Value,
    /// The field that it is inside of, where it is said beside the others all the same.
    pub(super) within: Option<&'static str>,
    /// Whether it has to be said.
    pub(super) required: bool,
    /// What it is read as from a text.
    pub(super) sort: Sort,
}

/// What a question or a command is made of.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    /// Its name in JSON.
    pub(super) name: String,
    /// Whether it is but a word.
    pub(super) word: bool,
    /// Its fields.
    pub(super) fields: BTreeMap<String, Field>,
    /// What is taken for fields that are not said, at their places.
    pub(super) defaults: Map<String, Value>,
}

/// Everything the API reads and says.
pub(super) struct Book {
    /// The document's schemas.
    pub(super) schemas: Map<String, Value>,
    queries: BTreeMap<String, Shape>,
    commands: BTreeMap<String, (Shape, Spec)>,
    renamed: BTreeSet<String>,
}

/// The book of this version.
pub(super) static BOOK: LazyLock<Book> = LazyLock::new(Book::new);

impl Book {
    fn new() -> Book {
        let mut input = generator(SchemaSettings::draft2020_12().for_deserialize());
        let mut output = generator(SchemaSettings::draft2020_12().for_serialize());
        input.subschema_for::<Query>();
        input.subschema_for::<Command>();
        forms::read(&mut input);
        output.subschema_for::<Answer>();
        output.subschema_for::<Outcome>();
        output.subschema_for::<Problem>();
        forms::said(&mut output);
        let mut read = input.take_definitions(true);
        let said = output.take_definitions(true);
        let renamed = apart(&read, &said);
        read = read
            .into_iter()
            .map(|(name, mut schema)| {
                rename(&mut schema, &renamed);
                (renamed_to(&name, &renamed), schema)
            })
            .collect();
        let queries = shapes(&read, &renamed_to("Query", &renamed));
        let commands = shapes(&read, &renamed_to("Command", &renamed));
        let mut schemas = said;
        schemas.extend(read);
        let shaped = |(shape, spec): (Shape, &Spec)| (shape.name.clone(), (shape, *spec));
        Book {
            schemas,
            queries: queries
                .into_iter()
                .map(|shape| (shape.name.clone(), shape))
                .collect(),
            // Both are declared by one table, in its order.
            commands: commands.into_iter().zip(COMMANDS).map(shaped).collect(),
            renamed,
        }
    }

    /// Returns what a question is made of.
    pub(super) fn query(&self, name: &str) -> Option<&Shape> {
        self.queries.get(name)
    }

    /// Returns what a command is made of.
    pub(super) fn command(&self, name: &str) -> Option<&Shape> {
        self.commands.get(name).map(|(shape, _)| shape)
    }

    /// Returns a command's line in the table of commands.
    pub(super) fn spec(&self, name: &str) -> Option<Spec> {
        self.commands.get(name).map(|(_, spec)| *spec)
    }

    /// Returns the schema of what answers a question, without the answer's name.
    pub(super) fn answer(&self, query: &str) -> Option<&Value> {
        let name = match query {
            "history" => "log",
            "verify_receipt" => "verification",
            same => same,
        };
        variants(self.schemas.get("Answer")?).find_map(|(found, payload)| match found == name {
            true => payload,
            false => None,
        })
    }

    /// Returns a reference to what is read.
    pub(super) fn read(&self, name: &str) -> Value {
        said(&renamed_to(name, &self.renamed))
    }
}

/// Returns a reference to a schema of the document.
pub(super) fn said(name: &str) -> Value {
    json!({ "$ref": format!("{PLACE}{name}") })
}

fn generator(mut settings: SchemaSettings) -> SchemaGenerator {
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    settings.into_generator()
}

/// Has the generator know a type.
pub(super) fn know<T: JsonSchema>(generator: &mut SchemaGenerator) {
    generator.subschema_for::<T>();
}

/// Returns the names of schemas that are not the same where they are read as where they are said, by themselves or by
/// what they refer to.
fn apart(read: &Map<String, Value>, said: &Map<String, Value>) -> BTreeSet<String> {
    let other =
        |(name, schema): &(&String, &Value)| said.get(*name).is_some_and(|there| there != *schema);
    let mut apart: BTreeSet<String> = read
        .iter()
        .filter(other)
        .map(|(name, _)| name.clone())
        .collect();
    loop {
        let touched =
            |(name, schema): &(&String, &Value)| !apart.contains(*name) && refers(schema, &apart);
        let more: Vec<String> = read
            .iter()
            .filter(touched)
            .map(|(name, _)| name.clone())
            .collect();
        if more.is_empty() {
            return apart;
        }
        apart.extend(more);
    }
}

fn refers(schema: &Value, names: &BTreeSet<String>) -> bool {
    match schema {
        Value::Object(fields) => {
            fields
                .iter()
                .any(|(key, value)| match (key.as_str(), target(value)) {
                    ("$ref", Some(name)) => names.contains(name),
                    _ => refers(value, names),
                })
        }
        Value::Array(items) => items.iter().any(|item| refers(item, names)),
        _ => false,
    }
}

fn rename(schema: &mut Value, names: &BTreeSet<String>) {
    match schema {
        Value::Object(fields) => {
            for (key, value) in fields {
                match (key.as_str(), target(value)) {
                    ("$ref", Some(name)) => {
                        *value = format!("{PLACE}{}", renamed_to(name, names)).into()
                    }
                    _ => rename(value, names),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names)),
        _ => {}
    }
}

fn renamed_to(name: &str, names: &BTreeSet<String>) -> String {
    match names.contains(name) {
        true => format!("{name}Input"),
        false => name.to_owned(),
    }
}

fn target(value: &Value) -> Option<&str> {
    value.as_str()?.strip_prefix(PLACE)
}

/// Returns the variants of an externally tagged enum: each one's name, and the schema of what is in it, if anything.
fn variants(schema: &Value) -> impl Iterator<Item = (&str, Option<&Value>)> {
    let all = schema["oneOf"].as_array().map_or(&[][..], Vec::as_slice);
    all.iter().flat_map(|variant| {
        let words = variant["enum"].as_array().map_or(&[][..], Vec::as_slice);
        let words = words.iter().chain(variant.get("const"));
        let words = words.filter_map(|word| Some((word.as_str()?, None)));
        let tagged = variant["properties"].as_object().into_iter().flatten();
        words.chain(tagged.map(|(name, payload)| (name.as_str(), Some(payload))))
    })
}

fn shapes(schemas: &Map<String, Value>, name: &str) -> Vec<Shape> {
    let all = schemas.get(name).into_iter().flat_map(variants);
    all.map(|(name, payload)| shape(schemas, name, payload))
        .collect()
}

fn shape(schemas: &Map<String, Value>, name: &str, payload: Option<&Value>) -> Shape {
    let mut shape = Shape {
        name: name.to_owned(),
        word: payload.is_none(),
        fields: BTreeMap::new(),
        defaults: defaults(name),
    };
    let Some(payload) = payload else { return shape };
    for (field, schema, required) in properties(schemas, payload) {
        let Some(within) = within(name, field) else {
            let given = shape.defaults.contains_key(field) || field == "since";
            shape.put(schemas, field, schema, None, required && !given);
            continue;
        };
        for (inner, schema, needed) in properties(schemas, schema) {
            let defaults = shape.defaults.get(within);
            let given = defaults.is_some_and(|defaults| defaults.get(inner).is_some());
            shape.put(
                schemas,
                inner,
                schema,
                Some(within),
                required && needed && !given,
            );
        }
    }
    shape
}

impl Shape {
    fn put(
        &mut self,
        schemas: &Map<String, Value>,
        name: &str,
        schema: &Value,
        within: Option<&'static str>,
        required: bool,
    ) {
        let field = Field {
            schema: schema.clone(),
            within,
            required,
            sort: sort_of(schemas, schema),
        };
        self.fields.insert(name.to_owned(), field);
    }
}

/// Returns the field that is this one, if its own fields are said beside the others: what a command is about, and filters.
fn within(name: &str, field: &str) -> Option<&'static str> {
    match (name, field) {
        ("create_order", "order") => Some("order"),
        ("edit_order", "changes") => Some("changes"),
        (_, "filter") => Some("filter"),
        _ => None,
    }
}

/// Returns what is taken for what is not said.
fn defaults(name: &str) -> Map<String, Value> {
    let defaults = match name {
        "create_order" => {
            let mut order = NewOrder::task("");
            order.signal.kind = Door::Api.word().into();
            let mut order = json!(order);
            if let Some(order) = order.as_object_mut() {
                order.remove("title");
            }
            json!({ "order": order })
        }
        "edit_order" => json!({ "changes": {} }),
        "trace" => json!({ "after": 0 }),
        "names" => json!({ "typed": "" }),
        _ => json!({}),
    };
    match defaults {
        Value::Object(defaults) => defaults,
        _ => Map::new(),
    }
}

/// Returns the properties of an object's schema, whether it is there or referred to.
fn properties<'a>(
    schemas: &'a Map<String, Value>,
    schema: &'a Value,
) -> Vec<(&'a str, &'a Value, bool)> {
    let schema = resolved(schemas, schema);
    let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .map(|(name, schema)| {
            (
                name.as_str(),
                schema,
                required.iter().any(|field| field == name),
            )
        })
        .collect()
}

fn resolved<'a>(schemas: &'a Map<String, Value>, schema: &'a Value) -> &'a Value {
    let found = schema.get("$ref").and_then(target);
    found.and_then(|name| schemas.get(name)).unwrap_or(schema)
}

/// Returns what a text is read as that stands for a value of this schema.
fn sort_of(schemas: &Map<String, Value>, schema: &Value) -> Sort {
    // What may be absent is the other one of two.
    let one = |schema: &&Value| schema["type"] != "null";
    let schema = match schema["anyOf"].as_array() {
        Some(any) => any.iter().find(one).unwrap_or(schema),
        None => schema,
    };
    match schema.get("$ref").and_then(target) {
        Some("Timestamp") => return Sort::Moment,
        Some("Scope") => return Sort::Scope,
        _ => {}
    }
    let schema = resolved(schemas, schema);
    let is = |word: &str| match &schema["type"] {
        Value::Array(types) => types.iter().any(|one| one == word),
        one => one == word,
    };
    let words = schema["oneOf"]
        .as_array()
        .is_some_and(|all| all.iter().all(|one| one["type"] == "string"));
    match () {
        () if is("integer") => Sort::Whole,
        () if is("boolean") => Sort::Truth,
        () if is("string") || words => Sort::Text,
        () => Sort::Json,
    }
}
