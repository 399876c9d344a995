//! Who hands an agent its messages, and does on the bus what the agent wants.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::Instant,
};

use super::{
    super::context::Context,
    words::{self, Said, Wanted},
};
use crate::{
    config::line::AgentRule,
    domain::{
        command::Role,
        message::{Address, Delivery, Draft, MessageSeq, MessageView, Name, Reader, Topic},
        order::Actor,
        refusal::Refusal,
        time::{SECOND, Timestamp},
    },
    engine::bus::{Broker, Bus, Caller, MAX_TIMEOUT, Wake},
    ledger::messages::{Ruled, Start},
};

/// How many messages an agent has in hand at most: enough for one that does several things at once, and no more than its
/// pipe and the host's memory hold.
const HAND: usize = 16;
/// How many messages an agent is handed without a word about any: all it may have in hand, as often as each is given out.
/// What comes for one that does not listen waits on the bus, where it is bounded, and not in its pipe.
const UNHEARD: usize = 5 * HAND;
/// How many of its requests may be open at a time.
const REQUESTS: usize = 16;
/// How long a request waits where nobody says how long.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often is looked for what comes back without a ring: what another gave up, or was put back.
const LOOK: Duration = Duration::from_secs(30);
/// How soon something is tried again at the earliest.
const SOON: Duration = Duration::from_millis(50);

/// A message in the agent's hands.
struct Held {
    reader: Reader,
    due: Timestamp,
}

/// Stands between one run of an agent and the bus.
pub(super) struct Clerk {
    context: Arc<Context>,
    caller: Caller,
    /// Where the agent's messages come from, first what is to it alone.
    readers: Vec<Reader>,
    bus: Option<Bus>,
    wake: Wake,
    lines: mpsc::Sender<String>,
    hand: BTreeMap<MessageSeq, Held>,
    /// How many it was handed since it last said anything about one.
    unheard: usize,
    /// Whether more may wait than was handed over, and whether something made room for it.
    more: bool,
    freed: bool,
    working: bool,
    requests: JoinSet<String>,
    over: watch::Sender<bool>,
}

impl Clerk {
    pub(super) fn new(
        context: Arc<Context>,
        rule: &AgentRule,
        lines: mpsc::Sender<String>,
    ) -> Self {
        let own = rule.name.parse::<Name>().ok();
        let role = rule
            .role
            .as_deref()
            .and_then(|role| role.parse::<Name>().ok());
        let role = role.filter(|role| Some(role) != own.as_ref());
        let topics = rule
            .topics
            .iter()
            .filter_map(|topic| topic.parse::<Topic>().ok());
        let named = own.clone();
        let topics = topics.filter_map(move |topic| Some(Reader::of_topic(topic, named.clone()?)));
        Clerk {
            context,
            caller: Caller {
                actor: Actor::agent(&rule.name),
                role: Role::Agent,
            },
            readers: own
                .into_iter()
                .chain(role)
                .map(Reader::of_inbox)
                .chain(topics)
                .collect(),
            bus: None,
            wake: Wake::default(),
            lines,
            hand: BTreeMap::new(),
            unheard: 0,
            more: false,
            freed: false,
            working: false,
            requests: JoinSet::new(),
            over: watch::channel(false).0,
        }
    }

    /// Works until nobody says anything more, and gives back what is left in the agent's hands.
    pub(super) async fn run(
        mut self,
        mut said: mpsc::Receiver<Said>,
        mut working: watch::Receiver<bool>,
    ) {
        let mut look = true;
        loop {
            if look {
                self.look().await;
            }
            let next = self.next_look();
            look = true;
            tokio::select! {
                heard = said.recv() => match heard {
                    None => break,
                    Some(said) => {
                        self.act(said).await;
                        look = self.more && std::mem::take(&mut self.freed);
                    }
                },
                () = self.wake.rung() => {}
                changed = working.changed() => {
                    self.working = changed.is_ok() && *working.borrow();
                }
                Some(answered) = self.requests.join_next() => {
                    if let Ok(line) = answered {
                        self.tell(line).await;
                    }
                    look = false;
                }
                () = tokio::time::sleep_until(next) => {}
            }
        }
        self.close().await;
    }

