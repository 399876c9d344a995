//! From a table of the file to a gate, word by word.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    DEFAULT_TIMEOUT, GateSpec, NAME_LIMIT, Number, Opens, Pass, REGEX_LIMIT, Run, TIMEOUT_LIMIT,
    WORD_LIMIT, Words,
};
use crate::config::{Document, Problem};

/// A document on its way to gates.
pub(super) struct Reader<'d> {
    pub(super) document: &'d Document,
    pub(super) words: Words<'d>,
    pub(super) found: Vec<Problem>,
}

type Value<'t> = Spanned<DeValue<'t>>;

impl Reader<'_> {
    pub(super) fn wrong(
        &mut self,
        span: Range<usize>,
        what: impl std::fmt::Display,
        mend: impl std::fmt::Display,
    ) {
        self.found.push(self.document.problem(span, what, mend));
    }

    /// Returns the stage that a gate guards the exit of.
    fn stage(&mut self, value: &Value<'_>) -> Option<String> {
        let stage = self.text(value)?;
        let stages = self.words.stages;
        if !stages.is_empty() && !stages.contains(&stage.as_str()) {
            let what = format!("there is no stage '{stage}'");
            self.wrong(value.span(), what, format!("use {}", stages.join(", ")));
        }
        Some(stage)
    }

    pub(super) fn gate(
        &mut self,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Value<'_>,
    ) -> Option<GateSpec> {
        let before = self.found.len();
        let word = name.get_ref();
        if !is_name(word) {
            self.wrong(
                name.span(),
                "this is no name of a gate",
                "use letters, digits, '-' and '_'",
            );
        }
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong(value.span(), "a gate is a table", "write [gates.NAME]");
            return None;
        };
        let words = self.words;
        let mut spec = GateSpec {
            name: word.to_string(),
            opens: Opens::Approval,
            stage: None,
            buckets: vec![],
            kinds: vec![],
            required: true,
            severity: "medium".into(),
            hold: "none".into(),
        };
        let mut run = Run {
            command: vec![],
            cwd: None,
            env: vec![],
            timeout: DEFAULT_TIMEOUT,
            pass: Pass::Exit,
        };
        let (mut approval, mut of_a_run) = (false, None);
        for (key, value) in table {
            let known = key.get_ref().as_ref();
            if matches!(known, "command" | "cwd" | "env" | "timeout" | "pass") {
                of_a_run = Some(key.span());
            }
            match known {
                "command" => run.command = self.texts(value),
                "cwd" => run.cwd = self.text(value),
                "env" => run.env = self.texts(value),
                "timeout" => run.timeout = self.timeout(value).unwrap_or(DEFAULT_TIMEOUT),
                "pass" => run.pass = self.pass(value).unwrap_or(Pass::Exit),
                "stage" => spec.stage = self.stage(value),
                "buckets" => spec.buckets = self.known(value, words.buckets),
                "kinds" => spec.kinds = self.known(value, words.kinds),
                "required" => spec.required = self.flag(value).unwrap_or(true),
                "approval" => approval = self.flag(value).unwrap_or(false),
                "on_fail" => self.on_fail(value, &mut spec),
                other => {
                    let what = format!("a gate has no '{other}'");
                    self.wrong(key.span(), what, "use command, cwd, env, timeout, pass, approval, stage, buckets, kinds, required or on_fail");
                }
            }
        }
        match (approval, of_a_run) {
            (true, Some(span)) => self.wrong(
                span,
                "a person opens an approval: nothing is run",
                "leave out approval, or all of command, cwd, env, timeout and pass",
            ),
            (false, _) if run.command.is_empty() && self.found.len() == before => {
                self.wrong(
                    name.span(),
                    "this gate runs nothing",
                    "give it command = [\"…\"], or approval = true",
                );
            }
            (false, _) => spec.opens = Opens::Command(run),
            (true, None) => {}
        }
        (self.found.len() == before).then_some(spec)
    }

    fn text(&mut self, value: &Value<'_>) -> Option<String> {
        match value.get_ref() {
            DeValue::String(text) if !text.is_empty() && !text.contains('\0') => {
                Some(text.to_string())
            }
            _ => {
                self.wrong(value.span(), "this is no text", "write it between quotes");
                None
            }
        }
    }

    fn flag(&mut self, value: &Value<'_>) -> Option<bool> {
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => {
                self.wrong(
                    value.span(),
                    "this is neither true nor false",
                    "write true or false",
                );
                None
            }
        }
    }

    fn texts(&mut self, value: &Value<'_>) -> Vec<String> {
        let DeValue::Array(list) = value.get_ref() else {
            self.wrong(
                value.span(),
                "this is no list",
                "write [\"…\", \"…\"]: no shell reads it",
            );
            return vec![];
        };
        if list.len() > WORD_LIMIT {
            self.wrong(
                value.span(),
                format!("more than {WORD_LIMIT} words"),
                "put them into a script",
            );
        }
        let list: Vec<_> = list.iter().take(WORD_LIMIT).collect();
        list.into_iter()
            .filter_map(|value| match value.get_ref() {
                // An argument may well be empty.
                DeValue::String(text) if !text.contains('\0') => Some(text.to_string()),
                _ => self.text(value),
            })
            .collect()
    }

    /// Returns the words of a list, each of which must be one of `known`.
    fn known(&mut self, value: &Value<'_>, known: &[&str]) -> Vec<String> {
        let words = self.texts(value);
        if let Some(strange) = words.iter().find(|word| !known.contains(&word.as_str())) {
            let what = format!("there is no '{strange}'");
            self.wrong(value.span(), what, format!("use {}", known.join(", ")));
        }
        words
    }

    fn timeout(&mut self, value: &Value<'_>) -> Option<u32> {
        let mend = "write it like \"90s\", \"10m\" or \"1h\", at most a day";
        let text = self.text(value)?;
        let unit = match text.chars().last() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            _ => 0,
        };
        let digits = text.get(..text.len().saturating_sub(1)).unwrap_or_default();
        let seconds = digits
            .parse::<u32>()
            .ok()
            .and_then(|number| number.checked_mul(unit));
        match seconds {
            Some(seconds @ 1..=TIMEOUT_LIMIT) => Some(seconds),
            _ => {
                self.wrong(value.span(), "this is no time", mend);
                None
            }
        }
    }

    fn pass(&mut self, value: &Value<'_>) -> Option<Pass> {
        let mend =
            "use \"exit 0\", { regex = \"…\" } or { number = { json = \"/…\" }, at_least = … }";
        match value.get_ref() {
            DeValue::String(text) if text == "exit 0" => Some(Pass::Exit),
            DeValue::Table(table) => {
                if let Some(regex) = table.get("regex") {
                    self.only(table, &["regex"]);
                    return self.regex(regex).map(Pass::Regex);
                }
                self.only(table, &["number", "at_least", "at_most"]);
                let from = match table.get("number") {
                    Some(number) => self.number(number)?,
                    None => {
                        self.wrong(value.span(), "this says nothing about a pass", mend);
                        return None;
                    }
                };
                let at_least = table.get("at_least").and_then(|value| self.float(value));
                let at_most = table.get("at_most").and_then(|value| self.float(value));
                if at_least.is_none() && at_most.is_none() {
                    self.wrong(
                        value.span(),
                        "a number needs a threshold",
                        "give at_least, at_most or both",
                    );
                }
                Some(Pass::Number {
                    from,
                    at_least,
                    at_most,
                })
            }
            _ => {
                self.wrong(value.span(), "this says nothing about a pass", mend);
                None
            }
        }
    }

    fn number(&mut self, value: &Value<'_>) -> Option<Number> {
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong(
                value.span(),
                "this says nothing about a number",
                "use { json = \"/…\" } or { regex = \"…\" }",
            );
            return None;
        };
        self.only(table, &["json", "regex"]);
        match (table.get("json"), table.get("regex")) {
            (Some(json), None) => {
                let pointer = self.text(json)?;
                if !pointer.starts_with('/') {
                    self.wrong(
                        json.span(),
                        "this is no JSON pointer",
                        "begin it with '/', like \"/total/percent\"",
                    );
                }
                Some(Number::Json(pointer))
            }
            (None, Some(regex)) => {
                let text = self.regex(regex)?;
                if !text.contains('(') {
                    self.wrong(
                        regex.span(),
                        "it has no group",
                        "put the number between ( and )",
                    );
                }
                Some(Number::Regex(text))
            }
            _ => {
                self.wrong(value.span(), "a number has one place", "use json or regex");
                None
            }
        }
    }

    fn regex(&mut self, value: &Value<'_>) -> Option<String> {
        let text = self.text(value)?;
        let built = regex::RegexBuilder::new(&text)
            .size_limit(REGEX_LIMIT)
            .build();
        if let Err(error) = built {
            let what = format!("this is no regular expression: {}", last_line(&error));
            self.wrong(value.span(), what, "correct it");
        }
        Some(text)
    }

    fn float(&mut self, value: &Value<'_>) -> Option<f64> {
        let number = match value.get_ref() {
            DeValue::Integer(number) => number.as_str().parse::<f64>().ok(),
            DeValue::Float(number) => number.as_str().parse::<f64>().ok(),
            _ => None,
        };
        let number = number.filter(|number| number.is_finite());
        if number.is_none() {
            self.wrong(
                value.span(),
                "this is no number",
                "write a number like 80 or 0.5",
            );
        }
        number
    }

    fn on_fail(&mut self, value: &Value<'_>, spec: &mut GateSpec) {
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong(
                value.span(),
                "this is no table",
                "use { severity = \"high\", hold = \"order\" }",
            );
            return;
        };
        self.only(table, &["severity", "hold"]);
        let words = self.words;
        for (key, known, into) in [
            ("severity", words.severities, &mut spec.severity),
            ("hold", words.holds, &mut spec.hold),
        ] {
            let Some(value) = table.get(key) else {
                continue;
            };
            match self.text(value) {
                Some(word) if known.contains(&word.as_str()) => *into = word,
                Some(word) => {
                    let what = format!("there is no {key} '{word}'");
                    self.wrong(value.span(), what, format!("use {}", known.join(", ")));
                }
                None => {}
            }
        }
    }

    fn only(&mut self, table: &DeTable<'_>, known: &[&str]) {
        for key in table
            .keys()
            .filter(|key| !known.contains(&key.get_ref().as_ref()))
        {
            let what = format!("there is no '{}' here", key.get_ref());
            self.wrong(key.span(), what, format!("use {}", known.join(", ")));
        }
    }
}

/// Returns what an error says at its end: above it the expression is drawn over several lines.
fn last_line(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim().to_owned()
}

/// Returns whether a text may name a gate, and so a folder of its outputs.
pub(super) fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !text.is_empty() && text.len() <= NAME_LIMIT && text.chars().all(plain)
}
