//! The host's engine, reached over its socket.

use std::{
    io,
    os::unix::net::UnixStream,
    path::Path,
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with},
};

use super::{
    Answered, Asked, Beaten, Cold, GateAsk, Heartbeat, Observer, Operator, Supervised,
    protocol::{Call, PROTOCOL, Request, Response, frame},
};
use crate::{
    domain::{
        command::Submission,
        query::{Query, life::Life},
        refusal::Refusal,
    },
    engine::{Reply, since_boot, supervisor::Wish},
    ledger::{Fault, Home, HostLock},
};

/// How long the host may take. After that the caller does it by itself, with the same command id.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long the host may run a gate: the longest that one may take, and a while to wait for its place.
const GATE_PATIENCE: Duration = Duration::from_secs(25 * 3600);

/// How long a caller whose host did not answer does without one, before it looks again: a host that is stopped costs it
/// [`PATIENCE`] each time.
const ALONE: Duration = Duration::from_secs(60);

/// A connection to the host. When the host goes, the ledger is opened in this process instead.
pub struct Client {
    home: Home,
    host: Option<UnixStream>,
    alone_since: Option<Instant>,
    cold: Option<Cold>,
}

impl Client {
    /// Connects to the host, or returns None where there is none to reach.
    ///
    /// # Errors
    ///
    /// The socket is there and the operating system forbids its use: that is no "no host".
    pub fn connect(home: &Home) -> Result<Option<Client>, Fault> {
        let path = home.socket()?;
        match reach(&path) {
            Ok(host) => Ok(host.map(|host| Client {
                home: home.clone(),
                host: Some(host),
                alone_since: None,
                cold: None,
            })),
            Err(error) => Err(Fault::io(&path, "reaching the host", &error)),
        }
    }

    /// Asks a console that hosts to step down, for a process that is to be the host for good; true if one will.
    ///
    /// # Errors
    ///
    /// As of [`Client::connect`].
    pub fn ask_console_to_yield(home: &Home) -> Result<bool, Fault> {
        let is_console = HostLock::holder(home).is_some_and(|holder| holder.ends_with("console"));
        let client = match is_console {
            true => Client::connect(home)?,
            false => None,
        };
        Ok(client.is_some_and(|mut client| client.ask_to_yield()))
    }

    /// Asks the host to step down; true if it will.
    pub fn ask_to_yield(&mut self) -> bool {
        matches!(self.call(Request::Yield), Some(Response::Yielding))
    }

    /// Hands an errand on to the host, and returns its answer; None where no host answers.
    pub(super) fn supervised(&mut self, wish: &Wish) -> Option<Result<Life, Refusal>> {
        match self.call(Request::Supervise(wish.clone())) {
            Some(Response::Supervised(answer)) => Some(*answer),
            _ => None,
        }
    }

    /// Returns the host's answer, or None if it has none: from then on this process does it alone.
    fn call(&mut self, request: Request) -> Option<Response> {
        let call = Call {
            protocol: PROTOCOL,
            request,
        };
        if self
            .alone_since
            .is_some_and(|since| since.elapsed() > ALONE)
        {
            self.find_host();
        }
        let mut answer = converse(self.host.as_mut()?, &call);
        // The host closes what was silent for long, or another one has taken over. Asking twice does nothing twice.
        if answer.as_ref().is_err_and(hung_up) {
            self.find_host();
            answer = converse(self.host.as_mut()?, &call);
        }
        match answer {
            Ok(Response::OtherProtocol(theirs)) => {
                tracing::info!(theirs, "the host speaks another protocol");
            }
            Ok(response) => return Some(response),
            Err(error) => tracing::warn!(%error, "the host did not answer"),
        }
        self.host = None;
        self.alone_since = Some(Instant::now());
        None
    }

    fn find_host(&mut self) {
        self.host = self.home.socket().ok().and_then(|path| reach(&path).ok()?);
        self.alone_since = self.host.is_none().then(Instant::now);
    }

    fn cold(&mut self) -> Result<&mut Cold, Fault> {
        match &mut self.cold {
            Some(cold) => Ok(cold),
            empty => Ok(empty.insert(Cold::open(&self.home)?)),
        }
    }
}

fn converse(host: &mut UnixStream, call: &Call) -> io::Result<Response> {
    frame::send(host, call)?;
    frame::receive(host)
}

/// Returns whether the other side is gone, as opposed to silent.
fn hung_up(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::UnexpectedEof | Kind::BrokenPipe | Kind::ConnectionReset
    )
}

/// Connects without waiting: a stopped host with a full queue must not stop its callers.
fn reach(path: &Path) -> io::Result<Option<UnixStream>> {
    let address = SocketAddrUnix::new(path)?;
    let socket = socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        None,
    )?;
    match connect(&socket, &address) {
        Ok(()) => {}
        Err(Errno::NOENT | Errno::CONNREFUSED | Errno::AGAIN) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(Some(stream))
}

impl Observer for Client {
    fn ask(&mut self, query: &Query) -> Answered {
        match self.call(Request::Ask(query.clone())) {
            Some(Response::Answered(answered)) if answered.is_ok() => *answered,
            _ => self.cold()?.ask(query),
        }
    }
}

impl Operator for Client {
    fn submit(&mut self, submission: &Submission) -> Reply {
        // A host that was stopped may take it up long after this process did it alone.
        let until =
            since_boot().saturating_add(PATIENCE.as_micros().try_into().unwrap_or(i64::MAX));
        let bounded = Submission {
            until: Some(until),
            ..submission.clone()
        };
        match self.call(Request::Submit(Box::new(bounded))) {
            // Where the host failed, the same command id finds out here what became of it.
            Some(Response::Reply(reply)) if !matches!(*reply, Reply::Failed(_)) => *reply,
            _ => match self.cold() {
                Ok(cold) => cold.submit(submission),
                Err(fault) => Reply::Failed(fault.into()),
            },
        }
    }

    fn run_gate(&mut self, ask: &GateAsk) -> Asked {
        let wait = |host: &Option<UnixStream>, patience| {
            // A socket that takes no timeout waits as it did.
            host.iter()
                .for_each(|host| drop(host.set_read_timeout(Some(patience))));
        };
        wait(&self.host, GATE_PATIENCE);
        let response = self.call(Request::RunGate(ask.clone()));
        wait(&self.host, PATIENCE);
        match response {
            Some(Response::GateRan(ran)) if ran.is_ok() => *ran,
            _ => self.cold()?.run_gate(ask),
        }
    }

    fn heartbeat(&mut self, beat: &Heartbeat) -> Beaten {
        match self.call(Request::Beat(beat.clone())) {
            Some(Response::Beaten(beaten)) if beaten.is_ok() => *beaten,
            _ => self.cold()?.heartbeat(beat),
        }
    }
    fn supervise(&mut self, wish: &Wish) -> Supervised {
        Ok(self.supervised(wish))
    }
}
