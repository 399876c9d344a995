//! What real agents use up, and what becomes of those that go over.

use super::*;

const CLAIMED: &str = r#"{\"type\":\"usage\",\"tokens\":"#;

fn budget(more: &str) -> String {
    format!("budget = {{ {more} }}")
}

#[test]
fn an_agent_reports_what_it_used_up_and_order_agent_day_and_receipt_carry_it() {
    let result = r#"echo '{\"result\":\"done\",\"usage\":{\"input_tokens\":900,\"output_tokens\":100,\"total_cost_usd\":0.42}}'"#;
    // The sums of the line are part of those of the result.
    let script = format!("echo '{CLAIMED}400}}'; {result}");
    let project = Project::new(
        &shell("dev", &script, &budget("tokens = 5000, cost = 10")),
        2,
    );
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    assert_eq!(project.alerts(), [] as [&str; 0]);
    let order = project.order("WO-001");
    assert_eq!(text(&order, "status"), "completed");
    assert_eq!(order["usage"]["tokens"], 1000, "{order}");
    assert_eq!(order["usage"]["cost"], 0.42, "{order}");
    assert_eq!(order["proof"]["usage"], order["usage"]);
    let receipt = project.json(&["receipt", "show", "WO-002"]);
    assert_eq!(receipt["usage"]["tokens"], 1000, "{receipt}");
    let agent = project.json(&["agent", "status", "dev"]);
    assert_eq!(agent["used_today"]["tokens"], 2000, "{agent}");
    assert_eq!(agent["budget"]["cost"], 10, "{agent}");
    let report = project.json(&["report", "usage"]);
    assert_eq!(report["used"]["cost"], 0.84, "{report}");
    assert_eq!(report["agents"][0]["agent"], "dev", "{report}");
    assert_eq!(report["orders_total"], 2, "{report}");
    let shown = project.done(&["report", "usage", "--by", "agent"]);
    assert!(shown.contains("2000") && shown.contains("0.84"), "{shown}");
    assert!(shown.contains("agent:dev"), "{shown}");
    // A run of one order is one or two records, not one a line.
    let log = project.done(&["ledger", "log"]);
    assert!((2..=4).contains(&log.matches(" used ").count()), "{log}");
}

#[test]
fn a_run_that_goes_over_its_budget_is_ended_and_nothing_new_begins_under_it() {
    let cheap = format!("if test -e cheap; then echo '{CLAIMED}10}}'; {DONE}; exit; fi");
    let script = format!(
        "{cheap}; echo $$ >> pids; until test -e seen; do sleep 0.02; done; echo '{CLAIMED}700}}'; sleep 600"
    );
    let mut project = Project::new(&shell("dear", &script, &budget("tokens = 500")), 2);
    project.host();
    let pids = project.noted_running("pids", 1);
    fs::write(project.path("seen"), "").unwrap();
    project.until("the budget is spent", |project| {
        !project.alerts().is_empty()
    });
    all_gone(&pids);
    project.until("the order is back", |project| {
        project.status("WO-001") == "queued"
    });
    let alerts = project.alerts();
    assert_eq!(
        alerts,
        ["the budget of agent:dear is spent: 700 of 500 tokens"]
    );
    let life = project.life("dear");
    assert_eq!(life["crashes"], 0, "{life}");
    // Nothing is claimed by an agent that comes by itself under that name either.
    let claimed = project.run(&["work-order", "claim", "WO-002", "--agent", "dear", "--json"]);
    let said = String::from_utf8_lossy(&[claimed.stdout, claimed.stderr].concat()).into_owned();
    assert!(said.contains("held"), "{said}");
    project.done(&["andon", "resolve", "ALERT-001", "--resolution", "seen"]);
    let claimed = project.run(&["work-order", "claim", "WO-002", "--agent", "dear", "--json"]);
    let said = String::from_utf8_lossy(&[claimed.stdout, claimed.stderr].concat()).into_owned();
    assert!(said.contains("budget_spent"), "{said}");
    assert_eq!(project.noted("pids").len(), 0, "it was run again");
    // A higher budget in the file lets it go on.
    fs::write(project.path("cheap"), "").unwrap();
    let toml = shell("dear", &script, &budget("tokens = 5000"));
    fs::write(project.path("obeya.toml"), toml).unwrap();
    project.until("the work goes on", |project| {
        project.status("WO-002") == "completed"
    });
}

#[test]
fn what_is_done_when_it_spends_the_budget_is_done() {
    let result = r#"echo '{\"result\":\"done\",\"usage\":{\"tokens\":900}}'"#;
    let toml = shell("last", result, "") + "[budgets]\nday = { tokens = 500 }\n";
    let project = Project::new(&toml, 2);
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    assert_eq!(project.status("WO-001"), "completed");
    assert_eq!(project.status("WO-002"), "queued");
    assert_eq!(
        project.alerts(),
        ["the budget of line is spent: 900 of 500 tokens"]
    );
}

