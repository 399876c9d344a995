//! What the console heard, replayed: the same screen at the end.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf, sync::Arc};

use obeya::{
    config::{ColorDepth, GlyphSet},
    domain::{
        command::{Command, NewOrder},
        event::Event,
        order::Actor,
        state::State,
        time::MINUTE,
    },
    term::{Keeper, RECORDINGS, guard},
    ui::{
        msg::Msg,
        recorder::{KEPT, MOST_BYTES, MOST_LINE, MOST_ORDERS, Recorder},
        recording::{Dress, Replay, shown},
    },
};

use crate::{
    cli::Room,
    support::{console::Console, pty::Start, sample, world::World},
};

/// The variable that writes the committed recording anew.
const BLESS: &str = "OBEYA_BLESS";

/// A session by which a change of the console that nobody meant is seen.
const COMMITTED: &str = "tests/recordings/board.jsonl";

fn dress() -> Dress {
    Dress {
        keymap: "vim".into(),
        depth: ColorDepth::True,
        glyphs: GlyphSet::Unicode,
    }
}

/// Returns a console that is recorded from its first message on.
fn recorded(world: World) -> Console {
    let mut console = Console::new(World::new(), (120, 40));
    console.recorder = Some(Recorder::new(dress()));
    console.world = world;
    console.publish();
    console
}

/// Drives through views, dialogs and acts.
fn drive(console: &mut Console) {
    console.keys("2jjl<enter>j<esc>");
    console.keys("6jj2/bucket:features<enter>");
    console
        .keys("<esc><esc>")
        .keys("oWritten while recorded<ctrl-s>");
    console.keys("6452");
    console.world.now.0 += MINUTE;
    let now = console.world.now;
    console.tell(Msg::Tick(now));
    console.keys("2[[jj]").keys("[0");
    console.keys("7").keys(":view kanban<enter>").keys("jj?");
}

fn text(console: &mut Console) -> String {
    let recorder = console.recorder.as_mut().unwrap();
    recorder.shows(&console.model);
    String::from_utf8(recorder.text()).unwrap()
}

#[test]
fn a_recording_replays_to_the_same_screen() {
    let mut console = recorded(sample::line());
    drive(&mut console);
    let text = text(&mut console);
    let replay = Replay::of(&text).unwrap();
    let mut again = Console::new(World::new(), (120, 40));
    again.model = replay.model;
    assert_eq!(again.screen(), console.screen());
    assert_eq!(replay.agrees, Some(true));
    assert_eq!(shown(&again.model), shown(&console.model));
    // It would not agree about anything: without the last key the screen is another one.
    let lines: Vec<_> = text.lines().collect();
    let key = lines
        .iter()
        .rposition(|line| line.contains("\"key\""))
        .unwrap();
    let without: Vec<_> = [&lines[..key], &lines[key + 1..]].concat();
    assert_eq!(Replay::of(&without.join("\n")).unwrap().agrees, Some(false));
}

#[test]
fn the_committed_recording_replays() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(COMMITTED);
    if std::env::var_os(BLESS).is_some() {
        let mut console = recorded(sample::line());
        drive(&mut console);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text(&mut console)).unwrap();
    }
    let replay = Replay::of(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(
        replay.agrees,
        Some(true),
        "the console shows something else than when {COMMITTED} was made; if that is meant, run with {BLESS}=1"
    );
}

#[test]
fn the_last_ten_thousand_are_kept_and_no_more_than_a_bound() {
    let mut console = recorded(sample::line());
    console.keys("2");
    for _ in 0..KEPT {
        console.keys("jk");
    }
    let text = text(&mut console);
    let keys = text
        .lines()
        .filter(|line| line.starts_with("{\"key\""))
        .count();
    assert!((KEPT..=KEPT + 2_000).contains(&keys), "{keys}");
    let replay = Replay::of(&text).unwrap();
    let mut again = Console::new(World::new(), (120, 40));
    again.model = replay.model;
    assert_eq!(again.screen(), console.screen());
    assert_eq!(replay.agrees, Some(true));
    for _ in 0..40 {
        console.tell(Msg::Paste("x".repeat(MOST_BYTES / 16)));
    }
    let bytes = self::text(&mut console).len();
    assert!(bytes <= MOST_BYTES + MOST_BYTES / 4, "{bytes}");
}

#[test]
fn one_long_message_drives_nothing_out() {
    let mut console = recorded(sample::line());
    console.keys("2jj");
    console.tell(Msg::Paste("x".repeat(MOST_LINE - 1_000)));
    console.tell(Msg::Paste("x".repeat(MOST_BYTES)));
    console.keys("k");
    let text = text(&mut console);
    assert!(text.len() < MOST_LINE * 2, "{}", text.len());
    let count = |what: &str| text.lines().filter(|line| line.starts_with(what)).count();
    assert_eq!((count("{\"key\""), count("{\"paste\"")), (4, 1));
    assert_eq!(Replay::of(&text).unwrap().agrees, Some(true));
}

#[test]
fn a_recording_that_begins_in_the_past_replays() {
    let mut console = recorded(sample::line());
    console.keys("2[[");
    let newest = console.model.state.head.seq;
    assert!(console.model.travel.present.is_some());
    for _ in 0..KEPT {
        console.keys("jk");
    }
    console.keys("[j");
    assert!(console.model.state.head.seq < newest);
    assert_eq!(agreed(&mut console), Some(true));
    // And back in the present.
    console.keys("<esc>0jj");
    assert_eq!(agreed(&mut console), Some(true));
}

/// Returns whether the console shows what a replay of it does; the beginning was dropped.
fn agreed(console: &mut Console) -> Option<bool> {
    let text = text(console);
    assert!(!text.lines().any(|line| line.contains("\"key\":\"2\"")));
    Replay::of(&text).unwrap().agrees
}

