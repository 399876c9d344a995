//! An issue as `gh issue list --json …` prints it.
//!
//! The form is that of the GitHub CLI: states in capitals, labels and people as objects, a `closedAt` of null while an
//! issue is open, one list in one line where the output is no terminal. A pull request's list has the same fields.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    file::{Found, Reading, Wrong},
    frame,
    item::{self, Bond, DONE, Raw},
    mapping,
    parts::When,
    source::Options,
};
use crate::domain::order::{Kind, Outcome, Priority};

/// What is left out because it says nothing of its own, or changes whenever somebody clicks: it would make an issue look
/// changed.
const IDLE: &[&str] = &[
    "closed",
    "id",
    "isPinned",
    "reactionGroups",
    "subIssues",
    "subIssuesSummary",
    "blocking",
    "updatedAt",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Issue {
    number: Option<u64>,
    title: Option<String>,
    body: Option<String>,
    state: Option<String>,
    state_reason: Option<String>,
    created_at: Option<When>,
    closed_at: Option<When>,
    url: Option<String>,
    labels: Option<Vec<Label>>,
    assignees: Option<Vec<Person>>,
    author: Option<Person>,
    milestone: Option<Milestone>,
    comments: Option<Vec<Comment>>,
    parent: Option<Reference>,
    blocked_by: Option<Vec<Reference>>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

#[derive(Default, Deserialize)]
struct Person {
    #[serde(default)]
    login: String,
}

#[derive(Deserialize)]
struct Milestone {
    title: String,
}

#[derive(Deserialize)]
struct Reference {
    url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Comment {
    author: Option<Person>,
    body: String,
    created_at: When,
}

/// Reads one issue.
pub(super) fn record(
    reading: &mut Reading,
    _: &str,
    text: &str,
    options: &Options,
) -> Result<Found, Wrong> {
    let issue: Issue = frame::json(text)?;
    let raw = raw(issue, options)?;
    Ok(Found::Item(Box::new(item::item(
        raw,
        &options.system,
        &options.mapping,
        reading.notes(),
    )?)))
}

fn raw(issue: Issue, options: &Options) -> Result<Raw<'static>, String> {
    let url = issue.url.ok_or(
        "it has no url, by which issues of several repositories are told apart: \
         ask gh for --json number,title,body,labels,state,stateReason,createdAt,closedAt,url,assignees",
    )?;
    let created = issue.created_at.ok_or("it has no createdAt")?.0;
    let id = name(&url).ok_or_else(|| "its url is not that of an issue".to_owned())?;
    if issue
        .number
        .is_some_and(|number| !id.ends_with(&format!("#{number}")))
    {
        return Err("its url is that of another number".into());
    }
    let labels: Vec<String> = issue
        .labels
        .unwrap_or_default()
        .into_iter()
        .map(|label| label.name)
        .collect();
    let words = || labels.iter().map(String::as_str);
    let kind = options.mapping.kind_of(words());
    let reason = issue.state_reason.unwrap_or_default().to_ascii_uppercase();
    let outcome = match issue.state.as_deref().unwrap_or("OPEN") {
        "OPEN" | "open" => None,
        "CLOSED" | "closed" | "MERGED" => {
            let how = match reason.as_str() {
                "NOT_PLANNED" => cancelled("closed as not planned"),
                "DUPLICATE" => cancelled("closed as a duplicate"),
                _ => DONE,
            };
            Some((how, issue.closed_at.map_or(created, |When(at)| at)))
        }
        other => {
            return Err(format!(
                "state {} is neither OPEN nor CLOSED",
                quoted(other)
            ));
        }
    };
    let mut assignees = issue.assignees.unwrap_or_default().into_iter();
    let assignee = assignees.next().map(|person| person.login.into());
    let others: Vec<String> = assignees.map(|person| person.login).collect();
    let mut rest = vec![];
    if !others.is_empty() {
        rest.push(("assigned too".into(), Value::from(others.join(", "))));
    }
    if let Some(author) = issue.author {
        rest.push(("author".into(), Value::from(author.login)));
    }
    let left = issue.rest.into_iter();
    let left = left.filter(|(key, _)| !IDLE.contains(&key.as_str()));
    rest.extend(left.map(|(key, value)| (Cow::Owned(key), value)));

    let waits = issue.blocked_by.unwrap_or_default().into_iter();
    let mut bonds: Vec<_> = waits
        .map(|on| (Bond::Wait, name(&on.url).unwrap_or(on.url).into()))
        .collect();
    bonds.extend(
        issue
            .parent
            .map(|of| (Bond::Part, name(&of.url).unwrap_or(of.url).into())),
    );
    bonds.push((Bond::Link("url".into()), url.into()));
    let comments = issue.comments.unwrap_or_default().into_iter().map(|said| {
        let author = said.author.unwrap_or_default().login;
        (author.into(), said.created_at.0, said.body.into())
    });
    Ok(Raw {
        id: id.into(),
        title: issue.title.unwrap_or_default().into(),
        description: issue.body.map(Cow::Owned),
        created,
        priority: mapping::urgency_of(words()).unwrap_or(Priority::DEFAULT),
        kind: kind.map_or(Cow::Borrowed(Kind::Task.word()), Cow::Owned),
        words: issue
            .milestone
            .map(|milestone| format!("milestone {}", milestone.title).into())
            .into_iter()
            .collect(),
        assignee,
        outcome,
        comments: comments.collect(),
        bonds,
        rest,
        labels: labels.into_iter().map(Cow::Owned).collect(),
        ..Raw::default()
    })
}

fn cancelled(reason: &str) -> Outcome {
    Outcome::Cancelled {
        reason: reason.into(),
    }
}

/// Returns an outside word for a message.
fn quoted(word: &str) -> String {
    let word: String = word.chars().take(40).collect();
    format!("'{}'", crate::text::clean(&word))
}

/// Returns an issue's name among all repositories: `owner/repository#7`, with its host before it where that is not
/// github.com.
fn name(url: &str) -> Option<String> {
    let rest = url
        .strip_prefix("https://")
        .or(url.strip_prefix("http://"))?;
    let mut parts = rest.split('/');
    let (host, owner, repository) = (parts.next()?, parts.next()?, parts.next()?);
    if !matches!(parts.next()?, "issues" | "pull") {
        return None;
    }
    let number = parts.next()?;
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let host = match host {
        "github.com" => String::new(),
        other => format!("{other}/"),
    };
    digits.then(|| format!("{host}{owner}/{repository}#{number}"))
}