#[test]
fn an_agent_with_a_budget_that_says_nothing_is_held() {
    let project = Project::new(&shell("silent", DONE, &budget("cost = 5")), 2);
    let host = project.host_until_idle();
    assert_eq!(host.status.code(), Some(1), "{host:?}");
    assert_eq!(project.status("WO-001"), "completed");
    assert_eq!(project.status("WO-002"), "queued");
    assert_eq!(
        project.alerts(),
        [
            "agent silent works under a budget, and its run on WO-001 ended without saying what it used up"
        ]
    );
    // One whose use nobody counts may keep to itself what it does not use.
    let toml = shell("tester", DONE, "metered = false") + "[budgets]\nday = { cost = 5 }\n";
    let project = Project::new(&toml, 1);
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    assert_eq!(project.alerts(), [] as [&str; 0]);
}

#[test]
fn a_stdio_agent_tells_each_order_and_is_told_to_let_go() {
    let script = r#"echo '{\"type\":\"hello\"}'
while read -r line; do
  case $line in
    *execute*WO-001*) echo '{\"type\":\"usage\",\"tokens\":30}'; echo '{\"type\":\"result\",\"id\":\"WO-001\",\"result\":\"done\",\"usage\":{\"tokens\":60}}';;
    *execute*WO-002*) echo '{\"type\":\"usage\",\"tokens\":60}';;
    *cancel*) echo $line >> cancelled; echo '{\"type\":\"result\",\"id\":\"WO-002\",\"result\":\"failed\"}';;
  esac
done"#;
    let script = script.replace('\n', "\\n");
    let more = format!("mode = 'stdio'\n{}", budget("tokens = 100"));
    let mut project = Project::new(&shell("talker", &script, &more), 2);
    project.host();
    project.until("it was told to let go", |project| {
        project.path("cancelled").exists()
    });
    project.until("the order is back", |project| {
        project.status("WO-002") == "queued"
    });
    let cancelled = fs::read_to_string(project.path("cancelled")).unwrap();
    assert!(cancelled.contains("120 of 100 tokens"), "{cancelled}");
    assert_eq!(project.order("WO-001")["usage"]["tokens"], 60);
    assert_eq!(project.status("WO-001"), "completed");
    assert_eq!(text(&project.life("talker"), "state"), "idle");
}

#[test]
fn an_agent_that_reports_by_command_has_told() {
    let obeya = env!("CARGO_BIN_EXE_obeya");
    let script = format!("{obeya} work-order usage $OBEYA_ORDER --tokens 9 --cost 0.25 && {DONE}");
    let project = Project::new(&shell("able", &script, &budget("tokens = 100")), 1);
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    assert_eq!(project.alerts(), [] as [&str; 0]);
    assert_eq!(project.order("WO-001")["usage"]["tokens"], 9);
}

#[test]
fn a_spent_budget_explains_itself() {
    let spends = r#"echo '{\"result\":\"done\",\"usage\":{\"tokens\":9}}'"#;
    let toml = shell("dev", spends, "") + "[budgets]\nday = { tokens = 5 }\n";
    let project = Project::new(&toml, 2);
    let host = project.host_until_idle();
    assert!(host.status.success(), "what is held is not ready: {host:?}");
    let why = "the budget of line is spent: 9 of 5 tokens";
    let lift = "raise day in [budgets] of obeya.toml";
    let said = String::from_utf8_lossy(&host.stdout).into_owned();
    assert!(
        said.contains("agents begin nothing under a spent budget"),
        "{said}"
    );
    assert!(said.contains(why) && said.contains(lift), "{said}");
    let said = project.done(&["work-order", "why", "WO-002"]);
    assert!(said.contains("agents begin nothing"), "{said}");
    assert!(said.contains(why) && said.contains(lift), "{said}");
}

#[test]
fn a_budget_that_cannot_be_read_gives_nobody_work() {
    let toml = shell("dev", DONE, "metered = false");
    let project = Project::new(&(toml.clone() + "[budgets]\nday = { token = 1 }\n"), 1);
    let host = project.host_until_idle();
    let said = String::from_utf8_lossy(&host.stderr);
    assert!(said.contains("nobody is given work"), "{said}");
    assert_eq!(project.status("WO-001"), "queued");
    std::fs::write(
        project.path("obeya.toml"),
        toml + "[budgets]\nday = { tokens = 1 }\n",
    )
    .unwrap();
    project.host_until_idle();
    assert_eq!(project.status("WO-001"), "completed");
}
