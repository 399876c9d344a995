//! Agents as processes: started, watched, given work, and ended whole.
//!
//! `machine` says when an agent may run (pure), `pool` is the loop that does it, `dispatch` pulls orders and writes down
//! what became of them, `completion` sees what is done to its end, `exec` and `stdio` are the two ways to run an agent, `mail` is a
//! lasting agent's way to the bus, `landing` is the way of an order that has a worktree of its own, `conditions` what must be so before new work is begun, `runs` what is
//! noted of it, `lives` what others see of it, and `recovery` what a host does that comes after one that was killed. How a
//! process is started, heard and ended whole is `engine/process`, which gates are run by too.
//!
//! Everything that is done for an agent is submitted as that agent under its claim's epoch, so that the rules decide and
//! a claim that is over writes nothing. A host whose term is over starts nothing.

mod budgets;
mod completion;
mod conditions;
mod context;
mod dispatch;
mod exec;
mod inbox;
mod landing;
pub(super) mod lives;
mod machine;
mod mail;
mod member;
mod meter;
mod place;
mod pool;
mod recovery;
mod runs;
mod stdio;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
    thread::{self, JoinHandle},
    time::SystemTime,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};

use self::{
    context::{Context, Fates, PostOffice},
    inbox::Note,
    pool::Pool,
};
pub use self::{
    dispatch::{Report, Verdict},
    runs::{RunNote, newest as newest_runs},
};
pub use super::process::{
    runner,
    segments::{HEAD, Kept, Piece, SEGMENT, read as read_output},
};
use super::{Handle, Reply, Subscription, own_act, owned::foreign, process};
use crate::{
    config::{
        Document, Problem,
        line::{LINE_FILE, Line, Words},
    },
    domain::{
        command::Role,
        message::Topic,
        order::{Bucket, Kind},
        query::life::{Life, Lives},
        refusal::Refusal,
        settings::Stage,
    },
    ledger::{Fault, Home},
};

/// What somebody wants of a supervised agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Errand {
    /// It is to run, though it was stopped or parked.
    Spawn,
    /// It is to end, and not to run again until it is spawned.
    Stop,
    /// It is to run this many times at once.
    Scale(usize),
}

/// An errand with its agent and the caller's right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Wish {
    /// Which agent.
    pub agent: String,
    /// What is to be done.
    pub errand: Errand,
    /// What the caller may do.
    pub role: Role,
}

struct Running {
    post: mpsc::UnboundedSender<Note>,
    lives: watch::Receiver<Lives>,
    thread: Option<JoinHandle<()>>,
    _subscription: Subscription,
}

/// What was last seen of the file, and what was wrong in it.
#[derive(Default)]
struct Seen {
    stamp: Option<(SystemTime, u64)>,
    problems: Vec<Problem>,
    agents: usize,
    looked: bool,
    /// Whether the file's budgets were once read without a mistake.
    budgeted: bool,
}

/// The supervision of a host. Dropping it ends every run.
pub struct Supervisor {
    home: Home,
    handle: Handle,
    term: u64,
    program: PathBuf,
    seen: Mutex<Seen>,
    running: Mutex<Option<Running>>,
}

impl Supervisor {
    /// Returns the supervision of a ledger whose host this process is by this term. `program` is obeya itself, which has
    /// the runner in it. Nothing runs before [`Supervisor::look`].
    pub fn new(home: &Home, handle: Handle, term: u64, program: PathBuf) -> Self {
        Supervisor {
            home: home.clone(),
            handle,
            term,
            program,
            seen: Mutex::default(),
            running: Mutex::default(),
        }
    }

    /// Reads `obeya.toml` if it is new or has changed, and runs what it says. Cheap enough for every few seconds.
    ///
    /// # Errors
    ///
    /// The supervision's thread could not be started.
    pub fn look(&self) -> Result<(), Fault> {
        let file = self.home.project().join(LINE_FILE);
        let stamp = fs::metadata(&file)
            .ok()
            .and_then(|about| Some((about.modified().ok()?, about.len())));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.looked && seen.stamp == stamp {
            return Ok(());
        }
        let first = !std::mem::replace(&mut seen.looked, true);
        seen.stamp = stamp;
        let (mut line, mut problems) = read(&file, &self.handle.state().settings.stages);
        let sound = problems.is_empty();
        // A limit that was never read limits nobody: nobody begins. Those that were read before hold on.
        seen.budgeted |= !line.budgets.mistaken;
        if !seen.budgeted && !line.agents.is_empty() {
            line.agents.clear();
            let what = "a budget in it has a mistake or may have one, so that nobody is given work";
            problems.push(Problem::new(file.display(), what, "mend it first"));
        }
        for problem in &problems {
            tracing::warn!(%problem, "obeya.toml");
        }
        seen.problems = problems;
        seen.agents = line.agents.len();
        drop(seen);
        if !self.put_budgets(&line, sound) {
            // It is read again at the next look, and nobody gets work by it before.
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.looked = false;
            return Ok(());
        }
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let left_over = || first && !runs::open(&self.home).is_empty();
        if running.is_none() && line.agents.is_empty() && !left_over() {
            if first {
                // What the host before said about agents that are nobody's now.
                lives::clear(&self.home);
            }
            return Ok(());
        }
        let running = match &mut *running {
            Some(running) => running,
            none => none.insert(self.start()?),
        };
        let _ = running.post.send(Note::Rules(line));
        Ok(())
    }

