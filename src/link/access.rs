//! Tokens and the audit, for doors: they lie in a file beside the ledger, so that no server is needed to reach them.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::protocol::FolderCall;
pub use crate::engine::bus::Caller;
pub use crate::ledger::access::{
    Access, AuditEntry, AuditFilter, AuditOutcome, AuditPage, AuditRow, Denied, LocalToken, MANY,
    NewToken, Secret, Standing, TokenId, TokenView,
};
use crate::{
    domain::{command::Role, message::Name, refusal::Refusal, time::Timestamp},
    ledger::{Fault, Home},
};

/// What stands for the address of whoever acts on this machine, beside the server.
pub const LOCAL: &str = "local";

/// How long denials wait to be told together.
const PACE: Duration = Duration::from_secs(1);

/// How many addresses' denials are told apart while they wait: as many as get rows of their own, and some to count.
const MAX_WAITING_DENIALS: usize = 256;

/// How many other entries may wait; who has one more waits too, so that nothing is done faster than it can be noted.
const MAX_WAITING: usize = 10_000;

/// Refuses whoever may not make tokens or take them back.
fn may_grant(has: Role) -> Result<(), Refusal> {
    let needs = Role::Admin;
    match has >= needs {
        true => Ok(()),
        false => Err(Refusal::Role { has, needs }),
    }
}

/// Makes a token for an admin, and notes it in the audit; the secret is returned this once.
///
/// # Errors
///
/// The file could not be read or written. A refusal: as [`Access::create`], or the caller is no admin.
pub fn create_token(
    home: &Home,
    caller: &Caller,
    new: &NewToken,
    now: Timestamp,
) -> Result<Result<(Secret, TokenView), Refusal>, Fault> {
    let mut access = Access::open(home)?;
    let made = match may_grant(caller.role) {
        Ok(()) => access.create(new, now)?,
        Err(refusal) => Err(refusal),
    };
    let what = FolderCall::CreateToken(new.clone()).word();
    note(&mut access, caller, what, &made, now)?;
    Ok(made)
}

/// Takes a token back for an admin, and notes it in the audit.
///
/// # Errors
///
/// The file could not be read or written. A refusal: as [`Access::revoke`], or the caller is no admin.
pub fn revoke_token(
    home: &Home,
    caller: &Caller,
    name: &Name,
    now: Timestamp,
) -> Result<Result<TokenView, Refusal>, Fault> {
    let mut access = Access::open(home)?;
    let revoked = match may_grant(caller.role) {
        Ok(()) => access.revoke(name, now)?,
        Err(refusal) => Err(refusal),
    };
    let what = FolderCall::RevokeToken(name.clone()).word();
    note(&mut access, caller, what, &revoked, now)?;
    Ok(revoked)
}

fn note<T>(
    access: &mut Access,
    caller: &Caller,
    what: String,
    done: &Result<T, Refusal>,
    at: Timestamp,
) -> Result<(), Fault> {
    access.append(&[AuditEntry {
        at,
        actor: Some(caller.actor.clone()),
        token: None,
        address: LOCAL.into(),
        what,
        outcome: match done {
            Ok(_) => AuditOutcome::DONE,
            Err(refusal) => AuditOutcome::Refused {
                code: refusal.rule().into(),
            },
        },
        count: 1,
    }])
}

/// Writes the audit of a server on a thread of its own: what waits goes in one transaction, what was done at once, and
/// denials once a second, an address counted as one for each reason, so that a flood of them costs neither disk nor memory.
/// What cannot be written, for the disk is full or somebody holds the file, is tried again once a second.
pub struct Auditor {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<Waiting>,
    /// Rings when something was noted or written, and at the end.
    bell: Condvar,
}

