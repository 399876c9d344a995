//! The view of messages: its pages, the selected letter, and the count that stands in every view.

use obeya::{
    domain::{
        message::{
            DeadLetter, DeadLetterView, Delivery, DeliveryView, Draft, Message, MessageView, Topic,
            delivery::Reason,
        },
        order::Actor,
        time::Timestamp,
    },
    ui::{
        effect::Effect,
        mail::{MailAct, Mailbag, Page},
        model::View,
        msg::Msg,
        pointer::{Deed, Mouse},
        update::{settle, update},
    },
};

use crate::support::{
    console::{Console, lacks, shows},
    sample,
};

const HOSTILE: &str = "\u{1b}[2Jred\u{202e} alert";

fn message(seq: u64, body: &str) -> Message {
    Message {
        seq,
        time: Timestamp(0),
        draft: Draft::new(Topic::CoordinationEvents.into(), Actor::agent("ann"), body),
    }
}

fn letter(number: u64) -> DeadLetterView {
    DeadLetterView::from(&DeadLetter {
        number,
        message: message(number + 10, HOSTILE),
        subscriber: None,
        reason: Reason::TooManyDeliveries,
        note: String::new(),
        at: Timestamp(0),
        attempts: 5,
    })
}

fn bag(dead: u64) -> Mailbag {
    let mut bag = Mailbag {
        recent: vec![MessageView::from(&message(1, "the api is ready"))],
        inbox: vec![DeliveryView::from(&Delivery {
            message: message(2, "review me"),
            attempt: 1,
            due: Timestamp(1),
        })],
        dead: (1..=dead).rev().map(letter).collect(),
        ..Mailbag::default()
    };
    bag.bus.dead_letters = dead;
    bag
}

fn told(dead: u64, size: (u16, u16)) -> Console {
    let mut console = Console::new(sample::line(), size);
    console.tell(Msg::Mail(Box::new(bag(dead))));
    console
}

#[test]
fn each_page_shows_what_there_is_and_drives_no_terminal() {
    let mut console = told(2, (120, 40));
    console.keys("8<right>");
    shows(&console, "the api is ready");
    console.keys("<right>");
    shows(&console, "review me");
    shows(&console, "delivered");
    console.keys("<right>");
    assert_eq!(console.model.mail.page, Page::Dead);
    shows(&console, "too_many_deliveries");
    shows(&console, "red alert");
    // What is selected is shown whole beneath.
    shows(
        &console,
        "12  1970-01-01T00:00:00Z  from ann to coordination_events",
    );
    console.keys("<right>");
    assert_eq!(console.model.mail.page, Page::Topics);
    // Nothing of it breaks where there is hardly any room.
    for size in [(1, 1), (20, 5), (40, 12)] {
        let mut console = told(2, size);
        console.keys("8<left>").screen();
    }
}

#[test]
fn dead_letters_are_counted_in_every_view_and_only_if_there_are_any() {
    let mut console = told(0, (120, 40));
    lacks(&console, "dead");
    console.tell(Msg::Mail(Box::new(bag(3))));
    for key in ["1", "2", "3", "4", "5", "6", "7", "8"] {
        console.keys(key);
        shows(&console, "3 dead");
    }
}

#[test]
fn a_letter_is_put_back_or_thrown_away_from_its_page_alone() {
    let mut console = told(2, (120, 40));
    console.keys("8");
    settle(&mut console.model);
    let run = |console: &mut Console, action: &str| {
        let effects = obeya::ui::update::perform(&mut console.model, action);
        settle(&mut console.model);
        effects
    };
    assert_eq!(
        run(&mut console, "requeue"),
        [],
        "a topic is no dead letter"
    );
    console.keys("<left>");
    let requeued = run(&mut console, "requeue");
    assert_eq!(requeued, [Effect::Mail(MailAct::Requeue(2))]);
    console.keys("j");
    // What is thrown away is gone, so that is asked first, and a no leaves it.
    assert_eq!(run(&mut console, "purge"), []);
    shows(&console, "Throw dead letter 1 away?");
    assert_eq!(run(&mut console, "no"), []);
    lacks(&console, "Throw dead letter 1 away?");
    assert_eq!(run(&mut console, "purge"), []);
    let purged = run(&mut console, "yes");
    assert_eq!(purged, [Effect::Mail(MailAct::Purge(1))]);
    // When it is gone, what stands in its place is selected.
    let mut left = bag(2);
    left.dead.pop();
    update(&mut console.model, Msg::Mail(Box::new(left)));
    settle(&mut console.model);
    assert_eq!(console.model.mail.letter(), Some(2));
    console.keys("4");
    assert_eq!(
        (console.model.view, run(&mut console, "purge")),
        (View::Andon, vec![])
    );
}

