//! Receipts as files: what the host writes into the folder that the project's `obeya.toml` names, one file a receipt.
//!
//! The ledger is the truth, and a file only a copy of what it says, to be handed to somebody who has no ledger. So nothing
//! is written in anybody's turn: a thread of the host's looks which receipts are newer than the last that it wrote, and
//! writes them, those that were made without a host too.

mod folder;

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::SystemTime,
};

use self::folder::{Folder, Mark};
use super::{Handle, Subscription};
use crate::{
    config::line::{LINE_FILE, Line},
    domain::{
        query::receipts::file::ReceiptFile,
        record::{Hash, Seq},
    },
    ledger::{Fault, FaultKind, Home, Ledger},
};

/// How the files of a ledger's receipts stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filed {
    /// The folder that the project's `obeya.toml` names.
    pub folder: PathBuf,
    /// How many receipts lie there.
    pub written: u64,
    /// Why the rest do not, where a host tried to write them and could not.
    pub trouble: Option<String>,
}

impl Filed {
    /// Returns how the files stand, from what lies beside the ledger; None where nobody wants any.
    pub fn of(home: &Home) -> Option<Filed> {
        let (line, _) = super::supervisor::read(&home.project().join(LINE_FILE), &[]);
        let folder = folder_of(home, &line)?;
        let (written, trouble) = Folder::new(&folder, home).standing();
        Some(Filed {
            folder,
            written,
            trouble,
        })
    }
}

fn folder_of(home: &Home, line: &Line) -> Option<PathBuf> {
    let named = line.receipts.as_ref()?;
    Some(home.project().join(named))
}

/// How many receipts are written between two looks at whether to go on, and notes of how far it came.
const PAGE: usize = 100;

/// What the thread and those who wake it share.
#[derive(Default)]
struct Shared {
    /// Where receipts go; nowhere unless it is said.
    folder: Mutex<Option<PathBuf>>,
    /// How many are written, as far as is known.
    written: AtomicU64,
    /// How many there were when a version was last published.
    seen: AtomicU64,
    stop: AtomicBool,
}

impl Shared {
    fn folder(&self) -> MutexGuard<'_, Option<PathBuf>> {
        self.folder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes receipts as long as it lives.
pub struct Filer {
    home: Home,
    handle: Handle,
    shared: Arc<Shared>,
    /// When the project's file was last written, and its length, as it was last read.
    seen: Mutex<Option<Option<(SystemTime, u64)>>>,
    wake: mpsc::SyncSender<()>,
    thread: Option<JoinHandle<()>>,
    _subscription: Subscription,
}

impl Filer {
    /// Starts a thread that writes receipts once a [look](Filer::look) has found where.
    ///
    /// # Errors
    ///
    /// No thread could be started.
    pub fn start(home: &Home, handle: &Handle) -> Result<Filer, Fault> {
        let shared = Arc::new(Shared::default());
        // One waiting ring is enough: whoever hears it writes all there is.
        let (wake, woken) = mpsc::sync_channel(1);
        let (ring, known) = (wake.clone(), Arc::clone(&shared));
        let subscription = handle.subscribe(move |news| {
            // What could not be written waits for the next look, not for every commit.
            let count = news.state.receipts.count;
            if known.seen.swap(count, Ordering::Relaxed) != count {
                let _ = ring.try_send(());
            }
        });
        let work = Work {
            home: home.clone(),
            handle: handle.clone(),
            shared: Arc::clone(&shared),
        };
        let thread = thread::Builder::new()
            .name("receipts".into())
            .spawn(move || work.run(&woken))
            .map_err(|error| Fault::io(home.path(), "starting to write receipts", &error))?;
        Ok(Filer {
            home: home.clone(),
            handle: handle.clone(),
            shared,
            seen: Mutex::default(),
            wake,
            thread: Some(thread),
            _subscription: subscription,
        })
    }

