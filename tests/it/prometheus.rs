//! What is shipped for Prometheus and Grafana: that every query in it finds something where a line is at work.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use obeya::{
    domain::{command::Role, order::Actor},
    link::{
        self, Home, Session,
        access::{Caller, NewToken, create_token},
    },
    server::{Doors, Server},
};
use serde_json::Value;

use crate::{
    cli::Room,
    support::prometheus::{Prometheus, complaint, tool},
};

/// How long a scraped line may take to show in Prometheus, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// How far apart two scrapes are in the store, in seconds.
const INTERVAL: f64 = 15.0;

/// A query that is shipped.
#[derive(Debug)]
struct Shipped {
    from: String,
    query: String,
}

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

fn dashboards() -> BTreeMap<String, Value> {
    let entries = fs::read_dir(deploy().join("grafana/dashboards")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let boards = paths.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(path).unwrap();
        (name, serde_json::from_str(&text).unwrap())
    };
    boards.map(read).collect()
}

/// Returns every query of the dashboards, as Grafana would ask it with all that can be chosen.
fn of_dashboards() -> Vec<Shipped> {
    let mut shipped = vec![];
    for (name, board) in dashboards() {
        let mut variables = vec![];
        for variable in board["templating"]["list"].as_array().unwrap() {
            variables.push(variable["name"].as_str().unwrap().to_owned());
            let query = variable["query"]["query"].as_str().unwrap();
            let inner = query.strip_prefix("label_values(").unwrap();
            let (series, label) = inner.strip_suffix(')').unwrap().split_once(", ").unwrap();
            shipped.push(Shipped {
                from: format!("{name}: variable"),
                query: format!("group by ({label}) ({series}{{{label}!=\"\"}})"),
            });
        }
        for panel in board["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().unwrap() {
                let mut query = target["expr"].as_str().unwrap().to_owned();
                for variable in &variables {
                    query = query.replace(&format!("\"${variable}\""), "\".*\"");
                }
                query = query.replace("$__rate_interval", "1m");
                query = query.replace("$__range", "6h");
                assert!(!query.contains('$'), "{name}: {query}");
                shipped.push(Shipped {
                    from: format!("{name}: {}", panel["title"]),
                    query,
                });
            }
        }
    }
    shipped
}

/// Returns the figure in each alert's rule, without what it is compared with: that is there on a line that is well, too.
fn of_rules() -> Vec<Shipped> {
    let text = fs::read_to_string(deploy().join("prometheus/obeya.rules.yml")).unwrap();
    let expressions = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("expr: "));
    let figure = |expression: &str| {
        let words: Vec<_> = expression.split(' ').collect();
        let [figure @ .., comparison, limit] = words.as_slice() else {
            panic!("{expression}")
        };
        assert!(["==", "<", ">"].contains(comparison), "{expression}");
        assert!(limit.parse::<f64>().is_ok(), "{expression}");
        Shipped {
            from: "rules".into(),
            query: figure.join(" "),
        }
    };
    expressions.map(figure).collect()
}

/// A line at work, and what a scraper was given of it.
struct Work {
    room: Room,
    session: Session,
    pages: Vec<String>,
}

impl Work {
    fn new() -> Work {
        link::set_program(env!("CARGO_BIN_EXE_obeya").into());
        let room = Room::new();
        room.write(
            "obeya.toml",
            "[gates.compilation]\ncommand = [\"true\"]\nrequired = false\n\
             [gates.format]\ncommand = [\"false\"]\nrequired = false\n",
        );
        let home = Home::new(room.path().join(".obeya")).unwrap();
        let session = Session::titled(&home, "test", false).unwrap();
        room.done("bucket set features --sla 24");
        room.done("agent register rust-dev --role developer");
        room.done("bus publish coordination_events hello");
        Work {
            room,
            session,
            pages: vec![],
        }
    }

