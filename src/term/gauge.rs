//! How much of what was sent over SSH has not arrived.
//!
//! The terminal is not asked. The kernel keeps what the other end has not acknowledged in the connection's send queue,
//! and everybody may read how long that is. Of sshd's own buffers it says nothing, but those stay empty as long as the
//! queue has room, which the little that [`Pace`](super::pace::Pace) lets through leaves it.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    net::{IpAddr, SocketAddr},
};

use crate::config::Env;

/// Where the kernel lists its connections.
const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// Most lines of a table that are read, so that no look keeps the console for long: what stands further down a table of so
/// busy a server counts as not seen.
const MOST_LINES: usize = 20_000;

/// How the kernel writes that a connection is neither being made nor being ended.
const ESTABLISHED: &str = "01";

/// Watches the connection that the user came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gauge {
    near: SocketAddr,
    far: SocketAddr,
}

impl Gauge {
    /// Returns the gauge of the connection that `SSH_CONNECTION` names, if it can be seen from here.
    pub(super) fn find(env: Env<'_>) -> Option<Gauge> {
        let named = Gauge::named(&env("SSH_CONNECTION")?)?;
        named.queued().map(|_| named)
    }

    /// Returns the gauge of the connection that took the place of one which is gone: a multiplexer outlives it, and the
    /// user comes again from the same machine to the same port. None if there is no such one, or more than one.
    pub(super) fn successor(env: Env<'_>) -> Option<Gauge> {
        let gone = Gauge::named(&env("SSH_CONNECTION")?)?;
        let mut found = TABLES
            .iter()
            .flat_map(|table| lines(table))
            .filter_map(|line| {
                let (near, far, _) = ends(&line)?;
                let fits = near == gone.near && far.ip() == gone.far.ip();
                fits.then_some(Gauge { near, far })
            });
        let only = found.next()?;
        found.next().is_none().then_some(only)
    }

    /// Reads `client-address client-port server-address server-port`.
    fn named(text: &str) -> Option<Gauge> {
        let mut words = text.split_ascii_whitespace();
        let mut end = || {
            // A link-local address carries the name of its interface.
            let address = words.next()?.split('%').next()?;
            let address: IpAddr = address.parse().ok()?;
            Some(SocketAddr::new(
                address.to_canonical(),
                words.next()?.parse().ok()?,
            ))
        };
        let (far, near) = (end()?, end()?);
        Some(Gauge { near, far })
    }

    /// Returns how many bytes are sent and not acknowledged, if the connection is still listed.
    pub(super) fn queued(&self) -> Option<u32> {
        let mut lines = TABLES.iter().flat_map(|table| lines(table));
        lines.find_map(|line| self.of(&line))
    }

    /// Returns the length of the queue that a line of the table tells, if it is about this connection.
    fn of(&self, line: &str) -> Option<u32> {
        let (near, far, queues) = ends(line)?;
        let ours = near == self.near && far == self.far;
        let (sent, _) = queues.split_once(':').filter(|_| ours)?;
        u32::from_str_radix(sent, 16).ok()
    }
}

/// Returns the lines of a table; none if it cannot be read.
fn lines(table: &str) -> impl Iterator<Item = String> + use<> {
    let lines = File::open(table).map(|file| BufReader::new(file).lines());
    let lines = lines.into_iter().flatten();
    lines.skip(1).take(MOST_LINES).map_while(Result::ok)
}

/// Returns the ends and the queues of an established connection that a line tells of.
fn ends(line: &str) -> Option<(SocketAddr, SocketAddr, &str)> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let near = address(fields.next()?)?;
    let far = address(fields.next()?)?;
    fields.next().filter(|state| *state == ESTABLISHED)?;
    Some((near, far, fields.next()?))
}

/// Reads an address as the kernel prints it: words of four bytes in the machine's order, then the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let mut bytes = [0; 16];
    let words = bytes.chunks_exact_mut(4).zip(address.as_bytes().chunks(8));
    for (bytes, digits) in words {
        let digits = str::from_utf8(digits).ok()?;
        let word = u32::from_str_radix(digits, 16).ok()?;
        bytes.copy_from_slice(&word.to_ne_bytes());
    }
    let address = match address.len() {
        8 => IpAddr::from(*bytes.first_chunk::<4>()?),
        32 => IpAddr::from(bytes),
        _ => return None,
    };
    let port = u16::from_str_radix(port, 16).ok()?;
    Some(SocketAddr::new(address.to_canonical(), port))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::{
        io::{Read as _, Write as _},
        net::{TcpListener, TcpStream},
        time::{Duration, Instant},
    };

    use super::*;

    #[test]
    fn a_queue_is_seen_to_fill_and_to_drain() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        let (a, b) = (near.peer_addr().unwrap(), near.local_addr().unwrap());
        let said = format!("{} {} {} {}", a.ip(), a.port(), b.ip(), b.port());
        let env = |name: &str| (name == "SSH_CONNECTION").then(|| said.clone());
        if !std::path::Path::new(TABLES[0]).exists() {
            assert_eq!(Gauge::find(&env), None);
            return;
        }
        let gauge = Gauge::find(&env).unwrap();
        near.set_nonblocking(true).unwrap();
        let mut sent = 0;
        while let Ok(count) = near.write(&[0; 65536]) {
            sent += count;
        }
        assert!(gauge.queued().unwrap() > 0);
        let mut taken = vec![0; sent];
        far.read_exact(&mut taken).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while gauge.queued() != Some(0) {
            assert!(Instant::now() < deadline, "it never drains");
        }
        drop((near, far, listener));
    }

    #[test]
    fn whoever_comes_again_is_found_again() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let come = || {
            (
                TcpStream::connect(("127.0.0.1", port)).unwrap(),
                listener.accept().unwrap(),
            )
        };
        let (first, _) = come();
        let said = format!(
            "127.0.0.1 {} 127.0.0.1 {port}",
            first.local_addr().unwrap().port()
        );
        let env = |name: &str| (name == "SSH_CONNECTION").then(|| said.clone());
        if !std::path::Path::new(TABLES[0]).exists() {
            assert_eq!(Gauge::successor(&env), None);
            return;
        }
        drop(first);
        let deadline = Instant::now() + Duration::from_secs(10);
        while Gauge::successor(&env).is_some() {
            assert!(Instant::now() < deadline, "it never goes");
        }
        let second = come();
        let found = Gauge::successor(&env).unwrap();
        assert_eq!(found.far, second.0.local_addr().unwrap());
        assert!(found.queued().is_some());
        // Whose console it is nobody can say now.
        let third = come();
        assert_eq!(Gauge::successor(&env), None);
        drop((second, third));
    }

    #[test]
    fn what_is_no_connection_is_not_watched() {
        for said in [
            "",
            "a b c d",
            "127.0.0.1 1 127.0.0.1",
            "127.0.0.1 1 127.0.0.1 1",
            "1 2 3 4",
        ] {
            let env = |_: &str| Some(said.to_owned());
            assert_eq!(Gauge::find(&env), None, "{said}");
        }
        let mapped = Gauge::named("::ffff:10.0.0.1 5 ::ffff:10.0.0.2 22").unwrap();
        let line = "  1: 0200000A:0016 0100000A:0005 01 00000A10:00000000 00:0 0 0";
        assert_eq!(mapped.of(line), Some(0xA10));
        assert_eq!(mapped.of(&line.replace(" 01 ", " 06 ")), None);
    }
}
