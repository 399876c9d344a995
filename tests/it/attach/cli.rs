//! Whatever is typed comes to the same, attached or beside the ledger: the same lines on two copies of one ledger.

use std::{fs, path::Path, sync::Arc};

use obeya::{
    demo,
    link::{self, Home, Session},
    server::Server,
};
use serde_json::Value;

use super::support::{any_port, serve};
use crate::cli::{Room, Said};

/// What is typed on both sides. `%` stands for a folder of the side's own.
const LINES: &[&str] = &[
    // Work orders.
    "work-order list",
    "work-order list --all --limit 20",
    "wo list --bucket security --sort age",
    "work-order create --title \"attached or not\" --bucket security",
    "work-order create --title \"another\" --description \"with words\"",
    "work-order create --title \" \"",
    "work-order create --title \"only shown\" --dry-run",
    "work-order show WO-001",
    "work-order show WO-999",
    "work-order next",
    "work-order comment WO-001 \"seen\"",
    "work-order comment WO-998 \"nobody\"",
    "work-order why WO-001",
    "work-order edit WO-106 --priority 1",
    "work-order link WO-106 related WO-112",
    "work-order status WO-001",
    "work-order heartbeat WO-001",
    "work-order list --text attached",
    "work-order next --actor agent:walker --dry-run",
    "work-order claim WO-106 --actor agent:walker",
    "work-order heartbeat WO-106 --epoch 1 --actor agent:walker",
    "work-order heartbeat WO-106 --epoch 9 --actor agent:walker",
    "work-order release WO-106 --epoch 1 --actor agent:walker",
    "work-order start WO-998",
    "work-order complete WO-998",
    // What waits for what.
    "deps show WO-001",
    "deps add WO-112 WO-113",
    "deps add WO-113 WO-112",
    "deps order",
    "deps diagram",
    "deps path WO-112 WO-113",
    "deps remove WO-112 WO-113",
    // The line stops and goes on.
    "andon list",
    "andon trigger --severity high --reason \"smoke in hall 2\"",
    "andon list --all",
    "andon show ALERT-001",
    "andon ack ALERT-999",
    "andon preview line",
    // How it is set up.
    "bucket list",
    "bucket set security --wip 7",
    "stage list",
    "quality-gate list",
    "quality-gate status WO-001",
    "quality-gate check",
    "quality-gate log WO-001 tests",
    "quality-gate run tests WO-001",
    // Who works.
    "agent list",
    "agent status rust-dev",
    "agent spawn rust-dev",
    "agent register scout --role researcher",
    "agent pause nobody",
    "agent logs nobody",
    "agent worktrees",
    "agent hook --agent scout prompt",
    // Messages.
    "bus topics",
    "bus publish coordination_events hello --key once",
    "bus publish coordination_events hello --key once",
    "bus publish @tester \"look at WO-001\"",
    "bus inbox tester",
    "bus inbox tester --take",
    "bus ack 1 --of @tester",
    "bus refuse 999999 --of @tester --reason none",
    "bus reply 999999 yes",
    "bus request @nobody \"is anybody there?\" --timeout 1s",
    "bus replay coordination_events",
    "bus dead-letters",
    "bus dead-letters requeue --all",
    "bus dead-letters purge --all",
    "bus subscribe coordination_events --name deployer --from 1 --count 1",
    "bus unsubscribe coordination_events --name deployer",
    // What was done.
    "receipt show WO-001",
    "receipt verify WO-001",
    "receipt chain WO-001",
    // How it goes.
    "report velocity",
    "report sla",
    "report flow",
    "report lead-time",
    "report cycle-time",
    "report ageing",
    "report forecast",
    "report risk",
    "report usage",
    "report handover",
    "dashboard summary",
    "dashboard metrics",
    "metrics summary",
    "metrics velocity 7",
    // The history itself.
    "ledger head",
    "ledger log --limit 5",
    "ledger log WO-001",
    "ledger stats",
    "ledger verify",
    "ledger verify --anchor 1:0000000000000000000000000000000000000000000000000000000000000000",
    "debug trace-work-order WO-001",
    "debug trace-agent rust-dev",
    "doctor",
    "work-order watch WO-001 --until queued --timeout 1s",
    // In and out.
    "import csv %/in.csv --dry-run",
    "import csv %/in.csv",
    "import csv %/in.csv",
    "import csv %/none.csv",
    "export json",
    "export jsonl",
    "export csv",
    "export mermaid",
    "export dot --all",
    // Who may come in.
    "token create --name bob --role viewer",
    "token create --name bob --role viewer",
    "token list",
    "token revoke bob",
    "token revoke nobody",
    "audit --limit 0",
    // Nobody rises by being elsewhere.
    "work-order create --title no --read-only",
    "bus publish coordination_events no --read-only",
    "token create --name eve --role admin --as viewer",
    "work-order create --title yes --actor agent:scout",
    "work-order list --limit 1 --actor \"agent:scout\"",
];

