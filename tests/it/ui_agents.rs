//! What the agents view says of agents that a host runs, and the pane with what they write.

use obeya::{
    config::{ColorDepth, GlyphSet},
    domain::{
        command::Role,
        query::life::{Life, LifeSource, LifeState},
        time::{SECOND, Timestamp},
    },
    ui::{
        effect::Effect,
        line::LineSeen,
        log::{Part, RunSeen, Sight, Wish},
        msg::Msg,
        runs::Stand,
        update::{perform, settle},
    },
};

use super::support::{
    console::{Console, lacks, shows},
    sample,
};

const AGENT: &str = "rust-dev";

fn life(state: LifeState, source: LifeSource, now: Timestamp) -> Life {
    Life {
        state,
        source,
        since: now.plus(-180 * SECOND).into(),
        note: None,
        until: None,
        wanted: 2,
        crashes: 3,
        runs: vec![],
    }
}

fn run(name: &str, now: Timestamp, end: Option<&str>) -> RunSeen {
    RunSeen {
        run: name.into(),
        order: None,
        began: now,
        end: end.map(str::to_owned),
    }
}

/// Returns a console in the agents view, whose agent wrote so many lines in each of two runs.
fn console(lines: usize, size: (u16, u16)) -> Console {
    let mut world = sample::line();
    let now = world.now;
    let state = life(LifeState::Busy, LifeSource::Process, now);
    world.lives.insert(AGENT.into(), state);
    let text = |run: &str| -> Vec<u8> {
        let lines = (0..lines).map(|n| format!("{run} line {n}\n"));
        lines.collect::<String>().into_bytes()
    };
    let mut console = Console::new(world, size);
    console.written = vec![
        (AGENT.into(), run("b", now, None), text("second")),
        (AGENT.into(), run("a", now, Some("exit 1")), text("first")),
    ];
    console.keys("5");
    console.model.agents.selected = Some(AGENT.into());
    console.tell(Msg::Tick(now));
    console
}

fn wished(console: &mut Console) -> Vec<Option<Box<Wish>>> {
    let wishes = std::mem::take(&mut console.wishes).into_iter();
    wishes
        .filter_map(|wish| match wish {
            Effect::Watch(wish) => Some(wish),
            _ => None,
        })
        .collect()
}

#[test]
fn a_hosts_word_on_an_agent_is_shown_with_where_it_comes_from() {
    let mut world = sample::line();
    let life = Life {
        note: Some("which key?".into()),
        ..life(LifeState::Waiting, LifeSource::Protocol, world.now)
    };
    let before = Console::new(world.clone(), (120, 30)).keys("5").screen();
    world.lives.insert(AGENT.into(), life);
    let after = Console::new(world, (120, 30)).keys("5").screen();
    let row = |screen: &str| {
        let lines = screen.lines().filter(|line| line.contains(AGENT));
        lines.map(str::to_owned).collect::<Vec<_>>().join("\n")
    };
    assert!(row(&before).contains("working"), "{before}");
    let shown = row(&after);
    assert!(!shown.contains("working"), "{after}");
    assert!(
        shown.contains("waiting") && shown.contains("which key?"),
        "{after}"
    );
}

#[test]
fn what_is_known_of_an_agent_is_said_on_a_narrow_screen_too() {
    let console = console(3, (80, 24));
    shows(&console, "busy for 3m, by its process");
    shows(&console, "0 of 2 at once");
    shows(&console, "3 crashes count");
    shows(&console, "second line 2");
}

#[test]
fn the_end_is_followed_until_one_goes_up_and_again_at_the_end() {
    let mut console = console(500, (120, 40));
    shows(&console, "second line 499");
    shows(&console, "following");
    console.keys("<enter>");
    shows(&console, "second line 499");
    lacks(&console, "at work");
    console.keys("k");
    lacks(&console, "second line 499");
    shows(&console, "F follows");
    // More of it does not move what is read.
    let before = console.screen();
    let more = b"one more\n".to_vec();
    console.written[0].2.extend(more);
    let again = Sight {
        agent: AGENT.into(),
        ..console.model.runs.sight.as_deref().unwrap().clone()
    };
    console.tell(Msg::Runs(Box::new(again)));
    assert_eq!(console.screen(), before);
    for back in ["F", "kkkG", "k<end>", "kjj"] {
        console.keys(back);
        assert_eq!(console.model.runs.stand, Stand::Follow, "{back}");
    }
    console.keys("gg");
    shows(&console, "second line 0");
    console.keys("<esc>");
    shows(&console, "at work");
    // Beneath the list it is read along again.
    shows(&console, "second line 499");
}