#[derive(Default)]
struct Waiting {
    acts: Vec<AuditEntry>,
    denials: Vec<AuditEntry>,
    /// How many entries were ever noted, and how many of them are written, or were tried to be.
    noted: u64,
    settled: u64,
    /// The last fault, until something is written again.
    fault: Option<Fault>,
    ending: bool,
    /// Somebody waits for denials to be written.
    hurried: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Auditor {
    /// Opens the audit beside a ledger and starts to write it.
    ///
    /// # Errors
    ///
    /// As [`Access::open`], or the system gives no thread.
    pub fn start(home: &Home) -> Result<Auditor, Fault> {
        let access = Access::open(home)?;
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            bell: Condvar::new(),
        });
        let own = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("audit".into())
            .spawn(move || write(access, &own))
            .map_err(|error| Fault::io(&home.access(), "starting its thread", &error))?;
        Ok(Auditor {
            shared,
            thread: Some(thread),
        })
    }

    /// Has an entry written soon, or gives it back where [`Auditor::note`] would wait.
    pub fn offer(&self, entry: AuditEntry) -> Option<AuditEntry> {
        if !entry.outcome.is_denied() && self.shared.lock().acts.len() >= MAX_WAITING {
            return Some(entry);
        }
        self.note(entry);
        None
    }

    /// Has an entry written soon. Waits only while more than ten thousand others do.
    pub fn note(&self, entry: AuditEntry) {
        let mut waiting = self.shared.lock();
        if entry.outcome.is_denied() {
            deny(&mut waiting.denials, entry);
        } else {
            while waiting.acts.len() >= MAX_WAITING && !waiting.ending {
                waiting = wait(&self.shared, waiting);
            }
            waiting.acts.push(entry);
        }
        waiting.noted += 1;
        drop(waiting);
        self.shared.bell.notify_all();
    }

    /// Waits until everything that was noted so far is written.
    ///
    /// # Errors
    ///
    /// It could not be written, and is tried again as long as this lives.
    pub fn flush(&self) -> Result<(), Fault> {
        let mut waiting = self.shared.lock();
        let wanted = waiting.noted;
        waiting.hurried = true;
        self.shared.bell.notify_all();
        while waiting.settled < wanted {
            waiting = wait(&self.shared, waiting);
        }
        waiting.fault.clone().map_or(Ok(()), Err)
    }

    /// Returns why nothing can be written now, for whoever says how the server is.
    pub fn fault(&self) -> Option<Fault> {
        self.shared.lock().fault.clone()
    }
}