#[test]
fn whole_states_wait_to_be_written_and_are_bounded() {
    let mut console = recorded(sample::line());
    console.keys("2");
    let past = Arc::new(console.world.state.clone());
    let now = console.world.now;
    let heard = Msg::Arrived {
        ticket: 0,
        stands: Ok((Arc::clone(&past), now)),
    };
    console.tell(heard.clone());
    // Not even looked at: who holds it can still write it.
    assert_eq!(Arc::strong_count(&past), 3);
    for _ in 0..1_500 {
        console.tell(heard.clone());
    }
    console.keys("[jj");
    let text = text(&mut console);
    let arrived: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("{\"arrived\""))
        .collect();
    let kept = arrived.iter().filter(|line| !line.contains("[\"\","));
    let kept = kept.count();
    assert!(arrived.len() > 1_500, "{}", arrived.len());
    assert!(!arrived.last().unwrap().contains("[\"\","));
    // Each counts for a hundred orders, however few it has.
    assert!((1..=MOST_ORDERS / 100).contains(&kept), "{kept}");
    assert_eq!(Replay::of(&text).unwrap().agrees, Some(true));
}

#[test]
fn another_ledger_is_not_taken_for_the_same() {
    let mut console = recorded(World::new());
    let mut other = World::default();
    other.now = console.world.now;
    let uuid = uuid::Uuid::from_u128(8);
    let incarnation = 2;
    other.tell(&Actor::system(), Event::LedgerCreated { uuid, incarnation });
    // Its second record comes after what is known, by its number.
    assert_eq!(other.state.head.seq, console.world.state.head.seq);
    let order = NewOrder::task("Of the other ledger");
    other.order(&Actor::person("ada"), Command::CreateOrder { order });
    console.tell(Msg::Changed {
        state: Arc::new(other.state.clone()),
        records: other.records.clone(),
        now: other.now,
    });
    let text = text(&mut console);
    let replayed: State = Replay::of(&text)
        .unwrap()
        .model
        .present_state()
        .as_ref()
        .clone();
    assert_eq!(replayed.head, other.state.head);
    assert_eq!(replayed.uuid, other.state.uuid);
}

#[test]
fn only_the_newest_recordings_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("recording-mine.jsonl"), "").unwrap();
    fs::write(folder.path().join("1.log"), "").unwrap();
    let keeper = Keeper::new(dress(), folder.path().to_owned());
    let made: Vec<_> = (0..RECORDINGS + 3)
        .map(|_| keeper.write().unwrap())
        .collect();
    assert!(made[..3].iter().all(|file| !file.exists()));
    assert!(made[3..].iter().all(|file| file.exists()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), RECORDINGS + 2);
}

#[test]
fn what_is_no_recording_is_refused() {
    let mut console = recorded(sample::line());
    console.keys("2");
    let text = text(&mut console);
    for (wrong, why) in [
        (String::new(), "line 1"),
        (
            text.replacen("\"format\":1", "\"format\":2", 1),
            "format 2 is not 1",
        ),
        (format!("{text}{{\"key\":\"no such key\"}}"), "is no key"),
        (format!("{text}{{\"key\""), "EOF"),
    ] {
        let said = Replay::of(&wrong).err().unwrap();
        assert!(said.contains(why), "{said}");
    }
}

/// Returns the recordings beside a ledger's logs.
fn files(room: &Room) -> Vec<PathBuf> {
    let entries = fs::read_dir(room.path().join(".obeya/logs"));
    let entries = entries
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path());
    let recording = |path: &PathBuf| path.extension().is_some_and(|end| end == "jsonl");
    entries.filter(recording).collect()
}

#[test]
fn a_console_writes_its_recording_when_asked() {
    let room = Room::new();
    room.done("work-order create --title \"The first\"");
    room.done("work-order create --title \"The second\"");
    let mut pty = Start::console(room.path()).go();
    pty.shows("Orders by status").shows("● host").settle();
    pty.keys("2").shows("The second").keys("j<enter>").settle();
    pty.keys(":record<enter>").shows("recorded in").settle();
    assert_eq!(pty.keys("q").end(), Ok(0));
    let [file] = files(&room).try_into().unwrap();
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let replay = Replay::of(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(replay.agrees, Some(true));
}

/// The variable with which the test below runs the one after it in a terminal of its own.
const PANIC: &str = "OBEYA_TEST_PANIC_RECORDED";

#[test]
fn a_panic_leaves_a_recording() {
    let room = Room::new();
    let program = std::env::current_exe().unwrap();
    let mut pty = Start::program(program.to_str().unwrap(), room.path())
        .argument("--exact")
        .argument("recording::panics_while_it_is_recorded")
        .argument("--nocapture")
        .set(PANIC, "1")
        .go();
    assert_eq!(pty.end(), Ok(101));
    let [file] = files(&room).try_into().unwrap();
    let text = pty.text();
    assert!(text.contains("on purpose"), "{text}");
    assert!(text.replace('\n', "").contains("recording-"), "{text}");
    let replay = Replay::of(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(replay.model.size, (100, 30));
}

/// Not a test of its own: panics after it heard something, if it was asked to.
#[test]
fn panics_while_it_is_recorded() {
    if std::env::var_os(PANIC).is_none() {
        return;
    }
    guard::install_hooks(ColorDepth::None).unwrap();
    let folder = std::env::current_dir().unwrap().join(".obeya/logs");
    let keeper = Keeper::new(dress(), folder);
    let kept = keeper.clone();
    guard::at_a_panic(move || kept.last_words());
    let console = Console::new(World::new(), (120, 40));
    keeper.with(|recorder| recorder.hears(&console.model, &Msg::Resize(100, 30)));
    panic!("on purpose");
}
