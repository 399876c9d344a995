//! A server over a host on a temporary ledger, and ways to it.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use obeya::{
    domain::{
        command::{Command, NewOrder, Role, Submission},
        order::Actor,
        record::Door,
        state::State,
    },
    link::{
        self, Home, Operator as _, Reply, Session,
        access::{Caller, NewToken, create_token},
        remote::{Attached, Mirror, Nothing, Pace, Remote, Target, Token},
    },
    server::{self, Doors, Server},
};
use uuid::Uuid;

/// How long anything here may take that is no matter of time.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A host with a server on a port of the kernel's choice.
pub(super) struct Engine {
    // The server ends before its host.
    pub(super) server: Option<Server>,
    pub(super) session: Arc<Session>,
    pub(super) home: Home,
    pub(super) folder: tempfile::TempDir,
}

impl Engine {
    pub(super) fn start() -> Engine {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path().join(".obeya")).unwrap();
        link::init(&home).unwrap();
        let session = Arc::new(Session::titled(&home, "serve", false).unwrap());
        let server = serve(&session, "127.0.0.1:0".parse().unwrap());
        Engine {
            server: Some(server),
            session,
            home,
            folder,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.server.as_ref().unwrap().address().unwrap()
    }

    /// Ends the server, does something meanwhile, and opens another one on the same port.
    pub(super) fn away(&mut self, meanwhile: impl FnOnce(&Engine)) {
        let address = self.address();
        self.server = None;
        meanwhile(self);
        self.server = Some(serve(&self.session, address));
    }

    /// Makes a token, and returns how it gets in.
    pub(super) fn target(&self, name: &str, role: Role) -> Target {
        self.target_by(self.address(), name, role)
    }

    /// Makes a token, and returns how it gets in by a way.
    pub(super) fn target_by(&self, way: SocketAddr, name: &str, role: Role) -> Target {
        let caller = Caller {
            actor: Actor::person("root"),
            role: Role::Admin,
        };
        let new = NewToken {
            name: name.parse().unwrap(),
            role,
            expires: None,
        };
        let made = create_token(&self.home, &caller, &new, link::now());
        let (secret, _) = made.unwrap().unwrap();
        let mut target = Target::new(format!("ws://{way}").parse().unwrap());
        target.token = Some(Token::new(secret.expose()));
        target
    }

    /// Makes a token, and returns a file in `folder` that has it.
    pub(super) fn token_file(&self, folder: &Path, name: &str, role: Role) -> String {
        let token = self.target(name, role).token.unwrap();
        let file = folder.join(format!("{name}.token"));
        fs::write(&file, token.secret()).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        file.display().to_string()
    }

    pub(super) fn attach(&self, name: &str, role: Role) -> Attached {
        self.attach_by(self.address(), name, role)
    }

    pub(super) fn attach_by(&self, way: SocketAddr, name: &str, role: Role) -> Attached {
        let target = self.target_by(way, name, role);
        let remote = Remote::paced(target, Nothing, PACE).unwrap();
        remote.welcome(PATIENCE).unwrap();
        Attached::new(Arc::new(remote))
    }
}

/// The patience of a server under test.
const SERVER: server::Pace = server::Pace {
    headers: Duration::from_secs(10),
    body: Duration::from_secs(30),
    beat: Duration::from_millis(100),
    stalled: Duration::from_secs(2),
    quiet: Duration::from_secs(3),
};

/// The patience of a caller under test.
pub(super) const PACE: Pace = Pace {
    dial: Duration::from_secs(2),
    sign: Duration::from_millis(200),
    late: Duration::from_millis(500),
    silence: Duration::from_millis(1_500),
    pause: Duration::from_millis(10),
    longest_pause: Duration::from_millis(200),
    denied_pause: Duration::from_millis(200),
    steady: Duration::from_secs(1),
};

pub(super) fn serve(session: &Session, address: SocketAddr) -> Server {
    let doors = Doors {
        listen: Some(address),
        ..Doors::default()
    };
    Server::paced(session.service().unwrap(), "line", &doors, SERVER).unwrap()
}

/// A console's copy of the line.
pub(super) struct Copy {
    pub(super) remote: Remote,
    state: Arc<Mutex<Arc<State>>>,
}

impl Copy {
    pub(super) fn of(target: Target) -> Copy {
        Copy::paced(target, PACE)
    }

    pub(super) fn paced(target: Target, pace: Pace) -> Copy {
        let (mirror, state) = Mirror::new(|_| {});
        let remote = Remote::paced(target, mirror, pace).unwrap();
        Copy { remote, state }
    }

    pub(super) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.lock().unwrap())
    }

    /// Waits until the copy is as far as the engine, and asserts that it is the same.
    pub(super) fn equals(&self, session: &Session) {
        until("the copy comes as far as the engine", || {
            self.state().head == session.watching().state().head
        });
        let (own, theirs) = (self.state(), session.watching().state());
        assert_eq!(own.state_hash(), theirs.state_hash());
    }
}

pub(super) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub(super) fn submission(actor: Actor, command: Command) -> Submission {
    Submission {
        id: Uuid::now_v7(),
        role: Role::Admin,
        actor,
        door: Door::Cli,
        uid: 4711,
        epoch: None,
        causation: None,
        correlation: None,
        dry_run: false,
        until: None,
        as_of: None,
        command,
    }
}

/// Returns a port of the kernel's choice.
pub(super) fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

pub(super) fn create_command(title: &str) -> Command {
    Command::CreateOrder {
        order: NewOrder::task(title),
    }
}

pub(super) fn create(attached: &mut Attached, title: &str) -> Reply {
    attached.submit(&creation(title))
}

pub(super) fn creation(title: &str) -> Submission {
    let order = NewOrder::task(title);
    submission(Actor::person("anyone"), Command::CreateOrder { order })
}
