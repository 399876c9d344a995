//! An imported item must hold what every order must hold: whoever read the file has cleaned it, and this makes sure.

use std::borrow::Cow;

use super::{MAX_EXTERNAL, MAX_ITEMS};
use crate::{
    domain::{
        command::ImportItem,
        decide::validate::{
            MAX_ESTIMATE, MAX_LABELS, MAX_LINKS, MAX_NAME, MAX_REASON, MAX_TEXT, MAX_TITLE,
        },
        order::{Link, Outcome},
        refusal::Refusal,
    },
    text,
};

/// The longest target of a link, in characters, as for links made here.
pub(super) const MAX_TARGET: usize = 500;

type Checked = Result<(), &'static str>;

/// Refuses a file with more items than one import may have, or with anything in it that no order may hold.
pub(super) fn file(source: &str, items: &[ImportItem]) -> Result<(), Refusal> {
    if items.len() > MAX_ITEMS {
        return Err(Refusal::Limit {
            what: "items in one import".into(),
            limit: MAX_ITEMS as u64,
        });
    }
    let named = match source.contains(':') {
        // It is the first half of every external id, and ends at the first colon.
        true => Err("a source has no colon"),
        false => line(source, MAX_NAME),
    };
    named.map_err(|why| Refusal::invalid("source", why))?;
    items.iter().try_for_each(item)
}

/// Refuses an item with text that is not clean, or with more of something than an order can hold.
fn item(item: &ImportItem) -> Result<(), Refusal> {
    let fields = &item.item;
    let optional = |value: &Option<String>| match value {
        Some(value) => line(value, MAX_NAME),
        None => Ok(()),
    };
    let reason = match &item.outcome {
        Some((Outcome::Cancelled { reason }, _)) => line(reason, MAX_REASON),
        _ => Ok(()),
    };
    let checks = [
        ("id", line(&item.external, MAX_EXTERNAL)),
        ("title", line(&fields.title, MAX_TITLE)),
        (
            "description",
            fields.description.as_deref().map_or(Ok(()), block),
        ),
        ("labels", labels(&fields.labels)),
        ("assignee", optional(&fields.assignee)),
        (
            "estimate",
            match fields.estimate {
                None | Some(1..=MAX_ESTIMATE) => Ok(()),
                Some(_) => Err("it is not a number of minutes within ten years"),
            },
        ),
        ("links", links(&fields.links)),
        ("reason", reason),
        ("comments", comments(item)),
    ];
    match checks
        .into_iter()
        .find_map(|(field, check)| Some((field, check.err()?)))
    {
        Some((field, why)) => {
            let external = text::clean(&item.external);
            let shown: String = external.chars().take(MAX_NAME).collect();
            Err(Refusal::invalid(&format!("{shown}: {field}"), why))
        }
        None => Ok(()),
    }
}

fn line(value: &str, limit: usize) -> Checked {
    if value.is_empty() || value.trim().len() != value.len() {
        Err("it is empty or has spaces around it")
    } else if value.len() > limit && value.chars().count() > limit {
        Err("it is too long")
    } else {
        same(text::clean(value), value)
    }
}

fn block(value: &str) -> Checked {
    if value.is_empty() {
        Err("it is empty")
    } else if value.len() > MAX_TEXT {
        Err("it is too long")
    } else {
        same(text::clean_block(value), value)
    }
}

fn same(clean: Cow<'_, str>, value: &str) -> Checked {
    match clean {
        Cow::Borrowed(_) => Ok(()),
        Cow::Owned(clean) if clean == value => Ok(()),
        Cow::Owned(_) => Err("it holds control characters"),
    }
}

fn sorted<T: Ord>(values: &[T]) -> Checked {
    match values.is_sorted_by(|a, b| a < b) {
        true => Ok(()),
        false => Err("they are not sorted, each once"),
    }
}

fn labels(labels: &[String]) -> Checked {
    if labels.len() > MAX_LABELS {
        return Err("there are too many");
    }
    for label in labels {
        line(label, MAX_NAME)?;
        if label.contains(',') {
            return Err("a label has no comma");
        }
    }
    sorted(labels)
}

fn links(links: &[Link]) -> Checked {
    if links.len() > MAX_LINKS {
        return Err("there are too many");
    }
    for link in links {
        line(&link.kind, MAX_NAME)?;
        line(&link.target, MAX_TARGET)?;
    }
    sorted(links)
}

fn comments(item: &ImportItem) -> Checked {
    for (author, _, text) in &item.comments {
        line(author, MAX_NAME)?;
        block(text)?;
    }
    Ok(())
}
