//! A way between a caller and an engine that goes wrong as networks do.

use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
    time::Duration,
};

use rustix::net::{AddressFamily, SocketType, connect, socket, sockopt};

/// How often somebody who waits looks whether something is another.
const LOOK: Duration = Duration::from_millis(5);
/// The window that the engine sees: small, so that a caller who takes nothing is felt soon.
const WINDOW: usize = 16 << 10;

/// What is wrong with the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Nothing.
    Nothing,
    /// What is sent is taken and goes nowhere, and nobody hears of the other's end.
    HalfOpen,
    /// What the engine sends is not taken.
    StalledDown,
    /// What the caller sends is not taken.
    StalledUp,
    /// So many bytes a second each way.
    Throttled(usize),
    /// Everything comes so much later.
    Delayed(Duration),
    /// The connections end after so many more bytes of the engine, wherever in a frame that is.
    CutAfter(usize),
    /// Each connection ends after so many bytes of the engine.
    Short(usize),
    /// What callers send by the first so many connections lies on the way until it is let go, even if they have gone.
    HeldUp(usize),
}

struct Way {
    engine: SocketAddr,
    trouble: Trouble,
    /// The sockets of the connections that are, and the engine's side's port.
    open: Vec<(TcpStream, TcpStream, u16)>,
    connections: usize,
    /// How many of the first connections have no caller any more, which the engine does not know.
    stranded: usize,
    held: usize,
    hung_up: usize,
    over: bool,
}

struct Shared {
    way: Mutex<Way>,
    another: Condvar,
}

impl Shared {
    fn way(&self) -> MutexGuard<'_, Way> {
        self.way.lock().unwrap()
    }
}

/// The way.
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Opens a way to an engine.
    pub(super) fn to(engine: SocketAddr) -> Proxy {
        let door = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = door.local_addr().unwrap();
        let way = Way {
            engine,
            trouble: Trouble::Nothing,
            open: vec![],
            connections: 0,
            stranded: 0,
            held: 0,
            hung_up: 0,
            over: false,
        };
        let shared = Arc::new(Shared {
            way: Mutex::new(way),
            another: Condvar::new(),
        });
        let inside = Arc::clone(&shared);
        thread::spawn(move || {
            for caller in door.incoming() {
                if inside.way().over {
                    return;
                }
                // An engine that is away is as good as a caller that is hung up on.
                let _ = caller.and_then(|caller| join(caller, &inside));
            }
        });
        Proxy { address, shared }
    }

    /// Makes something wrong, or right.
    pub(super) fn suffer(&self, trouble: Trouble) {
        self.shared.way().trouble = trouble;
        self.shared.another.notify_all();
    }

    /// Ends every connection that is.
    pub(super) fn cut(&self) {
        for (caller, engine, _) in self.shared.way().open.drain(..) {
            end(&caller);
            end(&engine);
        }
    }

    /// Ends every connection that is for the caller alone: what it has sent is still under way.
    pub(super) fn strand(&self) {
        let mut way = self.shared.way();
        way.stranded = way.connections;
        way.open.iter().for_each(|(caller, ..)| end(caller));
    }

    /// Returns how many connections there have been.
    pub(super) fn connections(&self) -> usize {
        self.shared.way().connections
    }

    /// Returns how many bytes of callers are held up.
    pub(super) fn held(&self) -> usize {
        self.shared.way().held
    }

    /// Returns how many connections the engine has ended.
    pub(super) fn hung_up(&self) -> usize {
        self.shared.way().hung_up
    }

    /// Returns the port of the newest connection on the engine's side.
    pub(super) fn port(&self) -> u16 {
        self.shared.way().open.last().unwrap().2
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.way().over = true;
        self.cut();
        self.shared.another.notify_all();
        // Whoever waits for callers hears of the end by one.
        let _ = TcpStream::connect(self.address);
    }
}

fn end(stream: &TcpStream) {
    // It may have ended by itself.
    let _ = stream.shutdown(Shutdown::Both);
}

fn join(caller: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    let engine = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    sockopt::set_socket_recv_buffer_size(&engine, WINDOW)?;
    let to = shared.way().engine;
    connect(&engine, &to)?;
    let engine = TcpStream::from(engine);
    for stream in [&caller, &engine] {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LOOK))?;
    }
    let number = {
        let mut way = shared.way();
        let port = engine.local_addr()?.port();
        way.connections += 1;
        way.open
            .push((caller.try_clone()?, engine.try_clone()?, port));
        way.connections
    };
    for (from, to, down) in [
        (caller.try_clone()?, engine.try_clone()?, false),
        (engine, caller, true),
    ] {
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            let mut pump = Pump {
                from,
                to,
                down,
                number,
                shared,
                held: vec![],
                carried: 0,
            };
            // Whatever ends one way ends both, but where nobody is to hear of it.
            let told = pump.run().unwrap_or(true);
            if told {
                end(&pump.from);
                end(&pump.to);
            }
        });
    }
    Ok(())
}

