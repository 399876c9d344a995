//! The messages of a ledger: a SQLite file beside it, in the same discipline.
//!
//! Writers take turns, every commit is synced, and a bell rings for other processes. A message is one row, however many
//! subscribers it has: each of them has a cursor, and rows only for what it was given and has not acknowledged. What
//! the rules of delivery are is [`Terms`]' business; what is here keeps to them.

mod check;
mod dead;
mod deliver;
mod publish;
mod rows;
mod schema;
mod tend;
mod view;

use super::{
    Fault, Ring, Watch,
    doorbell::{self, Doorbell},
    paths::Home,
    side_file::{PATIENCE, SideFile},
};
use crate::domain::{
    message::{
        Address, BusView, DeadLetter, Delivery, DeliveryView, Draft, Message, MessageSeq, Reader,
        Sent,
        delivery::{Reason, Terms},
    },
    record::Seq,
    refusal::Refusal,
    time::Timestamp,
};

pub use check::Census;
pub use dead::{Letters, MAX_DEAD};
pub use deliver::{MAX_HELD, MAX_SUBSCRIBERS, Start};

/// Something done, or a refusal, or a failure below the rules.
pub type Ruled<T> = Result<Result<T, Refusal>, Fault>;

/// Up to where the ledger's records were announced, and in which of its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// The ledger's incarnation.
    pub incarnation: u64,
    /// The last record that was announced.
    pub seq: Seq,
}

/// A handle on the messages of a ledger. Several handles, in several processes too, may stand on the same file.
pub struct Messages {
    home: Home,
    file: SideFile,
    terms: Terms,
    bell: Doorbell,
    /// SQLite's `data_version` when it was last asked whether anything changed.
    version: Option<i64>,
}

impl Messages {
    /// Opens the messages beside the ledger in `home`; makes the file if it is not there.
    ///
    /// # Errors
    ///
    /// The file is something else, of a newer format, damaged or not ours.
    pub fn open(home: &Home, terms: Terms) -> Result<Self, Fault> {
        let (path, lock) = (home.messages(), home.messages_lock());
        Ok(Messages {
            home: home.clone(),
            file: SideFile::open(&schema::FILE, home, path, lock)?,
            terms,
            bell: Doorbell::new(home.messages_bell()),
            version: None,
        })
    }

    /// Returns the times and numbers that this handle goes by.
    pub fn terms(&self) -> Terms {
        self.terms
    }

    /// Goes by other times and numbers from here on.
    pub fn set_terms(&mut self, terms: Terms) {
        self.terms = terms;
    }

    /// Has `ring` called whenever another handle may have sent something, as long as the watch lives.
    ///
    /// # Errors
    ///
    /// The system has no more watches to give.
    pub fn watch(&self, ring: Ring) -> Result<Watch, Fault> {
        doorbell::watch(&self.home.messages_bell(), ring)
    }

    /// Sends `drafts` in one transaction; each is sent or refused by itself.
    ///
    /// # Errors
    ///
    /// Nothing was written, or nobody can tell: with a key it may be sent again.
    pub fn publish(
        &mut self,
        drafts: &[Draft],
        now: Timestamp,
    ) -> Result<Vec<Result<Sent, Refusal>>, Fault> {
        let terms = self.terms;
        let sent = self.file.write("sending messages", PATIENCE, |db| {
            let sent = publish::publish(db, &terms, drafts, now)?;
            tend::tend(db, &terms, now)?;
            Ok(sent)
        })?;
        let last = sent
            .iter()
            .filter_map(|sent| sent.as_ref().ok())
            .next_back();
        if let Some(sent) = last {
            self.bell.ring(sent.seq);
        }
        Ok(sent)
    }

    /// Announces what the ledger recorded, unless somebody else did since `before` was read. Returns whether it was done.
    ///
    /// # Errors
    ///
    /// Nothing was written.
    pub fn announce(
        &mut self,
        before: Option<Announced>,
        now: Announced,
        told: &[(Timestamp, Draft)],
    ) -> Result<bool, Fault> {
        let done = self.file.write("announcing records", PATIENCE, |db| {
            if rows::announced(db)? != before {
                return Ok(None);
            }
            rows::set_announced(db, now)?;
            publish::announce(db, told).map(Some)
        })?;
        if let Some(last) = done {
            self.bell.ring(last);
        }
        Ok(done.is_some())
    }

