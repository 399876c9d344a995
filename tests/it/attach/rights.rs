//! Nobody does more than their token says, by whatever message.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use obeya::{
    domain::{
        andon::Severity,
        command::{Command, NewOrder, Role},
        id::{AlertId, OrderId},
        message::{Draft, Reader},
        moment::Moment,
        order::Actor,
        query::Query,
        record::Hash,
        refusal::Refusal,
        schema::schema_of,
    },
    link::{
        self, Errand, GateAsk, Heartbeat, Operator as _, Reply, Wish,
        access::{Access, AuditFilter, AuditPage, Caller, NewToken, create_token, revoke_token},
        bus::{Letters, Start},
        protocol::{
            BusCall, FolderCall, Request, Response,
            socket::{Farewell, FromEngine, ToEngine},
        },
    },
};
use schemars::JsonSchema;
use serde::Serialize;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use super::{
    raw::Talk,
    support::{Engine, create, submission, until},
};
use crate::roles::every_command;

/// How soon somebody is gone whose token opens nothing any more.
const GONE: Duration = Duration::from_secs(10);

fn secret(engine: &Engine, name: &str, role: Role) -> String {
    let target = engine.target(name, role);
    target.token.unwrap().secret().to_owned()
}

/// One of every request there is, as somebody sends it who says to be an admin.
fn every_request(id: OrderId, closed: OrderId) -> Vec<Request> {
    let actor = Actor::person("root");
    let mut requests: Vec<Request> = every_command(id, closed, AlertId(1))
        .into_iter()
        .map(|command| Request::Submit(Box::new(submission(actor.clone(), command))))
        .collect();
    requests.extend([
        Request::Ask(Query::Summary),
        Request::AskThen {
            moment: Moment::After(1),
            query: Query::Summary,
        },
        Request::Stand(Moment::After(1)),
        Request::Recent(10),
        Request::Records {
            after: 0,
            limit: 10,
        },
        Request::Beat(Heartbeat {
            order: id,
            epoch: 1,
            actor: actor.clone(),
            role: Role::Admin,
            note: String::new(),
        }),
        Request::Supervise(Wish {
            agent: "ann".into(),
            errand: Errand::Stop,
            role: Role::Admin,
        }),
        Request::RunGate(GateAsk {
            order: id,
            gate: "build".into(),
            actor: Some(actor.clone()),
            role: Role::Admin,
        }),
        Request::Import {
            reason: "rights".into(),
            submission: Box::new(submission(
                actor.clone(),
                Command::CreateOrder {
                    order: NewOrder::task("imported"),
                },
            )),
        },
        Request::Hold,
        Request::AskHeld {
            held: Uuid::now_v7(),
            query: Query::Summary,
        },
        Request::Yield,
    ]);
    let caller = Caller {
        actor,
        role: Role::Admin,
    };
    let bus = every_bus_call().into_iter().map(|call| Request::Bus {
        caller: caller.clone(),
        call: Box::new(call),
    });
    requests.extend(bus);
    let folder = every_folder_call(id).into_iter();
    requests.extend(folder.map(|call| Request::Folder {
        caller: caller.clone(),
        call: Box::new(call),
    }));
    requests
}

fn every_bus_call() -> Vec<BusCall> {
    let reader = || Reader::of_inbox("ann".parse().unwrap());
    let draft = || Draft::new("@ann".parse().unwrap(), Actor::person("root"), "hi");
    vec![
        BusCall::Publish(vec![draft()]),
        BusCall::Subscribe {
            reader: reader(),
            start: Start::Here,
        },
        BusCall::Unsubscribe(reader()),
        BusCall::Take {
            reader: reader(),
            limit: 1,
        },
        BusCall::Acknowledge {
            reader: reader(),
            seqs: vec![1],
        },
        BusCall::AcknowledgeThrough {
            reader: reader(),
            seq: 1,
        },
        BusCall::Refuse {
            reader: reader(),
            seq: 1,
            note: "no".into(),
        },
        BusCall::Request {
            draft: draft(),
            timeout: 1,
        },
        BusCall::Reply {
            reader: None,
            seq: 1,
            body: "yes".into(),
        },
        BusCall::Replay {
            address: None,
            after: 0,
            since: None,
            limit: 1,
        },
        BusCall::Last,
        BusCall::Wait {
            address: "@ann".parse().unwrap(),
            seen: 0,
            patience: 1,
        },
        BusCall::Pending {
            reader: reader(),
            limit: 1,
        },
        BusCall::Overview,
        BusCall::DeadLetters(1),
        BusCall::Requeue(Letters::All),
        BusCall::Purge(Letters::All),
        BusCall::Glance,
        BusCall::Recent(1),
        BusCall::Letters(1),
    ]
}

