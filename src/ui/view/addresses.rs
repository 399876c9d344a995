//! The page of where messages can go: a row for each topic and inbox, and how one sends to the selected one.

use ratatui::layout::Rect;

use crate::{
    domain::message::{AddressView, SubscriberView},
    text,
    ui::{
        action::Action,
        addresses::Place,
        keymap::{Scope, chord},
        layout,
        model::Model,
        pen::Pen,
        theme::Role,
        words,
    },
};

/// From this width on an address has room for what it is for and for who takes from it.
const BROAD: u16 = 100;

/// Where the columns of addresses begin, behind their names: how many are kept, when the last came, what it is for, and on a
/// broad screen who takes from it.
const COLUMNS: [u16; 4] = [24, 31, 38, 76];

/// Returns whether a view so wide has room for who takes from an address, beside what that is for.
pub(super) fn is_broad(width: u16) -> bool {
    width >= BROAD
}

/// Returns the names of the columns, and where each begins.
pub(super) fn columns(broad: bool) -> Vec<(u16, &'static str)> {
    let [kept, last, purpose, takers] = COLUMNS;
    let mut names = vec![(0, "address"), (kept, "kept"), (last, "last")];
    names.push((purpose, "for"));
    names.extend(broad.then_some((takers, "taken by: waiting + out")));
    names
}

/// Returns the key that begins a command line, as it is shown before one.
pub(super) fn command_key(model: &Model) -> String {
    let keys = model
        .keymap
        .chords(&[Scope::Global], Action::Command.name());
    let key = keys.first().map(|keys| chord(keys));
    key.unwrap_or_default()
}

/// Draws an address as a row.
pub(super) fn row(model: &Model, place: &Place, row: Rect, pen: &mut Pen<'_>) {
    let [kept, last, purpose, taken] = COLUMNS;
    let view = &place.view;
    let name = view.address.to_string();
    let name = text::cut(&name, usize::from(kept - 1), pen.glyphs().ellipsis).into_owned();
    pen.say(row, 0, 0, &name, Role::Text);
    let count = match view.messages {
        0 => format!("{:>4}", "-"),
        count => format!("{count:>4}"),
    };
    pen.say(row, kept, 0, &count, Role::Muted);
    if let Some(at) = view.last_at {
        let age = format!("{:>4}", words::age(model.now.since(at.0)));
        pen.say(row, last, 0, &age, Role::Muted);
    }
    let (narrow, rest) = match is_broad(row.width + 3) {
        true => layout::split_left(row, taken),
        false => (row, Rect::default()),
    };
    pen.say(narrow, purpose, 0, &place.purpose, Role::Muted);
    pen.say(rest, 0, 0, &takers(view), Role::Text);
}

/// Says of an address what it is for, who takes from it, and how something is sent there.
pub(super) fn about(model: &Model, place: &Place, area: Rect, pen: &mut Pen<'_>) {
    let (address, key) = (place.view.address.to_string(), command_key(model));
    let address = text::clean(&address);
    let takers = match place.view.subscribers.is_empty() {
        true => "nobody has taken from it yet".to_owned(),
        false => format!("taken by {}, waiting + out", takers(&place.view)),
    };
    let lines = [
        (format!("{address}  {}", place.purpose), Role::Header),
        (takers, Role::Muted),
        (
            format!("send   {key}bus publish {address} TEXT"),
            Role::Text,
        ),
        (
            format!("listen in a shell: obeya bus subscribe {address}"),
            Role::Text,
        ),
    ];
    for (y, (said, role)) in (0..area.height).zip(&lines) {
        pen.say(area, 2, y, said, *role);
    }
}

/// Returns who takes from an address, each with how many messages wait for it and how many it has.
fn takers(view: &AddressView) -> String {
    let taker =
        |taker: &SubscriberView| format!("{} {}+{}", taker.name, taker.queued, taker.delivered);
    let all: Vec<String> = view.subscribers.iter().map(taker).collect();
    all.join(", ")
}