    /// Has an order done and another given back, both by the agent, looks at its gates, and raises an alert.
    fn go_on(&mut self) {
        let room = &self.room;
        let create = "work-order create --title x --bucket features --json";
        let mut orders = vec![];
        for _ in 0..3 {
            orders.push(room.done(create).json());
        }
        let id = |order: &Value| order["id"].as_str().unwrap().to_owned();
        let (done, undone) = (id(&orders[0]), id(&orders[1]));
        for order in [&done, &undone] {
            room.done(&format!("work-order claim {order} --actor agent:rust-dev"));
            room.done(&format!("quality-gate run {order} compilation"));
            let failed = room.line(&format!("quality-gate run {order} format"));
            assert_eq!(failed.code, 1, "{}{}", failed.out, failed.err);
        }
        room.done(&format!(
            "work-order complete {done} --actor agent:rust-dev --epoch 1"
        ));
        room.done(&format!(
            "work-order release {undone} --actor agent:rust-dev --epoch 1"
        ));
        room.done("andon trigger --reason y --severity critical --hold none");
        self.session.watching().rest().unwrap();
    }

    /// Has a scraper look.
    fn scraped(&mut self) {
        self.pages.push(self.session.exposition().unwrap());
    }

    /// Returns what was scraped as Prometheus takes it in from a file, the last of it at `end`, in seconds since 1970.
    fn open_metrics(&self, end: f64) -> String {
        let mut text = String::new();
        for (back, page) in (0..self.pages.len()).rev().zip(&self.pages) {
            let at = end - back as f64 * INTERVAL;
            writeln!(text, "up{{job=\"obeya\",instance=\"test\"}} 1 {at}").unwrap();
            for line in page.lines().filter(|line| !line.starts_with('#')) {
                // A scrape says of which job each figure is.
                let (series, value) = line.rsplit_once(' ').unwrap();
                let series = match series.strip_suffix('}') {
                    Some(labelled) => format!("{labelled},job=\"obeya\",instance=\"test\"}}"),
                    None => format!("{series}{{job=\"obeya\",instance=\"test\"}}"),
                };
                writeln!(text, "{series} {value} {at}").unwrap();
            }
        }
        text.push_str("# EOF\n");
        text
    }
}

/// Returns what is wrong with queries at a moment: those that find nothing, and those that cannot be run.
fn wrong(prometheus: &Prometheus, shipped: &[Shipped], at: f64) -> Vec<String> {
    let mut wrong = vec![];
    for Shipped { from, query } in shipped {
        match prometheus.query(query, at) {
            Ok(found) => {
                let figure = |sample: &Value| sample["value"][1].as_str() != Some("NaN");
                if !found.iter().any(figure) {
                    wrong.push(format!("{from}: nothing but {found:?}: {query}"));
                }
            }
            Err(error) => wrong.push(format!("{from}: {error}: {query}")),
        }
    }
    wrong
}

fn now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs_f64()
}