#[test]
fn the_runs_are_gone_through_and_the_newest_is_followed_again() {
    let mut console = console(500, (120, 40));
    console.keys("h");
    shows(&console, "first line 499");
    shows(&console, "exit 1");
    console.keys("h");
    shows(&console, "first line 499");
    console.keys("l");
    shows(&console, "second line 499");
    // A new one takes the place of the newest, but not of one that is read.
    let now = console.world.now;
    let newer = (AGENT.to_owned(), run("c", now, None), b"third\n".to_vec());
    console.keys("<enter>k");
    console.written.insert(0, newer);
    console.keys("k");
    lacks(&console, "third");
    console.keys("F");
    shows(&console, "third");
}

#[test]
fn what_is_searched_for_is_counted_gone_to_and_taken_back() {
    let mut console = console(500, (120, 40));
    console.keys("/line 42");
    shows(&console, "in 11 lines");
    console.keys("<esc>");
    assert_eq!(console.model.runs.words, "");
    console.keys("/line 42<enter>");
    shows(&console, "11 of 11");
    shows(&console, "second line 429");
    console.keys("n");
    shows(&console, "1 of 11");
    shows(&console, "second line 42 ");
    console.keys("N");
    shows(&console, "11 of 11");
    console.keys("NN");
    shows(&console, "9 of 11");
    console.keys("/Line<enter>");
    shows(&console, "not found");
    console.keys("<esc>");
    lacks(&console, "not found");
    // In the list the key is still what it is everywhere.
    console.keys("<esc>");
    assert!(console.model.overlay.is_none());
}

#[test]
fn hostile_output_drives_nothing_and_a_long_line_is_cut_and_found() {
    let mut console = console(1, (80, 24));
    let mut bytes = b"\x1b[2J\x1b]0;pwned\x07red\x1b[31m alert\n\xff\xfe\xc3\x28 bytes\n".to_vec();
    bytes.extend(vec![b'x'; 1 << 20]);
    bytes.extend(b" needle \n");
    console.written[0].2 = bytes;
    console.keys("<enter>gg");
    console.keys("<esc>j");
    console.keys("k<enter>gg");
    shows(&console, "red alert");
    lacks(&console, "pwned");
    shows(&console, "bytes");
    console.keys("/needle<enter>");
    shows(&console, "needle");
    for size in [(1, 1), (20, 5), (40, 10), (200, 60)] {
        console.tell(Msg::Resize(size.0, size.1));
        console.screen();
    }
}

#[test]
fn only_what_is_on_screen_is_wished_for_and_never_more_than_once() {
    let mut world = sample::line();
    let state = life(LifeState::Idle, LifeSource::Process, world.now);
    world.lives.insert(AGENT.into(), state);
    let mut console = Console::new(world, (120, 40));
    assert_eq!(wished(&mut console), []);
    console.keys("5");
    let wish = wished(&mut console);
    let [Some(wish)] = wish.as_slice() else {
        panic!("{wish:?}")
    };
    assert_eq!((wish.part, wish.run.as_ref()), (Part::End, None));
    assert!(wish.rows > 10);
    console.tell(Msg::Tick(console.world.now));
    assert_eq!(wished(&mut console), []);
    console.keys("2");
    assert_eq!(wished(&mut console), [None]);
    // The past has none.
    console.keys("5");
    assert!(matches!(wished(&mut console).as_slice(), [Some(_)]));
    console.keys("[");
    assert_eq!(wished(&mut console), [None]);
    shows(&console, "the past has no logs");
}

#[test]
fn far_up_another_part_of_the_output_is_wished_for() {
    let mut console = console(10_000, (120, 40));
    console.written.clear();
    // Only the end is known now.
    let mut sight = console.model.runs.sight.as_deref().unwrap().clone();
    let cut = sight.window.lines.len() - 200;
    sight.window.lines.drain(..cut);
    sight.window.first = false;
    console.tell(Msg::Runs(Box::new(sight.clone())));
    console.keys("<enter>");
    console.wishes.clear();
    for _ in 0..5 {
        console.keys("<pageup>");
    }
    let wishes = wished(&mut console);
    let Some(Some(last)) = wishes.last() else {
        panic!("{wishes:?}")
    };
    let Part::Around(at) = last.part else {
        panic!("{last:?}")
    };
    assert!(at < sight.window.lines[100].at && at > 0);
    assert_eq!(last.run.as_deref(), Some("b"));
}

