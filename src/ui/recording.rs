//! A recording: how the console stood, what it heard since, and what it showed at the end. Lines of JSON.
//!
//! A replay is the console itself: the same `update` and `settle`, without an engine. Questions are asked as they were,
//! and get the answers that were recorded, by number if it is the same and else by what was asked. States are not written down: the records
//! that led to one are, and only where some are missing a snapshot.
//!
//! A recording from a console's first message on replays to the same screen. One that begins later, because older
//! messages were dropped, begins from what [`Start`] holds: the view, the filter, the selection, not a dialog that was
//! open. A past that was on screen is part of it. So many pasts were seen that some had to be let go: a replay then goes on
//! showing what it showed, up to the next one that was kept. The user's own keys and themes are not part of it; the shipped ones of that name stand in for them.
//! It holds what was on the screen and what was typed, and is as confidential as they are.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    action::Action,
    complete::Grammar,
    effect::{Effect, Ticket},
    filter::Filter,
    keymap,
    line::LineSeen,
    log::Sight,
    mail::Mailbag,
    model::{Events, Model, Session, Tickets, View},
    msg::{Connection, Failure, Msg},
    pointer::Mouse,
    theme,
    travel::{Play, Present, SPEEDS, Way},
    update::{settle, update},
    view,
};
use crate::{
    config::{ColorDepth, Filters, GlyphSet},
    domain::{
        command::Role,
        evolve::evolve,
        id::OrderId,
        order::Actor,
        query::{Answer, Query},
        record::{Record, Seq},
        state::State,
        time::Timestamp,
    },
};

/// The format: a recording of another one is not replayed.
pub const FORMAT: u32 = 1;

/// How the console is dressed: what a replay cannot learn from a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dress {
    /// The keymap's name.
    pub keymap: String,
    /// How many colours there are.
    pub depth: ColorDepth,
    /// Which glyphs are drawn with.
    pub glyphs: GlyphSet,
}

/// How the console stood when the recording begins.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Start {
    /// [`FORMAT`].
    pub format: u32,
    /// How it is dressed.
    pub dress: Dress,
    /// The theme's name.
    pub theme: String,
    /// The ledger's name.
    pub ledger: String,
    /// Who acts.
    pub me: Actor,
    /// What this console may do.
    pub role: Role,
    /// How the engine is reached.
    pub connection: Connection,
    /// Whether the line to the terminal is slow.
    pub slow: bool,
    /// The terminal's columns and rows.
    pub size: (u16, u16),
    /// The time.
    pub now: Timestamp,
    /// The view's name.
    pub view: String,
    /// What the lists are narrowed to.
    pub filter: String,
    /// The card that is selected on the board.
    pub selected: Option<OrderId>,
    /// The saved filters.
    pub filters: Filters,
    /// The number given out last.
    pub ticket: Ticket,
    /// The line, as a snapshot in hexadecimal; none for one of which nothing was heard yet.
    pub state: Option<String>,
    /// The past that is on screen, as a snapshot in hexadecimal, and its moment.
    #[serde(default)]
    pub past: Option<(String, Timestamp)>,
    /// The number of the way to the past that is being gone.
    #[serde(default)]
    pub way: Option<Ticket>,
    /// Which of the speeds the past is played at, and when its next picture is wanted.
    #[serde(default)]
    pub play: Option<(usize, Timestamp)>,
}

/// What the console heard or did.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Heard {
    /// A key, as keymaps write it.
    Key(String),
    /// The mouse.
    Mouse(Mouse),
    /// Pasted text.
    Paste(String),
    /// Another size.
    Resize(u16, u16),
    /// The line as a snapshot in hexadecimal, before a change whose records do not lead there from what was known.
    Whole(String),
    /// The line changed by records.
    Changed(Vec<Record>, Timestamp),
    /// The way to the engine changed.
    Connection(Connection),
    /// An engine elsewhere let this console in.
    Admitted(String, Actor, Role),
    /// The line to the terminal is slow, or no longer is.
    Slow(bool),
    /// A question was answered.
    Answered(Ticket, Box<Query>, Result<Box<Answer>, Failure>),
    /// What a question was answered before the recording begins: its answer may be wanted at once.
    Known(Box<Query>, Result<Box<Answer>, Failure>),
    /// A command was decided.
    Submitted(Ticket, Result<Vec<Record>, Failure>),
    /// A typed line ran.
    Printed(Ticket, Result<String, String>),
    /// What may come next in a line.
    Completed(Grammar),
    /// A theme was put on.
    Theme(String),
    /// The saved filters.
    Filters(Filters, Result<String, String>),
    /// A way to the past is being gone.
    OnTheWay(Ticket, (Seq, Seq)),
    /// The past was reached; without a snapshot if it was let go.
    Arrived(Ticket, Result<(String, Timestamp), Failure>),
    /// What was seen of the bus.
    Mail(Box<Mailbag>),
    /// What was seen of an agent's runs.
    Runs(Box<Sight>),
    /// A host's agents are about something else.
    Lives,
    /// What `obeya.toml` comes to.
    Line(Box<LineSeen>),
    /// A copy was made, or not.
    Copied(Result<String, String>),
    /// A minute began.
    Tick(Timestamp),
    /// A frame was drawn.
    Drawn,
    /// What the screen then showed, as [`shown`] says it.
    Shown(String),
}

