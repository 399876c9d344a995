//! The protocol is written down, and who speaks another version is told so in words.

use std::{fs, path::Path, sync::Arc, time::Instant};

use obeya::{
    domain::{
        command::Role,
        query::Query,
        refusal::Refusal,
        schema::{schema_of, schema_of_input},
        snapshot::SNAPSHOT_FORMAT,
    },
    link::{
        protocol::{
            PROTOCOL, Request, Response,
            socket::{Farewell, Follow, FromEngine, Hello, ToEngine},
        },
        remote::{Attached, Remote},
    },
};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use super::{
    raw::{Talk, by_hand},
    support::{Engine, PATIENCE},
};

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
fn a_caller_whose_hello_is_of_another_shape_is_told_so_too() {
    let engine = Engine::start();
    let token = engine.target("wall", Role::Viewer).token.unwrap();
    let mut talk = Talk::open(engine.address(), token.secret());
    let newer = PROTOCOL + 1;
    let hello = format!(
        r#"{{"hello":{{"protocol":{newer},"version":"9.0.0","follow":{{"everything":[1]}},"more":true}}}}"#
    );
    talk.send(Message::text(hello));
    let said = talk.hear();
    let Some(FromEngine::Bye {
        code: Farewell::OtherProtocol,
        why,
    }) = said
    else {
        panic!("{said:?}");
    };
    assert!(
        why.contains("this engine is older") && why.contains("9.0.0"),
        "{why}"
    );
}

#[test]
fn a_newer_callers_wish_is_refused_and_the_rest_of_its_calls_answered() {
    let engine = Engine::start();
    let token = engine.target("wall", Role::Viewer).token.unwrap();
    let mut talk = Talk::met(engine.address(), token.secret());
    talk.send(Message::text(
        r#"{"call":{"id":1,"request":{"foresee":{"days":3}}}}"#,
    ));
    let said = talk.answer();
    let Some(FromEngine::Answer {
        id: 1,
        response: Response::Refused(refusal),
    }) = said
    else {
        panic!("{said:?}");
    };
    assert!(refusal.to_string().contains("up to date"), "{refusal}");
    let request = Request::Ask(Query::Summary);
    talk.say(&ToEngine::Call { id: 2, request });
    let said = talk.answer();
    assert!(
        matches!(said, Some(FromEngine::Answer { id: 2, .. })),
        "{said:?}"
    );
}

#[test]
fn an_answer_that_is_not_known_here_is_said_to_be_so() {
    let engine = by_hand(|engine| {
        let id = engine.called();
        engine.send(&format!(
            r#"{{"answer":{{"id":{id},"response":{{"foreseen":[]}}}}}}"#
        ));
        engine.stay();
    });
    let remote = Remote::calling(engine).unwrap();
    let begun = Instant::now();
    let called = remote.call(Request::Ask(Query::Summary), PATIENCE);
    let fault = called.map(drop).unwrap_err();
    assert!(fault.what.contains("does not know"), "{fault}");
    assert!(begun.elapsed() < PATIENCE / 2);
}

#[test]
fn who_is_refused_for_length_is_told_so() {
    let engine = by_hand(|engine| {
        let response = Response::Refused(Refusal::Limit {
            what: "MiB in one answer: ask for less at once".into(),
            limit: 32,
        });
        let id = engine.called();
        engine.say(&FromEngine::Answer { id, response });
        engine.stay();
    });
    let attached = Attached::new(Arc::new(Remote::calling(engine).unwrap()));
    let fault = attached.recent(7).unwrap_err();
    assert!(fault.what.contains("ask for less"), "{fault}");
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
