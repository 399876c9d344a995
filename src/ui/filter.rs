//! The filter language: words and `name:value` terms, all of which an order must meet.
//!
//! `parser bucket:security,cost !blocked age>2d` shows orders in one of two buckets whose title, id
//! or label contains "parser", that wait for nobody and are older than two days.

use std::ops::Range;

use crate::domain::{
    id::OrderId,
    order::{Bucket, Kind, Order, Priority, Status},
    query::{
        filter as query,
        order_view::{OrderView, SlaState},
    },
    state::State,
    time::{SECOND, Timestamp, read_span},
};

/// The most terms a filter may have: more than anyone types, so that a pasted text stays cheap.
const MAX_TERMS: usize = 32;

/// What the help says about the language, one line for each term.
pub const TERMS: &[(&str, &str)] = &[
    ("word", "title, id or label contains it"),
    ("bucket:security,cost", "class of service"),
    ("stage:code", "where it stands"),
    ("status:queued", "queued or in_progress"),
    ("kind:bug", "sort of work"),
    ("label:x", "carries the label"),
    ("agent:name", "held by or assigned to"),
    ("epic:EPIC-001", "is, or is beneath, that order"),
    ("priority>5", "also <, =, >=, <="),
    ("age>2d", "m, h, d or w"),
    ("sla<4h", "so long until its SLA is broken; broken ones too"),
    ("blocked held ready", "waits, is stopped, can be pulled"),
    ("risk late", "four fifths of its SLA gone, or past it"),
    ("done", "closed; !done hides them"),
    ("!term", "the opposite"),
];

/// What is wrong with a part of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The bytes it is about.
    pub at: Range<usize>,
    /// What is wrong, and what would be right.
    pub what: String,
}

/// A condition on orders. The empty filter admits everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    /// As it was typed.
    typed: String,
    negated: bool,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Word(String),
    Buckets(Vec<Bucket>),
    Kinds(Vec<Kind>),
    Statuses(Vec<Status>),
    Stages(Vec<String>),
    Labels(Vec<String>),
    Agents(Vec<String>),
    Under(OrderId),
    Priority(Compare, i64),
    Age(Compare, i64),
    Sla(Compare, i64),
    Blocked,
    Held,
    Ready,
    Risk,
    Late,
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

impl Compare {
    fn holds(self, left: i64, right: i64) -> bool {
        match self {
            Compare::Less => left < right,
            Compare::AtMost => left <= right,
            Compare::Equal => left == right,
            Compare::AtLeast => left >= right,
            Compare::More => left > right,
        }
    }
}

impl Filter {
    /// Reads a filter; a term that cannot be read is left out and described.
    pub fn parse(text: &str) -> (Filter, Vec<Problem>) {
        let mut filter = Filter {
            text: text.trim().to_owned(),
            terms: Vec::new(),
        };
        let mut problems = Vec::new();
        for (at, token) in tokens(text).take(MAX_TERMS) {
            let (negated, bare) = match token.strip_prefix('!') {
                Some(rest) if !rest.is_empty() => (true, rest),
                _ => (false, token),
            };
            match test(bare) {
                Ok(test) => filter.terms.push(Term {
                    typed: token.to_owned(),
                    negated,
                    test,
                }),
                Err(what) => problems.push(Problem {
                    at: at..at + token.len(),
                    what,
                }),
            }
        }
        (filter, problems)
    }

    /// Returns what is wrong with it as it was typed.
    pub fn problems(&self) -> Vec<Problem> {
        Filter::parse(&self.text).1
    }

    /// Returns whether it admits everything.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Returns the filter as it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns whether an open order meets every term at `now`.
    pub fn admits(&self, state: &State, order: &Order, now: Timestamp) -> bool {
        self.terms
            .iter()
            .all(|term| term.test.holds(state, order, now) != term.negated)
    }

    /// Returns whether closed orders are wanted at all.
    pub fn admits_done(&self) -> bool {
        self.terms
            .iter()
            .all(|term| !(term.negated && term.test == Test::Done))
    }

