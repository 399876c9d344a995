//! Messages: where they go, what was sent, what waits, and what could not be delivered.

use ratatui::layout::Rect;

use super::addresses;
use crate::{
    domain::message::{DeadLetterView, DeliveryView, MessageView},
    text,
    ui::{layout, mail::Page, model::Model, pen::Pen, pointer::Target, theme::Role, words},
};

/// Rows above the list: the pages, and the columns' names.
const HEAD: u16 = 2;

/// Rows for the whole text of what is selected and the line above it, where the screen has room for them.
const FOOT: u16 = 6;

/// The least height at which there is room.
const ROOM: u16 = 16;

/// Returns how many rows of the list fit.
pub fn rows(area: Rect) -> usize {
    usize::from(split(area).0.height)
}

/// Cuts what is beneath the head into the list and what is selected in it.
fn split(area: Rect) -> (Rect, Rect) {
    let (_, body) = layout::split_top(area, HEAD);
    let foot = if area.height < ROOM { 0 } else { FOOT };
    layout::split_top(body, body.height.saturating_sub(foot))
}

/// Returns the pages with what is written for each, and in which column.
fn heads(model: &Model) -> Vec<(Page, String, u16)> {
    let mail = &model.mail;
    let mut x = 1 + cells(model.theme.glyphs().left);
    let head = |page: Page| {
        let name = match page {
            Page::Dead if mail.dead() > 0 => format!(" {} {} ", page.name(), mail.dead()),
            _ => format!(" {} ", page.name()),
        };
        let at = x;
        x += cells(&name);
        (page, name, at)
    };
    Page::ALL.into_iter().map(head).collect()
}

fn cells(text: &str) -> u16 {
    u16::try_from(text::width(text)).unwrap_or(u16::MAX)
}

/// Draws the pages' names, that on screen like a selected row, and that one goes from one to the next.
fn tabs(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let glyphs = pen.glyphs();
    pen.say(area, 1, 0, glyphs.left, Role::Key);
    let mut end = 0;
    for (page, name, x) in heads(model) {
        let role = match (page == model.mail.page, page) {
            (true, _) => Role::Selection,
            (false, Page::Dead) if model.mail.dead() > 0 => Role::Warning,
            _ => Role::Bar,
        };
        end = x + pen.say(area, x, 0, &name, role);
    }
    pen.say(area, end, 0, glyphs.right, Role::Key);
}

/// Returns what is at a place of the screen.
pub fn at(model: &Model, area: Rect, x: u16, y: u16) -> Option<Target> {
    let mail = &model.mail;
    if y == area.y {
        let heads = heads(model).into_iter();
        let found = heads.rev().find(|(_, _, at)| area.x + at <= x)?;
        let end = area.x + found.2 + cells(&found.1);
        return (x < end).then_some(Target::MailPage(found.0));
    }
    let (list, _) = split(area);
    if !list.contains((x, y).into()) {
        return None;
    }
    let ids = mail.rows();
    let shown = mail
        .list()
        .window
        .range(ids.len(), usize::from(list.height));
    let at = shown.start + usize::from(y - list.y);
    (at < shown.end).then(|| ids.get(at).copied().map(Target::MailRow))?
}

/// Draws the page on screen.
pub fn draw(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let mail = &model.mail;
    let (list, foot) = split(area);
    tabs(model, area, pen);
    let ids = mail.rows();
    if ids.is_empty() {
        pen.say(list, 2, 0, &nothing(model), Role::Muted);
        return;
    }
    for (x, word) in columns(mail.page, addresses::is_broad(area.width)) {
        pen.say(area, 2 + x, 1, word, Role::Header);
    }
    let range = mail
        .list()
        .window
        .range(ids.len(), usize::from(list.height));
    for (y, at) in (0..list.height).zip(range) {
        let row = Rect {
            y: list.y + y,
            height: 1,
            ..list
        };
        let chosen = ids.get(at) == mail.list().selected.as_ref();
        if chosen {
            pen.say(row, 0, 0, pen.glyphs().selected, Role::Key);
        }
        line(model, at, row, pen);
        if chosen {
            pen.shade(row, Role::Selection);
        }
    }
    let (line, foot) = layout::split_top(foot, 1);
    pen.rule(line, 0, Role::ChartEmpty);
    if let Some(message) = mail.selected() {
        whole(message, foot, pen);
    }
    if let Some(place) = mail.selected_place() {
        addresses::about(model, place, foot, pen);
    }
}

