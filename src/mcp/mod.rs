//! The door for models: a server of the Model Context Protocol on standard input and output.
//!
//! `tools` is what a model may call, `visit` is one call's way to the line, `answers` is what it is told, `snag` why not.
//! Every call opens the line anew: it reaches the host that runs then, and between calls nothing is held. The epochs of
//! the claims made here are kept in `line`, so that a model need not carry them. Standard output is the protocol's alone.

mod acts;
mod answers;
mod arguments;
pub mod config;
mod gates;
mod line;
mod looks;
mod messages;
mod prompts;
mod resources;
mod server;
mod snag;
mod tools;
mod visit;
mod wire;

use std::{io, path::Path, sync::Arc, time::Duration};

use rmcp::{
    service::{ServerInitializeError, serve_server},
    transport::async_rw::AsyncRwTransport,
    transport::stdio_pipes,
};
use tokio::signal::unix::{SignalKind, signal};

pub use self::line::Options;
use self::{line::Line, server::Server, wire::Wire};
use crate::link::{Fault, FaultKind};

/// The longest line that a client may send: above the longest text that any rule allows, far below memory.
const MAX_LINE: usize = 1 << 20;
/// Threads for calls and for a standard input that is no pipe: one of them waits there.
const THREADS: usize = server::AT_ONCE + 2;
/// How long what is still under way may hold up the end.
const GRACE: Duration = Duration::from_millis(200);

/// Serves one client on standard input and output until it goes away, or the process is told to end.
///
/// # Errors
///
/// The runtime or the signals could not be set up, or standard output cannot be written.
pub fn serve(options: Options) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(THREADS)
        .build()
        .map_err(|error| failed("starting the server", &error))?;
    let line = Arc::new(Line::new(options));
    let served = runtime.block_on(async {
        let mut told = told_to_end()?;
        tokio::select! {
            served = serve_client(Arc::clone(&line)) => served,
            _ = told.recv() => Ok(()),
        }
    });
    // A gate that still runs for this client is ended with it, and leaves no verdict.
    line.end();
    runtime.shutdown_timeout(GRACE);
    served
}

async fn serve_client(line: Arc<Line>) -> Result<(), Fault> {
    let (input, output) = stdio_pipes();
    let lines = AsyncRwTransport::new_server(input, output).with_max_line_length(MAX_LINE);
    let served = match serve_server(Server::new(line), Wire::new(lines)).await {
        Ok(running) => running.waiting().await.map(|_| ()),
        // A client that goes away before it said anything is one that goes away.
        Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        Err(error) => return Err(failed("greeting the client", &io::Error::other(error))),
    };
    served.map_err(|error| failed("serving the client", &io::Error::other(error)))
}

/// Returns a channel that has something to say once a signal asks the process to end.
fn told_to_end() -> Result<tokio::sync::mpsc::Receiver<()>, Fault> {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    for kind in [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ] {
        let mut heard = signal(kind).map_err(|error| failed("listening to signals", &error))?;
        let sender = sender.clone();
        tokio::spawn(async move {
            heard.recv().await;
            let _ = sender.send(()).await;
        });
    }
    Ok(receiver)
}

fn failed(doing: &str, error: &io::Error) -> Fault {
    let what = format!("{doing} failed: {error}");
    Fault::new(FaultKind::Misuse, Path::new(""), what).mend("")
}
