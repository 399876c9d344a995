//! One line of a beads file, as it stands.
//!
//! Texts borrow from the line where JSON lets them. Keys that are not known here are kept with their values: they go
//! into the description, since an import forgets nothing.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, Visitor},
};
use serde_json::Value;

use crate::domain::time::Timestamp;

/// Text that borrows from the line unless it holds escapes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;
        impl<'de> Visitor<'de> for Borrow {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Borrow)
    }
}

/// A date of RFC 3339, with any offset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct When(pub(super) Timestamp);

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        match chrono::DateTime::parse_from_rfc3339(&text) {
            Ok(date) => Ok(When(Timestamp(date.timestamp_micros()))),
            Err(_) => {
                let shown: String = text.chars().take(40).collect();
                let shown = crate::text::clean(&shown);
                let why = format!("'{shown}' is not a date like 2025-01-31T12:00:00-08:00");
                Err(de::Error::custom(why))
            }
        }
    }
}

/// A relation to another item.
#[derive(Debug, Deserialize)]
pub(super) struct Relation<'a> {
    #[serde(borrow, rename = "depends_on_id")]
    pub(super) on: Text<'a>,
    #[serde(borrow, rename = "type")]
    pub(super) kind: Option<Text<'a>>,
}

/// What somebody said.
#[derive(Debug, Deserialize)]
pub(super) struct Comment<'a> {
    #[serde(borrow)]
    pub(super) author: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    pub(super) created_at: When,
}

/// One line.
#[derive(Debug, Default)]
pub(super) struct Line<'a> {
    pub(super) id: Option<Text<'a>>,
    pub(super) title: Option<Text<'a>>,
    pub(super) description: Option<Text<'a>>,
    pub(super) design: Option<Text<'a>>,
    pub(super) acceptance_criteria: Option<Text<'a>>,
    pub(super) notes: Option<Text<'a>>,
    pub(super) close_reason: Option<Text<'a>>,
    pub(super) status: Option<Text<'a>>,
    pub(super) issue_type: Option<Text<'a>>,
    pub(super) priority: Option<i64>,
    pub(super) assignee: Option<Text<'a>>,
    pub(super) external_ref: Option<Text<'a>>,
    pub(super) estimated_minutes: Option<i64>,
    pub(super) created_at: Option<When>,
    pub(super) updated_at: Option<When>,
    pub(super) closed_at: Option<When>,
    pub(super) deleted: bool,
    pub(super) labels: Vec<Text<'a>>,
    pub(super) dependencies: Vec<Relation<'a>>,
    pub(super) comments: Vec<Comment<'a>>,
    /// Every other key with its value, in the line's order.
    pub(super) rest: Vec<(Text<'a>, Value)>,
}

impl Line<'_> {
    /// Returns whether the item was deleted: its line only says that it was there.
    pub(super) fn is_tombstone(&self) -> bool {
        let status = self.status.as_ref().map(|Text(status)| status.as_ref());
        self.deleted || matches!(status, Some("tombstone" | "deleted"))
    }
}

impl<'de> Deserialize<'de> for Line<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Line<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an issue: a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Line<'de>, A::Error> {
                let mut line = Line::default();
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    match key.0.as_ref() {
                        "id" => line.id = map.next_value()?,
                        "title" => line.title = map.next_value()?,
                        "description" => line.description = map.next_value()?,
                        "design" => line.design = map.next_value()?,
                        "acceptance_criteria" => line.acceptance_criteria = map.next_value()?,
                        "notes" => line.notes = map.next_value()?,
                        "close_reason" => line.close_reason = map.next_value()?,
                        "status" => line.status = map.next_value()?,
                        "issue_type" => line.issue_type = map.next_value()?,
                        "priority" => line.priority = map.next_value()?,
                        "assignee" => line.assignee = map.next_value()?,
                        "external_ref" => line.external_ref = map.next_value()?,
                        "estimated_minutes" => line.estimated_minutes = map.next_value()?,
                        "created_at" => line.created_at = map.next_value()?,
                        "updated_at" => line.updated_at = map.next_value()?,
                        "closed_at" => line.closed_at = map.next_value()?,
                        "deleted_at" => {
                            line.deleted = map.next_value::<Option<When>>()?.is_some();
                        }
                        "labels" => line.labels = list(&mut map)?,
                        "dependencies" => line.dependencies = list(&mut map)?,
                        "comments" => line.comments = list(&mut map)?,
                        // A digest of the rest by beads itself: it says nothing of its own.
                        "content_hash" => {
                            map.next_value::<IgnoredAny>()?;
                        }
                        _ => line.rest.push((key, map.next_value()?)),
                    }
                }
                Ok(line)
            }
        }

        fn list<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
            map: &mut A,
        ) -> Result<Vec<T>, A::Error> {
            Ok(map.next_value::<Option<Vec<T>>>()?.unwrap_or_default())
        }

        deserializer.deserialize_map(Keys)
    }
}
