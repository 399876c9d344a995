//! Whatever is done to a file, reading it ends with items or with a place, and never with a panic.

use super::{MAX_PROBLEMS, SOURCES, Source};
use crate::domain::{
    decide::import::harness::Desk,
    time::{DAY, Timestamp},
};

const GITHUB: &str = include_str!("../../../tests/it/cli/files/github.json");
const TASKS: &str = include_str!("../../../tests/it/cli/files/taskwarrior.json");
const TABLE: &str = include_str!("../../../tests/it/cli/files/table.csv");
const BEADS: &str = "{\"id\":\"a\",\"title\":\"t\",\"created_at\":\"2025-01-02T03:04:05Z\"}\n";
const EXPORT: &str = "{\"buckets\":[{\"bucket\":\"cost\"}],\n\"work_orders\":[{\"id\":\"WO-001\",\"title\":\"t\",\
    \"kind\":\"task\",\"status\":\"queued\",\"bucket\":\"cost\",\"priority\":5,\"labels\":[],\"created_at\":\"2026-01-01T00:00:00Z\",\
    \"changed_at\":\"2026-01-01T00:00:00Z\",\"sla\":\"ok\",\"age_seconds\":1,\"blocked\":false,\"held_by\":[],\"ready\":true,\
    \"waits_for\":[],\"blocks\":[],\"comments\":0,\"corrective_for\":[],\"signal\":{\"kind\":\"cli\",\"source\":null},\
    \"depends_on\":[],\"dependents\":[],\"child_orders\":[],\"links\":[],\"latest_comments\":[],\"timeline\":[],\"why\":[]}]}\n";

fn sample(source: &Source) -> &'static str {
    match source.name {
        "github" => GITHUB,
        "taskwarrior" => TASKS,
        "csv" => TABLE,
        "json" => EXPORT,
        _ => BEADS,
    }
}

/// Reads bytes; what comes of them the rules must accept, or refuse as data.
fn read(source: &Source, bytes: &[u8], skip_invalid: bool) -> usize {
    let mut options = source.options();
    options.skip_invalid = skip_invalid;
    match source.read(&mut &*bytes, &options, &mut |_| {}) {
        Ok(file) => {
            let mut desk = Desk::new(Timestamp(20_600 * DAY));
            let _ = desk.import(&file.items);
            file.items.len()
        }
        Err(broken) => {
            assert!(broken.problems.len() <= MAX_PROBLEMS && broken.total > 0);
            assert!(
                broken.problems.iter().all(|problem| problem.line > 0),
                "{broken}"
            );
            0
        }
    }
}

#[test]
fn a_file_cut_anywhere_or_with_any_byte_changed_is_read_to_an_end() {
    for source in SOURCES {
        let whole = sample(source).as_bytes();
        assert!(read(source, whole, false) > 0, "{}", source.name);
        let step = whole.len().div_ceil(400).max(1);
        for at in (0..whole.len()).step_by(step) {
            read(source, &whole[..at], false);
            for byte in [0, b'"', b'{', b']', b',', b'\\', b'\n', 0x80, 0xff] {
                let mut torn = whole.to_vec();
                torn[at] = byte;
                read(source, &torn, at % 2 == 0);
            }
        }
    }
}

#[test]
fn every_source_cleans_what_is_hostile() {
    let hostile = "\\u001b]0;owned\\u0007red\\u202e";
    for source in SOURCES {
        let text = match source.name {
            "csv" => "id,title,description,labels,assignee,other\n\u{1b}[2J1,\u{202e}t\u{7},\u{1b}[31md,\u{9b}l,a\u{200b},\u{1b}x\n".to_owned(),
            "beads" => BEADS.replace("\"t\"", &format!("\"{hostile}\"")),
            "json" => EXPORT.replace("\"t\"", &format!("\"{hostile}\"")),
            "github" => GITHUB.replace("Search by order number", hostile),
            _ => TASKS.replace("Buy milk", hostile),
        };
        // The rules refuse an item with anything in it that could drive a terminal.
        let mut options = source.options();
        options.skip_invalid = false;
        let file = source.read(&mut text.as_bytes(), &options, &mut |_| {});
        let Ok(file) = file else {
            panic!("{}: {file:?}", source.name)
        };
        let mut desk = Desk::new(Timestamp(20_600 * DAY));
        let imported = desk.import(&file.items);
        assert!(imported.is_ok(), "{}: {:?}", source.name, imported.err());
    }
}
