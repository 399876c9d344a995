//! What a host does by itself: it reads the project's file again when that changes, and runs the gates of a stage on the
//! orders that entered it.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use super::{GateAsk, Project, run_gate};
use crate::{
    domain::{command::Role, id::OrderId},
    engine::{Handle, Reply, Subscription},
    ledger::{Fault, Home},
};

/// How often the project's file is looked at: an idle console has no faster timer.
const GLANCE: Duration = Duration::from_secs(5);
/// How long a run that could not be recorded is left alone.
const PAUSE: Duration = Duration::from_secs(60);

/// The host's runs. Dropping it ends those that go on: they leave no verdict, and the next host begins them anew.
pub struct Runner {
    stop: Arc<AtomicBool>,
    wake: mpsc::Sender<()>,
    thread: Option<JoinHandle<()>>,
    _subscription: Subscription,
}

impl Runner {
    /// Starts running gates in the name of the host of this term.
    ///
    /// # Errors
    ///
    /// No thread could be started.
    pub fn start(home: &Home, handle: &Handle, term: u64) -> Result<Runner, Fault> {
        let stop = Arc::new(AtomicBool::new(false));
        let (wake, woken) = mpsc::channel();
        let ring = wake.clone();
        // A runner that has ended needs no bell.
        let subscription = handle.subscribe(move |_| {
            let _ = ring.send(());
        });
        let host = Host {
            home: home.clone(),
            handle: handle.clone(),
            term,
            stop: Arc::clone(&stop),
            file: None,
            under_way: Arc::default(),
            threads: vec![],
        };
        let thread = thread::Builder::new()
            .name("gates".into())
            .spawn(move || host.run(&woken))
            .map_err(|error| Fault::io(home.path(), "starting to run gates", &error))?;
        Ok(Runner {
            stop,
            wake,
            thread: Some(thread),
            _subscription: subscription,
        })
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
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
    home: Home,
    handle: Handle,
    term: u64,
    stop: Arc<AtomicBool>,
    /// The file as it was last read: when it was written, and its length.
    file: Option<Option<(SystemTime, u64)>>,
    under_way: UnderWay,
    threads: Vec<JoinHandle<()>>,
}

impl Host {
    fn run(mut self, woken: &mpsc::Receiver<()>) {
        while !self.stop.load(Ordering::Relaxed) {
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
        let project = Project::of(&self.home);
        let about = fs::metadata(project.line_file()).ok();
        let now = about.and_then(|about| Some((about.modified().ok()?, about.len())));
        if self.file == Some(now) {
            return;
        }
        self.file = Some(now);
        let (changes, problems) = project.changes(&self.handle.state());
        for problem in problems {
            tracing::warn!(%problem, "the project's file");
        }
        for change in changes {
            match self.handle.submit(change) {
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
        for due in self.handle.state().gates_due() {
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
            let (home, mut handle, term) = (self.home.clone(), self.handle.clone(), self.term);
            let (stop, under_way) = (Arc::clone(&self.stop), Arc::clone(&self.under_way));
            let run = move || {
                let (order, gate) = due.clone();
                let (actor, role) = (None, Role::Admin);
                let ask = GateAsk {
                    order,
                    gate,
                    actor,
                    role,
                };
                let done = run_gate(&mut handle, &home, &ask, Some(term), &stop);
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
