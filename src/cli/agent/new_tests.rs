//! What is added to `obeya.toml` for a new agent.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use super::*;

fn agent(name: &str, word: &str) -> NewAgent {
    NewAgent {
        name: name.into(),
        language: LANGUAGES
            .iter()
            .find(|language| language.word == word)
            .unwrap(),
        role: Some("tester \"by\\ night\"".parse().unwrap()),
        restart: Restart::Transient,
        topics: vec![Topic::WorkOrderEvents],
    }
}

#[test]
fn what_is_added_is_read_as_it_is_meant() {
    for language in LANGUAGES {
        for before in [
            "",
            "# mine\n[agents.other]\ncommand = ['a']",
            "[agents.x]\ncolour = 1\n\n",
        ] {
            let mut agent = agent("a.b-c", language.word);
            if !language.stays {
                agent.topics.clear();
            }
            let added = addition(&agent, before, "agents/a.b-c").unwrap();
            let (line, _) = read_line(format!("{before}{added}"));
            let rule = line
                .agents
                .iter()
                .find(|rule| rule.name == "a.b-c")
                .unwrap();
            assert_eq!(rule.role.as_deref(), Some("tester \"by\\ night\""));
            assert_eq!(rule.restart, Restart::Transient);
            let topics: Vec<_> = agent.topics.iter().map(ToString::to_string).collect();
            assert_eq!(
                (rule.topics == topics, topics.is_empty()),
                (true, !language.stays)
            );
            let program = rule.command.last().unwrap();
            assert!(program.starts_with("agents/a.b-c/"), "{program}");
        }
    }
}

#[test]
fn a_name_that_is_taken_and_a_file_that_cannot_be_added_to_are_refused() {
    let agent = agent("dev", "python");
    for (before, wanted) in [
        ("[agents.dev]\ncolour = 1\n", "has an agent 'dev' already"),
        ("[agents.'dev']\n", "has an agent 'dev' already"),
        ("[agents\n", "mend it first"),
        ("agents = { a = {} }\n", "obeya.toml"),
    ] {
        let refused = addition(&agent, before, "agents/dev").unwrap_err();
        assert!(refused.to_string().contains(wanted), "{refused}");
    }
}

#[test]
fn no_place_in_a_page_or_a_manifest_is_left_to_fill() {
    for language in LANGUAGES {
        let agent = agent("a.b", language.word);
        for (path, text) in agent.files("agents/a.b", LINE_FILE) {
            let marks = [
                "@NAME@",
                "@CRATE@",
                "@TOPICS@",
                "@COMMANDS@",
                "@ABOUT@",
                "@MODE@",
                "@PROGRAM@",
                "@LINE@",
            ];
            assert!(
                !marks.iter().any(|mark| text.contains(mark)),
                "{path}: {text}"
            );
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{path}");
        }
    }
}
