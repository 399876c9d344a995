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

/// Most lines of a table that are read: a server with more connections is better asked seldom than for long.
const MOST_LINES: usize = 20_000;

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
        TABLES.iter().find_map(|table| {
            let lines = BufReader::new(File::open(table).ok()?).lines();
            let mut lines = lines.skip(1).take(MOST_LINES).map_while(Result::ok);
            lines.find_map(|line| self.of(&line))
        })
    }

    /// Returns the length of the queue that a line of the table tells, if it is about this connection.
    fn of(&self, line: &str) -> Option<u32> {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let near = address(fields.next()?)?;
        let far = address(fields.next()?)?;
        let queues = fields.nth(1)?;
        let ours = near == self.near && far == self.far;
        let (sent, _) = queues.split_once(':').filter(|_| ours)?;
        u32::from_str_radix(sent, 16).ok()
    }
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
    }
}
