//! Ways through the console: what leads where, and what narrows what.

use obeya::{
    domain::{
        command::Command,
        event::{Changes, Event, ImportedEnd, ImportedItem, Parent},
        id::OrderId,
        order::{Actor, Bucket, External, Kind, Outcome, Priority},
        query::why::Place,
        refusal::Refusal,
    },
    ui::{
        model::{Focus, View},
        msg::{Failure, Msg},
    },
};

use crate::support::{
    console::{Console, lacks, shows},
    sample::{self, alert, create, order, wo},
    world::World,
};

/// Moves down in a pane to the line that leads to a place.
fn down_to(console: &mut Console, place: &Place) {
    for _ in 0..40 {
        if console.model.place() == Some(place) {
            return;
        }
        console.keys("j");
    }
    panic!("nothing leads to {place:?} on\n{}", console.screen());
}

fn console() -> Console {
    Console::new(sample::line(), (120, 40))
}

#[test]
fn epics_are_there_to_choose_a_tree_from() {
    let mut console = console();
    console.keys("3");
    shows(&console, "2 open epics");
    shows(&console, "0 of 4 children done");
    // A child that is done is progress.
    console.model.view = View::Kanban;
    let release = Command::CompleteOrder {
        id: wo(23),
        sku: None,
        note: None,
    };
    let ada = Actor::person("ada");
    console.world.order(&ada, release);
    let beneath = Changes {
        parent: Some(Parent::Of(OrderId::epic(2))),
        ..Default::default()
    };
    let edit = Command::EditOrder {
        id: wo(19),
        changes: beneath,
        add_labels: vec![],
        remove_labels: vec![],
    };
    console.world.order(&ada, edit);
    let complete = Command::CompleteOrder {
        id: wo(19),
        sku: None,
        note: None,
    };
    console.world.order(&ada, complete);
    console.publish();
    console.keys("13");
    shows(&console, "1 of 3 children done");
    console.keys("j<enter>");
    assert_eq!(console.model.tree.root, Some(OrderId::epic(2)));
    shows(&console, "EPIC-002 and what it waits for");
    console.keys("<esc>");
    shows(&console, "2 open epics");
    assert_eq!(console.model.epics.selected, Some(OrderId::epic(2)));
}

#[test]
fn the_tree_is_that_of_what_was_selected() {
    let mut console = console();
    console.keys("2");
    console.model.board.select(wo(16));
    console.keys("3");
    assert_eq!(console.model.tree.root, Some(wo(16)));
    console.keys("2");
    console.model.board.select(wo(13));
    console.keys("3");
    assert_eq!(console.model.tree.root, Some(wo(13)));
    // The roots before are gone back to, then the epics are there.
    console.keys("<esc>");
    assert_eq!(console.model.tree.root, Some(wo(16)));
    console.keys("<esc>");
    shows(&console, "2 open epics");
    // Where nothing is selected nothing is remembered.
    console.keys("2313");
    assert_eq!(console.model.tree.root, None);
}

#[test]
fn events_are_filtered_by_words() {
    let mut console = console();
    console.keys("6/ALERT");
    shows(&console, "ALERT-002");
    lacks(&console, "WO-023 started");
    console.keys(" !critical !key<enter>");
    shows(&console, "/ ALERT !critical !key");
    lacks(&console, "signing key");
    let before = console.model.events.shown.len();
    create(&mut console.world, order("Of no interest", Bucket::Cost, 1));
    console.publish();
    lacks(&console, "Of no interest");
    assert_eq!(console.model.events.shown.len(), before);
    // What is new and passes is followed.
    let seen = Command::AcknowledgeAlert { id: alert(1) };
    console.world.order(&Actor::person("ada"), seen);
    console.publish();
    let newest = console.world.records.last().unwrap().seq;
    assert_eq!(console.model.events.list.selected, Some(newest));
    // The board's own filter is another one.
    assert!(console.model.filter.is_empty());
    console.keys("/ zzz<esc>");
    assert_eq!(console.model.events.words, "ALERT !critical !key");
    console.keys("<esc>");
    shows(&console, "Of no interest");
}

#[test]
fn what_is_typed_after_a_slash_is_never_taken_as_keys() {
    for view in ["1", "2", "3", "4", "5", "6", "7", "8"] {
        let mut console = console();
        console.keys(view);
        let records = console.world.records.len();
        console.keys("/release<enter>");
        assert_eq!(console.world.records.len(), records, "{view}");
        assert!(console.model.overlay.is_none(), "{view}");
        assert!(console.model.filtered_by() == "release", "{view}");
        if "1358".contains(view) {
            assert_eq!(console.model.view, View::Kanban);
            shows(&console, "the filter is about orders: this is the board");
        }
    }
}

