//! Where the runs of an agent go on: what each is given, and how it is noted.

use std::{path::Path, sync::Arc};

use serde_json::Value;
use tokio::sync::watch;

use super::{
    context::{Claim, Context, run_name},
    inbox::{Note, Told as Change},
    process::{Process, RUN_VARIABLE},
    runner::{Spec, Stream},
    runs::{self, RunNote},
};
use crate::{
    config::line::{AgentRule, Mode},
    domain::query::life::{LifeSource, LifeState},
    engine::workspace::Worktree,
};

/// The variables of the host that every agent gets: where programs are, who it is, how to write.
const EVERYBODYS: &[&str] = &[
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR",
];

/// The longest prompt, in bytes: Linux takes 128 KiB for one argument or variable. The whole text is on standard input.
const PROMPT_LIMIT: usize = 96 * 1024;

/// A place in which runs of an agent go on, one after another.
pub(super) struct Place {
    pub(super) context: Arc<Context>,
    pub(super) rule: Arc<AgentRule>,
    pub(super) slot: usize,
    pub(super) stop: watch::Receiver<bool>,
}

impl Place {
    /// Tells the pool what the run is about.
    pub(super) fn tell(&self, change: Change) {
        let note = Note::Told(self.rule.name.clone(), self.slot, change);
        let _ = self.context.post.send(note);
    }

    pub(super) fn state(&self, state: LifeState, source: LifeSource, note: Option<String>) {
        self.tell(Change::State(state, source, note));
    }

    /// Returns a note of a run that is about to begin, written already.
    pub(super) fn begin(&self, claim: Option<&Claim>) -> Result<RunNote, String> {
        let note = RunNote {
            run: run_name(),
            agent: self.rule.name.clone(),
            order: claim.map(|claim| claim.order),
            epoch: claim.map(|claim| claim.epoch),
            term: self.context.term,
            began: self.context.now(),
            runner: None,
            process: None,
            end: None,
            usage: None,
            metered: self.rule.metered,
        };
        runs::prune(&self.context.home);
        note.write(&self.context.home)
            .map_err(|error| format!("its run could not be noted: {error}"))?;
        Ok(note)
    }

    /// Starts what a spec says, and notes as what.
    pub(super) async fn start(&self, note: &mut RunNote, spec: &Spec) -> Result<Process, String> {
        let process = Process::start(&self.context.program, &note.run, spec).await?;
        note.runner = process.runner.clone();
        self.keep(note);
        Ok(process)
    }

    pub(super) fn keep(&self, note: &RunNote) {
        if let Err(error) = note.write(&self.context.home) {
            tracing::warn!(run = note.run, %error, "a run's note could not be written");
        }
    }

    /// Returns how this agent is run, for an order or without one.
    pub(super) fn spec(
        &self,
        note: &RunNote,
        work: Option<(&Claim, &Value)>,
        worktree: Option<&Worktree>,
    ) -> Spec {
        let (context, rule) = (&self.context, &self.rule);
        let project = worktree.map_or_else(
            || context.home.project().to_owned(),
            |worktree| worktree.folder(),
        );
        let stdio = rule.mode == Mode::Stdio;
        let given = rule.env.iter().map(String::as_str);
        let mut env: Vec<(String, String)> = EVERYBODYS
            .iter()
            .copied()
            .chain(given)
            .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)))
            .collect();
        if let Some((_, path)) = env.iter_mut().find(|(name, _)| name == "PATH") {
            *path = with_own_folder(path, &context.program);
        }
        let mut put = |name: &str, value: String| env.push((name.to_owned(), value));
        put("OBEYA_LEDGER", context.home.path().display().to_string());
        put("OBEYA_AGENT", rule.name.clone());
        put(RUN_VARIABLE, note.run.clone());
        if let Some(worktree) = worktree {
            put("OBEYA_WORKTREE", worktree.folder().display().to_string());
            put("OBEYA_BRANCH", worktree.branch());
        }
        let mut words = Template::default();
        if let Some((claim, order)) = work {
            let text = |key: &str| order.get(key).and_then(Value::as_str).unwrap_or_default();
            words = Template {
                id: claim.order.to_string(),
                title: claim.title.clone(),
                prompt: prompt(claim, order),
            };
            put("OBEYA_ORDER", words.id.clone());
            put("OBEYA_EPOCH", format!("{}:{}", claim.order, claim.epoch));
            put("OBEYA_TITLE", words.title.clone());
            put("OBEYA_STAGE", text("stage").to_owned());
            put("OBEYA_PROMPT", words.prompt.clone());
        }
        Spec {
            argv: rule.command.iter().map(|part| words.fill(part)).collect(),
            cwd: rule
                .cwd
                .as_ref()
                .map_or_else(|| project.clone(), |cwd| project.join(cwd)),
            // A NUL byte can stand in no environment; titles come from outside.
            env: env
                .into_iter()
                .map(|(name, value)| (name, value.replace('\0', "")))
                .collect(),
            input: work
                .filter(|_| !stdio)
                .map(|(_, order)| format!("{order}\n")),
            stream: match stdio {
                true => Stream::Lines,
                false => Stream::Text,
            },
            grace_ms: u64::from(rule.grace_seconds) * 1_000,
            output: note.folder(&context.home),
        }
    }
}