impl Drop for Auditor {
    fn drop(&mut self) {
        self.shared.lock().ending = true;
        self.shared.bell.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn wait<'a>(shared: &'a Shared, waiting: MutexGuard<'a, Waiting>) -> MutexGuard<'a, Waiting> {
    shared
        .bell
        .wait(waiting)
        .unwrap_or_else(PoisonError::into_inner)
}

/// Counts a denial with those of its address for the same reason; with those of all, where there are too many addresses to tell apart.
fn deny(denials: &mut Vec<AuditEntry>, mut entry: AuditEntry) {
    let of = |denials: &[AuditEntry], entry: &AuditEntry| {
        let same = |known: &AuditEntry| {
            (&known.address, &known.outcome) == (&entry.address, &entry.outcome)
        };
        denials.iter().position(same)
    };
    let mut place = of(denials, &entry);
    if place.is_none() && denials.len() >= MAX_WAITING_DENIALS {
        entry.address = MANY.into();
        place = of(denials, &entry);
    }
    match place.and_then(|place| denials.get_mut(place)) {
        Some(known) => known.count = known.count.saturating_add(entry.count),
        None => denials.push(entry),
    }
}

fn write(mut access: Access, shared: &Shared) {
    let mut denied_at: Option<Instant> = None;
    // What could not be written is tried again, before what came later.
    let (mut owed, mut tried_at) = (Vec::new(), Instant::now());
    loop {
        let mut waiting = shared.lock();
        let (upto, ending) = loop {
            let left = |at: Instant| PACE.saturating_sub(at.elapsed());
            let denials_in = denied_at.map_or(Duration::ZERO, left);
            let go = waiting.ending || waiting.hurried || denials_in.is_zero();
            let due = go && !waiting.denials.is_empty();
            let again = !owed.is_empty() && left(tried_at).is_zero();
            if due || again || !waiting.acts.is_empty() || waiting.ending {
                owed.append(&mut waiting.acts);
                if due {
                    denied_at = Some(Instant::now());
                    owed.append(&mut waiting.denials);
                    waiting.hurried = false;
                }
                // What was noted and still waits is the denials that are not due.
                let upto = match waiting.denials.is_empty() {
                    true => waiting.noted,
                    false => waiting.settled,
                };
                break (upto, waiting.ending);
            }
            waiting.hurried = false;
            let denials = (!waiting.denials.is_empty()).then_some(denials_in);
            let retry = (!owed.is_empty()).then(|| left(tried_at));
            waiting = match denials.into_iter().chain(retry).min() {
                None => wait(shared, waiting),
                Some(span) => {
                    let woken = shared.bell.wait_timeout(waiting, span);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        };
        drop(waiting);
        let written = access.append(&owed);
        tried_at = Instant::now();
        match &written {
            Ok(()) => owed.clear(),
            Err(fault) => {
                let lost = owed.len().saturating_sub(MAX_WAITING);
                owed.drain(..lost);
                tracing::error!(%fault, waiting = owed.len(), lost, "the audit was not written");
            }
        }
        let mut waiting = shared.lock();
        waiting.settled = upto;
        waiting.fault = written.err();
        let done = ending && waiting.acts.is_empty() && waiting.denials.is_empty();
        drop(waiting);
        shared.bell.notify_all();
        if done {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]

    use super::*;
    use crate::domain::{order::Actor, time::SECOND};

    fn entry(at: i64, address: String, outcome: AuditOutcome) -> AuditEntry {
        AuditEntry {
            at: Timestamp(at),
            actor: None,
            token: None,
            address,
            what: "GET /api/stream".into(),
            outcome,
            count: 1,
        }
    }

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path()).unwrap();
        std::fs::write(home.database(), "").unwrap();
        (folder, home)
    }

    fn rows(home: &Home) -> Vec<AuditRow> {
        let mut access = Access::open(home).unwrap();
        let all = AuditFilter::default();
        access.audit(&all, AuditPage::After(0), 10_000).unwrap()
    }

    #[test]
    fn what_is_noted_is_written_and_a_flood_of_denials_is_counted() {
        let (_folder, home) = home();
        let auditor = Auditor::start(&home).unwrap();
        let denied = || AuditOutcome::Denied {
            why: "unknown".into(),
        };
        for n in 0..5_000_i64 {
            let address = format!("10.0.{}.{}", n / 250, n % 250);
            auditor.note(entry(n, address, denied()));
            auditor.note(entry(n, "10.9.9.9".into(), denied()));
        }
        auditor.note(entry(SECOND, "ana".into(), AuditOutcome::DONE));
        auditor.flush().unwrap();
        let found = rows(&home);
        let (denials, acts): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|row| row.outcome.is_denied());
        assert_eq!(acts.len(), 1);
        assert_eq!(denials.iter().map(|row| row.count).sum::<u64>(), 10_000);
        // The ten thousand lie within one second of what was told.
        assert!(denials.len() <= 33, "{}", denials.len());
        // What is noted last is written before the end.
        auditor.note(entry(9 * SECOND, "ben".into(), denied()));
        auditor.note(entry(9 * SECOND, "ben".into(), AuditOutcome::Failed));
        drop(auditor);
        let last: Vec<_> = rows(&home).into_iter().rev().take(2).collect();
        assert!(last.iter().all(|row| row.address == "ben"), "{last:?}");
    }

    #[test]
    fn only_an_admin_makes_tokens_and_the_audit_has_both() {
        let (_folder, home) = home();
        let caller = |role| Caller {
            actor: Actor::person("maria"),
            role,
        };
        let new = NewToken {
            name: "wall".parse().unwrap(),
            role: Role::Viewer,
            expires: None,
        };
        let now = Timestamp(SECOND);
        for role in [Role::Viewer, Role::Agent, Role::Operator] {
            let refused = create_token(&home, &caller(role), &new, now).unwrap();
            assert!(matches!(refused, Err(Refusal::Role { .. })), "{role}");
        }
        let (_, token) = create_token(&home, &caller(Role::Admin), &new, now)
            .unwrap()
            .unwrap();
        let refused = revoke_token(&home, &caller(Role::Operator), &token.name, now).unwrap();
        assert!(matches!(refused, Err(Refusal::Role { .. })));
        let mut access = Access::open(&home).unwrap();
        assert!(access.standing(&token.id, now).unwrap().is_ok());
        let outcomes: Vec<_> = rows(&home).iter().map(|row| row.outcome.word()).collect();
        assert_eq!(
            outcomes,
            ["refused", "refused", "refused", "done", "refused"]
        );
    }
}
