//! The file of tokens and audit: its tables, and what it is known by.

use crate::ledger::side_file::Kind;

/// A denied row is told apart by its outcome, and has an index of its own: it is counted, and the newest of an address is
/// looked for, at each denial.
const TABLES: &str = "
CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    hash BLOB NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,
    revoked INTEGER,
    used INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_name ON tokens (name);
CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    last INTEGER NOT NULL,
    count INTEGER NOT NULL,
    actor_kind TEXT,
    actor TEXT,
    token TEXT,
    address TEXT NOT NULL,
    what TEXT NOT NULL,
    outcome TEXT NOT NULL,
    why TEXT,
    first_seq INTEGER,
    last_seq INTEGER
) STRICT;
CREATE INDEX audit_denied ON audit (address, number) WHERE outcome = 'denied';
";

/// What this file is: marked by the letters OBAC.
pub(super) const FILE: Kind = Kind {
    holds: "tokens",
    application_id: 0x4F42_4143,
    format: 1,
    tables: TABLES,
    statements: 32,
    secret: true,
    mend: "Move access.db and its -wal and -shm away and make new tokens: until then no token opens anything, and the \
           ledger is untouched.",
};
