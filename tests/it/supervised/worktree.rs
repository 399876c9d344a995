//! Orders with a worktree of their own: real repositories, real agents, and hosts that are killed.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use super::{DONE, Project, text};

/// What an agent of these tests does first: it says that it runs, and waits until so many do, so that all begin from the
/// same commit.
const TOGETHER: &str = "echo $OBEYA_ORDER >> $OBEYA_LEDGER/runs; while test $(wc -l < $OBEYA_LEDGER/runs) -lt $MANY; do sleep 0.05; done;";

/// Returns the table of an agent that runs a shell script in worktrees.
pub(super) fn apart(name: &str, script: &str, more: &str) -> String {
    let workspace = format!("workspace = 'worktree'\n{more}");
    super::shell(name, script, &workspace)
}

/// Makes a project under git, with one commit, whose ledger has so many orders.
pub(super) fn repository(toml: &str, orders: usize) -> Project {
    let project = Project::new(toml, orders);
    git(&project, &["init", "--quiet", "-b", "main"]);
    commit_all(&project, "first");
    project
}

pub(super) fn commit_all(project: &Project, message: &str) {
    if !project.path("shared.txt").exists() {
        fs::write(project.path("shared.txt"), "as it was\n").unwrap();
    }
    git(project, &["add", "--all"]);
    git(project, &["commit", "--quiet", "-m", message]);
}

#[track_caller]
pub(super) fn git(project: &Project, arguments: &[&str]) -> String {
    git_in(project.folder.path(), arguments)
}