/// Returns what is said where there is nothing, with what would bring something.
fn nothing(model: &Model) -> String {
    let key = addresses::command_key(model);
    match model.mail.page {
        Page::Topics | Page::Messages => {
            format!("no message was sent yet: {key}bus publish coordination_events TEXT")
        }
        Page::Inbox => format!(
            "nothing waits for you: others write to @{}",
            model.session.me.name
        ),
        Page::Dead => "no dead letters: what cannot be delivered comes here".into(),
    }
}

/// Returns the names of a page's columns, and where each begins.
fn columns(page: Page, broad: bool) -> Vec<(u16, &'static str)> {
    match page {
        Page::Topics => addresses::columns(broad),
        Page::Messages => vec![(1, "age"), (5, "to"), (26, "from"), (39, "message")],
        Page::Inbox => vec![(1, "age"), (5, "state, to, from, message")],
        Page::Dead => vec![(1, "age"), (7, "no"), (10, "why, to, message")],
    }
}

fn line(model: &Model, at: usize, row: Rect, pen: &mut Pen<'_>) {
    let place = Rect {
        x: row.x + 2,
        width: row.width.saturating_sub(3),
        ..row
    };
    if let Some(address) = model
        .mail
        .places
        .get(at)
        .filter(|_| model.mail.page == Page::Topics)
    {
        return addresses::row(model, address, place, pen);
    }
    let Some(seen) = &model.mail.seen else { return };
    match model.mail.page {
        Page::Topics => {}
        Page::Messages => {
            if let Some(message) = seen.recent.get(at) {
                sent(model, message, ("", Role::Text), place, pen);
            }
        }
        Page::Inbox => {
            if let Some(delivery) = seen.inbox.get(at) {
                let DeliveryView { message, state, .. } = delivery;
                sent(model, message, (state.word(), Role::Warning), place, pen);
            }
        }
        Page::Dead => {
            if let Some(letter) = seen.dead.get(at) {
                dead(model, letter, place, pen);
            }
        }
    }
}

fn sent(model: &Model, message: &MessageView, state: (&str, Role), row: Rect, pen: &mut Pen<'_>) {
    let age = format!("{:>4} ", words::age(model.now.since(message.at.0)));
    let to = message.address.to_string();
    let to = text::fit(&to, 20, pen.glyphs().ellipsis);
    let sender = text::clean(&message.sender.name);
    let sender = text::fit(&sender, 12, pen.glyphs().ellipsis);
    let body = message.line();
    let body = text::clean(&body);
    let gap = if state.0.is_empty() { "" } else { " " };
    let parts = [
        (age.as_str(), Role::Muted),
        state,
        (gap, Role::Text),
        (&to, Role::Muted),
        (" ", Role::Text),
        (&sender, Role::Muted),
        (" ", Role::Text),
        (&body, Role::Text),
    ];
    pen.parts(row, 0, 0, &parts);
}

fn dead(model: &Model, letter: &DeadLetterView, row: Rect, pen: &mut Pen<'_>) {
    let age = format!("{:>4} ", words::age(model.now.since(letter.dead_at.0)));
    let number = format!("{:>4} ", letter.number);
    let to = format!(" {} ", letter.message.address);
    let note = match letter.note.is_empty() {
        true => String::new(),
        false => format!("{}: ", letter.note),
    };
    let body = letter.message.line();
    let body = text::clean(&body);
    let parts = [
        (age.as_str(), Role::Muted),
        (number.as_str(), Role::Text),
        (letter.reason.word(), Role::Warning),
        (to.as_str(), Role::Muted),
        (note.as_str(), Role::Text),
        (&body, Role::Text),
    ];
    pen.parts(row, 0, 0, &parts);
}

/// Draws as much of a message's text as there is room for.
fn whole(message: &MessageView, area: Rect, pen: &mut Pen<'_>) {
    if area.height < 2 {
        return;
    }
    let head = format!(
        "{}  {}  from {} to {}",
        message.seq, message.at, message.sender, message.address
    );
    pen.say(area, 2, 0, &text::clean(&head), Role::Header);
    let body = message.text();
    let body = text::clean_block(&body);
    let room = usize::from(area.width.saturating_sub(4));
    for (y, range) in (1..area.height).zip(text::wrap(&body, room)) {
        let line = body.get(range).unwrap_or_default();
        pen.say(area, 2, y, line, Role::Text);
    }
}
