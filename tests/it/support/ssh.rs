//! A real sshd on loopback, and a line to it that is as slow as wanted.
//!
//! Each call of `ssh` comes in by a relay, which starts an `sshd -i` for it and passes on what both say. From the server
//! it reads so little and so seldom that the server's own buffers fill, as on a slow line.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::{fd::OwnedFd, unix::fs::PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::net::{AddressFamily, SocketType, connect, socket, sockopt};

use super::pty::Start;

/// Where distributions put the server; it insists on being called by its whole path.
const SERVERS: [&str; 3] = [
    "/usr/sbin/sshd",
    "/usr/lib/ssh/sshd",
    "/usr/local/sbin/sshd",
];

/// The variable that makes a machine without a server fail the tests that need one.
const REQUIRED: &str = "OBEYA_REQUIRE_SSHD";

/// What the relay reads of the server at once, in bytes: small, so that what it passes on comes evenly.
const PIECE: usize = 64;

/// The smallest buffer that a socket can be given, in bytes; the kernel has its own least.
const BUFFER: usize = 1024;

/// A server, and the way to it.
pub(crate) struct Server {
    folder: PathBuf,
    port: u16,
}

impl Server {
    /// Starts to listen on a line that carries `rate` bytes a second to the user. Returns nothing on a machine that has no
    /// sshd, having said so.
    pub(crate) fn start(folder: &Path, rate: u32) -> Option<Server> {
        let server = SERVERS.into_iter().find(|path| Path::new(path).exists());
        let Some(server) = server else {
            let required = std::env::var_os(REQUIRED).is_some();
            assert!(!required, "{REQUIRED} is set and there is no sshd");
            eprintln!("NOT RUN: this machine has no sshd; install openssh-server");
            return None;
        };
        let folder = folder.join("ssh");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        key(&folder.join("host"));
        key(&folder.join("user"));
        fs::copy(folder.join("user.pub"), folder.join("authorized")).unwrap();
        let file = |name: &str| folder.join(name).display().to_string();
        let settings = format!(
            "HostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n\
             PasswordAuthentication no\nPrintMotd no\nPrintLastLog no\nPidFile none\n",
            file("host"),
            file("authorized")
        );
        fs::write(folder.join("settings"), settings).unwrap();
        if rustix::process::geteuid().is_root() {
            // Where no sshd was ever started by the system, its empty room is missing.
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let settings = folder.join("settings");
        thread::spawn(move || {
            for user in listener.incoming().map_while(Result::ok) {
                relay(user, server, &settings, rate);
            }
        });
        Some(Server { folder, port })
    }

    /// Returns a call of `ssh` that runs a line of the shell there, in a terminal.
    pub(crate) fn call(&self, folder: &Path, line: &str) -> Start {
        let file = |name: &str| self.folder.join(name).display().to_string();
        let arguments = [
            "-tt".to_owned(),
            "-F".into(),
            "none".into(),
            "-o".into(),
            "StrictHostKeyChecking=no".into(),
            "-o".into(),
            format!("UserKnownHostsFile={}", file("known")),
            "-o".into(),
            "LogLevel=ERROR".into(),
            "-i".into(),
            file("user"),
            "-p".into(),
            self.port.to_string(),
            "127.0.0.1".into(),
            line.to_owned(),
        ];
        let start = Start::program("ssh", folder).set("USER", &whoami());
        arguments
            .iter()
            .fold(start, |start, argument| start.argument(argument))
    }
}

/// Returns the name of the user who runs the tests.
fn whoami() -> String {
    let said = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

fn key(file: &Path) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(file)
        .status();
    assert!(made.unwrap().success(), "no key was made");
}

/// Starts a server for a user and passes on what both say until one of them ends.
fn relay(user: TcpStream, server: &str, settings: &Path, rate: u32) {
    let (ours, theirs) = pair();
    let mut sshd = Command::new(server)
        .args(["-i", "-e", "-f"])
        .arg(settings)
        .stdin(Stdio::from(theirs.try_clone().unwrap()))
        .stdout(Stdio::from(theirs))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    user.set_nodelay(true).unwrap();
    ours.set_nodelay(true).unwrap();
    let (mut from, mut to) = (user.try_clone().unwrap(), ours.try_clone().unwrap());
    thread::spawn(move || std::io::copy(&mut from, &mut to));
    thread::spawn(move || {
        throttle(ours, user, rate);
        drop(sshd.wait());
    });
}

/// Passes on so many bytes a second.
fn throttle(mut from: TcpStream, mut to: TcpStream, rate: u32) {
    let mut piece = [0; PIECE];
    let mut free = Instant::now();
    while let Ok(count @ 1..) = from.read(&mut piece) {
        free = free.max(Instant::now())
            + Duration::from_micros(count as u64 * 1_000_000 / u64::from(rate));
        // The line is what it takes: this is the wire, not a wait for luck.
        thread::sleep(free.saturating_duration_since(Instant::now()));
        if to.write_all(&piece[..count]).is_err() {
            break;
        }
    }
}

/// Returns two ends of a connection; the first takes in as little as a socket can.
fn pair() -> (TcpStream, OwnedFd) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let near = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    // Before it connects: the window that it offers is agreed on then.
    sockopt::set_socket_recv_buffer_size(&near, BUFFER).unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    connect(&near, &address).unwrap();
    let (far, _) = listener.accept().unwrap();
    (TcpStream::from(near), OwnedFd::from(far))
}
