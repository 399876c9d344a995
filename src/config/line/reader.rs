//! Tables read key by key, where every mistake has a place and says what was expected.

use std::{fmt::Display, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::super::{Document, Problem};

/// A value with its place.
pub(super) type Value<'a> = Spanned<DeValue<'a>>;
/// A key with its place.
pub(super) type Key<'a> = Spanned<std::borrow::Cow<'a, str>>;

/// The most texts of a list: many times what anyone writes.
const LIST_LIMIT: usize = 1_000;

/// Reads values and gathers what was wrong in them.
pub(super) struct Reader<'d> {
    document: &'d Document,
    /// What was wrong so far.
    pub(super) found: Vec<Problem>,
}

impl<'d> Reader<'d> {
    pub(super) fn new(document: &'d Document, found: Vec<Problem>) -> Self {
        Reader { document, found }
    }

    /// Notes a mistake.
    pub(super) fn wrong(&mut self, span: Range<usize>, what: impl Display, mend: impl Display) {
        self.found.push(self.document.problem(span, what, mend));
    }

    /// Notes that a value is none of its key.
    pub(super) fn none_of<T>(&mut self, key: &str, value: &Value<'_>, expected: &str) -> Option<T> {
        let shown = match value.get_ref() {
            DeValue::String(text) => format!("'{text}'"),
            DeValue::Integer(number) => number.as_str().to_owned(),
            DeValue::Float(number) => number.as_str().to_owned(),
            DeValue::Boolean(truth) => truth.to_string(),
            other => format!("a TOML {}", other.type_str()),
        };
        let what = format!("{shown} is no value of {key}");
        self.wrong(value.span(), what, format!("write {expected}"));
        None
    }

    /// Returns the named tables beneath a table.
    pub(super) fn tables<'v, 'a>(
        &mut self,
        name: &str,
        value: &'v Value<'a>,
    ) -> Vec<(&'v Key<'a>, &'v DeTable<'a>)> {
        let shape = format!("write [{name}.NAME] and its keys below it");
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(value.span(), format!("{name} must be a table"), shape);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (key, value) in table {
            match value.get_ref().as_table() {
                Some(table) => tables.push((key, table)),
                None => self.wrong(value.span(), "this must be a table", &shape),
            }
        }
        tables
    }

    /// Returns a table given as a value.
    pub(super) fn table<'v, 'a>(
        &mut self,
        key: &str,
        value: &'v Value<'a>,
        expected: &str,
    ) -> Option<&'v DeTable<'a>> {
        match value.get_ref().as_table() {
            Some(table) => Some(table),
            None => self.none_of(key, value, expected),
        }
    }

    /// Returns a text that passes a test.
    pub(super) fn text(
        &mut self,
        key: &str,
        value: &Value<'_>,
        expected: &str,
        passes: impl Fn(&str) -> bool,
    ) -> Option<String> {
        match value.get_ref().as_str().filter(|text| passes(text)) {
            Some(text) => Some(text.to_owned()),
            None => self.none_of(key, value, expected),
        }
    }

    /// Returns one of some words.
    pub(super) fn word<T: Copy>(
        &mut self,
        key: &str,
        value: &Value<'_>,
        words: &[(&str, T)],
    ) -> Option<T> {
        let given = value.get_ref().as_str();
        let found = words.iter().find(|(word, _)| Some(*word) == given);
        match found {
            Some((_, meant)) => Some(*meant),
            None => {
                let all: Vec<_> = words.iter().map(|(word, _)| *word).collect();
                self.none_of(key, value, &format!("one of {}", all.join(", ")))
            }
        }
    }

    /// Returns whether something is so.
    pub(super) fn flag(&mut self, key: &str, value: &Value<'_>) -> Option<bool> {
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => self.none_of(key, value, "true or false"),
        }
    }

    /// Returns a list of texts that each pass a test.
    pub(super) fn texts(
        &mut self,
        key: &str,
        value: &Value<'_>,
        expected: &str,
        passes: impl Fn(&str) -> bool,
    ) -> Option<Vec<String>> {
        let list = format!("a list, each {expected}");
        let Some(items) = value.get_ref().as_array() else {
            return self.none_of(key, value, &list);
        };
        if items.len() > LIST_LIMIT {
            let what = format!("{key} has more than {LIST_LIMIT} entries");
            self.wrong(value.span(), what, "write fewer");
            return None;
        }
        let (before, mut texts) = (self.found.len(), Vec::new());
        for item in items {
            texts.extend(self.text(key, item, expected, &passes));
        }
        (self.found.len() == before).then_some(texts)
    }

    /// Returns a whole number within bounds.
    pub(super) fn number(
        &mut self,
        key: &str,
        value: &Value<'_>,
        least: u64,
        most: u64,
    ) -> Option<u64> {
        let given = value.get_ref().as_integer().and_then(|number| {
            let digits = number.as_str().replace('_', "");
            u64::from_str_radix(&digits, number.radix()).ok()
        });
        match given.filter(|number| (least..=most).contains(number)) {
            Some(number) => Some(number),
            None => self.none_of(
                key,
                value,
                &format!("a whole number from {least} to {most}"),
            ),
        }
    }

    /// Returns a number that is not negative.
    pub(super) fn amount(&mut self, key: &str, value: &Value<'_>) -> Option<f64> {
        let text = match value.get_ref() {
            DeValue::Float(number) => number.as_str(),
            DeValue::Integer(number) => number.as_str(),
            _ => "",
        };
        let number = text.replace('_', "").parse::<f64>().ok();
        match number.filter(|number| number.is_finite() && *number >= 0.0) {
            Some(number) => Some(number),
            None => self.none_of(key, value, "a number that is not negative"),
        }
    }

    /// Returns a size in bytes: `0`, `"500MiB"`, `"2GiB"`.
    pub(super) fn size(&mut self, key: &str, value: &Value<'_>) -> Option<u64> {
        let bytes = match value.get_ref() {
            DeValue::Integer(number) => number.as_str().replace('_', "").parse().ok(),
            DeValue::String(text) => size(text),
            _ => None,
        };
        match bytes {
            Some(bytes) => Some(bytes),
            None => self.none_of(key, value, "a size like 0, \"500MiB\" or \"2GiB\""),
        }
    }

    /// Returns a time span in seconds: `30`, `"90s"`, `"10m"`, `"2h"`.
    pub(super) fn span(
        &mut self,
        key: &str,
        value: &Value<'_>,
        least: u32,
        most: u32,
    ) -> Option<u32> {
        let seconds = match value.get_ref() {
            DeValue::Integer(number) => number.as_str().replace('_', "").parse().ok(),
            DeValue::String(text) => span(text),
            _ => None,
        };
        match seconds.filter(|seconds| (least..=most).contains(seconds)) {
            Some(seconds) => Some(seconds),
            None => {
                let expected =
                    format!("a time like 90, \"90s\", \"10m\" or \"2h\", from {least} to {most} s");
                self.none_of(key, value, &expected)
            }
        }
    }
}

/// Returns the bytes of a text like `2GiB`.
fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let unit: u64 = match text.strip_prefix(digits)?.trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// Returns the seconds of a text like `10m`.
fn span(text: &str) -> Option<u32> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u32 = match text.strip_prefix(digits)? {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return None,
    };
    digits.trim().parse::<u32>().ok()?.checked_mul(unit)
}
