//! Keeps what the console heard last, written down already: a console that panics has no time left.
//!
//! Only whole states are kept as they are until the recording is asked for. To write one of 10,000 orders takes longer
//! than a key may, and most are dropped again.

use std::{collections::VecDeque, sync::Arc};

use super::{
    effect::{Effect, Ticket},
    model::Model,
    msg::Msg,
    recording::{self, Dress, FORMAT, Heard, Start},
};
use crate::domain::{
    query::Query,
    record::{Head, Record},
    state::State,
    time::Timestamp,
};

/// How many messages are kept at least, unless they take more than [`MOST_BYTES`].
pub const KEPT: usize = 10_000;

/// How many bytes the messages may take: answers of a busy ledger are large. A recording has no more, but for the answers
/// that were known when it begins (an eighth of it) and for whole states ([`MOST_ORDERS`]).
pub const MOST_BYTES: usize = 16 << 20;

/// How many bytes a message may take that is kept: a longer one is left out, and a replay shows what it would without it.
pub const MOST_LINE: usize = MOST_BYTES / 8;

/// How many orders the whole states that were heard may have together, some 50 MB of memory. The newest state stays in
/// any case; of older ones the pasts go first, then the chunks. Besides, a recording holds what it begins with.
pub const MOST_ORDERS: usize = 100_000;

/// What a state without orders counts for, in orders.
const BARE: usize = 100;

/// How many messages are dropped together, since each chunk begins with how the console then stood.
const CHUNK: usize = 1_000;

/// How many bytes make a chunk full before its time.
const CHUNK_BYTES: usize = MOST_BYTES / 8;

/// How many unanswered questions are remembered: far more than are ever asked at once.
const ASKED: usize = 64;

/// A whole state that was heard, to be written down between the lines.
#[derive(Debug)]
struct Whole {
    /// Where among the lines, in bytes.
    at: usize,
    /// None for one that was let go.
    state: Option<Arc<State>>,
    /// The way that led to it and its moment; none for the present.
    past: Option<(Ticket, Timestamp)>,
}

impl Whole {
    fn orders(&self) -> usize {
        self.state.as_ref().map_or(0, |state| weight(state))
    }

    fn heard(&self) -> Option<Heard> {
        let written = || self.state.as_deref().and_then(recording::written);
        Some(match self.past {
            Some((ticket, now)) => Heard::Arrived(ticket, Ok((written().unwrap_or_default(), now))),
            None => Heard::Whole(written()?),
        })
    }
}

/// Returns what a state counts for, in orders.
fn weight(state: &State) -> usize {
    BARE + state.open_count() + state.alerts.len()
}

#[derive(Debug)]
struct Chunk {
    start: Start,
    state: Arc<State>,
    /// The past on screen and its moment.
    past: Option<(Arc<State>, Timestamp)>,
    known: Vec<(Query, Arc<[u8]>)>,
    lines: Vec<u8>,
    wholes: Vec<Whole>,
    heard: usize,
    /// Whether the next message begins another chunk.
    full: bool,
}

impl Chunk {
    fn write(&self, text: &mut Vec<u8>) {
        let mut from = 0;
        for whole in &self.wholes {
            text.extend_from_slice(self.lines.get(from..whole.at).unwrap_or_default());
            from = whole.at;
            if let Some(heard) = whole.heard() {
                write(text, &heard);
            }
        }
        text.extend_from_slice(self.lines.get(from..).unwrap_or_default());
    }
}

/// Writes down what a console hears.
#[derive(Debug)]
pub struct Recorder {
    dress: Dress,
    chunks: VecDeque<Chunk>,
    asked: VecDeque<(Ticket, Query)>,
    /// The newest answer of each sort of question, written down.
    known: Vec<(Query, Arc<[u8]>)>,
    /// The last record that a replay would know.
    head: Head,
}

impl Recorder {
    /// Returns a recorder of a console that is dressed so.
    pub fn new(dress: Dress) -> Recorder {
        Recorder {
            dress,
            chunks: VecDeque::new(),
            asked: VecDeque::new(),
            known: Vec::new(),
            head: Head::default(),
        }
    }

    /// Takes down what the console is about to hear.
    pub fn hears(&mut self, model: &Model, msg: &Msg) {
        let full = self.chunks.back().is_none_or(|chunk| {
            chunk.full || chunk.heard >= CHUNK || chunk.lines.len() >= CHUNK_BYTES
        });
        if full {
            self.open(model);
        }
        if let Some(heard) = self.heard(msg) {
            self.put(&heard, 1);
        }
        self.trim();
    }

