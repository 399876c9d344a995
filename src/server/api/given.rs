//! What a request says, read: hostile until it is one of the engine's own questions or commands.

use std::collections::BTreeMap;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequestParts as _, Path, Query},
    http::{HeaderMap, StatusCode, Uri, header, request::Parts},
};
use chrono::DateTime;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use super::book::{Field, Shape, Sort};
use crate::{
    domain::{
        andon::Scope,
        order::Actor,
        time::{DAY, Timestamp, read_span},
    },
    link::protocol::socket::MAX_CALL,
    server::problem::Problem,
    text,
};

/// The longest key of a request that may be sent twice.
const MAX_KEY: usize = 255;
/// The most characters of what was said that an answer repeats.
const SHOWN: usize = 60;
/// From when on a report tells, where nothing is said.
const SINCE: i64 = 30 * DAY;

/// A request, taken apart.
pub(super) struct Given {
    /// The path's parameters.
    pub(super) path: BTreeMap<String, String>,
    /// The query string.
    pub(super) query: BTreeMap<String, String>,
    /// The headers.
    pub(super) headers: HeaderMap,
    /// Where it went.
    pub(super) uri: Uri,
    /// The body, whole.
    body: Bytes,
    /// The engine's time.
    now: Timestamp,
}

impl Given {
    /// Reads a request whole.
    pub(super) async fn read(
        mut parts: Parts,
        body: Body,
        now: Timestamp,
    ) -> Result<Given, Problem> {
        let path = Path::<BTreeMap<String, String>>::from_request_parts(&mut parts, &()).await;
        let path = path.map_err(|_| Problem::malformed("the path", "a part of it is no text"))?;
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let pairs = pairs.map_err(|_| Problem::malformed("the query string", "it is none"))?;
        let mut query = BTreeMap::new();
        for (name, value) in pairs.0 {
            let shown = shown(&name);
            if query.insert(name, value).is_some() {
                return Err(Problem::malformed(
                    "the query string",
                    format!("{shown} is there twice"),
                ));
            }
        }
        let body = axum::body::to_bytes(body, MAX_CALL).await.map_err(|_| {
            let why = format!("the body is cut off, or longer than {MAX_CALL} bytes");
            Problem::new("large-body", StatusCode::PAYLOAD_TOO_LARGE, why)
        })?;
        let Parts { headers, uri, .. } = parts;
        Ok(Given {
            path: path.0,
            query,
            headers,
            uri,
            body,
            now,
        })
    }

    /// Returns a parameter of the path, read.
    pub(super) fn part<T: std::str::FromStr<Err: std::fmt::Display>>(
        &self,
        name: &str,
    ) -> Result<T, Problem> {
        let part = self.path.get(name).map_or("", String::as_str);
        part.parse()
            .map_err(|error| Problem::malformed(&format!("the path's {name}"), error))
    }

    /// Takes a parameter out of the query string, as what it is read as.
    pub(super) fn take(&mut self, name: &str, sort: Sort) -> Result<Option<Value>, Problem> {
        let text = self.query.remove(name);
        text.map(|text| read(&text, sort, self.now).map_err(|why| Problem::malformed(name, why)))
            .transpose()
    }

    /// Takes a parameter out of the query string that is a whole number.
    pub(super) fn take_number(&mut self, name: &str) -> Result<Option<u64>, Problem> {
        let number = self.take(name, Sort::Whole)?;
        let whole = |number: Value| {
            number
                .as_u64()
                .ok_or_else(|| Problem::malformed(name, "it is below zero"))
        };
        number.map(whole).transpose()
    }

    /// Takes a moment out of the query string.
    pub(super) fn take_moment(&mut self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let moment = self.take(name, Sort::Moment)?;
        Ok(moment.and_then(|moment| moment.as_i64()).map(Timestamp))
    }

    /// Returns an error if something is left in the query string that means nothing here.
    pub(super) fn nothing_else(&self) -> Result<(), Problem> {
        self.query.keys().next().map_or(Ok(()), |name| {
            Err(Problem::malformed(
                "the query string",
                format!("{} means nothing here", shown(name)),
            ))
        })
    }

