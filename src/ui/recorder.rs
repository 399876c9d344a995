//! Keeps what the console heard last, written down already: a console that panics has no time left.

use std::{collections::VecDeque, sync::Arc};

use super::{
    effect::{Effect, Ticket},
    model::Model,
    msg::Msg,
    recording::{self, Dress, FORMAT, Heard, Start},
};
use crate::domain::{
    query::Query,
    record::{Record, Seq},
    state::State,
};

/// How many messages are kept at least, unless they take more than [`MOST_BYTES`].
pub const KEPT: usize = 10_000;

/// How many bytes they may take: answers of a busy ledger are large.
pub const MOST_BYTES: usize = 8 << 20;

/// How many messages are dropped together, since each chunk begins with how the console then stood.
const CHUNK: usize = 1_000;

/// How many bytes make a chunk full before its time.
const CHUNK_BYTES: usize = MOST_BYTES / 8;

/// How many unanswered questions are remembered: far more than are ever asked at once.
const ASKED: usize = 64;

#[derive(Debug)]
struct Chunk {
    start: Start,
    state: Arc<State>,
    known: Vec<(Query, Arc<[u8]>)>,
    lines: Vec<u8>,
    heard: usize,
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
    head: Seq,
}

impl Recorder {
    /// Returns a recorder of a console that is dressed so.
    pub fn new(dress: Dress) -> Recorder {
        Recorder {
            dress,
            chunks: VecDeque::new(),
            asked: VecDeque::new(),
            known: Vec::new(),
            head: 0,
        }
    }

    /// Takes down what the console is about to hear.
    pub fn hears(&mut self, model: &Model, msg: &Msg) {
        let full = self
            .chunks
            .back()
            .is_none_or(|chunk| chunk.heard >= CHUNK || chunk.lines.len() >= CHUNK_BYTES);
        if full {
            self.open(model);
        }
        if let Some(heard) = self.heard(msg) {
            self.put(&heard, 1);
        }
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
            write(&mut text, &start);
            for (_, line) in &first.known {
                text.extend_from_slice(line);
            }
        }
        for chunk in &self.chunks {
            text.extend_from_slice(&chunk.lines);
        }
        text
    }

    fn open(&mut self, model: &Model) {
        let state = Arc::clone(model.present_state());
        self.head = state.head.seq;
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
        };
        self.chunks.push_back(Chunk {
            start,
            state,
            known: self.known.clone(),
            lines: Vec::new(),
            heard: 0,
        });
        let all = |of: fn(&Chunk) -> usize| self.chunks.iter().map(of).sum::<usize>();
        let (mut heard, mut bytes) = (all(|chunk| chunk.heard), all(|chunk| chunk.lines.len()));
        while let Some(first) = self.chunks.front()
            && (heard >= KEPT + first.heard || bytes > MOST_BYTES - CHUNK_BYTES)
            && self.chunks.len() > 1
        {
            heard -= first.heard;
            bytes -= first.lines.len();
            self.chunks.pop_front();
        }
    }

    fn put(&mut self, heard: &Heard, count: usize) {
        if let Some(chunk) = self.chunks.back_mut() {
            write(&mut chunk.lines, heard);
            chunk.heard += count;
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
                let known = std::mem::replace(&mut self.head, state.head.seq);
                let whole = match joins(known, state, records) {
                    true => None,
                    false => recording::written(state),
                };
                Heard::Changed(whole, records.clone(), *now)
            }
            Msg::Connection(connection) => Heard::Connection(connection.clone()),
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
                self.known.push((query.clone(), line.into()));
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
            Msg::Arrived { ticket, stands } => {
                let stands = stands.as_ref().map_err(Clone::clone);
                let stands = match stands {
                    Ok((state, now)) => Ok((recording::written(state)?, *now)),
                    Err(failure) => Err(failure),
                };
                Heard::Arrived(*ticket, stands)
            }
            Msg::Mail(seen) => Heard::Mail(seen.clone()),
            Msg::Copied(how) => Heard::Copied(how.clone()),
            Msg::Tick(now) => Heard::Tick(*now),
        })
    }
}

/// Returns whether records lead from the one that is known to a state, none missing.
fn joins(known: Seq, state: &State, records: &[Record]) -> bool {
    let mut next = known + 1;
    for record in records.iter().filter(|record| record.seq > known) {
        if record.seq != next {
            return false;
        }
        next += 1;
    }
    next == state.head.seq + 1
}

/// Adds a line of JSON. What cannot be written is left out: it is not worth the console.
fn write(lines: &mut Vec<u8>, value: &impl serde::Serialize) {
    let before = lines.len();
    match serde_json::to_writer(&mut *lines, value) {
        Ok(()) => lines.push(b'\n'),
        Err(_) => lines.truncate(before),
    }
}
