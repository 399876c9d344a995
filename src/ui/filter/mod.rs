//! The filter language: words and `name:value` terms, all of which an order must meet.
//!
//! `parser bucket:security,cost !blocked age>2d` shows orders in one of two buckets whose title, id
//! or label contains "parser", that wait for nobody and are older than two days.

mod read;

use std::ops::Range;

use crate::domain::{
    id::OrderId,
    order::{Bucket, Kind, Order, Priority, Status},
    query::{
        filter as query,
        order_view::{OrderView, SlaState},
    },
    state::State,
    time::{SECOND, Timestamp},
};

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
        for (at, token) in read::tokens(text) {
            let (negated, bare) = match token.strip_prefix('!') {
                Some(rest) if !rest.is_empty() => (true, rest),
                _ => (false, token),
            };
            match read::test(bare) {
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
