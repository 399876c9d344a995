//! The doors for other machines: attached consoles, clients of the API, scrapers.
//!
//! [`Server::start`] opens them over a host's [`Service`]. Every connection comes through `listen`, every request through
//! `auth`, which finds out who asks; what is behind it sees a [`Peer`](crate::link::Peer) and nothing of the network.

mod api;
mod auth;
mod cursor;
mod health;
mod host_names;
mod limits;
mod listen;
mod noted;
mod once;
mod page;
mod problem;
mod routes;
mod shared;
mod socket;
mod stall_timeout;
mod unix_socket;
mod upgrade;
mod writer;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::sync::watch;

pub use api::document;
pub use auth::Source;
pub use problem::{PROBLEM_JSON, Problem};
pub use shared::{Denial, Principal, Shared};

use crate::link::{Fault, Service, protocol::socket::BEAT_SECONDS};

/// How long connections may take to end when the server does.
const GRACE: Duration = Duration::from_secs(5);
/// The threads that serve connections: what they do is mostly waiting, and what reads files is done on others.
const WORKERS: usize = 2;
/// What reads files at once: questions, each over a ledger handle of its own, snapshots, and looks at tokens.
const READERS: usize = 16;

/// Where a server listens.
#[derive(Clone, Debug, Default)]
pub struct Doors {
    /// By TCP.
    pub listen: Option<SocketAddr>,
    /// By a unix socket.
    pub unix: Option<PathBuf>,
    /// The certificate chain and the key of TLS, as PEM files.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// The names that it answers to, beside those of this machine and of the certificate.
    pub names: Vec<String>,
}

impl Doors {
    /// Looks whether the certificate and its key can be used, before anything is begun that is recorded at every try.
    ///
    /// # Errors
    ///
    /// They cannot: why, and by which file.
    pub fn check(&self) -> Result<(), Fault> {
        let read = (self.tls.as_ref()).map(|(chain, key)| listen::Tls::read(chain, key));
        read.transpose().map(drop).map_err(|error| unopened(&error))
    }
}

/// Returns the fault of a server that cannot be opened.
fn unopened(error: &io::Error) -> Fault {
    let fault = Fault::io(Path::new(""), "opening the server", error);
    fault.mend("Look at --listen, --unix, --tls-cert and --tls-key.")
}

/// How patient a server is with its callers. What stands here by default is for people and real networks; tests
/// are in more of a hurry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long a caller may take for its headers, for TLS before them, and between two requests.
    pub headers: Duration,
    /// How long it may take for its body.
    pub body: Duration,
    /// How often it says that it is alive, and looks whether somebody may stay.
    pub beat: Duration,
    /// How long a caller may take no byte of what is sent to it: it is dropped then, and may resume.
    pub stalled: Duration,
    /// How long a caller may say nothing, not even in answer to a ping.
    pub quiet: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            headers: Duration::from_secs(10),
            body: Duration::from_secs(30),
            beat: Duration::from_secs(BEAT_SECONDS),
            stalled: stall_timeout::STALLED,
            quiet: Duration::from_secs(90),
        }
    }
}

/// A server. Dropping it ends every connection.
pub struct Server {
    address: Option<SocketAddr>,
    ending: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Opens the doors of a host.
    ///
    /// # Errors
    ///
    /// An address is taken or not allowed, or a certificate cannot be used.
    pub fn start(service: Arc<Service>, name: &str, doors: &Doors) -> Result<Server, Fault> {
        Server::paced(service, name, doors, Pace::default())
    }

    /// Opens the doors of a host as [`Server::start`] does, with another patience.
    ///
    /// # Errors
    ///
    /// As of [`Server::start`].
    pub fn paced(
        service: Arc<Service>,
        name: &str,
        doors: &Doors,
        pace: Pace,
    ) -> Result<Server, Fault> {
        let (ending, ended) = watch::channel(false);
        let failed = |error: io::Error| unopened(&error);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .max_blocking_threads(READERS)
            .enable_all()
            .thread_name("server")
            .build()
            .map_err(failed)?;
        let opened = {
            let _inside = runtime.enter();
            listen::Opened::open(doors).map_err(failed)?
        };
        let address = opened.address();
        let port = address.map(|address| address.port());
        let mut shared = Shared::new(service, name, opened.names(doors), port, ended)?;
        shared.pace = pace;
        let shared = Arc::new(shared);
        let serve = move || {
            runtime.block_on(opened.serve(shared));
            runtime.shutdown_timeout(GRACE);
        };
        let thread = thread::Builder::new().name("server".into()).spawn(serve);
        let thread = thread.map_err(failed)?;
        Ok(Server {
            address,
            ending,
            thread: Some(thread),
        })
    }

    /// Returns where it listens by TCP: the port that the kernel chose, where zero was asked for.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ending.send_replace(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the server's thread panicked");
        }
    }
}
