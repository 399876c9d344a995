//! What the agents view says of agents that a host runs.

use obeya::domain::query::life::{Life, LifeSource, LifeState};

use super::support::{console::Console, sample};

#[test]
fn a_hosts_word_on_an_agent_is_shown_with_where_it_comes_from() {
    let mut world = sample::line();
    let life = Life {
        state: LifeState::Waiting,
        source: LifeSource::Protocol,
        since: world.now.into(),
        note: Some("which key?".into()),
        until: None,
        wanted: 1,
        crashes: 0,
        runs: vec![],
    };
    let before = Console::new(world.clone(), (120, 30)).keys("5").screen();
    world.lives.insert("rust-dev".into(), life);
    let after = Console::new(world, (120, 30)).keys("5").screen();
    let row = |screen: &str| {
        let lines = screen.lines().filter(|line| line.contains("rust-dev"));
        lines.map(str::to_owned).collect::<Vec<_>>().join("\n")
    };
    assert!(row(&before).contains("working"), "{before}");
    let shown = row(&after);
    assert!(!shown.contains("working"), "{after}");
    assert!(
        shown.contains("waiting") && shown.contains("which key? (by its protocol)"),
        "{after}"
    );
}
