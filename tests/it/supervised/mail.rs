//! Messages of lasting agents: handed over, acknowledged, sent, asked and answered, by real processes.

use std::{fs, thread, time::Duration};

use rustix::process::Signal;
use serde_json::Value;

use super::{Project, all_gone, text};

/// What every agent here begins with. `field` takes a field that holds no quote out of a line of JSON.
const PRELUDE: &str = r#"field() { printf '%s' "$2" | sed -n 's/.*"'"$1"'":"\{0,1\}\([^",}]*\).*/\1/p'; }
say() { printf '%s\n' "$1"; }
say '{"type":"hello"}'
"#;

/// Puts an agent into a project: a script that reads line after line, of which `cases` are the branches.
fn agent(project: &Project, name: &str, cases: &str) {
    let script = format!(
        "{PRELUDE}echo $$ >> {name}.pids\nwhile read -r line; do\n  printf '%s\\n' \"$line\" >> {name}.heard\n  case \"$line\" in\n{cases}\n  esac\ndone\n"
    );
    fs::write(project.path(&format!("{name}.sh")), script).unwrap();
}

fn rule(name: &str, more: &str) -> String {
    format!("[agents.{name}]\nmode = 'stdio'\ncommand = ['sh', '{name}.sh']\ngrace = 1\n{more}\n")
}

const ACK: &str =
    r#"    '{"type":"message"'*) say "{\"type\":\"ack\",\"message\":$(field message "$line")}" ;;"#;

/// Returns what an agent heard of a type.
fn heard(project: &Project, name: &str, kind: &str) -> Vec<Value> {
    let all = fs::read_to_string(project.path(&format!("{name}.heard"))).unwrap_or_default();
    let lines = all
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["type"] == kind).collect()
}

fn waiting(project: &Project, inbox: &str) -> usize {
    let found = project.json(&["bus", "inbox", inbox]);
    found
        .as_array()
        .or(found["messages"].as_array())
        .unwrap_or_else(|| panic!("{found}"))
        .len()
}

fn letters(project: &Project) -> Vec<Value> {
    let found = project.json(&["bus", "dead-letters"]);
    let found = found
        .as_array()
        .or(found["dead_letters"].as_array())
        .unwrap_or_else(|| panic!("{found}"));
    found.clone()
}

#[test]
fn a_message_survives_the_agent_that_dies_over_it() {
    // Nobody waits until its time is up.
    let toml = rule("fragile", "") + "[bus]\nvisibility = 600\n";
    let mut project = Project::new(&toml, 0);
    agent(
        &project,
        "fragile",
        &format!("    '{{\"type\":\"message\"'*'\"attempt\":1'*) kill -9 $$ ;;\n{ACK}"),
    );
    project.done(&["bus", "publish", "@fragile", "{\"do\":\"it\"}"]);
    project.host();
    project.until("it is acknowledged", |project| {
        waiting(project, "fragile") == 0
    });
    let heard = heard(&project, "fragile", "message");
    let attempts: Vec<_> = heard
        .iter()
        .map(|line| line["attempt"].as_u64().unwrap())
        .collect();
    assert_eq!(attempts, [1, 2]);
    assert_eq!(heard[1]["body"]["do"], "it");
    assert_eq!(text(&heard[1]["sender"], "name"), "ada");
    assert_eq!(letters(&project).len(), 0);
    let pids = fs::read_to_string(project.path("fragile.pids")).unwrap();
    assert_eq!(
        pids.lines().count(),
        2,
        "given again at once, to the next run"
    );
}

#[test]
fn what_is_never_acknowledged_is_given_out_so_often_and_then_a_dead_letter() {
    let toml = rule("deaf", "") + "[bus]\nvisibility = 1\nmax_deliveries = 3\n";
    let mut project = Project::new(&toml, 0);
    agent(&project, "deaf", "    nothing) ;;");
    project.done(&["bus", "publish", "@deaf", "listen"]);
    project.host();
    project.until("it is a dead letter", |project| letters(project).len() == 1);
    let letter = &letters(&project)[0];
    assert_eq!(text(letter, "reason"), "too_many_deliveries");
    assert_eq!(letter["attempts"], 3);
    assert_eq!(heard(&project, "deaf", "message").len(), 3);
    // Put back, it comes again.
    project.done(&["bus", "dead-letters", "requeue", "--all"]);
    project.until("it comes again", |project| {
        heard(project, "deaf", "message").len() > 3
    });
}

