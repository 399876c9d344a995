//! Who may come in by a server, and what was done there: a SQLite file beside the ledger, in the same discipline.
//!
//! Tokens and audit are no part of the ledger: they are about this machine's doors, a revocation must not be undone by a
//! restore, and nobody who reads a backup should find who came from where. Nothing of it is remembered between two calls,
//! so that a revocation by any process counts from the next check on.

mod audit;
mod check;
mod local;
mod rows;
mod schema;
mod token;
mod tokens;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use super::{
    Fault, FaultKind, Home,
    side_file::{PATIENCE, SideFile},
};
use crate::domain::{
    message::Name,
    refusal::Refusal,
    time::{MINUTE, Timestamp},
};

pub use audit::{AuditEntry, AuditFilter, AuditOutcome, AuditPage, AuditRow};
pub use check::Census;
pub(super) use check::examine;
pub use local::LocalToken;
pub use rows::{MANY, MAX_DENIED_A_SECOND, MAX_DENIED_ROWS, MAX_ROWS};
pub use token::{Denied, NewToken, Secret, Standing, TokenId, TokenView};
pub use tokens::MAX_TOKENS;

/// How long noting that a token was used may wait: it is worth no more.
const NOTING: Duration = Duration::from_millis(20);

/// How often it is noted that a token was used, at most.
const NOTED_EVERY: i64 = MINUTE;

/// How many ids are drawn for a token before the generator is called broken: two in a row are taken once in 10^23 tokens.
const DRAWS: usize = 8;

/// A handle on the tokens and the audit of a ledger. Several handles, in several processes too, may stand on one file.
pub struct Access {
    file: SideFile,
    /// When it was last tried to note that a token was used. Only what was checked and is live comes in here.
    noted: BTreeMap<TokenId, Timestamp>,
}

impl Access {
    /// Opens the file beside the ledger in `home`; makes it if it is not there.
    ///
    /// # Errors
    ///
    /// There is no ledger, or the file is shared with others, damaged, something else, or of a newer format: then nobody
    /// comes in.
    pub fn open(home: &Home) -> Result<Self, Fault> {
        let (path, lock) = (home.access(), home.access_lock());
        Ok(Access {
            file: SideFile::open(&schema::FILE, home, path, lock)?,
            noted: BTreeMap::new(),
        })
    }

    /// Makes a token. Its secret is returned this once and kept nowhere.
    ///
    /// # Errors
    ///
    /// Nothing was made. A refusal: the name is that of a live token, it would have expired already, or there are
    /// [`MAX_TOKENS`].
    pub fn create(
        &mut self,
        new: &NewToken,
        now: Timestamp,
    ) -> Result<Result<(Secret, TokenView), Refusal>, Fault> {
        let path = self.file.path().to_owned();
        for _ in 0..DRAWS {
            let (id, secret) =
                Secret::draw().map_err(|error| Fault::io(&path, "drawing a secret", &error))?;
            let made = self.file.write("making a token", PATIENCE, |db| {
                match tokens::has(db, &id)? {
                    true => Ok(None),
                    false => tokens::insert(db, &id, &secret, new, now).map(Some),
                }
            })?;
            if let Some(made) = made {
                return Ok(made.map(|token| (secret, token)));
            }
        }
        let what = "the system's generator of random numbers repeats itself";
        Err(Fault::new(FaultKind::Io, &path, what))
    }

    /// Returns every token, the live ones first. Of those that open nothing any more only the newest are remembered.
    ///
    /// # Errors
    ///
    /// The file could not be read.
    pub fn list(&mut self, now: Timestamp) -> Result<Vec<TokenView>, Fault> {
        self.file
            .read("reading the tokens", |db| tokens::list(db, now))
    }

