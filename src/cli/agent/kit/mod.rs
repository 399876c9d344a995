//! What a new agent is made of, by language. Pure: names in, files and a table out.
//!
//! The programs are the files beside this one, as they are: nothing that a user typed is ever put into a program. Names,
//! topics and roles stand in the table and in the page alone.

use std::fmt::Write as _;

use crate::{
    config::line::Restart,
    domain::message::{Name, Topic},
};

/// A language that agents are made in.
#[derive(Debug)]
pub(super) struct Language {
    /// Its word.
    pub(super) word: &'static str,
    /// Its name in a sentence.
    title: &'static str,
    /// Whether its agents stay for order after order; others are started for each, and hear no topics.
    pub(super) stays: bool,
    /// Its files, the program first.
    files: &'static [(&'static str, &'static str)],
    /// What is run; `@` stands for the folder.
    command: &'static [&'static str],
    /// What has to be done once, and after each change, before it runs.
    build: Option<&'static str>,
    /// What runs its test.
    test: &'static str,
}

pub(super) const LANGUAGES: &[Language] = &[
    Language {
        word: "bash",
        title: "Bash",
        stays: false,
        files: &[
            ("agent.sh", include_str!("bash/agent.sh")),
            ("test.sh", include_str!("bash/test.sh")),
        ],
        command: &["bash", "@/agent.sh"],
        build: None,
        test: "bash test.sh",
    },
    Language {
        word: "python",
        title: "Python",
        stays: true,
        files: &[
            ("agent.py", include_str!("python/agent.py")),
            ("test_agent.py", include_str!("python/test_agent.py")),
        ],
        command: &["python3", "@/agent.py"],
        build: None,
        test: "python3 -m unittest",
    },
    Language {
        word: "rust",
        title: "Rust",
        stays: true,
        files: &[
            ("src/main.rs", include_str!("rust/main.rs")),
            ("tests/protocol.rs", include_str!("rust/protocol.rs")),
            ("Cargo.toml", include_str!("rust/Cargo.toml")),
            (".gitignore", include_str!("rust/gitignore")),
        ],
        command: &["@/target/release/agent"],
        build: Some("cargo build --release --target-dir target"),
        test: "cargo test --target-dir target",
    },
    Language {
        word: "typescript",
        title: "TypeScript",
        stays: true,
        files: &[
            ("src/agent.ts", include_str!("typescript/agent.ts")),
            (
                "src/agent.test.ts",
                include_str!("typescript/agent.test.ts"),
            ),
            ("package.json", include_str!("typescript/package.json")),
            ("tsconfig.json", include_str!("typescript/tsconfig.json")),
            (".gitignore", include_str!("typescript/gitignore")),
        ],
        command: &["node", "@/dist/agent.js"],
        build: Some("npm install && npm run build"),
        test: "npm test",
    },
];

/// An agent that is to be.
#[derive(Debug)]
pub(super) struct NewAgent {
    /// Its name, which is that of an agent and nothing worse.
    pub(super) name: String,
    pub(super) language: &'static Language,
    pub(super) role: Option<Name>,
    pub(super) restart: Restart,
    pub(super) topics: Vec<Topic>,
}

impl NewAgent {
    /// Returns its files by their paths within its folder. `folder` is that folder and `line` the project's file, as the page
    /// is to name them.
    pub(super) fn files(&self, folder: &str, line: &str) -> Vec<(&'static str, String)> {
        let krate = self.name.replace('.', "-");
        let fill = |(path, text): &(&'static str, &str)| (*path, text.replace("@CRATE@", &krate));
        let mut files: Vec<_> = self.language.files.iter().map(fill).collect();
        files.push(("README.md", self.page(folder, line)));
        files
    }

    /// Returns what builds the agent, if it has to be built, and what tests it; both in its folder.
    pub(super) fn build_and_test(&self) -> (Option<&'static str>, &'static str) {
        (self.language.build, self.language.test)
    }

    /// Returns its table. Strings of JSON are strings of TOML too, but for DEL, which no name has.
    pub(super) fn table(&self, folder: &str) -> String {
        let string = |text: &str| serde_json::Value::from(text).to_string();
        let list = |all: &[String]| {
            let all: Vec<_> = all.iter().map(|text| string(text)).collect();
            format!("[{}]", all.join(", "))
        };
        // A name with a dot in it would be two keys.
        let key = match self.name.contains('.') {
            true => string(&self.name),
            false => self.name.clone(),
        };
        let mut table = format!("[agents.{key}]\n");
        let mut put = |key: &str, value: String| {
            let _ = writeln!(table, "{key} = {value}");
        };
        if let Some(role) = &self.role {
            put("role", string(role.as_str()));
        }
        if self.language.stays {
            put("mode", string("stdio"));
        }
        let command = self.language.command.iter();
        let command: Vec<_> = command.map(|part| part.replace('@', folder)).collect();
        put("command", list(&command));
        if !self.topics.is_empty() {
            let topics: Vec<_> = self.topics.iter().map(ToString::to_string).collect();
            put("topics", list(&topics));
        }
        put("restart", string(word(self.restart)));
        put("lease", string("10m"));
        table
    }

    fn page(&self, folder: &str, line: &str) -> String {
        let language = self.language;
        let role = self.role.as_ref();
        let role = role.map_or_else(String::new, |role| format!(" in the role of {role}"));
        let about = format!("An agent of obeya in {}{role}.", language.title);
        let mut commands = format!("cd {folder}\n");
        if let Some(build) = language.build {
            let _ = writeln!(commands, "{build}    # once, and after each change");
        }
        let _ = write!(
            commands,
            "{}    # without obeya\ncd -\nobeya host    # runs it",
            language.test
        );
        let mode = match language.stays {
            true => include_str!("stdio.md"),
            false => include_str!("exec.md"),
        };
        let topics = match self.topics.as_slice() {
            [] => String::new(),
            topics => {
                let topics: Vec<_> = topics.iter().map(|topic| format!("`{topic}`")).collect();
                format!(
                    "\nIt hears {}: each message comes to `heard`, and is acknowledged.\n",
                    topics.join(", ")
                )
            }
        };
        let program = language.files.first().map_or("", |(path, _)| *path);
        // Last what a user typed, so that nothing in it is taken for a place to fill.
        include_str!("readme.md")
            .replace("@PROGRAM@", program)
            .replace("@MODE@", mode.trim_end())
            .replace("@COMMANDS@", &commands)
            .replace("@LINE@", line)
            .replace("@TOPICS@\n", &topics)
            .replace("@ABOUT@", &about)
            .replace("@NAME@", &self.name)
    }
}

/// Returns how a restart is written.
pub(super) fn word(restart: Restart) -> &'static str {
    match restart {
        Restart::Permanent => "permanent",
        Restart::Transient => "transient",
        Restart::Temporary => "temporary",
    }
}
