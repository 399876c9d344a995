//! What the agents of a host are about, for every process that asks: a small file beside the ledger.

use std::{fs, io};

use serde::{Deserialize, Serialize};

use super::runner::Identity;
use crate::{
    domain::query::life::{LifeState, Lives},
    ledger::Home,
};

#[derive(Serialize, Deserialize)]
struct File {
    host: Identity,
    term: u64,
    lives: Lives,
}

/// Says what the agents are about, in the name of this process.
///
/// # Errors
///
/// The file cannot be written.
pub(super) fn write(home: &Home, term: u64, lives: &Lives) -> io::Result<()> {
    let pid = i32::try_from(std::process::id()).unwrap_or(0);
    let file = File {
        host: Identity::of(pid).unwrap_or(Identity {
            pid,
            start: String::new(),
        }),
        term,
        lives: lives.clone(),
    };
    let path = home.lives();
    let fresh = path.with_extension("new");
    fs::write(&fresh, serde_json::to_vec(&file)?)?;
    fs::rename(fresh, path)
}

/// Takes it back: nobody supervises any more.
pub(super) fn clear(home: &Home) {
    if let Err(error) = fs::remove_file(home.lives())
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "what agents were about could not be taken back");
    }
}

/// Returns what the agents are about. Of those whose host is gone nobody knows more.
pub(in crate::engine) fn read(home: &Home) -> Lives {
    let Ok(bytes) = fs::read(home.lives()) else {
        return Lives::new();
    };
    let Ok(mut file) = serde_json::from_slice::<File>(&bytes) else {
        return Lives::new();
    };
    if !file.host.is_alive() {
        for life in file.lives.values_mut() {
            // What it ran ended with it.
            life.state = match life.runs.is_empty() {
                true => LifeState::Unknown,
                false => LifeState::Lost,
            };
            life.note = Some("its host is gone".into());
            life.until = None;
            life.runs.clear();
        }
    }
    file.lives
}