    /// Returns up to where the ledger was announced; none if it never was.
    ///
    /// # Errors
    ///
    /// The file could not be read.
    pub fn announced(&mut self) -> Result<Option<Announced>, Fault> {
        self.file
            .read("reading what was announced", rows::announced)
    }

    /// Has `reader` begin at `start`, whether it is new or not. What it was given already stays with it.
    ///
    /// # Errors
    ///
    /// Nothing was written.
    pub fn subscribe(&mut self, reader: &Reader, start: Start, now: Timestamp) -> Ruled<()> {
        self.file.write("subscribing", PATIENCE, |db| {
            deliver::subscribe(db, reader, start, now)
        })
    }

    /// Forgets a subscriber with all it has not acknowledged. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// Nothing was written.
    pub fn unsubscribe(&mut self, reader: &Reader) -> Result<bool, Fault> {
        self.file.write("ending a subscription", PATIENCE, |db| {
            deliver::unsubscribe(db, reader)
        })
    }

    /// Gives `reader` at most `limit` messages: first those whose time is up, then new ones, each in order. A subscriber
    /// that is not known begins with what is sent from here on; an inbox has kept what came.
    ///
    /// # Errors
    ///
    /// Nothing was given out.
    pub fn take(&mut self, reader: &Reader, limit: usize, now: Timestamp) -> Ruled<Vec<Delivery>> {
        let terms = self.terms;
        self.file.write("giving out messages", PATIENCE, |db| {
            tend::tend(db, &terms, now)?;
            deliver::take(db, &terms, reader, limit, now)
        })
    }

    /// Acknowledges messages that `reader` was given; returns how many of them it still had.
    ///
    /// # Errors
    ///
    /// Nothing was written: they will be given out again.
    pub fn acknowledge(
        &mut self,
        reader: &Reader,
        seqs: &[MessageSeq],
        now: Timestamp,
    ) -> Result<usize, Fault> {
        self.file.write("acknowledging", PATIENCE, |db| {
            deliver::acknowledge(db, reader, seqs, now)
        })
    }

    /// Acknowledges everything up to a message, given out or not.
    ///
    /// # Errors
    ///
    /// Nothing was written.
    pub fn acknowledge_through(
        &mut self,
        reader: &Reader,
        seq: MessageSeq,
        now: Timestamp,
    ) -> Ruled<()> {
        self.file.write("acknowledging", PATIENCE, |db| {
            deliver::acknowledge_through(db, reader, seq, now)
        })
    }

    /// Leaves messages with the `reader` that was given them as long again from `now`; returns which of them it still has
    /// and may have for longer: what expired in its hands it may not.
    ///
    /// # Errors
    ///
    /// Nothing was written: they will be given out again when their time is up.
    pub fn extend(
        &mut self,
        reader: &Reader,
        seqs: &[MessageSeq],
        now: Timestamp,
    ) -> Result<Vec<MessageSeq>, Fault> {
        let terms = self.terms;
        self.file.write("keeping messages in hand", PATIENCE, |db| {
            deliver::extend(db, &terms, reader, seqs, now)
        })
    }

    /// Gives messages back that `reader` was given, without acknowledging them: they are given out again at once. Returns
    /// which of them it still had.
    ///
    /// # Errors
    ///
    /// Nothing was written: they will be given out again when their time is up.
    pub fn give_back(
        &mut self,
        reader: &Reader,
        seqs: &[MessageSeq],
    ) -> Result<Vec<MessageSeq>, Fault> {
        self.file.write("giving messages back", PATIENCE, |db| {
            deliver::give_back(db, reader, seqs)
        })
    }

    /// Returns whether there is such a subscriber or inbox.
    ///
    /// # Errors
    ///
    /// The file could not be read.
    pub fn knows(&mut self, reader: &Reader) -> Result<bool, Fault> {
        self.file
            .read("looking for a subscriber", |db| deliver::knows(db, reader))
    }

    /// Makes a message that `reader` was given a dead letter; returns whether the reader still had it.
    ///
    /// # Errors
    ///
    /// Nothing was written.
    pub fn refuse(
        &mut self,
        reader: &Reader,
        seq: MessageSeq,
        note: &str,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        self.file.write("refusing a message", PATIENCE, |db| {
            deliver::refuse(db, reader, seq, note, now)
        })
    }

