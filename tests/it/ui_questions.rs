//! What the console asks before it is too late: over an agent's work, before what was written is lost, and about the
//! very claim that was seen.

use obeya::{
    domain::{
        command::{Command, Destination},
        order::{Actor, Bucket},
    },
    ui::{
        msg::{Failure, Msg},
        update::update,
    },
};

use crate::support::{
    console::{Console, lacks, shows},
    sample::{self, wo},
};

fn console() -> Console {
    let mut console = Console::new(sample::line(), (120, 40));
    console.keys("2");
    console
}

/// In the sample, the agent rust-dev has WO-012 by a lease of four hours, ada has WO-019.
#[test]
fn an_agents_order_is_not_completed_without_a_question() {
    let mut console = console();
    console.model.board.select(wo(12));
    console.keys("csku-1<enter>");
    shows(&console, "Complete WO-012, which rust-dev holds?");
    shows(&console, "rust-dev holds it; its lease lapses now.");
    console.keys("<enter>");
    assert!(console.world.state.order(wo(12)).is_some());
    console.keys("n");
    lacks(&console, "Complete WO-012");
    assert!(console.world.state.order(wo(12)).is_some());
    console.keys("c<enter>y");
    assert!(console.world.state.order(wo(12)).is_none());
}

#[test]
fn the_question_says_how_long_the_lease_runs() {
    let mut console = console();
    let rust = Actor::agent("rust-dev");
    let claim = Command::ClaimOrder {
        id: wo(25),
        lease_seconds: Some(2 * 3600),
    };
    console.world.order(&rust, claim);
    console.world.wait(30);
    console.publish();
    console.model.board.select(wo(25));
    console.keys("xnot now<enter>");
    shows(&console, "Cancel WO-025, which rust-dev holds?");
    shows(&console, "its lease runs 1h 30m more");
    console.keys("y");
    assert!(console.world.state.order(wo(25)).is_none());
}

#[test]
fn moving_an_agents_order_to_done_asks_too_and_ones_own_does_not() {
    let mut console = console();
    console.model.board.select(wo(18));
    // An alert is about it, but holds nothing; it stands in the last stage.
    console.keys("><enter>");
    shows(&console, "Complete WO-018, which test-engineer holds?");
    console.keys("n");
    console.model.board.select(wo(19));
    console.keys("c<enter>");
    assert!(console.world.state.order(wo(19)).is_none());
}

/// Lets rust-dev's claim on WO-012 end, and the writer claim it.
fn hand_over(console: &mut Console) {
    let release = Command::ReleaseOrder {
        id: wo(12),
        force: true,
        reason: Some("lunch".into()),
    };
    console.world.order(&Actor::person("noor"), release);
    let claim = Command::ClaimOrder {
        id: wo(12),
        lease_seconds: None,
    };
    console.world.order(&Actor::agent("doc-writer"), claim);
}

fn holder(console: &Console) -> Option<String> {
    let order = console.world.state.order(wo(12))?;
    order.work().map(|work| work.holder.name.clone())
}

#[test]
fn a_claim_that_changed_hands_is_not_broken_by_mistake() {
    let mut console = console();
    console.model.board.select(wo(12));
    console.keys("r");
    shows(&console, "Take WO-012 from rust-dev");
    hand_over(&mut console);
    console.publish();
    console.keys("too slow<enter>");
    shows(
        &console,
        "WO-012 changed hands meanwhile, doc-writer has it now",
    );
    assert_eq!(holder(&console).as_deref(), Some("doc-writer"));
    console.keys("rtoo slow<enter>");
    assert_eq!(holder(&console), None);
}

#[test]
fn a_claim_that_changes_hands_on_the_way_is_not_broken_either() {
    let mut console = console();
    console.model.board.select(wo(12));
    console.keys("rtoo slow");
    // The console does not know of it yet: the engine does.
    hand_over(&mut console);
    console.keys("<enter>");
    shows(&console, "refused: epoch 1 does not hold WO-012");
    assert_eq!(holder(&console).as_deref(), Some("doc-writer"));
}

