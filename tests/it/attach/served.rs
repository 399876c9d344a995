//! A server that is a process of its own on a port of the kernel's choice, and consoles in terminals that attach to it.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Stdio},
    thread,
};

use crate::{
    cli::Room,
    support::pty::{Pty, Start},
};

/// A ledger, its server, and a folder elsewhere for those who attach.
pub(super) struct Served {
    pub(super) room: Room,
    pub(super) address: String,
    elsewhere: tempfile::TempDir,
    server: Option<Child>,
}

impl Served {
    /// Serves the ledger of a room.
    pub(super) fn over(room: Room) -> Served {
        let mut served = Served {
            room,
            address: "127.0.0.1:0".into(),
            elsewhere: tempfile::tempdir().unwrap(),
            server: None,
        };
        served.begin();
        served
    }

    /// Starts the server, where it was before if it was there before.
    pub(super) fn begin(&mut self) {
        let listen = self.address.trim_start_matches("ws://").to_owned();
        let mut server = self
            .room
            .command(["serve", "--name", "prod", "--json", "--listen", &listen])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(server.stdout.take().unwrap()).lines();
        let url = said.find_map(|line| {
            let line: serde_json::Value = serde_json::from_str(&line.unwrap()).ok()?;
            Some(line["serving"]["url"].as_str()?.to_owned())
        });
        // Its words are taken, that none of them is in the way.
        thread::spawn(move || said.for_each(drop));
        self.server = Some(server);
        self.address = url.expect("the server says where it listens");
    }

    /// Kills the server without a word.
    pub(super) fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    /// Makes a token, and returns the file with it.
    pub(super) fn token(&self, name: &str, role: &str) -> PathBuf {
        let made = (self.room).done(&format!("token create --name {name} --role {role}"));
        let file = self.elsewhere.path().join(format!("{name}.token"));
        fs::write(&file, made.out).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        file
    }

    /// Returns a console that attaches with a new token, in a folder that has nothing to do with the ledger.
    pub(super) fn start(&self, name: &str, role: &str) -> Start {
        let file = self.token(name, role);
        Start::console(self.elsewhere.path())
            .argument("--attach")
            .argument(&self.address)
            .argument("--token-file")
            .argument(file.to_str().unwrap())
    }

    /// Attaches a console, and waits until it shows the line.
    pub(super) fn console(&self, name: &str, role: &str) -> Pty {
        let mut pty = self.start(name, role).size(140, 45).go();
        pty.shows("Orders by status").shows("live");
        pty
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.kill();
    }
}
