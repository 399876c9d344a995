//! The mouse: off until it is wanted; a click selects, a double click opens, the wheel moves, a card is dragged.

use obeya::ui::{
    effect::Effect,
    model::{Focus, View},
    msg::Msg,
    pointer::{Deed, Mouse},
};
use ratatui::buffer::Buffer;

use crate::support::{
    console::{Console, shows},
    sample::{self, wo},
};

fn console() -> Console {
    let mut console = Console::new(sample::line(), (120, 40));
    console.keys("2gm");
    assert_eq!(console.wishes, [Effect::Mouse(true)]);
    console.wishes.clear();
    console
}

/// Returns where a text begins on screen.
fn find(console: &Console, text: &str) -> (u16, u16) {
    let buffer: Buffer = console.buffer();
    let area = buffer.area;
    for y in 0..area.height {
        let row: Vec<&str> = (0..area.width).map(|x| buffer[(x, y)].symbol()).collect();
        for x in 0..row.len() {
            if row[x..].concat().starts_with(text) {
                return (u16::try_from(x).unwrap(), y);
            }
        }
    }
    panic!("no '{text}' on\n{}", console.screen());
}

fn mouse(console: &mut Console, deed: Deed, (x, y): (u16, u16)) {
    let at = console.world.now;
    console.tell(Msg::Mouse(Mouse { deed, x, y, at }));
}

fn click(console: &mut Console, text: &str) {
    let place = find(console, text);
    mouse(console, Deed::Down, place);
    mouse(console, Deed::Up, place);
}

fn drag(console: &mut Console, text: &str, to: &str) {
    let (from, to) = (find(console, text), find(console, to));
    mouse(console, Deed::Down, from);
    mouse(console, Deed::Drag, to);
    mouse(console, Deed::Up, to);
}

#[test]
fn it_does_nothing_until_it_is_wanted() {
    let mut console = Console::new(sample::line(), (120, 40));
    console.keys("2");
    let before = console.model.board.selected;
    click(&mut console, "WO-026");
    assert_eq!(console.model.board.selected, before);
    console.keys("gmgm");
    assert_eq!(console.wishes, [Effect::Mouse(true), Effect::Mouse(false)]);
}

#[test]
fn a_click_selects_and_a_double_click_opens() {
    let mut console = console();
    click(&mut console, "WO-026");
    assert_eq!(console.model.board.selected, Some(wo(26)));
    assert!(console.model.detail.is_none());
    // A second click much later is another click.
    console.world.wait(1);
    click(&mut console, "WO-026");
    assert!(console.model.detail.is_none());
    click(&mut console, "WO-026");
    assert_eq!(console.model.detail.as_ref().map(|d| d.id), Some(wo(26)));
    // Beside the pane a click in the board gives it the keys, and one in the pane gives them back.
    click(&mut console, "WO-027");
    assert_eq!(
        (console.model.focus, console.model.board.selected),
        (Focus::View, Some(wo(27)))
    );
    click(&mut console, "Consent banner forgets its answer");
    assert_eq!(console.model.focus, Focus::Detail);
}

#[test]
fn views_and_rows_are_clicked() {
    let mut console = console();
    click(&mut console, "4 Andon");
    assert_eq!(console.model.view, View::Andon);
    click(&mut console, "ALERT-001");
    assert_eq!(console.model.andon.selected, Some(sample::alert(1)));
    click(&mut console, "5 Agents");
    click(&mut console, "rust-dev");
    assert_eq!(console.model.selected_agent(), Some("rust-dev"));
    click(&mut console, "6 Events");
    click(&mut console, "ALERT-001 raised");
    shows(&console, "▌");
    click(&mut console, "3 Dep");
    click(&mut console, "EPIC-002");
    click(&mut console, "EPIC-002");
    assert_eq!(
        console.model.tree.root,
        Some(obeya::domain::id::OrderId::epic(2))
    );
    console.keys("2<ctrl-p>dark");
    click(&mut console, "WO-022 Dark");
    click(&mut console, "WO-022 Dark");
    assert_eq!(console.model.detail.as_ref().map(|d| d.id), Some(wo(22)));
}

#[test]
fn a_dragged_card_is_moved_by_the_commands_that_keys_submit() {
    let mut console = console();
    let stage = |console: &Console, id| {
        let order = console.world.state.order(wo(id)).cloned();
        order.and_then(|order| order.work().map(|work| work.stage.clone()))
    };
    drag(&mut console, "WO-017", "test 1");
    assert_eq!(stage(&console, 17).as_deref(), Some("test"));
    shows(&console, "u undoes it");
    // Into a later stage it is started first.
    drag(&mut console, "WO-027", "code 2");
    assert_eq!(stage(&console, 27).as_deref(), Some("code"));
    drag(&mut console, "WO-027", "queued");
    assert_eq!(stage(&console, 27), None);
    assert!(console.world.state.order(wo(27)).is_some());
    drag(&mut console, "WO-017", "done");
    shows(&console, "Complete WO-017");
    console.keys("<enter>");
    assert!(console.world.state.order(wo(17)).is_none());
    drag(&mut console, "WO-026", "done");
    shows(&console, "WO-026 is not in progress");
    // What holds it holds it under the mouse too.
    drag(&mut console, "WO-015", "code");
    shows(&console, "refused: WO-015 is held by ALERT-002");
    assert_eq!(stage(&console, 15).as_deref(), Some("design"));
}

#[test]
fn the_wheel_moves_what_it_is_over() {
    let mut console = console();
    let place = find(&console, "WO-026");
    let first = console.model.board.row();
    mouse(&mut console, Deed::WheelDown, place);
    assert_eq!(console.model.board.row(), first + 3);
    mouse(&mut console, Deed::WheelUp, place);
    assert_eq!(console.model.board.row(), first);
    console.keys("?");
    mouse(&mut console, Deed::WheelDown, (60, 20));
    console.keys("<esc>6");
    let before = console.model.events.list.selected;
    mouse(&mut console, Deed::WheelUp, (10, 10));
    assert_ne!(console.model.events.list.selected, before);
}

#[test]
fn anywhere_on_any_screen_it_breaks_nothing() {
    for size in [(120, 40), (80, 24), (40, 10), (30, 6), (3, 2)] {
        for keys in [
            "1",
            "2",
            "2zb",
            "2<enter>",
            "3<enter>",
            "4",
            "5",
            "6",
            "2:",
            "2o",
            "2?",
            "2<ctrl-p>",
        ] {
            let mut console = Console::new(sample::stopped(), size);
            console.keys("gm").keys(keys);
            for deed in [
                Deed::Down,
                Deed::Drag,
                Deed::Up,
                Deed::WheelDown,
                Deed::WheelUp,
            ] {
                for y in (0..size.1 + 2).step_by(3) {
                    for x in (0..size.0 + 2).step_by(7) {
                        mouse(&mut console, deed, (x, y));
                    }
                }
            }
            console.screen();
        }
    }
}
