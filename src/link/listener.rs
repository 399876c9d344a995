//! The host's socket: one task a connection, all over one engine.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    sync::{Semaphore, oneshot},
    time::timeout,
};

use super::{
    protocol::{Call, PROTOCOL, Response, frame},
    service::{Peer, Service},
};
use crate::ledger::{Fault, Home};

/// Connections at once: agents by the hundred, and no more files than a process may have.
const MAX_CONNECTIONS: usize = 512;
/// How long a connection may be silent.
const SILENCE: Duration = Duration::from_secs(60);
/// Questions answered at once, each over a ledger handle of its own: more only take turns on the processors.
const MAX_READERS: usize = 8;

/// The socket. Dropping it closes the door and ends its thread.
pub struct Listener {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    path: PathBuf,
}

impl Listener {
    /// Opens the socket of a ledger whose host this process is: one that was left behind by another is replaced.
    ///
    /// # Errors
    ///
    /// The socket could not be made.
    pub fn open(home: &Home, service: Arc<Service>) -> Result<Listener, Fault> {
        let path = home.socket()?;
        let failed = |error: io::Error| Fault::io(&path, "opening the host's socket", &error);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let socket = std::os::unix::net::UnixListener::bind(&path).map_err(failed)?;
        // The folder is closed to others, so nobody slips in before this.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
        socket.set_nonblocking(true).map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(MAX_READERS)
            .build()
            .map_err(failed)?;
        let thread = thread::Builder::new()
            .name("listener".into())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = stopped => {}
                        () = accept(socket, service) => {}
                    }
                });
                runtime.shutdown_background();
            })
            .map_err(failed)?;
        Ok(Listener {
            stop: Some(stop),
            thread: Some(thread),
            path,
        })
    }

    /// Returns where the socket is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // The file goes first, so that nobody connects to a door that is about to close.
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(%error, "the socket was gone already");
        }
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the listener's thread panicked");
        }
    }
}

async fn accept(socket: std::os::unix::net::UnixListener, service: Arc<Service>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let socket = match UnixListener::from_std(socket) {
        Ok(socket) => socket,
        Err(error) => return tracing::error!(%error, "the socket cannot be listened on"),
    };
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match socket.accept().await {
            Ok((stream, _)) => {
                let service = Arc::clone(&service);
                tokio::spawn(async move {
                    if let Err(error) = serve(stream, &service).await {
                        tracing::debug!(%error, "a connection ended");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(mut stream: UnixStream, service: &Arc<Service>) -> io::Result<()> {
    let peer = Peer::local(stream.peer_cred()?.uid());
    loop {
        let mut head = [0; 4];
        match timeout(SILENCE, stream.read_exact(&mut head)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Ok(Err(error)) => return Err(error),
            Err(_) => return Ok(()),
        }
        // Memory is taken as the bytes come: a length alone costs nothing.
        let length = frame::frame_length(head)?;
        let mut body = Vec::new();
        let mut rest = (&mut stream).take(length as u64);
        timeout(SILENCE, rest.read_to_end(&mut body)).await??;
        if body.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let response = match serde_json::from_slice::<Call>(&body) {
            Ok(call) if call.protocol == PROTOCOL => service.answer(call.request, &peer).await,
            _ => Response::OtherProtocol(PROTOCOL),
        };
        let bytes = frame::frame(&response)?;
        timeout(SILENCE, stream.write_all(&bytes)).await??;
    }
}
