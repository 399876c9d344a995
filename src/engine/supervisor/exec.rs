//! One process for one order.
//!
//! The order reaches the agent on standard input, in its environment and in its arguments; what it exits with and its
//! last line of JSON with a `result` are what came of it. Exit code 0 alone is not: "done" needs words.

use std::{path::PathBuf, sync::Arc};

use serde_json::Value;
use tokio::{sync::watch, time::Instant};

use super::{
    context::{Claim, Context, Holding},
    dispatch::{self, Report, Worked, renewal},
    machine::Ending,
    pool::{Note, Told as Change},
    process::{Process, RUN_VARIABLE, sweep},
    runner::{Ended, Said, Spec, Stream, Told},
    runs::{self, RunNote},
};
use crate::{
    config::line::{AgentRule, Mode, Progress},
    domain::query::life::{LifeSource, LifeState},
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
            run: super::context::run_name(),
            agent: self.rule.name.clone(),
            order: claim.map(|claim| claim.order),
            epoch: claim.map(|claim| claim.epoch),
            term: self.context.term,
            began: self.context.now(),
            runner: None,
            process: None,
            end: None,
            usage: None,
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
    pub(super) fn spec(&self, note: &RunNote, work: Option<(&Claim, &Value)>) -> Spec {
        let (context, rule) = (&self.context, &self.rule);
        let project = context.home.project();
        let stdio = rule.mode == Mode::Stdio;
        let given = rule.env.iter().map(String::as_str);
        let mut env: Vec<(String, String)> = EVERYBODYS
            .iter()
            .copied()
            .chain(given)
            .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)))
            .collect();
        let mut put = |name: &str, value: String| env.push((name.to_owned(), value));
        put("OBEYA_LEDGER", context.home.path().display().to_string());
        put("OBEYA_AGENT", rule.name.clone());
        put(RUN_VARIABLE, note.run.clone());
        let mut words = Template::default();
        if let Some((claim, order)) = work {
            let text = |key: &str| order.get(key).and_then(Value::as_str).unwrap_or_default();
            words = Template {
                id: claim.order.to_string(),
                title: claim.title.clone(),
                prompt: prompt(claim, text("description")),
            };
            put("OBEYA_ORDER", words.id.clone());
            put("OBEYA_EPOCH", format!("{}:{}", claim.order, claim.epoch));
            put("OBEYA_TITLE", words.title.clone());
            put("OBEYA_PROMPT", words.prompt.clone());
        }
        Spec {
            argv: rule.command.iter().map(|part| words.fill(part)).collect(),
            cwd: rule
                .cwd
                .as_ref()
                .map_or_else(|| project.to_owned(), |cwd| project.join(cwd)),
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
            output: PathBuf::from(&note.folder(&context.home)),
        }
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

/// Returns what is to be done, in words.
pub(super) fn prompt(claim: &Claim, description: &str) -> String {
    let mut prompt = match description.trim() {
        "" => format!("{}: {}", claim.order, claim.title),
        text => format!("{}: {}\n\n{text}", claim.order, claim.title),
    };
    if prompt.len() > PROMPT_LIMIT {
        let whole = |at: &usize| prompt.is_char_boundary(*at);
        prompt.truncate((0..=PROMPT_LIMIT).rev().find(whole).unwrap_or(0));
    }
    prompt
}

/// Works on one order with one process, and returns what that says about the agent.
pub(super) async fn run(mut place: Place, claim: Claim) -> Ending {
    place.tell(Change::Order(Some(claim.order)));
    let worked = work(&mut place, &claim).await;
    let (context, rule) = (Arc::clone(&place.context), Arc::clone(&place.rule));
    dispatch::settle(&context, &rule, &claim, worked, &mut place.stop).await
}

async fn work(place: &mut Place, claim: &Claim) -> Worked {
    let order = place.context.order(claim.order).await.unwrap_or_default();
    let mut note = match place.begin(Some(claim)) {
        Ok(note) => note,
        Err(why) => return Worked::Crashed(why),
    };
    let spec = place.spec(&note, Some((claim, &order)));
    let worked = match place.start(&mut note, &spec).await {
        Ok(process) => follow(place, claim, &mut note, process).await,
        Err(why) => Worked::Crashed(why),
    };
    if let Worked::Reported(report) = &worked {
        note.usage = report.usage.clone();
    }
    note.end = Some(summary(&worked));
    place.keep(&note);
    worked
}

/// Returns how a run ended, in words.
pub(super) fn summary(worked: &Worked) -> String {
    match worked {
        Worked::Reported(report) => format!("{:?}", report.result).to_lowercase(),
        Worked::Crashed(why) => format!("crashed: {why}"),
        Worked::Stopped(why) => format!("stopped: {why}"),
        Worked::Over(Holding::Completed) => "done".into(),
        Worked::Over(Holding::Lapsed) => "lapsed".into(),
        Worked::Over(_) => "its claim was taken back".into(),
    }
}

