//! Forms: filled from the line as it is, and read back as what to do.

use super::acts::{keys, standing, urgency};
use crate::{
    domain::{
        andon::{Scope, Severity},
        command::{Command, Hold, NewOrder},
        event::{Changes, Parent},
        id::OrderId,
        order::{Bucket, Kind, Order, Phase, Priority, PullSignal},
        time::{read_minutes, write_minutes},
    },
    ui::{
        model::Model,
        overlay::form::{Field, Form, Purpose as For},
        words,
    },
};

/// Returns the form of an order, or of a new one.
pub(super) fn order_form(model: &Model, order: Option<&Order>) -> Form {
    let detail = model
        .asks
        .detail()
        .filter(|d| order.is_some_and(|o| o.id == d.order.id));
    let description = detail
        .and_then(|d| d.description.clone())
        .unwrap_or_default();
    let kind = order.map_or(Kind::Task, |order| order.kind);
    let kinds = Kind::ALL
        .iter()
        .filter(|k| order.is_none() || (**k == Kind::Epic) == (kind == Kind::Epic));
    let options = kinds
        .map(|kind| (kind.word().to_owned(), String::new()))
        .collect();
    let bucket = order.map_or(Bucket::Features, |order| order.bucket);
    let buckets = Bucket::ALL
        .iter()
        .map(|bucket| (bucket.word().to_owned(), standing(model, *bucket)));
    let priority = order.map_or(Priority::DEFAULT, |order| order.priority);
    let priorities = (1..=10)
        .rev()
        .map(|n: u8| (n.to_string(), urgency(n).to_owned()));
    let epics = model.state.open_epics().take(MAX_EPICS);
    let none = std::iter::once(("none".to_owned(), String::new()));
    let parent = order.and_then(|order| order.parent);
    let mut parents: Vec<_> = none
        .chain(epics.map(|epic| (epic.id.to_string(), epic.title.clone())))
        .collect();
    let parent = parent.map_or("none".to_owned(), |id| id.to_string());
    if !parents.iter().any(|(id, _)| *id == parent) {
        parents.push((parent.clone(), String::new()));
    }
    let labels = order
        .map(|order| order.labels.join(", "))
        .unwrap_or_default();
    let estimate = order.and_then(|order| order.estimate).map(write_minutes);
    let assignee = order
        .and_then(|order| order.assignee.clone())
        .unwrap_or_default();
    let fields = vec![
        Field::line("title", "one line", order.map_or("", |order| &order.title)),
        Field::choice("kind", options, kind.word()),
        Field::choice("bucket", buckets.collect(), bucket.word()),
        Field::choice("priority", priorities.collect(), &priority.to_string()),
        Field::choice("part of", parents, &parent),
        Field::line("labels", "words, with commas between", &labels),
        Field::line("assignee", "who is meant to do it", &assignee),
        Field::line(
            "estimate",
            "how long it takes: 90m, 4h, 2d",
            &estimate.unwrap_or_default(),
        ),
        Field::block("description", "Markdown", &description),
    ];
    match order {
        Some(order) => Form::new(
            For::Edit(order.id),
            format!("Edit {}", order.id),
            fields,
            keys(model),
        ),
        None => Form::new(For::Create, "New work order", fields, keys(model)),
    }
}

/// How many epics a form offers as a parent; others are named by `:work-order edit --parent`.
const MAX_EPICS: usize = 200;

/// Returns the form of an andon cord, about the selected order if there is one.
pub(super) fn cord_form(model: &Model) -> Form {
    let about = model.selected_order().and_then(|id| model.state.order(id));
    let mut holds: Vec<(String, String)> = vec![
        (
            "default".into(),
            "critical holds the line, the rest hold nothing".into(),
        ),
        ("nothing".into(), "only tells".into()),
        (
            Scope::Line.to_string(),
            "nothing starts, moves on or completes".into(),
        ),
    ];
    if let Some(order) = about {
        holds.push((Scope::Order(order.id).to_string(), order.title.clone()));
        let epic = model.state.lineage(order.id).find(|id| id.is_epic());
        holds.extend(epic.map(|id| {
            (
                Scope::Epic(id).to_string(),
                "and everything beneath it".into(),
            )
        }));
        if let Phase::InProgress(work) = &order.phase {
            let agent = Scope::Agent(work.holder.name.clone()).to_string();
            holds.push((agent, "what it holds or would pull".into()));
        }
    }
    let buckets = Bucket::ALL
        .iter()
        .map(|b| (Scope::Bucket(*b).to_string(), standing(model, *b)));
    let stages = model.state.settings.stages.iter().map(|stage| {
        let orders = usize::try_from(model.state.counts.stage(&stage.name)).unwrap_or(0);
        (
            Scope::Stage(stage.name.clone()).to_string(),
            words::count(orders, "order"),
        )
    });
    holds.extend(buckets.chain(stages));
    let severities = [
        (Severity::Low, "worth a look today"),
        (Severity::Medium, "worth a look this shift"),
        (Severity::High, "somebody must look now"),
        (Severity::Critical, "the line must stop"),
    ];
    let severities = severities
        .map(|(s, about)| (s.word().to_owned(), about.to_owned()))
        .to_vec();
    let fields = vec![
        Field::line("reason", "what is wrong", ""),
        Field::choice("severity", severities, Severity::High.word()).spread(),
        Field::choice("hold", holds, "default").spread(),
    ];
    let title = match about {
        Some(order) => format!("Pull the andon cord, about {}", order.id),
        None => "Pull the andon cord".into(),
    };
    Form::new(
        For::Andon(about.map(|order| order.id)),
        title,
        fields,
        keys(model),
    )
}

