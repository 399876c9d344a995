//! Where a console looks: at a ledger on this machine, or at an engine elsewhere.

use std::path::{Path, PathBuf};

use super::ConsoleError;
use crate::{
    cli::{ConsoleOptions, start_log, start_log_away},
    link::{self, Home, LEDGER_FOLDER, Place, Source, remote::Target},
};

/// What is looked at.
pub(super) enum Site {
    /// A ledger here.
    Here(Place),
    /// An engine elsewhere.
    Elsewhere(Target),
}

impl Site {
    /// Finds what the options mean.
    pub(super) fn find(options: &ConsoleOptions) -> Result<Site, ConsoleError> {
        match &options.target {
            Some(target) => Ok(Site::Elsewhere(target.clone())),
            None => place(options).map(Site::Here),
        }
    }

    /// Returns the name in the corner.
    pub(super) fn name(&self) -> String {
        match self {
            Site::Here(place) => place.name(),
            Site::Elsewhere(target) => target.name(),
        }
    }

    /// Returns where it is, as the user's settings mark it.
    pub(super) fn folder(&self) -> PathBuf {
        match self {
            Site::Here(place) => place.home.path().to_owned(),
            Site::Elsewhere(target) => target.address.to_string().into(),
        }
    }

    /// Returns the ledger's folder, if it is here.
    pub(super) fn home(&self) -> Option<&Home> {
        match self {
            Site::Here(place) => Some(&place.home),
            Site::Elsewhere(_) => None,
        }
    }

    /// Returns the folder of what the console writes down: logs, and recordings of what it heard. Beside a ledger that is
    /// here, else in the user's own folder; None where that is not known.
    pub(super) fn logs(&self) -> Option<PathBuf> {
        match self {
            Site::Here(place) => Some(place.home.logs()),
            Site::Elsewhere(_) => Some(link::state_folder()?.join("logs")),
        }
    }

    /// Logs there from here on.
    pub(super) fn start_log(&self) {
        match self {
            Site::Here(place) => start_log(&place.home),
            Site::Elsewhere(_) => {
                if let Some(folder) = self.logs() {
                    start_log_away(&folder);
                }
            }
        }
    }
}

/// Finds the ledger. Only a console falls back to the user's own, and makes it when it is not there:
/// its name stays on screen, so nobody writes to it unawares.
fn place(options: &ConsoleOptions) -> Result<Place, ConsoleError> {
    let from = std::env::current_dir()?;
    let none = match link::locate(options.ledger.as_deref(), &from)? {
        Ok(place) => return Ok(place),
        Err(none) => none,
    };
    let own = link::user_ledger()?;
    if !Path::exists(&own.home.database()) {
        if options.wall.is_some() {
            // It waits for the one that somebody makes here.
            return Ok(Place {
                home: Home::new(from.join(LEDGER_FOLDER))?,
                source: Source::Folder,
            });
        }
        if options.read_only {
            return Err(ConsoleError::NoLedger(none));
        }
        link::init(&own.home)?;
    }
    Ok(own)
}
