//! The line as it stood: every answer of the past is what was answered then.

use obeya::{
    domain::{
        andon::Severity,
        command::ImportItem,
        event::ImportedItem,
        id::AlertId,
        moment::Moment,
        order::{Kind, Priority},
        query::{Answer, Query},
        record::Seq,
        refusal::Refusal,
        time::MINUTE,
    },
    engine::{Reader, SystemClock},
    ledger::{Home, SqliteLedger, snapshots::LADDER_STEP},
    link,
};

use super::*;
use crate::support::random::Random;

/// What the console asks, of which nothing is a sign of life.
fn questions() -> Vec<Query> {
    let mut asked = vec![
        Query::Summary,
        Query::WorkOrders {
            filter: Default::default(),
            all: true,
            sort: Default::default(),
            limit: Some(7),
            after: None,
        },
        Query::Alerts {
            all: true,
            severity: None,
            limit: Some(3),
            after: None,
        },
        Query::Log {
            after: None,
            limit: Some(9),
        },
        Query::Graph {
            root: None,
            filter: Default::default(),
            closed: true,
        },
        Query::Buckets,
    ];
    for n in 1..=6 {
        asked.push(Query::WorkOrder {
            order: format!("WO-00{n}"),
        });
        asked.push(Query::ReceiptChain {
            order: format!("WO-00{n}"),
            limit: Some(50),
        });
        asked.push(Query::History {
            subject: format!("WO-00{n}"),
            after: 0,
            limit: Some(100),
        });
    }
    asked
}

/// Returns some command about one of a few orders and alerts; many are refused.
fn some(random: &mut Random) -> Submission {
    let id: OrderId = format!("WO-00{}", random.within(1, 6)).parse().unwrap();
    let reason = "because".to_owned();
    match random.below(12) {
        0 | 1 => create("one more"),
        2 | 3 => person(Command::StartOrder { id }),
        4 | 5 => complete(id),
        6 => person(Command::CancelOrder { id, reason }),
        7 | 8 => person(Command::ReopenOrder {
            id,
            reason: Some(reason),
        }),
        9 => person(Command::CommentOrder {
            id,
            text: "a word".into(),
        }),
        10 => person(Command::TriggerAndon {
            reason,
            severity: Severity::High,
            hold: None,
            fingerprint: None,
            order: Some(id),
        }),
        _ => person(Command::ResolveAlert {
            id: AlertId(random.within(1, 4)),
            resolution: reason,
        }),
    }
}

/// What was answered after a record: its place and time, the state, and the answers.
type Answered = (Seq, Timestamp, Hash, Vec<Result<Answer, Refusal>>);

#[test]
fn the_past_answers_as_it_did() {
    for seed in 1..=12 {
        println!("seed {seed}");
        let mut random = Random(seed);
        let shop = Shop::new();
        let engine = shop.engine();
        let handle = engine.handle();
        let mut reader = handle.reader().unwrap();
        let mut answered: Vec<Answered> = Vec::new();
        for _ in 0..60 {
            shop.clock.advance(MINUTE);
            drop(handle.submit(some(&mut random)));
            let state = handle.state();
            if answered
                .last()
                .is_none_or(|(seq, ..)| *seq < state.head.seq)
            {
                let answers: Vec<_> = questions()
                    .iter()
                    .map(|query| reader.ask(&handle, query).unwrap())
                    .collect();
                answered.push((state.head.seq, handle.now(), state.state_hash(), answers));
            }
        }
        // From the newest to the oldest and back again, then at random: whatever was stood at before.
        let last = answered.len() - 1;
        let visits = (0..=last).rev().chain(0..=last);
        let visits: Vec<_> = visits.chain((0..40).map(|_| random.below(last))).collect();
        for at in visits {
            let (seq, time, hash, answers) = &answered[at];
            let then = reader.stand(Moment::At(*time), &mut |_, _| {}).unwrap();
            assert_eq!((then.state.head.seq, then.now), (*seq, *time));
            assert_eq!(then.state.state_hash(), *hash);
            for (query, answer) in questions().iter().zip(answers) {
                let again = reader.ask_then(&handle, &then, query).unwrap();
                assert_eq!(again, *answer, "{query:?} at {seq}");
            }
        }
        // Command by command, forwards and backwards.
        for pair in answered.windows(2) {
            let (before, after) = (pair[0].0, pair[1].0);
            let on = reader.stand(Moment::After(before), &mut |_, _| {}).unwrap();
            assert_eq!(on.state.head.seq, after);
            let back = reader.stand(Moment::Before(after), &mut |_, _| {}).unwrap();
            assert_eq!(back.state.head.seq, before);
        }
    }
}

fn item(n: usize) -> ImportItem {
    ImportItem {
        external: format!("bd-{n}"),
        digest: n as u64,
        item: ImportedItem {
            title: format!("item {n}"),
            description: None,
            kind: Kind::Task,
            bucket: Bucket::Features,
            priority: Priority::DEFAULT,
            labels: vec![],
            assignee: None,
            estimate: None,
            created: NOON,
            links: vec![],
            closed: None,
            baseline: Default::default(),
        },
        outcome: None,
        parent: None,
        depends_on: vec![],
        comments: vec![],
    }
}

#[test]
fn a_long_way_back_is_told_and_is_long_only_once() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path().join("ledger")).unwrap();
    link::init(&home).unwrap();
    let open = || SqliteLedger::open(&home).unwrap();
    let clock = Arc::new(SystemClock::new());
    let mut writer = Writer::new(Box::new(open()), clock, Some(&home));
    let items = 2 * LADDER_STEP;
    done(writer.submit(&person(Command::Import {
        source: "beads".into(),
        items: (0..usize::try_from(items).unwrap()).map(item).collect(),
    })));
    let id = "WO-001".parse().unwrap();
    done(writer.submit(&person(Command::StartOrder { id })));
    let head = writer.state().head;
    drop(writer);
    for file in std::fs::read_dir(home.snapshots()).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    let way = || {
        let mut told = Vec::new();
        let mut reader = Reader::new(Box::new(open()));
        let moment = Moment::Before(head.seq);
        let then = reader.stand(moment, &mut |taken, all| told.push((taken, all)));
        assert_eq!(then.unwrap().state.head.seq, head.seq - 1);
        told
    };
    let all = head.seq - 1;
    assert_eq!(way(), [(LADDER_STEP, all), (2 * LADDER_STEP, all)]);
    assert_eq!(way(), []);
}