#[test]
fn an_agent_at_work_may_read_its_messages_when_it_is_done() {
    let toml = rule("single", "lease = 30") + "[bus]\nvisibility = 1\nmax_deliveries = 2\n";
    let mut project = Project::new(&toml, 1);
    let work = r#"    '{"type":"execute"'*) touch at-work; while ! test -e enough; do echo; sleep 0.2; done
      say "{\"type\":\"result\",\"id\":\"WO-001\",\"result\":\"done\"}" ;;"#;
    agent(&project, "single", &format!("{work}\n{ACK}"));
    project.host();
    project.until("it is at work", |project| project.path("at-work").exists());
    project.done(&["bus", "publish", "@single", "when you have time"]);
    // Longer than two deliveries may take.
    thread::sleep(Duration::from_secs(4));
    assert_eq!(waiting(&project, "single"), 1);
    fs::write(project.path("enough"), "").unwrap();
    project.until("it is acknowledged", |project| {
        waiting(project, "single") == 0
    });
    assert_eq!(letters(&project).len(), 0);
    let heard = heard(&project, "single", "message");
    assert_eq!((heard.len(), &heard[0]["attempt"]), (1, &1.into()));
}

#[test]
fn one_agent_asks_and_another_answers() {
    let toml = rule("asker", "") + &rule("knower", "capabilities = { buckets = ['security'] }");
    let mut project = Project::new(&toml, 1);
    let ask = r#"    '{"type":"execute"'*) say '{"type":"request","ref":"r1","address":"@knower","body":{"what":"6 x 7"}}' ;;
    '{"type":"reply","ref":"r1"'*) say "{\"type\":\"result\",\"id\":\"WO-001\",\"result\":\"done\",\"sku\":\"$(field body "$line")\"}" ;;"#;
    agent(&project, "asker", ask);
    let answer = r#"    '{"type":"message"'*'"wants_reply":true'*) say "{\"type\":\"reply\",\"ref\":\"a\",\"message\":$(field message "$line"),\"body\":\"42\"}" ;;"#;
    agent(&project, "knower", answer);
    project.host();
    project.until("it knows", |project| {
        project.status("WO-001") == "completed"
    });
    assert_eq!(text(&project.order("WO-001"), "sku"), "42");
    assert_eq!(
        text(&heard(&project, "asker", "reply")[0]["sender"], "name"),
        "knower"
    );
    project.until("it is told that it answered", |project| {
        !heard(project, "knower", "done").is_empty()
    });
    assert_eq!(waiting(&project, "knower"), 0, "an answer acknowledges");
    assert_eq!(letters(&project).len(), 0);
}

#[test]
fn a_request_that_nobody_answers_and_an_answer_that_comes_late_are_told_in_words() {
    let toml = rule("asker", "") + &rule("slow", "capabilities = { buckets = ['security'] }");
    let mut project = Project::new(&toml, 1);
    let ask = r#"    '{"type":"execute"'*) say '{"type":"request","ref":"r1","address":"@slow","body":"?","timeout":1}' ;;
    '{"type":"refused","of":"request"'*) touch late; say '{"type":"result","id":"WO-001","result":"done"}' ;;"#;
    agent(&project, "asker", ask);
    let answer = r#"    '{"type":"message"'*) while ! test -e late; do sleep 0.1; done; say "{\"type\":\"reply\",\"message\":$(field message "$line"),\"body\":\"!\"}" ;;"#;
    agent(&project, "slow", answer);
    project.host();
    project.until("it is refused", |project| {
        !heard(project, "slow", "refused").is_empty()
    });
    let refused = &heard(&project, "asker", "refused")[0];
    assert_eq!(
        (text(refused, "ref"), text(refused, "rule")),
        ("r1".into(), "no_reply".into())
    );
    let late = &heard(&project, "slow", "refused")[0];
    assert!(
        text(late, "why").contains("nobody waits for an answer"),
        "{late}"
    );
    let letters = letters(&project);
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(text(&letters[0], "reason"), "request_timeout");
}

