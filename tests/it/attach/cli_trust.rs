//! Calls to what is not trusted, or not what it was taken for: each is told what would be right.

use std::{fs, path::PathBuf};

use obeya::{domain::command::Role, server::Doors};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};

use super::{doors::reopened, support::Engine};
use crate::cli::Room;

/// Writes a certificate for `localhost`, and returns where it and its key are.
fn certificate(room: &Room, called: &str, change: impl FnOnce(&mut CertificateParams)) -> Pem {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let chain = params.self_signed(&key).unwrap();
    let [chain_file, key_file] =
        ["pem", "key"].map(|end| room.path().join(called).with_extension(end));
    fs::write(&chain_file, chain.pem()).unwrap();
    fs::write(&key_file, key.serialize_pem()).unwrap();
    (chain_file, key_file)
}

type Pem = (PathBuf, PathBuf);

/// Returns an engine that shows a certificate.
fn showing(pem: Pem) -> Engine {
    let doors = Doors {
        listen: Some("127.0.0.1:0".parse().unwrap()),
        tls: Some(pem),
        ..Doors::default()
    };
    reopened(Engine::start(), &doors)
}

#[test]
fn who_meets_a_stranger_is_told_what_is_wrong_with_it() {
    let room = Room::empty();
    let good = showing(certificate(&room, "good", |_| {}));
    let authority = showing(certificate(&room, "authority", |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }));
    let old = showing(certificate(&room, "old", |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 1);
    }));
    certificate(&room, "other", |_| {});
    let plain = Engine::start();
    let token = good.token_file(room.path(), "maria", Role::Viewer);
    let fails = |engine: &Engine, place: &str, ca: &str, right: &str| {
        let place = place.replace("PORT", &engine.address().port().to_string());
        let line = format!("work-order list --attach {place} --token-file {token} {ca}");
        let said = room.line(&line);
        assert_eq!(said.code, 3, "{line}: {}{}", said.out, said.err);
        assert!(said.err.contains(right), "{line}: {}", said.err);
        // Nobody is sent to the flag that was given.
        assert!(
            ca.is_empty() || !said.err.contains("show by --ca"),
            "{}",
            said.err
        );
    };
    fails(&good, "wss://localhost:PORT", "", "show by --ca");
    fails(
        &good,
        "wss://localhost:PORT",
        "--ca other.pem",
        "--ca names another one",
    );
    fails(&good, "wss://localhost:PORT", "--ca none.pem", "none.pem");
    fails(
        &good,
        "wss://localhost:PORT",
        "--ca good.key",
        "no certificate in it",
    );
    fails(
        &good,
        "wss://127.0.0.1:PORT",
        "--ca good.pem",
        "a name that stands in it",
    );
    fails(
        &authority,
        "wss://localhost:PORT",
        "--ca authority.pem",
        "CA:FALSE",
    );
    fails(
        &old,
        "wss://localhost:PORT",
        "--ca old.pem",
        "the engine needs another one",
    );
    fails(&good, "ws://localhost:PORT", "", "attach by wss://");
    fails(&plain, "wss://localhost:PORT", "", "attach by ws://");
    let said = room.line(&format!(
        "work-order list --attach wss://localhost:{} --ca good.pem --token-file {token}",
        good.address().port()
    ));
    assert_eq!(said.code, 0, "{}", said.err);
    let said = room.line("work-order list --attach https://localhost:1");
    assert!(
        said.err.contains("do you mean wss://localhost:1?"),
        "{}",
        said.err
    );
}

#[test]
fn a_context_brings_what_its_engine_is_known_by() {
    let room = Room::empty();
    let engine = showing(certificate(&room, "good", |_| {}));
    let token = engine.token_file(room.path(), "maria", Role::Viewer);
    let url = format!("wss://localhost:{}", engine.address().port());
    for (name, ca) in [("known", "--ca good.pem"), ("unknown", "")] {
        room.done(&format!(
            "context add {name} --url {url} --token-file {token} {ca}"
        ));
    }
    room.done("work-order list --context known");
    let said = room.line("work-order list --context unknown");
    assert!(said.err.contains("show by --ca"), "{}", said.err);
}
