//! What beats too often for the ledger, and may be lost: the heartbeats of leases and agents.
//!
//! It lies in a database of its own that is neither synced nor hashed. If it is damaged or gone, it is made anew.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use rusqlite::{Connection, params};

use super::{
    Fault, Home,
    paths::{FileId, beside, open_private},
    sqlite::records::int,
};
use crate::domain::{
    agent::MAX_AGENTS,
    id::OrderId,
    query::life::{LifeState, Reported},
    time::Timestamp,
};

/// How long a beat waits for another's; it is worth no more.
const PATIENCE: Duration = Duration::from_millis(500);

/// How many agents' beats are kept, the newest: twice the agents that a ledger can have registered, so that those who beat
/// unregistered, under a new name each time perhaps, fill no disk.
const MAX_AGENT_BEATS: usize = 2 * MAX_AGENTS;

/// The format of these tables; another one is thrown away.
const FORMAT: u32 = 1;

const TABLES: &str = "
CREATE TABLE leases (order_id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, until INTEGER NOT NULL, beat INTEGER NOT NULL) STRICT;
CREATE TABLE agents (name TEXT PRIMARY KEY, beat INTEGER NOT NULL, note TEXT NOT NULL) STRICT;
PRAGMA user_version=1;
";

/// What hooks reported, by agent and session. Made wherever it is missing, in files of an earlier version too, which read
/// past it.
const REPORTS: &str = "
CREATE TABLE IF NOT EXISTS reports (agent TEXT NOT NULL, session TEXT NOT NULL, state TEXT NOT NULL, since INTEGER NOT NULL,
    heard INTEGER NOT NULL, note TEXT NOT NULL, PRIMARY KEY (agent, session)) STRICT;
";

/// The newest beat of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseBeat {
    /// The claim it belongs to; a beat of an older claim counts for nothing.
    pub epoch: u64,
    /// Until when the lease runs by this beat.
    pub until: Timestamp,
    /// When it beat.
    pub beat: Timestamp,
}

/// The newest beat of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentBeat {
    /// When it beat.
    pub beat: Timestamp,
    /// What it said it was doing.
    pub note: String,
}

/// A handle on the telemetry of a ledger.
pub struct Telemetry {
    home: Home,
    path: PathBuf,
    open: Option<(Connection, Option<FileId>)>,
}

impl Telemetry {
    /// Returns a handle; the file is opened, and made if need be, at the first use.
    pub fn new(home: &Home) -> Self {
        Telemetry {
            home: home.clone(),
            path: home.telemetry(),
            open: None,
        }
    }

    /// Notes that the claim `epoch` on `order` is alive until `until`. A beat of an older claim is dropped.
    pub fn beat_lease(
        &mut self,
        order: OrderId,
        epoch: u64,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.with(|db| {
            let sql = "INSERT INTO leases VALUES (?1, ?2, ?3, ?4) ON CONFLICT (order_id) DO UPDATE \
                SET epoch = excluded.epoch, until = excluded.until, beat = excluded.beat \
                WHERE excluded.epoch >= epoch";
            db.prepare_cached(sql)?
                .execute(params![order.raw(), int(epoch), until.0, now.0])
                .map(drop)
        })
    }

    /// Returns the newest beat of every lease.
    pub fn lease_beats(&mut self) -> Result<BTreeMap<OrderId, LeaseBeat>, Fault> {
        self.with(|db| {
            let mut get = db.prepare_cached("SELECT order_id, epoch, until, beat FROM leases")?;
            let rows = get.query_map([], |row| {
                let beat = LeaseBeat {
                    epoch: row.get::<_, i64>(1)?.unsigned_abs(),
                    until: Timestamp(row.get(2)?),
                    beat: Timestamp(row.get(3)?),
                };
                Ok((OrderId::from_raw(row.get(0)?), beat))
            })?;
            rows.collect()
        })
    }

    /// Forgets the beats of an order's lease.
    pub fn forget(&mut self, order: OrderId) -> Result<(), Fault> {
        self.with(|db| {
            let mut sql = db.prepare_cached("DELETE FROM leases WHERE order_id = ?1")?;
            sql.execute([order.raw()]).map(drop)
        })
    }

    /// Notes that an agent is alive, and what it says it is doing.
    pub fn beat_agent(&mut self, name: &str, now: Timestamp, note: &str) -> Result<(), Fault> {
        self.with(|db| {
            let sql = "UPDATE agents SET beat = ?2, note = ?3 WHERE name = ?1";
            if db
                .prepare_cached(sql)?
                .execute(params![name, now.0, note])?
                > 0
            {
                return Ok(());
            }
            let mut sql = db.prepare_cached("INSERT OR REPLACE INTO agents VALUES (?1, ?2, ?3)")?;
            sql.execute(params![name, now.0, note])?;
            let sql = "DELETE FROM agents WHERE name IN \
                (SELECT name FROM agents ORDER BY beat DESC, name LIMIT -1 OFFSET ?1)";
            db.prepare_cached(sql)?
                .execute([int(MAX_AGENT_BEATS as u64)])
                .map(drop)
        })
    }

