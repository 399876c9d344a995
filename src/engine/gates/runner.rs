//! What a host does by itself: it reads the project's file again when that changes, and runs the gates of a stage on the
//! orders that entered it.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use super::{Asked, GateAsk, Project, Ready, run_gate};
use crate::{
    domain::{command::Role, id::OrderId},
    engine::{Handle, Reply, Subscription},
    ledger::{Fault, Home},
};

/// How often the project's file is looked at: an idle console has no faster timer.
const GLANCE: Duration = Duration::from_secs(5);
/// How long a run that could not be recorded is left alone.
const PAUSE: Duration = Duration::from_secs(60);

/// Where others ask the host for a run.
#[derive(Clone)]
pub struct Desk {
    home: Home,
    handle: Handle,
    term: u64,
    stop: Arc<AtomicBool>,
    /// Read-locked by every run that was asked for.
    going_on: Arc<RwLock<()>>,
}

impl Desk {
    /// Returns the desk of the host of this term.
    pub fn new(home: &Home, handle: &Handle, term: u64) -> Desk {
        Desk {
            home: home.clone(),
            handle: handle.clone(),
            term,
            stop: Arc::default(),
            going_on: Arc::default(),
        }
    }

    /// Ends the runs that were asked for, and returns once they have.
    pub fn close(&self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(
            self.going_on
                .write()
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// Runs a gate in the host's name, on the caller's thread.
    ///
    /// # Errors
    ///
    /// The ledger could not be used, or the host ended the run because it stepped down.
    pub fn ask(&self, ask: &GateAsk) -> Asked {
        let _going_on = self.going_on.read().unwrap_or_else(PoisonError::into_inner);
        run_gate(
            &mut self.handle.clone(),
            &self.home,
            ask,
            Some(self.term),
            &self.stop,
        )
    }

    /// Runs what was prepared, in the host's name, on the caller's thread.
    ///
    /// # Errors
    ///
    /// As of [`Desk::ask`].
    pub fn run(&self, ready: Ready) -> Asked {
        let _going_on = self.going_on.read().unwrap_or_else(PoisonError::into_inner);
        ready.run(&mut self.handle.clone(), Some(self.term), &self.stop)
    }
}

/// The host's runs. Dropping it ends those that go on: they leave no verdict, and the next host begins them anew.
pub struct Runner {
    desk: Desk,
    wake: mpsc::Sender<()>,
    thread: Option<JoinHandle<()>>,
    _subscription: Subscription,
}

impl Runner {
    /// Puts the project's gates on the ledger, and starts running them in the name of the host of this term.
    ///
    /// # Errors
    ///
    /// No thread could be started.
    pub fn start(desk: Desk) -> Result<Runner, Fault> {
        let (wake, woken) = mpsc::channel();
        let ring = wake.clone();
        // A runner that has ended needs no bell.
        let subscription = desk.handle.subscribe(move |news| {
            // Where there are no gates, no commit needs to wake anybody.
            if !news.state.settings.gates.is_empty() {
                let _ = ring.send(());
            }
        });
        let mut host = Host {
            desk: desk.clone(),
            file: None,
            under_way: Arc::default(),
            threads: vec![],
        };
        // The gates stand before this host hands out any work.
        host.read();
        let thread = thread::Builder::new()
            .name("gates".into())
            .spawn(move || host.run(&woken))
            .map_err(|error| Fault::io(desk.home.path(), "starting to run gates", &error))?;
        Ok(Runner {
            desk,
            wake,
            thread: Some(thread),
            _subscription: subscription,
        })
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.desk.stop.store(true, Ordering::Relaxed);
        let _ = self.wake.send(());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the gates panicked");
        }
    }
}

/// Runs that go on (None), or that are left alone until then.
type UnderWay = Arc<Mutex<BTreeMap<(OrderId, String), Option<Instant>>>>;

struct Host {
    desk: Desk,
    /// The file as it was last read: when it was written, and its length.
    file: Option<Option<(SystemTime, u64)>>,
    under_way: UnderWay,
    threads: Vec<JoinHandle<()>>,
}

impl Host {
    fn run(mut self, woken: &mpsc::Receiver<()>) {
        while !self.desk.stop.load(Ordering::Relaxed) {
            self.read();
            self.begin();
            match woken.recv_timeout(GLANCE) {
                // Many versions at once are one reason to look.
                Ok(()) => while woken.try_recv().is_ok() {},
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("the run of a gate panicked");
            }
        }
    }

    /// Puts the project's gates on the ledger, if its file changed.
    fn read(&mut self) {
        let project = Project::of(&self.desk.home);
        let about = fs::metadata(project.line_file()).ok();
        let now = about.and_then(|about| Some((about.modified().ok()?, about.len())));
        if self.file == Some(now) {
            return;
        }
        self.file = Some(now);
        let (changes, problems) = project.changes(&self.desk.handle.state());
        for problem in problems {
            tracing::warn!(%problem, "the project's file");
        }
        for change in changes {
            match self.desk.handle.submit(change) {
                Reply::Done(_) => {}
                Reply::Refused(refusal) => tracing::warn!(%refusal, "a gate was refused"),
                // It is read again at the next look.
                Reply::Failed(failure) => {
                    tracing::warn!(%failure, "a gate was not put up");
                    self.file = None;
                }
            }
        }
    }

    /// Begins every run that is due and not under way.
    fn begin(&mut self) {
        self.threads.retain(|thread| !thread.is_finished());
        for due in self.desk.handle.state().gates_due() {
            let mut under_way = self
                .under_way
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            match under_way.get(&due) {
                Some(None) => continue,
                Some(Some(until)) if Instant::now() < *until => continue,
                _ => under_way.insert(due.clone(), None),
            };
            drop(under_way);
            let (desk, under_way) = (self.desk.clone(), Arc::clone(&self.under_way));
            let run = move || {
                let (order, gate) = due.clone();
                let (actor, role) = (None, Role::Admin);
                let ask = GateAsk {
                    order,
                    gate,
                    actor,
                    role,
                };
                let done = desk.ask(&ask);
                let mut under_way = under_way.lock().unwrap_or_else(PoisonError::into_inner);
                match done {
                    Ok(Ok(_)) => drop(under_way.remove(&due)),
                    other => {
                        tracing::info!(order = %ask.order, gate = ask.gate, ?other, "no verdict");
                        under_way.insert(due, Some(Instant::now() + PAUSE));
                    }
                }
            };
            match thread::Builder::new().name("gate".into()).spawn(run) {
                Ok(thread) => self.threads.push(thread),
                Err(error) => tracing::warn!(%error, "a gate was not run"),
            }
        }
    }
}