    /// Returns a question from the path and the query string.
    pub(super) fn question<T: DeserializeOwned>(
        &mut self,
        shape: &Shape,
        id: &str,
    ) -> Result<T, Problem> {
        let mut said = Map::new();
        for (name, text) in std::mem::take(&mut self.query) {
            let field = known(shape, &name, "the query string")?;
            let value =
                read(&text, field.sort, self.now).map_err(|why| Problem::malformed(&name, why))?;
            said.insert(name, value);
        }
        if shape
            .fields
            .get("since")
            .is_some_and(|_| !said.contains_key("since"))
        {
            said.insert("since".into(), self.now.plus(-SINCE).0.into());
        }
        self.assemble(shape, id, said)
    }

    /// Returns a command from the path and the body.
    pub(super) fn command<T: DeserializeOwned>(
        &self,
        shape: &Shape,
        id: &str,
    ) -> Result<T, Problem> {
        let said = match self.body.is_empty() {
            true => Map::new(),
            false => self.body()?,
        };
        for name in said.keys() {
            known(shape, name, "the body")?;
        }
        self.assemble(shape, id, said)
    }

    /// Returns the body, read.
    pub(super) fn body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let sort = self.headers.get(header::CONTENT_TYPE);
        let sort = sort.and_then(|sort| sort.to_str().ok()?.split(';').next());
        if !sort.is_some_and(|sort| sort.trim().eq_ignore_ascii_case("application/json")) {
            let why = "the body is to be JSON, and to say so: Content-Type: application/json";
            return Err(Problem::new(
                "not-json",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                why,
            ));
        }
        serde_json::from_slice(&self.body).map_err(|error| Problem::malformed("the body", error))
    }

    fn assemble<T: DeserializeOwned>(
        &self,
        shape: &Shape,
        id: &str,
        said: Map<String, Value>,
    ) -> Result<T, Problem> {
        let mut fields = shape.defaults.clone();
        for (name, value) in said {
            let within = shape.fields.get(&name).and_then(|field| field.within);
            match within.map(|within| fields.entry(within).or_insert_with(|| json!({}))) {
                Some(Value::Object(inner)) => inner.insert(name, value),
                _ => fields.insert(name, value),
            };
        }
        for (name, text) in &self.path {
            let name = match name.as_str() {
                "id" => id,
                other => other,
            };
            match name.split_once('.') {
                Some((name, inner)) => fields.insert(name.into(), json!({ inner: text })),
                None => fields.insert(name.into(), text.as_str().into()),
            };
        }
        let whole = match shape.word {
            true => Value::from(shape.name.as_str()),
            false => json!({ &*shape.name: fields }),
        };
        serde_json::from_value(whole).map_err(|error| Problem::malformed("the request", error))
    }

    /// Returns the command's id: the same for whoever sends the same key again with the same token.
    pub(super) fn command_id(&self, caller: &str) -> Result<Uuid, Problem> {
        Ok(self.key(caller)?.unwrap_or_else(Uuid::now_v7))
    }

    /// Returns what the request's key stands for, if it has one: the same for whoever sends it again with the same token.
    pub(super) fn key(&self, caller: &str) -> Result<Option<Uuid>, Problem> {
        let Some(key) = self.headers.get("idempotency-key") else {
            return Ok(None);
        };
        let key = key
            .to_str()
            .map_err(|_| Problem::malformed("Idempotency-Key", "it is no text"))?;
        // The draft of the header has it in quotes.
        let key = key.trim().trim_matches('"');
        if key.is_empty() || key.len() > MAX_KEY {
            return Err(Problem::malformed(
                "Idempotency-Key",
                format!("it is a text of 1 to {MAX_KEY} characters"),
            ));
        }
        if let Ok(id) = Uuid::try_parse(key) {
            return Ok(Some(id));
        }
        let hash = Sha256::new()
            .chain_update((caller.len() as u64).to_be_bytes())
            .chain_update(caller)
            .chain_update(key);
        let hash: [u8; 32] = hash.finalize().into();
        let mut bytes = [0; 16];
        bytes
            .iter_mut()
            .zip(hash)
            .for_each(|(byte, of_hash)| *byte = of_hash);
        Ok(Some(Builder::from_custom_bytes(bytes).into_uuid()))
    }

    /// Returns when the order had last changed as far as the caller knows, by the tag that it was once given.
    pub(super) fn as_of(&self) -> Result<Option<Timestamp>, Problem> {
        let Some(tag) = self.headers.get(header::IF_MATCH) else {
            return Ok(None);
        };
        let changed = |tag: &str| {
            tag.trim()
                .strip_prefix('"')?
                .split('-')
                .next()?
                .parse()
                .ok()
        };
        let tag = tag.to_str().ok();
        if tag == Some("*") {
            return Ok(None);
        }
        match tag.and_then(changed) {
            Some(micros) => Ok(Some(Timestamp(micros))),
            None => Err(Problem::malformed(
                "If-Match",
                "it is no ETag of a work order",
            )),
        }
    }

    /// Returns who the caller wants to be, if it says so: `agent:NAME` or `person:NAME`.
    pub(super) fn take_actor(&mut self) -> Result<Option<Actor>, Problem> {
        let Some(said) = self.query.remove("actor") else {
            return Ok(None);
        };
        let named = |name: &str| {
            Some(text::clean(name).into_owned()).filter(|name| !name.trim().is_empty())
        };
        let actor = match said.split_once(':') {
            Some(("agent", name)) => named(name).map(Actor::agent),
            Some(("person", name)) => named(name).map(Actor::person),
            _ => None,
        };
        match actor {
            Some(actor) => Ok(Some(actor)),
            None => Err(Problem::malformed(
                "actor",
                format!("{} is neither agent:NAME nor person:NAME", shown(&said)),
            )),
        }
    }
}