    /// Says something to the agent; one that is gone hears nothing.
    async fn tell(&self, line: String) {
        let _ = self.lines.send(line).await;
    }

    /// Returns the bus, which begins with the first agent that needs it.
    async fn bus(&mut self) -> Option<Bus> {
        if self.bus.is_none() {
            let bus = self.context.bus().await?;
            let (caller, readers) = (self.caller.clone(), self.readers.clone());
            for reader in &readers {
                bus.wake(&self.wake, reader.address().clone());
            }
            let begun = bus.ask(move |broker| {
                for reader in &readers {
                    if let Err(refusal) = broker.subscribe(&caller, reader, Start::Here)? {
                        tracing::warn!(%refusal, "an agent's topics are not heard");
                    }
                }
                Ok(())
            });
            if let Err(fault) = begun.await.and_then(|done| done) {
                tracing::warn!(%fault, "an agent's topics are not heard yet");
                return None;
            }
            self.bus = Some(bus);
        }
        self.bus.clone()
    }

    /// Returns when something is to be looked at that nobody rings for.
    fn next_look(&self) -> Instant {
        let now = self.context.now();
        let due = self.hand.values().map(|held| held.due.since(now)).min();
        // Well before it is due, as long as the agent may keep it.
        let due = due.map(|left| if self.working { left / 2 } else { left });
        let left = due.map(|left| Duration::from_micros(u64::try_from(left).unwrap_or(0)));
        Instant::now() + left.unwrap_or(LOOK).clamp(SOON, LOOK)
    }

    /// Hands over what there is, as far as there is room. What an agent at work has in hand stays there.
    async fn look(&mut self) {
        let Some(bus) = self.bus().await else { return };
        let now = self.context.now();
        let left = self
            .hand
            .values()
            .filter(|held| self.working || held.due > now);
        let room = HAND.saturating_sub(left.count());
        let room = room.min(UNHEARD.saturating_sub(self.unheard));
        let kept = match self.working {
            true => self.by_reader(),
            false => vec![],
        };
        let (caller, readers) = (self.caller.clone(), self.readers.clone());
        let looked = bus.ask(move |broker| hand_over(broker, &caller, &readers, kept, room));
        let ((still, length), given) = match looked.await.and_then(|done| done) {
            Ok(looked) => looked,
            Err(fault) => {
                tracing::warn!(%fault, "an agent's messages could not be read");
                // What is due is given out again when they can be.
                return self.hand.retain(|_, held| held.due > now);
            }
        };
        // What is neither kept nor given again is in other hands by now, or dead.
        for seq in still {
            if let Some(held) = self.hand.get_mut(&seq) {
                held.due = now.plus(length);
            }
        }
        self.hand.retain(|_, held| held.due > now);
        self.more = given.len() >= room;
        for (reader, delivery) in given {
            let held = Held {
                reader,
                due: delivery.due,
            };
            self.hand.insert(delivery.message.seq, held);
            self.unheard += 1;
            self.tell(words::handed(&delivery)).await;
        }
    }

    /// Returns what is in the agent's hands, by whom it came to.
    fn by_reader(&self) -> Vec<(Reader, Vec<MessageSeq>)> {
        let mut sorted: BTreeMap<&Reader, Vec<MessageSeq>> = BTreeMap::new();
        for (seq, held) in &self.hand {
            sorted.entry(&held.reader).or_default().push(*seq);
        }
        sorted
            .into_iter()
            .map(|(reader, seqs)| (reader.clone(), seqs))
            .collect()
    }

    /// Does what the agent wants, and tells it what came of that.
    async fn act(&mut self, said: Said) {
        let line = match &said.wanted {
            Err(why) => Some(said.failed("invalid", why)),
            Ok(_) => match self.bus().await {
                Some(bus) => self.wanted(&bus, said).await,
                None => Some(said.failed(
                    "fault",
                    "the messages cannot be opened now; `obeya doctor` says why",
                )),
            },
        };
        if let Some(line) = line {
            self.tell(line).await;
        }
    }

