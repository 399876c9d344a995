//! Worktrees when something goes wrong: hosts that are killed, a full disk, orders given up, agents that leave things undone.

use std::fs;

use rustix::process::Signal;

use super::{
    DONE, Project, text,
    worktree::{alerts_of, apart, commit_all, completed, git, repository, runs},
};

/// A project whose gate waits for as long as there is a file `hold`, and notes that it runs.
fn with_slow_gate(script: &str) -> Project {
    let project = repository("", 1);
    let root = project.folder.path().display().to_string();
    let gate = format!(
        "[gates.slow]\ncommand = ['sh', '-c', 'echo $$ >> {root}/.obeya/gates.pids; \
         while test -e {root}/.obeya/hold; do sleep 0.05; done; test -e made']\ntimeout = '60s'\n"
    );
    fs::write(project.path("obeya.toml"), apart("dev", script, "") + &gate).unwrap();
    fs::write(project.path(".obeya/hold"), "").unwrap();
    project
}

#[test]
fn a_host_killed_between_rebase_and_merge_is_followed_by_one_that_goes_on() {
    // Somebody commits meanwhile, so that there is something to be put on top of.
    let script = format!(
        "echo run >> $OBEYA_LEDGER/runs; (cd $OBEYA_LEDGER/..; echo x > theirs; git add theirs; \
         git -c user.name=a -c user.email=a@b commit -qm theirs); echo new > made; {DONE}"
    );
    let mut project = with_slow_gate(&script);
    project.host();
    project.until("the gate runs", |project| {
        project.path(".obeya/gates.pids").exists()
    });
    let main = git(&project, &["rev-parse", "main"]);
    let order = project.order("WO-001");
    assert_eq!(
        text(&order["workspace"], "base"),
        main,
        "it is rebased: {order:#}"
    );
    assert!(!project.path("made").exists(), "it is not merged");
    project.signal_host(Signal::KILL);
    fs::remove_file(project.path(".obeya/hold")).unwrap();
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    let order = completed(&project, "WO-001");
    assert_eq!(
        text(&order["proof"], "note"),
        "as asked",
        "what the agent said is kept"
    );
    assert_eq!(runs(&project), 1, "the work was not done again");
    assert_eq!(git(&project, &["rev-list", "--count", "main"]), "3");
    assert!(!project.path(".obeya/worktrees/WO-001").exists());
}

#[test]
fn who_only_brought_home_what_was_done_had_nothing_to_use_up() {
    let done = r#"echo '{\"result\":\"done\",\"note\":\"as asked\",\"usage\":{\"cost\":1}}'"#;
    let script = format!("echo run >> $OBEYA_LEDGER/runs; echo new > made; {done}");
    let mut project = with_slow_gate(&script);
    let toml = fs::read_to_string(project.path("obeya.toml")).unwrap();
    let budget = "[budgets]\nday = { cost = 5 }\n";
    fs::write(project.path("obeya.toml"), toml + budget).unwrap();
    // The second host finds it done, and is killed over it as the first was.
    for _ in 0..2 {
        project.host();
        project.until("the gate runs", |project| {
            project.path(".obeya/gates.pids").exists()
        });
        project.signal_host(Signal::KILL);
        fs::remove_file(project.path(".obeya/gates.pids")).unwrap();
    }
    fs::remove_file(project.path(".obeya/hold")).unwrap();
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    completed(&project, "WO-001");
    assert_eq!(runs(&project), 1, "the work was not done again");
    assert_eq!(project.alerts(), [] as [&str; 0]);
}

#[test]
fn a_host_killed_between_merge_and_completion_is_followed_by_one_that_merges_nothing_twice() {
    let script = format!("echo run >> $OBEYA_LEDGER/runs; echo new > made.slow; {DONE}");
    let mut project = repository(&apart("dev", &script, ""), 1);
    // A filter of the project's own stands in the way of the merge while there is a file `hold`.
    let root = project.folder.path().display().to_string();
    let smudge = format!(
        "sh -c 'echo $$ >> {root}/.obeya/smudge.pids; while test -e {root}/.obeya/hold; do sleep 0.05; done; cat'"
    );
    git(&project, &["config", "filter.slow.smudge", &smudge]);
    git(&project, &["config", "filter.slow.clean", "cat"]);
    fs::write(project.path(".gitattributes"), "*.slow filter=slow\n").unwrap();
    commit_all(&project, "a filter");
    fs::write(project.path(".obeya/hold"), "").unwrap();
    let before = git(&project, &["rev-parse", "main"]);
    project.host();
    project.until("the merge goes on", |project| {
        project.path(".obeya/smudge.pids").exists()
    });
    project.signal_host(Signal::KILL);
    assert_eq!(project.status("WO-001"), "in_progress");
    fs::remove_file(project.path(".obeya/hold")).unwrap();
    // Git was let go on by itself: it is in nobody's group but its own.
    project.until("it is merged", |project| {
        git(project, &["rev-list", "--count", "main"]) == "3"
    });
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    let order = completed(&project, "WO-001");
    assert_eq!(runs(&project), 1, "the work was not done again");
    assert_eq!(git(&project, &["rev-list", "--count", "main"]), "3");
    let main = git(&project, &["rev-parse", "main"]);
    assert_eq!(text(&order["proof"]["workspace"], "head"), main);
    assert_eq!(text(&order["proof"]["workspace"], "base"), before);
    assert_eq!(git(&project, &["status", "--porcelain"]), "?? host.log");
    assert!(project.alerts().is_empty(), "{:?}", project.alerts());
    assert!(!project.path(".obeya/worktrees/WO-001").exists());
}

