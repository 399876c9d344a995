//! Which words of another system stand for which of ours: a table, and a file that overrides it.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use crate::{
    domain::order::{Bucket, Kind, Priority},
    text,
};

/// The kinds of beads that have a counterpart.
const KINDS: &[(&str, Kind)] = &[
    ("bug", Kind::Bug),
    ("chore", Kind::Chore),
    ("epic", Kind::Epic),
    ("feature", Kind::Story),
    ("story", Kind::Story),
    ("task", Kind::Task),
];

/// Buckets by kind; every other kind is a feature.
const BUCKETS: &[(&str, Bucket)] = &[
    ("bug", Bucket::Reliability),
    ("chore", Bucket::TechnicalDebt),
];

/// Buckets by label: a label says more than a kind.
const LABELS: &[(&str, Bucket)] = &[
    ("compliance", Bucket::Compliance),
    ("cost", Bucket::Cost),
    ("refactor", Bucket::TechnicalDebt),
    ("reliability", Bucket::Reliability),
    ("security", Bucket::Security),
    ("tech-debt", Bucket::TechnicalDebt),
    ("technical-debt", Bucket::TechnicalDebt),
    ("technical_debt", Bucket::TechnicalDebt),
];

/// Our priorities by those of beads: 0 is the most urgent there, 10 here.
const PRIORITIES: [u8; 5] = [10, 8, 6, 4, 2];

/// The priority of an item that has none, in beads' own numbers.
const DEFAULT_PRIORITY: i64 = 2;

/// Which words stand for which of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    kinds: BTreeMap<String, Kind>,
    buckets: BTreeMap<String, Bucket>,
    labels: BTreeMap<String, Bucket>,
}

impl Default for Mapping {
    /// Returns the built-in table.
    fn default() -> Self {
        fn table<T: Copy>(rows: &[(&str, T)]) -> BTreeMap<String, T> {
            rows.iter()
                .map(|(word, value)| ((*word).into(), *value))
                .collect()
        }
        Mapping {
            kinds: table(KINDS),
            buckets: table(BUCKETS),
            labels: table(LABELS),
        }
    }
}

impl Mapping {
    /// Returns the built-in table with the rows of a TOML text put over it:
    ///
    /// ```toml
    /// [kind]
    /// merge-request = "chore"
    /// [bucket]
    /// bug = "reliability"
    /// [bucket.label]
    /// gdpr = "compliance"
    /// ```
    pub fn from_toml(toml: &str) -> Result<Mapping, BadMapping> {
        let overrides: Overrides =
            toml::from_str(toml).map_err(|error| BadMapping::new(toml, &error))?;
        let mut mapping = Mapping::default();
        mapping.kinds.extend(overrides.kind);
        mapping.buckets.extend(overrides.bucket.by_kind);
        mapping.labels.extend(overrides.bucket.by_label);
        Ok(mapping)
    }

    /// Returns the kind that a word stands for, if it has a counterpart.
    pub fn kind(&self, word: &str) -> Option<Kind> {
        self.kinds.get(word).copied()
    }

    /// Returns the bucket of an item: by its labels, of several the first in the buckets' order; else by its kind.
    pub fn bucket<'a>(&self, kind: &str, labels: impl Iterator<Item = &'a str>) -> Bucket {
        let by_label = labels.filter_map(|label| self.labels.get(label).copied());
        by_label
            .min()
            .or_else(|| self.buckets.get(kind).copied())
            .unwrap_or(Bucket::Features)
    }
}

/// Returns our priority for one of beads, or what is wrong with it.
pub(super) fn priority(value: Option<i64>) -> Result<Priority, String> {
    let value = value.unwrap_or(DEFAULT_PRIORITY);
    usize::try_from(value)
        .ok()
        .and_then(|value| PRIORITIES.get(value).copied())
        .and_then(Priority::new)
        .ok_or_else(|| format!("priority {value} is not 0 to 4"))
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Overrides {
    kind: BTreeMap<String, Kind>,
    bucket: BucketOverrides,
}

/// Rows by kind, and among them the table `label`.
#[derive(Default)]
struct BucketOverrides {
    by_kind: BTreeMap<String, Bucket>,
    by_label: BTreeMap<String, Bucket>,
}

impl<'de> Deserialize<'de> for BucketOverrides {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rows;
        impl<'de> Visitor<'de> for Rows {
            type Value = BucketOverrides;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of buckets by kind, with a table 'label' in it")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut rows = BucketOverrides::default();
                while let Some(key) = map.next_key::<String>()? {
                    if key == "label" {
                        rows.by_label = map.next_value()?;
                    } else {
                        rows.by_kind.insert(key, map.next_value()?);
                    }
                }
                Ok(rows)
            }
        }
        deserializer.deserialize_map(Rows)
    }
}

/// A mapping that cannot be read, and where it goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadMapping {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub why: String,
}

impl BadMapping {
    fn new(toml: &str, error: &toml::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start);
        let before = toml.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        BadMapping {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            why: text::clean(error.message()).into_owned(),
        }
    }
}

impl fmt::Display for BadMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {}: {}",
            self.line, self.column, self.why
        )
    }
}

impl std::error::Error for BadMapping {}
