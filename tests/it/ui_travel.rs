//! The past on screen: what leads there, what is shown, that nothing is changed there, and the way back.

use obeya::{
    domain::{
        andon::Severity,
        command::Command,
        order::Actor,
        time::{SECOND, Timestamp},
    },
    ui::{effect::Effect, msg::Msg, update::update},
};

use crate::support::{
    console::{Console, lacks, shows},
    sample::{self, create, order},
};

fn console() -> Console {
    Console::new(sample::line(), (120, 40))
}

/// A titled order that comes an hour after the line of the sample.
fn later(console: &mut Console) {
    console.world.wait(60);
    let new = order("Came an hour later", obeya::domain::order::Bucket::Cost, 9);
    create(&mut console.world, new);
    console.publish();
}

#[test]
fn steps_lead_back_command_by_command_and_on_to_the_present() {
    let mut console = console();
    console.keys("2");
    later(&mut console);
    shows(&console, "Came an hour later");
    console.keys("[");
    shows(&console, "PAST");
    lacks(&console, "Came an hour later");
    console.keys("]");
    shows(&console, "Came an hour later");
    // The newest record was reached by a step: it is still the past until one goes on.
    console.keys("]");
    lacks(&console, "PAST");
    assert!(console.model.travel.present.is_none());
}

#[test]
fn every_view_shows_what_was_and_esc_comes_back() {
    let mut console = console();
    later(&mut console);
    console.keys("@");
    shows(&console, "Show the line as it stood");
    console.keys("-30m<enter>");
    for view in ["1", "2", "3", "4", "5", "6"] {
        console.keys(view);
        shows(&console, "PAST");
        lacks(&console, "Came an hour later");
    }
    console.keys("<esc>");
    lacks(&console, "PAST");
    console.keys("6");
    shows(&console, "Came an hour later");
}

#[test]
fn a_way_that_is_given_up_ends_in_the_present() {
    let mut console = console();
    later(&mut console);
    // The way is long: its end comes after it was given up.
    let set_out = update(&mut console.model, Msg::Key("[".parse().unwrap()));
    assert!(matches!(
        set_out.as_slice(),
        [Effect::Travel {
            moment: Some(_),
            ..
        }]
    ));
    shows(&console, "going back");
    let given_up = update(&mut console.model, Msg::Key("<esc>".parse().unwrap()));
    assert!(matches!(
        given_up.as_slice(),
        [Effect::Travel { moment: None, .. }]
    ));
    lacks(&console, "going back");
}

#[test]
fn nothing_is_changed_in_the_past() {
    let mut console = console();
    later(&mut console);
    let head = console.world.state.head;
    console.keys("2[");
    for key in ["s", "c", "x", "n", "o", "!", "e"] {
        console.keys(key);
        assert!(console.model.overlay.is_none(), "{key}");
        shows(&console, "nothing can be changed in the past");
    }
    console.keys(":work-order create --title no<enter>");
    shows(&console, "the past takes no command lines");
    assert!(
        !console
            .wishes
            .iter()
            .any(|wish| matches!(wish, Effect::Run { .. }))
    );
    assert_eq!(console.world.state.head, head);
}

#[test]
fn what_is_wrong_now_is_seen_in_the_past_too() {
    let mut console = console();
    later(&mut console);
    console.keys("2[");
    let alarm = Command::TriggerAndon {
        reason: "the vault is open".into(),
        severity: Severity::Critical,
        hold: None,
        fingerprint: None,
        order: None,
    };
    console.world.order(&Actor::person("bo"), alarm);
    console.publish();
    shows(&console, "the vault is open");
    shows(&console, "PAST");
    // The events of the past are not mixed with what happens now.
    console.keys("6");
    assert_eq!(console.screen().matches("the vault is open").count(), 1);
    console.keys("<esc><esc>");
    lacks(&console, "PAST");
    assert!(console.screen().matches("the vault is open").count() > 1);
}

#[test]
fn the_past_plays_at_speed_until_it_is_the_present() {
    let mut console = console();
    later(&mut console);
    console.keys("2");
    console.keys("@-10m<enter>");
    let from = console.model.now;
    let mut clock = console.world.now;
    let mut tick = |console: &mut Console| {
        clock = Timestamp(clock.0 + SECOND / 4);
        console.tell(Msg::Tick(clock));
    };
    console.keys("p");
    shows(&console, "playing 60x");
    tick(&mut console);
    assert_eq!(console.model.now.since(from), 15 * SECOND);
    console.keys("++");
    tick(&mut console);
    assert_eq!(console.model.now.since(from), 165 * SECOND);
    for _ in 0..4 {
        tick(&mut console);
    }
    lacks(&console, "PAST");
    assert_eq!(
        console.model.wakes_at(),
        None,
        "the present needs no waking"
    );
}

#[test]
fn a_moment_that_is_none_is_refused_with_its_forms() {
    let mut console = console();
    for (typed, said) in [
        ("soon", "'soon' is not a moment; use -2h"),
        ("2031-01-01", "'2031-01-01' is in the future"),
        ("-x", "is not a duration"),
    ] {
        console.keys(&format!(":at {typed}<enter>"));
        shows(&console, said);
        lacks(&console, "PAST");
    }
}
