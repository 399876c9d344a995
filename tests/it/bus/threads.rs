//! The bus of a process that stays: groups, listeners, and what they hear of others.

use std::sync::{Arc, mpsc};

use obeya::{
    domain::{
        command::Role,
        message::{Draft, Topic, delivery::Terms},
        order::Actor,
        time::Timestamp,
    },
    engine::{HeldClock, bus::Broker},
    ledger::{Home, Identity, SqliteLedger},
    link::bus::{Bus, Caller},
};
use uuid::Uuid;

fn home(folder: &tempfile::TempDir) -> Home {
    let home = Home::new(folder.path().join("ledger")).unwrap();
    let identity = Identity {
        uuid: Uuid::nil(),
        incarnation: 1,
        created: Timestamp(0),
    };
    SqliteLedger::create(&home, identity).unwrap();
    home
}

fn broker(home: &Home) -> Broker {
    let clock = HeldClock::at(Timestamp(1_000_000));
    Broker::with(home, Terms::default(), Arc::new(clock)).unwrap()
}

fn caller(role: Role) -> Caller {
    Caller {
        actor: Actor::agent("ann"),
        role,
    }
}

fn draft(body: usize) -> Draft {
    let sender = Actor::agent("somebody else");
    Draft::new(Topic::CoordinationEvents.into(), sender, body.to_string())
}

#[test]
fn every_listener_hears_everything_in_order_however_far_behind_it_is() {
    const COUNT: usize = 3_000;
    let folder = tempfile::tempdir().unwrap();
    let home = home(&folder);
    let bus = Bus::start(broker(&home)).unwrap();
    let mut listeners: Vec<_> = (0..3)
        .map(|_| bus.listen(Topic::CoordinationEvents.into()).unwrap())
        .collect();
    let (sender, sent) = mpsc::channel();
    for n in 0..COUNT {
        let sender = sender.clone();
        bus.publish_then(&caller(Role::Agent), draft(n), move |done| {
            sender.send(done.unwrap().unwrap().seq).unwrap();
        });
    }
    let seqs: Vec<_> = sent.iter().take(COUNT).collect();
    assert!(seqs.windows(2).all(|two| two[0] < two[1]));
    for listener in &mut listeners {
        for n in 0..COUNT {
            let heard = listener.next_blocking().unwrap();
            assert_eq!(heard.draft.body, n.to_string());
            assert_eq!(heard.draft.sender.name, "ann", "it is sent by its own name");
        }
    }
    // What another process sends comes too, behind all that.
    broker(&home)
        .publish(&caller(Role::Agent), vec![draft(COUNT)])
        .unwrap()
        .unwrap();
    for listener in &mut listeners {
        assert_eq!(
            listener.next_blocking().unwrap().draft.body,
            COUNT.to_string()
        );
    }
}

#[test]
fn a_bus_that_ends_sends_what_waits_and_a_viewer_sends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(&folder);
    let bus = Bus::start(broker(&home)).unwrap();
    let refused = bus.publish(&caller(Role::Viewer), draft(0)).unwrap();
    assert_eq!(refused.unwrap_err().rule(), "role");
    for n in 0..700 {
        bus.publish_then(&caller(Role::Agent), draft(n), |_| {});
    }
    drop(bus);
    let sent = broker(&home).replay(None, 0, None, 1_000).unwrap();
    assert_eq!(sent.len(), 700);
}
