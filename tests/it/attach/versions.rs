//! The protocol is written down, and who speaks another version is told so in words.

use std::{fs, path::Path};

use obeya::{
    domain::{
        command::Role,
        schema::{schema_of, schema_of_input},
        snapshot::SNAPSHOT_FORMAT,
    },
    link::protocol::{
        PROTOCOL,
        socket::{Farewell, Follow, FromEngine, Hello, ToEngine},
    },
};
use serde_json::Value;

use super::{raw::Talk, support::Engine};

/// Returns what an engine says to a hello.
fn greeted(hello: Hello) -> Vec<FromEngine> {
    let engine = Engine::start();
    let token = engine.target("wall", Role::Viewer).token.unwrap();
    let mut talk = Talk::open(engine.address(), token.secret());
    talk.say(&ToEngine::Hello(hello));
    let mut said = vec![];
    while let Some(message) = talk.hear() {
        let over = matches!(message, FromEngine::Bye { .. } | FromEngine::Beat { .. });
        said.push(message);
        if over {
            break;
        }
    }
    said
}

fn hello(protocol: u32, follow: Follow) -> Hello {
    Hello {
        protocol,
        version: "0.0.7\u{1b}[2J".into(),
        follow,
    }
}

#[test]
fn an_older_and_a_newer_caller_are_told_who_is_to_be_brought_up_to_date() {
    for (protocol, who) in [
        (PROTOCOL - 1, "the caller is older"),
        (PROTOCOL + 1, "this engine is older"),
    ] {
        let said = greeted(hello(protocol, Follow::Nothing));
        let [
            FromEngine::Bye {
                code: Farewell::OtherProtocol,
                why,
            },
        ] = said.as_slice()
        else {
            panic!("{said:?}");
        };
        assert!(why.contains(who) && why.contains("0.0.7"), "{why}");
        assert!(!why.contains('\u{1b}'), "{why:?}");
    }
}

#[test]
fn who_reads_other_snapshots_is_told_so() {
    let follow = Follow::State {
        snapshot_format: SNAPSHOT_FORMAT + 1,
        have: None,
    };
    let said = greeted(hello(PROTOCOL, follow));
    let Some(FromEngine::Bye {
        code: Farewell::OtherProtocol,
        why,
    }) = said.last()
    else {
        panic!("{said:?}");
    };
    assert!(why.contains("the same version of obeya"), "{why}");
}

#[test]
fn the_messages_are_written_down_as_they_are() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let schemas: [(&str, Value); 2] = [
        (
            "protocol.to-engine.schema.json",
            schema_of_input::<ToEngine>(),
        ),
        (
            "protocol.from-engine.schema.json",
            schema_of::<FromEngine>(),
        ),
    ];
    for (name, schema) in schemas {
        let path = docs.join(name);
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if std::env::var_os("OBEYA_BLESS").is_some() {
            fs::write(&path, text).unwrap();
            continue;
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == text,
            "docs/{name} is stale: OBEYA_BLESS=1 cargo test written_down"
        );
    }
    let text = fs::read_to_string(docs.join("protocol.md")).unwrap();
    assert!(
        text.contains(&format!("Version {PROTOCOL}")),
        "docs/protocol.md is of another version"
    );
}
