//! How much one caller may take of a server, so that nobody takes it from the others.

use std::{
    collections::{HashMap, HashSet},
    hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{domain::record::Hash, link::access::TokenId};

/// Connections at once from one address: a hall of consoles behind one gateway, and half of all there are.
pub(super) const MAX_OF_ADDRESS: usize = 256;
/// Requests of one address or one token at once: a page of dashboards that is opened, many times over.
const BURST: u32 = 2_000;
/// Requests of one address or one token a second, for long: far above what scripts and scrapers do, far below what
/// would keep the engine from its work.
const A_SECOND: u32 = 1_000;
/// Bad tokens of one address at once: somebody who mistypes.
const BAD_BURST: u32 = 10;
/// Bad tokens of one address a second, for long.
const BAD_A_SECOND: u32 = 1;
/// Questions of one token that are read for at once: half of what reads there are, so that no token takes them all.
const READS: usize = super::READERS / 2;
/// Addresses, or tokens, whose requests are counted apart; what is beyond shares a count.
const MAX_KEYS: usize = 4_096;

/// What callers have taken.
#[derive(Default)]
pub(super) struct Limits {
    callers: Mutex<Callers>,
}

struct Callers {
    connections: HashMap<IpAddr, usize>,
    asked: Buckets<IpAddr>,
    tokens: Buckets<TokenId>,
    bad: Buckets<IpAddr>,
    /// The digests of what opened the door when it was last looked at.
    good: HashSet<Hash>,
    reads: HashMap<TokenId, Weak<Semaphore>>,
}

impl Default for Callers {
    fn default() -> Self {
        Callers {
            connections: HashMap::new(),
            asked: Buckets::new(BURST, A_SECOND),
            tokens: Buckets::new(BURST, A_SECOND),
            bad: Buckets::new(BAD_BURST, BAD_A_SECOND),
            good: HashSet::new(),
            reads: HashMap::new(),
        }
    }
}

/// A connection that is counted, as long as it is held.
pub(super) struct Entered {
    limits: Arc<Limits>,
    address: IpAddr,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut callers = self.limits.callers();
        if let Some(count) = callers.connections.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                callers.connections.remove(&self.address);
            }
        }
    }
}

/// How long somebody has to wait who asked too often.
pub(super) type Wait = Duration;

impl Limits {
    fn callers(&self) -> MutexGuard<'_, Callers> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a connection of an address; None if it has too many.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Entered> {
        let address = network(address);
        let mut callers = self.callers();
        let count = callers.connections.entry(address).or_default();
        if *count >= MAX_OF_ADDRESS {
            return None;
        }
        *count += 1;
        drop(callers);
        Some(Entered {
            limits: Arc::clone(self),
            address,
        })
    }

    /// Counts a request of an address.
    pub(super) fn asks(&self, address: IpAddr, now: Instant) -> Result<(), Wait> {
        self.callers().asked.take(network(address), now)
    }

    /// Counts a request of a token.
    pub(super) fn bears(&self, token: &TokenId, now: Instant) -> Result<(), Wait> {
        self.callers().tokens.take(token.clone(), now)
    }

    /// Returns whether a token of an address is looked at, or how long to wait. One that was good before is always looked
    /// at: behind a tunnel or a proxy all callers have one address, and who guesses there keeps nobody else out.
    pub(super) fn may_try(&self, address: IpAddr, token: &Hash, now: Instant) -> Result<(), Wait> {
        let callers = self.callers();
        match callers.good.contains(token) {
            true => Ok(()),
            false => callers.bad.look(network(address), now),
        }
    }

    /// Notes that a token is good.
    pub(super) fn passed(&self, token: Hash) {
        let good = &mut self.callers().good;
        if good.len() >= MAX_KEYS {
            good.clear();
        }
        good.insert(token);
    }

    /// Counts a bad token of an address.
    pub(super) fn failed(&self, address: IpAddr, token: &Hash, now: Instant) {
        let mut callers = self.callers();
        callers.good.remove(token);
        // One too many waits as long.
        let _ = callers.bad.take(network(address), now);
    }

    /// Waits until a token may have one more question read for, and returns the place that this takes.
    pub(super) async fn read(&self, token: &TokenId) -> Option<OwnedSemaphorePermit> {
        let places = self.reads_of(token);
        places.acquire_owned().await.ok()
    }

    fn reads_of(&self, token: &TokenId) -> Arc<Semaphore> {
        let reads = &mut self.callers().reads;
        if let Some(places) = reads.get(token).and_then(Weak::upgrade) {
            return places;
        }
        reads.retain(|_, places| places.strong_count() > 0);
        let places = Arc::new(Semaphore::new(READS));
        reads.insert(token.clone(), Arc::downgrade(&places));
        places
    }
}

/// Returns what one caller may have for itself: an address, or a network of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        v4 => v4,
    }
}

/// A bucket for each key, from which requests are taken, and which fills with time.
struct Buckets<K> {
    size: f64,
    a_second: f64,
    known: HashMap<K, Bucket>,
    /// Of all that are beyond what is counted apart.
    rest: Option<Bucket>,
}