#[test]
fn agents_are_spawned_stopped_and_scaled_by_keys_and_a_stop_asks_first() {
    let mut console = console(1, (120, 40));
    let lines = |console: &mut Console| -> Vec<String> {
        let wishes = std::mem::take(&mut console.wishes).into_iter();
        let lines = wishes.filter_map(|wish| match wish {
            Effect::Run { line, .. } => Some(line),
            _ => None,
        });
        lines.collect()
    };
    console.keys("s");
    assert_eq!(lines(&mut console), ["agent spawn -- rust\\-dev"]);
    console.keys("x");
    assert_eq!(lines(&mut console), [""; 0]);
    shows(&console, "Stop rust-dev?");
    console.keys("<enter>n");
    assert_eq!(lines(&mut console), [""; 0]);
    console.keys("xy");
    assert_eq!(lines(&mut console), ["agent stop -- rust\\-dev"]);
    console.keys("c<backspace>900<enter>");
    shows(&console, "a whole number from 0 to 64");
    assert_eq!(lines(&mut console), [""; 0]);
    console.keys("<backspace><backspace><backspace>4<enter>");
    assert_eq!(lines(&mut console), ["agent scale -- rust\\-dev 4"]);
    // What the host refuses is said.
    console.tell(Msg::Printed {
        ticket: 1,
        output: Err("refused: there is no agent".into()),
    });
    shows(&console, "refused: there is no agent");
    let mut watching = Console::with(
        console.world,
        (120, 40),
        ColorDepth::None,
        GlyphSet::Ascii,
        Role::Viewer,
    );
    watching.keys("5s");
    shows(&watching, "this console only observes");
    assert_eq!(lines(&mut watching), [""; 0]);
}

#[test]
fn what_is_to_be_mended_is_said_in_every_view_and_goes_when_it_is() {
    let mut console = Console::new(sample::line(), (80, 24));
    let mistake = "obeya.toml:3:9: 'two words' is no name of an agent; use up to 40 letters";
    let seen = |problems: usize, untrusted| {
        let problems = vec![mistake.to_owned(); problems];
        Msg::Line(Box::new(LineSeen {
            problems,
            untrusted,
        }))
    };
    console.tell(seen(1, false));
    shows(&console, "✗ obeya.toml");
    console.keys("5");
    shows(
        &console,
        "obeya.toml:3:9: 'two words' is no name of an agent",
    );
    console.tell(seen(30, false));
    shows(&console, "more mistakes");
    console.tell(seen(0, true));
    shows(&console, "✗ untrusted");
    shows(&console, "obeya host");
    console.tell(seen(0, false));
    lacks(&console, "untrusted");
    lacks(&console, "obeya host");
}

#[test]
fn a_wall_takes_no_key_for_logs_and_wishes_for_none() {
    let mut world = sample::line();
    let state = life(LifeState::Idle, LifeSource::Process, world.now);
    world.lives.insert(AGENT.into(), state);
    let mut console = Console::new(world, (120, 40));
    console.keys("5");
    console.model.wall = Some(obeya::ui::wall::Wall::new(
        vec![obeya::ui::model::View::Agents],
        0,
    ));
    console.wishes.clear();
    console.keys("<enter>x/");
    settle(&mut console.model);
    assert!(console.model.overlay.is_none());
    assert!(wished(&mut console).iter().all(Option::is_none));
}

#[test]
fn its_order_is_opened_by_a_key() {
    let mut console = console(1, (120, 40));
    let order = console.model.selected_order().unwrap();
    perform(&mut console.model, "agents-order");
    console.tell(Msg::Tick(console.world.now));
    assert_eq!(
        console.model.detail.as_ref().map(|detail| detail.id),
        Some(order)
    );
}