/// One direction of one connection.
struct Pump {
    from: TcpStream,
    to: TcpStream,
    /// Whether it goes from the engine to the caller.
    down: bool,
    /// Which connection it is, from one.
    number: usize,
    shared: Arc<Shared>,
    held: Vec<u8>,
    /// How many bytes of a short connection it has carried.
    carried: usize,
}

impl Pump {
    /// Carries bytes until there are none, and returns whether the other side is to hear of it.
    fn run(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 4 << 10];
        loop {
            let trouble = self.trouble_now();
            let Some(trouble) = trouble else {
                return Ok(true);
            };
            if !self.is_held(trouble) && !self.held.is_empty() {
                let late = std::mem::take(&mut self.held);
                self.shared.way().held -= late.len();
                self.to.write_all(&late)?;
            }
            let read = match self.from.read(&mut buffer) {
                Ok(0) => return self.ended(),
                Ok(read) => read,
                Err(error) if is_quiet(&error) => continue,
                Err(_) => return self.ended(),
            };
            self.carry(&buffer[..read])?;
        }
    }

    /// Returns what is wrong, once something may be read; None where it is all over.
    fn trouble_now(&self) -> Option<Trouble> {
        let mut way = self.shared.way();
        loop {
            let waits = match way.trouble {
                Trouble::StalledDown => self.down,
                Trouble::StalledUp => !self.down,
                _ => false,
            };
            match way.over {
                true => return None,
                false if !waits => return Some(way.trouble),
                false => way = self.shared.another.wait_timeout(way, LOOK).unwrap().0,
            }
        }
    }

    fn is_held(&self, trouble: Trouble) -> bool {
        let first = |count| !self.down && self.number <= count;
        matches!(trouble, Trouble::HeldUp(count) if first(count))
    }

    fn carry(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let (trouble, stranded) = {
                let way = self.shared.way();
                (way.trouble, way.stranded)
            };
            match trouble {
                Trouble::HalfOpen => return Ok(()),
                _ if self.down && self.number <= stranded => return Ok(()),
                trouble if self.is_held(trouble) => {
                    self.held.extend_from_slice(bytes);
                    self.shared.way().held += bytes.len();
                    return Ok(());
                }
                Trouble::Throttled(rate) => {
                    let some = bytes.len().min((rate / 20).max(1));
                    self.to.write_all(&bytes[..some])?;
                    bytes = &bytes[some..];
                    thread::sleep(Duration::from_millis(50));
                }
                Trouble::Delayed(time) => {
                    thread::sleep(time);
                    return self.to.write_all(bytes);
                }
                Trouble::CutAfter(left) if self.down => {
                    let some = bytes.len().min(left);
                    self.to.write_all(&bytes[..some])?;
                    bytes = &bytes[some..];
                    let mut way = self.shared.way();
                    if way.trouble == trouble {
                        way.trouble = match left - some {
                            0 => Trouble::Nothing,
                            left => Trouble::CutAfter(left),
                        };
                    }
                    if left == some {
                        return Err(io::ErrorKind::ConnectionReset.into());
                    }
                }
                Trouble::Short(most) if self.down => {
                    let left = most.saturating_sub(self.carried);
                    self.carried += bytes.len();
                    if left < bytes.len() {
                        self.to.write_all(&bytes[..left])?;
                        return Err(io::ErrorKind::ConnectionReset.into());
                    }
                    return self.to.write_all(bytes);
                }
                _ => return self.to.write_all(bytes),
            }
        }
        Ok(())
    }

    /// Returns whether the other side hears that this one has ended.
    fn ended(&mut self) -> io::Result<bool> {
        if self.down {
            self.shared.way().hung_up += 1;
        }
        loop {
            let way = self.shared.way();
            match way.trouble {
                _ if way.over => return Ok(true),
                Trouble::HalfOpen => {}
                trouble if self.is_held(trouble) => {}
                _ => break,
            }
            drop(self.shared.another.wait_timeout(way, LOOK).unwrap().0);
        }
        let late = std::mem::take(&mut self.held);
        self.shared.way().held -= late.len();
        if late.is_empty() {
            return Ok(true);
        }
        // What was held up arrives, and only then the end: the engine ends the other direction when it has read it.
        self.to.write_all(&late)?;
        let _ = self.to.shutdown(Shutdown::Write);
        Ok(false)
    }
}

fn is_quiet(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}