#[derive(Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl<K: hash::Hash + Eq> Buckets<K> {
    fn new(size: u32, a_second: u32) -> Self {
        Buckets {
            size: size.into(),
            a_second: a_second.into(),
            known: HashMap::new(),
            rest: None,
        }
    }

    fn filled(&self, bucket: Bucket, now: Instant) -> Bucket {
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        Bucket {
            left: (bucket.left + passed * self.a_second).min(self.size),
            at: now.max(bucket.at),
        }
    }

    fn full(&self, now: Instant) -> Bucket {
        Bucket {
            left: self.size,
            at: now,
        }
    }

    fn wait(&self, bucket: Bucket) -> Result<(), Wait> {
        match bucket.left >= 1.0 {
            true => Ok(()),
            false => Err(Duration::from_secs_f64((1.0 - bucket.left) / self.a_second)),
        }
    }

    /// Returns whether there is one to take.
    fn look(&self, key: K, now: Instant) -> Result<(), Wait> {
        let bucket = self.known.get(&key).copied();
        let shared = || self.rest.filter(|_| self.known.len() >= MAX_KEYS);
        let bucket = bucket.or_else(shared).unwrap_or_else(|| self.full(now));
        self.wait(self.filled(bucket, now))
    }

    /// Takes one.
    fn take(&mut self, key: K, now: Instant) -> Result<(), Wait> {
        if !self.known.contains_key(&key) && self.known.len() >= MAX_KEYS {
            // Whoever has a full bucket again need not be remembered.
            let (size, a_second) = (self.size, self.a_second);
            self.known.retain(|_, bucket| {
                let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
                bucket.left + passed * a_second < size
            });
        }
        let known = self.known.get(&key).copied();
        let apart = known.is_some() || self.known.len() < MAX_KEYS;
        let bucket = if apart { known } else { self.rest };
        let mut bucket = self.filled(bucket.unwrap_or_else(|| self.full(now)), now);
        let may = self.wait(bucket);
        if may.is_ok() {
            bucket.left -= 1.0;
        }
        match apart {
            true => drop(self.known.insert(key, bucket)),
            false => self.rest = Some(bucket),
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        task::{Context, Poll},
    };

    use super::*;

    fn address(n: u32) -> IpAddr {
        IpAddr::V4(n.into())
    }

    #[test]
    fn who_asks_too_often_waits_and_nobody_else() {
        let (limits, now) = (Limits::default(), Instant::now());
        for _ in 0..BURST {
            assert_eq!(limits.asks(address(1), now), Ok(()));
        }
        let wait = limits
            .asks(address(1), now)
            .expect_err("the bucket is empty");
        assert!(wait <= Duration::from_secs(1), "{wait:?}");
        assert_eq!(limits.asks(address(2), now), Ok(()));
        assert_eq!(limits.asks(address(1), now + wait), Ok(()));
    }

    #[test]
    fn bad_tokens_are_slowed_down_and_those_that_were_good_are_not() {
        let (limits, now) = (Limits::default(), Instant::now());
        let [bad, good] = ["bad", "good"].map(|text| Hash::of(text.as_bytes()));
        limits.passed(good);
        for _ in 0..BAD_BURST {
            assert_eq!(limits.may_try(address(1), &bad, now), Ok(()));
            limits.failed(address(1), &bad, now);
        }
        assert!(limits.may_try(address(1), &bad, now).is_err());
        assert_eq!(limits.may_try(address(1), &good, now), Ok(()));
        assert_eq!(limits.may_try(address(2), &bad, now), Ok(()));
        // It is good no more.
        limits.failed(address(1), &good, now);
        assert!(limits.may_try(address(1), &good, now).is_err());
        let later = now + Duration::from_secs(1);
        assert_eq!(limits.may_try(address(1), &bad, later), Ok(()));
        limits.failed(address(1), &bad, later);
        assert!(limits.may_try(address(1), &bad, later).is_err());
    }

    #[tokio::test]
    async fn no_token_takes_every_read() {
        let limits = Limits::default();
        let [greedy, modest] = ["\"greedy\"", "\"modest\""]
            .map(|id| serde_json::from_str(id).expect("an id is a text"));
        let mut places = vec![];
        for _ in 0..READS {
            places.push(limits.read(&greedy).await);
        }
        let one_more = limits.read(&greedy);
        let mut one_more = std::pin::pin!(one_more);
        let waits =
            |context: &mut Context<'_>| Poll::Ready(one_more.as_mut().poll(context).is_pending());
        assert!(poll_fn(waits).await);
        assert!(limits.read(&modest).await.is_some());
        drop(places.pop());
        assert!(one_more.await.is_some());
        // Nobody who asks nothing is remembered.
        places.clear();
        drop(limits.read(&modest).await);
        assert!(limits.callers().reads.len() <= 1);
    }

    #[test]
    fn an_address_has_so_many_connections_and_gets_them_back() {
        let limits = Arc::new(Limits::default());
        let mut held: Vec<_> = (0..MAX_OF_ADDRESS)
            .map_while(|_| limits.enter(address(1)))
            .collect();
        assert_eq!(held.len(), MAX_OF_ADDRESS);
        assert!(limits.enter(address(1)).is_none());
        assert!(limits.enter(address(2)).is_some());
        drop(held.pop());
        assert!(limits.enter(address(1)).is_some());
        drop(held);
        assert!(limits.callers().connections.is_empty());
    }

    #[test]
    fn a_flood_of_addresses_takes_no_memory() {
        let (limits, now) = (Limits::default(), Instant::now());
        for n in 0..3 * u32::try_from(MAX_KEYS).expect("few") {
            let _ = limits.asks(address(n), now);
        }
        let callers = limits.callers();
        assert!(callers.asked.known.len() <= MAX_KEYS);
        assert!(callers.asked.rest.is_some(), "the others share one");
    }

    #[test]
    fn a_network_of_ipv6_is_one_caller() {
        let one: IpAddr = "2001:db8::1".parse().expect("a number");
        let two: IpAddr = "2001:db8::ffff:2".parse().expect("a number");
        assert_eq!(network(one), network(two));
        let v4: IpAddr = "::ffff:10.0.0.1".parse().expect("a number");
        assert_eq!(network(v4), address(0x0a00_0001));
    }
}