#[test]
fn a_flood_of_messages_is_bounded_and_the_host_goes_on() {
    let toml = rule("flood", "") + &rule("quiet", "") + "[bus]\nmax_messages = 100\n";
    let mut project = Project::new(&toml, 0);
    let flood = format!(
        "{PRELUDE}echo $$ >> pids\nexec yes '{{\"type\":\"publish\",\"address\":\"coordination_events\",\"body\":\"again\"}}'\n"
    );
    fs::write(project.path("flood.sh"), flood).unwrap();
    // This one says hello and never reads: what comes for it must wait on the bus, not in its pipe.
    fs::write(
        project.path("quiet.sh"),
        format!("{PRELUDE}exec sleep 300\n"),
    )
    .unwrap();
    for number in 0..40 {
        project.done(&["bus", "publish", "@quiet", &format!("{number}")]);
    }
    project.host();
    let flooding = project.noted_running("pids", 1);
    let last = |project: &Project| {
        let topics = project.json(&["bus", "topics"]);
        let topics = topics["addresses"].as_array().unwrap().clone();
        let of = |name: &str| {
            topics
                .iter()
                .find(|topic| topic["address"] == name)
                .cloned()
                .unwrap()
        };
        (of("coordination_events"), of("@quiet"))
    };
    project.until("many were sent", |project| {
        last(project).0["last_seq"].as_u64() > Some(500)
    });
    let (flooded, quiet) = last(&project);
    assert!(flooded["messages"].as_u64() <= Some(100), "{flooded}");
    let held = quiet["subscribers"][0]["delivered"].as_u64();
    assert!(held <= Some(16), "{quiet}");
    project.done(&["agent", "stop", "flood"]);
    all_gone(&flooding);
    assert!(project.signal_host(Signal::TERM).success());
}

#[test]
fn topics_and_the_inbox_of_its_role_are_heard_without_asking_and_others_when_asked_for() {
    let toml = rule(
        "ear",
        "role = 'watchman'\ntopics = ['work_order_events']\ncapabilities = { buckets = ['security'] }",
    );
    let mut project = Project::new(&toml, 0);
    let ask = r#"    *'"body":"and alerts"'*) say '{"type":"subscribe","address":"andon_alerts","ref":"s"}'; say '{"type":"subscribe","address":"@somebody"}' ;;"#;
    agent(&project, "ear", &format!("{ask}\n{ACK}"));
    project.host();
    project.until("it is there", |project| project.state("ear") == "idle");
    let addresses = |project: &Project| -> Vec<String> {
        let all = heard(project, "ear", "message");
        all.iter().map(|line| text(line, "address")).collect()
    };
    project.until("it subscribes", |project| {
        let topics = project.json(&["bus", "topics"]).to_string();
        topics.contains("\"name\":\"ear\"")
    });
    project.done(&["work-order", "create", "--title", "news"]);
    project.until("it hears of it", |project| {
        addresses(project).contains(&"work_order_events".into())
    });
    project.done(&["bus", "publish", "@watchman", "and alerts"]);
    project.until("it is told", |project| {
        !heard(project, "ear", "done").is_empty()
    });
    project.until("it is refused", |project| {
        !heard(project, "ear", "refused").is_empty()
    });
    project.done(&["andon", "trigger", "--reason", "smoke", "--severity", "low"]);
    project.until("it hears alerts", |project| {
        addresses(project).contains(&"andon_alerts".into())
    });
    // What the file names no longer is no longer kept for it.
    let fewer = rule("ear", "role = 'watchman'");
    fs::write(project.path("obeya.toml"), fewer).unwrap();
    project.until("it is forgotten", |project| {
        let topics = project.json(&["bus", "topics"]);
        let topics = topics["addresses"].as_array().unwrap();
        let orders = topics
            .iter()
            .find(|topic| topic["address"] == "work_order_events")
            .unwrap();
        orders["subscribers"].as_array().unwrap().is_empty()
    });
}