/// The field that is wrong, and what is wrong with it.
pub(super) type Problem = (&'static str, String);

fn read<T: std::str::FromStr<Err = String>>(form: &Form, name: &'static str) -> Result<T, Problem> {
    form.value(name).parse().map_err(|why| (name, why))
}

fn title(form: &Form) -> Result<String, Problem> {
    match form.value("title") {
        title if title.is_empty() => Err(("title", "a title is needed".into())),
        title => Ok(title),
    }
}

fn labels(form: &Form) -> Vec<String> {
    let text = form.value("labels");
    let words = text
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty());
    let mut labels: Vec<String> = words.map(str::to_owned).collect();
    labels.sort_unstable();
    labels.dedup();
    labels
}

fn estimate(form: &Form) -> Result<Option<u32>, Problem> {
    match form.value("estimate").as_str() {
        "" => Ok(None),
        text => read_minutes(text)
            .map(Some)
            .map_err(|why| ("estimate", why)),
    }
}

/// Returns the order that a form describes, or the field that is wrong and why.
pub(super) fn new_order(form: &Form) -> Result<NewOrder, Problem> {
    let some = |text: String| (!text.is_empty()).then_some(text);
    Ok(NewOrder {
        kind: read(form, "kind")?,
        title: title(form)?,
        description: some(form.value("description")),
        bucket: read(form, "bucket")?,
        priority: read(form, "priority")?,
        labels: labels(form),
        estimate: estimate(form)?,
        assignee: some(form.value("assignee")),
        parent: form.value("part of").parse().ok(),
        depends_on: Vec::new(),
        corrective: Vec::new(),
        signal: PullSignal {
            kind: "console".into(),
            source: None,
        },
    })
}

/// Only what differs from the order as it is now is sent: another's change meanwhile to another field stays.
pub(super) fn changes(model: &Model, form: &Form, id: OrderId) -> Result<Changes, Problem> {
    let new = new_order(form)?;
    let Some(order) = model.state.order(id) else {
        return Err(("title", format!("{id} was closed meanwhile")));
    };
    let detail = model.asks.detail().filter(|detail| detail.order.id == id);
    let before = detail
        .and_then(|detail| detail.description.clone())
        .unwrap_or_default();
    let after = new.description.unwrap_or_default();
    let estimate = new.estimate.unwrap_or(0);
    let assignee = new.assignee.unwrap_or_default();
    Ok(Changes {
        title: (new.title != order.title).then_some(new.title),
        description: (before.trim() != after).then_some(after),
        kind: (new.kind != order.kind).then_some(new.kind),
        bucket: (new.bucket != order.bucket).then_some(new.bucket),
        priority: (new.priority != order.priority).then_some(new.priority),
        labels: (new.labels != order.labels).then_some(new.labels),
        estimate: (order.estimate.unwrap_or(0) != estimate).then_some(estimate),
        assignee: (order.assignee.as_deref().unwrap_or("") != assignee).then_some(assignee),
        parent: (new.parent != order.parent).then(|| new.parent.map_or(Parent::None, Parent::Of)),
    })
}

/// Returns the command of a cord.
pub(super) fn cord(form: &Form, order: Option<OrderId>) -> Result<Command, Problem> {
    let reason = form.value("reason");
    if reason.is_empty() {
        return Err(("reason", "say what is wrong".into()));
    }
    let hold = match form.value("hold").as_str() {
        "default" => None,
        "nothing" => Some(Hold::Nothing),
        scope => Some(Hold::Scope(scope.parse().map_err(|why| ("hold", why))?)),
    };
    Ok(Command::TriggerAndon {
        reason,
        severity: read(form, "severity")?,
        hold,
        fingerprint: None,
        order,
    })
}

/// Returns the form of a new order that mends something: what is wrong is its title until somebody says more.
pub(super) fn mending_form(model: &Model, purpose: For, title: &str, priority: Priority) -> Form {
    let plain = order_form(model, None);
    let priorities = (1..=10)
        .rev()
        .map(|n: u8| (n.to_string(), urgency(n).to_owned()));
    let fields = plain.fields.into_iter().map(|field| match field.name {
        "title" => Field::line("title", "one line", title),
        "priority" => Field::choice(
            "priority",
            priorities.clone().collect(),
            &priority.to_string(),
        ),
        _ => field,
    });
    Form::new(purpose, title, fields.collect(), keys(model))
}
