//! What comes from an engine elsewhere, told to the loop.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicI64, Ordering},
    mpsc,
};

use super::{
    Errands,
    look::{self, Looks},
};
use crate::{
    domain::{
        command::Role,
        order::Actor,
        record::{Record, Seq},
        state::State,
        time::Timestamp,
    },
    link::{
        self, SessionNews,
        bus::Caller,
        protocol::socket::{Beside, Welcome},
        remote::{LinkState, MirrorNews},
    },
    term::Post,
    ui::{
        model::EVENTS_KEPT,
        msg::{Connection, Msg},
    },
};

/// How the first try to see anything ended.
pub(super) enum First {
    /// The line is seen.
    Seen,
    /// The engine was not reached: why, and whether it does not want this console.
    Unreached { why: String, denied: bool },
}

/// What the console's threads know of the engine and of who sits here.
pub(super) struct Seat {
    /// Who acts, where a token does not say so.
    own: Actor,
    /// The most that is to be done here, whatever the engine allows.
    most: Role,
    /// Who acts as far as the engine is concerned.
    caller: Mutex<Caller>,
    /// By how much the engine's clock is ahead of this machine's, in microseconds.
    ahead: AtomicI64,
    /// Whether what agents are about is on screen.
    watched: AtomicBool,
}

impl Seat {
    pub(super) fn new(own: Actor, most: Role) -> Seat {
        let caller = Mutex::new(Caller {
            actor: own.clone(),
            role: most,
        });
        Seat {
            own,
            most,
            caller,
            ahead: AtomicI64::new(0),
            watched: AtomicBool::new(false),
        }
    }

    /// Returns who acts, and what they may do.
    pub(super) fn caller(&self) -> Caller {
        let caller = self.caller.lock().unwrap_or_else(PoisonError::into_inner);
        caller.clone()
    }

    /// Notes whether what agents are about is on screen.
    pub(super) fn watch(&self, watched: bool) {
        self.watched.store(watched, Ordering::Relaxed);
    }

    /// Returns the engine's time: what is on screen has its times.
    pub(super) fn now(&self) -> Timestamp {
        self.engine_time(link::now())
    }

    fn engine_time(&self, own: Timestamp) -> Timestamp {
        own.plus(self.ahead.load(Ordering::Relaxed))
    }

    /// Takes the seat that the engine gives, and returns who sits there then.
    fn admit(&self, welcome: &Welcome) -> Caller {
        self.ahead
            .store(welcome.now.since(link::now()), Ordering::Relaxed);
        let admitted = Caller {
            actor: welcome.actor.clone().unwrap_or_else(|| self.own.clone()),
            role: welcome.role.min(self.most),
        };
        let mut caller = self.caller.lock().unwrap_or_else(PoisonError::into_inner);
        caller.clone_from(&admitted);
        admitted
    }
}

/// The versions as they come, with the records before the first of them fetched once.
#[derive(Default)]
struct Line {
    state: Arc<State>,
    /// What came since the newest records were asked for; None where they are known.
    gathered: Option<Vec<Record>>,
}

/// Hears a mirror.
pub(super) struct Listener {
    post: Post,
    seat: Arc<Seat>,
    /// What the user calls the line, if anything.
    name: Option<String>,
    errands: Errands,
    looks: Looks,
    first: Option<mpsc::Sender<First>>,
    line: Arc<Mutex<Line>>,
    /// The engine's newest record at its last beat: by the next one it is here, or this copy does not keep up.
    beaten: Seq,
    /// Whether somebody wants to know that the engine is alive: on a wall.
    wall: bool,
}

impl Listener {
    pub(super) fn new(
        post: Post,
        seat: Arc<Seat>,
        name: Option<String>,
        errands: Errands,
        first: mpsc::Sender<First>,
        wall: bool,
    ) -> Listener {
        Listener {
            post,
            seat,
            name,
            errands,
            looks: Looks::default(),
            first: Some(first),
            line: Arc::default(),
            beaten: 0,
            wall,
        }
    }

