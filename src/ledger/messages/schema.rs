//! The file of messages: its tables, and what it is known by.

use crate::ledger::side_file::Kind;

/// The row id of `messages` is the seq, so that the index by address is one by (address, seq). `settled` is set on what
/// is not given out for the first time any more; `expired` on what must not be given out again.
const TABLES: &str = "
CREATE TABLE messages (
    seq INTEGER PRIMARY KEY,
    address TEXT NOT NULL,
    time INTEGER NOT NULL,
    expires INTEGER,
    settled INTEGER NOT NULL DEFAULT 0,
    sender_kind TEXT NOT NULL,
    sender TEXT NOT NULL,
    correlation BLOB,
    reply_to TEXT,
    key TEXT,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX messages_address ON messages (address);
CREATE UNIQUE INDEX messages_key ON messages (sender_kind, sender, key) WHERE key IS NOT NULL;
CREATE INDEX messages_expires ON messages (expires) WHERE expires IS NOT NULL;
CREATE TABLE subscribers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL,
    name TEXT NOT NULL,
    cursor INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    UNIQUE (address, name)
) STRICT;
CREATE TABLE deliveries (
    subscriber INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due INTEGER NOT NULL,
    expired INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (subscriber, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_seq ON deliveries (seq);
CREATE TABLE dead (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    seq INTEGER NOT NULL,
    subscriber TEXT NOT NULL,
    reason TEXT NOT NULL,
    note TEXT NOT NULL,
    at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    UNIQUE (seq, subscriber)
) STRICT;
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

/// What this file is: marked by the letters OBMS.
pub(super) const FILE: Kind = Kind {
    holds: "messages",
    application_id: 0x4F42_4D53,
    format: 1,
    tables: TABLES,
    statements: 64,
    secret: false,
    mend: "Move messages.db and its -wal and -shm away: what was not acknowledged is lost with them, the ledger is not.",
};
