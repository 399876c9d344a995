//! `obeya agent new`: a working agent to start from, with its test, its page and its table in `obeya.toml`.
//!
//! All of it is made or nothing, nothing is overwritten, and what stands in `obeya.toml` stays as it is to the byte.

use std::{
    borrow::Cow,
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Component, Path, PathBuf},
};

use clap::{
    Arg, ArgMatches,
    builder::{PossibleValuesParser, TypedValueParser as _},
};
use serde_json::json;

use super::{
    super::{
        arguments::{many, option, positional, reads, words},
        context::{Call, text, word},
        error::{self, CliError, Done},
        output::Tone,
    },
    kit::{self, LANGUAGES, NewAgent},
};
use crate::{
    config::{
        Document, Problem,
        line::{LINE_FILE, Line, Restart, is_name},
    },
    domain::{
        command::Role,
        message::{Name, Topic},
        refusal::Refusal,
    },
    link, text as outside,
};

/// Where agents are made within a project.
const FOLDER: &str = "agents";
const RESTARTS: [Restart; 3] = [Restart::Permanent, Restart::Transient, Restart::Temporary];

pub(super) const AFTER: &str = "\
Example:
  obeya agent new scout --lang python --role researcher --topics work_order_events";

pub(super) fn arguments() -> [Arg; 6] {
    let languages = LANGUAGES.iter().map(|language| language.word);
    let restart = PossibleValuesParser::new(RESTARTS.map(kit::word)).map(|word| {
        let found = RESTARTS
            .into_iter()
            .find(|restart| kit::word(*restart) == word);
        found.unwrap_or_default()
    });
    [
        positional("name", "NAME", "What the agent is called"),
        option("lang", "LANGUAGE", "In which language")
            .required(true)
            .value_parser(PossibleValuesParser::new(languages)),
        option("role", "TEXT", "What it does: developer, tester, …")
            .value_parser(reads(str::parse::<Name>)),
        option(
            "restart",
            "WHEN",
            "When it is started again; permanent, if not given",
        )
        .value_parser(restart),
        many("topics", "TOPICS", "What it hears, with commas between")
            .value_parser(words(Topic::ALL, Topic::word)),
        option(
            "out",
            "FOLDER",
            "Which folder is made; agents/NAME, if not given",
        ),
    ]
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let (_, has) = call.acting();
    let needs = Role::Operator;
    if has < needs {
        return Err(Refusal::Role { has, needs }.into());
    }
    let plan = Plan::of(matches, call)?;
    if !call.globals.dry_run {
        plan.carry_out()?;
    }
    plan.tell(call)
}

/// Everything that is to be written.
struct Plan {
    agent: NewAgent,
    folder: PathBuf,
    files: Vec<(&'static str, String)>,
    line_file: PathBuf,
    /// Where whoever calls stands: what they are told to type begins there.
    here: PathBuf,
    /// What stands in the project's file now, if there is one.
    before: Option<String>,
    /// What is added to it.
    addition: String,
}

impl Plan {
    fn of(matches: &ArgMatches, call: &Call<'_>) -> Result<Plan, CliError> {
        let name = word(matches, "name").to_owned();
        if !is_name(&name) {
            let why = "use up to 40 letters, digits, '-', '_' and '.', a letter or digit first";
            return Err(Refusal::invalid("name", why).into());
        }
        let wanted = word(matches, "lang");
        let language = LANGUAGES
            .iter()
            .find(|language| language.word == wanted)
            .ok_or_else(|| CliError::Usage(format!("there is no language '{wanted}'")))?;
        let topics: Vec<Topic> = matches
            .get_many("topics")
            .into_iter()
            .flatten()
            .copied()
            .collect();
        if !language.stays && !topics.is_empty() {
            let why = "an agent in bash is started for each order, so that it hears none: take another language";
            return Err(Refusal::invalid("topics", why).into());
        }
        let agent = NewAgent {
            name,
            language,
            role: matches.get_one("role").cloned(),
            restart: matches.get_one("restart").copied().unwrap_or_default(),
            topics,
        };
        let home = call.home()?;
        let project = resolved(home.project())?;
        let folder = match text(matches, "out") {
            Some(out) => resolved(Path::new(&out))?,
            None => project.join(FOLDER).join(&agent.name),
        };
        let within = folder.strip_prefix(&project).unwrap_or(&folder);
        let shown = within
            .to_str()
            .filter(|path| outside::clean(path) == *path && !path.is_empty());
        let Some(shown) = shown.map(str::to_owned) else {
            let why = "its path has to be plain text, below the project or elsewhere";
            return Err(Refusal::invalid("out", why).into());
        };
        if fs::symlink_metadata(&folder).is_ok() {
            let why = format!("{shown} is there already, and nothing is overwritten");
            return Err(Refusal::invalid("out", why).into());
        }
        let line_file = project.join(LINE_FILE);
        let before = Document::read(&line_file).map_err(broken)?;
        let before = before.map(|document| document.text().to_owned());
        let addition = addition(&agent, before.as_deref().unwrap_or_default(), &shown)?;
        Ok(Plan {
            files: agent.files(&shown, LINE_FILE),
            agent,
            folder,
            line_file,
            here: resolved(Path::new("."))?,
            before,
            addition,
        })
    }

