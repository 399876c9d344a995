//! What a budget is of.

use bitcode::{Decode, Encode};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{andon::Scope, order::Bucket, schema::written};

/// What a budget is of. All but an order's are of a UTC day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub enum BudgetScope {
    /// The whole line's.
    Line,
    /// One class of service's.
    Bucket(Bucket),
    /// Each order's, from its beginning to its end.
    Order,
    /// One agent's.
    Agent(String),
}

impl BudgetScope {
    /// Returns the budget's scope that holds what an andon's scope names, if budgets have such a one.
    pub fn of(scope: &Scope) -> Option<BudgetScope> {
        match scope {
            Scope::Line => Some(BudgetScope::Line),
            Scope::Bucket(bucket) => Some(BudgetScope::Bucket(*bucket)),
            Scope::Order(_) => Some(BudgetScope::Order),
            Scope::Agent(name) => Some(BudgetScope::Agent(name.clone())),
            Scope::Epic(_) | Scope::Stage(_) => None,
        }
    }

    /// Returns where it stands in `obeya.toml`.
    pub fn place(&self) -> String {
        match self {
            BudgetScope::Line => "day in [budgets]".into(),
            BudgetScope::Bucket(bucket) => format!("{bucket} in [budgets.buckets]"),
            BudgetScope::Order => "order in [budgets]".into(),
            BudgetScope::Agent(name) => format!("budget in [agents.{name}]"),
        }
    }
}

impl std::fmt::Display for BudgetScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BudgetScope::Line => f.pad("line"),
            BudgetScope::Bucket(bucket) => f.pad(&format!("bucket:{bucket}")),
            BudgetScope::Order => f.pad("order"),
            BudgetScope::Agent(name) => f.pad(&format!("agent:{name}")),
        }
    }
}

impl std::str::FromStr for BudgetScope {
    type Err = String;

    /// Reads `line`, `bucket:features`, `order`, `agent:rust-dev`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "order" => Ok(BudgetScope::Order),
            _ => BudgetScope::of(&text.parse()?)
                .filter(|scope| *scope != BudgetScope::Order)
                .ok_or_else(|| "a budget is of line, bucket:NAME, order or agent:NAME".into()),
        }
    }
}

impl Serialize for BudgetScope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BudgetScope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

written!(BudgetScope, {
    "description": "What a budget is of. All but an order's are of a UTC day.",
    "type": "string",
    "pattern": "^(line|order|bucket:[a-z_]+|agent:.+)$",
    "examples": ["line", "bucket:features", "order", "agent:rust-dev"],
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_read_back() {
        let scopes = [
            BudgetScope::Line,
            BudgetScope::Bucket(Bucket::Features),
            BudgetScope::Order,
            BudgetScope::Agent("dev".into()),
        ];
        for scope in scopes {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        assert!("stage:code".parse::<BudgetScope>().is_err());
        assert!("order:WO-001".parse::<BudgetScope>().is_err());
    }
}
