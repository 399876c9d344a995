//! The console's look at what agents write: the part that is on screen, again whenever there is more, and told only when it is
//! another. Nothing is looked at while nothing is wished for.

mod scan;
mod window;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use self::{scan::Scan, window::window};
use super::Post;
use crate::{
    link::{Home, Kept, RunNote, newest_runs},
    ui::{
        log::{RunSeen, Sight, Wish, working_first},
        msg::Msg,
    },
};

/// How often it is looked without being told: what the system does not tell of is seen that late.
const LOOK: Duration = Duration::from_secs(5);

/// How long after a look the next one is at the earliest, however much is written: faster than anyone reads.
const SPACING: Duration = Duration::from_millis(200);

/// How many runs of an agent are looked at; as many are kept of all.
const RUNS: usize = 256;

/// How many of them are shown, the newest; older ones are found by the command line.
const SHOWN: usize = 50;

#[derive(Default)]
struct State {
    wish: Option<Wish>,
    /// It was wished for something else.
    asked: bool,
    /// Something was written.
    written: bool,
    /// A host said what its agents are about.
    lives: bool,
    ended: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, tell: impl FnOnce(&mut State)) {
        tell(&mut self.lock());
        self.changed.notify_one();
    }

    /// Waits until there is something to look at and a reason to. Returns what to look at, whether lives are another, or
    /// nothing if nobody wants to know any more; a pause without a wish is begun by `rest`.
    fn next(&self, looked: Option<Instant>, rest: &mut dyn FnMut()) -> Option<(Wish, bool)> {
        let mut state = self.lock();
        loop {
            if state.ended {
                return None;
            }
            let Some(wish) = state.wish.clone() else {
                rest();
                let woken = self.changed.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let due = if state.written || state.lives {
                SPACING
            } else {
                LOOK
            };
            let since = looked.map_or(LOOK, |looked| looked.elapsed());
            if state.asked || since >= due {
                state.asked = false;
                state.written = false;
                let lives = std::mem::take(&mut state.lives);
                return Some((wish, lives));
            }
            let woken = self.changed.wait_timeout(state, due - since);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Looks at what agents write until it is dropped.
pub(super) struct Watcher {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Waits for wishes about the runs of the ledger in `home`.
    pub(super) fn start(home: Home, post: Post) -> Watcher {
        let shared = Arc::<Shared>::default();
        let heard = Arc::clone(&shared);
        Watcher {
            shared,
            thread: Some(thread::spawn(move || keep_looking(&home, &post, &heard))),
        }
    }

    /// Looks at this from now on, or at nothing.
    pub(super) fn wish(&self, wish: Option<Wish>) {
        self.shared.tell(|state| {
            state.wish = wish;
            state.asked = true;
        });
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.shared.tell(|state| state.ended = true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that looks at logs panicked");
        }
    }
}

fn keep_looking(home: &Home, post: &Post, shared: &Arc<Shared>) {
    let mut ear: Option<Ear> = None;
    let mut told: Option<Sight> = None;
    let mut scan = Scan::default();
    let mut looked = None;
    loop {
        let mut rest = || {
            ear = None;
            told = None;
            scan = Scan::default();
        };
        let Some((wish, lives)) = shared.next(looked, &mut rest) else {
            return;
        };
        let mut runs = newest_runs(home, &wish.agent, RUNS);
        working_first(&mut runs, |(note, _)| note.end.is_some());
        let chosen = wish.run.as_ref();
        let found = runs.iter().find(|(note, _)| Some(&note.run) == chosen);
        let found = found.or(runs.first());
        // Listened for before it is looked at, so that nothing is missed between.
        let ear = ear.get_or_insert_with(|| Ear::open(home, Arc::clone(shared)));
        ear.attend(home, found.map(|(_, folder)| folder.as_path()));
        let sight = look(&wish, &runs, found, &mut scan);
        looked = Some(Instant::now());
        if lives {
            post.tell(Msg::Lives);
        }
        if told.as_ref() != Some(&sight) {
            post.tell(Msg::Runs(Box::new(sight.clone())));
            told = Some(sight);
        }
    }
}

fn look(
    wish: &Wish,
    runs: &[(RunNote, PathBuf)],
    found: Option<&(RunNote, PathBuf)>,
    scan: &mut Scan,
) -> Sight {
    let mut sight = Sight {
        agent: wish.agent.clone(),
        runs: runs
            .iter()
            .take(SHOWN)
            .map(|(note, _)| seen(note))
            .collect(),
        ..Sight::default()
    };
    let Some((note, folder)) = found else {
        return sight;
    };
    if !sight.runs.iter().any(|run| run.run == note.run) {
        sight.runs.push(seen(note));
    }
    sight.run = Some(note.run.clone());
    // One that is just begun has no output yet, and one that was just thrown away has none any more.
    let kept = Kept::look(folder).unwrap_or_default();
    sight.window = window(&kept, wish.part, wish.rows);
    sight.found = scan.search(&note.run, &wish.words, &kept);
    sight
}

fn seen(note: &RunNote) -> RunSeen {
    RunSeen {
        run: note.run.clone(),
        order: note.order,
        began: note.began,
        end: note.end.clone(),
    }
}

/// Hears of what is written; without one it is looked every five seconds.
struct Ear {
    watcher: Option<RecommendedWatcher>,
    runs: bool,
    run: Option<PathBuf>,
}

impl Ear {
    fn open(home: &Home, shared: Arc<Shared>) -> Ear {
        let (lives, hooks) = (home.lives(), home.telemetry());
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // To look at a file is an event too.
            let Ok(event) = event else { return };
            if matches!(event.kind, EventKind::Access(_)) {
                return;
            }
            // Beside what agents are about lies the ledger, which is another's to watch.
            // What hooks say is a row of telemetry, which is written ahead of its file.
            let of_hooks = |path: &Path| path.with_extension("db").file_name() == hooks.file_name();
            let of_lives = |path: &PathBuf| path.file_name() == lives.file_name() || of_hooks(path);
            let beside = |path: &PathBuf| path.parent() == lives.parent();
            if event.paths.iter().any(of_lives) {
                shared.tell(|state| state.lives = true);
            } else if !event.paths.iter().all(beside) {
                shared.tell(|state| state.written = true);
            }
        });
        let mut ear = Ear {
            watcher: watcher
                .inspect_err(|error| tracing::warn!(%error, "logs will show a little later"))
                .ok(),
            runs: false,
            run: None,
        };
        ear.hang(home.path());
        ear
    }

    fn hang(&mut self, folder: &Path) -> bool {
        self.watcher.as_mut().is_some_and(|watcher| {
            let hung = watcher.watch(folder, RecursiveMode::NonRecursive);
            hung.is_ok()
        })
    }

    /// Hears of new runs, as soon as there are any, and of what this run writes.
    fn attend(&mut self, home: &Home, run: Option<&Path>) {
        if !self.runs {
            self.runs = self.hang(&home.runs());
        }
        if self.run.as_deref() == run {
            return;
        }
        if let (Some(watcher), Some(before)) = (&mut self.watcher, self.run.take()) {
            // It may be gone by now.
            let _ = watcher.unwatch(&before);
        }
        if let Some(run) = run.filter(|run| self.hang(run)) {
            self.run = Some(run.to_owned());
        }
    }
}
