//! The host's socket: one task a connection, all over one engine.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    sync::{Semaphore, oneshot},
    time::timeout,
};

use super::wire::{self, Call, PROTOCOL, Request, Response};
use crate::{
    domain::{record::Door, refusal::Refusal},
    engine::{Failure, Handle, Reader, Reply, gates::Desk, supervisor::Supervisor},
    ledger::{Fault, FaultKind, Home},
};

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
    /// `on_yield` is called when another process asks the host to step down.
    ///
    /// # Errors
    ///
    /// The socket could not be made.
    pub fn open(
        home: &Home,
        handle: Handle,
        supervisor: Arc<Supervisor>,
        desk: Desk,
        on_yield: impl Fn() + Send + Sync + 'static,
    ) -> Result<Listener, Fault> {
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
        let office = Arc::new(Office {
            handle,
            supervisor,
            desk,
            readers: Mutex::default(),
            on_yield: Box::new(on_yield),
            places: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
        });
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
                        () = accept(socket, office) => {}
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

/// What every connection shares.
struct Office {
    handle: Handle,
    supervisor: Arc<Supervisor>,
    desk: Desk,
    readers: Mutex<Vec<Reader>>,
    on_yield: Box<dyn Fn() + Send + Sync>,
    places: Arc<Semaphore>,
}

async fn accept(socket: std::os::unix::net::UnixListener, office: Arc<Office>) {
    let socket = match UnixListener::from_std(socket) {
        Ok(socket) => socket,
        Err(error) => return tracing::error!(%error, "the socket cannot be listened on"),
    };
    loop {
        let Ok(place) = Arc::clone(&office.places).acquire_owned().await else {
            return;
        };
        match socket.accept().await {
            Ok((stream, _)) => {
                let office = Arc::clone(&office);
                tokio::spawn(async move {
                    if let Err(error) = serve(stream, &office).await {
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

async fn serve(mut stream: UnixStream, office: &Arc<Office>) -> io::Result<()> {
    let uid = stream.peer_cred()?.uid();
    loop {
        let mut head = [0; 4];
        match timeout(SILENCE, stream.read_exact(&mut head)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Ok(Err(error)) => return Err(error),
            Err(_) => return Ok(()),
        }
        // Memory is taken as the bytes come: a length alone costs nothing.
        let length = wire::frame_length(head)?;
        let mut body = Vec::new();
        let mut rest = (&mut stream).take(length as u64);
        timeout(SILENCE, rest.read_to_end(&mut body)).await??;
        if body.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let response = match serde_json::from_slice::<Call>(&body) {
            Ok(call) if call.protocol == PROTOCOL => answer(call.request, uid, office).await,
            _ => Response::OtherProtocol(PROTOCOL),
        };
        let frame = wire::frame(&response)?;
        timeout(SILENCE, stream.write_all(&frame)).await??;
    }
}

async fn answer(request: Request, uid: u32, office: &Arc<Office>) -> Response {
    match request {
        Request::Submit(mut submission) => {
            // Who the caller is, the kernel knows best.
            submission.uid = uid;
            // The engine's own door is inside this process.
            if submission.door == Door::Engine {
                return Response::Reply(Box::new(Reply::Refused(Refusal::EngineOnly)));
            }
            let dry_run = submission.dry_run;
            let (sender, receiver) = oneshot::channel();
            office
                .handle
                .submit_then(*submission, move |reply| drop(sender.send(reply)));
            let gone = || {
                Reply::Failed(Failure::Unknown(gone(
                    "the engine stopped before it answered",
                )))
            };
            let reply = receiver.await.unwrap_or_else(|_| gone());
            Response::Reply(Box::new(match dry_run {
                true => reply,
                false => office.desk.heed(reply),
            }))
        }
        Request::Ask(query) => {
            let answered = in_background(office, move |office| {
                let mut reader = office.reader()?;
                let answered = reader.ask(&office.handle, &query)?;
                office.give_back(reader);
                Ok(answered)
            });
            Response::Answered(Box::new(answered.await))
        }
        Request::Beat(beat) => {
            let beaten = in_background(office, move |office| {
                Ok(office.handle.heartbeat(
                    beat.order,
                    beat.epoch,
                    &beat.actor,
                    beat.role,
                    &beat.note,
                )?)
            });
            Response::Beaten(Box::new(beaten.await))
        }
        Request::Supervise(wish) => {
            let (sender, receiver) = oneshot::channel();
            (office.supervisor).ask(wish, move |answer| drop(sender.send(answer)));
            let gone = || Err(Refusal::not_found("the supervision of agents"));
            Response::Supervised(Box::new(receiver.await.unwrap_or_else(|_| gone())))
        }
        Request::RunGate(ask) => {
            let (sender, receiver) = oneshot::channel();
            let desk = office.desk.clone();
            // It may take an hour, and must not take a reader's place as long. Who hung up needs no answer.
            let run = move || drop(sender.send(desk.ask(&ask)));
            let begun = thread::Builder::new().name("gate".into()).spawn(run);
            let ran = match begun {
                Ok(_) => receiver
                    .await
                    .unwrap_or_else(|_| Err(gone("the run of the gate was lost").into())),
                Err(_) => Err(gone("the host could not run the gate").into()),
            };
            Response::GateRan(Box::new(ran))
        }
        Request::Yield => {
            (office.on_yield)();
            Response::Yielding
        }
    }
}

/// Runs what reads files away from the task that accepts.
async fn in_background<T: Send + 'static>(
    office: &Arc<Office>,
    work: impl FnOnce(&Office) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let office = Arc::clone(office);
    let done = tokio::task::spawn_blocking(move || work(&office)).await;
    done.unwrap_or_else(|_| Err(gone("the host could not answer").into()))
}

fn gone(what: &str) -> Fault {
    Fault::new(FaultKind::Busy, Path::new(""), what)
}

impl Office {
    fn reader(&self) -> Result<Reader, Fault> {
        let free = self
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        free.map_or_else(|| self.handle.reader(), Ok)
    }

    fn give_back(&self, reader: Reader) {
        self.readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(reader);
    }
}