#[test]
fn a_server_is_scraped_and_every_query_that_is_shipped_finds_something() {
    let Some(program) = tool("prometheus") else {
        return;
    };
    let mut work = Work::new();
    let doors = Doors {
        listen: Some("127.0.0.1:0".parse().unwrap()),
        ..Doors::default()
    };
    let server = Server::start(work.session.service().unwrap(), "line", &doors).unwrap();
    let caller = Caller {
        actor: Actor::person("root"),
        role: Role::Admin,
    };
    let new = NewToken {
        name: "prometheus".parse().unwrap(),
        role: Role::Viewer,
        expires: None,
    };
    let home = Home::new(work.room.path().join(".obeya")).unwrap();
    let made = create_token(&home, &caller, &new, link::now());
    let (secret, _) = made.unwrap().unwrap();
    let config = format!(
        "global:\n  scrape_interval: 1s\nscrape_configs:\n  - job_name: obeya\n    authorization:\n      credentials: {}\n\
         \x20   static_configs:\n      - targets: [\"{}\"]\n",
        secret.expose(),
        server.address().unwrap(),
    );
    let prometheus = Prometheus::start(&program, &config, |_| {});
    let begun = Instant::now();
    let scraped = |work: &Work| {
        let records = work.session.watching().state().head.seq;
        let query = format!("obeya_ledger_records_total == {records}");
        while prometheus
            .query(&query, now())
            .is_ok_and(|found| found.is_empty())
        {
            assert!(begun.elapsed() < PATIENCE, "it is not scraped");
            thread::sleep(Duration::from_millis(100));
        }
    };
    scraped(&work);
    for _ in 0..2 {
        work.go_on();
        scraped(&work);
    }
    let shipped: Vec<_> = of_dashboards().into_iter().chain(of_rules()).collect();
    // The rules look at a minute, and the last scrape is a second away.
    loop {
        let wrong = wrong(&prometheus, &shipped, now());
        if wrong.is_empty() {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{}", wrong.join("\n"));
        thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn every_query_that_is_shipped_finds_something() {
    let (Some(promtool), Some(program)) = (tool("promtool"), tool("prometheus")) else {
        return;
    };
    let shipped: Vec<_> = of_dashboards().into_iter().chain(of_rules()).collect();
    assert!(shipped.len() > 60, "only {} were found", shipped.len());
    let mut work = Work::new();
    work.scraped();
    for _ in 0..2 {
        work.go_on();
        work.scraped();
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let end = now.as_secs() as f64 - 60.0;
    let text = work.open_metrics(end);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scraped.om");
    fs::write(&file, text).unwrap();
    let fill = |store: &Path| {
        let (file, store) = (file.to_str().unwrap(), store.to_str().unwrap());
        let arguments = ["tsdb", "create-blocks-from", "openmetrics", file, store];
        assert_eq!(complaint(&promtool, &arguments, ""), None);
    };
    let prometheus = Prometheus::start(&program, "scrape_configs: []\n", fill);
    let wrong = wrong(&prometheus, &shipped, end);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let nothing = prometheus.query("obeya_no_such_thing", end);
    assert_eq!(nothing, Ok(vec![]), "what is not there is not found");
    assert!(prometheus.query("sum(", end).is_err());
}

#[test]
fn every_rule_is_well_formed_and_fires_when_it_should() {
    let Some(promtool) = tool("promtool") else {
        return;
    };
    let folder = deploy().join("prometheus");
    let rules = folder.join("obeya.rules.yml");
    let tests = folder.join("tests.yml");
    for arguments in [
        ["check", "rules", rules.to_str().unwrap()],
        ["test", "rules", tests.to_str().unwrap()],
    ] {
        assert_eq!(complaint(&promtool, &arguments, ""), None);
    }
    // The token is of whoever runs it, and no part of what is shipped.
    let copy = tempfile::tempdir().unwrap();
    for name in ["prometheus.yml", "obeya.rules.yml"] {
        fs::copy(folder.join(name), copy.path().join(name)).unwrap();
    }
    fs::write(copy.path().join("obeya.token"), "secret").unwrap();
    let config = copy.path().join("prometheus.yml");
    let arguments = ["check", "config", config.to_str().unwrap()];
    assert_eq!(complaint(&promtool, &arguments, ""), None);
}

#[test]
fn the_owners_dashboards_are_there_and_name_their_datasource() {
    let folder = deploy().join("grafana");
    let sources = fs::read_to_string(folder.join("datasources/obeya.yml")).unwrap();
    let mut titles = vec![];
    let mut names = vec![];
    for (name, board) in dashboards() {
        titles.push(board["title"].as_str().unwrap().to_owned());
        names.push(board["uid"].as_str().unwrap().to_owned());
        let mut ids = vec![];
        for panel in board["panels"].as_array().unwrap() {
            ids.push(panel["id"].as_u64().unwrap());
            let source = panel["datasource"]["uid"].as_str().unwrap();
            assert!(sources.contains(&format!("uid: {source}\n")), "{name}");
            let place = &panel["gridPos"];
            let right = place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap();
            assert!(right <= 24, "{name}: {}", panel["title"]);
        }
        let panels = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), panels, "{name}: two panels are one");
    }
    titles.sort();
    let owners = [
        "Agent Coordination Overview",
        "Agent Performance",
        "Quality Gates",
        "SLA Tracking",
        "Work Order Flows",
    ];
    assert_eq!(titles, owners);
    names.sort();
    names.dedup();
    assert_eq!(names.len(), owners.len());
}