#[test]
fn a_yes_is_about_the_lease_that_was_asked_about() {
    let mut console = console();
    console.model.board.select(wo(12));
    console.keys("c<enter>");
    hand_over(&mut console);
    console.keys("y");
    shows(&console, "refused: epoch 1 does not hold WO-012");
    assert!(console.world.state.order(wo(12)).is_some());
}

#[test]
fn what_was_written_is_not_lost_by_one_key() {
    let mut console = console();
    console.keys("o<esc>");
    assert!(
        console.model.overlay.is_none(),
        "a clean form closes at once"
    );
    console.keys("oCount the parcels<esc>");
    shows(&console, "Discard what you wrote?");
    shows(&console, "keep writing");
    console.keys("<esc>");
    shows(&console, "Count the parcels");
    console.keys(" twice<ctrl-c>n<ctrl-s>");
    let made = console.world.state.order(wo(28)).unwrap();
    assert_eq!(made.title, "Count the parcels twice");
    console.keys("asome thoughts<esc>");
    shows(&console, "Comment on WO-028");
    console.keys("y");
    assert!(console.model.overlay.is_none());
    assert_eq!(console.world.state.order(wo(28)).unwrap().comments, 0);
}

/// The refusal of a form comes when another dialog is open already.
#[test]
fn a_refused_form_waits_for_its_turn() {
    let mut console = console();
    let key = |console: &mut Console, key: &str| {
        update(&mut console.model, Msg::Key(key.parse().unwrap()))
    };
    console.keys("oLate news");
    let effects = key(&mut console, "ctrl-s");
    let [obeya::ui::effect::Effect::Submit { ticket, .. }] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    console.keys("asomething else");
    let refusal = obeya::domain::refusal::Refusal::invalid("title", "no");
    console.tell(Msg::Submitted {
        ticket: *ticket,
        outcome: Err(Failure::Refused(refusal)),
    });
    shows(&console, "something else");
    lacks(&console, "New work order");
    // A page that comes meanwhile waits too.
    console.tell(Msg::Printed {
        ticket: 9,
        output: Ok("a page\nof lines".into()),
    });
    shows(&console, "something else");
    console.keys("<ctrl-s>");
    shows(&console, "New work order");
    shows(&console, "Late news");
    console.keys("<esc>y");
    shows(&console, "of lines");
}

#[test]
fn what_is_done_is_fetched_anew_when_only_its_count_stays() {
    let mut console = console();
    let done = |console: &Console| console.model.board.columns.last().unwrap().ids.clone();
    let before = done(&console);
    assert!(before.contains(&wo(11)) && !before.contains(&wo(19)));
    let ada = Actor::person("ada");
    let reopen = Command::ReopenOrder {
        id: wo(11),
        reason: None,
    };
    console.world.order(&ada, reopen);
    let complete = Command::CompleteOrder {
        id: wo(19),
        sku: None,
        note: None,
    };
    console.world.order(&ada, complete);
    console.publish();
    let after = done(&console);
    assert!(!after.contains(&wo(11)) && after.contains(&wo(19)));
    // One that is edited and done again shows what it is called now.
    let edit = Command::EditOrder {
        id: wo(11),
        changes: obeya::domain::event::Changes {
            title: Some("Weekly backups".into()),
            bucket: Some(Bucket::Cost),
            ..Default::default()
        },
        add_labels: vec![],
        remove_labels: vec![],
    };
    for command in [
        edit,
        Command::StartOrder { id: wo(11) },
        Command::MoveOrder {
            id: wo(11),
            to: Destination::Right,
        },
        Command::CompleteOrder {
            id: wo(11),
            sku: None,
            note: None,
        },
        Command::ReopenOrder {
            id: wo(10),
            reason: None,
        },
    ] {
        console.world.order(&ada, command);
    }
    console.publish();
    shows(&console, "Weekly backups");
}