#[track_caller]
pub(super) fn git_in(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=ada", "-c", "user.email=ada@example.org"])
        .args(arguments)
        .current_dir(folder)
        .env("HOME", folder)
        .env("GIT_EDITOR", "true")
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Returns how often an agent was started.
pub(super) fn runs(project: &Project) -> usize {
    let runs = fs::read_to_string(project.path(".obeya/runs")).unwrap_or_default();
    runs.lines().count()
}

#[track_caller]
pub(super) fn completed(project: &Project, id: &str) -> Value {
    let order = project.order(id);
    assert_eq!(text(&order, "status"), "completed", "{order:#}");
    order
}

/// Returns the open alerts of a condition.
pub(super) fn alerts_of(project: &Project, fingerprint: &str) -> Vec<Value> {
    let all = project.json(&["andon", "list"]);
    let all = all["alerts"].as_array().cloned().unwrap_or_default();
    all.into_iter()
        .filter(|alert| text(alert, "fingerprint") == fingerprint)
        .collect()
}

pub(super) fn resolve(project: &Project, alert: &Value) {
    let id = text(alert, "id");
    project.done(&["andon", "resolve", &id, "--resolution", "seen to"]);
}

#[test]
fn what_was_made_apart_is_merged_before_it_is_done_and_its_place_is_put_away() {
    let script = format!(
        "pwd > $OBEYA_LEDGER/pwd; echo $OBEYA_WORKTREE $OBEYA_BRANCH > $OBEYA_LEDGER/told; echo new > made; \
         echo more >> shared.txt; {DONE}"
    );
    let gate = "[gates.tests]\ncommand = ['test', '-e', 'made']\ntimeout = '20s'\n";
    let project = repository(&(apart("dev", &script, "") + gate), 1);
    let before = git(&project, &["rev-parse", "main"]);
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    let order = completed(&project, "WO-001");
    let after = git(&project, &["rev-parse", "main"]);
    let made = &order["proof"]["workspace"];
    assert_eq!(
        (
            text(made, "base"),
            text(made, "head"),
            text(made, "landing")
        ),
        (before.clone(), after.clone(), "merged".into()),
        "{order:#}"
    );
    let shown = project.done(&["receipt", "show", "WO-001"]);
    assert!(shown.contains(&before) && shown.contains(&after), "{shown}");
    let log = git(&project, &["log", "--format=%an <%ae> %s", "main"]);
    assert_eq!(
        log,
        "dev <dev@obeya> WO-001: order 1\nada <ada@example.org> first"
    );
    assert_eq!(git(&project, &["status", "--porcelain"]), "");
    assert_eq!(fs::read_to_string(project.path("made")).unwrap(), "new\n");
    let place = project.path(".obeya/worktrees/WO-001").canonicalize();
    assert!(place.is_err(), "it is put away: {place:?}");
    assert_eq!(git(&project, &["branch", "--list", "obeya/*"]), "");
    let seen = fs::read_to_string(project.path(".obeya/pwd")).unwrap();
    assert!(seen.trim().ends_with(".obeya/worktrees/WO-001"), "{seen}");
    let told = fs::read_to_string(project.path(".obeya/told")).unwrap();
    assert_eq!(told.trim(), format!("{} obeya/WO-001", seen.trim()));
    assert!(project.alerts().is_empty());
}

#[test]
fn two_agents_on_two_orders_both_get_home() {
    let script = format!(
        "{} echo $OBEYA_ORDER > file-$OBEYA_ORDER; {DONE}",
        TOGETHER.replace("$MANY", "2")
    );
    let toml = apart("one", &script, "") + &apart("two", &script, "");
    let project = repository(&toml, 2);
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    let heads = ["WO-001", "WO-002"].map(|id| {
        let order = completed(&project, id);
        assert!(project.path(&format!("file-{id}")).exists());
        text(&order["proof"]["workspace"], "head")
    });
    // One stands on the other, and nothing was merged twice.
    assert_eq!(git(&project, &["rev-list", "--count", "main"]), "3");
    assert_eq!(git(&project, &["rev-list", "--merges", "main"]), "");
    let main = git(&project, &["rev-parse", "main"]);
    assert!(heads.contains(&main), "{heads:?} {main}");
    assert_eq!(runs(&project), 2);
}

#[test]
fn a_conflict_raises_one_alert_holds_the_order_and_loses_nothing() {
    let script = format!(
        "{} echo $OBEYA_ORDER > shared.txt; {DONE}",
        TOGETHER.replace("$MANY", "2")
    );
    let toml = apart("one", &script, "") + &apart("two", &script, "");
    let project = repository(&toml, 2);
    project.host_until_idle();
    let (done, back) = match project.status("WO-001").as_str() {
        "completed" => ("WO-001", "WO-002"),
        _ => ("WO-002", "WO-001"),
    };
    completed(&project, done);
    assert_eq!(project.status(back), "queued");
    let alerts = alerts_of(&project, &format!("merge:{back}"));
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert_eq!(text(&alerts[0], "severity"), "high");
    let reason = text(&alerts[0], "reason");
    assert!(
        reason.contains("conflicts with main in shared.txt")
            && reason.contains(&format!(".obeya/worktrees/{back} (branch obeya/{back})"))
            && reason.contains("git rebase main; (3) settle the conflicts")
            && reason.contains("resolve this alert"),
        "{reason}"
    );
    assert!(
        project.order(back)["held_by"]
            .as_array()
            .is_some_and(|held| held.len() == 1)
    );
    let branch = format!("obeya/{back}:shared.txt");
    assert_eq!(
        git(&project, &["show", &branch]),
        back,
        "the work is on its branch"
    );
    assert_eq!(
        fs::read_to_string(project.path("shared.txt"))
            .unwrap()
            .trim(),
        done
    );
    let place = project.path(&format!(".obeya/worktrees/{back}"));
    assert_eq!(
        git_in(&place, &["status", "--porcelain"]),
        "",
        "nothing is left in the middle"
    );
    assert_eq!(
        git_in(&place, &["symbolic-ref", "--short", "HEAD"]),
        format!("obeya/{back}")
    );
    // Somebody solves it where it lies; the work need not be done again.
    fs::write(place.join("shared.txt"), "both\n").unwrap();
    git_in(&place, &["reset", "--quiet", "--soft", "main"]);
    git_in(&place, &["commit", "--quiet", "--all", "-m", "both"]);
    resolve(&project, &alerts[0]);
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    completed(&project, back);
    assert_eq!(
        fs::read_to_string(project.path("shared.txt")).unwrap(),
        "both\n"
    );
    assert_eq!(runs(&project), 2, "nobody did it again");
}

#[test]
fn a_conflict_that_nobody_solved_is_the_next_agents_to_solve() {
    // The first try is in conflict; the next one takes what is there.
    let script = format!(
        "echo run >> $OBEYA_LEDGER/runs; if test -e $OBEYA_LEDGER/again; then git reset --hard --quiet main; \
         else touch $OBEYA_LEDGER/again; (cd $OBEYA_LEDGER/..; echo theirs > shared.txt; git -c user.name=a -c user.email=a@b commit -qam theirs); fi; \
         echo mine $(cat shared.txt) > shared.txt; {DONE}"
    );
    let project = repository(&apart("dev", &script, ""), 1);
    project.host_until_idle();
    let alerts = alerts_of(&project, "merge:WO-001");
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    resolve(&project, &alerts[0]);
    project.host_until_idle();
    completed(&project, "WO-001");
    assert_eq!(
        fs::read_to_string(project.path("shared.txt")).unwrap(),
        "mine theirs\n"
    );
    assert_eq!(runs(&project), 2);
}

#[test]
fn changes_in_the_project_are_never_overwritten() {
    let script = format!("echo run >> $OBEYA_LEDGER/runs; echo agent > shared.txt; {DONE}");
    let project = repository(&apart("dev", &script, ""), 1);
    // Not by a user's own settings either.
    git(&project, &["config", "merge.autoStash", "true"]);
    fs::write(project.path("shared.txt"), "a person is at it\n").unwrap();
    project.host_until_idle();
    assert_eq!(project.status("WO-001"), "queued");
    let alerts = alerts_of(&project, "merge:WO-001");
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    let reason = text(&alerts[0], "reason");
    assert!(
        reason.contains("not committed") && reason.contains("shared.txt"),
        "{reason}"
    );
    assert_eq!(
        fs::read_to_string(project.path("shared.txt")).unwrap(),
        "a person is at it\n"
    );
    // What is not touched may be as it is.
    git(&project, &["checkout", "--quiet", "shared.txt"]);
    fs::write(project.path("elsewhere"), "a person is at it\n").unwrap();
    resolve(&project, &alerts[0]);
    project.host_until_idle();
    completed(&project, "WO-001");
    assert_eq!(runs(&project), 1, "it was done already");
    assert_eq!(git(&project, &["status", "--porcelain"]), "?? elsewhere");
    assert_eq!(
        fs::read_to_string(project.path("shared.txt")).unwrap(),
        "agent\n"
    );
}

#[test]
fn a_project_that_worktrees_cannot_be_made_of_is_told_in_words() {
    let script = format!("echo new > made; {DONE}");
    let project = Project::new(&apart("dev", &script, ""), 1);
    let condition = "workspace:repository";
    let told = |project: &Project, words: &str| {
        let host = project.host_until_idle();
        assert_eq!(host.status.code(), Some(1), "{host:?}");
        assert_eq!(project.status("WO-001"), "queued");
        let alerts = alerts_of(project, condition);
        assert_eq!(alerts.len(), 1, "{alerts:?}");
        assert!(text(&alerts[0], "reason").contains(words), "{alerts:?}");
        alerts[0].clone()
    };
    let alert = told(&project, "is in no git repository: run `git init`");
    resolve(&project, &alert);
    git(&project, &["init", "--quiet", "-b", "main"]);
    told(&project, "has no commit yet");
    commit_all(&project, "first");
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    completed(&project, "WO-001");
    let alerts = alerts_of(&project, condition);
    assert!(alerts[0]["recovered_at"].is_string(), "{alerts:?}");
}

#[test]
fn a_project_that_is_a_part_of_its_repository_is_worked_on_there() {
    let script = format!("pwd > $OBEYA_LEDGER/pwd; echo new > made; {DONE}");
    let outer = tempfile::tempdir().unwrap();
    let inner = tempfile::Builder::new().tempdir_in(outer.path()).unwrap();
    fs::write(inner.path().join("obeya.toml"), apart("dev", &script, "")).unwrap();
    let project = Project {
        folder: inner,
        host: None,
    };
    project.done(&["init"]);
    project.done(&["work-order", "create", "--title", "a part"]);
    git_in(outer.path(), &["init", "--quiet", "-b", "main"]);
    commit_all(&project, "first");
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    completed(&project, "WO-001");
    let name = project
        .folder
        .path()
        .file_name()
        .unwrap()
        .to_string_lossy()
        .into_owned();
    let seen = fs::read_to_string(project.path(".obeya/pwd")).unwrap();
    assert!(
        seen.trim().ends_with(&format!("worktrees/WO-001/{name}")),
        "{seen}"
    );
    assert!(project.path("made").exists());
}

#[test]
fn what_is_to_stay_on_its_branch_does_and_is_pruned_once_it_is_merged() {
    let script = format!("echo new > made; {DONE}");
    let project = repository(&apart("dev", &script, "merge = 'none'"), 1);
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    let order = completed(&project, "WO-001");
    assert_eq!(text(&order["proof"]["workspace"], "landing"), "kept");
    assert!(!project.path("made").exists());
    let list = project.json(&["agent", "worktrees"]);
    assert_eq!(
        text(&list["worktrees"][0], "holds"),
        "1 commit that main does not have",
        "{list}"
    );
    let doctor = project.run(&["doctor"]);
    let doctor = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(
        doctor.contains("WO-001, 1 MiB (1 commit that main does not have)"),
        "{doctor}"
    );
    let pruned = project.json(&["agent", "worktrees", "--prune"]);
    assert_eq!(pruned["removed"], serde_json::json!([]), "{pruned}");
    let said = project.done(&["agent", "worktrees", "--prune"]);
    assert!(said.ends_with("removed: 0, kept: 1\n"), "{said}");
    assert!(project.path(".obeya/worktrees/WO-001/made").exists());
    git(&project, &["merge", "--quiet", "obeya/WO-001"]);
    let refused = project.run(&["agent", "worktrees", "--prune", "--as", "agent"]);
    assert_eq!(
        refused.status.code(),
        Some(1),
        "an agent removes nothing: {refused:?}"
    );
    let pruned = project.json(&["agent", "worktrees", "--prune"]);
    assert_eq!(pruned["removed"], serde_json::json!(["WO-001"]), "{pruned}");
    assert_eq!(git(&project, &["branch", "--list", "obeya/*"]), "");
    assert_eq!(
        project.done(&["agent", "worktrees"]).trim(),
        "there are none"
    );
    let said = project.done(&["agent", "worktrees", "--prune"]);
    assert_eq!(
        said.trim(),
        "there are no worktrees, so that none was removed"
    );
}

#[test]
fn an_agent_does_not_complete_by_itself_what_is_not_merged() {
    let obeya = env!("CARGO_BIN_EXE_obeya");
    let script = format!(
        "echo new > made; git add made; git -c user.name=x -c user.email=x@y commit -qm own; \
         {obeya} work-order complete $OBEYA_ORDER 2> $OBEYA_LEDGER/refused && exit 9; {DONE}"
    );
    let project = repository(&apart("dev", &script, ""), 1);
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    completed(&project, "WO-001");
    let refused = fs::read_to_string(project.path(".obeya/refused")).unwrap();
    assert!(
        refused.contains("WO-001 was made on branch obeya/WO-001, which is not merged yet"),
        "{refused}"
    );
    assert_eq!(git(&project, &["log", "-1", "--format=%s", "main"]), "own");
}

#[test]
fn a_lasting_agent_is_told_where() {
    let script = r#"echo '{"type":"hello"}'
while read -r line; do
  case "$line" in
    '{"type":"execute"'*)
      id=$(printf '%s' "$line" | sed 's/^{"type":"execute","id":"\([^"]*\)".*/\1/')
      where=$(printf '%s' "$line" | sed 's/.*"worktree":"\([^"]*\)".*/\1/')
      echo "$id" > "$where/made-$id"
      echo "{\"type\":\"result\",\"id\":\"$id\",\"result\":\"done\"}" ;;
  esac
done
"#;
    let toml = "[agents.stayer]\nmode = 'stdio'\ncommand = ['sh', 'agent.sh']\ngrace = 1\nworkspace = 'worktree'\n";
    let project = Project::new(toml, 2);
    fs::write(project.path("agent.sh"), script).unwrap();
    git(&project, &["init", "--quiet", "-b", "main"]);
    commit_all(&project, "first");
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    for id in ["WO-001", "WO-002"] {
        completed(&project, id);
        assert!(project.path(&format!("made-{id}")).exists(), "{id}");
    }
}