    /// Takes back a request that nobody answered; returns the dead letter's number and reason.
    ///
    /// # Errors
    ///
    /// Nothing was written.
    pub fn withdraw(
        &mut self,
        seq: MessageSeq,
        now: Timestamp,
    ) -> Result<Option<(u64, Reason)>, Fault> {
        self.file.write("taking a request back", PATIENCE, |db| {
            deliver::withdraw(db, seq, now)
        })
    }

    /// Returns at most `limit` messages after a place, in order: those of an address or all, those sent since a moment or
    /// all.
    ///
    /// # Errors
    ///
    /// The file could not be read.
    pub fn replay(
        &mut self,
        address: Option<&Address>,
        after: MessageSeq,
        since: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<Message>, Fault> {
        self.file.read("replaying messages", |db| {
            rows::after(db, address, after, since, limit)
        })
    }

    /// Returns whether another handle may have written since this was last asked; true the first time.
    ///
    /// # Errors
    ///
    /// The file could not be read.
    pub fn changed(&mut self) -> Result<bool, Fault> {
        let version = self.file.read("looking for changes", |db| {
            db.prepare_cached("PRAGMA data_version")?
                .query_row([], |row| row.get(0))
        })?;
        let before = self.version.replace(version);
        Ok(before != Some(version))
    }

    /// Returns one message, if it is still kept.
    ///
    /// # Errors
    ///
    /// The file could not be read.
    pub fn message(&mut self, seq: MessageSeq) -> Result<Option<Message>, Fault> {
        self.file.read("reading a message", |db| rows::at(db, seq))
    }

    /// Returns the last message's place; 0 if there is none.
    ///
    /// # Errors
    ///
    /// The file could not be read.
    pub fn last(&mut self) -> Result<MessageSeq, Fault> {
        self.file
            .read("reading the last message's place", rows::last)
    }

    /// Returns at most `limit` messages that `reader` has not acknowledged, oldest first, and gives none of them out.
    ///
    /// # Errors
    ///
    /// The file could not be read.
    pub fn pending(&mut self, reader: &Reader, limit: usize) -> Result<Vec<DeliveryView>, Fault> {
        self.file
            .read("reading an inbox", |db| view::pending(db, reader, limit))
    }

    /// Returns every address with its subscribers, and the number of dead letters.
    ///
    /// # Errors
    ///
    /// The file could not be read.
    pub fn overview(&mut self) -> Result<BusView, Fault> {
        self.file.read("reading the topics", view::overview)
    }

    /// Returns the newest dead letters, newest first.
    ///
    /// # Errors
    ///
    /// The file could not be read.
    pub fn dead_letters(&mut self, limit: usize) -> Result<Vec<DeadLetter>, Fault> {
        self.file
            .read("reading dead letters", |db| dead::list(db, limit))
    }

    /// Returns how many dead letters there are.
    ///
    /// # Errors
    ///
    /// The file could not be read.
    pub fn dead(&mut self) -> Result<u64, Fault> {
        self.file.read("counting dead letters", dead::count)
    }

    /// Puts dead letters back to whom they were meant for, as if never given out; returns how many.
    ///
    /// # Errors
    ///
    /// Nothing was written.
    pub fn requeue(&mut self, letters: &Letters) -> Ruled<u64> {
        let done = self.file.write("requeueing dead letters", PATIENCE, |db| {
            dead::requeue(db, letters)
        })?;
        if done.is_ok() {
            let last = self.last()?;
            self.bell.ring(last);
        }
        Ok(done)
    }

    /// Throws dead letters away; returns how many.
    ///
    /// # Errors
    ///
    /// Nothing was written.
    pub fn purge(&mut self, letters: &Letters) -> Ruled<u64> {
        self.file.write("purging dead letters", PATIENCE, |db| {
            dead::purge(db, letters)
        })
    }

    /// Does what time has made due: what expired or is kept no longer is settled.
    ///
    /// # Errors
    ///
    /// Nothing was written.
    pub fn tend(&mut self, now: Timestamp) -> Result<(), Fault> {
        let terms = self.terms;
        self.file.write("tending messages", PATIENCE, |db| {
            tend::tend(db, &terms, now)
        })
    }
}

#[cfg(test)]
mod tests;
