//! The decoders of the protocol under whatever comes: no panic, no answer to nonsense, no memory without bounds.
//!
//! `OBEYA_FUZZ` says how many inputs there are, `OBEYA_FUZZ_SEED` where the random numbers begin; both are printed.

use std::{env, io::Write as _, sync::Arc, time::Instant};

use flate2::{Compression, write::DeflateEncoder};
use obeya::{
    domain::{
        command::{Role, Submission},
        id::{AlertId, OrderId},
        order::Actor,
        query::Query,
        record::{Door, Hash, Record},
    },
    link::{
        self, Feed, Home, Operator as _, Session,
        protocol::{
            Call, PROTOCOL, Request, Response,
            socket::{Follow, FromEngine, Hello, MAX_CALL, Resume, ToEngine},
        },
        remote::{Follower as _, Heard, Mirror},
    },
};
use uuid::Uuid;

use crate::{roles::every_command, support::random::Random};

/// How many inputs there are where nothing is said: seconds.
const INPUTS: usize = 20_000;
/// Where the random numbers begin where nothing is said.
const SEED: u64 = 0x0be7_a5ee_d000_0001;
/// One input in so many is a snapshot, which costs a hundred times what a text costs.
const SNAPSHOTS: usize = 40;

fn number(name: &str, otherwise: u64) -> u64 {
    let given = env::var(name).ok();
    given.map_or(otherwise, |text| text.parse().unwrap())
}

/// What a real conversation has.
struct Corpus {
    texts: Vec<Vec<u8>>,
    packed: Vec<u8>,
    records: Vec<Record>,
    /// The hash of the state that is packed.
    hash: Hash,
}

fn submission(command: obeya::domain::command::Command) -> Submission {
    Submission {
        id: Uuid::from_u128(7),
        role: Role::Admin,
        actor: Actor::person("ann"),
        door: Door::Cli,
        uid: 0,
        epoch: None,
        causation: None,
        correlation: None,
        dry_run: false,
        until: None,
        as_of: None,
        command,
    }
}

fn corpus() -> Corpus {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path().join(".obeya")).unwrap();
    link::init(&home).unwrap();
    let session = Arc::new(Session::titled(&home, "serve", false).unwrap());
    let commands = every_command(OrderId::work(1), OrderId::work(2), AlertId(1));
    let mut requests: Vec<Request> = commands
        .into_iter()
        .map(|command| Request::Submit(Box::new(submission(command))))
        .collect();
    let mut replies = vec![];
    let mut operator = Arc::clone(&session);
    for (n, request) in requests.iter().enumerate() {
        let Request::Submit(submission) = request else {
            continue;
        };
        let id = Uuid::from_u128(n as u128 + 1);
        let submission = Submission {
            id,
            ..(**submission).clone()
        };
        let reply = operator.submit(&submission);
        let (id, response) = (n as u64, Response::Reply(Box::new(reply)));
        replies.push(FromEngine::Answer { id, response });
    }
    requests.push(Request::Ask(Query::Summary));
    requests.push(Request::Records { after: 1, limit: 9 });
    let records = session.watching().recent(100).unwrap();
    let feed = Feed::of(session.service().unwrap());
    let packed = feed.snapshot().unwrap().parts.concat();
    let state = session.watching().state();
    let resume = Resume {
        ledger: state.uuid,
        incarnation: state.incarnation,
        head: state.head,
    };
    let hello = ToEngine::Hello(Hello {
        protocol: PROTOCOL,
        version: "1".into(),
        follow: Follow::State {
            snapshot_format: 1,
            have: Some(resume),
        },
    });
    let mut texts = vec![serde_json::to_vec(&hello).unwrap()];
    for (id, request) in (0..).zip(requests) {
        let call = Call {
            protocol: PROTOCOL,
            request: request.clone(),
        };
        texts.push(serde_json::to_vec(&call).unwrap());
        texts.push(serde_json::to_vec(&ToEngine::Call { id, request }).unwrap());
    }
    texts.extend(
        replies
            .iter()
            .map(|reply| serde_json::to_vec(reply).unwrap()),
    );
    let told = FromEngine::Records {
        records: records.clone(),
        more: false,
    };
    texts.push(serde_json::to_vec(&told).unwrap());
    Corpus {
        texts,
        packed,
        records,
        hash: state.state_hash(),
    }
}

/// What breaks readers of JSON and of numbers.
const SPICES: &[&[u8]] = &[
    b"null",
    b"-1",
    b"1e400",
    b"18446744073709551616",
    b"[[[[[[[[",
    b"{\"a\":",
    b"\"\\ud800\"",
    b"\\u0000",
    b"\xff\xfe",
    b"true",
    b"}",
    b"]",
    b"\"",
    b",",
    b"0",
    b"9999999999",
];

