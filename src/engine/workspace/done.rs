//! What an agent said when it was done, kept until its order is: whoever comes after a host that ended need not have the
//! work done again.

use std::{collections::BTreeMap, fs, io, path::PathBuf};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    domain::{id::OrderId, order::Order, record::Seq, time::Timestamp},
    ledger::Home,
};

/// What its file's name ends with, after the order's.
const ENDING: &str = ".done.json";

/// What an agent said when it was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done<T> {
    /// Under which claim.
    pub epoch: u32,
    /// What it was asked to do.
    #[serde(default)]
    pub asked: Asked,
    /// What it said.
    pub report: T,
}

/// What an order asked for. Where any of it is another, what was done before does not answer it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Its title.
    title: String,
    /// The record of its description.
    description: Option<Seq>,
    /// When it came into being, or was reopened last.
    entered: Timestamp,
}

impl Asked {
    /// Returns what an order asks for now.
    pub fn of(order: &Order) -> Self {
        Asked {
            title: order.title.clone(),
            description: order.description,
            entered: order.entered,
        }
    }
}

pub(super) fn file(home: &Home, order: OrderId) -> PathBuf {
    home.worktrees().join(format!("{order}{ENDING}"))
}

/// Keeps what the agent of an order said.
///
/// # Errors
///
/// It cannot be written.
pub fn keep_done<T: Serialize>(home: &Home, order: OrderId, done: &Done<T>) -> io::Result<()> {
    let file = file(home, order);
    let fresh = file.with_extension("new");
    fs::create_dir_all(home.worktrees())?;
    fs::write(&fresh, serde_json::to_vec(done)?)?;
    fs::rename(fresh, file)
}

/// Returns what the agent of an order said, if it is done and the order is not.
pub fn done<T: DeserializeOwned>(home: &Home, order: OrderId) -> Option<Done<T>> {
    serde_json::from_slice(&fs::read(file(home, order)).ok()?).ok()
}

/// Forgets what an agent said: the work is to be done again, or its order is closed.
pub fn forget_done(home: &Home, order: OrderId) {
    let _ = fs::remove_file(file(home, order));
}

/// Returns the orders whose agent said that they are done, with the claim's epoch. It reads one folder.
pub fn all_done(home: &Home) -> BTreeMap<OrderId, u32> {
    let entries = fs::read_dir(home.worktrees())
        .into_iter()
        .flatten()
        .flatten();
    let named = entries.filter_map(|entry| {
        let name = entry.file_name();
        name.to_str()?.strip_suffix(ENDING)?.parse().ok()
    });
    named
        .filter_map(|order| Some((order, done::<serde::de::IgnoredAny>(home, order)?.epoch)))
        .collect()
}
