//! The pane about the selected agent's runs: which run is shown, where in its output one stands, and what is searched for.

use super::{
    effect::Effect,
    log::{LogLine, Part, RunSeen, Sight, Wish},
    model::{Focus, Model, View},
    view,
};
use crate::text;

/// How many screens of lines are kept ready above and below what is shown before another part is wished for: enough for a
/// page up or down.
const AHEAD: usize = 1;

/// Where in an output one stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stand {
    /// At its end, wherever that is.
    #[default]
    Follow,
    /// With the line at this place at the top.
    Top(u64),
    /// Where the line at this place is seen well: something was found there.
    Hit(u64),
}

/// The runs of the selected agent.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    /// What was last seen of them.
    pub sight: Option<Box<Sight>>,
    /// Where one stands.
    pub stand: Stand,
    /// What is searched for.
    pub words: String,
    /// How often the host said that its agents are about something else.
    pub told: u64,
    /// Whose runs they are.
    agent: Option<String>,
    /// The run that was chosen; none follows the newest that works, or the newest of all.
    chosen: Option<String>,
    /// What was last wished for.
    wish: Option<Wish>,
    /// Whether what is found first is to be gone to.
    seeks: bool,
    /// How many lines are shown, and how wide they may be.
    room: (usize, usize),
    /// How many cells of each line are beyond the left edge.
    left: usize,
}

impl Runs {
    /// Returns what is seen, if it is about that agent.
    pub fn of(&self, agent: &str) -> Option<&Sight> {
        self.sight.as_deref().filter(|sight| sight.agent == agent)
    }

    fn lines(&self) -> &[LogLine] {
        let sight = self.sight.as_deref();
        sight.map_or(&[], |sight| &sight.window.lines)
    }

    /// Returns how many lines fit on the screen.
    pub fn rows(&self) -> usize {
        self.room.0
    }

    /// Returns how many cells of each line are beyond the left edge.
    pub fn left(&self) -> usize {
        self.left
    }

    /// Returns whether a line that is shown goes on beyond the right edge.
    pub fn goes_on(&self) -> bool {
        self.widest() > self.left + self.room.1
    }

    /// Returns the cells of the longest line that is shown.
    fn widest(&self) -> usize {
        let shown = self.lines().iter().skip(self.first()).take(self.room.0);
        let widths = shown.map(|line| text::width(&line.text));
        widths.max().unwrap_or(0)
    }

    /// Goes along the lines by half of what is seen of them, to the right no further than to the end of the longest.
    pub fn slide(&mut self, right: bool) {
        let half = (self.room.1 / 2).max(1);
        let last = self.widest().saturating_sub(self.room.1);
        self.left = match right {
            true => (self.left + half).min(last.max(self.left)),
            false => self.left.saturating_sub(half),
        };
    }

    /// Returns the first line that is shown, counted from the first that is known.
    pub fn first(&self) -> usize {
        let lines = self.lines();
        let last = lines.len().saturating_sub(self.room.0);
        let index = |at: u64| lines.partition_point(|line| line.at < at);
        match self.stand {
            Stand::Follow => last,
            Stand::Top(at) => index(at).min(last),
            Stand::Hit(at) => index(at).saturating_sub(self.room.0 / 3).min(last),
        }
    }

    /// Returns which of what was found one stands at, counted from one, and how many there are.
    pub fn hit(&self) -> Option<(u64, u64)> {
        let found = &self.sight.as_ref()?.found;
        let Stand::Hit(at) = self.stand else {
            return Some((0, found.count));
        };
        let nth = found.hits.partition_point(|hit| *hit <= at) as u64;
        let unknown = found.count.saturating_sub(found.hits.len() as u64);
        Some((unknown + nth, found.count))
    }

    /// Moves by lines; below the last line the end is followed again.
    pub fn step(&mut self, rows: isize) {
        // Whoever goes on does not wait for what is found.
        self.seeks = false;
        match rows {
            isize::MAX => return self.stand = Stand::Follow,
            rows if rows == isize::MIN + 1 => return self.stand = Stand::Top(0),
            _ => {}
        }
        let lines = self.lines();
        let last = lines.len().saturating_sub(self.room.0);
        let to = self.first().saturating_add_signed(rows);
        let is_end = self.sight.as_ref().is_none_or(|sight| sight.window.last);
        match lines.get(to.min(last)) {
            Some(line) if to < last || !is_end => self.stand = Stand::Top(line.at),
            _ if rows > 0 => self.stand = Stand::Follow,
            _ => {}
        }
    }

    /// Follows the newest run's end again.
    pub fn follow(&mut self) {
        self.chosen = None;
        self.stand = Stand::Follow;
        self.left = 0;
    }

