//! The console's look at the bus: again whenever something was sent, and told only when it is another.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle, Thread},
    time::{Duration, Instant},
};

use super::Post;
use crate::{
    domain::message::Reader,
    link::{
        Fault, Home,
        bus::{Broker, Caller, Letters, MessageBus},
    },
    ui::{
        mail::{MailAct, Mailbag, ROWS, inbox_of},
        msg::Msg,
    },
};

/// How often it is looked whether there are messages at all, as long as there are none, and how often the ledger's news
/// are announced on the bus at most.
const CANDIDACY: Duration = Duration::from_secs(5);

/// How long after a look the next one is at the earliest: a console is for eyes, and the line's own writers come first.
const SPACING: Duration = Duration::from_millis(250);

/// Watches the bus until it is dropped.
pub(super) struct Watcher {
    ended: Arc<AtomicBool>,
    waker: Thread,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Watches the bus of the ledger in `home`. A console that only looks announces nothing either.
    pub(super) fn start(home: Home, caller: Caller, looks: bool, post: Post) -> Watcher {
        let ended = Arc::<AtomicBool>::default();
        let over = Arc::clone(&ended);
        let thread = thread::spawn(move || {
            let mut told = None;
            while !over.load(Ordering::Acquire) {
                // A console makes no bus: whoever sends first does.
                if home.messages().exists()
                    && let Err(fault) = watch(&home, &caller, looks, &post, &over, &mut told)
                {
                    tracing::warn!(%fault, "messages cannot be shown");
                }
                thread::park_timeout(CANDIDACY);
            }
        });
        Watcher {
            ended,
            waker: thread.thread().clone(),
            thread: Some(thread),
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        self.waker.unpark();
        // It may wait for a bell for some seconds, and nobody waits for it.
        drop(self.thread.take());
    }
}

fn watch(
    home: &Home,
    caller: &Caller,
    looks: bool,
    post: &Post,
    over: &AtomicBool,
    told: &mut Option<Mailbag>,
) -> Result<(), Fault> {
    let mut broker = Broker::open(home)?;
    let bell = broker.bell();
    let mut announced: Option<Instant> = None;
    while !over.load(Ordering::Acquire) {
        if !looks && announced.is_none_or(|last| last.elapsed() >= CANDIDACY) {
            broker.relay()?;
            announced = Some(Instant::now());
        }
        if broker.changed()? || told.is_none() {
            let seen = look(&mut broker, caller)?;
            if told.as_ref() != Some(&seen) {
                post.tell(Msg::Mail(Box::new(seen.clone())));
                *told = Some(seen);
            }
        }
        bell.wait(CANDIDACY);
        thread::park_timeout(SPACING);
    }
    Ok(())
}

/// Does what was asked about a dead letter, and returns what to say and how the bus stands then.
pub(super) fn act(home: &Home, caller: &Caller, act: MailAct) -> Vec<Msg> {
    match Broker::open(home) {
        Ok(mut broker) => act_on(&mut broker, caller, act),
        Err(fault) => vec![Msg::Printed {
            ticket: 0,
            output: Err(fault.to_string()),
        }],
    }
}

/// The same on a bus, wherever it is.
pub(super) fn act_on(bus: &mut dyn MessageBus, caller: &Caller, act: MailAct) -> Vec<Msg> {
    let letters = |number| Letters::These(vec![number]);
    let ruled = match act {
        MailAct::Requeue(number) => bus.requeue(caller, &letters(number)),
        MailAct::Purge(number) => bus.purge(caller, &letters(number)),
    };
    let done = ruled.and_then(|ruled| Ok((ruled, look(bus, caller)?)));
    let (output, seen) = match done {
        Ok((Ok(_), seen)) => {
            let said = match act {
                MailAct::Requeue(number) => format!("dead letter {number} is put back"),
                MailAct::Purge(number) => format!("dead letter {number} is gone"),
            };
            (Ok(said), Some(seen))
        }
        Ok((Err(refusal), seen)) => (Err(format!("refused: {refusal}")), Some(seen)),
        Err(fault) => (Err(fault.to_string()), None),
    };
    let seen = seen.map(|seen| Msg::Mail(Box::new(seen)));
    let said = Msg::Printed { ticket: 0, output };
    seen.into_iter().chain([said]).collect()
}

/// Looks at a bus, wherever it is.
pub(super) fn look(bus: &mut dyn MessageBus, caller: &Caller) -> Result<Mailbag, Fault> {
    let own: Option<Reader> = inbox_of(&caller.actor.name);
    Ok(Mailbag {
        bus: bus.glance(caller)?,
        recent: bus.recent(caller, ROWS)?,
        inbox: match own {
            Some(own) => bus.pending(caller, &own, ROWS)?,
            None => Vec::new(),
        },
        dead: bus.letters(caller, ROWS)?,
    })
}