    /// Returns the newest beat of every agent.
    pub fn agent_beats(&mut self) -> Result<BTreeMap<String, AgentBeat>, Fault> {
        self.with(|db| {
            let mut get = db.prepare_cached("SELECT name, beat, note FROM agents")?;
            let rows = get.query_map([], |row| {
                Ok((
                    row.get(0)?,
                    AgentBeat {
                        beat: Timestamp(row.get(1)?),
                        note: row.get(2)?,
                    },
                ))
            })?;
            rows.collect()
        })
    }

    /// Notes what a hook says that a session of an agent is about; None says that the session is over.
    pub fn report(
        &mut self,
        agent: &str,
        session: &str,
        state: Option<LifeState>,
        note: &str,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.with(|db| {
            let Some(state) = state else {
                let sql = "DELETE FROM reports WHERE agent = ?1 AND session = ?2";
                return db
                    .prepare_cached(sql)?
                    .execute([agent, session])
                    .map(drop);
            };
            let sql = "INSERT INTO reports VALUES (?1, ?2, ?3, ?4, ?4, ?5) ON CONFLICT (agent, session) DO UPDATE \
                SET since = CASE WHEN state = excluded.state THEN since ELSE excluded.since END, \
                state = excluded.state, heard = excluded.heard, note = excluded.note";
            db.prepare_cached(sql)?
                .execute(params![agent, session, state.word(), now.0, note])?;
            let sql = "DELETE FROM reports WHERE rowid IN \
                (SELECT rowid FROM reports ORDER BY heard DESC, rowid LIMIT -1 OFFSET ?1)";
            db.prepare_cached(sql)?
                .execute([int(MAX_AGENT_BEATS as u64)])
                .map(drop)
        })
    }

    /// Returns what hooks reported, by agent.
    pub fn reports(&mut self) -> Result<BTreeMap<String, Vec<Reported>>, Fault> {
        self.with(|db| {
            let sql = "SELECT agent, session, state, since, heard, note FROM reports";
            let mut get = db.prepare_cached(sql)?;
            let mut rows = get.query([])?;
            let mut found: BTreeMap<String, Vec<Reported>> = BTreeMap::new();
            while let Some(row) = rows.next()? {
                // A state of a newer version is nobody's here.
                let Ok(state) = row.get::<_, String>(2)?.parse() else {
                    continue;
                };
                found.entry(row.get(0)?).or_default().push(Reported {
                    session: row.get(1)?,
                    state,
                    since: Timestamp(row.get(3)?),
                    heard: Timestamp(row.get(4)?),
                    note: row.get(5)?,
                });
            }
            Ok(found)
        })
    }

    fn with<T>(&mut self, act: impl Fn(&Connection) -> rusqlite::Result<T>) -> Result<T, Fault> {
        let fault = |error: &rusqlite::Error| {
            Fault::sqlite(&self.path, "keeping telemetry", error)
                .mend("Telemetry may be deleted at any time.")
        };
        // Somebody may have deleted the file, and beats into a nameless one would reach nobody.
        let (db, _) = match self
            .open
            .take()
            .filter(|(_, file)| *file == FileId::at(&self.path))
        {
            Some(open) => self.open.insert(open),
            None => {
                let db = self.connect()?;
                self.open.insert((db, FileId::at(&self.path)))
            }
        };
        match act(db) {
            Err(error) if is_damage(&error) => {
                self.open = None;
                self.remove();
                let db = self.connect()?;
                let (db, _) = self.open.insert((db, FileId::at(&self.path)));
                act(db).map_err(|error| fault(&error))
            }
            done => done.map_err(|error| fault(&error)),
        }
    }

    /// Opens the file; one that is damaged or of another format is made anew.
    fn connect(&self) -> Result<Connection, Fault> {
        self.home.holds_ledger()?;
        match self.try_connect() {
            Err(error) if is_damage(&error) => {
                self.remove();
                self.try_connect()
            }
            done => done,
        }
        .map_err(|error| Fault::sqlite(&self.path, "opening telemetry", &error))
    }