    fn carry_out(&self) -> Done {
        let parent = self.folder.parent().unwrap_or(&self.folder);
        let failed = |doing: &str, path: &Path, fault| error::file(path, doing, &fault);
        fs::create_dir_all(parent).map_err(|fault| failed("making", parent, fault))?;
        let staged = parent.join(format!(".{}.{}", self.agent.name, std::process::id()));
        let made = write_all(&staged, &self.files).and_then(|()| claim(&staged, &self.folder));
        if let Err(fault) = made {
            let _ = fs::remove_dir_all(&staged);
            return Err(failed("making", &self.folder, fault));
        }
        self.append().inspect_err(|_| {
            let _ = fs::remove_dir_all(&self.folder);
        })
    }

    /// Adds the table to the project's file. Whoever writes there meanwhile finds what they wrote, before it or behind it.
    fn append(&self) -> Done {
        let failed = |fault| error::file(&self.line_file, "adding to", &fault);
        let now = Document::read(&self.line_file).map_err(broken)?;
        if now.map(|document| document.text().to_owned()) != self.before {
            let why = format!("somebody has just changed {LINE_FILE}: try again");
            return Err(Refusal::invalid("name", why).into());
        }
        // What anybody may write, no host runs.
        let mut file = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o644)
            .open(&self.line_file)
            .map_err(failed)?;
        let written = file
            .write_all(self.addition.as_bytes())
            .and_then(|()| file.sync_all());
        written.map_err(|fault| {
            // The disk is full, say: half a table is taken back.
            match &self.before {
                Some(before) => drop(file.set_len(before.len() as u64)),
                None => drop(fs::remove_file(&self.line_file)),
            }
            failed(fault)
        })
    }

    fn tell(&self, call: &mut Call<'_>) -> Done {
        let (build, test) = self.agent.build_and_test();
        if call.json() {
            let files: Vec<_> = self.files.iter().map(|(path, _)| path).collect();
            return call.out.json(&json!({
                "name": self.agent.name,
                "folder": self.folder.display().to_string(),
                "files": files,
                "line_file": self.line_file.display().to_string(),
                "table": self.addition.trim_start(),
                "build": build,
                "test": test,
                "dry_run": call.globals.dry_run,
            }));
        }
        let (made, added) = match call.globals.dry_run {
            true => ("would make", "would add to"),
            false => ("made", "added to"),
        };
        let folder = from(&self.here, &self.folder);
        for (path, _) in &self.files {
            let path = folder.join(path);
            call.out.line(&format!("{made} {}", path.display()))?;
        }
        let line_file = from(&self.here, &self.line_file);
        call.out
            .line(&format!("{added} {}:", line_file.display()))?;
        for line in self.addition.trim().lines() {
            call.out.line(&format!("  {line}"))?;
        }
        let build = build
            .map(|build| format!("{build} && "))
            .unwrap_or_default();
        let next = format!(
            "next: cd {} && {build}{test}, then obeya host",
            folder.display()
        );
        call.out.tone(Tone::Muted, &next)
    }
}