fn mutated(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = random.of(seeds);
    // Most are hurt once, so that many are messages still.
    let wounds = if random.one_in(3) {
        1 + random.below(4)
    } else {
        1
    };
    for _ in 0..wounds {
        let at = random.below(bytes.len() + 1);
        match random.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => bytes[at] = random.below(256) as u8,
            2 => bytes.truncate(at),
            3 => {
                let spice = random.of(SPICES);
                bytes.splice(at..at, spice.iter().copied());
            }
            4 => {
                let other = random.of(seeds);
                let from = random.below(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            5 => {
                let end = (at + random.below(64)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                for _ in 0..random.below(20) {
                    bytes.splice(at..at, piece.iter().copied());
                }
            }
            _ => {
                let end = (at + random.below(16)).min(bytes.len());
                bytes.drain(at..end);
            }
        }
    }
    bytes
}

/// Reads bytes as everything that may come over a socket; what is understood is written and read again the same.
fn read(bytes: &[u8]) -> usize {
    let mut understood = 0;
    if let Ok(message) = serde_json::from_slice::<ToEngine>(bytes) {
        let text = serde_json::to_string(&message).unwrap();
        let again: ToEngine = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), text);
        if let ToEngine::Call { request, .. } = message {
            // Whatever it is, somebody has to be allowed to ask it, and the audit has a word for it.
            assert!(request.needs() >= Role::Viewer && !request.word().is_empty());
        }
        understood += 1;
    }
    understood += usize::from(serde_json::from_slice::<Call>(bytes).is_ok());
    understood += usize::from(serde_json::from_slice::<FromEngine>(bytes).is_ok());
    understood
}

#[test]
fn no_message_breaks_its_reader() {
    let inputs = number("OBEYA_FUZZ", INPUTS as u64) as usize;
    let seed = number("OBEYA_FUZZ_SEED", SEED);
    println!("OBEYA_FUZZ={inputs} OBEYA_FUZZ_SEED={seed}");
    let corpus = corpus();
    for text in &corpus.texts {
        assert!(read(text) > 0, "{}", String::from_utf8_lossy(text));
    }
    let packed = [corpus.packed.clone()];
    let (mut random, begun) = (Random(seed), Instant::now());
    let (mut understood, mut taken) = (0, 0);
    for n in 0..inputs {
        if n % SNAPSHOTS == 0 {
            let bytes = mutated(&mut random, &packed);
            let same = bytes == corpus.packed;
            let (mut mirror, state) = Mirror::new(|_| {});
            if mirror.hear(Heard::Snapshot(bytes)) {
                taken += usize::from(!same);
                // What was changed in the way it is packed is the same state; anything else is none.
                let held = Arc::clone(&state.lock().unwrap());
                assert_eq!(held.state_hash(), corpus.hash);
                let _ = mirror.hear(Heard::Records(corpus.records.clone(), false));
            }
            continue;
        }
        let bytes = mutated(&mut random, &corpus.texts);
        understood += read(&bytes);
        if n % 100 == 1
            && let Ok(FromEngine::Records { records, more }) = serde_json::from_slice(&bytes)
        {
            let (mut mirror, _) = Mirror::new(|_| {});
            let _ = mirror.hear(Heard::Snapshot(corpus.packed.clone()));
            let _ = mirror.hear(Heard::Records(records, more));
        }
    }
    println!(
        "{inputs} inputs in {:.1} s: {understood} texts understood, {taken} other snapshots taken",
        begun.elapsed().as_secs_f64()
    );
    // Mutations that leave a message a message are among them: it is not only noise that was tried.
    assert!(understood > inputs / 100, "{understood}");
}

#[test]
fn records_that_were_changed_on_the_way_are_not_taken() {
    let corpus = corpus();
    let mut random = Random(SEED);
    for _ in 0..500 {
        let (mut mirror, state) = Mirror::new(|_| {});
        assert!(mirror.hear(Heard::Snapshot(corpus.packed.clone())));
        let head = state.lock().unwrap().head;
        let mut records = corpus.records.clone();
        let at = random.below(records.len());
        records[at].seq = head.seq + 1 + random.below(3) as u64;
        records[at].actor.push('x');
        let record = records.swap_remove(at);
        assert!(!mirror.hear(Heard::Records(vec![record], false)));
        assert_eq!(state.lock().unwrap().head, head);
    }
}

#[test]
fn a_snapshot_that_inflates_without_end_is_no_snapshot() {
    let mut bomb = DeflateEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![0; 1 << 20];
    for _ in 0..256 {
        bomb.write_all(&zeros).unwrap();
    }
    let mut bomb = bomb.finish().unwrap();
    bomb.extend_from_slice(&[0; 4]);
    assert!(
        bomb.len() < 1 << 20,
        "a quarter of a GiB in {} bytes",
        bomb.len()
    );
    let before = resident();
    let (mut mirror, _) = Mirror::new(|_| {});
    assert!(!mirror.hear(Heard::Snapshot(bomb)));
    let grown = resident().saturating_sub(before);
    assert!(grown < 128 << 10, "{grown} KiB");
    // A text as deep as a message is long ends without the stack's end.
    let deep = vec![b'['; MAX_CALL];
    assert_eq!(read(&deep), 0);
}

/// Returns how much memory this process has taken at most, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let number = line.split_ascii_whitespace().nth(1).unwrap();
    number.parse().unwrap()
}