    /// Remembers what was asked: an answer is written down with its question.
    pub fn wishes(&mut self, effect: &Effect) {
        if let Effect::Ask { ticket, query } = effect {
            if self.asked.len() >= ASKED {
                self.asked.pop_front();
            }
            self.asked.push_back((*ticket, query.clone()));
        }
    }

    /// Takes down that a frame is about to be drawn.
    pub fn draws(&mut self) {
        self.put(&Heard::Drawn, 0);
    }

    /// Takes down what is on screen, so that a replay can be compared.
    pub fn shows(&mut self, model: &Model) {
        self.put(&Heard::Shown(recording::shown(model)), 0);
    }

    /// Returns the recording; empty before anything was heard.
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        if let Some(first) = self.chunks.front() {
            let mut start = first.start.clone();
            start.state = (first.state.head.seq > 0)
                .then(|| recording::written(&first.state))
                .flatten();
            start.past = first
                .past
                .as_ref()
                .and_then(|(state, now)| Some((recording::written(state)?, *now)));
            write(&mut text, &start);
            for (_, line) in &first.known {
                text.extend_from_slice(line);
            }
        }
        for chunk in &self.chunks {
            chunk.write(&mut text);
        }
        text
    }

    fn open(&mut self, model: &Model) {
        let state = Arc::clone(model.present_state());
        self.head = state.head;
        let travel = &model.travel;
        let past = travel.present.as_ref();
        let start = Start {
            format: FORMAT,
            dress: self.dress.clone(),
            theme: model.theme.name().to_owned(),
            ledger: model.session.ledger.clone(),
            me: model.session.me.clone(),
            role: model.session.role,
            connection: model.session.connection.clone(),
            slow: model.session.slow,
            size: model.size,
            now: model.present_now(),
            view: model.view.name().to_owned(),
            filter: model.filter.text().to_owned(),
            selected: model.board.selected,
            filters: model.filters.clone(),
            ticket: model.tickets.last(),
            state: None,
            past: None,
            way: travel.way.map(|way| way.ticket),
            play: travel.play.map(|play| (play.speed, play.next)),
        };
        self.chunks.push_back(Chunk {
            start,
            state,
            past: past.map(|_| (Arc::clone(&model.state), model.now)),
            known: self.known.clone(),
            lines: Vec::new(),
            wholes: Vec::new(),
            heard: 0,
            full: false,
        });
    }

    /// Drops the oldest of what is too much.
    fn trim(&mut self) {
        let all = |of: fn(&Chunk) -> usize| self.chunks.iter().map(of).sum::<usize>();
        let (mut heard, mut bytes) = (all(|chunk| chunk.heard), all(|chunk| chunk.lines.len()));
        while let Some(first) = self.chunks.front()
            && (heard >= KEPT + first.heard || bytes > MOST_BYTES)
            && self.chunks.len() > 1
        {
            heard -= first.heard;
            bytes -= first.lines.len();
            self.chunks.pop_front();
        }
    }

    fn put(&mut self, heard: &Heard, count: usize) {
        if let Some(chunk) = self.chunks.back_mut() {
            let before = chunk.lines.len();
            write(&mut chunk.lines, heard);
            if chunk.lines.len() - before > MOST_LINE {
                chunk.lines.truncate(before);
            }
            chunk.heard += count;
        }
    }

    /// Keeps a whole state where it was heard, and lets older ones go for it.
    fn keep(&mut self, state: &Arc<State>, past: Option<(Ticket, Timestamp)>) {
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.wholes.push(Whole {
                at: chunk.lines.len(),
                state: Some(Arc::clone(state)),
                past,
            });
            // The next one could not be dropped without this one.
            chunk.full |= past.is_none();
            chunk.heard += usize::from(past.is_some());
        }
        let wholes = |chunk: &Chunk| chunk.wholes.iter().map(Whole::orders).sum::<usize>();
        let mut orders: usize = self.chunks.iter().map(wholes).sum();
        let mut last: usize = self.chunks.iter().map(|chunk| chunk.wholes.len()).sum();
        for whole in self.chunks.iter_mut().flat_map(|chunk| &mut chunk.wholes) {
            last -= 1;
            if orders > MOST_ORDERS && last > 0 && whole.past.is_some() {
                orders -= whole.orders();
                whole.state = None;
            }
        }
        while let Some(first) = self.chunks.front()
            && orders > MOST_ORDERS
            && self.chunks.len() > 1
        {
            orders -= wholes(first);
            self.chunks.pop_front();
        }
    }

    /// Returns how a message is written down; the choice of themes is not.
    fn heard(&mut self, msg: &Msg) -> Option<Heard> {
        Some(match msg {
            Msg::Key(key) => Heard::Key(key.to_string()),
            Msg::Mouse(mouse) => Heard::Mouse(*mouse),
            Msg::Paste(text) => Heard::Paste(text.clone()),
            Msg::Resize(columns, rows) => Heard::Resize(*columns, *rows),
            Msg::Changed {
                state,
                records,
                now,
            } => {
                let known = std::mem::replace(&mut self.head, state.head);
                let newest = newest(records);
                if newest.len() < records.len() || !joins(known, state, records) {
                    self.keep(state, None);
                }
                Heard::Changed(newest.to_vec(), *now)
            }
            Msg::Connection(connection) => Heard::Connection(connection.clone()),
            Msg::Admitted { name, me, role } => Heard::Admitted(name.clone(), me.clone(), *role),
            Msg::Link { slow } => Heard::Slow(*slow),
            Msg::Answered { ticket, answer } => {
                let at = self.asked.iter().position(|(asked, _)| asked == ticket)?;
                let (_, query) = self.asked.remove(at)?;
                let mut line = Vec::new();
                write(
                    &mut line,
                    &Heard::Known(Box::new(query.clone()), answer.clone()),
                );
                let sort = std::mem::discriminant(&query);
                self.known
                    .retain(|(known, _)| std::mem::discriminant(known) != sort);
                if line.len() <= MOST_LINE {
                    self.known.push((query.clone(), line.into()));
                }
                let known = |known: &[(Query, Arc<[u8]>)]| {
                    known.iter().map(|(_, line)| line.len()).sum::<usize>()
                };
                while known(&self.known) > MOST_BYTES / 8 {
                    self.known.remove(0);
                }
                Heard::Answered(*ticket, Box::new(query), answer.clone())
            }
            Msg::Submitted { ticket, outcome } => Heard::Submitted(*ticket, outcome.clone()),
            Msg::Printed { ticket, output } => Heard::Printed(*ticket, output.clone()),
            Msg::Completed(grammar) => Heard::Completed(grammar.clone()),
            Msg::Look(look) => Heard::Theme(look.theme.name().to_owned()),
            // Only a wall heeds it, and a wall is not recorded.
            Msg::Themes(_) | Msg::Alive(_) => return None,
            Msg::Filters(filters, said) => Heard::Filters(filters.clone(), said.clone()),
            Msg::OnTheWay { ticket, gone } => Heard::OnTheWay(*ticket, *gone),
            Msg::Arrived { ticket, stands } => match stands {
                Ok((state, now)) => {
                    self.keep(state, Some((*ticket, *now)));
                    return None;
                }
                Err(failure) => Heard::Arrived(*ticket, Err(failure.clone())),
            },
            Msg::Mail(seen) => Heard::Mail(seen.clone()),
            Msg::Runs(seen) => Heard::Runs(seen.clone()),
            Msg::Lives => Heard::Lives,
            Msg::Line(seen) => Heard::Line(seen.clone()),
            Msg::Copied(how) => Heard::Copied(how.clone()),
            Msg::Tick(now) => Heard::Tick(*now),
        })
    }
}

