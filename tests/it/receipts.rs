//! Receipts as files: each is whole, true by itself and of this ledger, and there in the end whoever was killed.

use std::{
    collections::BTreeSet,
    fs,
    path::PathBuf,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::cli::Room;

/// How long anything may take: many times what it does on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A project whose receipts are written as files, and its host.
struct Project {
    room: Room,
    host: Option<Child>,
}

impl Project {
    fn new() -> Project {
        let room = Room::new();
        room.write("obeya.toml", "[receipts]\nstorage = \"./receipts/\"\n");
        Project { room, host: None }
    }

    /// Makes an order and has it done.
    fn complete(&self, sku: Option<&str>) -> String {
        let made = self.room.done("work-order create --title x --json").json();
        let id = made["id"].as_str().unwrap().to_owned();
        self.room.done(&format!("work-order start {id}"));
        let sku = sku.map_or_else(String::new, |sku| format!(" --sku \"{sku}\""));
        self.room.done(&format!("work-order complete {id}{sku}"));
        id
    }

    fn host(&mut self) {
        let child = self
            .room
            .command(["host"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.host = Some(child);
    }

    fn kill(&mut self) {
        let mut host = self.host.take().unwrap();
        host.kill().unwrap();
        host.wait().unwrap();
    }

    /// Returns the files of receipts that are there.
    fn files(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.room.path().join("receipts")) else {
            return vec![];
        };
        let paths = entries.map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = paths
            .filter(|path| path.extension().is_some_and(|end| end == "json"))
            .collect();
        files.sort();
        files
    }

    fn names(&self) -> Vec<String> {
        let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        self.files().into_iter().map(name).collect()
    }

    /// Waits until so many receipts are there.
    fn wait_for(&self, count: usize) {
        let begun = Instant::now();
        while self.files().len() < count {
            assert!(begun.elapsed() < PATIENCE, "{:?}", self.names());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if let Some(mut host) = self.host.take() {
            let _ = host.kill();
            let _ = host.wait();
        }
    }
}

#[test]
fn a_receipt_is_a_file_that_proves_itself() {
    let mut project = Project::new();
    // Done before any host runs.
    project.complete(Some("sku-123"));
    project.complete(None);
    project.host();
    project.wait_for(2);
    // Done while one does.
    let hostile = project.complete(Some("../../x y"));
    project.wait_for(3);
    assert_eq!(
        project.names(),
        [
            "WO-001-sku-123.json",
            "WO-002-2.json",
            &format!("{hostile}-.._.._x_y.json"),
        ]
    );
    let verify = |arguments: &str| project.room.line(&format!("receipt verify {arguments}"));
    for name in project.names() {
        let said = verify(&format!("receipts/{name}"));
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        assert!(said.out.contains("record") && said.out.contains("of this ledger"));
    }
    // A receipt is no change of the code, which would make every gate's evidence stale.
    let ignore = project.room.path().join("receipts/.gitignore");
    assert_eq!(fs::read_to_string(ignore).unwrap(), "*\n");
    // A folder that was taken away is filled again.
    project.kill();
    fs::remove_dir_all(project.room.path().join("receipts")).unwrap();
    project.host();
    project.wait_for(3);
    // Without a ledger it still shows that nothing in it was changed.
    let elsewhere = Room::empty();
    let file = project.files().remove(0);
    let file = file.to_str().unwrap();
    let said = elsewhere.run(["receipt", "verify", file]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("held against no ledger"), "{}", said.out);
    // Another ledger does not have it, and says so unless it is not asked.
    let other = Room::new();
    assert_eq!(other.run(["receipt", "verify", file]).code, 1);
    assert_eq!(other.run(["receipt", "verify", file, "--alone"]).code, 0);
}

#[test]
fn a_file_that_was_changed_is_not_what_it_claims() {
    let mut project = Project::new();
    project.complete(Some("sku-123"));
    project.host();
    project.wait_for(1);
    let whole = fs::read_to_string(&project.files()[0]).unwrap();
    let sound: Value = serde_json::from_str(&whole).unwrap();
    let room = Room::empty();
    let check = |file: &Value| {
        room.write("one.json", &file.to_string());
        room.line("receipt verify one.json").code
    };
    assert_eq!(check(&sound), 0);
    let set = |path: &[&str], value: Value| {
        let mut changed = sound.clone();
        let place = path.iter().fold(&mut changed, |at, key| &mut at[*key]);
        assert_ne!(*place, value, "{path:?}");
        *place = value;
        changed
    };
    let body = sound["record"]["body"].as_str().unwrap();
    for (path, value) in [
        (vec!["format"], "obeya.receipt.9".into()),
        (vec!["before"], "00".repeat(32).into()),
        (vec!["receipt", "sku"], "sku-124".into()),
        (vec!["receipt", "completed_by", "name"], "eve".into()),
        (vec!["receipt", "hash"], "11".repeat(32).into()),
        (vec!["record", "actor"], "eve".into()),
        (
            vec!["record", "body"],
            body.replace("sku-123", "sku-124").into(),
        ),
        (vec!["record", "hash"], "22".repeat(32).into()),
    ] {
        assert_eq!(check(&set(&path, value)), 1, "{path:?}");
    }
    // Every part of it is needed, and half a file is none.
    room.write("half.json", &whole[..whole.len() / 2]);
    assert_eq!(room.line("receipt verify half.json").code, 2);
}

#[test]
fn what_cannot_be_written_is_told_by_the_doctor() {
    let mut project = Project::new();
    let finding = |project: &Project| {
        let said = project.room.line("doctor --json").json();
        let findings = said["findings"].as_array().unwrap().clone();
        findings.into_iter().find(|one| one["name"] == "receipts")
    };
    project
        .room
        .write("receipts", "a file where the folder is to be");
    project.complete(None);
    project.host();
    let begun = Instant::now();
    while finding(&project).unwrap()["level"] != "warn" {
        assert!(begun.elapsed() < PATIENCE, "{:?}", finding(&project));
        thread::sleep(Duration::from_millis(100));
    }
    let found = finding(&project).unwrap();
    assert!(
        found["found"].as_str().unwrap().starts_with("0 of 1 in "),
        "{found}"
    );
    assert!(!found["mend"].as_str().unwrap().is_empty());
    // Once it can be, it is.
    fs::remove_file(project.room.path().join("receipts")).unwrap();
    project.wait_for(1);
    let begun = Instant::now();
    while finding(&project).unwrap()["level"] != "ok" {
        assert!(begun.elapsed() < PATIENCE, "{:?}", finding(&project));
        thread::sleep(Duration::from_millis(20));
    }
    // Where nobody wants files, nothing is said of them.
    project.room.write("obeya.toml", "");
    assert_eq!(finding(&project), None);
}

#[test]
fn nothing_is_written_over() {
    let mut project = Project::new();
    let folder = project.room.path().join("receipts");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("WO-001-a.json"), "mine").unwrap();
    let id = project.complete(Some("a"));
    project
        .room
        .done(&format!("work-order reopen {id} --reason again"));
    project.room.done(&format!("work-order start {id}"));
    project
        .room
        .done(&format!("work-order complete {id} --sku a"));
    project.host();
    project.wait_for(3);
    assert_eq!(
        project.names(),
        ["WO-001-a-1.json", "WO-001-a-2.json", "WO-001-a.json"]
    );
    assert_eq!(
        fs::read_to_string(folder.join("WO-001-a.json")).unwrap(),
        "mine"
    );
    for name in ["WO-001-a-1.json", "WO-001-a-2.json"] {
        project
            .room
            .done(&format!("receipt verify receipts/{name}"));
    }
}

#[test]
fn a_host_that_is_killed_leaves_whole_files_and_the_next_the_rest() {
    let mut project = Project::new();
    let orders: u32 = 40;
    for number in 1..=orders {
        project.complete(Some(&format!("s{number}")));
    }
    let mut cut_short = 0;
    for wanted in [1, 7, 19] {
        project.host();
        project.wait_for(wanted);
        project.kill();
        let files = project.files();
        cut_short += u32::from(files.len() < orders as usize);
        for file in &files {
            let text = fs::read_to_string(file).unwrap();
            let read: Result<Value, _> = serde_json::from_str(&text);
            assert!(read.is_ok(), "{} is torn", file.display());
        }
    }
    assert!(cut_short > 0, "no host was killed at work");
    project.host();
    project.wait_for(orders as usize);
    let numbers: BTreeSet<u64> = project
        .files()
        .iter()
        .map(|file| {
            project
                .room
                .done(&format!("receipt verify {}", file.display()));
            let text = fs::read_to_string(file).unwrap();
            let file: Value = serde_json::from_str(&text).unwrap();
            file["receipt"]["number"].as_u64().unwrap()
        })
        .collect();
    assert_eq!(numbers, (1..=u64::from(orders)).collect());
    assert_eq!(project.files().len(), orders as usize, "each once");
}
