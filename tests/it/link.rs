//! Reaching an engine: the host's socket, elections, and who may do what.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixListener, UnixStream},
    },
    path::Path,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use obeya::{
    domain::{
        agent::PullFilter,
        andon::Severity,
        command::{COMMANDS, Command, NewOrder, Role, Submission},
        id::{AlertId, OrderId},
        order::Actor,
        query::{Answer, Query},
        record::Record,
    },
    ledger::{Ledger as _, SqliteLedger},
    link::{
        self, Client, Cold, FaultKind, Frozen, Home, Observer, Operator, Outcome, Reply, Session,
    },
    testing,
};

use crate::roles::every_command;

fn made(folder: &Path) -> Home {
    let home = Home::new(folder.join("ledger")).unwrap();
    link::init(&home).unwrap();
    Home::new(home.path()).unwrap()
}

fn records(home: &Home) -> Vec<Record> {
    SqliteLedger::open(home)
        .unwrap()
        .read(0, usize::MAX)
        .unwrap()
}

fn submission(command: Command) -> Submission {
    testing::submission(Actor::person("ada"), command)
}

fn create(title: &str) -> Submission {
    submission(Command::CreateOrder {
        order: NewOrder::task(title),
    })
}

#[track_caller]
fn done(reply: Reply) -> Outcome {
    match reply {
        Reply::Done(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}

fn in_session(session: &Session, submission: Submission) -> Reply {
    let (send, reply) = mpsc::channel();
    session.submit_then(submission, move |reply| send.send(reply).unwrap());
    reply.recv().unwrap()
}

/// Sends bytes as they are and returns the body of the answer, or None if the host hung up.
fn raw(stream: &mut UnixStream, bytes: &[u8]) -> Option<String> {
    stream.write_all(bytes).ok()?;
    let mut head = [0; 4];
    stream.read_exact(&mut head).ok()?;
    let mut body = vec![0; u32::from_be_bytes(head) as usize];
    stream.read_exact(&mut body).ok()?;
    String::from_utf8(body).ok()
}

fn framed(text: &str) -> Vec<u8> {
    let mut bytes = (text.len() as u32).to_be_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

#[test]
fn callers_share_the_hosts_engine() {
    let folder = tempfile::tempdir().unwrap();
    let home = made(folder.path());
    let session = Session::open(&home).unwrap();
    assert_eq!(session.term(), Some(1));
    let socket = home.socket().unwrap();
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let mut client = Client::connect(&home).unwrap().expect("a host runs");
    let order = create("by the socket");
    let outcome = done(client.submit(&order));
    assert_eq!(session.watching().state().head.seq, outcome.records[0].seq);
    assert!(done(client.submit(&order)).repeated);
    let uid = outcome.records[0].uid;
    assert_eq!(uid, rustix::process::getuid().as_raw(), "the kernel's word");
    let query = Query::WorkOrder {
        order: "WO-001".into(),
    };
    // Moments cross the socket as they are shown, in seconds.
    let shown = |answer| serde_json::to_value(answer).unwrap();
    let answer = shown(client.ask(&query).unwrap().unwrap());
    let own = session.watching().ask(&query).unwrap().unwrap();
    assert_eq!(answer, shown(own));

    // The host goes, and its caller goes on by itself.
    drop(session);
    assert!(!socket.exists());
    assert!(done(client.submit(&order)).repeated);
    done(client.submit(&create("alone")));
    assert!(Client::connect(&home).unwrap().is_none());
}

#[test]
fn a_caller_finds_the_next_host() {
    let folder = tempfile::tempdir().unwrap();
    let home = made(folder.path());
    let session = Session::open(&home).unwrap();
    let mut client = Client::connect(&home).unwrap().unwrap();
    done(client.submit(&create("with the first")));
    session.step_down();
    assert!(session.stand().unwrap());
    assert_eq!(session.term(), Some(2));
    done(client.submit(&create("with the second")));
    assert!(client.ask_to_yield(), "still over the socket");
    assert!(!session.stand().unwrap(), "the host does what it was asked");
    assert_eq!(session.term(), None);
}

#[test]
fn one_hosts_and_the_others_wait_their_turn() {
    let folder = tempfile::tempdir().unwrap();
    let home = made(folder.path());
    let one = Session::open(&home).unwrap();
    let two = Session::open(&home).unwrap();
    assert_eq!((one.term(), two.term()), (Some(1), None));
    let watching = link::Watching::open(&home).unwrap();
    for _ in 0..3 {
        assert!(one.stand().unwrap(), "standing again is no new election");
        assert!(!two.stand().unwrap());
    }
    one.step_down();
    assert!(two.stand().unwrap());
    assert!(!one.stand().unwrap());
    assert_eq!((one.term(), two.term()), (None, Some(2)));
    done(in_session(&one, create("by a console that does not host")));
    drop(watching);
    let terms = records(&home)
        .iter()
        .filter(|record| record.kind == "host_elected")
        .count();
    assert_eq!(terms, 2, "every election is a term, and nothing else is");
}

#[test]
fn a_frozen_ledger_answers_every_page_from_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    let home = made(folder.path());
    let mut cold = Cold::open(&home).unwrap();
    let agent = |name: String| Command::RegisterAgent {
        name,
        role: None,
        capabilities: PullFilter::default(),
    };
    let alert = |reason: String| Command::TriggerAndon {
        reason,
        severity: Severity::Low,
        hold: None,
        fingerprint: None,
        order: None,
    };
    let resolve = |n| Command::ResolveAlert {
        id: AlertId(n),
        resolution: "over".into(),
    };
    for n in 1..=5 {
        done(cold.submit(&submission(agent(format!("agent-{n}")))));
        done(cold.submit(&submission(alert(format!("alert {n}")))));
    }
    for n in [2, 4, 3] {
        done(cold.submit(&submission(resolve(n))));
    }
    let mut frozen = Frozen::open(&home).unwrap();
    let (mut names, mut alerts) = (Vec::new(), Vec::new());
    for n in 6..=20 {
        // Whatever happens meanwhile.
        done(cold.submit(&submission(agent(format!("agent-{n}")))));
        done(cold.submit(&submission(alert(format!("alert {n}")))));
        if n == 10 {
            done(cold.submit(&submission(resolve(1))));
        }
        let query = Query::Agents {
            limit: Some(1),
            after: names.last().cloned(),
        };
        match frozen.ask(&query).unwrap().unwrap() {
            Answer::Agents(page) => names.extend(page.agents.into_iter().map(|agent| agent.name)),
            other => panic!("{other:?}"),
        }
        let query = Query::Alerts {
            all: true,
            severity: None,
            limit: Some(1),
            after: alerts.last().copied(),
        };
        match frozen.ask(&query).unwrap().unwrap() {
            Answer::Alerts(page) => alerts.extend(page.alerts.into_iter().map(|alert| alert.id)),
            other => panic!("{other:?}"),
        }
    }
    let registered: Vec<_> = (1..=5).map(|n| format!("agent-{n}")).collect();
    assert_eq!(names, registered);
    assert_eq!(
        alerts,
        [1, 5, 3, 4, 2].map(AlertId),
        "open, then the newest"
    );
    assert!(frozen.head().seq < SqliteLedger::open(&home).unwrap().head().unwrap().seq);
}

#[test]
fn hostile_frames_hurt_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let home = made(folder.path());
    let session = Session::open(&home).unwrap();
    let before = records(&home).len();
    let open = || {
        let stream = UnixStream::connect(home.socket().unwrap()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        stream
    };
    let own = obeya::link::protocol::PROTOCOL;
    let other = format!(r#"{{"other_protocol":{own}}}"#);
    let deep = format!(
        r#"{{"protocol":{own},"request":{}1{}}}"#,
        "[".repeat(9_000),
        "]".repeat(9_000)
    );
    let conquer = format!(r#"{{"protocol":{own},"request":{{"conquer":{{}}}}}}"#);
    for text in [
        r#"{"protocol":1,"request":"yield"}"#,
        conquer.as_str(),
        "",
        "\u{0}\u{1b}[2J",
        "null",
        deep.as_str(),
    ] {
        let mut stream = open();
        assert_eq!(
            raw(&mut stream, &framed(text)).as_deref(),
            Some(other.as_str())
        );
        // The connection is still good for somebody who speaks properly.
        let question = format!(
            r#"{{"protocol":{own},"request":{{"ask":{{"work_order":{{"order":"WO-1"}}}}}}}}"#
        );
        let answer = raw(&mut stream, &framed(&question)).unwrap();
        assert!(answer.starts_with(r#"{"answered""#), "{answer}");
    }
    for bytes in [&[0xff; 4][..], &[0x7f, 0xff, 0xff, 0xff, 1, 2, 3]] {
        assert_eq!(raw(&mut open(), bytes), None, "hung up on");
    }
    let mut torn = open();
    torn.write_all(&framed(&other)[..9]).unwrap();
    drop(torn);
    assert_eq!(records(&home).len(), before);
    let mut client = Client::connect(&home).unwrap().unwrap();
    done(client.submit(&create("all the same")));
    drop(session);
}

#[test]
fn more_connections_than_places_leave_nobody_without_an_answer() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let home = made(folder.path());
    let session = Session::open(&home).unwrap();
    let socket = home.socket().unwrap();
    let idle: Vec<_> = (0..600)
        .map(|_| UnixStream::connect(&socket))
        .take_while(Result::is_ok)
        .collect();
    assert!(idle.len() >= 512, "{}", idle.len());
    let start = Instant::now();
    let mut operator = link::open(&home).unwrap();
    done(operator.submit(&create("with every place taken")));
    assert!(start.elapsed() < Duration::from_secs(8));
    done(in_session(&session, create("by the host itself")));
    drop(idle);
    // Places come free, and the next caller is served again.
    let mut client = Client::connect(&home).unwrap().unwrap();
    let order = create("when places are free");
    done(client.submit(&order));
    assert_eq!(
        records(&home).len(),
        session.watching().state().head.seq as usize
    );
}

#[test]
fn a_host_that_does_not_answer_is_as_good_as_none() {
    let folder = tempfile::tempdir().unwrap();
    let home = made(folder.path());
    // A stopped host: the kernel still takes connections in its name.
    let silent = UnixListener::bind(home.socket().unwrap()).unwrap();
    let mut client = Client::connect(&home).unwrap().expect("somebody listens");
    let order = create("once");
    let start = Instant::now();
    assert!(!done(client.submit(&order)).repeated);
    let waited = start.elapsed();
    assert!((1_900..6_000).contains(&waited.as_millis()), "{waited:?}");
    assert!(done(client.submit(&order)).repeated);
    let own = records(&home).into_iter().filter(|r| r.command == order.id);
    assert_eq!(own.count(), 1);
    drop(silent);
}

#[test]
fn a_host_that_answered_too_late_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let home = made(folder.path());
    let late = UnixListener::bind(home.socket().unwrap()).unwrap();
    let books = home.clone();
    let host = thread::spawn(move || {
        let (mut stream, _) = late.accept().unwrap();
        let mut head = [0; 4];
        stream.read_exact(&mut head).unwrap();
        let mut body = vec![0; u32::from_be_bytes(head) as usize];
        stream.read_exact(&mut body).unwrap();
        let call: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let submit = call["request"]["submit"].clone();
        let submission: Submission = serde_json::from_value(submit).unwrap();
        // It commits, and dies before it answers.
        done(Cold::open(&books).unwrap().submit(&submission));
    });
    let mut client = Client::connect(&home).unwrap().unwrap();
    let order = create("committed by the host");
    let outcome = done(client.submit(&order));
    assert!(outcome.repeated, "the first answer, not a second order");
    host.join().unwrap();
    let own = records(&home).into_iter().filter(|r| r.command == order.id);
    assert_eq!(own.count(), 1);
}

#[test]
fn what_lies_at_the_sockets_place_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let home = made(folder.path());
    let socket = home.socket().unwrap();
    // Left behind by a host that was killed: nobody listens there.
    drop(UnixListener::bind(&socket).unwrap());
    assert!(socket.exists());
    assert!(Client::connect(&home).unwrap().is_none());
    let session = Session::open(&home).unwrap();
    assert!(Client::connect(&home).unwrap().is_some());
    drop(session);

    let listener = UnixListener::bind(&socket).unwrap();
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o000)).unwrap();
    match (Client::connect(&home), rustix::process::getuid().is_root()) {
        (Err(fault), false) => assert_eq!(fault.kind, FaultKind::Permission),
        (Ok(_), true) => println!("not tested as root: a socket that may not be used"),
        (other, _) => panic!("{:?}", other.map(|client| client.is_some())),
    }
    drop(listener);
}

#[test]
fn a_deep_folder_has_its_socket_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("deep/".repeat(30));
    fs::create_dir_all(&deep).unwrap();
    let home = made(&deep);
    let session = Session::open(&home).unwrap();
    assert!(!home.socket().unwrap().starts_with(home.path()));
    let mut client = Client::connect(&home).unwrap().unwrap();
    let outcome = done(client.submit(&create("from far below")));
    assert_eq!(session.watching().state().head.seq, outcome.records[0].seq);
}

