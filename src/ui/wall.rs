//! The wall: a console that nobody holds a key of. Views in turn, and the andon when it calls.

use super::{
    effect::Effect,
    model::{Model, View},
};
use crate::domain::{
    andon::{Alert, Severity},
    time::{MINUTE, SECOND, Timestamp},
};

/// The views that have figures to be read from afar.
pub const VIEWS: [View; 4] = [View::Overview, View::Kanban, View::Andon, View::Agents];
/// How long a view stays unless somebody says otherwise: long enough to read it from across a room.
pub const EVERY: i64 = 20 * SECOND;
/// The shortest turn: a faster one cannot be read, and would wake an idle machine for nothing.
pub const LEAST_EVERY: i64 = 2 * SECOND;
/// How often every cell is painted anew, whatever came between: a screen that nobody touches keeps no mistake for long.
const REPAINT: i64 = 10 * MINUTE;
/// From when on an engine that shows no sign of life is said to be silent: three looks of the wall's worker, so that one
/// that is late on a busy machine is no alarm.
const SILENT: i64 = 15 * SECOND;
/// From when on the age of the last event is said in these steps. Beyond the last it is told by the minute.
const STEPS: [i64; 7] = [0, 3, 5, 10, 20, 30, 45];

/// Where a wall is in its round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wall {
    views: Vec<View>,
    every: i64,
    /// How many turns there were.
    turn: usize,
    /// When the next one is.
    next: Timestamp,
    /// When every cell is painted anew.
    repaint: Timestamp,
    /// The number that the next alert will have, as far as the wall saw; none before it saw the line.
    alerts: Option<u32>,
    /// Until when the andon is shown because an alert was raised.
    called: Option<Timestamp>,
    /// When the engine last showed that it is alive; since the wall hangs, if it never did.
    heard: Option<Timestamp>,
}

impl Wall {
    /// Returns a wall of these views, [`VIEWS`] if there are none, each for so many microseconds.
    pub fn new(views: Vec<View>, every: i64) -> Wall {
        let views = match views.is_empty() {
            true => VIEWS.to_vec(),
            false => views,
        };
        Wall {
            views,
            every: every.max(LEAST_EVERY),
            turn: 0,
            next: Timestamp::default(),
            repaint: Timestamp::default(),
            alerts: None,
            called: None,
            heard: None,
        }
    }

    /// Returns the views of the round.
    pub fn views(&self) -> &[View] {
        &self.views
    }

    /// Returns by how many cells everything is shifted now, rightwards and down, so that no cell is lit for ever.
    pub const fn shift(&self) -> (u16, u16) {
        match self.turn % 4 {
            0 => (0, 0),
            1 => (1, 0),
            2 => (1, 1),
            _ => (0, 1),
        }
    }

    /// Returns the view whose turn it is.
    fn view(&self) -> View {
        let at = self.turn % self.views.len().max(1);
        self.views.get(at).copied().unwrap_or(View::Overview)
    }
}

/// Returns how long ago the last event is said to be, in microseconds: rough, so that saying it costs few frames.
pub fn staleness(now: Timestamp, last: Timestamp) -> i64 {
    let age = now.since(last).max(0);
    if age >= MINUTE {
        return age - age % MINUTE;
    }
    let begun = STEPS.iter().rev().find(|step| age >= **step * SECOND);
    begun.map_or(0, |step| step * SECOND)
}

/// Returns for how long the engine has shown no sign of life, roughly, if that is long enough to say so: what is on screen
/// may be old then, though nothing is lost.
pub fn silence(model: &Model) -> Option<i64> {
    let heard = model.wall.as_ref()?.heard?;
    let silent = model.now.since(heard) >= SILENT;
    silent.then(|| staleness(model.now, heard).max(SILENT))
}

/// Returns when the wall has something to do by itself next.
pub fn wakes_at(model: &Model) -> Option<Timestamp> {
    let wall = model.wall.as_ref()?;
    let grows = |since: Timestamp, from: i64| {
        let age = model.now.since(since).max(0);
        let mut steps = STEPS.iter().map(|step| step * SECOND);
        let step = steps.find(|step| age < *step && *step >= from);
        step.map(|step| since.plus(step))
    };
    let quiet = wall.heard.and_then(|heard| match silence(model) {
        None => Some(heard.plus(SILENT)),
        Some(_) => grows(heard, SILENT),
    });
    let own = [wall.next, wall.repaint];
    let older = grows(model.state.time, 0);
    let own = own.into_iter().chain(wall.called);
    own.chain(older).chain(quiet).min()
}

/// Takes note that the engine is alive.
pub fn alive(model: &mut Model) {
    let now = model.now;
    if let Some(wall) = &mut model.wall {
        wall.heard = Some(now);
    }
}

/// Takes note of a new version: an alert that was raised is shown at once.
pub fn changed(model: &mut Model) {
    let (now, next) = (model.now, model.state.numbers.alert);
    let Some(wall) = &mut model.wall else { return };
    wall.heard = Some(now);
    let raised = wall.alerts.is_some_and(|seen| next > seen);
    wall.alerts = Some(next);
    if raised {
        wall.called = Some(now.plus(wall.every));
    }
    show(model);
}

/// Goes on, if it is time, and returns what is to be done.
pub fn tick(model: &mut Model) -> Vec<Effect> {
    let now = model.now;
    let Some(wall) = &mut model.wall else {
        return Vec::new();
    };
    let mut effects = Vec::new();
    // A clock that was set back would keep the next turn waiting until it comes there again.
    let ahead = |at: Timestamp, span: i64| at.since(now) > span;
    if now >= wall.next || ahead(wall.next, wall.every) {
        let first = wall.next == Timestamp::default();
        wall.turn = wall.turn.wrapping_add(usize::from(!first));
        wall.next = now.plus(wall.every);
    }
    if now >= wall.repaint || ahead(wall.repaint, REPAINT) {
        if wall.repaint != Timestamp::default() {
            effects.push(Effect::Redraw);
        }
        wall.repaint = now.plus(REPAINT);
    }
    wall.called = wall.called.filter(|until| now < *until);
    wall.heard.get_or_insert(now);
    // A clock that was set back does not make the last sign of life one of the future.
    wall.heard = wall.heard.map(|heard| heard.min(now));
    show(model);
    effects
}

/// Shows what is to be seen now: the andon while it calls or a critical alert waits for somebody to take notice, else the
/// view whose turn it is.
fn show(model: &mut Model) {
    let now = model.now;
    let waits = |alert: &Alert| {
        let sleeps = alert.snoozed_until.is_some_and(|until| until > now);
        alert.severity == Severity::Critical && alert.acknowledged.is_none() && !sleeps
    };
    let stopped = model.state.alerts.values().any(|alert| waits(alert));
    let Some(wall) = &model.wall else { return };
    model.view = match stopped || wall.called.is_some() {
        true => View::Andon,
        false => wall.view(),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_the_last_event_is_said_in_rough_steps() {
        let last = Timestamp(1_000 * SECOND);
        for (age, said) in [
            (0, 0),
            (2, 0),
            (4, 3),
            (9, 5),
            (59, 45),
            (60, 60),
            (179, 120),
        ] {
            let now = last.plus(age * SECOND);
            assert_eq!(staleness(now, last), said * SECOND, "{age}");
        }
        assert_eq!(staleness(last, last.plus(SECOND)), 0);
    }
}
