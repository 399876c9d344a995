//! Messages: where they go, what was sent, what waits, and what could not be delivered.

use ratatui::layout::Rect;

use crate::{
    domain::message::{AddressView, DeadLetterView, DeliveryView, MessageView},
    text,
    ui::{
        layout,
        mail::{Mail, Mailbag, Page},
        model::Model,
        pen::Pen,
        pointer::Target,
        theme::Role,
        words,
    },
};

/// Rows above the list: the pages, and a blank one.
const HEAD: u16 = 2;

/// Rows for the whole text of what is selected, where the screen has room for them.
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
fn heads(mail: &Mail) -> Vec<(Page, String, u16)> {
    let mut x = 1;
    let head = |page: Page| {
        let name = match page {
            Page::Dead if mail.dead() > 0 => format!("{} {}", page.name(), mail.dead()),
            _ => page.name().to_owned(),
        };
        let at = x;
        x += u16::try_from(text::width(&name)).unwrap_or(0) + 3;
        (page, name, at)
    };
    Page::ALL.into_iter().map(head).collect()
}

/// Returns what is at a place of the screen.
pub fn at(model: &Model, area: Rect, x: u16, y: u16) -> Option<Target> {
    let mail = &model.mail;
    if y == area.y {
        let heads = heads(mail).into_iter();
        let found = heads.rev().find(|(_, _, at)| area.x + at <= x)?;
        let end = area.x + found.2 + u16::try_from(text::width(&found.1)).unwrap_or(0);
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
    for (page, name, x) in heads(mail) {
        let role = match (page == mail.page, page) {
            (true, _) => Role::Title,
            (false, Page::Dead) if mail.dead() > 0 => Role::Warning,
            _ => Role::Muted,
        };
        pen.say(area, x, 0, &name, role);
    }
    let Some(seen) = &mail.seen else {
        pen.say(list, 2, 0, "no message was sent yet", Role::Muted);
        return;
    };
    let ids = mail.rows();
    if ids.is_empty() {
        let word = match mail.page {
            Page::Topics | Page::Messages => "no message was sent yet",
            Page::Inbox => "nothing waits for you",
            Page::Dead => "no dead letters",
        };
        pen.say(list, 2, 0, word, Role::Muted);
        return;
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
        line(model, seen, at, row, pen);
        if chosen {
            pen.shade(row, Role::Selection);
        }
    }
    if let Some(message) = mail.selected() {
        whole(message, foot, pen);
    }
}

fn line(model: &Model, seen: &Mailbag, at: usize, row: Rect, pen: &mut Pen<'_>) {
    let place = Rect {
        x: row.x + 2,
        width: row.width.saturating_sub(3),
        ..row
    };
    match model.mail.page {
        Page::Topics => {
            if let Some(address) = seen.bus.addresses.get(at) {
                topic(model, address, place, pen);
            }
        }
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

fn topic(model: &Model, address: &AddressView, row: Rect, pen: &mut Pen<'_>) {
    let name = text::fit(&address.address.to_string(), 22, pen.glyphs().ellipsis).into_owned();
    let kept = format!("{:>7}  ", address.messages);
    let last = match address.last_at {
        Some(at) => format!("{:>5}  ", words::age(model.now.since(at.0))),
        None => " ".repeat(7),
    };
    let takers: Vec<String> = address
        .subscribers
        .iter()
        .map(|taker| format!("{} {}+{}", taker.name, taker.queued, taker.delivered))
        .collect();
    let parts = [
        (name.as_str(), Role::Text),
        (kept.as_str(), Role::Muted),
        (last.as_str(), Role::Muted),
        (&takers.join(", "), Role::Text),
    ];
    pen.parts(row, 0, 0, &parts);
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