/// Those that are meant to make no sense.
const USAGE: &[&str] = &[
    "quality-gate log WO-001 tests",
    "work-order heartbeat WO-001",
];

/// One of the two sides: a host of its own, and words that name it.
struct Side {
    room: Room,
    words: Vec<String>,
    // The server ends before its host.
    _server: Option<Server>,
    _session: Arc<Session>,
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap() {
            sort if sort.is_dir() => copied(&entry.path(), &target),
            sort if sort.is_file() => drop(fs::copy(entry.path(), target).unwrap()),
            _ => {}
        }
    }
}

impl Side {
    fn of(story: &Path, attached: bool) -> Side {
        let room = Room::empty();
        let place = room.path().join("line/.obeya");
        copied(story, &place);
        fs::write(room.path().join("line/obeya.toml"), GATES).unwrap();
        room.write(
            "in.csv",
            "id,title,bucket\nX-1,from outside,security\nX-2,and another,features\n",
        );
        let home = Home::new(&place).unwrap();
        let session = Arc::new(Session::titled(&home, "serve", false).unwrap());
        let server = attached.then(|| serve(&session, any_port()));
        let words = match &server {
            None => vec!["--ledger".into(), place.display().to_string()],
            Some(server) => {
                let token = room.path().join("line/.obeya/local.token");
                vec![
                    "--attach".into(),
                    format!("ws://{}", server.address().unwrap()),
                    "--token-file".into(),
                    token.display().to_string(),
                ]
            }
        };
        Side {
            room,
            words,
            _server: server,
            _session: session,
        }
    }

    fn said(&self, line: &str) -> Said {
        let folder = self.room.path().display().to_string();
        let mut words = crate::cli::words(&line.replace('%', &folder));
        words.extend(self.words.iter().cloned());
        words.push("--json".into());
        self.room.run(words)
    }

    /// Returns what a line came to, without what no two runs share.
    fn told(&self, line: &str) -> String {
        let said = self.said(line);
        let folder = self.room.path().display().to_string();
        let out: Vec<String> = said.out.lines().map(|line| masked(line, &folder)).collect();
        let err = said.err.replace(&folder, "[folder]");
        format!("[{}]\n{}\n{err}", said.code, out.join("\n"))
    }
}

const GATES: &str = "[gates.tests]\ncommand = [\"true\"]\n";

/// Returns a line of output with times, hashes, ids and ages masked.
fn masked(line: &str, folder: &str) -> String {
    let line = line.replace(folder, "[folder]");
    // An export has an item a line, with commas between them.
    let item = line.strip_suffix(',').unwrap_or(&line);
    let Ok(mut value) = serde_json::from_str::<Value>(item) else {
        return mask_words(&line);
    };
    mask(&mut value);
    value.to_string()
}

fn mask(value: &mut Value) {
    match value {
        Value::String(text) => *text = mask_words(text),
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(fields) => {
            // What a server noted about its callers, and what a disk has left, is each side's own.
            let own = ["tokens", "free space", "size", "messages", "snapshots"];
            if fields
                .get("name")
                .is_some_and(|name| own.iter().any(|own| name == own))
            {
                fields.remove("found");
            }
            for (name, value) in fields {
                let timely = [
                    "seconds",
                    "_days",
                    "_hours",
                    "bytes",
                    "age",
                    "micros",
                    "expires_at",
                ];
                match value {
                    Value::Number(_) if timely.iter().any(|word| name.contains(word)) => {
                        *value = "[number]".into();
                    }
                    value => mask(value),
                }
            }
        }
        _ => {}
    }
}

