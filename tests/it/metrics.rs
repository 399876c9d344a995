//! Figures as a scraper reads them: true, whole, bounded, and in its language.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use obeya::{
    domain::{
        agent::PullFilter,
        command::{Command, NewOrder},
        event::Event,
        evolve,
        gate::Verdict,
        order::{Actor, Bucket},
        query::metrics::{FAMILIES, MetricSort, Metrics, exposition, metrics},
        record::Record,
        state::State,
        tallies::{MAX_NAMES, OTHER},
    },
    link::{self, Home, Operator as _, Reply, Session},
    testing,
};

use crate::support::{
    line::{Line, NOON},
    prometheus::{complaint, tool},
};

/// Returns the newest golden ledger, in which everything happens that can.
fn golden() -> Vec<Record> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .collect();
    files.sort();
    let text = fs::read_to_string(files.last().unwrap()).unwrap();
    let record = |line| serde_json::from_str(line).unwrap();
    text.lines().map(record).collect()
}

/// Returns each figure by its name and labels, in thousandths.
fn values(metrics: &Metrics) -> BTreeMap<(String, BTreeMap<String, String>), i64> {
    let one = |metric: &obeya::domain::query::metrics::Metric| {
        ((metric.name.clone(), metric.labels.clone()), metric.value.0)
    };
    let values: BTreeMap<_, _> = metrics.metrics.iter().map(one).collect();
    assert_eq!(values.len(), metrics.total, "a figure is there twice");
    values
}

/// Returns the sum over all labels of a name, as a whole number.
fn total(metrics: &Metrics, name: &str, wanted: &[(&str, &str)]) -> i64 {
    let fits = |labels: &BTreeMap<String, String>| {
        wanted
            .iter()
            .all(|(key, value)| labels.get(*key).is_some_and(|found| found == value))
    };
    let found = metrics
        .metrics
        .iter()
        .filter(|metric| metric.name == name && fits(&metric.labels));
    found.map(|metric| metric.value.0).sum::<i64>() / 1000
}

#[test]
fn counters_only_grow_and_say_what_happened() {
    let mut state = State::default();
    let mut before: BTreeMap<(String, BTreeMap<String, String>), i64> = BTreeMap::new();
    let (mut passed, mut failed, mut timed, mut completed) = (0, 0, 0, 0);
    for record in golden() {
        evolve::evolve(&mut state, &record).unwrap();
        match record.decode().unwrap() {
            Event::GateRecorded { run, .. } | Event::GateJudged { run, .. } => {
                match run.verdict {
                    Verdict::Passed => passed += 1,
                    _ => failed += 1,
                }
                timed += i64::from(run.duration_ms.is_some());
            }
            Event::OrderCompleted { .. } => completed += 1,
            _ => {}
        }
        let figures = metrics(&state, record.time);
        let now = values(&figures);
        for metric in &figures.metrics {
            let key = (metric.name.clone(), metric.labels.clone());
            let was = before.get(&key).copied().unwrap_or(0);
            assert!(
                metric.sort == MetricSort::Gauge || metric.value.0 >= was,
                "{key:?} shrank at record {}",
                record.seq
            );
        }
        let gone = before.keys().find(|key| {
            let name = key.0.as_str();
            name.ends_with("_total") && !now.contains_key(*key)
        });
        assert_eq!(gone, None, "at record {}", record.seq);
        before = now;
    }
    let figures = metrics(&state, NOON);
    let gates = "obeya_quality_gates";
    assert!(passed > 0 && failed > 0 && timed > 0 && completed > 0);
    assert_eq!(
        total(&figures, &format!("{gates}_passed_total"), &[]),
        passed
    );
    assert_eq!(
        total(&figures, &format!("{gates}_failed_total"), &[]),
        failed
    );
    assert_eq!(
        total(&figures, &format!("{gates}_duration_seconds_count"), &[]),
        timed
    );
    let lead = "obeya_work_orders_lead_time_seconds";
    let imported = total(
        &figures,
        "obeya_work_orders_total",
        &[("status", "completed")],
    );
    assert_eq!(total(&figures, &format!("{lead}_count"), &[]), imported);
    assert!(imported >= completed);
    assert_eq!(
        total(&figures, &format!("{lead}_bucket"), &[("le", "+Inf")]),
        imported
    );
}

#[test]
fn a_histogram_holds_what_was_measured() {
    let mut line = Line::new();
    for (seconds, bucket) in [(30, Bucket::Features), (4_000, Bucket::Features)] {
        let id = line.order_in(bucket);
        line.wait(seconds);
        line.person().start(id).unwrap();
        line.wait(100);
        line.person().complete(id).unwrap();
    }
    let figures = metrics(&line.state, line.now);
    let below = |name: &str, le: &str| {
        let labels = [("bucket", "features"), ("le", le)];
        total(
            &figures,
            &format!("obeya_work_orders_{name}_bucket"),
            &labels,
        )
    };
    let lead = |le| below("lead_time_seconds", le);
    assert_eq!(
        (lead("60"), lead("300"), lead("3600"), lead("14400")),
        (0, 1, 1, 2)
    );
    let cycle = |le| below("cycle_time_seconds", le);
    assert_eq!((cycle("60"), cycle("300"), cycle("+Inf")), (0, 2, 2));
    let sum = "obeya_work_orders_lead_time_seconds_sum";
    assert_eq!(total(&figures, sum, &[("bucket", "features")]), 130 + 4_100);
}