#[test]
fn the_end_of_the_done_column_says_that_there_are_older_ones() {
    let mut console = console();
    let ada = Actor::person("ada");
    for number in 28..228 {
        let id = wo(number);
        create(&mut console.world, order("Chore", Bucket::Cost, 1));
        let (sku, note) = (None, None);
        console.world.order(&ada, Command::StartOrder { id });
        let end = Command::CompleteOrder { id, sku, note };
        console.world.order(&ada, end);
    }
    console.publish();
    console.keys("2lllllll");
    shows(&console, "200 of 211");
    console.keys("G");
    shows(&console, "11 older: obeya wo list --all");
}

#[test]
fn the_palette_finds_completed_orders_by_their_words_and_no_action_by_stray_letters() {
    let mut console = console();
    console.keys("2<ctrl-p>cache");
    shows(&console, "WO-025 Cache headers");
    lacks(&console, "Close, go back");
    console.keys("<ctrl-u>retention report");
    shows(&console, "WO-007 Data retention report");
    lacks(&console, "nothing has that name");
    console.keys("<enter>");
    assert_eq!(console.model.selected_order(), Some(wo(7)));
}

#[test]
fn an_epic_with_open_children_is_not_completed_and_says_so_first() {
    let mut console = console();
    console.keys("3c");
    assert!(console.model.overlay.is_none());
    shows(&console, "EPIC-001 has open children: WO-012");
}

#[test]
fn alerts_are_filtered_by_words_and_what_is_hidden_is_left_alone() {
    let mut console = console();
    console.keys("4/slower");
    shows(&console, "Filter alerts");
    lacks(&console, "The signing key");
    console.keys("<enter>V");
    shows(&console, "1 alert hidden");
    assert_eq!(console.model.queue.marks, [alert(1)].into());
    console.keys("/<ctrl-u>!medium zzz<enter>");
    shows(&console, "None of 2 open alerts has these words.");
    // One that is gone to by name is seen.
    console.keys("<esc><esc>/slower<enter>;ALERT-002<enter>");
    assert_eq!(console.model.selected_alert(), Some(alert(2)));
    shows(&console, "The signing key");
}

#[test]
fn the_pane_of_an_alert_scrolls_and_leads_on() {
    let mut console = Console::new(sample::line(), (80, 24));
    console.keys("4");
    lacks(&console, "lines ━");
    lacks(&console, "ALERT-002 raised");
    console.keys("<enter>");
    assert_eq!(console.model.focus, Focus::Detail);
    console.keys("G");
    shows(&console, "Timeline");
    console.keys("gg");
    lacks(&console, "Timeline");
    console.keys("<ctrl-d>l");
    console.keys("gg");
    // What the alert can do holds in its pane too.
    console.keys("a");
    shows(&console, "seen");
    down_to(&mut console, &Place::Order(wo(15)));
    console.keys("<enter>");
    let shown = console.model.detail.as_ref().map(|detail| detail.id);
    assert_eq!(shown, Some(wo(15)));
    console.keys("<esc><esc>");
    assert_eq!(console.model.focus, Focus::View);
    assert_eq!(console.model.view, View::Andon);
}

#[test]
fn a_reason_leads_to_the_order_it_names_and_back() {
    let mut console = console();
    console.keys("2");
    console.model.board.select(wo(16));
    console.keys("w");
    shows(&console, "waits for WO-015");
    down_to(&mut console, &Place::Order(wo(15)));
    console.keys("<enter>");
    let shown = |console: &Console| console.model.detail.as_ref().map(|detail| detail.id);
    assert_eq!(shown(&console), Some(wo(15)));
    assert_eq!(console.model.board.selected, Some(wo(15)));
    console.keys("<esc>");
    assert_eq!(shown(&console), Some(wo(16)));
    // The order waited for is held by an alert: the line after says so and leads there.
    down_to(&mut console, &Place::Alert(alert(2)));
    console.keys("<enter>");
    assert_eq!(console.model.view, View::Andon);
    assert_eq!(console.model.andon.selected, Some(alert(2)));
}