fn every_folder_call(order: OrderId) -> Vec<FolderCall> {
    let agent = || "ann".to_owned();
    vec![
        FolderCall::Head,
        FolderCall::Stats,
        FolderCall::Doctor,
        FolderCall::Worktrees,
        FolderCall::Gates { stages: vec![] },
        FolderCall::Problems { stages: vec![] },
        FolderCall::GateOutput {
            order,
            gate: "build".into(),
            hash: Hash::default(),
        },
        FolderCall::Runs {
            agent: agent(),
            limit: 1,
        },
        FolderCall::Log {
            agent: agent(),
            run: "../..".into(),
            from: 0,
            to: 1,
        },
        FolderCall::Report {
            agent: "ann".parse().unwrap(),
            session: "s".into(),
            state: None,
            note: String::new(),
        },
        FolderCall::Tokens,
        FolderCall::CreateToken(NewToken {
            name: "eve".parse().unwrap(),
            role: Role::Admin,
            expires: None,
        }),
        FolderCall::RevokeToken("wall".parse().unwrap()),
        FolderCall::Audit {
            filter: AuditFilter::default(),
            page: AuditPage::Newest,
            limit: 1,
        },
    ]
}

/// Asserts that one of each sort that there is stands among these.
fn are_all<T: JsonSchema + Serialize>(values: impl IntoIterator<Item = T>) {
    let schema = schema_of::<T>();
    let said: BTreeSet<String> = values.into_iter().map(|value| word(&value)).collect();
    let sorts = schema["oneOf"].as_array().unwrap().len();
    assert_eq!(said.len(), sorts, "every one is tried: {said:?}");
}

fn word(request: &impl Serialize) -> String {
    let value = serde_json::to_value(request).unwrap();
    let field = || value.as_object()?.keys().next().cloned();
    value.as_str().map(str::to_owned).or_else(field).unwrap()
}

/// Returns a line with an open order, a closed one and an alert.
fn furnished() -> (Engine, OrderId, OrderId) {
    let engine = Engine::start();
    let mut root = engine.attach("root", Role::Admin);
    let [open, closed] = ["a", "b"].map(|title| match create(&mut root, title) {
        Reply::Done(outcome) => outcome.records[0].subject.parse().unwrap(),
        other => panic!("{other:?}"),
    });
    for command in [
        Command::CancelOrder {
            id: closed,
            reason: "no".into(),
        },
        Command::TriggerAndon {
            reason: "ci".into(),
            severity: Severity::Low,
            hold: None,
            fingerprint: Some("ci:red".into()),
            order: None,
        },
    ] {
        let reply = root.submit(&submission(Actor::person("root"), command));
        assert!(matches!(reply, Reply::Done(_)), "{reply:?}");
    }
    (engine, open, closed)
}

