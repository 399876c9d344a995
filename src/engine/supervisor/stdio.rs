//! One process that takes order after order, by lines of JSON; `docs/agents.md` has the schema.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    context::{Claim, Context, Holding},
    dispatch::{self, Report, Verdict, Worked, renewal},
    exec::{NOT_FOUND, not_found, summary},
    inbox::Told as Change,
    landing,
    machine::Ending,
    mail::Mail,
    meter::Meter,
    place::{Place, prompt},
    process::{Process, sweep},
    runner::{Ended, Said, Told},
    runs::RunNote,
};
use crate::{
    config::line::AgentRule,
    domain::query::life::{LifeSource, LifeState},
    engine::workspace::Worktree,
};

/// The version of these messages.
const PROTOCOL: u32 = 1;
/// How long an agent may take to say hello.
const HELLO: Duration = Duration::from_secs(30);
/// The pause after work that failed, times the failures in a row.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// The most failures in a row that lengthen the pause.
const LONGEST_ROW: u32 = 30;
/// Long enough to be no deadline.
const NO_DEADLINE: Duration = Duration::from_secs(24 * 3_600);

/// What a host says to an agent.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ToAgent<'a> {
    /// First of all.
    Hello { protocol: u32, agent: &'a str },
    /// Work.
    Execute {
        id: String,
        epoch: u32,
        lease_seconds: u32,
        prompt: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        worktree: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        branch: Option<String>,
        order: &'a Value,
    },
    /// What became of a result.
    Settled { id: String, outcome: &'a str },
    /// The order is to be left alone: its claim is over.
    Cancel { id: String, reason: &'a str },
}

/// What an agent says to its host. Fields that are not known are ignored.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FromAgent {
    Hello {},
    Progress {
        #[serde(default)]
        note: Option<String>,
    },
    State {
        state: String,
        #[serde(default)]
        note: Option<String>,
        #[serde(default)]
        source: Option<String>,
        #[serde(default)]
        retry_after: Option<u32>,
    },
    Result {
        id: String,
        #[serde(flatten)]
        report: Report,
    },
    Usage(serde_json::Map<String, Value>),
}

/// An order in the agent's hands.
struct Job {
    claim: Claim,
    meter: Meter,
    renew_at: Instant,
    progress: bool,
    said: String,
    /// The claim is over, and until when the agent may take to let go.
    over: Option<(Holding, Instant)>,
}

/// A conversation.
struct Talk {
    place: Place,
    run: String,
    process: Process,
    mail: Mail,
    greeted: bool,
    greet_by: Instant,
    job: Option<Job>,
    row: u32,
    not_before: Instant,
    told: bool,
    /// Why it was told to end, where it is at fault.
    fault: Option<String>,
}

/// Runs an agent until it ends, and returns what that says about it.
pub(super) async fn run(place: Place) -> Ending {
    let mut note = match place.begin(None) {
        Ok(note) => note,
        Err(why) => return Ending::Crashed(why),
    };
    place.state(LifeState::Starting, LifeSource::Process, None);
    let spec = place.spec(&note, None, None);
    match place.start(&mut note, &spec).await {
        Ok(process) => {
            let talk = Talk {
                place,
                run: note.run.clone(),
                process,
                mail: Mail::default(),
                greeted: false,
                greet_by: Instant::now() + HELLO,
                job: None,
                row: 0,
                not_before: Instant::now(),
                told: false,
                fault: None,
            };
            talk.hold(&mut note).await
        }
        Err(why) => {
            note.end = Some(why.clone());
            place.keep(&note);
            Ending::Crashed(why)
        }
    }
}

impl Talk {
    fn context(&self) -> Arc<Context> {
        Arc::clone(&self.place.context)
    }

    fn rule(&self) -> Arc<AgentRule> {
        Arc::clone(&self.place.rule)
    }

    async fn say(&mut self, message: &ToAgent<'_>) {
        if let Ok(mut line) = serde_json::to_string(message) {
            line.push('\n');
            self.process.tell(&Told::Input(line)).await;
        }
    }

    /// Holds the conversation until nothing of the agent is left.
    async fn hold(mut self, note: &mut RunNote) -> Ending {
        let rule = self.rule();
        self.say(&ToAgent::Hello {
            protocol: PROTOCOL,
            agent: &rule.name,
        })
        .await;
        let mut news = self.place.context.news.clone();
        let ended = loop {
            self.look().await;
            let deadline = self.deadline();
            tokio::select! {
                heard = self.process.hear(), if self.mail.has_room() => match heard {
                    Some(Said::Started(identity)) => {
                        self.place.tell(Change::Process(note.run.clone(), identity.pid));
                        note.process = Some(identity);
                        self.place.keep(note);
                    }
                    Some(Said::Alive) => self.alive(false, None),
                    Some(Said::Line(line)) => self.heard(&line).await,
                    Some(Said::Ended(ended)) => break Ok(ended),
                    Some(Said::Failed(why)) => break Err(Ending::Crashed(why)),
                    Some(Said::Missing(why)) => break Err(Ending::Missing(why)),
                    None => {
                        let left = sweep(&note.run).await;
                        let why = format!("its runner was killed; {left} processes were left");
                        break Err(Ending::Crashed(why));
                    }
                },
                line = self.mail.next() => if let Some(line) = line {
                    self.process.tell(&Told::Input(line)).await;
                },
                // Whoever is gone tells nothing more.
                Ok(()) = news.changed() => {}
                Ok(()) = self.place.stop.changed() => {}
                () = tokio::time::sleep_until(deadline) => {}
            }
            self.mail.working(self.job.is_some());
        };
        self.mail.close().await;
        let ending = self.end(ended).await;
        note.end = Some(match &ending {
            Ending::Crashed(why) => format!("crashed: {why}"),
            Ending::Missing(why) => why.clone(),
            other => format!("{other:?}").to_lowercase(),
        });
        self.place.keep(note);
        ending
    }

    /// Returns when something is to be looked at though nothing was heard.
    fn deadline(&self) -> Instant {
        let far = Instant::now() + NO_DEADLINE;
        match &self.job {
            _ if self.told => far,
            _ if !self.greeted => self.greet_by,
            Some(Job {
                over: Some((_, by)),
                ..
            }) => *by,
            Some(job) => job.renew_at.min(job.meter.due()),
            None if self.not_before > Instant::now() => self.not_before,
            None => far,
        }
    }

    async fn tell_to_end(&mut self, fault: Option<String>) {
        if !std::mem::replace(&mut self.told, true) {
            self.fault = fault;
            self.process.tell(&Told::Stop).await;
        }
    }

    /// Does what time, the ledger or an operator wants.
    async fn look(&mut self) {
        let (context, rule) = (self.context(), self.rule());
        if *self.place.stop.borrow() {
            return self.tell_to_end(None).await;
        }
        let now = Instant::now();
        if !self.greeted {
            if now >= self.greet_by {
                let why = format!("it said no hello within {} s", HELLO.as_secs());
                self.tell_to_end(Some(why)).await;
            }
            return;
        }
        let Some(job) = &mut self.job else {
            if !self.told && now >= self.not_before && context.in_office() {
                self.pull().await;
            }
            return;
        };
        if now >= job.meter.due() {
            job.meter.record(&context).await;
        }
        let holding = context.holding(&rule.name, &job.claim);
        match (&job.over, holding) {
            (Some((_, by)), _) if now >= *by => {
                self.tell_to_end(Some(
                    "it did not let go of an order that is no longer its".into(),
                ))
                .await;
            }
            (Some(_), _) => {}
            (None, Holding::Held) => {
                if now >= job.renew_at {
                    job.renew_at = now + renewal(&job.claim);
                    if std::mem::take(&mut job.progress) {
                        context.renew(&rule.name, &job.claim, &job.said).await;
                    }
                }
            }
            (None, holding) => {
                let hung = holding == Holding::Lapsed;
                let grace = Duration::from_secs(u64::from(rule.grace_seconds));
                let id = job.claim.order.to_string();
                job.over = Some((holding.clone(), now + grace));
                match (hung, holding) {
                    (true, _) => {
                        let why = "it made no progress, and its lease lapsed".to_owned();
                        self.tell_to_end(Some(why)).await;
                    }
                    // It completed its order by itself, and its result is still to come.
                    (_, Holding::Completed) => {}
                    (_, Holding::Spent(why)) => {
                        self.say(&ToAgent::Cancel { id, reason: &why }).await;
                    }
                    _ => {
                        let reason = "the order was taken back or ended";
                        self.say(&ToAgent::Cancel { id, reason }).await;
                    }
                }
            }
        }
    }

    async fn pull(&mut self) {
        let (context, rule) = (self.context(), self.rule());
        let Some(claim) = dispatch::pull(&context, &rule).await else {
            return;
        };
        let worktree = match landing::begin(&context, &rule, &claim, &mut self.place.stop).await {
            Ok(worktree) => worktree,
            Err(worked) => {
                dispatch::settle(&context, &rule, &claim, worked, &mut self.place.stop).await;
                return;
            }
        };
        let order = context.order(claim.order).await.unwrap_or_default();
        let prompt = prompt(&claim, &order);
        self.say(&ToAgent::Execute {
            id: claim.order.to_string(),
            epoch: claim.epoch,
            lease_seconds: claim.seconds,
            prompt,
            worktree: worktree
                .as_ref()
                .map(|made| made.folder().display().to_string()),
            branch: worktree.as_ref().map(Worktree::branch),
            order: &order,
        })
        .await;
        let mut meter = Meter::new(&context, &rule, &claim);
        meter.begin(&self.run);
        self.place.tell(Change::Order(Some(claim.order)));
        self.place
            .state(LifeState::Busy, LifeSource::Protocol, None);
        self.job = Some(Job {
            renew_at: Instant::now() + renewal(&claim),
            meter,
            claim,
            progress: false,
            said: String::new(),
            over: None,
        });
    }

    fn alive(&mut self, spoken: bool, note: Option<String>) {
        let counts = spoken || self.place.rule.progress == crate::config::line::Progress::Output;
        if let Some(job) = self.job.as_mut().filter(|_| counts) {
            job.progress = true;
            if let Some(note) = note {
                job.said = note;
            }
        }
    }

    async fn heard(&mut self, line: &str) {
        let clean = |note: Option<String>| note.as_deref().map(dispatch::sentence);
        match serde_json::from_str(line) {
            Ok(FromAgent::Hello {}) => {
                self.greeted = true;
                self.mail.open(&self.place.context, &self.place.rule);
                self.place
                    .state(LifeState::Idle, LifeSource::Protocol, None);
            }
            Ok(FromAgent::Progress { note }) => {
                let note = clean(note);
                self.place
                    .state(LifeState::Busy, LifeSource::Protocol, note.clone());
                self.alive(true, note);
            }
            Ok(FromAgent::State {
                state,
                note,
                source,
                retry_after,
            }) => {
                self.alive(true, clean(note.clone()));
                let state = match state.as_str() {
                    "waiting" => LifeState::Waiting,
                    "busy" => LifeState::Busy,
                    "idle" => LifeState::Idle,
                    "throttled" => {
                        let until = dispatch::throttled_until(&self.place.context, retry_after);
                        let source = clean(source).unwrap_or_else(|| "its provider".into());
                        self.rest(until.since(self.place.context.now()));
                        return self.place.tell(Change::Throttled(source, until));
                    }
                    _ => return tracing::debug!(state, "an agent is in a state nobody knows"),
                };
                self.place.state(state, LifeSource::Protocol, clean(note));
            }
            Ok(FromAgent::Usage(told)) => {
                if let Some(job) = &mut self.job {
                    job.meter.hear(&Value::Object(told));
                }
            }
            Ok(FromAgent::Result { id, report }) => self.result(&id, report).await,
            Err(error) if !self.mail.heard(line) => {
                tracing::debug!(%error, "an agent said something that is not known");
            }
            Err(_) => {}
        }
    }

    /// Pulls nothing for so many microseconds.
    fn rest(&mut self, micros: i64) {
        let length = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        self.not_before = self.not_before.max(Instant::now() + length);
    }

    async fn result(&mut self, id: &str, report: Report) {
        let ours = |job: &mut Job| job.claim.order.to_string() == id;
        let Some(mut job) = self.job.take_if(ours) else {
            return tracing::debug!(id, "a result for an order that the agent does not have");
        };
        let (context, rule) = (self.context(), self.rule());
        let failed = report.result == Verdict::Failed;
        let pause = dispatch::throttled_until(&context, report.retry_after).since(context.now());
        let throttled = report.result == Verdict::Throttled;
        if let Some(told) = &report.usage {
            job.meter.hear(told);
        }
        let worked = match job.over {
            // What was done when the budget was spent is done.
            Some((Holding::Spent(_), _)) if report.result == Verdict::Done => {
                Worked::Reported(report)
            }
            Some((holding, _)) => Worked::Over(holding),
            None => Worked::Reported(report),
        };
        job.meter.record(&context).await;
        let ending =
            dispatch::settle(&context, &rule, &job.claim, worked, &mut self.place.stop).await;
        job.meter.close(&context).await;
        let outcome = match &ending {
            Ending::Well => "settled",
            Ending::Stopped => "void",
            _ => "released",
        };
        let id = job.claim.order.to_string();
        self.say(&ToAgent::Settled { id, outcome }).await;
        self.row = match failed || ending == Ending::Failed {
            true => (self.row + 1).min(LONGEST_ROW),
            false => 0,
        };
        self.not_before = Instant::now() + AFTER_FAILURE * self.row;
        if throttled {
            self.rest(pause);
        }
        self.place.tell(Change::Order(None));
        match ending {
            Ending::Throttled { source, until } => {
                self.place.tell(Change::Throttled(source, until))
            }
            Ending::Well => self.place.tell(Change::Healthy),
            _ => {}
        }
        self.place
            .state(LifeState::Idle, LifeSource::Protocol, None);
    }

    /// Writes down what an agent left that has ended.
    async fn end(&mut self, ended: Result<Ended, Ending>) -> Ending {
        let (context, rule) = (self.context(), self.rule());
        let fault = self.fault.take();
        let ending = match &ended {
            _ if self.told => match fault {
                Some(why) => Ending::Crashed(why),
                None => Ending::Stopped,
            },
            Err(ending) => ending.clone(),
            Ok(ended) => match (ended.code, ended.signal) {
                (Some(0), _) if self.job.is_none() => Ending::Well,
                (Some(NOT_FOUND), _) if !self.greeted => Ending::Missing(not_found(&rule)),
                (Some(code), _) => Ending::Crashed(format!("it exited with code {code}")),
                (None, signal) => {
                    Ending::Crashed(format!("signal {} ended it", signal.unwrap_or_default()))
                }
            },
        };
        if let Some(mut job) = self.job.take() {
            job.meter.record(&context).await;
            let worked = match (job.over, &ending) {
                (Some((holding, _)), _) => Worked::Over(holding),
                (None, Ending::Crashed(why)) => Worked::Crashed(why.clone()),
                (None, _) => Worked::Stopped("the run was told to end".into()),
            };
            tracing::debug!(end = summary(&worked), "an agent ended over its work");
            dispatch::settle(&context, &rule, &job.claim, worked, &mut self.place.stop).await;
            job.meter.close(&context).await;
        }
        ending
    }
}
