//! The andon queue: alerts one by one or in groups, which of them are marked, and whether resolved ones are shown too.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    model::{Focus, Model, View},
    words,
};
use crate::domain::{
    andon::{Alert, Severity},
    id::AlertId,
    query::andon::{AlertStatus, AlertView},
};

/// How alerts are put together in the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupBy {
    /// Not at all: worst first, then oldest.
    #[default]
    Nothing,
    /// By what is wrong, whatever numbers it names.
    Condition,
    /// By what they hold.
    Scope,
    /// By who pulled the cord.
    Raiser,
}

impl GroupBy {
    /// Every way, in the order in which they follow each other.
    pub const ALL: [GroupBy; 4] = [
        GroupBy::Nothing,
        GroupBy::Condition,
        GroupBy::Scope,
        GroupBy::Raiser,
    ];

    /// Returns the word by which keymaps and typed lines name it.
    pub const fn name(self) -> &'static str {
        match self {
            GroupBy::Nothing => "none",
            GroupBy::Condition => "condition",
            GroupBy::Scope => "scope",
            GroupBy::Raiser => "raiser",
        }
    }

    /// Returns the way of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.name() == name)
    }

    /// Returns the way that follows this one.
    pub fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }

    /// Returns what an alert has in common with the others of its group.
    pub fn of(self, alert: &Alert) -> String {
        match self {
            GroupBy::Nothing => alert.id.to_string(),
            GroupBy::Condition => condition(alert),
            GroupBy::Scope => alert
                .hold
                .as_ref()
                .map_or("holds nothing".into(), |scope| format!("holds {scope}")),
            GroupBy::Raiser => format!("raised by {}", alert.raised.by),
        }
    }
}

/// Returns what is wrong without the numbers that tell one place from another: a storm says the same of a hundred.
fn condition(alert: &Alert) -> String {
    let said = alert.fingerprint.as_deref().unwrap_or(&alert.reason);
    let mut kind = String::with_capacity(said.len());
    for c in said.chars() {
        match c.is_ascii_digit() {
            true if kind.ends_with('#') => {}
            true => kind.push('#'),
            false => kind.push(c),
        }
    }
    kind
}

/// A row of the queue: an alert, or several under one head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The alerts, worst first, then oldest. The first stands for them all.
    pub ids: Vec<AlertId>,
    /// What they have in common, where there are several.
    pub group: Option<String>,
}

/// The queue.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    /// How alerts are put together.
    pub by: GroupBy,
    /// The group whose alerts are shown one by one.
    pub open: Option<String>,
    /// The words that an alert must have to be shown, as they were typed.
    pub words: String,
    /// The marked alerts.
    pub marks: BTreeSet<AlertId>,
    /// Whether resolved ones are shown behind the open ones.
    pub resolved: bool,
    /// What is on screen, top to bottom.
    pub rows: Vec<Row>,
}

impl Queue {
    /// Returns the alert that stands for each row.
    pub fn heads(&self) -> Vec<AlertId> {
        let heads = self.rows.iter().filter_map(|row| row.ids.first());
        heads.copied().collect()
    }

    /// Returns the row that an alert stands for.
    pub fn row(&self, head: AlertId) -> Option<&Row> {
        self.rows.iter().find(|row| row.ids.first() == Some(&head))
    }
}

/// Returns the open alerts that have the words, worst first, then oldest. Nothing is done to what is hidden.
pub fn listed(model: &Model) -> Vec<&Arc<Alert>> {
    let mut alerts = model.alerts();
    alerts.retain(|alert| has_words(model, alert.id, &alert.reason, alert.severity));
    alerts
}

fn has_words(model: &Model, id: AlertId, reason: &str, severity: Severity) -> bool {
    if model.queue.words.is_empty() {
        return true;
    }
    let hold = model.state.alert(id).and_then(|alert| alert.hold.as_ref());
    let hold = hold.map(ToString::to_string).unwrap_or_default();
    let line = format!("{id} {} {hold} {reason}", severity.word());
    words::found(&line, &model.queue.words)
}

/// Stops narrowing the queue if that hides an alert which is to be seen.
pub fn reveal(model: &mut Model, id: AlertId) {
    if !listed(model).iter().any(|alert| alert.id == id) {
        model.queue.words.clear();
    }
}

/// Selects the critical alert that the band shows, unless somebody took notice of it: whoever comes to the queue because
/// of it must not acknowledge another by the next key.
pub fn worst_first(model: &mut Model) {
    let calling = model.worst_critical().filter(|a| a.acknowledged.is_none());
    if let Some(id) = calling.map(|alert| alert.id) {
        reveal(model, id);
        let of = |row: &&Row| row.ids.contains(&id);
        let head = model.queue.rows.iter().find(of);
        model.andon.selected = head.and_then(|row| row.ids.first().copied()).or(Some(id));
    }
}

/// Folds what is open, and stands on the row that the selection went into.
pub fn fold(model: &mut Model) {
    model.queue.open = None;
    model.queue.rows = rows(model);
    let of = |row: &&Row| model.andon.selected.is_some_and(|id| row.ids.contains(&id));
    let head = model.queue.rows.iter().find(of);
    model.andon.selected = head.and_then(|row| row.ids.first().copied());
}