    /// Takes a token back, from the next check on, in every process.
    ///
    /// # Errors
    ///
    /// It was not taken back. A refusal: there is none of this name.
    pub fn revoke(
        &mut self,
        name: &Name,
        now: Timestamp,
    ) -> Result<Result<TokenView, Refusal>, Fault> {
        let revoked = self.file.write("revoking a token", PATIENCE, |db| {
            tokens::revoke(db, name, now)
        })?;
        Ok(revoked.ok_or_else(|| Refusal::not_found(format!("token {name}"))))
    }

    /// Returns the token that a text is, or why it opens nothing. Notes once a minute that it was used, if that can be
    /// done at once.
    ///
    /// # Errors
    ///
    /// The file could not be read: whoever asked must not come in.
    pub fn check(
        &mut self,
        text: &str,
        now: Timestamp,
    ) -> Result<Result<TokenView, Denied>, Fault> {
        let checked = self
            .file
            .read("checking a token", |db| tokens::check(db, text, now))?;
        if let Ok(token) = &checked {
            self.note_use(token, now);
        }
        Ok(checked)
    }

    /// Returns whether tokens can be looked up at all.
    ///
    /// # Errors
    ///
    /// They cannot: nobody comes in.
    pub fn readable(&mut self) -> Result<(), Fault> {
        self.file.read("looking at the tokens", tokens::readable)
    }

    /// Returns the token that a text is, though it may open nothing any more: whose it was, for the audit.
    ///
    /// # Errors
    ///
    /// The file could not be read.
    pub fn borne(&mut self, text: &str, now: Timestamp) -> Result<Option<TokenView>, Fault> {
        let borne = self
            .file
            .read("checking a token", |db| tokens::borne(db, text, now))?;
        Ok(borne.ok())
    }

    /// Returns what a token is now that was checked before, for a connection that lasts; or why it opens nothing any more.
    ///
    /// # Errors
    ///
    /// The file could not be read: whoever came in must go.
    pub fn standing(
        &mut self,
        id: &TokenId,
        now: Timestamp,
    ) -> Result<Result<TokenView, Denied>, Fault> {
        self.file
            .read("checking a token", |db| tokens::standing(db, id, now))
    }

    /// Appends to the audit, all in one transaction, and keeps it within its bounds.
    ///
    /// # Errors
    ///
    /// Nothing was appended.
    pub fn append(&mut self, entries: &[AuditEntry]) -> Result<(), Fault> {
        self.file.write("writing the audit", PATIENCE, |db| {
            rows::append(db, entries)
        })
    }

    /// Returns at most `limit` rows of the audit that a filter admits.
    ///
    /// # Errors
    ///
    /// The file could not be read.
    pub fn audit(
        &mut self,
        filter: &AuditFilter,
        page: AuditPage,
        limit: usize,
    ) -> Result<Vec<AuditRow>, Fault> {
        self.file.read("reading the audit", |db| {
            rows::read(db, filter, page, limit)
        })
    }

    /// Returns what the file holds, and what is wrong with it.
    ///
    /// # Errors
    ///
    /// The file could not be read.
    pub fn census(&mut self) -> Result<Census, Fault> {
        self.file.read("examining the tokens", check::census)
    }

    /// Notes that a token was used. A disk that is full, or a writer in the way, keeps nobody out.
    fn note_use(&mut self, token: &TokenView, now: Timestamp) {
        let due = |at: Timestamp| now.since(at) >= NOTED_EVERY || at.since(now) >= NOTED_EVERY;
        let known = token.used_at.map(|used| used.0);
        let tried = self.noted.get(&token.id).copied();
        if !known.is_none_or(due) || !tried.is_none_or(due) {
            return;
        }
        if self.noted.len() >= MAX_TOKENS as usize {
            self.noted.clear();
        }
        self.noted.insert(token.id.clone(), now);
        let noted = self.file.write("noting a token's use", NOTING, |db| {
            tokens::touch(db, &token.id, now)
        });
        if let Err(fault) = noted {
            tracing::debug!(%fault, "a token's use was not noted");
        }
    }
}