fn mask_words(text: &str) -> String {
    let apart = |c: char| !(c.is_ascii_alphanumeric() || "-:_.".contains(c));
    let mut masked = String::new();
    for part in text.split_inclusive(apart) {
        let word = part.trim_end_matches(apart);
        let rest = &part[word.len()..];
        let hex = |word: &str| word.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let is_id =
            (word.len() >= 32 || (word.len() == 12 && digits > 0 && digits < 12)) && hex(word);
        let is_time = digits >= 8 && word.contains('-') && word.contains("20");
        let is_secret = word.starts_with("obeya_");
        // How old what was just done is: a second may lie between both sides.
        let seconds = word.strip_suffix('s').unwrap_or_default();
        let is_age = word == "1m" || (!seconds.is_empty() && seconds.parse::<u8>().is_ok());
        masked.push_str(match is_id || is_time || is_secret || is_age {
            true => "[own]",
            false => word,
        });
        masked.push_str(rest);
    }
    masked
}

#[test]
fn every_line_comes_to_the_same_attached_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let story = Home::new(folder.path().join(".obeya")).unwrap();
    demo::build(&story, demo::SEED, link::now(), 0).unwrap();
    // What is due by now is recorded once, and not on each side at its own time.
    drop(Session::titled(&story, "serve", false).unwrap());
    let here = Side::of(story.path(), false);
    let there = Side::of(story.path(), true);
    let mut wrong = String::new();
    for line in LINES {
        let (own, theirs) = std::thread::scope(|scope| {
            let own = scope.spawn(|| here.told(line));
            let theirs = there.told(line);
            (own.join().unwrap(), theirs)
        });
        // A slip in a line here would compare two complaints about it.
        assert!(
            !own.starts_with("[2]") || USAGE.contains(line),
            "{line}: {own}"
        );
        if own != theirs {
            wrong.push_str(&format!("$ {line}\nhere: {own}\nthere: {theirs}\n\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(LINES.len() >= 60);
}

#[test]
fn what_only_the_ledgers_own_machine_can_do_says_so() {
    let engine = super::support::Engine::start();
    let room = Room::empty();
    let address = format!("ws://{}", engine.address());
    let token = engine.token_file(room.path(), "root", obeya::domain::command::Role::Admin);
    for line in [
        "host",
        "serve",
        "init",
        "demo --out x",
        "ledger backup x.db",
        "ledger restore x.db",
        "agent worktrees --prune",
        "agent new scout --lang bash",
    ] {
        let said = room.line(&format!("{line} --attach {address} --token-file {token}"));
        assert_eq!(said.code, 2, "{line}: {}{}", said.out, said.err);
        let told = said.err.contains("--attach") || said.err.contains(&address);
        assert!(told, "{line}: {}", said.err);
        assert!(!room.path().join(".obeya").exists() && !room.path().join("x").exists());
    }
}

#[test]
fn a_dump_is_the_state_at_the_ledgers_head_from_wherever_it_is_asked_for() {
    let engine = super::support::Engine::start();
    let mut ann = engine.attach("ann", obeya::domain::command::Role::Operator);
    for title in ["one", "two", "three"] {
        super::support::create(&mut ann, title);
    }
    let room = Room::empty();
    let token = engine.token_file(room.path(), "root", obeya::domain::command::Role::Viewer);
    let address = format!("ws://{}", engine.address());
    let there = room.line(&format!(
        "debug dump-state --attach {address} --token-file {token}"
    ));
    let here = room.line(&format!(
        "debug dump-state --ledger {}",
        engine.home.path().display()
    ));
    assert_eq!((here.code, there.code), (0, 0), "{}{}", here.err, there.err);
    assert!(here.out.contains("\"title\":\"three\""), "{}", here.out);
    assert_eq!(here.out, there.out);
}