/// Returns a state as it is written down; none for one that no snapshot can be made of.
pub(super) fn written(state: &State) -> Option<String> {
    let bytes = state.to_snapshot()?;
    Some(hex(&bytes))
}

/// Returns bytes in hexadecimal.
fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let digit = |half: u8| DIGITS[usize::from(half & 15)];
    let mut text = String::with_capacity(bytes.len() * 2);
    text.extend(
        bytes
            .iter()
            .flat_map(|byte| [digit(byte >> 4), digit(*byte)]),
    );
    text
}

fn read_state(text: &str) -> Option<State> {
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    State::from_snapshot(pairs.map(byte).collect::<Option<_>>()?)
}

/// Returns the SHA-256 of every cell on screen, with its look, in hexadecimal.
pub fn shown(model: &Model) -> String {
    let mut buffer = Buffer::empty(model.area());
    view::draw(model, &mut buffer);
    let mut sha = Sha256::new();
    for cell in &buffer.content {
        sha.update(format!(
            "{:?}{}{}{:?}\n",
            cell.symbol(),
            cell.fg,
            cell.bg,
            cell.modifier
        ));
    }
    let hash: [u8; 32] = sha.finalize().into();
    hex(&hash)
}

/// Returns the number of a way to the past.
fn way(wish: &Effect) -> Option<Ticket> {
    match wish {
        Effect::Travel {
            ticket,
            moment: Some(_),
        } => Some(*ticket),
        _ => None,
    }
}

/// A console that hears again what one heard.
#[derive(Debug)]
pub struct Replay {
    /// The console as far as it was replayed.
    pub model: Model,
    present: State,
    eyes: (ColorDepth, GlyphSet),
    wishes: Vec<Effect>,
    known: Vec<(Query, Result<Box<Answer>, Failure>)>,
    /// Whether the last [`Heard::Shown`] was what the screen shows; none before one.
    pub agrees: Option<bool>,
}

impl Replay {
    /// Replays a recording.
    ///
    /// # Errors
    ///
    /// A sentence that names the line and what is wrong in it.
    pub fn of(text: &str) -> Result<Replay, String> {
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        let start: Start =
            serde_json::from_str(first).map_err(|error| format!("line 1: {error}"))?;
        let mut replay = Replay::begin(start)?;
        for (number, line) in (2..).zip(lines) {
            let heard = serde_json::from_str(line).map_err(|error| error.to_string());
            let taken = heard.and_then(|heard| replay.take(heard));
            taken.map_err(|why| format!("line {number}: {why}"))?;
        }
        Ok(replay)
    }

    fn begin(start: Start) -> Result<Replay, String> {
        if start.format != FORMAT {
            return Err(format!("format {} is not {FORMAT}", start.format));
        }
        let Dress {
            keymap,
            depth,
            glyphs,
        } = start.dress;
        let (keymap, _) = keymap::load(&keymap, &|_| Ok(None), None, &Action::is_known);
        let (theme, _) = theme::load(&start.theme, &|_| Ok(None), depth, glyphs);
        let session = Session {
            ledger: start.ledger,
            me: start.me,
            role: start.role,
            connection: start.connection,
            slow: start.slow,
        };
        let mut model = Model::new(session, theme, keymap, start.size);
        let state = match &start.state {
            Some(text) => read_state(text).ok_or("the snapshot cannot be read")?,
            None => State::default(),
        };
        model.state = Arc::new(state.clone());
        model.now = start.now;
        model.view = View::named(&start.view).unwrap_or(model.view);
        model.filter = Filter::parse(&start.filter).0;
        model.board.selected = start.selected;
        model.filters = start.filters;
        model.tickets = Tickets::after(start.ticket);
        if let Some((text, now)) = &start.past {
            let past = read_state(text).ok_or("the snapshot cannot be read")?;
            model.travel.present = Some(Present {
                state: std::mem::replace(&mut model.state, Arc::new(past)),
                now: std::mem::replace(&mut model.now, *now),
                events: Events::default(),
            });
        }
        model.travel.way = start.way.map(|ticket| Way { ticket, gone: None });
        let play = start
            .play
            .map(|(speed, next)| (speed.min(SPEEDS.len() - 1), next));
        model.travel.play = play.map(|(speed, next)| Play { speed, next });
        Ok(Replay {
            model,
            present: state,
            eyes: (depth, glyphs),
            wishes: Vec::new(),
            known: Vec::new(),
            agrees: None,
        })
    }

