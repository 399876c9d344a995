//! What a host does by itself: it reads the project's file again when that changes, runs the gates of a stage on the orders
//! that entered it, and those for want of which somebody was refused.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use super::{
    Asked, GateAsk, Project, Ready,
    run::{GLANCE as RUN_GLANCE, claim_name},
    run_gate,
    store::Store,
};
use crate::{
    domain::{
        command::Role,
        gate::{ClosedGate, Standing},
        id::OrderId,
        refusal::Refusal,
    },
    engine::{Handle, Reply, Subscription},
    ledger::{Fault, FaultKind, Home},
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
    under_way: UnderWay,
    /// Whether this host runs gates without being asked.
    by_itself: Arc<AtomicBool>,
}

/// Runs that the host began by itself and that go on (None), or that are left alone until then.
type UnderWay = Arc<Mutex<BTreeMap<(OrderId, String), Option<Instant>>>>;

impl Desk {
    /// Returns the desk of the host of this term.
    pub fn new(home: &Home, handle: &Handle, term: u64) -> Desk {
        Desk {
            home: home.clone(),
            handle: handle.clone(),
            term,
            stop: Arc::default(),
            going_on: Arc::default(),
            under_way: Arc::default(),
            by_itself: Arc::default(),
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
        if self.stop.load(Ordering::Relaxed) {
            let what = "the host has stepped down, and runs nothing more";
            return Err(Fault::new(FaultKind::Busy, self.home.path(), what).into());
        }
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

    /// Waits until nobody runs a gate on an order any more, and returns whether somebody did.
    pub fn outlast(&self, order: OrderId, gate: &str) -> bool {
        let store = Store::of(&self.home);
        let name = claim_name(order, gate);
        let mut went_on = false;
        // Whoever runs it may be another process, which tells nobody when it is done.
        while !self.stop.load(Ordering::Relaxed) && matches!(store.claim(&name), Ok(None)) {
            went_on = true;
            thread::sleep(RUN_GLANCE);
        }
        went_on
    }

    /// Begins the runs for want of which a move or a completion was refused, and returns the reply with what is being run
    /// now: the next try finds their verdicts. A host that runs nothing by itself returns the reply as it is.
    pub fn heed(&self, reply: Reply) -> Reply {
        match reply {
            Reply::Refused(Refusal::GateClosed { id, mut gates })
                if self.by_itself.load(Ordering::Relaxed) =>
            {
                let unseen = |gate: &&mut ClosedGate| {
                    let lacking =
                        matches!(gate.standing, Standing::Missing | Standing::Stale { .. });
                    lacking && !gate.approval
                };
                for gate in gates.iter_mut().filter(unseen) {
                    if self.begin((id, gate.gate.clone())) {
                        gate.standing = Standing::Running;
                    }
                }
                Reply::Refused(Refusal::GateClosed { id, gates })
            }
            reply => reply,
        }
    }

    /// Begins a run on a thread of its own, and returns whether it goes on.
    fn begin(&self, due: (OrderId, String)) -> bool {
        let mut under_way = lock(&self.under_way);
        match under_way.get(&due) {
            Some(None) => return true,
            Some(Some(until)) if Instant::now() < *until => return false,
            _ => under_way.insert(due.clone(), None),
        };
        drop(under_way);
        let desk = self.clone();
        let key = due.clone();
        let run = move || {
            let (order, gate) = due.clone();
            let ask = GateAsk {
                order,
                gate,
                actor: None,
                role: Role::Admin,
            };
            let done = desk.ask(&ask);
            let mut under_way = lock(&desk.under_way);
            match done {
                Ok(Ok(_)) => drop(under_way.remove(&due)),
                other => {
                    tracing::info!(order = %ask.order, gate = ask.gate, ?other, "no verdict");
                    under_way.insert(due, Some(Instant::now() + PAUSE));
                }
            }
        };
        match thread::Builder::new().name("gate".into()).spawn(run) {
            Ok(_) => true,
            Err(error) => {
                tracing::warn!(%error, "a gate was not run");
                lock(&self.under_way).remove(&key);
                false
            }
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
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
        };
        // The gates stand before this host hands out any work.
        host.read();
        desk.by_itself.store(true, Ordering::Relaxed);
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

struct Host {
    desk: Desk,
    /// The file as it was last read: when it was written, and its length.
    file: Option<Option<(SystemTime, u64)>>,
}

impl Host {
    fn run(mut self, woken: &mpsc::Receiver<()>) {
        while !self.desk.stop.load(Ordering::Relaxed) {
            self.read();
            for due in self.desk.handle.state().gates_due() {
                self.desk.begin(due);
            }
            match woken.recv_timeout(GLANCE) {
                // Many versions at once are one reason to look.
                Ok(()) => while woken.try_recv().is_ok() {},
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
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
}
