//! The dependencies as a graph: shown, moved in, folded, copied, written, pointed at, as they were.

use obeya::{
    config::{ColorDepth, GlyphSet},
    domain::command::{Command, Role},
    domain::id::OrderId,
    domain::order::{Actor, Bucket},
    ui::{
        effect::Effect,
        look::Wanted,
        msg::Msg,
        pointer::{Deed, Mouse},
    },
};
use ratatui::style::Color;

use crate::support::{
    console::{Console, lacks, shows},
    sample::{self, create, order, wo},
    world::World,
};

/// The sample's line with a release that ten steps lead to: two in a row, four side by side, one that waits for all.
pub(crate) fn release() -> World {
    let mut world = sample::line();
    create(&mut world, order("Release 2.0", Bucket::Features, 8).epic());
    let epic = OrderId::epic(3);
    let titles = [
        "Freeze the branch",
        "Build the packages",
        "Sign for Linux",
        "Sign for macOS",
        "Sign for Windows",
        "Write the notes",
        "Upload everything",
        "Tell the newsletter",
        "Plan the next one",
    ];
    let first = world
        .state
        .orders()
        .map(|order| order.id)
        .filter(|id| !id.is_epic());
    let first = first.max().unwrap().number() + 1;
    for title in titles {
        let draft = order(title, Bucket::Features, 5)
            .beneath(epic)
            .estimated(60);
        create(&mut world, draft);
    }
    for (after, before) in [
        (1, 0),
        (2, 1),
        (3, 1),
        (4, 1),
        (5, 0),
        (6, 2),
        (6, 3),
        (6, 4),
        (7, 6),
        (7, 5),
    ] {
        world.order(
            &Actor::person("ada"),
            Command::AddDependency {
                id: OrderId::work(first + after),
                on: OrderId::work(first + before),
            },
        );
    }
    world
}

fn console(size: (u16, u16)) -> Console {
    let mut console = Console::new(release(), size);
    console.keys("3G<enter>m");
    console
}

#[test]
fn it_is_drawn_at_every_size_and_in_every_palette() {
    for (size, name) in [((200, 60), "large"), ((80, 24), "small")] {
        insta::assert_snapshot!(format!("graph_{name}"), console(size).styled());
    }
    let mut lines = console((80, 24));
    insta::assert_snapshot!("graph_lines", lines.keys("zz").styled());
    for (glyphs, name) in [(GlyphSet::Unicode, "no_color"), (GlyphSet::Ascii, "ascii")] {
        let mut console = Console::with(
            release(),
            (120, 40),
            ColorDepth::None,
            glyphs,
            Role::Operator,
        );
        console.keys("3G<enter>m");
        insta::assert_snapshot!(format!("graph_{name}"), console.styled());
        let buffer = console.buffer();
        assert!(buffer.content().iter().all(|cell| cell.fg == Color::Reset));
        // The critical path is seen by its lines alone, and how an order stands by its word.
        let heavy = if glyphs == GlyphSet::Ascii {
            "=="
        } else {
            "━━"
        };
        for wanted in [heavy, "blocked", "ready", "Freeze the branch"] {
            shows(&console, wanted);
        }
        assert_eq!(console.screen().is_ascii(), glyphs == GlyphSet::Ascii);
    }
}

#[test]
fn no_size_is_too_small_for_it() {
    for width in [12, 20, 30, 31, 40, 60, 80, 200] {
        for height in [3, 5, 6, 7, 8, 10, 12, 24, 60] {
            let mut console = console((width, height));
            for keys in [
                "lljjkk", "HJKL", "zz", "zM", "zRv", "G", "gg", "zc", "<enter>", "<esc>f",
            ] {
                console.keys(keys).screen();
            }
        }
    }
}

#[test]
fn the_cursor_goes_along_the_waits_and_the_strip_tells() {
    let mut console = console((120, 40));
    console.keys("gg");
    shows(&console, "Freeze the branch");
    shows(&console, "ready to be pulled; waited for by");
    let first = console.model.graph.cursor.unwrap();
    console.keys("l");
    let second = console.model.graph.cursor.unwrap();
    assert!(console.model.state.graph().contains_edge(second, first));
    shows(&console, &format!("waits for {first}"));
    console.keys("h");
    assert_eq!(console.model.graph.cursor, Some(first));
    // Enter opens it, why says why, and what is done is about it.
    console.keys("l<enter>");
    assert_eq!(console.model.detail.as_ref().unwrap().id, second);
    console.keys("<esc>w");
    shows(&console, "Why it is not moving");
    console.keys("<esc>");
    assert_eq!(console.model.selected_order(), Some(second));
}

#[test]
fn the_window_follows_the_cursor_and_pans_without_it() {
    let mut console = console((80, 24));
    console.keys("gg");
    let cursor = console.model.graph.cursor;
    assert_eq!(console.model.graph.origin, (0, 0));
    console.keys("L");
    let panned = console.model.graph.origin;
    assert!(panned.0 > 0 && console.model.graph.cursor == cursor);
    // A change of the line leaves the window where it was put.
    create(&mut console.world, order("Elsewhere", Bucket::Cost, 2));
    console.publish();
    assert_eq!(console.model.graph.origin, panned);
    console.keys("LLLLLLLLLL");
    let most = console.model.graph.origin;
    console.keys("L");
    assert_eq!(console.model.graph.origin, most, "it stays on the drawing");
    // In a window of another size one begins at the cursor again.
    console.tell(Msg::Resize(60, 20));
    assert_eq!(console.model.graph.origin.0, 0);
    console.tell(Msg::Resize(80, 24));
    console.keys("G");
    let drawing = console.model.graph.drawing().unwrap().as_ref().unwrap();
    let node = drawing.find(console.model.graph.cursor.unwrap()).unwrap();
    let (x, width) = (drawing.places[node].0, drawing.shape.look.size().0);
    let left = console.model.graph.origin.0;
    assert!(left <= x && x + width <= left + 80);
}

