//! What a file may say, and what is told of what it may not.

use super::*;

const WORDS: Words<'_> = Words {
    buckets: &["security", "features"],
    kinds: &["task", "bug"],
    severities: &["low", "medium", "high"],
    holds: &["none", "order", "line"],
    stages: &[],
};

fn parsed(text: &str) -> (Vec<GateSpec>, Vec<String>) {
    let document = Document::new("obeya.toml", text.to_owned());
    let (gates, problems) = read(&document, WORDS);
    (gates, problems.iter().map(ToString::to_string).collect())
}

#[test]
fn a_gate_says_everything_it_can() {
    let (gates, problems) = parsed(
        r#"
        [agents.somebody-else]
        command = 1

        [gates.coverage]
        command = ["make", "", "--cover"]
        cwd = "web"
        env = ["NODE_PATH"]
        timeout = "90s"
        stage = "test"
        buckets = ["security"]
        kinds = ["bug"]
        required = false
        pass = { number = { json = "/total" }, at_least = 80, at_most = 100.5 }
        on_fail = { severity = "high", hold = "order" }

        [gates.build]
        command = ["make"]

        [gates.review]
        approval = true
        "#,
    );
    assert!(problems.is_empty(), "{problems:?}");
    let names: Vec<_> = gates.iter().map(|gate| &*gate.name).collect();
    assert_eq!(names, ["build", "coverage", "review"]);
    assert_eq!(gates[2].opens, Opens::Approval);
    let Opens::Command(run) = &gates[0].opens else {
        panic!("it runs");
    };
    assert_eq!((run.timeout, &run.pass), (600, &Pass::Exit));
    assert!(gates[0].required && gates[0].hold == "none" && gates[0].severity == "medium");
    let Opens::Command(run) = &gates[1].opens else {
        panic!("it runs");
    };
    assert_eq!(run.command, ["make", "", "--cover"]);
    assert_eq!((run.timeout, run.cwd.as_deref()), (90, Some("web")));
    let from = Number::Json("/total".into());
    let (at_least, at_most) = (Some(80.0), Some(100.5));
    let pass = Pass::Number {
        from,
        at_least,
        at_most,
    };
    assert_eq!(run.pass, pass);
    assert!(!gates[1].required && gates[1].hold == "order");
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_the_rest_still_loads() {
    let number = |number: &str| format!("command = ['a']\npass = {{ number = {number} }}");
    let command = |more: &str| format!("command = ['a']\n{more}");
    let bad = [
        ("command = \"make\"".into(), "this is no list"),
        ("command = [1]".into(), "this is no text"),
        ("command = []".into(), "this gate runs nothing"),
        (String::new(), "this gate runs nothing"),
        (command("approval = true"), "a person opens an approval"),
        (command("timeout = 5"), "this is no text"),
        (command("timeout = '25h'"), "this is no time"),
        (command("timeout = '0s'"), "this is no time"),
        (command("timeout = 'é'"), "this is no time"),
        (command("buckets = ['gold']"), "there is no 'gold'"),
        (command("pass = 'always'"), "says nothing about a pass"),
        (command("pass = { regex = '(' }"), "no regular expression"),
        (number("{ json = '/a' }"), "needs a threshold"),
        (number("{ json = 'a' }, at_least = 1"), "no JSON pointer"),
        (number("{ regex = 'a' }, at_least = 1"), "it has no group"),
        (
            number("{ regex = '(a)' }, at_least = nan"),
            "this is no number",
        ),
        (
            command("on_fail = { severity = 'awful' }"),
            "there is no severity 'awful'",
        ),
        (
            command("on_fail = { hold = 'all' }"),
            "there is no hold 'all'",
        ),
        (command("comand = ['b']"), "a gate has no 'comand'"),
    ];
    for (body, what) in bad {
        let text = format!("[gates.bad]\n{body}\n[gates.good]\ncommand = ['make']\n");
        let (gates, problems) = parsed(&text);
        assert_eq!(gates.len(), 1, "{body}: {gates:?}");
        assert_eq!(gates[0].name, "good", "{body}");
        assert!(
            problems.iter().any(|problem| problem.contains(what)),
            "{body}: {problems:?}"
        );
        let placed = |problem: &String| problem.starts_with("obeya.toml:");
        assert!(problems.iter().all(placed), "{problems:?}");
    }
    let (gates, problems) = parsed("[gates.'a b']\ncommand = ['x']\n[gates.ok]\ncommand = ['x']");
    assert_eq!((gates.len(), problems.len()), (1, 1), "{problems:?}");
    let (gates, problems) = parsed("gates = 3");
    assert_eq!((gates.len(), problems.len()), (0, 1), "{problems:?}");
    // A torn file keeps what can be read of it.
    let (gates, problems) = parsed("[gates.ok]\ncommand = ['x']\n[gates.torn]\ncommand = [");
    assert!(gates.iter().any(|gate| gate.name == "ok"), "{gates:?}");
    assert!(!problems.is_empty());
}
