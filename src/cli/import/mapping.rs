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

/// The words for kinds that have a counterpart, as beads and our own exports write them.
const KINDS: &[(&str, Kind)] = &[
    ("bug", Kind::Bug),
    ("chore", Kind::Chore),
    ("epic", Kind::Epic),
    ("feature", Kind::Story),
    ("story", Kind::Story),
    ("task", Kind::Task),
];

/// What labels say instead of those words.
const SYNONYMS: &[(&str, &str)] = &[
    ("defect", "bug"),
    ("enhancement", "feature"),
    ("maintenance", "chore"),
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

/// Priorities by the words that people use for them, in labels and in tables.
const URGENCIES: &[(&str, u8)] = &[
    ("blocker", 10),
    ("critical", 10),
    ("highest", 10),
    ("p0", 10),
    ("urgent", 10),
    ("high", 8),
    ("important", 8),
    ("major", 8),
    ("p1", 8),
    ("medium", 6),
    ("moderate", 6),
    ("p2", 6),
    ("normal", 5),
    ("low", 4),
    ("minor", 4),
    ("p3", 4),
    ("lowest", 2),
    ("p4", 2),
    ("trivial", 2),
];

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

    /// Returns the first word among labels that has a counterpart among kinds, whatever its case and what stands before it.
    pub fn kind_of<'a>(&self, mut labels: impl Iterator<Item = &'a str>) -> Option<String> {
        labels.find_map(|label| {
            let word = facet(label).1.to_ascii_lowercase();
            let same = SYNONYMS.iter().find(|(other, _)| *other == word);
            let known = |word: &String| self.kinds.contains_key(word);
            let same = same.map(|(_, word)| (*word).to_owned());
            Some(word).filter(known).or(same).filter(known)
        })
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

/// Returns the priority that a word stands for, whatever its case.
pub(super) fn urgency(word: &str) -> Option<Priority> {
    let word = word.trim();
    let row = URGENCIES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(word))?;
    Priority::new(row.1)
}

/// Returns what a label says and about what: `priority` and `high` of `priority: high`, `kind/bug` and the like; a label
/// without such a mark is about nothing in particular.
pub(super) fn facet(label: &str) -> (Option<&str>, &str) {
    match label.rsplit_once([':', '/']) {
        Some((about, word)) => (Some(about.trim()), word.trim()),
        None => (None, label.trim()),
    }
}

/// Returns the priority that the first label about it says: `P1`, `priority: high`, `priority/critical`.
pub(super) fn urgency_of<'a>(labels: impl Iterator<Item = &'a str>) -> Option<Priority> {
    labels
        .filter_map(|label| match facet(label) {
            (Some(about), word) if about.to_ascii_lowercase().contains("prio") => urgency(word),
            (None, word) => {
                let numbered = word.len() == 2 && word.starts_with(['p', 'P']);
                urgency(word).filter(|_| numbered)
            }
            _ => None,
        })
        .next()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_say_kinds_and_urgencies_in_many_ways() {
        let mapping = Mapping::default();
        for (labels, kind, priority) in [
            (&["bug"][..], "bug", 0),
            (&["Type: Bug", "P1"], "bug", 8),
            (
                &["kind/enhancement", "priority/critical-urgent"],
                "feature",
                0,
            ),
            (&["help wanted", "priority: high"], "", 8),
            (&["defect", "Priority/P0"], "bug", 10),
            // What only sounds like one says nothing: low is no priority unless it says so, and neither is a P9.
            (&["low", "urgent", "p9", "debugging"], "", 0),
            (&[], "", 0),
        ] {
            let found = mapping.kind_of(labels.iter().copied());
            assert_eq!(found.unwrap_or_default(), kind, "{labels:?}");
            let urgency = urgency_of(labels.iter().copied()).map_or(0, Priority::get);
            assert_eq!(urgency, priority, "{labels:?}");
        }
        assert_eq!(urgency(" Highest ").map(Priority::get), Some(10));
        assert_eq!(urgency("someday"), None);
    }

    #[test]
    fn a_word_of_ones_own_goes_before_a_synonym() -> Result<(), BadMapping> {
        let mapping = Mapping::from_toml("[kind]\nenhancement = \"chore\"\n")?;
        let found = mapping.kind_of(["enhancement"].into_iter());
        assert_eq!(
            found.and_then(|word| mapping.kind(&word)),
            Some(Kind::Chore)
        );
        Ok(())
    }
}