#[test]
fn folding_says_how_many_it_hides() {
    let mut console = console((200, 60));
    lacks(&console, "+6");
    let last = console
        .model
        .state
        .orders()
        .find(|order| order.title == "Tell the newsletter");
    console.model.graph.cursor = last.map(|order| order.id);
    console.keys("v");
    // Two lead to it by another way: none.
    shows(&console, "+7");
    shows(&console, "7 folded away");
    lacks(&console, "Freeze the branch");
    console.keys("v");
    shows(&console, "Freeze the branch");
    console.keys("zM");
    lacks(&console, "Freeze the branch");
    console.keys("zR");
    shows(&console, "Freeze the branch");
    // What three of them hide is counted once.
    let signs = console
        .model
        .state
        .orders()
        .filter(|order| order.title.starts_with("Sign for"));
    let signs: Vec<_> = signs.map(|order| order.id).collect();
    for id in signs {
        console.model.graph.cursor = Some(id);
        console.keys("v");
    }
    shows(&console, ", 1 folded away");
}

#[test]
fn what_is_drawn_is_copied_or_written() {
    let mut console = console((120, 40));
    console.keys("Y");
    let [Effect::Copy { what, text }] = console.wishes.as_slice() else {
        panic!("{:?}", console.wishes);
    };
    assert_eq!(what, "9 orders and 10 waits as Mermaid");
    assert!(text.starts_with("graph TD\n") && text.contains("Freeze the branch"));
    assert_eq!(text.matches(" --> ").count(), 10);
    console.wishes.clear();
    console.keys(":graph dot release 2.dot<enter>");
    let [Effect::Files(Wanted::NewFile { path, text })] = console.wishes.as_slice() else {
        panic!("{:?}", console.wishes);
    };
    assert_eq!(path, "release 2.dot");
    assert!(text.starts_with("digraph"));
    console.wishes.clear();
    console.keys("m:graph dot<enter>");
    assert_eq!(console.wishes, []);
    shows(&console, "show the graph first");
}

#[test]
fn a_click_selects_and_the_wheel_pans() {
    let mut console = console((120, 40));
    console.keys("gggm");
    let id = console.model.graph.cursor.unwrap();
    console.keys("l");
    assert_ne!(console.model.graph.cursor, Some(id));
    let drawing = console.model.graph.drawing().unwrap().as_ref().unwrap();
    let (x, y) = drawing.places[drawing.find(id).unwrap()];
    let (left, top) = console.model.graph.origin;
    let at = console.world.now;
    // Two rows of head are under the line of views.
    let place = (
        u16::try_from(x - left + 3).unwrap(),
        u16::try_from(y - top + 3).unwrap(),
    );
    let mouse = |deed| {
        Msg::Mouse(Mouse {
            deed,
            x: place.0,
            y: place.1,
            at,
        })
    };
    console.tell(mouse(Deed::Down));
    assert_eq!(console.model.graph.cursor, Some(id));
    let mut low = console_low();
    let at = low.world.now;
    let wheel = Msg::Mouse(Mouse {
        deed: Deed::WheelDown,
        x: 10,
        y: 8,
        at,
    });
    let before = low.model.graph.cursor;
    low.keys("gm").tell(wheel);
    assert!(low.model.graph.origin.1 > 0);
    assert_eq!(low.model.graph.cursor, before);
}

fn console_low() -> Console {
    let mut console = console((80, 14));
    console.keys("gg");
    console
}

#[test]
fn all_open_work_follows_the_filter_and_the_past_is_drawn_as_it_was() {
    let mut console = Console::new(release(), (200, 60));
    console.keys("13m");
    shows(&console, "All open work");
    shows(&console, "Release 2.0");
    console.keys("m2/bucket:security<enter>1");
    console.keys("3m");
    shows(&console, "The filter's open work");
    lacks(&console, "Freeze the branch");
    console.keys("2<esc><esc>13mm");
    let mut console = Console::new(release(), (200, 60));
    console.keys("3G<enter>m");
    shows(&console, "9 orders");
    console.world.wait(10);
    let more = order("One more step", Bucket::Features, 5).beneath(OrderId::epic(3));
    create(&mut console.world, more);
    console.publish();
    shows(&console, "One more step");
    console.keys("[");
    shows(&console, "PAST");
    lacks(&console, "One more step");
    shows(&console, "Freeze the branch");
}

#[test]
fn closed_orders_can_be_left_out() {
    let mut world = release();
    let ada = Actor::person("ada");
    let first = world
        .state
        .orders()
        .find(|order| order.title == "Freeze the branch");
    let id = first.unwrap().id;
    world.order(&ada, Command::StartOrder { id });
    world.order(
        &ada,
        Command::CompleteOrder {
            id,
            sku: None,
            note: None,
        },
    );
    let mut console = Console::new(world, (200, 60));
    console.keys("3G<enter>m");
    shows(&console, "completed");
    shows(&console, "Freeze the branch");
    console.keys("zc");
    shows(&console, "closed orders are left out");
    lacks(&console, "Freeze the branch");
    assert_ne!(console.model.selected_order(), Some(wo(1)));
}