/// Registers an agent in a role.
fn register(line: &mut Line, name: &str, role: &str) {
    let register = Command::RegisterAgent {
        name: name.into(),
        role: Some(role.into()),
        capabilities: PullFilter::default(),
    };
    line.person().submit(register).unwrap();
}

#[test]
fn an_agents_work_stays_counted_under_its_role() {
    let mut line = Line::new();
    register(&mut line, "dev", "developer");
    let done = line.order("done");
    line.agent("dev").claim(done).unwrap();
    line.agent("dev").epoch(1).complete(done).unwrap();
    let lapsed = line.order("lapses");
    line.agent("dev").claim(lapsed).unwrap();
    line.wait(901);
    line.tick();
    let unregister = Command::UnregisterAgent { name: "dev".into() };
    line.person().submit(unregister).unwrap();
    let figures = metrics(&line.state, line.now);
    let of = |name: &str, labels: &[(&str, &str)]| {
        let mut labels = labels.to_vec();
        labels.push(("role", "developer"));
        total(&figures, &format!("obeya_agents_{name}"), &labels)
    };
    assert_eq!(of("work_completed_total", &[]), 1);
    assert_eq!(of("errors_total", &[("cause", "lapsed")]), 1);
    assert_eq!(of("errors_total", &[]), 1);
    assert_eq!(of("registered", &[]), 0);
}

#[test]
fn labels_are_bounded_whoever_names_them() {
    let mut line = Line::new();
    let roles = 3 * MAX_NAMES;
    for number in 0..roles {
        register(&mut line, &format!("a{number}"), &format!("role {number}"));
    }
    let figures = metrics(&line.state, line.now);
    let registered = figures
        .metrics
        .iter()
        .filter(|metric| metric.name == "obeya_agents_registered");
    assert_eq!(registered.count(), MAX_NAMES + 1);
    let sum = |labels: &[(&str, &str)]| total(&figures, "obeya_agents_registered", labels);
    assert_eq!(sum(&[]), roles as i64, "each is counted somewhere");
    assert_eq!(sum(&[("role", OTHER)]), (roles - MAX_NAMES) as i64);
}

#[test]
fn promtool_finds_nothing_wrong() {
    let Some(promtool) = tool("promtool") else {
        return;
    };
    let mut line = Line::new();
    register(&mut line, "dev", "a \"quoted\" \\ role");
    let of_hostile = exposition(&metrics(&line.state, line.now));
    assert!(of_hostile.contains(r#"role="a \"quoted\" \\ role""#));
    let mut state = State::default();
    for record in golden() {
        evolve::evolve(&mut state, &record).unwrap();
    }
    let of_ledger = exposition(&metrics(&state, state.time));
    for family in FAMILIES {
        let sample = format!("\n{}", family.name);
        assert!(of_ledger.contains(&sample), "no {}", family.name);
    }
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path().join("ledger")).unwrap();
    link::init(&home).unwrap();
    let home = Home::new(home.path()).unwrap();
    let mut session = Arc::new(Session::open(&home).unwrap());
    for number in 0..3 {
        let order = NewOrder::task(format!("order {number}"));
        let create = testing::submission(Actor::person("ada"), Command::CreateOrder { order });
        assert!(matches!(session.submit(&create), Reply::Done(_)));
    }
    let of_engine = session.exposition().unwrap();
    let vitals = session.vitals();
    let commits: u64 = vitals.commits.within.iter().sum::<u64>() + vitals.commits.beyond;
    assert!(commits >= 3, "{vitals:?}");
    let wanted = format!("\nobeya_commit_duration_seconds_count {commits}\n");
    assert!(of_engine.contains(&wanted), "{of_engine}");
    for page in [&of_hostile, &of_ledger, &of_engine] {
        let wrong = complaint(&promtool, &["check", "metrics"], page);
        assert_eq!(wrong, None, "{page}");
    }
    let broken = of_ledger.replace("# HELP obeya_receipts_total", "# HALP x");
    assert!(complaint(&promtool, &["check", "metrics"], &broken).is_some());
}

#[test]
fn a_loop_that_is_stuck_shows() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path().join("ledger")).unwrap();
    link::init(&home).unwrap();
    let session = Session::open(&Home::new(home.path()).unwrap()).unwrap();
    let (wedge, wedged) = std::sync::mpsc::sync_channel::<()>(0);
    let (free, freed) = std::sync::mpsc::sync_channel::<()>(0);
    let order = NewOrder::task("stuck");
    let create = testing::submission(Actor::person("ada"), Command::CreateOrder { order });
    session.submit_then(create, move |_| {
        wedge.send(()).unwrap();
        freed.recv().unwrap();
    });
    wedged.recv().unwrap();
    let order = NewOrder::task("behind it");
    let create = testing::submission(Actor::person("ada"), Command::CreateOrder { order });
    session.submit_then(create, |_| {});
    let first = session.vitals();
    std::thread::sleep(std::time::Duration::from_millis(30));
    let second = session.vitals();
    assert!(second.tick_age >= first.tick_age + std::time::Duration::from_millis(30));
    assert_eq!(second.waiting, 1);
    let page = session.exposition().expect("a scrape waits for no engine");
    assert!(
        page.contains("\nobeya_engine_commands_waiting 1\n"),
        "{page}"
    );
    free.send(()).unwrap();
    session.watching().rest().unwrap();
    assert_eq!(session.vitals().waiting, 0);
    assert!(session.vitals().tick_age < second.tick_age);
}