/// Listens to a run until nothing of it is left.
async fn follow(
    place: &mut Place,
    claim: &Claim,
    note: &mut RunNote,
    mut process: Process,
) -> Worked {
    let (context, rule) = (Arc::clone(&place.context), Arc::clone(&place.rule));
    let mut news = context.news.clone();
    let mut next_renewal = Instant::now() + renewal(claim);
    let (mut progress, mut said, mut over) = (false, String::new(), None);
    let mut told = false;
    loop {
        tokio::select! {
            heard = process.hear() => match heard {
                Some(Said::Started(identity)) => {
                    place.tell(Change::Process(note.run.clone(), identity.pid));
                    place.state(LifeState::Busy, LifeSource::Process, None);
                    note.process = Some(identity);
                    place.keep(note);
                }
                Some(Said::Alive) => progress |= rule.progress == Progress::Output,
                Some(Said::Line(line)) => {
                    if let Some((state, words)) = spoken(&line) {
                        progress = true;
                        said = words;
                        place.state(state, LifeSource::Protocol, Some(said.clone()));
                    }
                }
                Some(Said::Ended(ended)) => return judged(over, &ended),
                Some(Said::Failed(why)) => return Worked::Crashed(why),
                None => {
                    let left = sweep(&note.run).await;
                    return Worked::Crashed(format!("its runner was killed; {left} processes were left"));
                }
            },
            _ = news.changed() => {}
            _ = place.stop.changed() => {}
            () = tokio::time::sleep_until(next_renewal) => {
                next_renewal = Instant::now() + renewal(claim);
                if std::mem::take(&mut progress) {
                    context.renew(&rule.name, claim, &said).await;
                }
            }
        }
        let holding = context.holding(&rule.name, claim);
        if holding != Holding::Held && over.is_none() {
            over = Some(holding);
        }
        // An agent that completed its order by itself may end in peace.
        let fenced = over
            .as_ref()
            .is_some_and(|over| *over != Holding::Completed);
        if (fenced || *place.stop.borrow()) && !std::mem::replace(&mut told, true) {
            process.tell(&Told::Stop).await;
        }
    }
}

/// Returns what a line of an agent says that it is about: `{"type":"progress","note":…}`, `{"type":"state","state":"waiting"}`.
fn spoken(line: &str) -> Option<(LifeState, String)> {
    let value: Value = serde_json::from_str(line).ok()?;
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let state = match (text("type")?, text("state")) {
        ("progress", _) => LifeState::Busy,
        ("state", Some("waiting")) => LifeState::Waiting,
        ("state", Some("busy")) => LifeState::Busy,
        _ => return None,
    };
    Some((state, dispatch::sentence(text("note").unwrap_or_default())))
}

/// Returns what came of an order whose process has ended.
fn judged(over: Option<Holding>, ended: &Ended) -> Worked {
    if let Some(over) = over {
        return Worked::Over(over);
    }
    let report = ended.last.as_deref().map(serde_json::from_str::<Report>);
    match (report, ended.code) {
        _ if ended.told => Worked::Stopped("the run was told to end".into()),
        (Some(Ok(report)), Some(0)) => Worked::Reported(report),
        // Who says that it failed may say so with its exit code too; who says that it is done may not.
        (Some(Ok(report)), Some(_)) if report.result != dispatch::Verdict::Done => {
            Worked::Reported(report)
        }
        (Some(Err(error)), Some(0)) => {
            Worked::Crashed(format!("its result cannot be read: {error}"))
        }
        (None, Some(0)) => Worked::Crashed("it exited 0 without a result".into()),
        (_, Some(code)) => Worked::Crashed(format!("it exited with code {code}")),
        (_, None) => {
            let signal = ended.signal.unwrap_or_default();
            Worked::Crashed(format!("signal {signal} ended it"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn done_needs_words_and_a_good_exit() {
        let check = |last: Option<&str>, code: Option<i32>, wanted: &str| {
            let ended = Ended {
                code,
                last: last.map(str::to_owned),
                ..Ended::default()
            };
            assert_eq!(summary(&judged(None, &ended)), wanted);
        };
        let done = Some(r#"{"result":"done"}"#);
        check(done, Some(0), "done");
        check(done, Some(1), "crashed: it exited with code 1");
        check(None, Some(0), "crashed: it exited 0 without a result");
        check(Some(r#"{"result":"failed"}"#), Some(1), "failed");
        check(None, None, "crashed: signal 0 ended it");
        let torn = summary(&judged(
            None,
            &Ended {
                code: Some(0),
                last: Some("{\"result\"".into()),
                ..Ended::default()
            },
        ));
        assert!(
            torn.starts_with("crashed: its result cannot be read"),
            "{torn}"
        );
    }
}
