//! Beads files, from the line to the order.

#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::PathBuf,
};

use super::{BrokenFile, Imported, Mapping, ReadFile, Source, render_report};
use crate::domain::{
    decide::import::{MAX_ITEMS, harness::Desk},
    import_report::NoteKind,
    order::{Bucket, Kind, Outcome, Status},
    time::{DAY, Timestamp},
};

/// In 2026, after everything in the real file.
const NOW: Timestamp = Timestamp(20_600 * DAY);

fn read(text: &str) -> Result<ReadFile, BrokenFile> {
    read_beads(text.as_bytes(), &Mapping::default(), false, &mut |_| {})
}

fn read_beads(
    mut reader: impl BufRead,
    mapping: &Mapping,
    skip_invalid: bool,
    progress: &mut dyn FnMut(u64),
) -> Result<ReadFile, BrokenFile> {
    let beads = Source::named("beads").unwrap();
    let mut options = beads.options();
    options.mapping = mapping.clone();
    options.skip_invalid = skip_invalid;
    beads.read(&mut reader, &options, progress)
}

fn line(id: &str, fields: &str) -> String {
    let comma = if fields.is_empty() { "" } else { "," };
    format!(
        r#"{{"id":"{id}","title":"t","created_at":"2025-01-02T03:04:05-08:00"{comma}{fields}}}"#
    )
}

