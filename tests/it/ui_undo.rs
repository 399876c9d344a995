//! Acts are taken back for ten seconds: by new commands, and never over somebody's later change.

use obeya::{
    domain::{
        command::{Command, Role},
        event::Changes,
        order::{Actor, Order},
        refusal::Refusal,
        time::SECOND,
    },
    ui::msg::Msg,
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

/// Returns what of an order an undo has to bring back.
fn seen(order: &Order) -> String {
    let work = order.work().map(|work| (&work.stage, &work.holder));
    let fields = (order.bucket, order.priority, &order.title, &order.assignee);
    format!("{work:?} {fields:?} {:?}", order.depends_on)
}

#[test]
fn acts_are_taken_back_by_new_commands() {
    for (id, act, said) in [
        (27, "s", "WO-027 started"),
        (17, "H", "moved from code to design"),
        (17, "L", "moved from code to test"),
        (17, "r", "released"),
        (17, "csku-1<enter>", "completed"),
        (17, "xno<enter>y", "cancelled"),
        (22, "p9<enter>", "priority"),
        (22, "bcost<enter>", "bucket"),
        (22, "d20<enter>", "waits for WO-020"),
        (16, "D<enter>", "WO-015"),
        (22, "xno<enter>y", "cancelled"),
    ] {
        let mut console = console();
        console.model.board.select(wo(id));
        let before = seen(console.world.state.order(wo(id)).unwrap());
        let records = console.world.records.len();
        console.keys(act);
        shows(&console, said);
        shows(&console, "u undoes it");
        let after = console.world.state.order(wo(id)).map(|order| seen(order));
        assert_ne!(after.as_ref(), Some(&before), "{act}");
        let done = console.world.records.len();
        assert!(done > records);
        console.keys("u");
        shows(&console, "undone");
        let again = seen(console.world.state.order(wo(id)).unwrap());
        assert_eq!(again, before, "{act}");
        assert!(console.world.records.len() > done, "{act}: a new record");
        // What was taken back is over.
        console.keys("u");
        shows(&console, "there is nothing to take back");
    }
}

#[test]
fn what_cannot_be_taken_back_says_so() {
    let mut console = console();
    console.model.board.select(wo(22));
    console.keys("ahello<ctrl-s>");
    shows(&console, "it cannot be undone");
    console.keys("u");
    shows(&console, "there is nothing to take back");
}

#[test]
fn what_reopening_does_not_bring_back_is_said() {
    for act in ["c<enter>y", "xno<enter>y"] {
        let mut console = console();
        console.model.board.select(wo(18));
        console.keys(act);
        console.keys("u");
        let said = "undone: WO-018 is back in the queue; it was in test with test-engineer";
        shows(&console, said);
        assert!(console.world.state.order(wo(18)).unwrap().work().is_none());
    }
}

#[test]
fn many_are_taken_back_at_once() {
    let mut console = console();
    console.keys("/bucket:cost<enter>Vxno<enter>y");
    shows(&console, "Cancel: 2 orders done   u undoes it");
    console.keys("u");
    shows(&console, "undo of 2 orders: 2 orders done");
    assert_eq!(console.world.state.counts.cancelled, 0);
    assert!(console.world.state.order(wo(20)).is_some());
}

#[test]
fn a_pulled_order_and_a_created_one_are_taken_back() {
    let mut console = console();
    console.keys("nu");
    assert!(console.world.state.order(wo(27)).unwrap().work().is_none());
    console.keys("oBy mistake<ctrl-s>u");
    assert!(console.world.state.order(wo(28)).is_none());
    console.keys("!Wrong cord<ctrl-s>y");
    assert_eq!(console.world.state.alerts.len(), 3);
    console.keys("u");
    assert_eq!(console.world.state.alerts.len(), 2);
}

#[test]
fn after_ten_seconds_it_is_too_late() {
    let mut console = console();
    console.keys("n");
    shows(&console, "u undo");
    let until = console.model.wakes_at().unwrap();
    assert_eq!(until, console.world.now.plus(10 * SECOND));
    console.tell(Msg::Tick(until.plus(-1)));
    shows(&console, "u undoes it");
    console.tell(Msg::Tick(until));
    lacks(&console, "undo");
    // One wake-up was enough.
    assert_eq!(console.model.wakes_at(), None);
    let records = console.world.records.len();
    console.keys("u");
    shows(&console, "the ten seconds are over");
    assert_eq!(console.world.records.len(), records);
}

fn edit(title: &str) -> Command {
    Command::EditOrder {
        id: wo(22),
        changes: Changes {
            title: Some(title.into()),
            ..Changes::default()
        },
        add_labels: vec![],
        remove_labels: vec![],
    }
}

#[test]
fn nobody_elses_change_is_taken_back() {
    let noor = Actor::person("noor");
    // Seen: the console knows, and does not ask.
    let mut console = console();
    console.model.board.select(wo(22));
    console.keys("p9<enter>");
    console.world.order(&noor, edit("Hers now"));
    console.publish();
    let records = console.world.records.len();
    console.keys("u");
    shows(&console, "noor changed WO-022 since");
    assert_eq!(console.world.records.len(), records);
    // Not seen yet: the rules refuse it.
    let mut console = self::console();
    console.model.board.select(wo(22));
    console.keys("p9<enter>");
    console.world.wait(1);
    console.world.order(&noor, edit("Hers now"));
    let records = console.world.records.len();
    console.keys("u");
    shows(&console, "refused: WO-022 was changed meanwhile");
    assert_eq!(console.world.records.len(), records);
    assert_eq!(console.world.state.order(wo(22)).unwrap().priority.get(), 9);
}

#[test]
fn a_change_in_between_is_told_by_the_rules_open_and_closed() {
    let mut world = sample::line();
    let ada = Actor::person("ada");
    let as_of = Some(world.state.order(wo(22)).unwrap().changed);
    let mut submit =
        |command: &Command, as_of| world.submit_as_of(&ada, Role::Operator, command, None, as_of);
    let stale = as_of.map(|at| at.plus(-1));
    assert_eq!(
        submit(&edit("x"), stale),
        Err(Refusal::Changed { id: wo(22) })
    );
    assert!(submit(&edit("x"), as_of).is_ok());
    let cancel = Command::CancelOrder {
        id: wo(22),
        reason: "no".into(),
    };
    let records = submit(&cancel, None).unwrap();
    let closed = records[0].time;
    let reopen = Command::ReopenOrder {
        id: wo(22),
        reason: None,
    };
    let stale = Some(closed.plus(1));
    assert_eq!(submit(&reopen, stale), Err(Refusal::Changed { id: wo(22) }));
    assert!(submit(&reopen, Some(closed)).is_ok());
}