#[test]
fn a_long_line_is_read_to_its_end_by_going_along_it() {
    let mut console = console(1, (80, 24));
    let line: Vec<String> = (0..100).map(|n| format!("word{n:03}")).collect();
    console.written[0].2 = format!("{}\nshort\n", line.join(" ")).into_bytes();
    console.keys("<enter>gg");
    shows(&console, "word000");
    lacks(&console, "word099");
    shows(&console, "L shows more of long lines");
    // Nothing is passed over on the way.
    let mut seen = String::new();
    for _ in 0..40 {
        seen += &console.screen();
        console.keys("L");
    }
    for word in &line {
        assert!(seen.contains(word.as_str()), "{word} was never seen");
    }
    shows(&console, "word099");
    shows(&console, "from column");
    // The end is the end, and the way back as long.
    let end = console.screen();
    assert_eq!(console.keys("L").screen(), end);
    console.keys("/word050<enter>");
    shows(&console, "word050");
    for _ in 0..40 {
        console.keys("H");
    }
    console.keys("<esc>");
    shows(&console, "word000 word001");
}

#[test]
fn wide_characters_and_what_is_found_are_whole_beyond_the_edge() {
    let mut console = console(1, (40, 12));
    console.written[0].2 = "漢字とかな".repeat(40).into_bytes();
    console.keys("<enter>gg");
    for _ in 0..30 {
        console.keys("L").screen();
    }
    shows(&console, "か な");
    console.tell(Msg::Resize(1, 1));
    console.keys("LH").screen();
}

#[test]
fn where_nothing_was_written_there_is_no_place_in_it() {
    let mut console = console(1, (80, 24));
    console.written[0].2.clear();
    console.keys("<enter>F");
    console.keys("gg");
    shows(&console, "it has written nothing yet");
    lacks(&console, "0 %");
}

#[test]
fn the_run_that_works_is_shown_before_a_later_one_that_ended() {
    let mut console = console(3, (120, 40));
    console.written[0].1.end = Some("exit 0".into());
    console.written[1].1.end = None;
    console.keys("<enter>kF");
    shows(&console, "first line 2");
    shows(&console, "running");
    console.keys("h");
    shows(&console, "second line 2");
}

#[test]
fn a_number_that_stands_there_gives_way_to_the_one_that_is_typed() {
    let mut console = console(1, (120, 40));
    console.keys("c5<enter>");
    let line = console.wishes.iter().find_map(|wish| match wish {
        Effect::Run { line, .. } => Some(line.clone()),
        _ => None,
    });
    assert_eq!(line.as_deref(), Some("agent scale -- rust\\-dev 5"));
    // Whoever first goes to its end goes on with it.
    console.wishes.clear();
    console.keys("c<end>0<enter>");
    let line = console.wishes.iter().find_map(|wish| match wish {
        Effect::Run { line, .. } => Some(line.clone()),
        _ => None,
    });
    assert_eq!(line.as_deref(), Some("agent scale -- rust\\-dev 20"));
}

#[test]
fn a_log_that_is_typed_for_is_opened() {
    for line in ["agent logs rust-dev -f", "obeya agent logs -f rust-dev"] {
        let mut console = console(3, (120, 40));
        console.keys("1:");
        console.tell(Msg::Paste(line.into()));
        console.keys("<enter>");
        shows(&console, "second line 2");
        assert!(obeya::ui::runs::is_whole(&console.model), "{line}");
    }
    let mut console = console(3, (120, 40));
    for (line, said) in [
        ("agent logs nobody", "there is no agent 'nobody'"),
        ("agent logs", "agent logs needs a name"),
    ] {
        console.keys("1:");
        console.tell(Msg::Paste(line.into()));
        console.keys("<enter>");
        shows(&console, said);
    }
    // What names a run is the command line's to answer.
    console.wishes.clear();
    console.keys(":");
    console.tell(Msg::Paste("agent logs rust-dev --run b".into()));
    console.keys("<enter>");
    assert!(
        console
            .wishes
            .iter()
            .any(|wish| matches!(wish, Effect::Run { .. }))
    );
}

#[test]
fn the_overview_says_what_a_host_knows_of_an_agent() {
    let mut world = sample::line();
    let idle = world.state.agents.keys().cloned().collect::<Vec<_>>();
    for name in &idle {
        let state = life(LifeState::Parked, LifeSource::Process, world.now);
        world.lives.insert(name.clone(), state);
    }
    let console = Console::new(world, (120, 40));
    shows(&console, "parked");
    lacks(&console, " idle");
}
