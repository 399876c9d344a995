//! What the records of several systems are made of: texts that borrow, and dates.

use std::{borrow::Cow, fmt};

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};

use crate::{domain::time::Timestamp, text};

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
        match DateTime::parse_from_rfc3339(&text) {
            Ok(date) => Ok(When(Timestamp(date.timestamp_micros()))),
            Err(_) => Err(de::Error::custom(bad_date(
                &text,
                "2025-01-31T12:00:00-08:00",
            ))),
        }
    }
}

/// A date of ISO 8601's basic form in UTC, as taskwarrior writes it, or of RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Basic(pub(super) Timestamp);

impl<'de> Deserialize<'de> for Basic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        let basic = NaiveDateTime::parse_from_str(&text, "%Y%m%dT%H%M%SZ").map(utc);
        let date = basic.or_else(|_| {
            DateTime::parse_from_rfc3339(&text).map(|date| Timestamp(date.timestamp_micros()))
        });
        date.map(Basic)
            .map_err(|_| de::Error::custom(bad_date(&text, "20250131T120000Z")))
    }
}

/// Returns a date as tables have them: by the given form of strftime, else RFC 3339, or a day with or without a time,
/// which is taken as UTC.
pub(super) fn date(text: &str, form: Option<&str>) -> Result<Timestamp, String> {
    let text = text.trim();
    if let Some(form) = form {
        let zoned = DateTime::parse_from_str(text, form);
        let at = zoned.map(|date| Timestamp(date.timestamp_micros()));
        let at = at.or_else(|_| NaiveDateTime::parse_from_str(text, form).map(utc));
        let at = at.or_else(|_| NaiveDate::parse_from_str(text, form).map(midnight));
        return at.map_err(|_| bad_date(text, form));
    }
    if let Ok(date) = DateTime::parse_from_rfc3339(text) {
        return Ok(Timestamp(date.timestamp_micros()));
    }
    for form in [
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M:%S%.f",
    ] {
        if let Ok(date) = NaiveDateTime::parse_from_str(text, form) {
            return Ok(utc(date));
        }
    }
    match text.parse::<NaiveDate>() {
        Ok(day) => Ok(midnight(day)),
        Err(_) => Err(bad_date(text, "2025-01-31 or 2025-01-31T12:00:00Z")),
    }
}

fn utc(date: NaiveDateTime) -> Timestamp {
    Timestamp(date.and_utc().timestamp_micros())
}

fn midnight(day: NaiveDate) -> Timestamp {
    utc(day.and_time(NaiveTime::MIN))
}

fn bad_date(shown: &str, like: &str) -> String {
    let shown: String = shown.chars().take(40).collect();
    format!("'{}' is not a date like {like}", text::clean(&shown))
}
