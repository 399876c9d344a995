//! From what a command came to, to a verdict.

use regex::RegexBuilder;
use serde_json::Value;

use crate::{
    config::line::gates::{Number, Pass, REGEX_LIMIT},
    domain::gate::Verdict,
};

/// How many places of an output are tried for the beginning of its last JSON document.
const JSON_TRIES: usize = 64;

/// Returns the verdict on a command that ended by itself, and what there is to say about it. A command that ended in
/// failure has not passed, whatever it wrote.
pub(super) fn judge(pass: &Pass, exit: Option<i32>, stdout: &str) -> (Verdict, Option<String>) {
    match exit {
        Some(0) => {}
        Some(code) => return (Verdict::Failed, Some(format!("exit {code}"))),
        None => return (Verdict::Failed, Some("ended by a signal".into())),
    }
    match pass {
        Pass::Exit => (Verdict::Passed, None),
        Pass::Regex(pattern) => match matched(pattern, stdout) {
            Some(_) => (Verdict::Passed, None),
            None => (Verdict::Failed, Some(format!("nothing matches {pattern}"))),
        },
        Pass::Number {
            from,
            at_least,
            at_most,
        } => {
            let Some(number) = number(from, stdout) else {
                let place = match from {
                    Number::Json(pointer) => pointer,
                    Number::Regex(pattern) => pattern,
                };
                return (Verdict::CouldNotRun, Some(format!("no number at {place}")));
            };
            let below = at_least.filter(|least| number < *least);
            let above = at_most.filter(|most| number > *most);
            match (below, above) {
                (Some(least), _) => (Verdict::Failed, Some(format!("{number} is below {least}"))),
                (_, Some(most)) => (Verdict::Failed, Some(format!("{number} is above {most}"))),
                (None, None) => (Verdict::Passed, Some(number.to_string())),
            }
        }
    }
}

/// Returns the last match: its first group, or all of it.
fn matched<'t>(pattern: &str, text: &'t str) -> Option<&'t str> {
    let regex = RegexBuilder::new(pattern)
        .multi_line(true)
        .size_limit(REGEX_LIMIT)
        .build()
        .ok()?;
    let last = regex.captures_iter(text).last()?;
    last.get(1).or(last.get(0)).map(|group| group.as_str())
}

fn number(from: &Number, text: &str) -> Option<f64> {
    let number = match from {
        Number::Regex(pattern) => matched(pattern, text)?.trim().parse().ok()?,
        Number::Json(pointer) => match json(text)?.pointer(pointer)? {
            Value::Number(number) => number.as_f64()?,
            Value::String(text) => text.trim().trim_end_matches('%').parse().ok()?,
            _ => return None,
        },
    };
    // What is no number compares with nothing, and would pass every threshold.
    f64::is_finite(number).then_some(number)
}

/// Returns the output as JSON, or the last JSON document that begins a line of it.
fn json(text: &str) -> Option<Value> {
    if let Ok(whole) = serde_json::from_str(text.trim()) {
        return Some(whole);
    }
    let starts = text
        .rmatch_indices(['{', '['])
        .filter(|(at, _)| *at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n'));
    let mut found = None;
    for (at, _) in starts.take(JSON_TRIES) {
        let rest = text.get(at..)?;
        if let Some(Ok(value)) = serde_json::Deserializer::from_str(rest)
            .into_iter::<Value>()
            .next()
        {
            found = Some(value);
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coverage(from: Number) -> Pass {
        Pass::Number {
            from,
            at_least: Some(80.0),
            at_most: Some(100.0),
        }
    }

    #[test]
    fn what_passes_and_what_does_not() {
        let json = || coverage(Number::Json("/total/percent".into()));
        let regex = || coverage(Number::Regex(r"(\S+)% lines".into()));
        let cases = [
            (Pass::Exit, Some(0), "", Verdict::Passed),
            (Pass::Exit, Some(3), "", Verdict::Failed),
            (Pass::Exit, None, "", Verdict::Failed),
            (
                Pass::Regex("^ok$".into()),
                Some(0),
                "so\nok\n",
                Verdict::Passed,
            ),
            (
                Pass::Regex("^ok$".into()),
                Some(0),
                "not ok",
                Verdict::Failed,
            ),
            (Pass::Regex("^ok$".into()), Some(1), "ok", Verdict::Failed),
            (
                json(),
                Some(0),
                r#"{"total":{"percent":80}}"#,
                Verdict::Passed,
            ),
            (
                json(),
                Some(0),
                "noise\n{\"total\":{\"percent\":\"79.9%\"}}\nmore",
                Verdict::Failed,
            ),
            (
                json(),
                Some(0),
                r#"{"total":{"percent":"NaN"}}"#,
                Verdict::CouldNotRun,
            ),
            (json(), Some(0), r#"{"total":{}}"#, Verdict::CouldNotRun),
            (json(), Some(0), "{{{{", Verdict::CouldNotRun),
            (
                json(),
                Some(0),
                r#"{"total":{"percent":101}}"#,
                Verdict::Failed,
            ),
            (regex(), Some(0), "10% lines\n95.5% lines", Verdict::Passed),
            (regex(), Some(0), "NaN% lines", Verdict::CouldNotRun),
            (regex(), Some(0), "", Verdict::CouldNotRun),
        ];
        for (pass, exit, text, verdict) in cases {
            assert_eq!(
                judge(&pass, exit, text).0,
                verdict,
                "{pass:?} of {exit:?} {text:?}"
            );
        }
    }
}