fn known<'a>(shape: &'a Shape, name: &str, place: &str) -> Result<&'a Field, Problem> {
    shape.fields.get(name).ok_or_else(|| {
        let known: Vec<_> = shape.fields.keys().map(String::as_str).collect();
        let known = match known.is_empty() {
            true => "nothing is said there".to_owned(),
            false => format!("there may be {}", known.join(", ")),
        };
        Problem::malformed(
            place,
            format!("{} means nothing here; {known}", shown(name)),
        )
    })
}

fn read(said: &str, sort: Sort, now: Timestamp) -> Result<Value, String> {
    let not = |what: &str| format!("{} is not {what}", shown(said));
    match sort {
        Sort::Text => Ok(said.into()),
        Sort::Whole => match (said.parse::<u64>(), said.parse::<i64>()) {
            (Ok(number), _) => Ok(number.into()),
            (_, Ok(number)) => Ok(number.into()),
            _ => Err(not("a whole number")),
        },
        Sort::Truth => match said {
            "true" => Ok(true.into()),
            "false" => Ok(false.into()),
            _ => Err(not("true or false")),
        },
        Sort::Moment => {
            if let Ok(date) = DateTime::parse_from_rfc3339(said) {
                return Ok(Timestamp::from_utc(date.to_utc()).0.into());
            }
            let span = read_span(said)
                .map_err(|_| not("a moment like 2026-02-02T10:00:00Z, or a span like 30d"))?;
            Ok(now.plus(span.saturating_neg()).0.into())
        }
        Sort::Scope => {
            let scope = said
                .parse::<Scope>()
                .map_err(|_| not("a scope like line or bucket:features"))?;
            Ok(json!(scope))
        }
        Sort::Json => serde_json::from_str(said).map_err(|_| not("JSON")),
    }
}

/// Returns what was said, so that it can be said back: on one line, and short.
fn shown(said: &str) -> String {
    let clean = text::clean(said);
    let short: String = clean.chars().take(SHOWN).collect();
    format!("'{short}'")
}

#[cfg(test)]
mod tests;