    fn try_connect(&self) -> rusqlite::Result<Connection> {
        // Made first, so that SQLite takes over the mode; if that fails, SQLite says why.
        let _ = open_private(&self.path);
        let db = Connection::open(&self.path)?;
        db.busy_timeout(PATIENCE)?;
        db.query_row("PRAGMA journal_mode=WAL", [], |_| Ok(()))?;
        db.execute_batch("PRAGMA synchronous=OFF; PRAGMA trusted_schema=OFF; BEGIN IMMEDIATE")?;
        let format: u32 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        match format {
            0 => db.execute_batch(TABLES)?,
            FORMAT => {}
            _ => return Err(rusqlite::Error::InvalidQuery),
        }
        db.execute_batch(REPORTS)?;
        db.execute_batch("COMMIT")?;
        Ok(db)
    }

    fn remove(&self) {
        for suffix in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(beside(&self.path, suffix));
        }
    }
}

/// Returns whether an error says that the file itself is no use.
fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode as Code;
    match error.sqlite_error_code() {
        Some(code) => matches!(
            code,
            Code::DatabaseCorrupt | Code::NotADatabase | Code::Unknown
        ),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn agents_that_are_no_more_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path()).unwrap();
        fs::write(home.database(), "").unwrap();
        let mut telemetry = Telemetry::new(&home);
        telemetry.beat_agent("ana", Timestamp(1), "first").unwrap();
        let strangers = (0..).zip(2..).take(MAX_AGENT_BEATS);
        for (n, at) in strangers {
            let name = format!("stranger-{n}");
            telemetry.beat_agent(&name, Timestamp(at), "").unwrap();
            // Who beats on stays, however many come.
            telemetry.beat_agent("ben", Timestamp(at), "on").unwrap();
        }
        let beats = telemetry.agent_beats().unwrap();
        assert_eq!(beats.len(), MAX_AGENT_BEATS);
        assert!(beats.contains_key("ben") && !beats.contains_key("ana"));
    }

    #[test]
    fn a_file_of_an_earlier_version_takes_reports_and_keeps_its_beats() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path()).unwrap();
        fs::write(home.database(), "").unwrap();
        let db = Connection::open(home.telemetry()).unwrap();
        db.execute_batch(TABLES).unwrap();
        db.execute("INSERT INTO agents VALUES ('ana', 4, '')", [])
            .unwrap();
        drop(db);
        let mut telemetry = Telemetry::new(&home);
        let mut told = |state, at| {
            let note = "";
            telemetry.report("ana", "s1", state, note, Timestamp(at))
        };
        told(Some(LifeState::Waiting), 5).unwrap();
        told(Some(LifeState::Waiting), 6).unwrap();
        let reports = telemetry.reports().unwrap();
        let ana = reports.get("ana").and_then(|all| all.first()).unwrap();
        assert_eq!((ana.since, ana.heard), (Timestamp(5), Timestamp(6)));
        assert!(telemetry.agent_beats().unwrap().contains_key("ana"));
        telemetry
            .report("ana", "s1", None, "", Timestamp(7))
            .unwrap();
        assert!(telemetry.reports().unwrap().is_empty());
    }

    #[test]
    fn beats_are_kept_and_a_damaged_or_deleted_file_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path()).unwrap();
        fs::write(home.database(), "").unwrap();
        let (mut one, mut two) = (Telemetry::new(&home), Telemetry::new(&home));
        let order = OrderId::work(7);
        let beat = |epoch, until| LeaseBeat {
            epoch,
            until: Timestamp(until),
            beat: Timestamp(1),
        };
        one.beat_lease(order, 3, Timestamp(90), Timestamp(1))
            .unwrap();
        two.beat_lease(order, 2, Timestamp(99), Timestamp(1))
            .unwrap();
        assert_eq!(
            two.lease_beats().unwrap(),
            BTreeMap::from([(order, beat(3, 90))])
        );
        two.beat_agent("ana", Timestamp(4), "testing").unwrap();
        let ana = AgentBeat {
            beat: Timestamp(4),
            note: "testing".into(),
        };
        assert_eq!(one.agent_beats().unwrap().get("ana"), Some(&ana));
        one.forget(order).unwrap();
        assert!(two.lease_beats().unwrap().is_empty());

        one.remove();
        two.beat_lease(order, 1, Timestamp(5), Timestamp(1))
            .unwrap();
        assert_eq!(
            one.lease_beats().unwrap(),
            BTreeMap::from([(order, beat(1, 5))])
        );

        drop((one, two));
        fs::write(
            home.telemetry(),
            "not a database, but long enough to look like one".repeat(100),
        )
        .unwrap();
        let mut three = Telemetry::new(&home);
        three
            .beat_lease(order, 9, Timestamp(9), Timestamp(1))
            .unwrap();
        assert_eq!(
            three.lease_beats().unwrap(),
            BTreeMap::from([(order, beat(9, 9))])
        );
    }
}