#[test]
fn a_viewer_leaves_no_record_whatever_it_tries() {
    let folder = tempfile::tempdir().unwrap();
    let home = made(folder.path());
    let mut cold = Cold::open(&home).unwrap();
    for title in ["open", "closed"] {
        done(cold.submit(&create(title)));
    }
    let (id, closed) = (OrderId::work(1), OrderId::work(2));
    let hold = Command::TriggerAndon {
        reason: "for the test".into(),
        severity: Severity::Low,
        hold: None,
        fingerprint: None,
        order: None,
    };
    for command in [Command::StartOrder { id: closed }, hold] {
        done(cold.submit(&submission(command)));
    }
    done(cold.submit(&submission(Command::CompleteOrder {
        id: closed,
        sku: None,
        note: None,
    })));
    let session = Session::open(&home).unwrap();
    let mut client = Client::connect(&home).unwrap().unwrap();
    let commands = every_command(id, closed, AlertId(1));
    let tried: std::collections::BTreeSet<_> = commands
        .iter()
        .map(|command| (command.spec().noun, command.spec().verb))
        .collect();
    let every = COMMANDS.iter().map(|spec| (spec.noun, spec.verb)).collect();
    assert_eq!(tried, every, "every command there is");
    let before = records(&home);
    for command in commands {
        let mut attempt = submission(command);
        attempt.role = Role::Viewer;
        for reply in [
            cold.submit(&attempt),
            client.submit(&attempt),
            in_session(&session, attempt.clone()),
        ] {
            assert!(matches!(reply, Reply::Refused(_)), "{reply:?}");
        }
    }
    assert_eq!(records(&home), before);
}