#[test]
fn nothing_new_is_begun_while_the_disk_is_nearly_full() {
    let agent = apart("dev", &format!("echo new > made; {DONE}"), "");
    let full = format!("{agent}[workspace]\nheadroom = '1000 TiB'\n");
    let mut project = repository(&full, 2);
    project.host();
    let condition = "disk:headroom";
    project.until("it is told", |project| {
        alerts_of(project, condition).len() == 1
    });
    let alert = alerts_of(&project, condition).remove(0);
    assert!(
        text(&alert, "reason").contains("MiB of disk are free"),
        "{alert}"
    );
    // Another reason to look does not make another alert.
    project.done(&["work-order", "create", "--title", "one more"]);
    assert_eq!(project.status("WO-001"), "queued");
    fs::write(
        project.path("obeya.toml"),
        format!("{agent}[workspace]\nheadroom = 0\n"),
    )
    .unwrap();
    project.until("all is done", |project| {
        ["WO-001", "WO-002", "WO-003"]
            .iter()
            .all(|id| project.status(id) == "completed")
    });
    let alerts = alerts_of(&project, condition);
    assert_eq!(
        (alerts.len(), &alerts[0]["count"]),
        (1, &1.into()),
        "{alerts:?}"
    );
    assert!(alerts[0]["recovered_at"].is_string(), "{alerts:?}");
}

#[test]
fn an_order_that_is_cancelled_leaves_nothing_unless_there_is_something() {
    let script = "test $OBEYA_ORDER = WO-002 && echo new > made; echo $$ >> $OBEYA_LEDGER/pids; while :; do echo x; sleep 0.2; done";
    let mut project = repository(&apart("dev", script, "count = 2"), 2);
    project.host();
    project.noted_running(".obeya/pids", 2);
    for id in ["WO-001", "WO-002"] {
        project.done(&["work-order", "cancel", id, "--reason", "no more"]);
    }
    project.until("the empty one is gone", |project| {
        !project.path(".obeya/worktrees/WO-001").exists()
    });
    let kept = project.path(".obeya/worktrees/WO-002/made");
    assert_eq!(fs::read_to_string(kept).unwrap(), "new\n");
    let list = project.json(&["agent", "worktrees"]);
    assert_eq!(
        text(&list["worktrees"][0], "holds"),
        "changes that are not committed",
        "{list}"
    );
}

#[test]
fn what_an_agent_left_unfinished_goes_back_to_it() {
    let script = format!(
        "echo run >> $OBEYA_LEDGER/runs; if test -e $OBEYA_LEDGER/again; then git merge --abort; \
         else touch $OBEYA_LEDGER/again; git checkout -qb other HEAD; echo a > shared.txt; \
         git -c user.name=x -c user.email=x@y commit -qam a; git checkout -q $OBEYA_BRANCH; echo b > shared.txt; \
         git -c user.name=x -c user.email=x@y commit -qam b; git -c user.name=x -c user.email=x@y merge -q other; fi; {DONE}"
    );
    let project = repository(&apart("dev", &script, ""), 1);
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    let order = completed(&project, "WO-001");
    assert!(
        order
            .to_string()
            .contains("conflicts were left in shared.txt"),
        "{order:#}"
    );
    assert_eq!(runs(&project), 2);
    assert_eq!(
        fs::read_to_string(project.path("shared.txt")).unwrap(),
        "b\n"
    );
}

#[test]
fn git_that_hangs_holds_up_only_who_needs_it() {
    let script = format!("echo $OBEYA_ORDER >> $OBEYA_LEDGER/runs; {DONE}");
    let secure = "capabilities = { buckets = ['security'] }";
    let toml = apart("careful", &script, secure) + &super::shell("plain", &script, "");
    let mut project = repository(&toml, 0);
    let secret = [
        "work-order",
        "create",
        "--title",
        "a",
        "--bucket",
        "security",
    ];
    project.done(&secret);
    for title in ["b", "c", "d"] {
        project.done(&["work-order", "create", "--title", title]);
    }
    let pause = ["agent", "pause", "plain"];
    project.done(&["agent", "register", "plain"]);
    project.done(&pause);
    // A git that never answers, before the real one.
    let folder = project.path(".obeya/slow");
    fs::create_dir(&folder).unwrap();
    let path = std::env::var("PATH").unwrap();
    let git = folder.join("git");
    fs::write(&git, "#!/bin/sh\nexec sleep 60\n").unwrap();
    let run = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&git, run).unwrap();
    let mut host = project.command(&["host"]);
    host.env("PATH", format!("{}:{path}", folder.display()));
    project.host = Some(host.spawn().unwrap());
    project.until("the host says that git does not answer", |project| {
        let alerts = project.alerts();
        alerts
            .iter()
            .any(|alert| alert.contains("took longer than 10 s"))
    });
    project.done(&["agent", "resume", "plain"]);
    project.until("the others work on", |project| runs(project) >= 3);
}