/// Returns what is added to a project's file for an agent, once it is known that it is read there as it is meant.
fn addition(agent: &NewAgent, before: &str, folder: &str) -> Result<String, CliError> {
    let table: toml::Table = before.parse().map_err(|fault: toml::de::Error| {
        let why = format!("mend it first: {}", fault.message());
        CliError::from(Refusal::invalid(LINE_FILE, why))
    })?;
    let named = table
        .get("agents")
        .and_then(|agents| agents.get(&agent.name));
    if named.is_some() {
        let why = format!("{LINE_FILE} has an agent '{}' already", agent.name);
        return Err(Refusal::invalid("name", why).into());
    }
    let gap = match before {
        "" => "",
        text if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    let addition = format!("{gap}{}", agent.table(folder));
    let (_, old) = read_line(before.to_owned());
    let (line, new) = read_line(format!("{before}{addition}"));
    let is_there = line.agents.iter().any(|rule| rule.name == agent.name);
    match new.into_iter().find(|problem| !old.contains(problem)) {
        None if is_there => Ok(addition),
        problem => {
            let why = problem.map_or_else(
                || "no table can be added to it: it has its agents in one line".to_owned(),
                |problem| problem.to_string(),
            );
            Err(Refusal::invalid(LINE_FILE, why).into())
        }
    }
}

/// Returns what an `obeya.toml` says, and what is wrong in it.
pub(super) fn read_line(text: impl Into<Cow<'static, str>>) -> (Line, Vec<Problem>) {
    link::read_line_file(&Document::new(LINE_FILE, text), &[])
}

fn broken(problem: Problem) -> CliError {
    Refusal::invalid(LINE_FILE, problem.to_string()).into()
}

/// Returns a path without links and steps back, as far as it exists; what does not exist has no steps back in it.
fn resolved(path: &Path) -> Result<PathBuf, CliError> {
    let failed = |fault: io::Error| error::file(path, "finding", &fault);
    let whole = std::path::absolute(path).map_err(failed)?;
    let there = whole
        .ancestors()
        .find(|ancestor| fs::symlink_metadata(ancestor).is_ok());
    let there = there.unwrap_or(Path::new("/"));
    let rest = whole.strip_prefix(there).unwrap_or(Path::new(""));
    if rest.components().any(|part| part == Component::ParentDir) {
        return Err(Refusal::invalid("out", "write the path without '..'").into());
    }
    let there = there.canonicalize().map_err(failed)?;
    Ok(match rest.as_os_str().is_empty() {
        true => there,
        false => there.join(rest),
    })
}

/// Returns a path as one types it who stands in a folder; whole, where nothing but the root is common to both.
fn from(here: &Path, path: &Path) -> PathBuf {
    let shared = here.ancestors().find(|above| path.starts_with(above));
    let Some(shared) = shared.filter(|shared| shared.parent().is_some()) else {
        return path.to_owned();
    };
    let up = here.strip_prefix(shared).unwrap_or(here).components();
    let up: PathBuf = up.map(|_| Component::ParentDir).collect();
    up.join(path.strip_prefix(shared).unwrap_or(path))
}

/// Writes files into a folder that is made for them.
fn write_all(folder: &Path, files: &[(&str, String)]) -> io::Result<()> {
    fs::create_dir(folder)?;
    for (path, text) in files {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)?;
    }
    Ok(())
}

/// Puts a folder in its place. One that came there meanwhile is left alone, even an empty one.
fn claim(staged: &Path, folder: &Path) -> io::Result<()> {
    fs::create_dir(folder)?;
    // It is ours now, and empty, so that the rename replaces nothing else.
    fs::rename(staged, folder).inspect_err(|_| {
        let _ = fs::remove_dir(folder);
    })
}

#[cfg(test)]
#[path = "new_tests.rs"]
mod tests;
