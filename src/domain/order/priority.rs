//! How urgent an order is.

use std::fmt;

use bitcode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::domain::schema::written;

/// How urgent an order is: 1 to 10, 10 the most urgent.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode,
)]
#[serde(try_from = "u8", into = "u8")]
pub struct Priority(u8);

impl Priority {
    /// The middle of the scale, given where nobody says otherwise.
    pub const DEFAULT: Priority = Priority(5);

    /// Returns the priority, or None outside 1 to 10.
    pub const fn new(value: u8) -> Option<Self> {
        if 1 <= value && value <= 10 {
            Some(Priority(value))
        } else {
            None
        }
    }

    /// Returns the number, 1 to 10.
    pub const fn get(self) -> u8 {
        self.0
    }
}

written!(Priority, {
    "description": "How urgent an order is: 1 to 10, 10 the most urgent.",
    "type": "integer",
    "minimum": 1,
    "maximum": 10,
});

impl From<Priority> for u8 {
    fn from(priority: Priority) -> u8 {
        priority.0
    }
}

impl TryFrom<u8> for Priority {
    type Error = String;

    fn try_from(value: u8) -> Result<Self, String> {
        Priority::new(value)
            .ok_or_else(|| format!("{value} is not a priority; use 1 to 10, 10 most urgent"))
    }
}

impl std::str::FromStr for Priority {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shown: String = text.chars().take(40).collect();
        text.trim()
            .parse()
            .ok()
            .and_then(Priority::new)
            .ok_or_else(|| format!("'{shown}' is not a priority; use 1 to 10, 10 most urgent"))
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
