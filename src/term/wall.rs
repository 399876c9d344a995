//! A wall's way to its ledger: it only looks, and a ledger or engine that is lost is looked for until it is back.

use std::{
    os::unix::fs::MetadataExt as _,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{desk::Desk, post::Post, run::Session};
use crate::{
    domain::{command::Command, moment::Moment, query::Query, record::Seq, time::Timestamp},
    link::{self, Home, Subscription, Watching},
    ui::{
        effect::Ticket,
        log::Wish,
        look::Wanted,
        mail::MailAct,
        model::EVENTS_KEPT,
        msg::{Connection, Failure, Msg},
    },
};

/// How often it is seen whether the ledger is still there, or is there again.
const LOOK: Duration = Duration::from_secs(5);

/// What the worker is asked.
type Question = (Ticket, Query);

/// A session of a wall.
pub(super) struct WallSession {
    questions: Option<mpsc::Sender<Question>>,
    worker: Option<JoinHandle<()>>,
    desk: Desk,
    post: Post,
}

impl WallSession {
    /// Looks at the ledger of a home, from as soon as it can be opened.
    pub(super) fn open(home: Home, post: Post, desk: Desk) -> WallSession {
        let (questions, inbox) = mpsc::channel();
        let told = post.clone();
        let worker = thread::spawn(move || keep_looking(&home, &told, &inbox));
        WallSession {
            questions: Some(questions),
            worker: Some(worker),
            desk,
            post,
        }
    }
}

impl Drop for WallSession {
    fn drop(&mut self) {
        drop(self.questions.take());
        if let Some(worker) = self.worker.take()
            && worker.join().is_err()
        {
            tracing::error!("the wall's worker panicked");
        }
    }
}

/// A wall asks, and nothing else: whatever would change something has nowhere to go.
impl Session for WallSession {
    fn submit(&mut self, _: Ticket, _: Command, _: Option<u32>, _: Option<Timestamp>) {
        tracing::error!("a wall submits nothing");
    }

    fn ask(&mut self, ticket: Ticket, query: Query) {
        if let Some(questions) = &self.questions
            && questions.send((ticket, query)).is_err()
        {
            tracing::error!("the wall's worker is gone");
        }
    }

    fn travel(&mut self, _: Ticket, _: Option<Moment>) {}

    fn run_line(&mut self, _: Ticket, _: String) {}

    fn files(&mut self, wanted: Wanted) {
        self.post.tell(self.desk.answer(wanted));
    }

    fn mail(&mut self, _: MailAct) {}

    fn watch(&mut self, _: Option<Wish>) {}

    fn step_down(&mut self) {}

    fn stand(&mut self) {}

    fn now(&self) -> Timestamp {
        link::now()
    }
}

/// A ledger that is open, and which file it was opened as.
struct Sight {
    // It ends first: what it tells of is the engine behind it.
    _subscription: Subscription,
    watching: Arc<Watching>,
    file: (u64, u64),
    /// The newest record that the last look found: by the next one the engine has it, or does not keep up.
    seen: Seq,
}

impl Sight {
    fn open(home: &Home, post: &Post) -> Result<Sight, String> {
        let file = file_of(home)?;
        let watching = Watching::open(home).map_err(|fault| fault.to_string())?;
        let listener = post.clone();
        let subscription = watching
            .subscribe(move |news| listener.changed(Arc::clone(&news.state), &news.records));
        let recent = watching.recent(EVENTS_KEPT);
        post.changed(
            watching.state(),
            &recent.map_err(|fault| fault.to_string())?,
        );
        Ok(Sight {
            _subscription: subscription,
            watching: Arc::new(watching),
            file,
            seen: 0,
        })
    }

    /// Returns why the ledger can no longer be seen, if so: it is gone, another one stands in its place, it cannot be
    /// read, or its records are no longer heard of.
    fn lost(&mut self, home: &Home, post: &Post) -> Option<String> {
        let file = match file_of(home) {
            Ok(file) => file,
            Err(why) => return Some(why),
        };
        if file != self.file {
            return Some("another ledger stands in its place".into());
        }
        let newest = match self.watching.recent(1) {
            Ok(records) => records.last().map_or(0, |record| record.seq),
            Err(fault) => return Some(fault.to_string()),
        };
        // The ledger is read beside the engine: that it can be read does not say that the engine goes on.
        if self.watching.state().head.seq >= self.seen {
            post.tell(Msg::Alive(link::now()));
        }
        self.seen = newest;
        None
    }

    fn answer(&self, query: &Query) -> Result<Box<crate::domain::query::Answer>, Failure> {
        match self.watching.ask(query) {
            Ok(Ok(answer)) => Ok(Box::new(answer)),
            Ok(Err(refusal)) => Err(Failure::Refused(refusal)),
            Err(failure) => Err(Failure::Fault(failure.to_string())),
        }
    }
}

/// Returns which file the ledger is: its device and its number there.
pub(super) fn file_of(home: &Home) -> Result<(u64, u64), String> {
    let database = home.database();
    let about = std::fs::metadata(&database);
    let about = about.map_err(|error| format!("{}: {error}", database.display()))?;
    Ok((about.dev(), about.ino()))
}

/// Opens the ledger, answers, and looks whether it is still there, until nobody asks any more.
fn keep_looking(home: &Home, post: &Post, inbox: &mpsc::Receiver<Question>) {
    let mut sight: Option<Sight> = None;
    let mut down: Option<String> = None;
    loop {
        let why = match &mut sight {
            Some(open) => open.lost(home, post),
            None => match Sight::open(home, post) {
                Ok(open) => {
                    sight = Some(open);
                    None
                }
                Err(why) => Some(why),
            },
        };
        if let Some(why) = why {
            sight = None;
            if down.is_none() {
                let since = link::now();
                let why = why.clone();
                post.tell(Msg::Connection(Connection::Down {
                    since,
                    why,
                    next_try: None,
                }));
            }
            down = Some(why);
        } else if down.take().is_some() {
            post.tell(Msg::Connection(Connection::Attached));
        }
        // Questions do not put off the next look for ever: each is answered, and then it is looked.
        let (ticket, query) = match inbox.recv_timeout(LOOK) {
            Ok(question) => question,
            Err(mpsc::RecvTimeoutError::Timeout) => continue,
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        };
        let answer = match &sight {
            Some(open) => open.answer(&query),
            None => Err(Failure::Fault("the ledger is lost".into())),
        };
        post.tell(Msg::Answered { ticket, answer });
    }
}