    /// Returns the question that finds the completed orders which may pass: as narrow as the archive can be asked.
    /// What it finds is judged by [`Filter::admits_closed`].
    pub fn archive(&self) -> query::Filter {
        let mut asked = query::Filter {
            status: Some(query::Condition::Completed),
            ..query::Filter::default()
        };
        for term in self.terms.iter().filter(|term| !term.negated) {
            match &term.test {
                Test::Word(word) if asked.text.is_none() => asked.text = Some(word.clone()),
                Test::Buckets(buckets) => {
                    if let [bucket] = buckets.as_slice() {
                        asked.bucket = Some(*bucket);
                    }
                }
                Test::Kinds(kinds) => {
                    if let [kind] = kinds.as_slice() {
                        asked.kind = Some(*kind);
                    }
                }
                Test::Priority(Compare::AtLeast | Compare::Equal, least) => {
                    asked.min_priority = priority(*least);
                }
                Test::Priority(Compare::More, below) => {
                    asked.min_priority = priority(below.saturating_add(1));
                }
                _ => {}
            }
        }
        asked
    }

    /// Returns the filter for reports, which know fewer terms: each sort once and none of their opposites. A word is
    /// looked for in titles and ids there, not in labels.
    pub fn narrowed(&self) -> Narrowed {
        let mut narrowed = Narrowed::default();
        for term in &self.terms {
            if term.negated || narrowed.take(&term.test).is_none() {
                narrowed.left_out.push(term.typed.clone());
            } else if term.test.is_of_now() {
                narrowed.of_now.push(term.typed.clone());
            }
        }
        narrowed
    }

    /// Returns whether a closed order meets every term at `now`. Who completed it is not known here: `agent:` looks at
    /// the assignee.
    pub fn admits_closed(&self, state: &State, order: &OrderView, now: Timestamp) -> bool {
        self.terms
            .iter()
            .all(|term| term.test.holds_closed(state, order, now) != term.negated)
    }
}

/// A filter as reports can be asked with it, and what of it they cannot be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrowed {
    /// What is asked.
    pub filter: query::Filter,
    /// The terms that are left out, as they were typed: the report counts more than the board shows.
    pub left_out: Vec<String>,
    /// The terms that say how an order stands now: what is past is counted without them.
    pub of_now: Vec<String>,
}

impl Narrowed {
    /// Takes a term in, if reports can be asked it and nothing of its sort was asked before.
    fn take(&mut self, test: &Test) -> Option<()> {
        fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
            place.is_none().then(|| *place = Some(value))
        }
        fn one<T: Clone>(place: &mut Option<T>, values: &[T]) -> Option<()> {
            match values {
                [value] => once(place, value.clone()),
                _ => None,
            }
        }
        let asked = &mut self.filter;
        match test {
            Test::Word(word) => once(&mut asked.text, word.clone()),
            Test::Buckets(buckets) => one(&mut asked.bucket, buckets),
            Test::Kinds(kinds) => one(&mut asked.kind, kinds),
            Test::Labels(labels) => one(&mut asked.label, labels),
            Test::Stages(stages) => one(&mut asked.stage, stages),
            Test::Under(id) => once(&mut asked.epic, *id),
            Test::Priority(Compare::AtLeast, least) => {
                once(&mut asked.min_priority, priority(*least)?)
            }
            Test::Priority(Compare::More, below) => {
                once(&mut asked.min_priority, priority(below.saturating_add(1))?)
            }
            Test::Age(Compare::More | Compare::AtLeast, micros) => {
                once(&mut asked.older_than_seconds, micros / SECOND)
            }
            Test::Statuses(statuses) => match statuses.as_slice() {
                [status] => once(&mut asked.status, status.word().parse().ok()?),
                _ => None,
            },
            Test::Blocked => once(&mut asked.status, query::Condition::Blocked),
            Test::Held => once(&mut asked.status, query::Condition::Held),
            Test::Ready => once(&mut asked.status, query::Condition::Ready),
            Test::Risk => once(&mut asked.status, query::Condition::AtRisk),
            Test::Late => once(&mut asked.status, query::Condition::Breached),
            // Reports know the holder and the one it is meant for, not either of them.
            Test::Agents(_) | Test::Priority(..) | Test::Age(..) | Test::Sla(..) | Test::Done => {
                None
            }
        }
    }
}

