//! A console over a line whose agents a host runs: what they write is on its screen, whoever the host is.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::*;
use crate::support::pty::{Pty, Start};

/// Writes what an agent may write: colours, a title for the terminal, what is no UTF-8, a line of a mebibyte.
const HOSTILE: &str = r"printf '\\033[31mred\\033[0m text\\033]0;pwned\\007\\n\\377\\376 bytes\\n'; head -c 1048576 /dev/zero | tr '\\0' x; echo; echo needle 42";

/// Returns an agent that writes, waits for a file, and writes on.
fn writer(more: &str) -> String {
    let script = format!(
        "{HOSTILE}; while [ ! -e go ]; do sleep 0.05; done; echo it went on; while [ ! -e end ]; do sleep 0.05; done; {DONE}"
    );
    shell("rust-dev", &script, more)
}

fn console(project: &Project) -> Pty {
    Start::console(project.folder.path())
        .set("OBEYA_ACTOR", "ada")
        .size(120, 40)
        .go()
}

fn reads_along(project: &Project, pty: &mut Pty) {
    pty.keys("5").shows("needle 42").shows("following");
    let text = pty.text();
    assert!(!text.contains("pwned") && !text.contains("[31m"), "{text}");
    fs::write(project.path("go"), "").unwrap();
    pty.shows("it went on");
    pty.keys("/needle<enter>").shows("needle 1 of 1");
    pty.keys("gg").shows("red text").shows("bytes");
    pty.keys("F").shows("it went on");
    // An agent that writes nothing, and a console that shows it, cost no byte.
    pty.settle();
    // Once a minute the ages move.
    let quiet = (0..2).any(|_| pty.listen(Duration::from_secs(6)) == 0);
    assert!(quiet, "{}", pty.text());
}

#[test]
fn another_hosts_agent_is_read_along_and_stopped_from_a_console() {
    let mut project = Project::new(&writer(""), 1);
    project.host();
    project.until("it works", |project| project.state("rust-dev") == "busy");
    let mut pty = console(&project);
    pty.shows("attached");
    reads_along(&project, &mut pty);
    pty.keys("<esc>").keys("<esc>").shows("agent");
    pty.keys("x").shows("Stop rust-dev?").shows("WO-001");
    pty.keys("y").shows("an operator wants it so");
    project.until("it is stopped", |project| {
        project.state("rust-dev") == "stopped"
    });
    pty.keys("s");
    project.until("it runs", |project| project.state("rust-dev") != "stopped");
    pty.keys("c<backspace>900<enter>").shows("from 0 to 64");
    pty.keys("<esc>").keys(":agent scale rust-dev 2<enter>");
    project.until("it is scaled", |project| {
        project.life("rust-dev")["wanted"] == 2
    });
    pty.keys("<esc>").keys("q");
    pty.end().unwrap();
}

#[test]
fn a_console_that_hosts_shows_what_it_runs() {
    let project = Project::new(&writer(""), 1);
    let mut pty = console(&project);
    pty.shows("● host");
    reads_along(&project, &mut pty);
    fs::write(project.path("end"), "").unwrap();
    project.until("it is done", |project| {
        project.status("WO-001") == "completed"
    });
    pty.shows("end").keys("<esc>").keys("<esc>").keys("q");
    pty.end().unwrap();
}

#[test]
fn what_is_wrong_in_the_file_is_on_screen_until_it_is_mended() {
    let project = Project::new("[agents.a]\ncommand = 'true'\n", 0);
    let mut pty = console(&project);
    pty.shows("✗ obeya.toml").keys("5");
    pty.shows("obeya.toml:2:11: 'true' is no value of command");
    fs::write(project.path("obeya.toml"), shell("a", "true", "")).unwrap();
    pty.hides("✗ obeya.toml").hides("is no value");
    pty.keys("q").end().unwrap();
}

#[test]
fn a_project_that_is_not_trusted_says_so_until_a_host_is_started_by_hand() {
    let mut project = Project::new(&writer(""), 1);
    fs::remove_file(project.path(".local/state/obeya/trusted")).unwrap();
    let mut pty = console(&project);
    pty.shows("✗ untrusted").keys("5").shows("obeya host");
    assert!(!project.path(".obeya/logs/runs").exists());
    project.host();
    pty.hides("untrusted").shows("needle 42");
    // The console takes the office over and runs it from now on, since it may.
    project.signal_host(Signal::TERM);
    pty.shows("● host");
    let mode = fs::metadata(project.path("obeya.toml"))
        .unwrap()
        .permissions();
    assert_eq!(mode.mode() & 0o002, 0);
    project.until("it runs here", |project| {
        project.state("rust-dev") == "busy"
    });
    pty.keys("q").end().unwrap();
}
