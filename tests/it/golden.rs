//! The golden ledger: an event's meaning is frozen, so what was once written replays for ever to the same state.
//!
//! Each `golden/vN.jsonl` is one whole ledger as it was stored, a record a line, and `golden/vN.hash` the state it
//! comes to. A new event, or a new version of one, brings a new file; the old ones stay as they are.

mod gates;
mod scribe;
mod story;
mod usage;
mod workspaces;

use std::{collections::BTreeSet, env, fs, path::PathBuf};

use obeya::domain::{
    event::{EVENTS, Event},
    evolve,
    record::{Hash, Record},
    state::State,
};
use serde_json::Value;

/// The newest golden ledger: the one that [`story`] tells.
const NEWEST: &str = "v5";

/// What to do about a change that these tests refuse.
const MEND: &str = "what is stored cannot change: give the event a new version, or the state's new field a default \
                    that is not written, and leave the golden file alone";

/// A ledger as it was stored.
pub(crate) struct Golden {
    name: String,
    pub(crate) records: Vec<Record>,
    hash: Hash,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden")
}

fn json<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> T {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{what}: {e}; {MEND}"))
}

/// Returns every golden ledger, oldest name first.
pub(crate) fn goldens() -> Vec<Golden> {
    let mut files: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "there is no golden ledger");
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let record = |(at, line)| json(&format!("{name}, line {}", at + 1), line);
        let records = text.lines().enumerate().map(record).collect();
        let hash = fs::read_to_string(path.with_extension("hash")).unwrap();
        let hash = json(&name, &format!("\"{}\"", hash.trim()));
        Golden {
            name,
            records,
            hash,
        }
    };
    files.into_iter().map(read).collect()
}

/// Takes records into a state.
fn replay(mut state: State, golden: &str, records: &[Record]) -> State {
    for record in records {
        let outcome = evolve::evolve(&mut state, record);
        assert!(
            outcome.is_ok() && state.unknown.is_none(),
            "{golden}, record {}: {outcome:?}, unknown {:?}; {MEND}",
            record.seq,
            state.unknown
        );
    }
    state
}

/// Writes the newest golden ledger, if it is asked for and there is none.
///
/// A golden file is never written a second time, asked or not: it stands for ledgers that people already have, and
/// a test that could be made to agree with the code would no longer say that those still open.
#[test]
fn a_golden_ledger_is_written_once() {
    let path = folder().join(NEWEST).with_extension("jsonl");
    if path.exists() || env::var_os("OBEYA_BLESS").is_none() {
        return;
    }
    let (records, state) = story::told();
    let lines: String = records
        .iter()
        .map(|record| serde_json::to_string(record).unwrap() + "\n")
        .collect();
    let hash = format!("{}\n", state.state_hash());
    fs::write(path.with_extension("hash"), hash).unwrap();
    fs::write(path, lines).unwrap();
}

#[test]
fn every_event_version_is_in_a_golden_ledger() {
    let goldens = goldens();
    let stored: BTreeSet<_> = goldens
        .iter()
        .flat_map(|golden| &golden.records)
        .map(|record| (record.kind.as_str(), record.version))
        .collect();
    let missing: Vec<_> = EVENTS
        .iter()
        .flat_map(|(kind, newest)| (1..=*newest).map(move |version| (*kind, version)))
        .filter(|event| !stored.contains(event))
        .collect();
    assert!(
        missing.is_empty(),
        "no golden ledger has {missing:?}: add a new golden file after {NEWEST}.jsonl, never change an old one"
    );
}

#[test]
fn every_golden_chain_holds() {
    for Golden { name, records, .. } in goldens() {
        let mut previous = Hash::ZERO;
        for (seq, record) in (1..).zip(&records) {
            assert_eq!(record.seq, seq, "{name}");
            assert_eq!(
                record.hash,
                record.seal(&previous),
                "{name}, record {seq}: {MEND}"
            );
            previous = record.hash;
        }
    }
}

#[test]
fn every_golden_ledger_replays_to_its_state() {
    for Golden {
        name,
        records,
        hash,
    } in goldens()
    {
        let state = replay(State::default(), &name, &records);
        assert_eq!(state.state_hash(), hash, "{name}: {MEND}");
        for cut in 0..=records.len() {
            let (before, after) = records.split_at(cut);
            let state = replay(State::default(), &name, before);
            let bytes = state.to_snapshot().unwrap();
            let state = State::from_snapshot(bytes.clone()).unwrap();
            let state = replay(state, &name, after);
            assert_eq!(
                state.state_hash(),
                hash,
                "{name}: through a snapshot after {cut}"
            );
        }
    }
}

#[test]
fn every_golden_event_says_what_it_said() {
    for Golden { name, records, .. } in goldens() {
        for record in records {
            let what = format!("{name}, record {}", record.seq);
            let event = Event::decode(&record.kind, record.version, &record.body)
                .unwrap_or_else(|e| panic!("{what}: {e:?}; {MEND}"));
            assert_eq!(event.kind(), record.kind, "{what}");
            assert_eq!(event.subject(), record.subject, "{what}");
            let body = serde_json::to_string(&event).unwrap();
            let again = Event::decode(event.kind(), event.version(), &body).unwrap();
            assert_eq!(event, again, "{what}");
            // An older version is brought up to today's, so only today's is written as it was read.
            if record.version == event.version() {
                let [was, is] = [&*record.body, &body].map(|body| json::<Value>(&what, body));
                assert_eq!(was, is, "{what}: {MEND}");
            }
        }
    }
}