#[test]
fn a_viewer_trying_every_message_there_is_leaves_no_record() {
    let (engine, open, closed) = furnished();
    let requests = every_request(open, closed);
    are_all(requests.clone());
    are_all(every_bus_call());
    are_all(every_folder_call(open));
    let token = secret(&engine, "wall", Role::Viewer);
    let before = engine.session.watching().state();
    let mut talk = Talk::met(engine.address(), &token);
    for (id, request) in (0..).zip(requests) {
        let looks = !request.acts() && request.needs() == Role::Viewer;
        talk.say(&ToEngine::Call {
            id,
            request: request.clone(),
        });
        let Some(FromEngine::Answer {
            id: answered,
            response,
        }) = talk.answer()
        else {
            panic!("no answer to {request:?}");
        };
        assert_eq!(answered, id);
        let refused = match &response {
            Response::Refused(refusal) => Some(refusal.clone()),
            Response::Reply(reply) => match reply.as_ref() {
                Reply::Refused(refusal) => Some(refusal.clone()),
                other => panic!("{request:?}: {other:?}"),
            },
            _ => None,
        };
        let by_role = matches!(
            refused,
            Some(Refusal::Role {
                has: Role::Viewer,
                ..
            })
        );
        assert_eq!(by_role, !looks, "{request:?}: {response:?}");
    }
    // What is no call at all.
    for message in [
        Message::text("{}"),
        Message::text(r#"{"call":{"id":"1","request":"genesis"}}"#),
        Message::text(r#"{"hello":{"protocol":4,"version":"x"}}"#),
        Message::binary(vec![0; 64]),
        Message::text("\u{0}".repeat(1000)),
    ] {
        let mut talk = Talk::met(engine.address(), &token);
        talk.send(message);
        let heard = talk.answer();
        let malformed = matches!(
            heard,
            Some(FromEngine::Bye {
                code: Farewell::Malformed,
                ..
            })
        );
        assert!(malformed, "{heard:?}");
        assert!(talk.answer().is_none(), "the connection ends");
    }
    let after = engine.session.watching().state();
    assert_eq!(after.head, before.head);
    assert_eq!(after.state_hash(), before.state_hash());
    assert!(engine.session.service().is_some(), "it is the host still");
}

#[test]
fn an_agent_writes_to_its_own_claims_alone() {
    let (engine, open, _) = furnished();
    let mut ann = engine.attach("ann", Role::Agent);
    let mut bob = engine.attach("bob", Role::Agent);
    let anyone = || Actor::agent("somebody");
    let claim = Command::ClaimOrder {
        id: open,
        lease_seconds: None,
    };
    let Reply::Done(claimed) = ann.submit(&submission(anyone(), claim)) else {
        panic!("an agent claims what is free");
    };
    assert_eq!(claimed.records[0].actor, "ann", "the token says who acts");
    let Reply::Done(outcome) = create(&mut ann, "free") else {
        panic!("an agent may say what is to be done");
    };
    let free: OrderId = outcome.records[0].subject.parse().unwrap();
    let before = engine.session.watching().state().head;
    let mut tried = 0;
    for order in [open, free] {
        for command in every_command(order, order, AlertId(1)) {
            let speaks = matches!(command, Command::CommentOrder { .. });
            let takes = matches!(
                command,
                Command::StartOrder { .. } | Command::ClaimOrder { .. }
            );
            if command.order() != Some(order) || speaks || (takes && order == free) {
                continue;
            }
            // Whoever it says to be, the token says who it is.
            for actor in [
                Actor::agent("ann"),
                Actor::agent("bob"),
                Actor::person("root"),
            ] {
                let reply = bob.submit(&submission(actor, command.clone()));
                assert!(matches!(reply, Reply::Refused(_)), "{command:?}: {reply:?}");
                tried += 1;
            }
        }
    }
    assert!(tried > 60, "{tried}");
    assert_eq!(engine.session.watching().state().head, before);
}

#[test]
fn a_token_that_is_taken_back_ends_its_connection() {
    let engine = Engine::start();
    let mut talk = Talk::met(engine.address(), &secret(&engine, "wall", Role::Viewer));
    let root = Caller {
        actor: Actor::person("root"),
        role: Role::Admin,
    };
    let name = "wall".parse().unwrap();
    let revoked = revoke_token(&engine.home, &root, &name, link::now()).unwrap();
    revoked.unwrap();
    let begun = Instant::now();
    let said = talk.answer();
    assert!(begun.elapsed() < GONE, "{:?}", begun.elapsed());
    let Some(FromEngine::Bye {
        code: Farewell::Denied,
        why,
    }) = said
    else {
        panic!("{said:?}");
    };
    assert!(why.contains("revoked"), "{why}");
    assert!(talk.answer().is_none(), "the connection ends");
}

#[test]
fn what_is_asked_with_a_token_that_was_taken_back_ends_the_connection_at_once() {
    let engine = Engine::start();
    let mut talk = Talk::met(engine.address(), &secret(&engine, "ana", Role::Operator));
    let root = Caller {
        actor: Actor::person("root"),
        role: Role::Admin,
    };
    let before = engine.session.watching().state().head;
    let name = "ana".parse().unwrap();
    revoke_token(&engine.home, &root, &name, link::now())
        .unwrap()
        .unwrap();
    let order = NewOrder::task("too late");
    let command = Command::CreateOrder { order };
    let request = Request::Submit(Box::new(submission(Actor::person("ana"), command)));
    talk.say(&ToEngine::Call { id: 1, request });
    let said = talk.answer();
    let denied = matches!(
        said,
        Some(FromEngine::Bye {
            code: Farewell::Denied,
            ..
        })
    );
    assert!(denied, "{said:?}");
    assert_eq!(engine.session.watching().state().head, before);
}

#[test]
fn a_token_whose_time_is_up_ends_its_connection() {
    let engine = Engine::start();
    let root = Caller {
        actor: Actor::person("root"),
        role: Role::Admin,
    };
    let now = link::now();
    let new = NewToken {
        name: "brief".parse().unwrap(),
        role: Role::Viewer,
        expires: Some(now.plus(3_000_000)),
    };
    let (secret, _) = create_token(&engine.home, &root, &new, now)
        .unwrap()
        .unwrap();
    let mut talk = Talk::met(engine.address(), secret.expose());
    let begun = Instant::now();
    let said = talk.answer();
    assert!(begun.elapsed() < GONE + Duration::from_secs(3));
    let denied = matches!(
        said,
        Some(FromEngine::Bye {
            code: Farewell::Denied,
            ..
        })
    );
    assert!(denied, "{said:?}");
    // It opens nothing from then on.
    let mut access = Access::open(&engine.home).unwrap();
    until("the token is known for over", || {
        access.check(secret.expose(), link::now()).unwrap().is_err()
    });
}