    /// Returns what to tell the agent of it, if anything.
    async fn wanted(&mut self, bus: &Bus, mut said: Said) -> Option<String> {
        let wanted = std::mem::replace(&mut said.wanted, Err(String::new())).ok()?;
        let now = self.context.now();
        let done = match wanted {
            Wanted::Publish {
                address,
                body,
                key,
                ttl,
                correlation,
                reply_to,
            } => match words::body(&body) {
                Err(refusal) => Ok(Err(refusal)),
                Ok(body) => {
                    let mut draft = Draft::new(address, self.caller.actor.clone(), body);
                    draft.key = key;
                    draft.expires = ttl.map(|ttl| now.plus(i64::from(ttl) * SECOND));
                    draft.correlation = correlation;
                    draft.reply_to = reply_to;
                    let sent = bus.send(&self.caller, draft).await;
                    sent.map(|sent| sent.map(|sent| Some(sent.seq)))
                }
            },
            Wanted::Subscribe { address, from } => self.subscribe(bus, address, from).await,
            Wanted::Request {
                address,
                body,
                timeout,
            } => match self.request(bus, &said, address, &body, timeout) {
                Ok(()) => return None,
                Err(refusal) => Ok(Err(refusal)),
            },
            Wanted::Reply { message, body } => self.reply(bus, message, &body).await,
            Wanted::Ack { message } => self.settle(bus, message, None).await,
            Wanted::Refuse { message, note } => {
                self.settle(bus, message, Some(note.unwrap_or_default()))
                    .await
            }
        };
        match done {
            Ok(Ok(message)) => said.done(message),
            Ok(Err(refusal)) => Some(said.refused(&refusal)),
            Err(fault) => Some(said.failed("fault", &fault.to_string())),
        }
    }

    async fn subscribe(
        &mut self,
        bus: &Bus,
        address: Address,
        from: Option<MessageSeq>,
    ) -> Ruled<Option<MessageSeq>> {
        let own = self.caller.actor.name.parse::<Name>();
        let (Address::Topic(topic), Ok(name)) = (&address, own) else {
            let known = self
                .readers
                .iter()
                .any(|reader| *reader.address() == address);
            let why =
                "an inbox is its owner's: its own and its role's an agent hears without asking";
            return Ok(match known {
                true => Ok(None),
                false => Err(Refusal::invalid("address", why)),
            });
        };
        let reader = Reader::of_topic(*topic, name);
        let start = from.map_or(Start::Here, |from| Start::After(from.saturating_sub(1)));
        let (caller, asked) = (self.caller.clone(), reader.clone());
        let begun = bus
            .ask(move |broker| broker.subscribe(&caller, &asked, start))
            .await??;
        if begun.is_ok() && !self.readers.contains(&reader) {
            bus.wake(&self.wake, address);
            self.readers.push(reader);
        }
        // What was sent before it asked is handed over at once.
        self.wake.ring();
        Ok(begun.map(|()| None))
    }

    /// Sends a request, which waits beside everything else.
    fn request(
        &mut self,
        bus: &Bus,
        said: &Said,
        address: Address,
        body: &serde_json::Value,
        timeout: Option<u32>,
    ) -> Result<(), Refusal> {
        if self.requests.len() >= REQUESTS {
            return Err(Refusal::Limit {
                what: "open requests of an agent".into(),
                limit: REQUESTS as u64,
            });
        }
        let timeout = timeout.map_or(PATIENCE, |seconds| Duration::from_secs(seconds.into()));
        if timeout.is_zero() || timeout > MAX_TIMEOUT {
            let why = format!("a request waits 1 to {} s", MAX_TIMEOUT.as_secs());
            return Err(Refusal::invalid("timeout", why));
        }
        let draft = Draft::new(address, self.caller.actor.clone(), words::body(body)?);
        let (bus, caller, mut over) = (bus.clone(), self.caller.clone(), self.over.subscribe());
        let said = Said {
            kind: said.kind,
            reference: said.reference.clone(),
            wanted: Err(String::new()),
        };
        self.requests.spawn(async move {
            let over = async move { drop(over.wait_for(|over| *over).await) };
            match bus.request(&caller, draft, timeout, over).await {
                Ok(Ok(answer)) => said.answered(&MessageView::from(&answer)),
                Ok(Err(refusal)) => said.refused(&refusal),
                Err(fault) => said.failed("fault", &fault.to_string()),
            }
        });
        Ok(())
    }

