//! Checks JSON against a schema (JSON Schema, draft 2020-12), and more strictly than asked: a field that the schema does
//! not name is wrong as well, so that none is left undocumented. It knows the keywords that schemas made from types have,
//! and panics on any other.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::{Map, Value};

/// The keywords that say something to people only.
const REMARKS: &[&str] = &[
    "$schema",
    "$defs",
    "title",
    "description",
    "examples",
    "default",
    "contentMediaType",
];

/// The fields of an object that a schema speaks of.
type Named = BTreeSet<String>;

/// A schema to check against.
pub(crate) struct Schema(pub(crate) Value);

impl Schema {
    /// Returns what is wrong with a value.
    pub(crate) fn check(&self, value: &Value) -> Result<(), String> {
        self.whole(&self.0, value)
    }

    /// Checks a value and all of its fields.
    fn whole(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let named = self.part(schema, value)?;
        let strange = fields(value)
            .map(|(field, _)| field)
            .find(|field| !named.contains(*field));
        strange.map_or(Ok(()), |field| {
            Err(format!("the schema is silent of '{field}'"))
        })
    }

    /// Checks what one of the schemas of a value says, and returns the fields that it speaks of.
    fn part(&self, schema: &Value, value: &Value) -> Result<Named, String> {
        let all = || fields(value).map(|(field, _)| field.clone()).collect();
        let rules = match schema {
            Value::Bool(true) => return Ok(all()),
            Value::Object(rules) => rules,
            _ => return Err(format!("nothing may stand here: {value}")),
        };
        let mut named = Named::new();
        let mut says = false;
        for (keyword, rule) in rules {
            if !REMARKS.contains(&keyword.as_str()) {
                says = true;
                named.extend(self.rule(rules, keyword, rule, value)?);
            }
        }
        Ok(if says { named } else { all() })
    }

    fn rule(
        &self,
        rules: &Map<String, Value>,
        keyword: &str,
        rule: &Value,
        value: &Value,
    ) -> Result<Named, String> {
        let parts = || rule.as_array().unwrap().iter();
        let good = || parts().map(|part| self.part(part, value));
        let holds = match keyword {
            "$ref" => {
                let target = self
                    .0
                    .pointer(rule.as_str().unwrap().trim_start_matches('#'));
                return self.part(target.unwrap(), value);
            }
            "allOf" => {
                return Ok(good()
                    .collect::<Result<Vec<_>, _>>()?
                    .into_iter()
                    .flatten()
                    .collect());
            }
            "anyOf" | "oneOf" => {
                let good: Vec<_> = good().filter_map(Result::ok).collect();
                if good.is_empty() || (keyword == "oneOf" && good.len() > 1) {
                    // The variant that was meant is the one whose first field is there; it says best what is wrong.
                    let meant = |part: &&Value| {
                        part["required"][0]
                            .as_str()
                            .is_some_and(|f| value.get(f).is_some())
                    };
                    let why = parts()
                        .find(meant)
                        .and_then(|part| self.part(part, value).err());
                    let why = why.unwrap_or_else(|| format!("{value}"));
                    return Err(format!("{} of its variants: {why}", good.len()));
                }
                return Ok(good.into_iter().flatten().collect());
            }
            "properties" | "required" | "additionalProperties" | "patternProperties" => {
                return self.object(rules, keyword, rule, value);
            }
            "prefixItems" => {
                for (part, item) in parts().zip(value.as_array().into_iter().flatten()) {
                    self.whole(part, item)?;
                }
                true
            }
            "items" => {
                let before = rules
                    .get("prefixItems")
                    .and_then(Value::as_array)
                    .map_or(0, Vec::len);
                for item in value.as_array().into_iter().flatten().skip(before) {
                    self.whole(rule, item)?;
                }
                true
            }
            _ => holds(keyword, rule, value),
        };
        let wrong = || format!("{keyword} {rule} does not hold of {value}");
        holds.then(Named::new).ok_or_else(wrong)
    }

    fn object(
        &self,
        rules: &Map<String, Value>,
        keyword: &str,
        rule: &Value,
        value: &Value,
    ) -> Result<Named, String> {
        let declared = |field: &str| rules.get("properties").and_then(|all| all.get(field));
        let patterned = |field: &str| {
            let patterns = rules.get("patternProperties").and_then(Value::as_object);
            let mut patterns = patterns.into_iter().flatten();
            patterns
                .find(|(pattern, _)| fits(pattern, field))
                .map(|(_, rule)| rule)
        };
        if keyword == "required" {
            let mut names = rule
                .as_array()
                .unwrap()
                .iter()
                .map(|name| name.as_str().unwrap());
            let missing = names.find(|name| value.is_object() && value.get(name).is_none());
            return missing.map_or(Ok(Named::new()), |name| Err(format!("'{name}' is missing")));
        }
        let mut named = Named::new();
        for (field, inner) in fields(value) {
            let rule = match keyword {
                "properties" => declared(field),
                "patternProperties" => patterned(field),
                _ => Some(rule).filter(|_| declared(field).or_else(|| patterned(field)).is_none()),
            };
            if let Some(rule) = rule {
                self.whole(rule, inner)
                    .map_err(|why| format!("{field}: {why}"))?;
                named.insert(field.clone());
            }
        }
        Ok(named)
    }
}

/// Returns the fields of a value; none if it is no object.
fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn fits(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).unwrap().is_match(text)
}

/// Returns whether a rule about a value by itself holds; one about another type of value does.
fn holds(keyword: &str, rule: &Value, value: &Value) -> bool {
    let text = value.as_str();
    let number = |value: &Value| value.as_f64().unwrap();
    let length = || text.map(|text| text.chars().count() as u64);
    let items = || value.as_array().map(|items| items.len() as u64);
    let bound = rule.as_u64();
    match keyword {
        "type" => match rule {
            Value::Array(types) => types.iter().any(|kind| is(kind, value)),
            kind => is(kind, value),
        },
        "const" => rule == value,
        "enum" => rule.as_array().unwrap().contains(value),
        "pattern" => text.is_none_or(|text| fits(rule.as_str().unwrap(), text)),
        "minimum" => !value.is_number() || number(value) >= number(rule),
        "maximum" => !value.is_number() || number(value) <= number(rule),
        "minLength" => length().is_none_or(|length| Some(length) >= bound),
        "maxLength" => length().is_none_or(|length| Some(length) <= bound),
        "minItems" => items().is_none_or(|items| Some(items) >= bound),
        "maxItems" => items().is_none_or(|items| Some(items) <= bound),
        "format" => text.is_none_or(|text| match rule.as_str().unwrap() {
            "date-time" => chrono::DateTime::parse_from_rfc3339(text).is_ok(),
            "uuid" => uuid::Uuid::parse_str(text).is_ok(),
            format => panic!("a text of the format {format}"),
        }),
        _ => panic!("{keyword}: {rule} is a keyword that these checks do not know"),
    }
}

fn is(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        kind => panic!("a type {kind}"),
    }
}