#[test]
fn new_dead_letters_call_once_until_somebody_has_looked() {
    let mut console = told(2, (120, 40));
    let tell = |console: &mut Console, dead: u64| {
        let effects = update(&mut console.model, Msg::Mail(Box::new(bag(dead))));
        let calls = effects
            .into_iter()
            .filter(|effect| matches!(effect, Effect::Notify(_)));
        calls.count()
    };
    assert_eq!(tell(&mut console, 2), 0, "those that were there at first");
    assert_eq!(tell(&mut console, 3), 1);
    assert_eq!(tell(&mut console, 9), 0, "a flood is one call");
    console.keys("8<left>");
    assert_eq!(tell(&mut console, 10), 0, "somebody looks at them");
    console.keys("1");
    assert_eq!(tell(&mut console, 11), 1);
    assert_eq!(tell(&mut console, 0), 0);
    assert_eq!(tell(&mut console, 12), 1, "there were none in between");
}

#[test]
fn the_mouse_turns_the_pages_and_selects_rows() {
    let mut console = told(3, (120, 40));
    console.keys("8");
    obeya::ui::update::perform(&mut console.model, "mouse");
    let screen = console.screen();
    let place = |screen: &str, text: &str| {
        let row = screen.lines().position(|line| line.contains(text)).unwrap();
        let line = screen.lines().nth(row).unwrap();
        let column = line.split(text).next().unwrap().chars().count();
        (u16::try_from(column).unwrap(), u16::try_from(row).unwrap())
    };
    let click = |console: &mut Console, (x, y): (u16, u16)| {
        let at = console.model.now;
        update(
            &mut console.model,
            Msg::Mouse(Mouse {
                deed: Deed::Down,
                x,
                y,
                at,
            }),
        );
        settle(&mut console.model);
    };
    click(&mut console, place(&screen, "Dead letters 3"));
    assert_eq!(console.model.mail.page, Page::Dead);
    let screen = console.screen();
    let (x, y) = place(&screen, "too_many_deliveries");
    click(&mut console, (x, y + 2));
    assert_eq!(console.model.mail.letter(), Some(1));
    // Beneath the rows there is nothing to select.
    click(&mut console, (x, y + 5));
    assert_eq!(console.model.mail.letter(), Some(1));
}

#[test]
fn where_messages_can_go_is_known_before_one_was_sent() {
    let mut console = Console::new(sample::line(), (80, 24));
    console.keys("8");
    for (address, purpose) in [
        ("work_order_events", "what happens to work orders"),
        ("quality_gate_events", "what quality gates found"),
        ("agent_status_events", "how agents are"),
        ("andon_alerts", "alerts: raised, held, resolved"),
        ("system_events", "the ledger, its host, its settings"),
        ("coordination_events", "what agents tell each other"),
        ("@ada", "to you"),
        ("@rust-dev", "to this agent"),
    ] {
        let screen = console.screen();
        let row = screen
            .lines()
            .find(|line| line.contains(address) && line.contains(purpose));
        assert!(row.is_some(), "{address}: {screen}");
    }
    shows(&console, "kept");
    shows(&console, ":bus publish work_order_events TEXT");
    console.keys("j");
    shows(&console, "obeya bus subscribe quality_gate_events");
    for (page, said) in [
        ("<right>", ":bus publish coordination_events TEXT"),
        ("<right>", "others write to @ada"),
        ("<right>", "what cannot be delivered comes here"),
    ] {
        console.keys(page);
        shows(&console, said);
    }
    for size in [(1, 1), (20, 5), (40, 12), (200, 60)] {
        console.tell(Msg::Resize(size.0, size.1));
        console.keys("<right>").screen();
    }
}