    /// Puts the file's budgets on the ledger, before anybody is given work under them. Returns whether that was done.
    fn put_budgets(&self, line: &Line, sound: bool) -> bool {
        for command in budgets::changes(line, sound, &self.handle.state()) {
            match self.handle.submit(own_act(command)) {
                Reply::Done(_) => {}
                Reply::Refused(refusal) => tracing::warn!(%refusal, "a budget was refused"),
                Reply::Failed(failure) => {
                    tracing::warn!(%failure, "a budget could not be set");
                    return false;
                }
            }
        }
        true
    }

    /// Returns what was wrong in the file when it was last read.
    pub fn problems(&self) -> Vec<Problem> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.problems.clone()
    }

    /// Returns whether every agent of the file has been taken up, and what there was for it been handed out once.
    pub fn is_under_way(&self) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = seen.agents;
        drop(seen);
        self.lives().len() >= wanted
    }

    /// Returns what the agents are about.
    pub fn lives(&self) -> Lives {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running
            .as_ref()
            .map(|running| running.lives.borrow().clone())
            .unwrap_or_default()
    }

    /// Hands an errand on. `answer` hears what the agent is about then, or why not, from the supervision's thread; where
    /// that has ended it is dropped.
    pub fn ask(&self, wish: Wish, answer: impl FnOnce(Result<Life, Refusal>) + Send + 'static) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        match &*running {
            Some(running) => drop(running.post.send(Note::Asked(wish, Box::new(answer)))),
            None => answer(Err(pool::not_there(&wish.agent))),
        }
    }

    /// Ends every run, and returns when nothing of them is left.
    pub fn end(&self) {
        let running = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.take()
        };
        if let Some(mut running) = running {
            let _ = running.post.send(Note::Stop);
            if let Some(thread) = running.thread.take()
                && thread.join().is_err()
            {
                tracing::error!("the supervisor's thread panicked");
            }
        }
    }

    fn start(&self) -> Result<Running, Fault> {
        let (post, inbox) = mpsc::unbounded_channel();
        let (send_news, news) = watch::channel(self.handle.state());
        let (send_lives, lives) = watch::channel(Lives::new());
        let fates = Fates::default();
        let listener = {
            let fates = fates.clone();
            move |news: &super::News| {
                news.records.iter().for_each(|record| fates.note(record));
                send_news.send_replace(Arc::clone(&news.state));
            }
        };
        let subscription = self.handle.subscribe(listener);
        let context = Context {
            home: self.home.clone(),
            handle: self.handle.clone(),
            term: self.term,
            program: self.program.clone(),
            post: post.clone(),
            news,
            fates,
            failures: Mutex::default(),
            headroom: Mutex::default(),
            post_office: PostOffice::default(),
            left: Mutex::default(),
            looks: Mutex::default(),
            leaving: AtomicBool::default(),
        };
        let failed = |error: io::Error| {
            Fault::io(
                self.home.path(),
                "starting the supervision of agents",
                &error,
            )
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let thread = thread::Builder::new()
            .name("supervisor".into())
            .spawn(move || {
                runtime.block_on(Pool::new(context, send_lives).run(inbox));
                runtime.shutdown_background();
            })
            .map_err(failed)?;
        Ok(Running {
            post,
            lives,
            thread: Some(thread),
            _subscription: subscription,
        })
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.end();
    }
}

/// Returns what an `obeya.toml` says in the words of this ledger, whose stages are these, and what was wrong in it.
pub fn read(file: &Path, stages: &[Stage]) -> (Line, Vec<Problem>) {
    if let Some(problem) = foreign(file) {
        return (Line::default(), vec![problem]);
    }
    let document = match Document::read(file) {
        Ok(Some(document)) => document,
        Ok(None) => return (Line::default(), vec![]),
        Err(problem) => return (Line::default(), vec![problem]),
    };
    read_document(&document, stages)
}

/// Returns what the text of an `obeya.toml` says in the words of this ledger, and what is wrong in it. Where no `stages` are given
/// any is right.
pub fn read_document(document: &Document, stages: &[Stage]) -> (Line, Vec<Problem>) {
    let buckets: Vec<_> = Bucket::ALL.iter().map(|bucket| bucket.word()).collect();
    let kinds: Vec<_> = Kind::ALL.iter().map(|kind| kind.word()).collect();
    let topics: Vec<_> = Topic::ALL.iter().map(|topic| topic.word()).collect();
    let stages: Vec<_> = stages.iter().map(|stage| stage.name.as_str()).collect();
    let words = Words {
        buckets: &buckets,
        kinds: &kinds,
        topics: &topics,
        stages: &stages,
    };
    Line::read(document, words)
}
