//! The ways in: TLS, the unix socket, and none any more.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use obeya::{
    domain::command::Role,
    link::{
        protocol::socket::{Farewell, FromEngine},
        remote::{Address, LinkState, Remote, Target},
    },
    server::{Doors, Server},
};

use super::{
    raw::Talk,
    support::{Copy, Engine, PATIENCE, until},
};

/// A certificate for a name, and its key, as files.
fn certificate(engine: &Engine, name: &str) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let [chain, key] = ["chain.pem", "key.pem"].map(|file| engine.home.path().join(file));
    fs::write(&chain, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (chain, key)
}

/// Opens other doors in place of those that an engine has.
pub(super) fn reopened(mut engine: Engine, doors: &Doors) -> Engine {
    let service = engine.session.service().unwrap();
    let closed = Server::start(service.clone(), "line", doors);
    assert!(closed.is_err(), "one server is enough for a ledger");
    engine.server = None;
    engine.server = Some(Server::start(service, "line", doors).unwrap());
    engine
}

#[test]
fn tls_is_spoken_and_the_name_in_the_certificate_counts() {
    let engine = Engine::start();
    let tls = certificate(&engine, "localhost");
    let ca = tls.0.clone();
    let doors = Doors {
        listen: Some("127.0.0.1:0".parse().unwrap()),
        tls: Some(tls),
        ..Doors::default()
    };
    let engine = reopened(engine, &doors);
    let port = engine.address().port();
    let mut target = engine.target("wall", Role::Viewer);
    let mut to = |address: &str, trusted: bool| {
        target.address = address.parse::<Address>().unwrap();
        target.ca = trusted.then(|| ca.clone());
        target.clone()
    };
    let copy = Copy::of(to(&format!("wss://localhost:{port}"), true));
    copy.equals(&engine.session);
    let reached = |target: Target| {
        let remote = Remote::calling(target).unwrap();
        remote.welcome(PATIENCE).map_err(|fault| fault.to_string())
    };
    let said = reached(to(&format!("wss://localhost:{port}"), false)).unwrap_err();
    assert!(said.contains("--ca"), "{said}");
    let said = reached(to(&format!("wss://127.0.0.1:{port}"), true)).unwrap_err();
    assert!(said.to_lowercase().contains("certificate"), "{said}");
}

#[test]
fn a_key_that_does_not_fit_is_said_by_name() {
    let engine = Engine::start();
    let (chain, key) = certificate(&engine, "localhost");
    for (chain, key, said) in [
        (chain.clone(), chain.clone(), "no private key"),
        (key.clone(), key.clone(), "no certificate"),
        (chain.with_file_name("gone.pem"), key, "gone.pem"),
    ] {
        let doors = Doors {
            listen: Some("127.0.0.1:0".parse().unwrap()),
            tls: Some((chain, key)),
            ..Doors::default()
        };
        let service = engine.session.service().unwrap();
        let fault = Server::start(service, "line", &doors).err().unwrap();
        assert!(fault.to_string().contains(said), "{fault}");
    }
}

#[test]
fn a_process_of_the_same_user_needs_no_token_at_the_unix_socket() {
    let engine = Engine::start();
    let path = engine.home.path().join("line.sock");
    let doors = Doors {
        unix: Some(path.clone()),
        ..Doors::default()
    };
    let engine = reopened(engine, &doors);
    assert_eq!(engine.server.as_ref().unwrap().address(), None);
    let mode = fs::symlink_metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let copy = Copy::of(Target::new(Address::Unix(path.clone())));
    copy.equals(&engine.session);
    let welcome = copy.remote.welcome(PATIENCE).unwrap();
    assert_eq!((welcome.role, welcome.actor), (Role::Admin, None));
    let mut engine = engine;
    engine.server = None;
    assert!(
        engine.home.path().exists() && !path.exists(),
        "the socket is left behind"
    );
}

#[test]
fn a_process_of_the_same_user_finds_the_servers_own_token() {
    let engine = Engine::start();
    let address = format!("ws://{}", engine.address());
    let target = || Target::new(address.parse().unwrap());
    let with = target().with_local_token(&engine.home).unwrap();
    let copy = Copy::of(with);
    copy.equals(&engine.session);
    let remote = Remote::calling(target()).unwrap();
    assert!(remote.welcome(PATIENCE).is_err(), "no token, no entry");
    let other = engine.address().port() ^ 1;
    for elsewhere in [
        "ws://engine.example".to_owned(),
        format!("ws://127.0.0.1:{other}"),
    ] {
        let target = Target::new(elsewhere.parse().unwrap());
        let target = target.with_local_token(&engine.home).unwrap();
        assert!(target.token_now().is_none(), "it is sent to {elsewhere}");
    }
}

#[test]
fn who_is_attached_hears_that_the_server_stops() {
    let mut engine = Engine::start();
    let token = engine.target("wall", Role::Viewer).token.unwrap();
    let mut talk = Talk::met(engine.address(), token.secret());
    let copy = Copy::of(engine.target("console", Role::Viewer));
    copy.equals(&engine.session);
    engine.server = None;
    let said = talk.answer();
    let stopping = matches!(
        said,
        Some(FromEngine::Bye {
            code: Farewell::Stopping,
            ..
        })
    );
    assert!(stopping, "{said:?}");
    until("the console knows that the engine is gone", || {
        matches!(
            copy.remote.state(),
            Some(LinkState::Down { denied: false, .. })
        )
    });
    assert!(
        !engine.home.local_token().exists(),
        "the token of its own is left behind"
    );
}
