//! What agents use up: tokens and money, in whole numbers, and what of it they may.
//!
//! Money is counted in millionths of a unit of whatever currency the agents report, so that no fraction is ever rounded
//! on the ledger. Every sum saturates: a count that is too large to be true spends every budget, and overflows nothing.

use std::fmt;

use bitcode::{Decode, Encode};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::schema::written;

/// Millionths in a unit of money.
const UNIT: u64 = 1_000_000;

/// An amount of money, in millionths of a unit. In answers and refusals it is a plain number of units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Money(pub u64);

impl Money {
    /// Returns the amount of so many units, to the millionth: nothing for what is negative or no number.
    pub fn of_units(units: f64) -> Money {
        // A cast saturates, and turns what is no number into nothing.
        Money((units * UNIT as f64).round() as u64)
    }
}

impl fmt::Display for Money {
    /// Writes units without trailing zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / UNIT, self.0 % UNIT);
        if rest == 0 {
            return f.pad(&whole.to_string());
        }
        let rest = format!("{rest:06}");
        f.pad(&format!("{whole}.{}", rest.trim_end_matches('0')))
    }
}

impl std::str::FromStr for Money {
    type Err = String;

    /// Reads units with at most six decimals: `12`, `0.42`.
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || {
            let shown: String = text.chars().take(40).collect();
            format!("'{shown}' is no amount; write it like 12 or 0.42, with at most six decimals")
        };
        let (whole, rest) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || rest.len() > 6 || !digits(whole) || !digits(rest) {
            return Err(bad());
        }
        let units: u64 = whole.parse().map_err(|_| bad())?;
        let rest: u64 = format!("{rest:0<6}").parse().map_err(|_| bad())?;
        let millionths = units.checked_mul(UNIT);
        let millionths = millionths.and_then(|units| units.checked_add(rest));
        millionths.map(Money).ok_or_else(bad)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 % UNIT {
            0 => serializer.serialize_u64(self.0 / UNIT),
            _ => serializer.serialize_f64(self.0 as f64 / UNIT as f64),
        }
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Money::of_units)
    }
}

written!(Money, {
    "description": "Money: a number of units with at most six decimals.",
    "type": "number",
    "minimum": 0,
    "examples": [12, 0.42],
});

/// What was used up.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode,
)]
pub struct Usage {
    /// Tokens, in and out.
    pub tokens: u64,
    /// Money, in millionths of a unit.
    pub cost: u64,
}

impl Usage {
    /// Returns whether it is nothing.
    pub fn is_none(&self) -> bool {
        *self == Usage::default()
    }

    /// Adds to it, saturating.
    pub fn add(&mut self, more: Usage) {
        self.tokens = self.tokens.saturating_add(more.tokens);
        self.cost = self.cost.saturating_add(more.cost);
    }

    /// Returns it with more, saturating.
    pub fn with(mut self, more: Usage) -> Usage {
        self.add(more);
        self
    }

    /// Returns what answers show of it.
    pub fn view(self) -> UsageView {
        UsageView {
            tokens: self.tokens,
            cost: Money(self.cost),
        }
    }
}

/// What was used up, as answers and refusals show it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageView {
    /// Tokens, in and out.
    pub tokens: u64,
    /// Money, in units.
    pub cost: Money,
}

impl UsageView {
    /// Returns whether it is nothing.
    pub fn is_none(&self) -> bool {
        *self == UsageView::default()
    }
}

impl fmt::Display for UsageView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} tokens, cost {}", self.tokens, self.cost))
    }
}

/// What may be used up: of tokens, of money, or of both. What is None has no limit.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode,
)]
pub struct Budget {
    /// Tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Money, in millionths of a unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<u64>,
}

impl Budget {
    /// Returns whether so much spends it: a limit that is reached is spent.
    pub fn is_spent_by(&self, used: Usage) -> bool {
        self.tokens.is_some_and(|limit| used.tokens >= limit)
            || self.cost.is_some_and(|limit| used.cost >= limit)
    }

    /// Returns what answers show of it.
    pub fn view(self) -> BudgetView {
        BudgetView {
            tokens: self.tokens,
            cost: self.cost.map(Money),
        }
    }
}

/// What may be used up, as answers and refusals show it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BudgetView {
    /// Tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Money, in units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
}

impl BudgetView {
    /// Returns how much of it was used, of what it limits: `1200 of 1000 tokens, cost 0.5 of 2`.
    pub fn against(&self, used: UsageView) -> String {
        let tokens = self.tokens;
        let tokens = tokens.map(|limit| format!("{} of {limit} tokens", used.tokens));
        let cost = self
            .cost
            .map(|limit| format!("cost {} of {limit}", used.cost));
        let parts: Vec<_> = tokens.into_iter().chain(cost).collect();
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_read_and_written_to_the_millionth() {
        for (text, millionths) in [("12", 12_000_000), ("0.42", 420_000), ("0.000001", 1)] {
            assert_eq!(text.parse(), Ok(Money(millionths)));
            assert_eq!(Money(millionths).to_string(), text);
        }
        for bad in ["", "-1", ".5", "1.2345678", "1e3", "18446744073710", "a"] {
            assert!(bad.parse::<Money>().is_err(), "{bad}");
        }
        assert_eq!(Money::of_units(0.1 + 0.2), Money(300_000));
        assert_eq!(Money::of_units(-1.0), Money(0));
        assert_eq!(Money::of_units(f64::INFINITY), Money(u64::MAX));
        assert_eq!(Money::of_units(f64::NAN), Money(0));
    }

    #[test]
    fn sums_saturate() {
        let all = Usage {
            tokens: u64::MAX,
            cost: u64::MAX,
        };
        assert_eq!(all.with(all), all);
    }
}