/// Returns the folders in which programs are found, last of all that of obeya itself: what an agent calls, its hooks too, is
/// then there wherever obeya lies, and hides nothing.
fn with_own_folder(path: &str, program: &Path) -> String {
    let folder = program.parent().and_then(Path::to_str);
    match folder.filter(|folder| !folder.is_empty() && !folder.contains(':')) {
        Some(folder) => format!("{path}:{folder}"),
        None => path.to_owned(),
    }
}

/// What stands for what in an agent's arguments.
#[derive(Default)]
struct Template {
    id: String,
    title: String,
    prompt: String,
}

impl Template {
    /// Fills an argument in one pass: what a title looks like is never read as a place to fill.
    fn fill(&self, part: &str) -> String {
        let places = [
            ("{id}", &self.id),
            ("{title}", &self.title),
            ("{prompt}", &self.prompt),
        ];
        let (mut filled, mut rest) = (String::new(), part);
        while let Some(at) = rest.find('{') {
            let (before, from) = rest.split_at(at);
            filled.push_str(before);
            let place = places.iter().find(|(name, _)| from.starts_with(name));
            let (text, length) = place.map_or(("{", 1), |(name, text)| (text.as_str(), name.len()));
            filled.push_str(text);
            rest = from.get(length..).unwrap_or_default();
        }
        filled.push_str(rest);
        filled.replace('\0', "")
    }
}

/// Returns what is to be done, in words, and what was said about it lately: why it came back, for one.
pub(super) fn prompt(claim: &Claim, order: &Value) -> String {
    let text = |of: &Value, key: &str| -> String {
        let text = of.get(key).and_then(Value::as_str).unwrap_or_default();
        text.trim().to_owned()
    };
    let mut prompt = format!("{}: {}", claim.order, claim.title);
    let description = text(order, "description");
    if !description.is_empty() {
        prompt.push_str(&format!("\n\n{description}"));
    }
    let comments = order.get("latest_comments").and_then(Value::as_array);
    for (at, comment) in comments.into_iter().flatten().enumerate() {
        let before = if at == 0 { "\n\nSaid about it:" } else { "" };
        let (author, said) = (text(comment, "author"), text(comment, "text"));
        prompt.push_str(&format!("{before}\n- {author}: {said}"));
    }
    if prompt.len() > PROMPT_LIMIT {
        let whole = |at: &usize| prompt.is_char_boundary(*at);
        prompt.truncate((0..=PROMPT_LIMIT).rev().find(whole).unwrap_or(0));
    }
    prompt
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn a_prompt_says_what_was_said() {
        let claim = Claim {
            order: "WO-001".parse().unwrap(),
            title: "Greet".into(),
            epoch: 1,
            seconds: 60,
        };
        let alone = serde_json::json!({ "description": "  " });
        assert_eq!(prompt(&claim, &alone), "WO-001: Greet");
        let order = serde_json::json!({ "description": "Kindly.", "latest_comments": [
            { "author": "dev", "text": "dev failed: held by gate tests (failed)" },
            { "author": "ada", "text": "louder" },
        ]});
        let wanted = "WO-001: Greet\n\nKindly.\n\nSaid about it:\n\
                      - dev: dev failed: held by gate tests (failed)\n- ada: louder";
        assert_eq!(prompt(&claim, &order), wanted);
    }

    #[test]
    fn arguments_are_filled_once() {
        let words = Template {
            id: "WO-001".into(),
            title: "{prompt} $(rm)".into(),
            prompt: "all".into(),
        };
        assert_eq!(words.fill("--{id}={title}"), "--WO-001={prompt} $(rm)");
        assert_eq!(words.fill("{a} {prompt}{"), "{a} all{");
    }
}
