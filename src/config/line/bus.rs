//! `[bus]`: how long messages are kept, how many, and how often one is delivered.

use toml::de::DeValue;

use super::reader::{Key, Reader, Value};
use crate::config::{Document, Problem};

/// The bounds of what is said here: beyond them it is a slip, or nothing that one disk is for.
const RETENTION: (u32, u32) = (60, 366 * 24 * 3_600);
const MESSAGES: (u64, u64) = (100, 10_000_000);
const BYTES: (u64, u64) = (1 << 20, 64 << 30);
const DELIVERIES: (u64, u64) = (1, 100);
const VISIBILITY: (u32, u32) = (1, 3_600);
const TTL: (u32, u32) = (1, 366 * 24 * 3_600);

/// The units of bytes.
const UNITS: [(&str, u64); 4] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("", 1),
];

/// What the file says about messages; None is the default of the bus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BusRule {
    /// How long messages are kept, in seconds.
    pub retention: Option<u32>,
    /// How many are kept.
    pub max_messages: Option<u64>,
    /// How many bytes their bodies may take together.
    pub max_bytes: Option<u64>,
    /// How often one is given out at most.
    pub max_deliveries: Option<u32>,
    /// How long one is a reader's before it is given out again, in seconds.
    pub visibility: Option<u32>,
    /// How long mail to an inbox is worth anything where its sender does not say, in seconds.
    pub ttl: Option<u32>,
}

/// Returns what the document says about messages, and what was wrong in that; other tables are somebody else's.
pub fn read(document: &Document) -> (BusRule, Vec<Problem>) {
    let (table, found) = document.parse();
    let mut reader = Reader::new(document, found);
    let mut rule = BusRule::default();
    for (key, value) in &table {
        if key.get_ref() == "bus" {
            rule = BusRule::read(&mut reader, value);
        }
    }
    (rule, document.in_order(reader.found))
}

impl BusRule {
    /// Returns the rule of the table. Of a key with a mistake the default holds.
    pub(super) fn read(reader: &mut Reader<'_>, value: &Value<'_>) -> BusRule {
        let mut rule = BusRule::default();
        let Some(table) = value.get_ref().as_table() else {
            reader.wrong(
                value.span(),
                "bus must be a table",
                "write [bus] and its keys below it",
            );
            return rule;
        };
        for (key, value) in table {
            // What is wrong is in `found`.
            let _ = rule.take(reader, key, value);
        }
        rule
    }

    fn take(&mut self, reader: &mut Reader<'_>, key: &Key<'_>, value: &Value<'_>) -> Option<()> {
        let word = key.get_ref().as_ref();
        match word {
            "retention" => {
                self.retention = Some(reader.span(word, value, RETENTION.0, RETENTION.1)?);
            }
            "max_messages" => {
                self.max_messages = Some(reader.number(word, value, MESSAGES.0, MESSAGES.1)?);
            }
            "max_bytes" => self.max_bytes = Some(bytes(reader, word, value)?),
            "max_deliveries" => {
                let most = reader.number(word, value, DELIVERIES.0, DELIVERIES.1)?;
                self.max_deliveries = u32::try_from(most).ok();
            }
            "visibility" => {
                self.visibility = Some(reader.span(word, value, VISIBILITY.0, VISIBILITY.1)?);
            }
            "ttl" => self.ttl = Some(reader.span(word, value, TTL.0, TTL.1)?),
            other => {
                let what = format!("the bus has no '{other}'");
                let mend =
                    "use retention, max_messages, max_bytes, max_deliveries, visibility or ttl";
                reader.wrong(key.span(), what, mend);
            }
        }
        Some(())
    }
}

/// Returns a number of bytes: `1048576`, `"64MiB"`.
fn bytes(reader: &mut Reader<'_>, key: &str, value: &Value<'_>) -> Option<u64> {
    let (least, most) = BYTES;
    let DeValue::String(text) = value.get_ref() else {
        return reader.number(key, value, least, most);
    };
    let given = UNITS.iter().find_map(|(unit, factor)| {
        let digits = text.trim().strip_suffix(unit)?.trim_end();
        digits.parse::<u64>().ok()?.checked_mul(*factor)
    });
    match given.filter(|given| (least..=most).contains(given)) {
        Some(given) => Some(given),
        None => reader.none_of(
            key,
            value,
            "bytes like 67108864, \"64MiB\" or \"1GiB\", from 1 MiB to 64 GiB",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read_and_a_mistake_leaves_its_default() {
        let text = "[agents.x]\ncommand = 3\n[bus]\nretention = '48h'\nmax_messages = 5_000\nmax_bytes = '64MiB'\n\
                    max_deliveries = 3\nvisibility = 45\nttl = '10m'\n";
        let (rule, problems) = read(&Document::new("obeya.toml", text));
        assert_eq!(problems, []);
        let wanted = BusRule {
            retention: Some(48 * 3_600),
            max_messages: Some(5_000),
            max_bytes: Some(64 << 20),
            max_deliveries: Some(3),
            visibility: Some(45),
            ttl: Some(600),
        };
        assert_eq!(rule, wanted);
        let text = "[bus]\nretention = 5\nmax_bytes = '64 bananas'\nmax_deliveries = 0\nkeep = 1\nttl = '5m'\n";
        let (rule, problems) = read(&Document::new("obeya.toml", text));
        let wanted = BusRule {
            ttl: Some(300),
            ..BusRule::default()
        };
        assert_eq!(rule, wanted);
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        obeya.toml:2:13: 5 is no value of retention; write a time like 90, "90s", "10m" or "2h", from 60 to 31622400 s
        obeya.toml:3:13: '64 bananas' is no value of max_bytes; write bytes like 67108864, "64MiB" or "1GiB", from 1 MiB to 64 GiB
        obeya.toml:4:18: 0 is no value of max_deliveries; write a whole number from 1 to 100
        obeya.toml:5:1: the bus has no 'keep'; use retention, max_messages, max_bytes, max_deliveries, visibility or ttl
        "#);
    }
}