#[test]
fn words_are_mapped_and_those_without_counterpart_are_kept_as_labels() {
    let rows = [
        (r#""issue_type":"bug""#, Kind::Bug, Bucket::Reliability, ""),
        (
            r#""issue_type":"feature""#,
            Kind::Story,
            Bucket::Features,
            "",
        ),
        (r#""issue_type":"epic""#, Kind::Epic, Bucket::Features, ""),
        (
            r#""issue_type":"chore""#,
            Kind::Chore,
            Bucket::TechnicalDebt,
            "",
        ),
        (r#""issue_type":null"#, Kind::Task, Bucket::Features, ""),
        (
            r#""issue_type":"merge-request","status":"hooked""#,
            Kind::Task,
            Bucket::Features,
            "beads:hooked beads:merge-request",
        ),
        (
            r#""issue_type":"bug","status":"in_progress","labels":["tech-debt","a,b","security"]"#,
            Kind::Bug,
            Bucket::Security,
            "a;b beads:in_progress security tech-debt",
        ),
    ];
    for (fields, kind, bucket, labels) in rows {
        let item = read(&line("a", fields)).unwrap().items.remove(0);
        assert_eq!(
            (item.item.kind, item.item.bucket),
            (kind, bucket),
            "{fields}"
        );
        assert_eq!(item.item.labels.join(" "), labels);
        assert_eq!(item.outcome, None);
    }
    for (theirs, ours) in [(0, 10), (1, 8), (2, 6), (3, 4), (4, 2)] {
        let item = read(&line("a", &format!(r#""priority":{theirs}"#))).unwrap();
        assert_eq!(item.items[0].item.priority.get(), ours);
    }
}

#[test]
fn a_user_overrides_the_table_and_hears_where_it_is_wrong() {
    let toml = "[kind]\nmerge-request = \"chore\"\n[bucket]\nbug = \"cost\"\n[bucket.label]\ngdpr = \"compliance\"\n";
    let mapping = Mapping::from_toml(toml).unwrap();
    let text = [
        line("a", r#""issue_type":"merge-request""#),
        line("b", r#""issue_type":"bug""#),
        line("c", r#""issue_type":"bug","labels":["gdpr"]"#),
    ]
    .join("\n");
    let file = read_beads(text.as_bytes(), &mapping, false, &mut |_| {}).unwrap();
    let items = file
        .items
        .iter()
        .map(|i| (i.item.kind, i.item.bucket, i.item.labels.len()));
    assert_eq!(
        items.collect::<Vec<_>>(),
        [
            (Kind::Chore, Bucket::Features, 0),
            (Kind::Bug, Bucket::Cost, 0),
            (Kind::Bug, Bucket::Compliance, 1)
        ]
    );
    for (toml, place) in [
        ("[kind]\nfeature = \"stori\"\n", (2, 11)),
        ("[bucket]\nbug = 7\n", (2, 7)),
        ("[bucket.label]\nx = \"fast\"\n", (2, 5)),
        ("[kinds]\n", (1, 2)),
        ("[kind\n", (1, 6)),
    ] {
        let bad = Mapping::from_toml(toml).unwrap_err();
        assert_eq!((bad.line, bad.column), place, "{bad}");
    }
}

#[test]
fn nothing_is_forgotten_and_nothing_hostile_comes_in() {
    let fields = r#""description":"first\u001b[31m red\u202e","design":"draw it","acceptance_criteria":"it works",
        "notes":"mind\tthe gap","status":"closed","closed_at":"2025-01-03T00:00:00Z","close_reason":"done","owner":"o@x",
        "external_ref":"gh-7","estimated_minutes":90,"await_id":"run","timeout":5,"ephemeral":false,"sender":"",
        "assignee":" ann ","comments":[{"author":"bob","text":"hi\u0007","created_at":"2025-01-04T00:00:00+01:00"}],
        "dependencies":[{"depends_on_id":"p","type":"parent-child"},{"depends_on_id":"q","type":"parent-child"},
        {"depends_on_id":"b","type":"blocks"},{"depends_on_id":"d","type":"discovered-from"}]"#;
    let file = read(&line("a", &fields.replace('\n', " "))).unwrap();
    let item = &file.items[0];
    assert_eq!(
        item.item.description.as_deref().unwrap(),
        "first red\n\n## Design\n\ndraw it\n\n## Acceptance criteria\n\nit works\n\n\
         ## Notes\n\nmind    the gap\n\n## Close reason\n\ndone\n\n\
         ## In beads\n\n- owner: o@x\n- await_id: run\n- timeout: 5"
    );
    let links: Vec<_> = item
        .item
        .links
        .iter()
        .map(|l| format!("{} {}", l.kind, l.target))
        .collect();
    assert_eq!(
        links,
        ["discovered-from d", "external-ref gh-7", "parent q"]
    );
    assert_eq!(
        (item.parent.as_deref(), &item.depends_on[..]),
        (Some("p"), &["b".to_owned()][..])
    );
    assert_eq!(
        (item.item.assignee.as_deref(), item.item.estimate),
        (Some("ann"), Some(90))
    );
    assert_eq!(item.comments[0].2, "hi");
    let (outcome, at) = item.outcome.as_ref().unwrap();
    assert!(matches!(outcome, Outcome::Completed { receipt: None, .. }));
    assert_eq!(at.to_string(), "2025-01-03T00:00:00Z");
    assert_eq!(item.item.created.to_string(), "2025-01-02T11:04:05Z");
    // What the reader makes of it, the rules accept.
    Desk::new(NOW).import(&file.items).unwrap();
}

#[test]
fn whatever_is_too_much_is_cut_or_moved_and_the_rules_accept_it() {
    let labels: Vec<_> = (0..40).map(|n| format!("\"l{n:02}\"")).collect();
    let links: Vec<_> = (0..250)
        .map(|n| format!(r#"{{"depends_on_id":"x{n}","type":"related"}}"#))
        .collect();
    let fields = format!(
        r#""title":"{}","description":"{}","labels":[{},"{}"],"dependencies":[{}],"estimated_minutes":99999999999,
        "comments":[{{"author":"{}","text":"{}","created_at":"2025-01-04T00:00:00Z"}}]"#,
        "é".repeat(400),
        "ü".repeat(40_000),
        labels.join(","),
        "w".repeat(200),
        links.join(","),
        "b".repeat(100),
        "ö".repeat(40_000),
    );
    let text = fields.replace('\n', " ");
    let file = read(&line("a", &text)).unwrap();
    let item = &file.items[0].item;
    assert_eq!(
        (
            item.title.chars().count(),
            item.labels.len(),
            item.links.len()
        ),
        (300, 32, 200)
    );
    assert!(item.description.as_ref().unwrap().len() <= 64 * 1024);
    assert!(file.notes.iter().all(|note| note.kind == NoteKind::Cut));
    assert_eq!(file.notes.len(), 7);
    Desk::new(NOW).import(&file.items).unwrap();
}

#[test]
fn a_broken_line_fails_the_file_with_its_place_unless_it_may_be_left_out() {
    let text = [
        line("a", ""),
        "{\"id\":\"b\",".into(),
        String::new(),
        line("c", r#""priority":9"#),
        line("d", r#""closed_at":"yesterday""#),
        r#"{"id":"e","created_at":"2025-01-01T00:00:00Z"}"#.into(),
        "[]".into(),
        line("", ""),
        line("g", r#""labels":[1]"#),
    ]
    .join("\n");
    let broken = read(&text).unwrap_err();
    let places: Vec<_> = broken
        .problems
        .iter()
        .map(|p| (p.line, p.column > 0))
        .collect();
    assert_eq!(
        places,
        [
            (2, true),
            (4, false),
            (5, true),
            (6, false),
            (7, false),
            (8, false),
            (9, true)
        ]
    );
    assert_eq!(
        broken.problems[0].to_string(),
        "line 2, column 10: EOF while parsing a value"
    );
    assert!(
        broken.problems[2]
            .why
            .starts_with("'yesterday' is not a date"),
        "{broken}"
    );
    let file = read_beads(text.as_bytes(), &Mapping::default(), true, &mut |_| {}).unwrap();
    assert_eq!(
        (file.items.len(), file.invalid.len(), file.lines),
        (1, 7, 8)
    );

    let many = "x\n".repeat(50);
    let broken = read(&many).unwrap_err();
    assert_eq!((broken.problems.len(), broken.total), (20, 50));
    assert!(broken.to_string().contains("and 30 more"), "{broken}");

    let mut bytes = line("a", "").into_bytes();
    bytes.extend(b"\n\xff\n");
    let broken = read_beads(&bytes[..], &Mapping::default(), false, &mut |_| {}).unwrap_err();
    assert_eq!(
        broken.problems[0].to_string(),
        "line 2, column 1: it is not UTF-8"
    );
}

#[test]
fn the_last_line_of_an_id_counts_and_tombstones_are_counted() {
    let tomb = |id: &str| format!(r#"{{"id":"{id}","status":"tombstone","title":""}}"#);
    let text = [
        "\u{feff}".to_owned() + &line("a", r#""priority":0"#),
        tomb("b"),
        line("c", ""),
        line("a", r#""priority":4"#),
        tomb("c"),
        line("b", ""),
        line("d", r#""deleted_at":"2025-01-01T00:00:00Z""#),
    ]
    .join("\r\n");
    let mut bytes = 0;
    let file = read_beads(text.as_bytes(), &Mapping::default(), false, &mut |b| {
        bytes = b
    })
    .unwrap();
    assert_eq!(bytes, text.len() as u64);
    let ids: Vec<_> = file
        .items
        .iter()
        .map(|i| (i.external.as_str(), i.item.priority.get()))
        .collect();
    assert_eq!(ids, [("a", 2), ("b", 6)]);
    assert_eq!((file.tombstones, file.lines), (3, 7));
    let said: Vec<_> = file
        .notes
        .iter()
        .map(|n| (n.external.as_str(), n.text.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            ("a", "line 1, and again line 4"),
            ("c", "line 3, and again line 5"),
            ("b", "line 2, and again line 6")
        ]
    );
}

#[test]
fn the_digest_is_of_what_a_line_means() {
    let digest = |text: &str| read(text).unwrap().items[0].digest;
    let plain = digest(&line("a", r#""labels":["x","y"]"#));
    assert_eq!(
        plain,
        digest(&line(
            "a",
            r#""updated_at":"2025-05-05T00:00:00Z","labels":["y","x"]"#
        ))
    );
    assert_ne!(plain, digest(&line("a", r#""labels":["x"]"#)));
    assert_ne!(
        plain,
        digest(&line("a", r#""labels":["x","y"],"status":"closed""#))
    );
    // Frozen: another one would make every item of every ledger look changed.
    assert_eq!(format!("{plain:016x}"), "cd7cb22b7d1cf2c7");
}

#[test]
fn a_file_of_too_many_items_is_not_read_to_its_end() {
    let mut text = String::new();
    for n in 0..=MAX_ITEMS {
        text.push_str(&line(&format!("n{n}"), ""));
        text.push('\n');
    }
    text.push_str("never reached");
    let broken = read(&text).unwrap_err();
    assert_eq!(broken.problems[0].line, MAX_ITEMS as u64 + 1);
}

#[test]
fn the_report_says_everything_in_text_and_json() {
    let text = [
        line("a", r#""status":"closed","closed_at":"2024-01-01T00:00:00Z""#),
        line("b", r#""issue_type":"bug","dependencies":[{"depends_on_id":"b","type":"blocks"},{"depends_on_id":"z","type":"blocks"}]"#),
        line("b2", r#""status":"closed","closed_at":"2024-01-01T00:00:00Z""#),
        "broken".into(),
    ]
    .join("\n");
    let file = read_beads(text.as_bytes(), &Mapping::default(), true, &mut |_| {}).unwrap();
    let (_, report) = Desk::new(NOW).import(&file.items).unwrap();
    let imported = Imported::new(&file, report);
    insta::assert_snapshot!(render_report(&imported, 72), @r"
    broken lines, left out: 1
      line 4: no JSON: a beads file has one JSON object a line
    edges refused: they would close a cycle: 1
      b: waits for b: b after b
    edges to items that are not here, kept as links: 1
      b: waits for z
    closed before created, lead time counted as zero: 2
      a, b2
    by status: queued 1, completed 2
    by kind:   task 2, bug 1
    by bucket: reliability 1, features 2
    beads: 3 items from 4 lines (0 deleted there, 1 broken and left out)
    3 added, 0 updated, 0 unchanged
    ");
    let expected = serde_json::json!({
        "lines": 4, "tombstones": 0,
        "invalid": [{"line": 4, "column": 0, "why": "no JSON: a beads file has one JSON object a line"}],
        "source": "beads", "items": 3, "added": 3, "updated": 0, "unchanged": 0,
        "by_status": {"queued": 1, "completed": 2},
        "by_kind": {"task": 2, "bug": 1},
        "by_bucket": {"reliability": 1, "features": 2},
        "notes": [
            {"kind": "zero_lead", "external": "a"},
            {"kind": "zero_lead", "external": "b2"},
            {"kind": "cycle", "external": "b", "text": "waits for b: b after b"},
            {"kind": "unknown_target", "external": "b", "text": "waits for z"}
        ]
    });
    assert_eq!(serde_json::to_value(&imported).unwrap(), expected);
}

/// Returns the real file, where it is: the README names its place beside the checkout.
fn real() -> Option<BufReader<File>> {
    let path = std::env::var_os("OBEYA_BEADS_FILE")
        .map_or_else(|| "../shared/data/beads-issues.jsonl".into(), PathBuf::from);
    match File::open(&path) {
        Ok(file) => Some(BufReader::new(file)),
        Err(error) => {
            eprintln!("skipped: {} ({error})", path.display());
            None
        }
    }
}

#[test]
fn the_backlog_of_a_real_project_comes_in_whole() {
    let Some(reader) = real() else { return };
    let file = read_beads(reader, &Mapping::default(), false, &mut |_| {}).unwrap();
    assert_eq!(
        (file.lines, file.tombstones, file.items.len()),
        (5_722, 3_319, 2_403)
    );
    assert_eq!(file.notes, []);
    let mut desk = Desk::new(NOW);
    let (_, report) = desk.import(&file.items).unwrap();
    assert_eq!(
        (report.added, report.updated, report.unchanged),
        (2_403, 0, 0)
    );
    assert_eq!(report.by_status[&Status::Queued], 144);
    assert_eq!(report.by_status[&Status::Completed], 2_259);
    assert_eq!((desk.state.open_count(), desk.archive.len()), (144, 2_259));
    let of = |kind: NoteKind| report.notes.iter().filter(|note| note.kind == kind).count();
    assert_eq!(of(NoteKind::ZeroLead), 672);
    assert_eq!(of(NoteKind::SecondParent), 4);
    assert_eq!(of(NoteKind::UnknownTarget), 19);
    assert_eq!(of(NoteKind::ClosedParent), 6);
    assert_eq!(of(NoteKind::Cycle), 0);
    let hooked = |order: &&_| {
        let order: &&std::sync::Arc<crate::domain::order::Order> = order;
        order.labels.iter().any(|label| label == "beads:hooked")
    };
    assert_eq!(desk.state.orders().filter(hooked).count(), 13);
    let completed = desk.state.days().map(|(_, day)| {
        let rows = day.0.iter();
        rows.map(|row| u64::from(row.completed)).sum::<u64>()
    });
    assert_eq!(completed.sum::<u64>(), 2_259);
    assert!(
        desk.records
            .iter()
            .all(|record| record.body.len() < 64 * 1024)
    );
    desk.check_replay();
    let (again, report) = desk.import(&file.items).unwrap();
    assert_eq!((again.len(), report.unchanged), (0, 2_403));
}