#[test]
fn an_observer_has_no_way_to_submit() {
    // Held by the types: what looks is an Observer and nothing more, so that this is all there is to call.
    fn only_looks(observer: &mut dyn Observer) -> bool {
        let query = Query::Summary;
        observer.ask(&query).is_ok_and(|answer| answer.is_ok())
    }
    let folder = tempfile::tempdir().unwrap();
    let home = made(folder.path());
    assert!(only_looks(&mut Cold::open(&home).unwrap()));
    let before = records(&home).len();
    let watching = link::Watching::open(&home).unwrap();
    assert!(watching.ask(&Query::Summary).unwrap().is_ok());
    // With a watcher alone there is no host, and nothing was written in its name.
    assert!(Client::connect(&home).unwrap().is_none());
    assert_eq!(records(&home).len(), before);
}

#[test]
fn a_door_that_does_not_open_costs_one_term() {
    let folder = tempfile::tempdir().unwrap();
    let home = made(folder.path());
    let first = Session::open(&home).unwrap();
    let second = Session::open(&home).unwrap();
    first.step_down();
    // Something that cannot be removed lies where the socket should be.
    let socket = home.socket().unwrap();
    fs::create_dir_all(socket.join("in the way")).unwrap();
    for _ in 0..3 {
        assert!(second.stand().is_err());
    }
    fs::remove_dir_all(&socket).unwrap();
    assert!(second.stand().unwrap());
    assert_eq!(second.term(), Some(2));
    assert!(Client::connect(&home).unwrap().is_some());
}

#[test]
fn what_a_project_names_is_run_only_where_the_user_wants_it() {
    let folder = tempfile::tempdir().unwrap();
    let home = made(folder.path());
    fs::write(home.project().join("obeya.toml"), "[agents.sloth]\n").unwrap();
    let looked = |runs| {
        let session = Session::titled(&home, "console", runs).unwrap();
        let supervisor = session.supervisor().unwrap();
        supervisor.problems().len()
    };
    // An agent without a command is a problem for whoever reads the file, and nobody else.
    assert_eq!((looked(false), looked(true)), (0, 1));
}
