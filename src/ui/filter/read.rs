//! Reads the words of a filter: each is a word, a name with values, or a comparison.

use super::{Compare, Test};
use crate::domain::time::read_span;

/// The most terms a filter may have: more than anyone types, so that a pasted text stays cheap.
const MAX_TERMS: usize = 32;

/// Returns the terms of a filter as they were typed, each with the byte at which it begins.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_whitespace()
        .map(|token| (token.as_ptr() as usize - text.as_ptr() as usize, token))
        .take(MAX_TERMS)
}

/// Reads one term, without the mark of its opposite.
pub(super) fn test(token: &str) -> Result<Test, String> {
    match token {
        "blocked" => return Ok(Test::Blocked),
        "held" => return Ok(Test::Held),
        "ready" => return Ok(Test::Ready),
        "risk" => return Ok(Test::Risk),
        "late" => return Ok(Test::Late),
        "done" => return Ok(Test::Done),
        _ => {}
    }
    if let Some((name, value)) = token.split_once(':') {
        return named(name, value);
    }
    if let Some(at) = token.find(['<', '>', '=']) {
        let (name, rest) = token.split_at(at);
        return compared(name, rest);
    }
    Ok(Test::Word(token.to_lowercase()))
}

fn named(name: &str, value: &str) -> Result<Test, String> {
    if value.is_empty() {
        return Err(format!("{name}: needs a value"));
    }
    let words = || value.split(',').map(str::to_owned).collect::<Vec<_>>();
    match name {
        "bucket" => Ok(Test::Buckets(all(value)?)),
        "kind" => Ok(Test::Kinds(all(value)?)),
        "status" => Ok(Test::Statuses(all(value)?)),
        "stage" => Ok(Test::Stages(words())),
        "label" => Ok(Test::Labels(words())),
        "agent" => Ok(Test::Agents(words())),
        "epic" => Ok(Test::Under(value.parse().map_err(|e| format!("{e}"))?)),
        "priority" | "age" | "sla" => compared(name, &format!("={value}")),
        // An address or a time has a colon too; a word with a value is a term that was mistyped.
        _ if !value.starts_with("//") && name.chars().all(|c| c.is_ascii_alphabetic()) => {
            Err(format!("no such term: {name}"))
        }
        _ => Ok(Test::Word(format!("{name}:{value}").to_lowercase())),
    }
}

fn all<T: std::str::FromStr<Err = String>>(value: &str) -> Result<Vec<T>, String> {
    value.split(',').map(str::parse).collect()
}

fn compared(name: &str, rest: &str) -> Result<Test, String> {
    let signs = [
        (">=", Compare::AtLeast),
        ("<=", Compare::AtMost),
        (">", Compare::More),
        ("<", Compare::Less),
        ("=", Compare::Equal),
    ];
    let found = signs
        .iter()
        .find_map(|(sign, compare)| Some((rest.strip_prefix(sign)?, *compare)));
    let (value, compare) = found.ok_or("a comparison needs <, > or =")?;
    match name {
        "priority" => match value.parse() {
            Ok(number @ 0..=11) => Ok(Test::Priority(compare, number)),
            _ => Err(format!("'{value}' is not a priority; use 1 to 10")),
        },
        "age" => read_span(value).map(|micros| Test::Age(compare, micros)),
        "sla" => read_span(value).map(|micros| Test::Sla(compare, micros)),
        _ => Err(format!(
            "'{name}' cannot be compared; use priority, age or sla"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Filter, TERMS},
        *,
    };

    fn problems(text: &str) -> Vec<String> {
        let (_, problems) = Filter::parse(text);
        problems
            .iter()
            .map(|p| format!("{}: {}", &text[p.at.clone()], p.what))
            .collect()
    }

    #[test]
    fn every_documented_term_is_read() {
        for (example, _) in TERMS {
            assert_eq!(problems(example), Vec::<String>::new(), "{example}");
        }
    }

    #[test]
    fn bad_terms_are_described_and_the_rest_holds() {
        assert_eq!(
            problems("fix priority>many bukcet:cost age>x size>3 epic:7 bucket: bucket:red"),
            [
                "priority>many: 'many' is not a priority; use 1 to 10",
                "bukcet:cost: no such term: bukcet",
                "age>x: 'x' is not a duration; write it like 90s, 15m, 4h, 2d or 1w",
                "size>3: 'size' cannot be compared; use priority, age or sla",
                "epic:7: '7' is not an id; it should look like WO-001 or EPIC-001",
                "bucket:: bucket: needs a value",
                "bucket:red: 'red' is not a bucket; use one of: security, reliability, compliance, cost, features, technical_debt",
            ]
        );
        let (filter, _) = Filter::parse("fix age>x");
        assert_eq!(filter.terms.len(), 1);
        assert!(Filter::parse("  ").0.is_empty());
    }

    #[test]
    fn words_with_colons_stay_words() {
        assert_eq!(test("https://x"), Ok(Test::Word("https://x".into())));
        assert_eq!(test("12:30"), Ok(Test::Word("12:30".into())));
        assert_eq!(test("!"), Ok(Test::Word("!".into())));
    }
}
