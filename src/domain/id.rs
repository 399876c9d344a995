//! The names of things: `WO-001`, `EPIC-001`, `ALERT-001`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::schema::written;

/// The highest number an id may carry: two to the 30th, so that a packed id fits 31 bits.
pub const MAX_NUMBER: u32 = 1 << 30;

/// Text that is not an id of the wanted sort.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadId {
    /// What was read.
    pub text: String,
    /// What was wanted, for example `WO-001 or EPIC-001`.
    pub wanted: &'static str,
}

impl fmt::Display for BadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "'{}' is not an id; it should look like {}",
            self.text, self.wanted
        )
    }
}

impl std::error::Error for BadId {}

/// A work order's id. Work orders and epics count separately.
///
/// Orders first by sort (work orders before epics), then by number.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, bitcode::Encode, bitcode::Decode,
)]
pub struct OrderId(u32);

impl OrderId {
    const EPIC: u32 = MAX_NUMBER;

    /// Returns the id of work order `number`; numbers start at 1.
    pub const fn work(number: u32) -> Self {
        OrderId(number % MAX_NUMBER)
    }

    /// Returns the id of epic `number`; numbers start at 1.
    pub const fn epic(number: u32) -> Self {
        OrderId(Self::EPIC | (number % MAX_NUMBER))
    }

    /// Returns whether this names an epic.
    pub const fn is_epic(self) -> bool {
        self.0 & Self::EPIC != 0
    }

    /// Returns the number, without the sort.
    pub const fn number(self) -> u32 {
        self.0 & (Self::EPIC - 1)
    }

    /// Returns the id as one integer, for keys; [`OrderId::from_raw`] reads it back.
    pub const fn raw(self) -> u32 {
        self.0
    }

    /// Returns the id that [`OrderId::raw`] gave.
    pub const fn from_raw(raw: u32) -> Self {
        OrderId(raw & (2 * Self::EPIC - 1))
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sort = if self.is_epic() { "EPIC" } else { "WO" };
        f.pad(&format!("{sort}-{:03}", self.number()))
    }
}

impl FromStr for OrderId {
    type Err = BadId;

    /// Reads `WO-1`, `wo-001`, `EPIC-7`.
    fn from_str(text: &str) -> Result<Self, BadId> {
        let wanted = "WO-001 or EPIC-001";
        if let Some(number) = number_after(text, "WO-") {
            return Ok(OrderId::work(number));
        }
        number_after(text, "EPIC-")
            .map(OrderId::epic)
            .ok_or_else(|| BadId {
                text: text.chars().take(80).collect(),
                wanted,
            })
    }
}

/// An alert's id.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, bitcode::Encode, bitcode::Decode,
)]
pub struct AlertId(pub u32);

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("ALERT-{:03}", self.0))
    }
}

impl FromStr for AlertId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        number_after(text, "ALERT-")
            .map(AlertId)
            .ok_or_else(|| BadId {
                text: text.chars().take(80).collect(),
                wanted: "ALERT-001",
            })
    }
}

fn number_after(text: &str, prefix: &str) -> Option<u32> {
    let (head, digits) = text.trim().split_at_checked(prefix.len())?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !head.eq_ignore_ascii_case(prefix) || !plain {
        return None;
    }
    digits
        .parse()
        .ok()
        .filter(|number| (1..MAX_NUMBER).contains(number))
}

macro_rules! text_in_json {
    ($id:ty) => {
        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

text_in_json!(OrderId);
text_in_json!(AlertId);

written!(OrderId, {
    "description": "The id of a work order or of an epic.",
    "type": "string",
    "pattern": "^(WO|EPIC)-[0-9]{3,10}$",
    "examples": ["WO-001", "EPIC-001"],
});

written!(AlertId, {
    "description": "The id of an alert.",
    "type": "string",
    "pattern": "^ALERT-[0-9]{3,10}$",
    "examples": ["ALERT-001"],
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_as_they_are_shown() {
        for id in [OrderId::work(1), OrderId::epic(1), OrderId::work(123_456)] {
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(OrderId::from_raw(id.raw()), id);
        }
        assert_eq!("wo-7".parse(), Ok(OrderId::work(7)));
        for bad in [
            "",
            "WO-",
            "WO-0",
            "WO-+1",
            "WO--1",
            "WO-99999999999",
            "EPIC",
            "é",
        ] {
            assert!(bad.parse::<OrderId>().is_err(), "{bad}");
        }
    }
}
