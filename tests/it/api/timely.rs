//! How long a caller may take, and how much of a server it may have, over real sockets.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream},
    thread,
    time::{Duration, Instant},
};

use obeya::{domain::command::Role, server::Pace};
use rustix::{
    net::{AddressFamily, SocketType, bind, connect, socket},
    process::{Resource, Rlimit, getrlimit, setrlimit},
};

use super::support::{Client, Engine, PATIENCE};

/// How many connections an address may have, as docs/protocol.md says.
const MAX_OF_ADDRESS: usize = 256;
/// Far more than a hasty server waits, and far less than any other.
const SOON: Duration = Duration::from_secs(8);

/// Starts a server that waits for nobody for long.
fn hasty() -> Engine {
    let brief = Duration::from_millis(300);
    Engine::paced(Pace {
        headers: brief,
        body: brief,
        ..Pace::default()
    })
}

/// Returns what is said on a connection until it ends, which is soon, however often it is given one more byte.
fn heard(mut stream: TcpStream, more: u8) -> String {
    let begun = Instant::now();
    let brief = Duration::from_millis(50);
    stream.set_read_timeout(Some(brief)).unwrap();
    let (mut said, mut piece) = (vec![], [0; 4096]);
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => said.extend_from_slice(&piece[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                let _ = stream.write_all(&[more]);
            }
            // It was cut off with what was sent too late.
            Err(_) => break,
        }
        assert!(begun.elapsed() < SOON, "it is waited for still");
    }
    String::from_utf8(said).unwrap()
}

#[test]
fn who_does_not_come_to_the_end_of_its_headers_is_dropped() {
    let engine = hasty();
    for begun in [
        "",
        "GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    ] {
        let mut stream = TcpStream::connect(engine.address()).unwrap();
        stream.write_all(begun.as_bytes()).unwrap();
        assert_eq!(heard(stream, b'x'), "");
    }
    // So is who keeps a connection that it has no use for.
    let mut stream = TcpStream::connect(engine.address()).unwrap();
    let whole = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(whole.as_bytes()).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
}

#[test]
fn who_does_not_come_to_the_end_of_its_body_is_told_so_and_dropped() {
    let engine = hasty();
    let ana = engine.client("ana", Role::Operator);
    let before = engine.head();
    for (method, path) in [("POST", "/api/work-orders"), ("GET", "/api/work-orders")] {
        let length = [("Content-Length", "1000")];
        let stream = ana.say(method, path, &length, b"");
        let said = heard(stream, b' ');
        assert!(said.starts_with("HTTP/1.1 408"), "{method}: {said}");
        assert!(said.contains("application/problem+json"), "{said}");
    }
    assert_eq!(engine.head(), before);
}

#[test]
fn an_address_has_so_many_connections_and_others_are_served() {
    let most = getrlimit(Resource::Nofile).maximum;
    let raised = Rlimit {
        current: most,
        maximum: most,
    };
    setrlimit(Resource::Nofile, raised).unwrap();
    let engine = Engine::start();
    let address = engine.address();
    let held: Vec<TcpStream> = (0..MAX_OF_ADDRESS)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    let mut one_more = TcpStream::connect(address).unwrap();
    one_more.set_read_timeout(Some(SOON)).unwrap();
    let cut_off = one_more.read(&mut [0; 1]);
    assert!(matches!(cut_off, Ok(0) | Err(_)), "{cut_off:?}");
    let refused = engine.noted(|row| row.outcome.is_denied());
    assert_eq!(refused.what, "connect");
    let mut other = from(Ipv4Addr::new(127, 0, 0, 2), address);
    assert!(is_served(&mut other, address));
    // Whoever goes makes room.
    drop(held);
    let begun = Instant::now();
    while !TcpStream::connect(address).is_ok_and(|mut again| is_served(&mut again, address)) {
        assert!(begun.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(20));
    }
}

/// Connects from one of the machine's own addresses.
fn from(source: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let stream = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&stream, &SocketAddrV4::new(source, 0)).unwrap();
    connect(&stream, &to).unwrap();
    stream.into()
}

fn is_served(stream: &mut TcpStream, address: SocketAddr) -> bool {
    let request = format!("GET /health/live HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let mut said = [0; 12];
    let asked = stream
        .write_all(request.as_bytes())
        .and_then(|()| stream.read_exact(&mut said));
    asked.is_ok() && &said == b"HTTP/1.1 200"
}

#[test]
fn a_stranger_is_turned_away_before_its_body() {
    let engine = Engine::start();
    let stranger: Client = engine.stranger();
    let length = [("Content-Length", "1000000")];
    let mut stream = stranger.say("POST", "/api/work-orders", &length, b"");
    stream.set_read_timeout(Some(SOON)).unwrap();
    let mut said = [0; 12];
    stream.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"HTTP/1.1 401");
}