fn priority(value: i64) -> Option<Priority> {
    value.to_string().parse().ok()
}

impl Test {
    /// Returns whether it says how an order stands now, which closed orders no longer do.
    fn is_of_now(&self) -> bool {
        matches!(
            self,
            Test::Statuses(_)
                | Test::Stages(_)
                | Test::Age(..)
                | Test::Blocked
                | Test::Held
                | Test::Ready
                | Test::Risk
                | Test::Late
        )
    }

    fn holds_closed(&self, state: &State, order: &OrderView, now: Timestamp) -> bool {
        let is = |have: &str, want: &[String]| want.iter().any(|w| w.eq_ignore_ascii_case(have));
        match self {
            Test::Word(word) => {
                let has = |text: &str| text.to_lowercase().contains(word.as_str());
                has(&order.title)
                    || has(&order.id.to_string())
                    || order.labels.iter().any(|label| has(label))
                    || order.external_id.as_deref().is_some_and(has)
            }
            Test::Buckets(buckets) => buckets.contains(&order.bucket),
            Test::Kinds(kinds) => kinds.contains(&order.kind),
            Test::Statuses(statuses) => statuses.contains(&order.status),
            Test::Labels(labels) => order.labels.iter().any(|label| is(label, labels)),
            Test::Agents(names) => order.assignee.as_ref().is_some_and(|name| is(name, names)),
            Test::Under(id) => {
                let above = |parent| parent == *id || state.lineage(parent).any(|a| a == *id);
                order.id == *id || order.parent.is_some_and(above)
            }
            Test::Priority(compare, value) => {
                compare.holds(i64::from(order.priority.get()), *value)
            }
            Test::Age(compare, value) => compare.holds(now.since(order.created_at.0), *value),
            Test::Late => order.sla == SlaState::Breached,
            Test::Done => true,
            Test::Stages(_)
            | Test::Sla(..)
            | Test::Blocked
            | Test::Held
            | Test::Ready
            | Test::Risk => false,
        }
    }

    fn holds(&self, state: &State, order: &Order, now: Timestamp) -> bool {
        let is = |have: &str, want: &[String]| want.iter().any(|w| w.eq_ignore_ascii_case(have));
        match self {
            Test::Word(word) => {
                let has = |text: &str| text.to_lowercase().contains(word.as_str());
                has(&order.title)
                    || has(&order.id.to_string())
                    || order.labels.iter().any(|label| has(label))
                    || order.external.as_ref().is_some_and(|name| has(&name.id))
            }
            Test::Buckets(buckets) => buckets.contains(&order.bucket),
            Test::Kinds(kinds) => kinds.contains(&order.kind),
            Test::Statuses(statuses) => statuses.contains(&order.status()),
            Test::Stages(stages) => order.work().is_some_and(|work| is(&work.stage, stages)),
            Test::Labels(labels) => order.labels.iter().any(|label| is(label, labels)),
            Test::Agents(names) => {
                order
                    .work()
                    .is_some_and(|work| is(&work.holder.name, names))
                    || order.assignee.as_ref().is_some_and(|name| is(name, names))
            }
            Test::Under(id) => state.lineage(order.id).any(|ancestor| ancestor == *id),
            Test::Priority(compare, value) => {
                compare.holds(i64::from(order.priority.get()), *value)
            }
            Test::Age(compare, value) => compare.holds(now.since(order.created), *value),
            // What is promised nothing has no time left to compare.
            Test::Sla(compare, value) => state
                .due(order)
                .is_some_and(|due| compare.holds(due.0.saturating_sub(now.0), *value)),
            Test::Blocked => order.is_blocked(),
            Test::Held => state.held_by(order).next().is_some(),
            Test::Ready => state.is_ready(order),
            Test::Risk => state.sla(order, now) == SlaState::AtRisk,
            Test::Late => state.sla(order, now) == SlaState::Breached,
            Test::Done => false,
        }
    }
}

fn tokens(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_whitespace()
        .map(|token| (token.as_ptr() as usize - text.as_ptr() as usize, token))
}

fn test(token: &str) -> Result<Test, String> {
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
    use super::*;

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