/// Returns the newest of some records, as many as make one message.
fn newest(records: &[Record]) -> &[Record] {
    /// What a record has beside its body, written down, in bytes.
    const AROUND: usize = 1024;
    let mut left = MOST_LINE;
    let fit = records.iter().rev().take_while(|record| {
        // A character may be written as six.
        let texts = [record.body.len(), record.actor.len(), record.kind.len()];
        let bytes = AROUND + texts.iter().sum::<usize>() * 6;
        let fits = bytes <= left;
        left = left.saturating_sub(bytes);
        fits
    });
    let fit = fit.count();
    records.get(records.len() - fit..).unwrap_or_default()
}

/// Returns whether records lead from the one that is known to a state, none missing and none of another ledger.
fn joins(known: Head, state: &State, records: &[Record]) -> bool {
    let mut last = known;
    for record in records.iter().filter(|record| record.seq > known.seq) {
        // One that follows says with its hash what it follows; that of the first is enough to know the ledger.
        let follows = last != known || record.hash == record.seal(&known.hash);
        if record.seq != last.seq + 1 || !follows {
            return false;
        }
        last = Head {
            seq: record.seq,
            hash: record.hash,
        };
    }
    last == state.head
}

/// Adds a line of JSON. What cannot be written is left out: it is not worth the console.
fn write(lines: &mut Vec<u8>, value: &impl serde::Serialize) {
    let before = lines.len();
    match serde_json::to_writer(&mut *lines, value) {
        Ok(()) => lines.push(b'\n'),
        Err(_) => lines.truncate(before),
    }
}