    pub(super) fn hear(&mut self, news: MirrorNews) {
        match news {
            MirrorNews::Welcome(welcome) => {
                let Caller { actor: me, role } = self.seat.admit(&welcome);
                // Whoever gave it a name of their own knows it by that.
                let name = self.name.clone();
                let name = name.unwrap_or_else(|| crate::text::clean(&welcome.name).into_owned());
                self.post.tell(Msg::Admitted { name, me, role });
            }
            MirrorNews::Changed(news) => self.changed(news),
            MirrorNews::Link(link) => {
                match &link {
                    LinkState::Live => self.tried(First::Seen),
                    LinkState::Late { .. } => {}
                    LinkState::Down { why, denied, .. } => {
                        let (why, denied) = (why.clone(), *denied);
                        self.tried(First::Unreached { why, denied });
                    }
                }
                let connection = self.connection(link);
                self.post.tell(Msg::Connection(connection));
            }
            MirrorNews::Alive(_, seq) => {
                let here = lock(&self.line).state.head.seq;
                if self.wall && here >= self.beaten {
                    self.post.tell(Msg::Alive(self.seat.now()));
                }
                self.beaten = seq;
            }
            MirrorNews::Stirred(beside) => self.stirred(beside),
        }
    }

    fn tried(&mut self, first: First) {
        if let Some(waiting) = self.first.take() {
            // Who waited in vain does not wait any more.
            let _ = waiting.send(first);
        }
    }

    fn changed(&self, news: SessionNews) {
        let mut line = lock(&self.line);
        line.state = Arc::clone(&news.state);
        // A version that came whole says nothing of what led to it.
        let whole = news.records.is_empty();
        match &mut line.gathered {
            None if whole => {
                line.gathered = Some(Vec::new());
                drop(line);
                let (shared, post) = (Arc::clone(&self.line), self.post.clone());
                self.errands.add(move |attached| {
                    let recent = attached.recent(EVENTS_KEPT).unwrap_or_else(|fault| {
                        tracing::warn!(%fault, "what happened before cannot be shown");
                        Vec::new()
                    });
                    let mut line = lock(&shared);
                    let since = line.gathered.take().unwrap_or_default();
                    // What came meanwhile may be among them.
                    let last = recent.last().map_or(0, |record| record.seq);
                    let since = since.into_iter().filter(|record| record.seq > last);
                    let records: Vec<Record> = recent.into_iter().chain(since).collect();
                    post.changed(Arc::clone(&line.state), &records);
                });
                self.post.changed(news.state, &[]);
            }
            Some(gathered) => {
                gathered.extend_from_slice(&news.records);
                self.post.changed(news.state, &[]);
            }
            None => self.post.changed(news.state, &news.records),
        }
    }

    fn stirred(&self, beside: Beside) {
        match beside {
            Beside::Messages => {
                look::at_mail(&self.looks, &self.errands, &self.seat, &self.post);
            }
            Beside::Lives if self.seat.watched.load(Ordering::Relaxed) => {
                self.post.tell(Msg::Lives);
            }
            Beside::Lives => {}
            Beside::Line => {
                let line = Arc::clone(&self.line);
                let stages = move || lock(&line).state.settings.stages.clone();
                look::at_line(&self.looks, &self.errands, &self.seat, &self.post, stages);
            }
        }
    }

    fn connection(&self, link: LinkState) -> Connection {
        match link {
            LinkState::Live => Connection::Live,
            LinkState::Late { since } => Connection::Late {
                since: self.seat.engine_time(since),
            },
            LinkState::Down {
                since,
                why,
                next_try,
                ..
            } => Connection::Down {
                since: self.seat.engine_time(since),
                why,
                next_try: Some(self.seat.engine_time(next_try)),
            },
        }
    }
}

fn lock(line: &Mutex<Line>) -> std::sync::MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}