/// Takes in an item of another system, done there or not.
fn import(world: &mut World, number: u32, name: &str, title: &str, done: bool) {
    let created = world.now;
    let end = ImportedEnd {
        outcome: Outcome::Completed {
            sku: None,
            receipt: None,
        },
        at: created,
        parent: None,
        depends_on: vec![],
    };
    let item = ImportedItem {
        title: title.into(),
        description: None,
        kind: Kind::Task,
        bucket: Bucket::Features,
        priority: Priority::DEFAULT,
        labels: vec![],
        assignee: None,
        estimate: None,
        created,
        links: vec![],
        closed: done.then_some(end),
        baseline: Default::default(),
    };
    let event = Event::OrderImported {
        id: wo(number),
        item: Box::new(item),
        external: External {
            source: "beads".into(),
            id: name.into(),
            base: 0,
            digest: 0,
        },
    };
    world.tell(&Actor::person("ada"), event);
}

#[test]
fn an_order_is_found_by_its_name_elsewhere_open_or_closed() {
    let mut world = sample::line();
    import(&mut world, 28, "bd-77", "From elsewhere", false);
    import(&mut world, 29, "bd-78", "Done elsewhere", true);
    let mut console = Console::new(world, (120, 40));
    console.keys("2<ctrl-p>bd-77<enter>");
    shows(&console, "From elsewhere");
    console.keys("<esc><ctrl-p>bd-78");
    shows(&console, "Done elsewhere");
    console.keys("<enter>");
    shows(&console, "completed");
    // A closed order's title stands beside its id, and an id that nobody has is not gone to.
    console.keys("<esc><ctrl-p>wo-3");
    shows(&console, "WO-003 Sign in with a passkey");
    console.keys("<ctrl-u>wo-999");
    shows(&console, "there is no WO-999");
}

#[test]
fn an_estimate_is_typed_as_on_the_command_line() {
    let mut console = console();
    console.keys("2oCount<tab><tab><tab><tab><tab><tab><tab>soon<ctrl-s>");
    shows(
        &console,
        "'soon' is not a duration; write it like 90s, 15m, 4h, 2d or 1w",
    );
    let estimate = |console: &Console| console.world.state.order(wo(28)).unwrap().estimate;
    console.keys("<ctrl-u>1h30m<ctrl-s>");
    assert_eq!(estimate(&console), Some(90));
    // It comes back as it was typed, and is not changed by another edit.
    console.keys("e");
    shows(&console, "1h30m");
    console.keys("<end>!<ctrl-s>");
    assert_eq!(estimate(&console), Some(90));
    console.keys("e<tab><tab><tab><tab><tab><tab><tab><ctrl-u>2d<ctrl-s>");
    assert_eq!(estimate(&console), Some(2 * 24 * 60));
}

#[test]
fn what_a_cord_can_hold_is_all_on_screen() {
    for size in [(80, 24), (120, 40)] {
        let mut console = Console::new(sample::line(), size);
        console.model.view = View::Kanban;
        console.keys("2");
        console.model.board.select(wo(12));
        console.keys("!Payments fail<tab><tab>");
        for option in [
            "default",
            "nothing",
            "line",
            "order:WO-012",
            "epic:EPIC-001",
            "agent:rust-dev",
            "bucket:technical_debt",
            "stage:design",
        ] {
            shows(&console, option);
        }
        shows(&console, "critical holds the line, the rest hold nothing");
        console.keys("<space>");
        shows(&console, "only tells");
        console.keys("<right><left><left><left><right><right><ctrl-s>");
        shows(&console, "It holds nothing: work goes on.");
    }
}

#[test]
fn remedies_are_keys_or_lines_to_type() {
    let mut console = console();
    console.keys("2");
    console.model.board.select(wo(16));
    console.keys("s");
    shows(&console, "lifted by :work-order complete WO-015");
    lacks(&console, "obeya ");
    // What the selected order itself can do has a key.
    console.model.board.select(wo(20));
    let refusal = Refusal::NotStarted { id: wo(20) };
    console.tell(Msg::Submitted {
        ticket: 1_000,
        outcome: Err(Failure::Refused(refusal)),
    });
    shows(&console, "lifted by s start");
}

/// Every word of the overview is whole: what is cut is cut behind a word that a screen with room has too.
#[test]
fn the_overview_cuts_no_word() {
    let words = |line: &str| -> Vec<String> { line.split_whitespace().map(Into::into).collect() };
    let whole = words(&Console::new(sample::stopped(), (900, 60)).screen());
    for size in [(80, 24), (120, 40), (200, 60)] {
        let screen = Console::new(sample::stopped(), size).screen();
        for word in words(&screen) {
            if let Some(kept) = word.strip_suffix('…').filter(|kept| !kept.is_empty()) {
                assert!(
                    whole.iter().any(|word| word == kept),
                    "'{word}' on\n{screen}"
                );
            }
        }
    }
    shows(
        &Console::new(sample::line(), (80, 24)),
        "Alerts 2 (2 orders held)",
    );
}
