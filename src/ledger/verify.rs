//! Walks the chain of records and names the first bad one.

use std::fmt;

use super::{Fault, FaultKind, READ_PAGE};
use crate::domain::record::{Head, Record, Seq};

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is not there; the next one is this one.
    Gap(Seq),
    /// Its hash is not what its fields and the record before give.
    Hash,
    /// It cannot be read as a record.
    Unreadable(Fault),
    /// It is whole, but not the record that was anchored.
    Anchor,
    /// The ledger ends before the record that was anchored.
    Short,
}

/// The first bad record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// Which.
    pub seq: Seq,
    /// What is wrong with it.
    pub wrong: Wrong,
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seq = self.seq;
        match &self.wrong {
            Wrong::Gap(next) => write!(f, "record {seq} is missing: the next one is {next}"),
            Wrong::Hash => write!(f, "record {seq} was changed: its hash does not match"),
            Wrong::Unreadable(fault) => write!(f, "record {seq} cannot be read: {}", fault.what),
            Wrong::Anchor => write!(f, "record {seq} is not the one that was anchored"),
            Wrong::Short => write!(
                f,
                "record {seq} was anchored, but the ledger ends before it"
            ),
        }
    }
}

/// What a walk found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The last good record.
    pub head: Head,
    /// The first bad one; the walk ended there.
    pub bad: Option<Bad>,
}

/// Walks the records that `read` gives (at most so many after a seq, in order), a page in memory at a time.
/// `anchor` is a head noted earlier, which must be on the way. `progress` hears the seq reached after each page.
/// A fault that is not about a record ends the walk.
pub fn verify(
    mut read: impl FnMut(Seq, usize) -> Result<Vec<Record>, Fault>,
    anchor: Option<Head>,
    progress: &mut dyn FnMut(Seq),
) -> Result<Verdict, Fault> {
    let mut head = Head::default();
    let bad = |head: Head, seq, wrong| {
        Ok(Verdict {
            head,
            bad: Some(Bad { seq, wrong }),
        })
    };
    let mut limit = READ_PAGE;
    loop {
        let page = match read(head.seq, limit) {
            Ok(page) => page,
            Err(fault) if fault.kind != FaultKind::Corrupt => return Err(fault),
            // Somewhere in the page; read on one by one to find where.
            Err(_) if limit > 1 => {
                limit = 1;
                continue;
            }
            Err(fault) => return bad(head, head.seq + 1, Wrong::Unreadable(fault)),
        };
        if page.is_empty() {
            break;
        }
        for record in &page {
            if record.seq != head.seq + 1 {
                return bad(head, head.seq + 1, Wrong::Gap(record.seq));
            }
            if record.seal(&head.hash) != record.hash {
                return bad(head, record.seq, Wrong::Hash);
            }
            if anchor.is_some_and(|anchor| anchor.seq == record.seq && anchor.hash != record.hash) {
                return bad(head, record.seq, Wrong::Anchor);
            }
            head = Head {
                seq: record.seq,
                hash: record.hash,
            };
        }
        progress(head.seq);
    }
    match anchor {
        Some(anchor) if anchor.seq > head.seq => bad(head, anchor.seq, Wrong::Short),
        _ => Ok(Verdict { head, bad: None }),
    }
}