    /// Goes to an older run, or a newer one.
    pub fn turn(&mut self, newer: bool) {
        let Some(sight) = &self.sight else { return };
        let here = sight
            .runs
            .iter()
            .position(|seen| Some(&seen.run) == sight.run.as_ref());
        let Some(here) = here else { return };
        let to = match newer {
            true => here.saturating_sub(1),
            false => (here + 1).min(sight.runs.len().saturating_sub(1)),
        };
        if to != here {
            self.chosen = sight
                .runs
                .get(to)
                .filter(|_| to > 0)
                .map(|seen| seen.run.clone());
            self.stand = Stand::Follow;
            self.left = 0;
        }
    }

    /// Searches for something; what is found first is gone to once it is.
    pub fn search(&mut self, words: &str, go: bool) {
        words.clone_into(&mut self.words);
        self.seeks = go && !words.is_empty();
        self.arrive();
    }

    /// Takes what was seen.
    pub fn see(&mut self, sight: Sight) {
        self.sight = Some(Box::new(sight));
        self.arrive();
    }

    /// Goes to what was found, if that is awaited: the nearest at or above the lowest line that is shown.
    fn arrive(&mut self) {
        let Some(sight) = &self.sight else { return };
        if !self.seeks || sight.found.words != self.words {
            return;
        }
        self.seeks = false;
        let lowest = self
            .lines()
            .get(self.first() + self.room.0.saturating_sub(1));
        let lowest = lowest.map_or(u64::MAX, |line| line.at);
        let hits = &sight.found.hits;
        let above = hits.iter().rev().find(|hit| **hit <= lowest);
        if let Some(hit) = above.or(hits.last()) {
            self.left = 0;
            self.stand = Stand::Hit(*hit);
        }
    }

    /// Goes to the next line that was found, or the one before; around the end.
    pub fn go(&mut self, next: bool) {
        let Some(sight) = &self.sight else { return };
        let hits = &sight.found.hits;
        let here = match self.stand {
            Stand::Hit(at) => at,
            _ => self.lines().get(self.first()).map_or(0, |line| line.at),
        };
        let found = match next {
            true => hits.iter().find(|hit| **hit > here).or(hits.first()),
            false => hits.iter().rev().find(|hit| **hit < here).or(hits.last()),
        };
        if let Some(hit) = found {
            // What is found is brought into sight wherever in its line it stands.
            self.left = 0;
            self.stand = Stand::Hit(*hit);
        }
    }

    /// Returns the part of the output to wish for: the one that is there, as long as it reaches far enough.
    fn part(&self) -> Part {
        let (Stand::Top(at) | Stand::Hit(at)) = self.stand else {
            return Part::End;
        };
        let Some(sight) = &self.sight else {
            return Part::Around(at);
        };
        let window = &sight.window;
        let (first, lines) = (self.first(), window.lines.len());
        let inside = window.lines.first().is_some_and(|line| line.at <= at)
            && window.lines.last().is_some_and(|line| line.at >= at);
        let ahead = self.room.0 * AHEAD;
        let above = window.first || first >= ahead;
        let below = window.last || first + self.room.0 + ahead <= lines;
        match &self.wish {
            Some(wish) if inside && above && below && wish.part != Part::End => wish.part,
            _ => Part::Around(at),
        }
    }

    fn wished(&self, agent: &str) -> Wish {
        let shown = self.of(agent).and_then(|sight| sight.run.clone());
        let stays = shown.filter(|_| self.stand != Stand::Follow);
        Wish {
            agent: agent.to_owned(),
            run: self.chosen.clone().or(stays),
            part: self.part(),
            rows: self.room.0,
            words: self.words.clone(),
        }
    }
}

/// Returns the run that is shown.
pub fn shown(model: &Model) -> Option<&RunSeen> {
    let agent = model.selected_agent()?;
    model.runs.of(agent)?.shown()
}

/// Returns whether the whole screen is a run's output, which has the keys.
pub fn is_whole(model: &Model) -> bool {
    model.view == View::Agents && model.focus == Focus::Detail && model.detail.is_none()
}

/// Returns why nothing of a run can be seen from here, if so.
pub fn blind(model: &Model) -> Option<&'static str> {
    let past = model.travel.present.is_some();
    past.then_some("the past has no logs: what agents wrote is shown in the present alone")
}

/// Keeps the pane on the selected agent, and returns the wish to see another part, if it is another.
pub fn settle(model: &mut Model) -> Vec<Effect> {
    let looks = model.view == View::Agents && model.wall.is_none() && blind(model).is_none();
    let agent = model.selected_agent().filter(|_| looks).map(str::to_owned);
    if let Some(agent) = &agent
        && model.runs.agent.as_ref() != Some(agent)
    {
        model.runs = Runs {
            agent: Some(agent.clone()),
            words: std::mem::take(&mut model.runs.words),
            told: model.runs.told,
            wish: model.runs.wish.take(),
            ..Runs::default()
        };
    }
    model.runs.room = view::agents::log_room(model);
    let wish = agent.map(|agent| model.runs.wished(&agent));
    if wish == model.runs.wish {
        return Vec::new();
    }
    model.runs.wish.clone_from(&wish);
    vec![Effect::Watch(wish.map(Box::new))]
}