    fn take(&mut self, heard: Heard) -> Result<(), String> {
        let msg = match heard {
            Heard::Key(key) => Msg::Key(key.parse().map_err(|_| format!("'{key}' is no key"))?),
            Heard::Mouse(mouse) => Msg::Mouse(mouse),
            Heard::Paste(text) => Msg::Paste(text),
            Heard::Resize(columns, rows) => Msg::Resize(columns, rows),
            Heard::Whole(text) => {
                self.present = read_state(&text).ok_or("the snapshot cannot be read")?;
                return Ok(());
            }
            Heard::Changed(records, now) => {
                self.change(&records)?;
                let state = Arc::new(self.present.clone());
                Msg::Changed {
                    state,
                    records,
                    now,
                }
            }
            Heard::Connection(connection) => Msg::Connection(connection),
            Heard::Admitted(name, me, role) => Msg::Admitted { name, me, role },
            Heard::Slow(slow) => Msg::Link { slow },
            Heard::Answered(told, query, answer) => {
                let asks = |wish: &Effect, wanted: Option<Ticket>| match wish {
                    Effect::Ask { ticket, query: q } if *q == *query => {
                        (wanted.is_none_or(|wanted| wanted == *ticket)).then_some(*ticket)
                    }
                    _ => None,
                };
                let named = self.awaited(|wish| asks(wish, Some(told)));
                let asked = named.or_else(|| self.awaited(|wish| asks(wish, None)));
                // What nobody asked here is about something that this recording begins after.
                let Some(ticket) = asked else { return Ok(()) };
                Msg::Answered { ticket, answer }
            }
            Heard::Known(query, answer) => {
                self.known.push((*query, answer));
                return Ok(());
            }
            Heard::Submitted(told, outcome) => {
                let numbered = |wish: &Effect, wanted: Option<Ticket>| match wish {
                    Effect::Submit { ticket, .. } => {
                        (wanted.is_none_or(|wanted| wanted == *ticket)).then_some(*ticket)
                    }
                    _ => None,
                };
                // The numbers differ where questions were under way when the recording begins.
                let named = self.awaited(|wish| numbered(wish, Some(told)));
                let ticket = named.or_else(|| self.awaited(|wish| numbered(wish, None)));
                let ticket = ticket.unwrap_or(told);
                Msg::Submitted { ticket, outcome }
            }
            Heard::Printed(ticket, output) => Msg::Printed { ticket, output },
            Heard::Completed(grammar) => Msg::Completed(grammar),
            Heard::Theme(name) => {
                let (depth, glyphs) = self.eyes;
                self.model.theme = theme::load(&name, &|_| Ok(None), depth, glyphs).0;
                return Ok(());
            }
            Heard::Filters(filters, said) => Msg::Filters(filters, said),
            Heard::OnTheWay(told, gone) => {
                let ticket = self.wishes.iter().find_map(way).unwrap_or(told);
                Msg::OnTheWay { ticket, gone }
            }
            Heard::Arrived(told, stands) => {
                // Ways are gone one after another, those that were given up too.
                let ticket = self.awaited(way).unwrap_or(told);
                let read = |(text, now): (String, Timestamp)| {
                    let state = match text.is_empty() {
                        true => Arc::clone(&self.model.state),
                        false => Arc::new(read_state(&text).ok_or("the snapshot cannot be read")?),
                    };
                    Ok::<_, String>((state, now))
                };
                let stands = match stands {
                    Ok(stands) => Ok(read(stands)?),
                    Err(failure) => Err(failure),
                };
                Msg::Arrived { ticket, stands }
            }
            Heard::Mail(seen) => Msg::Mail(seen),
            Heard::Runs(seen) => Msg::Runs(seen),
            Heard::Lives => Msg::Lives,
            Heard::Line(seen) => Msg::Line(seen),
            Heard::Copied(how) => Msg::Copied(how),
            Heard::Tick(now) => Msg::Tick(now),
            Heard::Drawn => {
                let wishes = settle(&mut self.model);
                self.wish(wishes);
                return Ok(());
            }
            Heard::Shown(hash) => {
                self.agrees = Some(hash == shown(&self.model));
                return Ok(());
            }
        };
        let wishes = update(&mut self.model, msg);
        self.wish(wishes);
        Ok(())
    }

    fn wish(&mut self, wishes: Vec<Effect>) {
        let awaited = |wish: &Effect| {
            matches!(wish, Effect::Ask { .. } | Effect::Submit { .. }) || way(wish).is_some()
        };
        for wish in wishes.into_iter().filter(awaited) {
            let known = match &wish {
                Effect::Ask { ticket, query } => {
                    let at = self.known.iter().position(|(known, _)| known == query);
                    at.map(|at| (*ticket, self.known.remove(at).1))
                }
                _ => None,
            };
            match known {
                Some((ticket, answer)) => {
                    let more = update(&mut self.model, Msg::Answered { ticket, answer });
                    self.wish(more);
                }
                None => self.wishes.push(wish),
            }
        }
    }

    /// Takes the first awaited wish that fits.
    fn awaited(&mut self, fits: impl Fn(&Effect) -> Option<Ticket>) -> Option<Ticket> {
        let at = self.wishes.iter().position(|wish| fits(wish).is_some())?;
        fits(&self.wishes.remove(at))
    }

    fn change(&mut self, records: &[Record]) -> Result<(), String> {
        for record in records {
            if record.seq > self.present.head.seq {
                evolve(&mut self.present, record)
                    .map_err(|error| format!("record {}: {error:?}", record.seq))?;
            }
        }
        Ok(())
    }
}