/// Puts the rows together anew, drops the marks of what is over, and keeps the selection.
pub fn settle(model: &mut Model, shown: impl Fn(usize) -> usize) {
    let state = &model.state;
    model.queue.marks.retain(|id| state.alert(*id).is_some());
    let selected = model.andon.selected;
    let stood = selected.is_some_and(|id| model.queue.row(id).is_some());
    model.queue.rows = rows(model);
    let heads = model.queue.heads();
    let hidden = selected.filter(|id| !heads.contains(id));
    let holds = |row: &&Row| hidden.is_some_and(|id| row.ids.contains(&id));
    let now = model.queue.rows.iter().find(holds);
    let listed = |id: &AlertId| listed(model).iter().any(|alert| alert.id == *id);
    if let (true, Some(head)) = (stood, now.and_then(|row| row.ids.first())) {
        // A worse alert has come to stand for the row: it is the same row, and opens for nobody who did not ask.
        model.andon.selected = Some(*head);
    } else if let Some(alert) = hidden.filter(listed).and_then(|id| model.state.alert(id)) {
        // One that was gone to by name may stand within a group: then its group opens.
        model.queue.open = Some(model.queue.by.of(alert));
        model.queue.rows = rows(model);
    }
    let heads = model.queue.heads();
    model.andon.settle(&heads, shown(heads.len()));
}

fn rows(model: &Model) -> Vec<Row> {
    let Queue { by, open, .. } = &model.queue;
    let mut groups: Vec<(String, Vec<AlertId>)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for alert in listed(model) {
        let kind = by.of(alert);
        let at = *places.entry(kind.clone()).or_insert(groups.len());
        match groups.get_mut(at) {
            Some((_, ids)) => ids.push(alert.id),
            None => groups.push((kind, vec![alert.id])),
        }
    }
    let one = |id: AlertId| Row {
        ids: vec![id],
        group: None,
    };
    let mut rows = Vec::with_capacity(groups.len());
    for (kind, ids) in groups {
        // An open group's alerts stand where its head stood.
        if ids.len() == 1 || open.as_ref() == Some(&kind) {
            rows.extend(ids.into_iter().map(one));
        } else {
            let group = Some(kind);
            rows.push(Row { ids, group });
        }
    }
    rows.extend(resolved(model).map(|view| one(view.id)));
    rows
}

/// Returns the resolved alerts that are shown, newest first.
pub fn resolved(model: &Model) -> impl Iterator<Item = &AlertView> {
    let page = model.asks.resolved().filter(|_| model.queue.resolved);
    let views = page.into_iter().flat_map(|page| &page.alerts);
    views.filter(|view| {
        view.status == AlertStatus::Resolved
            && model.state.alert(view.id).is_none()
            && has_words(model, view.id, &view.reason, view.severity)
    })
}

/// Returns the open alerts that acts are about: those that are marked, else all of the selected row.
pub fn chosen(model: &Model) -> Vec<AlertId> {
    if model.view != View::Andon {
        return Vec::new();
    }
    let open = |id: &AlertId| model.state.alert(*id).is_some();
    if !model.queue.marks.is_empty() && model.focus == Focus::View {
        let alerts = listed(model).into_iter().map(|alert| alert.id);
        return alerts.filter(|id| model.queue.marks.contains(id)).collect();
    }
    let row = model.andon.selected.and_then(|id| model.queue.row(id));
    let ids = row.map(|row| row.ids.clone()).unwrap_or_default();
    ids.into_iter().filter(open).collect()
}

/// Returns the worst severity among some alerts.
pub fn worst(model: &Model, ids: &[AlertId]) -> Option<Severity> {
    let alerts = ids.iter().filter_map(|id| model.state.alert(*id));
    alerts.map(|alert| alert.severity).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{andon::Act, order::Actor, time::Timestamp};

    fn alert(reason: &str, fingerprint: Option<&str>) -> Alert {
        let raised = Act {
            by: Actor::person("bo"),
            at: Timestamp::default(),
        };
        Alert {
            id: AlertId(1),
            severity: Severity::High,
            reason: reason.into(),
            fingerprint: fingerprint.map(Into::into),
            hold: None,
            order: None,
            last_seen: raised.at,
            raised,
            count: 1,
            acknowledged: None,
            snoozed_until: None,
            recovered: None,
            escalated: None,
            corrective: vec![],
        }
    }

    #[test]
    fn what_differs_by_numbers_alone_is_one_condition() {
        let one = GroupBy::Condition.of(&alert("disk of node-17 is 98 % full", None));
        let two = GroupBy::Condition.of(&alert("disk of node-4 is 99 % full", None));
        assert_eq!(one, two);
        assert_eq!(one, "disk of node-# is # % full");
        let named = GroupBy::Condition.of(&alert("anything", Some("disk:12")));
        assert_eq!(named, "disk:#");
        assert_eq!(GroupBy::Scope.of(&alert("x", None)), "holds nothing");
    }

    #[test]
    fn every_way_has_its_name_and_leads_round() {
        for by in GroupBy::ALL {
            assert_eq!(GroupBy::named(by.name()), Some(by));
        }
        let round = GroupBy::ALL
            .iter()
            .fold(GroupBy::Nothing, |by, _| by.next());
        assert_eq!(round, GroupBy::Nothing);
    }
}