    /// Reads the project's file if it changed, and has written what is not written yet: what could not be is tried again.
    /// Cheap enough for every few seconds.
    pub fn look(&self) {
        let file = self.home.project().join(LINE_FILE);
        let about = fs::metadata(&file).ok();
        let stamp = about.and_then(|about| Some((about.modified().ok()?, about.len())));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = self.shared.folder();
        if *seen != Some(stamp) {
            *seen = Some(stamp);
            // What is wrong in it the supervision says, which reads it at the same time.
            let (line, _) = super::supervisor::read(&file, &[]);
            let folder = folder_of(&self.home, &line);
            if *known != folder {
                *known = folder;
                self.shared.written.store(0, Ordering::Relaxed);
            }
        }
        let written = self.shared.written.load(Ordering::Relaxed);
        if known.is_some() && self.handle.state().receipts.count != written {
            let _ = self.wake.try_send(());
        }
    }
}

impl Drop for Filer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        let _ = self.wake.try_send(());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the receipts panicked");
        }
    }
}

struct Work {
    home: Home,
    handle: Handle,
    shared: Arc<Shared>,
}

impl Work {
    fn run(self, woken: &mpsc::Receiver<()>) {
        while woken.recv().is_ok() && !self.is_over() {
            let folder = self.shared.folder().clone();
            let Some(folder) = folder else { continue };
            let folder = Folder::new(&folder, &self.home);
            if let Err(fault) = self.write(&folder) {
                // The next look tries again.
                tracing::warn!(%fault, "receipts could not be written as files");
                folder.complain(&fault);
            }
        }
    }

    fn is_over(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }

    /// Writes every receipt that is not written yet.
    fn write(&self, folder: &Folder) -> Result<(), Fault> {
        let mut ledger = self
            .handle
            .errand(|writer| writer.ledger().another())
            .and_then(|ledger| ledger)?;
        let mut done = self.resume(ledger.as_mut(), folder)?;
        while !self.is_over() {
            let rows = ledger.receipts(done.written, PAGE)?;
            let Some(last) = rows.last() else { break };
            let mark = done.with(last.n, last.hash);
            for row in rows {
                folder.put(&receipt(ledger.as_mut(), row.seq)?)?;
                if self.is_over() {
                    return Ok(());
                }
            }
            done = mark;
            folder.keep(&done)?;
            self.shared.written.store(done.written, Ordering::Relaxed);
        }
        self.shared.written.store(done.written, Ordering::Relaxed);
        Ok(())
    }

    /// Returns how far the writing came, into this folder and of this ledger; else it begins anew.
    fn resume(&self, ledger: &mut dyn Ledger, folder: &Folder) -> Result<Mark, Fault> {
        let mark = folder.mark();
        folder.make()?;
        let Some(mark) = mark else {
            return Ok(folder.nothing());
        };
        let Some(after) = mark.written.checked_sub(1) else {
            return Ok(mark);
        };
        // Behind a restore there are other receipts under the same numbers.
        let same = ledger
            .receipts(after, 1)?
            .first()
            .is_some_and(|row| row.n == mark.written && row.hash == mark.hash);
        Ok(if same { mark } else { folder.nothing() })
    }
}

/// Returns the file of the receipt of a completion's record.
fn receipt(ledger: &mut dyn Ledger, seq: Seq) -> Result<ReceiptFile, Fault> {
    let before = match seq.checked_sub(1) {
        None | Some(0) => Some(Hash::ZERO),
        Some(before) => ledger.record(before)?.map(|record| record.hash),
    };
    let file = match (ledger.record(seq)?, before) {
        (Some(record), Some(before)) => ReceiptFile::of(record, before),
        _ => None,
    };
    file.ok_or_else(|| {
        let what = format!("record {seq}, which a receipt is of, is not there or is no completion");
        Fault::new(FaultKind::Corrupt, "".as_ref(), what).mend("Run `obeya doctor`.")
    })
}
