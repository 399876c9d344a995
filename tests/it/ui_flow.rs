//! The flow view: every page on the sample line, its rows, the filter, and thin history.

use obeya::{
    config::{ColorDepth, GlyphSet},
    domain::{command::Role, query::Query},
    ui::{effect::Effect, flow::Page, model::View, msg::Msg, update::settle},
};

use crate::support::{
    console::{Console, lacks, shows},
    sample::{self, wo},
    world::World,
};

const WIDE: (u16, u16) = (120, 40);
const SMALL: (u16, u16) = (80, 24);
const PAGES: [&str; 6] = ["cumulative", "cycle", "ageing", "forecast", "sla", "risk"];

fn console() -> Console {
    let mut console = Console::new(sample::line(), WIDE);
    console.keys("7");
    console
}

#[test]
fn every_page_in_unicode_and_ascii() {
    for (size, width) in [(WIDE, "wide"), (SMALL, "small")] {
        for (depth, glyphs, name) in [
            (ColorDepth::True, GlyphSet::Unicode, "unicode"),
            (ColorDepth::None, GlyphSet::Ascii, "ascii"),
        ] {
            let mut console = Console::with(sample::line(), size, depth, glyphs, Role::Operator);
            console.keys("7");
            for page in PAGES {
                let screen = console.styled();
                insta::assert_snapshot!(format!("flow_{page}_{width}_{name}"), screen);
                if glyphs == GlyphSet::Ascii {
                    assert!(console.screen().is_ascii(), "{screen}");
                }
                console.keys("<right>");
            }
            assert_eq!(console.model.flow.page, Page::Cumulative);
        }
    }
}

#[test]
fn pages_turn_both_ways_and_are_come_back_to() {
    let mut console = console();
    console.keys("<left>");
    shows(&console, "with a promise");
    assert_eq!(console.model.flow.page, Page::Risk);
    // A page is a place: the console comes back to it.
    console.keys("2(");
    assert_eq!(
        (console.model.view, console.model.flow.page),
        (View::Flow, Page::Risk)
    );
}

#[test]
fn rows_are_gone_through_and_opened() {
    for (page, keys) in [
        (Page::Ageing, "<right><right>"),
        (Page::Sla, "<left><left>"),
        (Page::Risk, "<left>"),
    ] {
        let mut console = console();
        console.keys(keys);
        assert_eq!(console.model.flow.page, page);
        let ids = console.model.asks.flow_rows(page);
        assert!(ids.len() > 2, "{page:?}");
        assert_eq!(console.model.selected_order(), ids.first().copied());
        console.keys("jj<enter>");
        let detail = console.model.detail.as_ref().unwrap().id;
        assert_eq!(Some(detail), ids.get(2).copied());
        // The pane beside the rows follows them.
        console.keys("<enter>G");
        let detail = console.model.detail.as_ref().unwrap().id;
        assert_eq!(Some(detail), ids.last().copied());
    }
    let mut console = console();
    console.keys("<enter>");
    shows(&console, "nothing is selected");
}

#[test]
fn it_counts_by_the_filter_and_says_where_it_cannot() {
    let mut console = console();
    console.keys("<right><right>");
    let all = console.model.asks.flow_rows(Page::Ageing);
    console.keys("/bucket:reliability<enter>");
    let some = console.model.asks.flow_rows(Page::Ageing);
    assert!(!some.is_empty() && some.len() < all.len());
    lacks(&console, "counted without");
    console.keys("/ !done sla:4h stage:code<enter>");
    shows(&console, "counted without !done sla:4h");
    lacks(&console, "the past is counted without");
    console.keys("<left>");
    shows(&console, "the past is counted without stage:code");
    // Taking the filter away counts all again.
    console.keys("<right><esc>");
    assert_eq!(console.model.asks.flow_rows(Page::Ageing), all);
}

#[test]
fn the_figures_agree_with_the_board() {
    let console = console();
    shows(&console, "6 in progress");
    shows(&console, "11 done and cancelled");
    // Epics are queued too.
    let queued = console.model.state.open_count() - 6;
    shows(&console, &format!("{queued} queued"));
}

#[test]
fn a_question_on_its_way_is_said() {
    let mut console = console();
    let tickets: Vec<_> = {
        obeya::ui::update::update(&mut console.model, Msg::Key("right".parse().unwrap()));
        let asked = settle(&mut console.model).into_iter();
        asked
            .filter_map(|effect| match effect {
                Effect::Ask { ticket, query } => Some((ticket, query)),
                _ => None,
            })
            .collect()
    };
    assert!(matches!(
        tickets.as_slice(),
        [(_, Query::CycleTimes { .. })]
    ));
    shows(&console, "counting");
    for (ticket, query) in tickets {
        let answer = console.world.ask(&query).map(Box::new);
        let answer = answer.map_err(obeya::ui::msg::Failure::Refused);
        console.tell(Msg::Answered { ticket, answer });
    }
    lacks(&console, "counting");
    shows(&console, "11 started and completed");
}

#[test]
fn without_history_every_page_reads_well() {
    let mut world = World::new();
    for size in [WIDE, SMALL] {
        let mut console = Console::new(World::new(), size);
        console.keys("7");
        let said = [
            "few days yet",
            "nothing was started and completed",
            "nothing is in progress",
            "nothing is left to be done",
            "no open order has a promise",
            "no open order has a promise",
        ];
        for said in said {
            shows(&console, said);
            console.keys("<right>");
        }
    }
    sample::create(
        &mut world,
        sample::order("The first", obeya::domain::order::Bucket::Features, 5),
    );
    world.order(
        &obeya::domain::order::Actor::person("ada"),
        obeya::domain::command::Command::StartOrder { id: wo(1) },
    );
    let mut console = Console::new(world, SMALL);
    console.keys("7");
    let said = [
        "1 in progress",
        "nothing was started and completed",
        "no age can be judged",
        "too little history",
        "1 open with a promise",
        "without enough history",
    ];
    for said in said {
        shows(&console, said);
        console.keys("<right>");
    }
}

#[test]
fn no_size_breaks_a_page() {
    let sizes = [
        (200, 60),
        (120, 40),
        (80, 24),
        (60, 20),
        (40, 10),
        (30, 6),
        (20, 5),
        (90, 7),
        (31, 40),
    ];
    for size in sizes {
        for world in [World::new(), sample::stopped()] {
            let mut console = Console::new(world, size);
            console.keys("7");
            for _ in PAGES {
                console.keys("jG").screen();
                console.keys("<right>");
            }
        }
    }
}