    async fn reply(
        &mut self,
        bus: &Bus,
        message: MessageSeq,
        body: &serde_json::Value,
    ) -> Ruled<Option<MessageSeq>> {
        let body = match words::body(body) {
            Ok(body) => body,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let reader = self.let_go(message);
        let caller = self.caller.clone();
        let sent = bus.ask(move |broker| broker.reply(&caller, reader.as_ref(), message, body));
        Ok(sent.await??.map(|sent| Some(sent.seq)))
    }

    /// Acknowledges a message, or gives it back for good with a note.
    async fn settle(
        &mut self,
        bus: &Bus,
        message: MessageSeq,
        note: Option<String>,
    ) -> Ruled<Option<MessageSeq>> {
        let readers = match self.let_go(message) {
            Some(reader) => vec![reader],
            None => self.readers.clone(),
        };
        let caller = self.caller.clone();
        let settled = bus.ask(move |broker| settle(broker, &caller, &readers, message, note));
        settled.await?
    }

    /// Takes a message out of the agent's hands, and returns by whom it came. The agent listens, so that it may be handed
    /// more.
    fn let_go(&mut self, message: MessageSeq) -> Option<Reader> {
        self.unheard = 0;
        self.freed = true;
        self.hand.remove(&message).map(|held| held.reader)
    }

    async fn close(mut self) {
        self.over.send_replace(true);
        while self.requests.join_next().await.is_some() {}
        let held = self.by_reader();
        let (Some(bus), false) = (self.bus, held.is_empty()) else {
            return;
        };
        let caller = self.caller;
        let given = bus.ask(move |broker| {
            for (reader, seqs) in held {
                if let Err(fault) = broker.give_back(&caller, &reader, &seqs) {
                    tracing::warn!(%fault, "an agent's messages were not given back");
                }
            }
        });
        if let Err(fault) = given.await {
            tracing::warn!(%fault, "an agent's messages were not given back");
        }
    }
}

/// What is kept, for how long, and what is given out.
type Looked = ((Vec<MessageSeq>, i64), Vec<(Reader, Delivery)>);

/// Leaves messages for longer with who has them, and gives out others.
fn hand_over(
    broker: &mut Broker,
    caller: &Caller,
    readers: &[Reader],
    kept: Vec<(Reader, Vec<MessageSeq>)>,
    room: usize,
) -> Result<Looked, crate::ledger::Fault> {
    let mut still = Vec::new();
    for (reader, seqs) in kept {
        match broker.extend(caller, &reader, &seqs)? {
            Ok(seqs) => still.extend(seqs),
            Err(refusal) => tracing::warn!(%refusal, "an agent's messages are not left with it"),
        }
    }
    let mut given = Vec::new();
    for reader in readers {
        // To look would begin a subscription again that somebody has ended.
        if !broker.knows(reader)? {
            continue;
        }
        match broker.take(caller, reader, room - given.len())? {
            Ok(taken) => given.extend(taken.into_iter().map(|taken| (reader.clone(), taken))),
            Err(refusal) => tracing::warn!(%refusal, "an agent's messages are not given out"),
        }
    }
    Ok(((still, broker.terms().visibility), given))
}

fn settle(
    broker: &mut Broker,
    caller: &Caller,
    readers: &[Reader],
    message: MessageSeq,
    note: Option<String>,
) -> Ruled<Option<MessageSeq>> {
    for reader in readers {
        let done = match &note {
            None => broker
                .acknowledge(caller, reader, &[message])?
                .map(|done| done > 0),
            Some(note) => broker.refuse(caller, reader, message, note)?,
        };
        match done {
            Ok(true) => return Ok(Ok(None)),
            Ok(false) => {}
            Err(refusal) => return Ok(Err(refusal)),
        }
    }
    let why = format!(
        "message {message} is not in your hands: it was settled, or came back when its time was up"
    );
    Ok(Err(Refusal::invalid("message", why)))
}
